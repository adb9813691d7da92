"""A speedrun: how many seconds of one core does a network need until it draws good digits?

Everybody can enter. An entry is a function: it trains from a seed, and returns what draws images.

1. It learns from the training half of the digits, and from nothing that was learned elsewhere.
2. It draws at most 50 calls of a network an image. It may know the class that it is to draw.
3. Its time is in processor seconds of one thread, from the start of its process, imports
   included, until it returns. Drawing and measuring come after that.
4. It has reached the goal if the Fréchet distance of as many images as are held out, in the
   features of the course's classifier, is at most 2 floors on average over the seeds 0 to 4. A floor
   is the distance between two sets of real images. Which seed is the best does not count.

To enter, write a function beside `laptop` in bench/speedrun.py, name it in ENTRIES, and show the
lines that this command prints for it, from the top of the repository:
`OMP_NUM_THREADS=1 python bench/speedrun.py NAME`. Without a name all entries run.
"""

import dataclasses
import json
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import mean, median, stdev

import torch
from rounds import hardware
from torch import Tensor

from ddpm_course.data import load_set
from ddpm_course.runs.drawing import draw_batches
from ddpm_course.runs.loop import batches, build_schedule, initial_state, training_loop
from ddpm_course.runs.measures import load_reference, measure
from ddpm_course.runs.processes import Processes
from ddpm_course.runs.profiles import Profile, load_profile

GOAL = 2.0  # floors
SEEDS = range(5)
CPU = torch.device("cpu")

Draw = Callable[[int], Tensor]  # images [N, 1, 8, 8] in [-1, 1]


def course(profile: Profile, seed: int) -> Draw:
    """The loop of `ddpm-course train`, without its folder."""
    images, schedule = load_set("digits"), build_schedule(profile, CPU)
    state, processes = initial_state(profile, 1, seed, CPU), Processes(CPU)
    shares = batches(profile, images, seed, 1, processes)
    for _ in training_loop(profile, schedule, state, shares, seed, processes):
        pass
    return lambda num: draw_batches(profile, schedule, state.ema, images.image_shape, seed, num)


def laptop(seed: int) -> Draw:
    """The profile `laptop` as it is."""
    return course(load_profile("laptop"), seed)


def short(seed: int) -> Draw:
    """The same in 600 steps."""
    return course(dataclasses.replace(load_profile("laptop"), num_steps=600), seed)


ENTRIES = {entry.__name__: entry for entry in (laptop, short)}


def enter(name: str, seed: int) -> tuple[float, float]:
    """Processor seconds of this process until the entry has trained; floors of what it draws."""
    draw = ENTRIES[name](seed)
    seconds = time.process_time()
    reference = load_reference("digits")
    found = measure(reference, draw(len(reference.held_out)))
    return seconds, found.frechet / float(reference.floors["frechet"].mean())


def entered(name: str) -> list[tuple[float, float]]:
    """`enter` for each seed, in a cold process each."""
    command = [sys.executable, __file__, "--seed"]
    return [
        json.loads(subprocess.check_output([*command, str(seed), name], text=True))
        for seed in SEEDS
    ]


def row(name: str, found: list[tuple[float, float]], commit: str) -> str:
    seconds, floors = zip(*found)
    reached = "yes" if mean(floors) <= GOAL else "no"
    each = ", ".join(f"{one:.2f}" for one in floors)
    return (
        f"| {name} | {(ENTRIES[name].__doc__ or '').rstrip('.')} | {median(seconds):.0f} | "
        f"{min(seconds):.0f} to {max(seconds):.0f} | {mean(floors):.2f} ± {stdev(floors):.2f} | "
        f"{each} | {reached} | {commit} |"
    )


def report(names: list[str]) -> Iterator[str]:
    rules = (__doc__ or "").partition("\n\n")[2].rstrip()
    yield f"# Speedrun\n\n{rules}\n\n## Entries\n"
    yield (
        "| entry | what | seconds, median | of the seeds | floors | of the seeds 0 to 4 | "
        f"at most {GOAL:g} | commit |\n|---|---|---|---|---|---|---|---|"
    )
    git = ["git", "-C", str(Path(__file__).parent), "rev-parse", "--short", "HEAD"]
    commit = subprocess.check_output(git, text=True).strip()
    for name in names:
        yield row(name, entered(name), commit)
    yield (
        f"\nOn {hardware()}; torch {torch.__version__}, Python {platform.python_version()}. Not "
        "measured on a GPU: no card has entered, and for one the digits are few; `bench/gpu.py` trains on 60,000 glyphs.\n\n## Command\n\n"
        "`OMP_NUM_THREADS=1 python bench/speedrun.py > bench/speedrun.md`"
    )


if __name__ == "__main__":
    torch.set_num_threads(1)
    if sys.argv[1:2] == ["--seed"]:
        print(json.dumps(enter(sys.argv[3], int(sys.argv[2]))))
    else:
        for line in report(sys.argv[1:] or [*ENTRIES]):
            print(line, flush=True)
