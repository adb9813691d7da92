"""Samples of a run, in batches, as tensors and as pictures."""

import dataclasses
import math
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import torch
from jaxtyping import Float, Int
from torch import Tensor
from tqdm import tqdm

from ddpm_course.checks import BadValue, check_instance, check_int, check_path, check_seed
from ddpm_course.data import grid_png, random_stream, save_grid
from ddpm_course.runs.files import check_new_file, write_file
from ddpm_course.runs.loop import build_denoiser
from ddpm_course.runs.processes import computing
from ddpm_course.runs.profiles import Profile
from ddpm_course.runs.run import Run
from ddpm_course.runs.trained import beside
from ddpm_course.sampling import Sampler
from ddpm_course.schedule import NoiseSchedule
from ddpm_course.unet import UNet

# Of a batch of samples: fewer, larger tensors are slower on a CPU, and fill its memory.
SAMPLING_PIXELS = 2**17


def sample_labels(
    model: UNet, numbers: Sequence[int], label: int | None = None
) -> Int[Tensor, "B"] | None:
    """The classes of the samples with these numbers, int64 [B] where the weights are.

    Sample i is of class i modulo model.num_classes, or of class label. None for a network without
    classes. Raises BadInput for a label that the network does not know.
    """
    if not model.num_classes and label is None:
        return None
    if not model.num_classes:
        raise BadValue(
            "sample_labels",
            "label",
            got=str(label),
            expected="none: this network was trained without classes",
            fix="leave the label out, or train with num_classes",
        )
    if label is not None:
        check_int("sample_labels", "label", label, 0, model.num_classes - 1)
    chosen = [i % model.num_classes if label is None else label for i in numbers]
    return torch.tensor(chosen, device=next(model.parameters()).device)


def walk_samples(
    profile: Profile,
    schedule: NoiseSchedule,
    model: UNet,
    image_shape: Sequence[int],
    seed: int,
    numbers: Sequence[int],
    label: int | None = None,
    sampler: Sampler | None = None,
) -> Iterator[tuple[int, Float[Tensor, "B C H W"]]]:
    """Yield (t, x_t) at the times of a sampler, x_t [B, C, H, W], down to (0, x_0).

    The sampler is the profile's, unless another is given.

    The batch holds the samples with these numbers of the seed; none depends on the others, but
    for rounding. Sample i is of class i modulo their number, or of class label. model is in
    evaluation mode. Raises BadInput for a label that the network does not know.
    """
    labels = sample_labels(model, numbers, label)
    return (sampler or profile.sampler).walk(
        build_denoiser(profile, schedule, model, labels),
        (len(numbers), *image_shape),
        device=next(model.parameters()).device,
        seeds=[random_stream(seed, "sample", i).initial_seed() for i in numbers],
    )


def draw_batches(
    profile: Profile,
    schedule: NoiseSchedule,
    model: UNet,
    image_shape: Sequence[int],
    seed: int,
    num: int,
    label: int | None = None,
    sampler: Sampler | None = None,
    watch: Callable[[int, Tensor], None] = lambda count, x: None,
) -> Float[Tensor, "{num} C H W"]:
    """Draw num samples in batches, float32 [num, C, H, W], on the CPU.

    watch sees each x_t of a batch, counted from 0, of one batch after the other.
    """
    size = max(1, SAMPLING_PIXELS // math.prod(image_shape[1:]))
    batches = [range(first, min(first + size, num)) for first in range(0, num, size)]
    sampler, drawn = sampler or profile.sampler, []
    total = len(batches) * (sampler.steps + 1)
    with tqdm(total=total, desc="sample", unit="step", disable=None) as bar:
        for numbers in batches:
            walk = walk_samples(
                profile, schedule, model, image_shape, seed, numbers, label, sampler
            )
            for count, (t, x) in enumerate(walk):
                watch(count, x)
                if t == 0:
                    drawn.append(x.cpu())
                bar.update()
    return torch.cat(drawn)


def check_samples(where: str, num_samples: int, image_shape: Sequence[int]) -> None:
    """Raise BadValue for more samples than this machine's memory can hold."""
    needed = 4 * 2 * num_samples * math.prod(image_shape)  # float32, in batches and as one
    there = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if needed > there:
        raise BadValue(
            where,
            "num_samples",
            got=f"{num_samples}, which takes {needed / 2**30:,.1f} GiB",
            expected=f"no more than the {there / 2**30:,.1f} GiB that are there",
            fix="draw fewer, and more later with another seed",
        )


def draw_pictures(
    folder: Path,
    profile: Profile,
    schedule: NoiseSchedule,
    model: UNet,
    image_shape: Sequence[int],
    seed: int,
) -> None:
    """Write samples.png, and denoising.png: six samples, one per row, from noise to image."""
    shown = sorted({round(profile.sampler.steps * k / 8) for k in range(9)})
    frames = {count: torch.empty(0, *image_shape) for count in shown}

    def keep(count: int, x: Tensor) -> None:
        if count in frames:
            frames[count] = torch.cat([frames[count], x[:6].cpu()])[:6]

    images = draw_batches(
        profile, schedule, model, image_shape, seed, profile.num_samples, watch=keep
    )
    strip = torch.stack([*frames.values()], dim=1).flatten(0, 1)
    write_file(folder / "samples.png", grid_png(images))
    write_file(folder / "denoising.png", grid_png(strip, len(frames)))


def _sampler_of(where: str, run: Run, sampler: Sampler | None) -> Sampler:
    """The sampler, if it is one; without it, the run's own."""
    own = run.profile.sampler
    fix = "write dataclasses.replace(run.profile.sampler, steps=...)"
    check_instance(where, "sampler", own if sampler is None else sampler, Sampler, fix)
    return sampler or own


def sample_images(
    run: Run,
    num: int,
    seed: int,
    device: str = "auto",
    label: int | None = None,
    sampler: Sampler | None = None,
) -> Float[Tensor, "{num} C H W"]:
    """Draw num images with a run's averaged weights, float32 [num, C, H, W] in [-1, 1].

    label is the class of all of them; without it the classes take turns. sampler is the run's own
    unless another is given. The first images of a larger num are those of a smaller one, up to
    rounding. Raises BadInput as `Run.network` does, for more steps than the chain has, more samples
    than memory holds, and a label that the network does not know.
    """
    check_instance("sample_images", "run", run, Run, 'write Run.open("laptop")')
    seed = check_seed("sample_images", seed)
    sampler = _sampler_of("sample_images", run, sampler)
    profile = dataclasses.replace(run.profile, num_samples=num)  # a number in its range
    check_samples("sample_images", profile.num_samples, run.image_shape)
    with computing(0, profile.tf32):
        schedule, model = run.schedule(device), run.network(device)
        return draw_batches(profile, schedule, model, run.image_shape, seed, num, label, sampler)


def file_name(
    what: str, seed: int, run: Run, sampler: Sampler | None, label: int | None = None
) -> str:
    """The name of a file of samples: what it is, the seed, and what differs from the run's own way.

    As samples-64-seed-1-label-7-eta-0.5. Raises BadType for something else than a sampler.
    """
    own, used = run.profile.sampler, _sampler_of(what, run, sampler)
    chosen = {} if label is None else {"label": label}
    chosen |= {
        key: value for key, value in dataclasses.asdict(used).items() if value != getattr(own, key)
    }
    return f"{what}-seed-{seed}" + "".join(f"-{key}-{value}" for key, value in chosen.items())


def write_samples(
    run: Run,
    num: int,
    seed: int,
    out: Path | str | None = None,
    device: str = "auto",
    label: int | None = None,
    sampler: Sampler | None = None,
) -> tuple[Path, Float[Tensor, "num C H W"]]:
    """`sample_images`, and write them as one new PNG file; return its path and the images.

    Without out the file is `beside` the run, under its `file_name`. The run's own seed and
    number give its samples.png again. Raises BadInput as `sample_images` does, and when the file
    exists, or its folder does not. For a schedule and a network without a run there is `Sampler.sample`.
    """
    check_instance("sample", "run", run, Run, 'write Run.open("laptop")')
    dataclasses.replace(run.profile, num_samples=num)  # a number in its range
    check_seed("sample", seed)
    name = f"{file_name(f'samples-{num}', seed, run, sampler, label)}.png"
    path = check_path("sample", "out", beside(run.folder, name) if out is None else out)
    check_new_file("sample", "out", path)
    images = sample_images(run, num, seed, device, label, sampler)
    save_grid(path, images)
    return path, images
