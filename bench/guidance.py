"""What does a larger guidance scale change? Distance, classifier, and variance within a class.

Digits: a network of the profile `laptop`, trained with label_dropout = 0.1, for each of five seeds.
Garments: the network `fashion`, which comes with the package, from three draws of noise; its images
are in the folder data. About forty minutes of one core. From the top of the repository:
OMP_NUM_THREADS=1 python bench/guidance.py > bench/guidance.md
"""

import dataclasses
import os
import platform
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from statistics import mean, stdev
from typing import NamedTuple

import torch
from quality import Found, found, in_turn
from rounds import hardware
from torch import Tensor

from ddpm_course.data import PARTS, load_set
from ddpm_course.runs.drawing import sample_images
from ddpm_course.runs.measures import baselines, load_reference, quantize
from ddpm_course.runs.profiles import load_profile
from ddpm_course.runs.run import Run
from ddpm_course.runs.training import train

SCALES = 1.0, 1.5, 2.0, 3.0, 5.0
NETWORKS = range(5)  # seeds of training
NOISES = range(1, 4)


class Guided(NamedTuple):
    found: Found
    features: float  # variance within a class, as a share of that of real images
    pixels: float  # the same, of pixels in the place of the classifier's features
    contrast: float  # standard deviation of the pixels of an image, as a share of that of real ones


def within(x: Tensor, labels: Tensor) -> float:
    """Mean over the classes of the variance within a class, summed over the numbers of x."""
    return mean(float(x[labels == k].flatten(1).var(0).sum()) for k in labels.unique())


def contrast(images: Tensor) -> float:
    return float(images.flatten(1).std(1).mean())


def by_scale(run: Run, noise: int) -> dict[float, Guided]:
    """Draw with each scale, and compare with images held out."""
    reference = load_reference(run.profile.data, run.profile.data_dir)
    held_out = load_set(run.profile.data, PARTS[1], data_dir=run.profile.data_dir)
    real, labels, told = held_out.floats(), held_out.labels, in_turn(reference)
    look, known = reference.classifier.features, baselines(reference)["held out"]
    results = {}
    for scale in SCALES:
        sampler = dataclasses.replace(run.profile.sampler, guidance_scale=scale)
        drawn = sample_images(run, len(told), noise, "cpu", sampler=sampler)
        images = quantize(drawn, reference.levels)
        results[scale] = Guided(
            found(reference, drawn, known),
            within(look(images), told) / within(look(real), labels),
            within(images, told) / within(real, labels),
            contrast(images) / contrast(reference.held_out),
        )
    return results


def of_digits(seed: int) -> dict[float, Guided]:
    profile = dataclasses.replace(load_profile("laptop"), label_dropout=0.1)
    with tempfile.TemporaryDirectory() as room:
        return by_scale(Run.open(train(profile, seed, Path(room) / "run")), 1)


def of_garments(noise: int) -> dict[float, Guided]:
    return by_scale(Run.open("fashion"), noise)


def table(each: list[dict[float, Guided]]) -> str:
    lines = [
        "| scale | Fréchet, floors | more than at 1 | as told | variance in a class, features "
        "| the same, pixels | contrast | nearest of held out |",
        "|---" * 8 + "|",
    ]
    plain = [of_one[1.0].found.floors for of_one in each]
    for scale in SCALES:
        results, features, pixels, sharp = zip(*(of_one[scale] for of_one in each))
        floors, told, _, near = zip(*results)
        more = [a - b for a, b in zip(floors, plain)]
        lines.append(
            f"| {scale:g} | {mean(floors):.2f} ± {stdev(floors):.2f} "
            f"| {mean(more):+.2f} ± {stdev(more):.2f} | {mean(told):.1%} "
            f"| {mean(features):.2f} ± {stdev(features):.2f} "
            f"| {mean(pixels):.2f} ± {stdev(pixels):.2f} | {mean(sharp):.2f} | {mean(near):.2f} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        found_in = [pool.map(of_garments, NOISES), pool.map(of_digits, NETWORKS)]
        garments, digits = map(list, found_in)
    print("# Guidance of trained networks\n\n## Digits\n")
    print(table(digits))
    print(
        f"\nMean and standard deviation over {len(digits)} networks of the profile `laptop`, trained "
        f"with `label_dropout = 0.1` from the seeds {', '.join(map(str, NETWORKS))}; 898 samples of "
        "each, from one noise.\n\n## Garments\n"
    )
    print(table(garments))
    print(
        f"\nOne network, `fashion`, and the noise of seed {', '.join(map(str, NOISES))}, over which "
        "the spread is taken; 900 samples of each.\n\n## Columns\n\n"
        "Each network draws with the sampler of its profile, the classes in turn, and from the same "
        "noise with each scale: so the difference of two rows has a spread of its own. As told: the share "
        "that the classifier sees as the class that was asked for. The variance within a class is "
        "summed over the numbers of an image, or of its features, and its mean over the classes is "
        "given as a share of that of real images held out; so are the contrast, which is the standard "
        "deviation of the pixels of an image, and the distance to the nearest training image.\n"
    )
    print(
        f"On {hardware()}; torch {torch.__version__}, Python {platform.python_version()}. Not "
        "measured on a GPU.\n\n## Command\n\n"
        "`OMP_NUM_THREADS=1 python bench/guidance.py > bench/guidance.md`"
    )
