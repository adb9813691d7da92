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
from rounds import hardware
from torch import Tensor

from ddpm_course.data import PARTS, load_set
from ddpm_course.runs.drawing import sample_images
from ddpm_course.runs.measures import Reference, load_reference, measure, quantize
from ddpm_course.runs.profiles import load_profile
from ddpm_course.runs.run import Run
from ddpm_course.runs.training import train

SCALES = 1.0, 1.5, 2.0, 3.0, 5.0
NETWORKS = range(5)  # seeds of training
NOISES = range(1, 4)


class Found(NamedTuple):
    floors: float  # Fréchet distance
    told: float  # share of the images that the classifier sees as the class that was asked for
    features: float  # variance within a class, as a share of that of real images
    pixels: float  # the same, of pixels in the place of the classifier's features
    contrast: float  # standard deviation of the pixels of an image, as a share of that of real ones
    nearest: float  # distance to the nearest training image, as a share of that of held-out ones


def within(x: Tensor, labels: Tensor) -> float:
    """Mean over the classes of the variance within a class, summed over the numbers of x."""
    return mean(float(x[labels == k].flatten(1).var(0).sum()) for k in labels.unique())


def contrast(images: Tensor) -> float:
    return float(images.flatten(1).std(1).mean())


def found(run: Run, reference: Reference, scale: float, noise: int) -> Found:
    """Draw with a scale, the classes in turn, and compare with as many images held out."""
    sampler = dataclasses.replace(run.profile.sampler, guidance_scale=scale)
    number, classes = len(reference.held_out), len(reference.classes)
    drawn = sample_images(run, number, noise, "cpu", sampler=sampler)
    images, told = quantize(drawn, reference.levels), torch.arange(number) % classes
    real = load_set(run.profile.data, PARTS[1], data_dir=run.profile.data_dir)
    seen, look = reference.classifier(images).argmax(1), reference.classifier.features
    got, of_real = measure(reference, drawn), measure(reference, reference.held_out)
    return Found(
        got.frechet / float(reference.floors["frechet"].mean()),
        float((seen == told).float().mean()),
        within(look(images), told) / within(look(real.floats()), real.labels),
        within(images, told) / within(real.floats(), real.labels),
        contrast(images) / contrast(reference.held_out),
        got.nearest / of_real.nearest,
    )


def of_digits(seed: int) -> dict[float, Found]:
    profile = dataclasses.replace(load_profile("laptop"), label_dropout=0.1)
    with tempfile.TemporaryDirectory() as room:
        run = Run.open(train(profile, seed, Path(room) / "run"))
        return {scale: found(run, load_reference("digits"), scale, 1) for scale in SCALES}


def of_garments(noise: int) -> dict[float, Found]:
    run = Run.open("fashion")
    reference = load_reference(run.profile.data, run.profile.data_dir)
    return {scale: found(run, reference, scale, noise) for scale in SCALES}


def table(each: list[dict[float, Found]]) -> str:
    lines = [
        "| scale | Fréchet, floors | as told | variance in a class, features | the same, pixels "
        "| contrast | nearest of held out |",
        "|---" * 7 + "|",
    ]
    for scale in SCALES:
        floors, told, features, pixels, sharp, near = zip(*(of_one[scale] for of_one in each))
        lines.append(
            f"| {scale:g} | {mean(floors):.2f} ± {stdev(floors):.2f} | {mean(told):.1%} "
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
        "Each network draws with the sampler of its profile, the classes in turn. As told: the share "
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
