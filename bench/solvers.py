"""How good are samples of the laptop profile after 5, 10, 20 and 50 calls, by each solver?

The arguments are folders of runs, trained from different seeds and otherwise alike. All solvers
start from the same noise, and clip the predicted image as the profile does. From the top of the
repository, two minutes for each run on one core:
OMP_NUM_THREADS=1 python bench/solvers.py RUN RUN ... > bench/solvers.md
So was bench/flow.md made, of runs that learnt the velocity on the flow schedule.
"""

import dataclasses
import os
import platform
import sys
from concurrent.futures import ProcessPoolExecutor
from statistics import mean, stdev

import torch
from rounds import hardware

from ddpm_course.runs.drawing import sample_images
from ddpm_course.runs.measures import bootstrap_ratio, load_reference, measure
from ddpm_course.runs.profiles import load_profile
from ddpm_course.runs.run import Run

CALLS = 5, 10, 20, 50
SOLVERS = {"ddim": "DDIM", "heun": "Heun", "dpmpp_2m": "2M"}
SPACINGS = "trailing", "quadratic"


def distances(folder: str) -> dict[tuple[str, str, int], float]:
    """The Fréchet distances of a run's samples, in floors, by times, solver and calls."""
    run = Run.open(folder)
    return {
        (spacing, solver, calls): distance(run, solver, spacing, calls)
        for spacing in SPACINGS
        for solver in SOLVERS
        for calls in CALLS
    }


def changed(run: Run) -> dict[str, object]:
    """What the profile of a run has otherwise than `laptop`."""
    usual = dataclasses.asdict(load_profile("laptop"))
    own = dataclasses.asdict(run.profile).items()
    return {key: value for key, value in own if value != usual[key]}


def distance(run: Run, solver: str, spacing: str, calls: int) -> float:
    steps = (calls + 1) // 2 if solver == "heun" else calls
    sampler = dataclasses.replace(
        run.profile.sampler, steps=steps, spacing=spacing, solver=solver, eta=0.0
    )
    reference = load_reference(run.profile.data)
    samples = sample_images(run, len(reference.held_out), 1, "cpu", sampler=sampler)
    return measure(reference, samples).frechet / float(reference.floors["frechet"].mean())


def option(key: str, value: object) -> str:
    """As `ddpm-course train` takes it."""
    name = key.replace("_", "-")
    if isinstance(value, bool):
        return f"--{name}" if value else f"--no-{name}"
    values = value if isinstance(value, tuple) else (value,)
    return " ".join((f"--{name}", *map(str, values)))


if __name__ == "__main__":
    folders = sys.argv[1:]
    if len(folders) < 5:
        sys.exit("give five runs or more: fewer have no interval")
    runs = [Run.open(folder) for folder in folders]
    others = changed(runs[0])
    said = "".join(f", `{key} = {value}`" for key, value in others.items())
    options = "".join(f" {option(key, value)}" for key, value in others.items())
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        each = [*pool.map(distances, folders)]
    found = {key: [of_run[key] for of_run in each] for key in each[0]}
    print("# Quality against calls of the network\n\n## Found\n")
    print(f"| times | solver | {' | '.join(f'{calls} calls' for calls in CALLS)} |")
    print("|---" * (2 + len(CALLS)) + "|")
    for spacing in SPACINGS:
        for solver, name in SOLVERS.items():
            row = [found[spacing, solver, calls] for calls in CALLS]
            cells = " | ".join(f"{mean(cell):.2f} ± {stdev(cell):.2f}" for cell in row)
            print(f"| {spacing} | {name} | {cells} |")
    print(
        f"\nFréchet distance of 898 samples to the held-out digits, in floors; mean and standard "
        f"deviation over {len(folders)} networks of the profile `laptop`{said}, of the seeds "
        f"{', '.join(str(run.seed) for run in runs)}. Heun calls the network twice in "
        "each step but the first and the last: it makes half as many steps, and takes one or two calls "
        "less than the column says.\n"
    )
    for spacing in SPACINGS:
        for calls in CALLS[:-1]:
            got = bootstrap_ratio(
                found[spacing, "dpmpp_2m", calls], found["trailing", "ddim", CALLS[-1]]
            )
            print(
                f"- 2M with {calls} calls and {spacing} times against DDIM with 50 and trailing "
                f"ones: ratio of the distances {got.ratio:.2f}, 95% interval {got.low:.2f} to "
                f"{got.high:.2f}."
            )
    print(
        f"\nOn {hardware()}; torch {torch.__version__}, Python {platform.python_version()}. Not "
        f"measured on a GPU.\n\n## Command\n\nFor each SEED `OMP_NUM_THREADS=1 ddpm-course train "
        f"--seed SEED --name NAME-SEED{options}`, then `OMP_NUM_THREADS=1 python bench/solvers.py "
        f"runs/NAME-*`"
    )
