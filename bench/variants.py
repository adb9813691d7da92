"""What helps the laptop profile's samples, and what does not: one thing changed at a time.

Every variant is trained anew from two seeds, except for those that only sample otherwise. About
30 minutes on two cores. From the top of the repository:
OMP_NUM_THREADS=1 python bench/variants.py > bench/variants.md
"""

import dataclasses
import os
import platform
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from statistics import mean

import torch
from rounds import hardware

from ddpm_course.runs.evaluation import evaluate
from ddpm_course.runs.measures import Measures
from ddpm_course.runs.profiles import load_profile
from ddpm_course.runs.training import train

SEEDS = 20, 21
PROFILE = load_profile("laptop", changes={"device": "cpu"})
SAMPLED = {
    "sampling: η = 0": {"eta": 0.0},
    "sampling: η = 0.5": {"eta": 0.5},
    "sampling: η = 1": {"eta": 1.0},
    "sampling: 20 steps": {"steps": 20},
    "sampling: 250 steps": {"steps": 250},
    "sampling: quadratic spacing": {"spacing": "quadratic"},
    "sampling: no clipping": {"clip_sample": False},
}
TRAINED = {
    "the profile": {},
    "without classes": {"num_classes": 0},
    "without classes, η = 1 in 1000 steps": {"num_classes": 0, "sampling_steps": 1000, "eta": 1.0},
    "predicts v": {"prediction_type": "v_prediction"},
    "predicts the image": {"prediction_type": "sample"},
    "weights of the bound": {"weighting": "bound"},
    "min-SNR weights, predicts v": {"weighting": "min_snr", "prediction_type": "v_prediction"},
    "linear schedule": {"schedule": "linear"},
    "sigmoid schedule": {"schedule": "sigmoid"},
    "dropout 0.1": {"dropout": 0.1},
    "weight decay 0.1": {"weight_decay": 0.1},
    "no attention": {"attention_levels": ()},
    "24 channels, 600 steps": {"model_channels": 24, "num_steps": 600},
    "batches of 64, 1,800 steps": {"batch_size": 64, "num_steps": 1800},
    "learning rate halved": {"learning_rate": 2e-3},
    "average: limit 0.98": {"ema_decay": 0.98},
    "average: limit 0.999": {"ema_decay": 0.999},
    "three times as many steps": {"num_steps": 3000},
}


def results(job: tuple[str, int]) -> dict[str, dict[str, Measures]]:
    """Train a variant from a seed; the measures of its samples, by name of the row."""
    name, seed = job
    profile = dataclasses.replace(PROFILE, num_samples=1, **TRAINED[name])
    with tempfile.TemporaryDirectory() as room:
        run_dir = train(profile, seed, Path(room) / "run")
        samplers = {name: {}} | (SAMPLED if name == "the profile" else {})
        return {
            row: evaluate(
                run_dir, seed, profile.device, dataclasses.replace(profile.sampler, **changed)
            ).sets
            for row, changed in samplers.items()
        }


def lines() -> Iterator[str]:
    jobs = [(name, seed) for name in TRAINED for seed in SEEDS]
    rows: dict[str, list[dict[str, Measures]]] = {}
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for found in pool.map(results, jobs):
            for name, sets in found.items():
                rows.setdefault(name, []).append(sets)
    for name, found in rows.items():
        pairs = [(sets["samples"], sets["held out"]) for sets in found]
        floors = [got.frechet / real.frechet for got, real in pairs]
        yield (
            f"| {name} | {mean(floors):.2f} | {', '.join(f'{value:.2f}' for value in floors)} "
            f"| {mean(got.confident / real.confident for got, real in pairs):.0%} "
            f"| {mean(got.nearest / real.nearest for got, real in pairs):.2f} |"
        )


if __name__ == "__main__":
    start = time.perf_counter()
    print("# One thing changed at a time\n\n## Found\n")
    print(
        "| variant of the laptop profile | floors, mean | seed by seed | confident of real | "
        "nearest of held out |\n" + "|---" * 5 + "|"
    )
    print(*lines(), sep="\n")
    print(
        f"\nAll of it took {(time.perf_counter() - start) / 60:.0f} minutes, {os.cpu_count()} "
        f"processes at a time, on {hardware()}; torch {torch.__version__}, Python "
        f"{platform.python_version()}. Not measured on a GPU.\n"
    )
    print("## Command\n\n`OMP_NUM_THREADS=1 python bench/variants.py > bench/variants.md`")
