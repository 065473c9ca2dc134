"""Verify what the service sends: Standard Webhooks 1.0.0, https://www.standardwebhooks.com."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import time
from typing import Any, Dict, Mapping, Optional, Union


class InvalidSignature(Exception):
    """The message is not from the service, was changed, or is too old: answer 400."""


def verify_webhook(
    secret: str,
    headers: Mapping[str, str],
    body: Union[str, bytes],
    *,
    tolerance_s: int = 300,
    now: Optional[float] = None,
) -> Dict[str, Any]:
    """Checks a message and answers its content.

    Remember `webhook-id` for a few minutes and ignore a message that you have had: a message may come
    twice.

    Args:
        secret: `whsec_…`, as shown when the endpoint was made.
        headers: of the request; names in any case.
        body: exactly the bytes that came, before any JSON parser.
        tolerance_s: how old a message may be, against replays.
        now: Unix seconds; the clock's when left out.

    Raises:
        InvalidSignature: do not believe it.
    """
    lower = {name.lower(): value for name, value in headers.items()}
    try:
        number, stamp = lower["webhook-id"], lower["webhook-timestamp"]
        signatures = lower["webhook-signature"]
        sent = int(stamp)
        key = base64.b64decode(secret[len("whsec_") :] if secret.startswith("whsec_") else secret, validate=True)
    except (KeyError, ValueError, binascii.Error) as error:
        raise InvalidSignature(f"not a signed message: {error}") from None
    if abs((time.time() if now is None else now) - sent) > tolerance_s:
        raise InvalidSignature("the message is too old, or this machine's clock is wrong")
    raw = body.encode() if isinstance(body, str) else body
    expected = base64.b64encode(
        hmac.new(key, number.encode() + b"." + stamp.encode() + b"." + raw, hashlib.sha256).digest()
    )
    for signature in signatures.split(" "):
        version, _, value = signature.partition(",")
        if version == "v1" and hmac.compare_digest(expected, value.encode()):
            content: Dict[str, Any] = json.loads(raw)
            return content
    raise InvalidSignature("no signature fits")
