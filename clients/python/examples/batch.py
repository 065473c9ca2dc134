"""Many pictures at once: python examples/batch.py folder "a red fox" "a blue fox" …"""

import sys
from pathlib import Path

from comfyapi import Client, JobFailed, ProgressBar

folder, prompts = Path(sys.argv[1]), sys.argv[2:]
folder.mkdir(parents=True, exist_ok=True)

with Client() as service:
    # All are submitted before the first is waited for, so that every GPU has work.
    jobs = [service.submit(prompt, tags=["batch"]) for prompt in prompts]
    bar = ProgressBar("Batch")
    for number, job in enumerate(jobs):
        bar(number / len(jobs), f"{number} of {len(jobs)}")
        try:
            for file in service.save(service.wait(job), folder):
                print(file)
        except JobFailed as failure:
            print(failure, file=sys.stderr)
    bar.close()
