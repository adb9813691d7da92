"""Put the weights of a run into the package: RUN COMMIT HARDWARE SECONDS, after
time ddpm-course train --profile NAME --seed 0 --name NAME, which says how long a core computed.

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
    given, commit, hardware, seconds = sys.argv[1:]
    run = Run.open(given)
    profile = load_profile(run.folder.name)
    sampler = {key: getattr(profile, key) for key in SAMPLER}
    assert dataclasses.replace(run.profile, **sampler) == profile, "train it anew"
    config = json.loads((run.folder / "config.json").read_text())
    config["profile"] = dataclasses.asdict(profile)
    config |= {"commit": commit, "hardware": hardware, "seconds": round(float(seconds))}
    folder = TRAINED / run.folder.name
    folder.mkdir(parents=True, exist_ok=True)
    write_weights(folder, {"ema": read_weights(run.folder, "ema")})
    write_file(folder / "config.json", (json.dumps(config, indent=2) + "\n").encode())
