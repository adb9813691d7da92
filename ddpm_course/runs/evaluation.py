"""How good the samples of a run are: drawn, measured, and reported beside it."""

import dataclasses
import io
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from ddpm_course.checks import (
    BadInput,
    BadType,
    BadValue,
    check_instance,
    check_int,
    check_seed,
    describe,
)
from ddpm_course.data import PARTS, image_grid, random_stream, to_float
from ddpm_course.objective import bits_per_dim, variational_bound
from ddpm_course.probability_flow import ode_log_prob
from ddpm_course.runs.drawing import file_name, sample_images
from ddpm_course.runs.files import check_new_file, write_file
from ddpm_course.runs.images import images_of, load_part
from ddpm_course.runs.measures import (
    CLASSIFIERS,
    Measures,
    Reference,
    baselines,
    load_reference,
    measure,
    nearest,
    quantize,
)
from ddpm_course.runs.processes import computing, find_device, plain_tensors
from ddpm_course.runs.profiles import Profile
from ddpm_course.runs.run import Run
from ddpm_course.runs.trained import beside
from ddpm_course.sampling import Sampler
from ddpm_course.schedule import NoiseSchedule

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Report(NamedTuple):
    """What `evaluate` found."""

    reference: Reference
    sets: dict[str, Measures]  # of the samples, and of the sets of `baselines`
    files: tuple[Path, Path]  # text for a program, and a picture


def has_classifier(profile: Profile) -> bool:
    """Whether a classifier is stored for the images of a profile: their set, at its own size.

    Raises BadType for something else than a profile.
    """
    check_instance("has_classifier", "profile", profile, Profile, 'write load_profile("laptop")')
    stored = CLASSIFIERS.get(profile.data)
    return stored is not None and profile.image_size in (0, stored.image_size)


def _opened(where: str, run: Run | Path | str) -> Run:
    if not isinstance(run, Run | Path | str):
        fix = "give what Run.open returns, or takes"
        raise BadType(where, "run", describe(run), "a run, or its folder", fix)
    return run if isinstance(run, Run) else Run.open(run)


def _check_trained(where: str, run: Run, fix: str) -> None:
    """Raise BadValue unless it is known what the run has learnt."""
    if run.seed is None:
        raise BadValue(
            where,
            "run",
            got=f"{run.folder}, an imported run, which does not say what it has learnt",
            expected="a run that was trained here",
            fix=f"if you know the data, {fix}",
        )


def _check_measurable(run: Run) -> None:
    """Raise BadValue unless it is known what the run has learnt, and a classifier for it stored."""
    _check_trained(
        "evaluate", run, "draw samples, and give them to measure(load_reference(NAME), samples)"
    )
    if has_classifier(run.profile):
        return
    data, size = run.profile.data, run.profile.image_size
    own = (
        "make a classifier with train_classifier, and give its features of samples and of "
        "held-out images to frechet_distance"
    )
    sets = (f"{name} of {stored.image_size} pixels" for name, stored in CLASSIFIERS.items())
    raise BadValue(
        "evaluate",
        "run",
        got=f"a run on {data} with image_size = {size}",
        expected=f"images with a stored classifier: {', '.join(sets)}",
        fix=f"train without image_size, or {own}" if data in CLASSIFIERS else own,
    )


@plain_tensors()
def evaluate(
    run: Run | Path | str, seed: int = 1, device: str = "auto", sampler: Sampler | None = None
) -> Report:
    """Draw as many samples from a run as its data holds out, and measure them.

    run may be its folder; sampler is the run's own unless another is given. Writes two new files
    `beside` the run, evaluation-seed-SEED.json and .png, named after what the sampler changes, too.
    Raises BadInput as `sample_images` does, when a file exists, for an imported run, and for one
    whose images have no classifier.
    """
    run, seed = _opened("evaluate", run), check_seed("evaluate", seed)
    _check_measurable(run)
    stem = file_name("evaluation", seed, run, sampler)
    text, picture = (beside(run.folder, f"{stem}.{kind}") for kind in ("json", "png"))
    for file in (text, picture):
        check_new_file("evaluate", "run", file)
    reference = load_reference(run.profile.data, run.profile.data_dir, run.profile.download)
    samples = sample_images(run, len(reference.held_out), seed, device, sampler=sampler)
    report = Report(
        reference,
        {"samples": measure(reference, samples), **baselines(reference)},
        (text, picture),
    )
    content = json.dumps(_facts(report, seed, sampler or run.profile.sampler), indent=2) + "\n"
    drawn = io.BytesIO()
    plot_report(report, samples).savefig(drawn, format="png")
    write_file(text, content.encode())
    try:
        write_file(picture, drawn.getvalue())
    except BadInput:
        text.unlink()
        raise
    return report


def _facts(report: Report, seed: int, sampler: Sampler) -> dict[str, Any]:
    reference = report.reference
    return {
        "data": reference.name,
        "images_per_set": len(reference.held_out),
        "seed": seed,
        "sampler": dataclasses.asdict(sampler),
        "classifier_sha256": CLASSIFIERS[reference.name].sha256,
        "spread_of_the_floor": {
            name: float(distances.std()) for name, distances in reference.floors.items()
        },
        "sets": {name: dataclasses.asdict(measures) for name, measures in report.sets.items()},
    }


class Likelihood(NamedTuple):
    """Bits per dimension of held-out images: means over them, and the standard errors of these."""

    bound: float  # by the variational bound, chapter 04
    bound_error: float
    flow: float  # by the probability flow, chapter 20
    flow_error: float
    num_images: int


@plain_tensors()
def likelihood(
    run: Run | Path | str, seed: int = 1, device: str = "auto", num_images: int | None = None
) -> Likelihood:
    """What held-out images cost under a run's network, which is told their classes, if any.

    Of num_images, 128 or as many as there are, which lie evenly among the held-out ones: in a folder
    these stand class by class. For the flow even noise fills the bin of each grey level, and the
    density begins at t = 1; 100 steps of Heun's method, with one random probe for each image. Raises
    BadInput as `load_set` does, for an imported run, for a folder that is no longer what the run
    has learnt from, unless num_images are held out, and for a chain without two times to walk.
    """
    run = _opened("likelihood", run)
    check_seed("likelihood", seed)
    _check_trained("likelihood", run, "give its images to variational_bound and ode_log_prob")
    profile, times = run.profile, _flow_times(run.schedule("cpu"))
    if profile.data == "folder":
        images_of(run)
    held_out = load_part(profile, PARTS[1])
    if len(held_out) < 2:
        raise BadValue(
            "likelihood",
            "data_dir",
            got="one held-out image",
            expected="two or more, for a standard error",
            fix="train on more images: a tenth of them is held out",
        )
    if num_images is None:
        num_images = min(128, len(held_out))
    check_int("likelihood", "num_images", num_images, 2, len(held_out))
    where = find_device(device)
    if where.type == "mps":  # it has no float64
        where = torch.device("cpu")
    stream = random_stream(seed, "likelihood", device=where)
    chosen = torch.arange(num_images) * len(held_out) // num_images
    labels = held_out.labels[chosen].to(where) if profile.num_classes else None
    pixels = torch.stack([held_out[int(i)][0] for i in chosen])
    x0 = to_float(pixels, held_out.levels).to(where)
    bin_width, dims = 2 / (held_out.levels - 1), x0[0].numel()
    with computing(0, profile.tf32):
        denoiser = run.denoiser(str(where), labels)
        terms = variational_bound(
            run.schedule(str(where)),
            x0,
            lambda x, t: denoiser.x0(x, t).clamp(-1, 1),
            held_out.levels,
            profile.variance_type,
            stream,
        )
        within = bin_width * (torch.rand(x0.shape, generator=stream, device=where) - 0.5)
        density = ode_log_prob(denoiser, x0 + within, times, num_probes=1, generator=stream)
    bound = bits_per_dim(terms.sum(0), dims)
    flow = bits_per_dim(-density - dims * math.log(bin_width), dims)
    return Likelihood(*_mean_and_error(bound), *_mean_and_error(flow), num_images)


def _mean_and_error(values: Tensor) -> tuple[float, float]:
    return float(values.mean()), float(values.std()) / math.sqrt(len(values))


def _flow_times(schedule: NoiseSchedule) -> list[int]:
    """Rising times of the flow, dense near the image, as far as something of the image is left."""
    T = schedule.num_train_timesteps
    times = Sampler(min(100, T), "quadratic").timesteps(T)[-2::-1]
    times = times if schedule.alphas_cumprod[T] else times[:-1]
    if len(times) < 2:
        raise BadValue(
            "likelihood",
            "num_train_timesteps",
            got=str(T),
            expected="a chain of two times or more at which something of the image is left",
            fix="train with a longer one",
        )
    return times


def format_table(reference: Reference, sets: dict[str, Measures]) -> str:
    """The measures of named sets, one of them "held out", and the floor, as lines of text."""
    real, floors = sets["held out"], reference.floors["frechet"]
    lines = [
        f"{'':20} {'Fréchet':>9} {'kernel':>8} {'confident':>10} {'classes':>15} {'nearest':>8}",
        f"{'':20} {'floors':>9} {'/ 1000':>8} {'of real':>10} {'least to most':>15} {'of real':>8}",
    ]
    for name, got in sets.items():
        lines.append(
            f"{name:20} {got.frechet / real.frechet:9.2f} {1000 * got.kernel:8.1f} "
            f"{got.confident / real.confident:10.1%} "
            f"{min(got.classes):7.1%} {max(got.classes):7.1%} {got.nearest / real.nearest:8.2f}"
        )
    lines.append(
        f"One floor is a distance of {floors.mean():.3f} (spread {floors.std():.3f} over "
        f"{len(floors)} re-splits); each set has {len(reference.held_out)} images."
    )
    return "\n".join(lines)


def format_summary(sets: dict[str, Measures]) -> str:
    """One sentence on the measures of samples, beside those of the held-out images."""
    got, real = sets["samples"], sets["held out"]
    return (
        f"{got.frechet / real.frechet:.1f} floors from held-out images, "
        f"{got.confident / real.confident:.0%} as many confident, "
        f"classes {min(got.classes):.0%} to {max(got.classes):.0%}, nearest training image "
        f"{got.nearest / real.nearest:.2f} times as far"
    )


def plot_report(report: Report, samples: Float[Tensor, "N C H W"]) -> "Figure":
    """Classes, nearest training images, and the least original samples, [N, C, H, W] in [-1, 1]."""
    from matplotlib.figure import Figure

    reference, shares = report.reference, report.sets["samples"].classes
    samples = quantize(samples, reference.levels)
    gaps, index = nearest(samples, reference.train)
    least = gaps.argsort()[:10]
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    classes, near, below = figure.subplot_mosaic(
        [["classes", "near"], ["below", "below"]], height_ratios=(3, 2)
    ).values()
    classes.bar(range(len(shares)), shares, color="0.6")
    classes.axhline(1 / len(shares), color="k", ls=":")
    classes.set(
        xlabel="class, as the classifier sees it",
        ylabel="share of the samples",
        xticks=range(len(reference.classes)),
        xticklabels=reference.classes,
    )
    near.hist(
        [gaps.numpy(), nearest(reference.held_out, reference.train)[0].numpy()],
        24,
        histtype="step",
        color=["k", "0.6"],
        label=["samples", "held out"],
    )
    near.set(xlabel="distance to the nearest training image", ylabel="images")
    near.legend()
    pairs = image_grid(torch.cat([samples[least], reference.train[index[least]]]), columns=10)
    below.imshow(pairs.permute(1, 2, 0).numpy(), cmap="gray")
    below.set(xticks=[], yticks=[], title="least original samples, above their nearest images")
    return figure
