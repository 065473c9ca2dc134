"""A picture, with a progress bar: python examples/generate.py "a red fox in the snow" fox.png"""

import sys

from comfyapi import Client, JobFailed, ProgressBar

prompt = sys.argv[1] if len(sys.argv) > 1 else "a red fox in the snow"
target = sys.argv[2] if len(sys.argv) > 2 else "fox.png"

with Client() as service:
    bar = ProgressBar("Painting")
    try:
        job = service.generate(prompt, on_progress=bar)
    except JobFailed as failure:
        sys.exit(str(failure))
    finally:
        bar.close()
    for file in service.save(job, target):
        print(file)
