"""How good are the laptop profile's samples, and is DDIM with 50 steps as good as DDPM with 1,000?

Trains a network for each seed, and measures the profile's own sampler and the two others, all from
the same noise. Less than an hour on two cores. From the top of the repository:
OMP_NUM_THREADS=1 python bench/quality.py > bench/quality.md

With the folder of a run, or the name of one that the package has, and seeds: how good are its
samples by other samplers? Each seed is another noise; a walk of 1,000 steps has the first one only.
For `fashion`, whose images are in the folder data, about a quarter of an hour a seed on one core, and
half an hour more; --calls 50 leaves out what asks the network more often for an image:
OMP_NUM_THREADS=1 python bench/quality.py fashion 1 2 3 > bench/fashion.md
"""

import argparse
import dataclasses
import os
import platform
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
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
PROFILE = load_profile("laptop")
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
ALL = 1000  # calls of the longest


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

    sampler.sample(Denoiser(run.schedule("cpu"), network, "epsilon", network), (1, 1))
    return len(asked)


def of_a_run(run: Run, seeds: list[int], most: int) -> None:
    """Print the table of many samplers of one network, with at most so many calls of it an image."""
    data_dir = run.profile.data_dir
    reference = load_reference(run.profile.data, data_dir)
    held_out = load_set(run.profile.data, PARTS[1], data_dir=data_dir)
    sets = baselines(reference)
    real, memoriser = sets["held out"], sets["memoriser"]
    seen = reference.classifier(held_out.floats()).argmax(1)
    right = float((seen == held_out.labels).float().mean())
    print(f"# Samples of {run.folder.name}\n\n## Found\n")
    print(
        "| sampler | calls | Fréchet, floors | as told | confident of real | nearest of held out |\n"
        + "|---" * 6
        + "|"
    )
    plain = dataclasses.replace(run.profile.sampler, spacing="trailing", solver="ddim", eta=0.0)
    for name, changes in OF_A_RUN.items():
        sampler = dataclasses.replace(plain, **changes)
        if (asked := calls(run, sampler)) > most:
            continue
        number = len(reference.held_out)
        tried = seeds[:1] if asked == ALL else seeds
        drawn = (sample_images(run, number, seed, "cpu", sampler=sampler) for seed in tried)
        each = [found(reference, images, real) for images in drawn]
        floors, told, confident, nearest = zip(*each)
        spread = f" ± {stdev(floors):.2f}" if len(tried) > 1 else ""
        print(
            f"| {name} | {asked} | {mean(floors):.2f}{spread} | "
            f"{mean(told):.1%} | {mean(confident):.0%} | {mean(nearest):.2f} |",
            flush=True,
        )
    print(f"| images held out | | 1.00 | {right:.1%} | 100% | 1.00 |")
    print(
        f"| memoriser | | {memoriser.frechet / real.frechet:.2f} | | "
        f"{memoriser.confident / real.confident:.0%} | 0.00 |\n"
    )
    spread = (
        "The spread, where there is one, is that over the noise; of training nothing is known, since "
        "it was done once."
        if len(seeds) > 1
        else "One training and one noise: of a spread nothing is known."
    )
    longest = ", 1,000 steps from that of the first" * (most == ALL)
    print(
        f"{len(reference.held_out)} samples of one network in each row, the classes in turn, from "
        f"the noise of seed {', '.join(map(str, seeds))}{longest}. {spread} As "
        "told: the share that the classifier sees as the class that was asked for. Trailing times, "
        "clipped.\n"
    )
    print(
        f"On {hardware()}; torch {torch.__version__}, Python {platform.python_version()}. Not "
        f"measured on a GPU.\n"
    )
    given = " ".join(map(str, seeds)) + f" --calls {most}" * (most < ALL)
    print(
        f"## Command\n\n`OMP_NUM_THREADS=1 python bench/quality.py {run.folder.name} {given} "
        f"> bench/{run.folder.name}.md`"
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
    parser.add_argument("run", nargs="?")
    parser.add_argument("seeds", nargs="*", type=int)
    parser.add_argument("--calls", type=int, default=ALL)
    given = parser.parse_args()
    if given.run:
        of_a_run(Run.open(given.run), given.seeds, given.calls)
    else:
        of_the_profile()
