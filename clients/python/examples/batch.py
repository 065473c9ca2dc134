"""Many pictures at once: python examples/batch.py folder "a red fox" "a blue fox" …"""

import sys
from pathlib import Path

from comfyapi import Client, ProgressBar

folder, prompts = Path(sys.argv[1]), sys.argv[2:]
folder.mkdir(parents=True, exist_ok=True)

with Client() as service:
    batch = service.submit_batch({"prompt": prompt, "custom_id": f"row-{i}"} for i, prompt in enumerate(prompts))
    bar = ProgressBar("Batch")
    service.wait_batch(batch, on_progress=bar)
    bar.close()
    for result in service.batch_results(batch):
        if result["status"] == "succeeded":
            for file in service.save(result, folder):
                print(file)
        else:
            print(result["custom_id"], result["status"], (result["error"] or {}).get("message", ""), file=sys.stderr)
