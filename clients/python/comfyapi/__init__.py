"""Client of the ComfyUI API Service.

    from comfyapi import Client

    with Client() as service:
        job = service.generate("a red fox in the snow")
        service.save(job, "fox.png")

Needs nothing but Python 3.9.
"""

from .client import ApiError, Batch, Client, Job, JobFailed, ProgressBar
from .webhooks import InvalidSignature, verify_webhook

__all__ = [
    "ApiError",
    "Batch",
    "Client",
    "InvalidSignature",
    "Job",
    "JobFailed",
    "ProgressBar",
    "verify_webhook",
]
