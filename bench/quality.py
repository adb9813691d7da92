"""How good are the laptop profile's samples, and is DDIM with 50 steps as good as DDPM with 1,000?

Trains a network for each seed, and measures the profile's own sampler and the two others, all from
the same noise. Less than an hour on two cores. From the top of the repository:
OMP_NUM_THREADS=1 python bench/quality.py > bench/quality.md
"""

import dataclasses
import os
import platform
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from statistics import median

import torch
from rounds import hardware

from ddpm_course.runs.evaluation import evaluate
from ddpm_course.runs.measures import Measures, bootstrap_ratio
from ddpm_course.runs.profiles import load_profile
from ddpm_course.runs.training import train

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


if __name__ == "__main__":
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
