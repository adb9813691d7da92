"""Put the weights of a run into the package: RUN COMMIT HARDWARE, after one of
ddpm-course train --profile NAME --seed 0 --name NAME.

The sampler is that of the profile as it is now: it can be chosen when the weights are there.
"""

import dataclasses
import json
import sys

from ddpm_course.runs.checkpoint import read_weights, write_weights
from ddpm_course.runs.files import write_file
from ddpm_course.runs.profiles import load_profile
from ddpm_course.runs.run import Run
from ddpm_course.runs.trained import TRAINED

SAMPLER = (
    "sampling_steps",
    "spacing",
    "solver",
    "eta",
    "variance_type",
    "clip_sample",
    "guidance_scale",
)

if __name__ == "__main__":
    given, commit, hardware = sys.argv[1:]
    run = Run.open(given)
    profile = load_profile(run.folder.name)
    sampler = {key: getattr(profile, key) for key in SAMPLER}
    assert dataclasses.replace(run.profile, **sampler) == profile, "train it anew"
    config = json.loads((run.folder / "config.json").read_text())
    metrics = map(json.loads, (run.folder / "metrics.jsonl").read_text().splitlines())
    seconds = sum(profile.log_every / each["steps_per_second"] for each in metrics)
    config |= {"profile": dataclasses.asdict(profile), "commit": commit, "hardware": hardware}
    folder = TRAINED / run.folder.name
    folder.mkdir(parents=True, exist_ok=True)
    write_weights(folder, {"ema": read_weights(run.folder, "ema")})
    content = json.dumps(config | {"seconds": round(seconds)}, indent=2) + "\n"
    write_file(folder / "config.json", content.encode())
