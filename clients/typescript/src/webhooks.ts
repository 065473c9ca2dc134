import { createHmac, timingSafeEqual } from "node:crypto";

/** What a webhook brings. */
export interface WebhookMessage {
  type: string;
  /** When it happened, RFC 3339. */
  timestamp: string;
  data: Record<string, unknown>;
}

/** The message is not from the service, was changed, or is too old: answer 400. */
export class InvalidSignature extends Error {
  constructor(why: string) {
    super(why);
    this.name = "InvalidSignature";
  }
}

/**
 * Checks a message as Standard Webhooks 1.0.0 says (https://www.standardwebhooks.com) and answers its content.
 *
 * Remember `webhook-id` for a few minutes and ignore a message that you have had: a message may come twice.
 *
 * @param secret `whsec_…`, as shown when the endpoint was made
 * @param headers of the request, names in lower case as Node gives them
 * @param body exactly the text that came, before any JSON parser
 * @param toleranceS how old a message may be, against replays
 * @param nowS Unix seconds; the clock's when left out
 */
export function verifyWebhook(
  secret: string,
  headers: Record<string, string | string[] | undefined>,
  body: string | Uint8Array,
  toleranceS = 300,
  nowS = Date.now() / 1000,
): WebhookMessage {
  const id = headers["webhook-id"];
  const timestamp = headers["webhook-timestamp"];
  const signatures = headers["webhook-signature"];
  if (typeof id !== "string" || typeof timestamp !== "string" || typeof signatures !== "string") {
    throw new InvalidSignature("not a signed message");
  }
  if (!(Math.abs(nowS - Number(timestamp)) <= toleranceS)) {
    throw new InvalidSignature("the message is too old, or this machine's clock is wrong");
  }
  const expected = createHmac("sha256", Buffer.from(secret.replace(/^whsec_/, ""), "base64"))
    .update(`${id}.${timestamp}.`)
    .update(body)
    .digest();
  for (const signature of signatures.split(" ")) {
    const [version, value = ""] = signature.split(",", 2);
    const given = Buffer.from(value, "base64");
    if (version === "v1" && given.length === expected.length && timingSafeEqual(given, expected)) {
      return JSON.parse(typeof body === "string" ? body : Buffer.from(body).toString("utf8")) as WebhookMessage;
    }
  }
  throw new InvalidSignature("no signature fits");
}
