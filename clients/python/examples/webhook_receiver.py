"""Is told when jobs end: WEBHOOK_SECRET=whsec_… python examples/webhook_receiver.py 9000

Then submit with "webhook": {"url": "http://127.0.0.1:9000/"}.
"""

import os
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

from comfyapi import InvalidSignature, verify_webhook


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        try:
            event = verify_webhook(os.environ["WEBHOOK_SECRET"], dict(self.headers), body)
        except InvalidSignature as refusal:
            self.send_error(400, str(refusal))
            return
        print(event["type"], event["data"].get("job_id"), event["data"].get("image_url"), flush=True)
        self.send_response(204)
        self.end_headers()


HTTPServer(("127.0.0.1", int(sys.argv[1]) if len(sys.argv) > 1 else 9000), Receiver).serve_forever()
