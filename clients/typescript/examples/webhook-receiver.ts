/** Is told when jobs end: WEBHOOK_SECRET=whsec_… node dist/examples/webhook-receiver.js 9000 */
import { createServer } from "node:http";
import { InvalidSignature, verifyWebhook } from "../src/index.js";

const secret = process.env["WEBHOOK_SECRET"] ?? "";

createServer(async (request, answer) => {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  try {
    const event = verifyWebhook(secret, request.headers, Buffer.concat(parts));
    console.log(event.type, event.data["job_id"], event.data["image_url"]);
    answer.writeHead(204).end();
  } catch (refusal) {
    answer.writeHead(refusal instanceof InvalidSignature ? 400 : 500).end(String(refusal));
  }
}).listen(Number(process.argv[2] ?? 9000), "127.0.0.1");
