"""How good are the laptop profile's samples, and is DDIM with 50 steps as good as DDPM with 1,000?

Trains a network for each seed, and measures the profile's own sampler and the two others, all from
the same noise. Less than an hour on two cores. From the top of the repository:
OMP_NUM_THREADS=1 python bench/quality.py > bench/quality.md

With folders of runs, or names of those that the package has: how good are their samples by other
samplers? Each of --noise is another seed of the noise; a walk of 1,000 steps is taken by the first
network, from the first noise. For `fashion`, whose images are in the folder data, about a quarter of
an hour of a core for each network, and half an hour more; --calls 50 leaves out what asks the network
more often for an image. The two others are trained before, with --seed 1 --name fashion-1, and so on:
OMP_NUM_THREADS=1 python bench/quality.py fashion runs/fashion-1 runs/fashion-2 > bench/fashion.md
"""

import argparse
import dataclasses
import os
import platform
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from itertools import product
from pathlib import Path
from statistics import mean, median, stdev
from typing import NamedTuple

import torch
from rounds import hardware
from torch import Tensor

from ddpm_course.data import PARTS, load_set
from ddpm_course.prediction import Denoiser
from ddpm_course.runs.drawing import sample_images
from ddpm_course.runs.evaluation import evaluate
from ddpm_course.runs.measures import (
    Measures,
    Reference,
    baselines,
    bootstrap_ratio,
    load_reference,
    measure,
    quantize,
)
from ddpm_course.runs.profiles import load_profile
from ddpm_course.runs.run import Run
from ddpm_course.runs.training import train
from ddpm_course.sampling import Sampler

SEEDS = range(10, 18)  # 0 to 3 were looked at when the sampler of the profile was chosen
PROFILE = load_profile("laptop", changes={"device": "cpu"})
SAMPLERS = {
    "profile": PROFILE.sampler,
    "DDIM 50": dataclasses.replace(PROFILE.sampler, steps=50, spacing="trailing", eta=0.0),
    "DDPM 1000": dataclasses.replace(PROFILE.sampler, steps=1000, spacing="trailing", eta=1.0),
}


def measure_seed(seed: int) -> dict[str, dict[str, Measures]]:
    """Train one network; return the measures of the sets for each sampler."""
    with tempfile.TemporaryDirectory() as room:
        run_dir = train(PROFILE, seed, Path(room) / "run")
        return {
            name: evaluate(run_dir, seed, PROFILE.device, sampler).sets
            for name, sampler in SAMPLERS.items()
        }


def row(seed: int, name: str, sets: dict[str, Measures]) -> str:
    got, real = sets["samples"], sets["held out"]
    return (
        f"| {seed} | {name} | {got.frechet / real.frechet:.2f} | {1000 * got.kernel:.1f} "
        f"| {got.confident / real.confident:.1%} | {min(got.classes):.1%} | "
        f"{max(got.classes):.1%} | {got.nearest / real.nearest:.2f} |"
    )


def three_seeds(results: dict[int, dict], name: str) -> str:
    """The medians of the first three seeds, beside what was to be reached."""
    chosen = [results[seed][name] for seed in list(results)[:3]]

    def middle(quantity) -> float:
        return median(quantity(sets["samples"], sets["held out"]) for sets in chosen)

    return "\n".join(
        [
            "| median of the first three seeds | reached | asked for |",
            "|---|---|---|",
            f"| Fréchet distance, in floors | {middle(lambda a, b: a.frechet / b.frechet):.2f} "
            "| at most 2 |",
            f"| confident, share of real | {middle(lambda a, b: a.confident / b.confident):.1%} "
            "| at least 85% |",
            f"| rarest class | {middle(lambda a, b: min(a.classes)):.1%} | at least 5% |",
            f"| commonest class | {middle(lambda a, b: max(a.classes)):.1%} | at most 15% |",
            f"| nearest training image, share of held-out | "
            f"{middle(lambda a, b: a.nearest / b.nearest):.2f} | at least 1 |",
        ]
    )


# --- One run, many samplers ----------------------------------------------------------------------

OF_A_RUN = {
    **{f"DDIM, {steps} steps": {"steps": steps} for steps in (5, 10, 20, 50)},
    **{f"Heun, {steps} steps": {"steps": steps, "solver": "heun"} for steps in (3, 5, 10, 25)},
    **{f"2M, {steps} steps": {"steps": steps, "solver": "dpmpp_2m"} for steps in (5, 10, 20, 50)},
    "η = 1, 20 steps": {"steps": 20, "eta": 1.0},
    "η = 1, 50 steps": {"steps": 50, "eta": 1.0},
    "DDPM, 1,000 steps": {"steps": 1000, "eta": 1.0},
}
LONGEST = 1000  # calls of the last


class Found(NamedTuple):
    floors: float  # Fréchet distance
    told: float  # share of the images that the classifier sees as the class that was asked for
    confident: float  # share of what it is of the held-out images
    nearest: float  # the same


def in_turn(reference: Reference) -> Tensor:
    """The classes that samples are asked for, as many as there are images held out."""
    return torch.arange(len(reference.held_out)) % len(reference.classes)


def found(reference: Reference, images: Tensor, real: Measures) -> Found:
    """Measure samples whose classes take turns, beside what was measured of real images."""
    got = measure(reference, images)
    seen = reference.classifier(quantize(images, reference.levels)).argmax(1)
    return Found(
        got.frechet / real.frechet,
        float((seen == in_turn(reference)).float().mean()),
        got.confident / real.confident,
        got.nearest / real.nearest,
    )


def calls(run: Run, sampler: Sampler) -> int:
    """Of the network, for an image: those of one that counts them."""
    asked = []

    def network(x: Tensor, t: Tensor) -> Tensor:
        asked.append(t)
        return x

    kind = run.profile.prediction_type
    sampler.sample(Denoiser(run.schedule("cpu"), network, kind, network), (1, 1))
    return len(asked)


@cache
def known(data: str, data_dir: str) -> tuple[Reference, dict[str, Measures]]:
    reference = load_reference(data, data_dir)
    return reference, baselines(reference)


def drawn_by(run: Run, sampler: Sampler, noise: int) -> Found:
    """Draw as many samples as there are images held out, and measure them."""
    torch.set_num_threads(1)
    reference, sets = known(run.profile.data, run.profile.data_dir)
    images = sample_images(run, len(reference.held_out), noise, "cpu", sampler=sampler)
    return found(reference, images, sets["held out"])


def of_runs(runs: list[Run], noises: list[int], most: int) -> None:
    """Print the table of many samplers, with at most so many calls of a network for an image."""
    first, pairs = runs[0], list(product(runs, noises))
    plain = dataclasses.replace(first.profile.sampler, spacing="trailing", solver="ddim", eta=0.0)
    samplers = {name: dataclasses.replace(plain, **changes) for name, changes in OF_A_RUN.items()}
    asked = {name: calls(first, sampler) for name, sampler in samplers.items()}
    names = [name for name in samplers if asked[name] <= most]
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        drawn = {
            name: [
                pool.submit(drawn_by, run, samplers[name], noise)
                for run, noise in (pairs[:1] if asked[name] == LONGEST else pairs)
            ]
            for name in sorted(names, key=asked.__getitem__, reverse=True)  # the long ones first
        }
        rows = {name: [each.result() for each in drawn[name]] for name in names}
    print(f"# Samples of {first.folder.name}\n\n## Found\n")
    print(
        "| sampler | calls | Fréchet, floors | as told | confident of real | nearest of held out |\n"
        + "|---" * 6
        + "|"
    )
    for name in names:
        floors, told, confident, nearest = zip(*rows[name])
        spread = f" ± {stdev(floors):.2f}" if len(floors) > 1 else ""
        print(
            f"| {name} | {asked[name]} | {mean(floors):.2f}{spread} | "
            f"{mean(told):.1%} | {mean(confident):.0%} | {mean(nearest):.2f} |"
        )
    reference, sets = known(first.profile.data, first.profile.data_dir)
    held_out = load_set(first.profile.data, PARTS[1], data_dir=first.profile.data_dir)
    seen = reference.classifier(held_out.floats()).argmax(1)
    right = float((seen == held_out.labels).float().mean())
    real, memoriser = sets["held out"], sets["memoriser"]
    print(f"| images held out | | 1.00 | {right:.1%} | 100% | 1.00 |")
    print(
        f"| memoriser | | {memoriser.frechet / real.frechet:.2f} | | "
        f"{memoriser.confident / real.confident:.0%} | 0.00 |\n"
    )
    trained = ", ".join(str(run.seed) for run in runs)
    spread = (
        "Given are means over them, and the standard deviation of the distance."
        if len(pairs) > 1
        else "One of each: of a spread nothing is known."
    )
    if len(pairs) > 1 and LONGEST in map(asked.__getitem__, names):
        spread += " The walk of 1,000 steps is of the first network and noise alone."
    print(
        f"{len(reference.held_out)} samples, the classes in turn, for each training (seed {trained}) "
        f"and noise (seed {', '.join(map(str, noises))}). {spread} As told: the share that the "
        "classifier sees as the class that was asked for. Trailing times, clipped.\n"
    )
    made = "".join(
        f"`OMP_NUM_THREADS=1 ddpm-course train --profile {first.folder.name} --seed {run.seed} "
        f"--name {run.folder.name}`\n\n"
        for run in runs[1:]
    )
    print(
        f"On {hardware()}; torch {torch.__version__}, Python {platform.python_version()}. Not "
        f"measured on a GPU.\n\n## Command\n\n{made}`OMP_NUM_THREADS=1 python bench/quality.py "
        f"{' '.join(sys.argv[1:])} > bench/{first.folder.name}.md`"
    )


def of_the_profile() -> None:
    start = time.perf_counter()
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        results = dict(zip(SEEDS, pool.map(measure_seed, SEEDS)))
    distances = {
        name: [result[name]["samples"].frechet for result in results.values()] for name in SAMPLERS
    }
    got = bootstrap_ratio(distances["DDIM 50"], distances["DDPM 1000"])
    verdict = "no worse" if got.high < 1.15 else "unresolved at this n"
    print("# Samples of the laptop profile\n\n## Reached\n")
    print(three_seeds(results, "profile"))
    print(
        f"\nDDIM with 50 steps against DDPM with 1,000, {len(SEEDS)} seeds, the same starting "
        f"noise, n = 898: ratio of the distances {got.ratio:.2f}, 95% interval {got.low:.2f} to "
        f"{got.high:.2f}: **{verdict}**.\n"
    )
    print(
        "| seed | sampler | Fréchet, floors | kernel / 1000 | confident of real | rarest | "
        "commonest | nearest of held out |\n" + "|---" * 8 + "|"
    )
    for seed, result in results.items():
        for name in SAMPLERS:
            print(row(seed, name, result[name]))
    print(
        f"\nAll of it took {(time.perf_counter() - start) / 60:.0f} minutes, {os.cpu_count()} "
        f"processes at a time, on {hardware()}; torch {torch.__version__}, Python "
        f"{platform.python_version()}. Not measured on a GPU.\n"
    )
    print("## Command\n\n`OMP_NUM_THREADS=1 python bench/quality.py > bench/quality.md`")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="*")
    parser.add_argument("--noise", nargs="+", type=int, default=[1])
    parser.add_argument("--calls", type=int, default=LONGEST)
    given = parser.parse_args()
    if given.runs:
        of_runs([*map(Run.open, given.runs)], given.noise, given.calls)
    else:
        of_the_profile()
