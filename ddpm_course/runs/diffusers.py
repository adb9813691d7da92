"""A run as a folder that the library diffusers loads, and such a folder as a run.

That library need not be there: its files are read and written as they are.
"""

import dataclasses
import json
from pathlib import Path
from typing import Any

import torch

from ddpm_course import __version__
from ddpm_course.checks import (
    BadInput,
    BadValue,
    check_instance,
    check_int,
    check_path,
    describe,
)
from ddpm_course.data.sets import LARGEST_SIDE
from ddpm_course.runs.checkpoint import tensor_bytes, write_weights
from ddpm_course.runs.diffusers_settings import (
    chain_of,
    check_same,
    read_settings,
    scheduler_config,
    unet_config,
)
from ddpm_course.runs.diffusers_weights import from_diffusers, read_weights, to_diffusers
from ddpm_course.runs.drawing import sample_labels
from ddpm_course.runs.files import new_folder, write_file
from ddpm_course.runs.loop import build_model
from ddpm_course.runs.profiles import Profile
from ddpm_course.runs.run import Run, write_config
from ddpm_course.unet import UNet

# --- Out -----------------------------------------------------------------------------------------

CARD = """# {channels}x{height}x{width} images, {chain} schedule, T = {num_train_timesteps}

Exported by ddpm_course {version}. To draw from it with diffusers:

    import torch
    from diffusers import DDIMPipeline, DDPMPipeline

    pipeline = DDIMPipeline.from_pretrained("PATH OF THIS FOLDER")
    images = pipeline(batch_size=16, num_inference_steps={sampling_steps}, eta={eta},
                      use_clipped_model_output=True, generator=torch.manual_seed(0)).images

Without use_clipped_model_output=True a clipped image and the noise no longer fit together.
DDPMPipeline takes all {num_train_timesteps} steps, with the variance of scheduler_config.json.
"""

QUADRATIC = """
The run was sampled with quadratic spacing, which diffusers does not have. "leading" is written
instead, so its images are others.
"""

LARGE = """
The run was sampled with variance_type = fixed_large, which DDIMPipeline does not have: with eta
above 0 it adds less noise, so its images are others. DDPMPipeline has it.
"""

BF16 = """
The run was sampled with precision = bf16. The weights are float32, and the pipelines compute so
unless told otherwise: their images are a little different.
"""

SOLVER = """
The run was sampled with solver = {solver}. The pipelines above make other steps, so their images
are others.
"""

FAST_SAMPLERS = """
Fast samplers, such as DPM-Solver++ and UniPC, do not clip the predicted image. Where this chain
begins next to nothing of the image is left, and the first step divides by that: with trailing or
linspace spacing, ten steps have reached pixels of several thousand. Leading spacing starts a
little later, and stays in range:

    import torch
    from diffusers import DDPMPipeline, DPMSolverMultistepScheduler

    pipeline = DDPMPipeline.from_pretrained("PATH OF THIS FOLDER")
    pipeline.scheduler = DPMSolverMultistepScheduler.from_config(
        pipeline.scheduler.config, timestep_spacing="leading")
    images = pipeline(batch_size=16, num_inference_steps=10,
                      generator=torch.manual_seed(0)).images

thresholding=True in place of timestep_spacing="leading" does so too.
"""

CLASSES = """
The network was trained with {num_classes} class labels, which these pipelines do not pass on. Call
pipeline.unet(x, step, class_labels) in a loop of your own, or export one class with --label.
"""

GUIDANCE = """
The run was sampled with guidance_scale {guidance_scale:g}. These pipelines have no place for it, so
their images are not guided. In a loop of your own call pipeline.unet(x, step, class_labels) with
the labels, and once more for the network without labels, which is not exported.
"""


def model_card(run: Run, profile: Profile) -> str:
    """The README of an exported run: how to draw from it, and what to look out for.

    profile is the run's, or that of one of its classes.
    """
    card = CARD
    if profile.spacing == "quadratic":
        card += QUADRATIC
    if profile.variance_type == "fixed_large" and profile.eta:
        card += LARGE
    if profile.precision == "bf16":
        card += BF16
    if profile.solver != "ddim":
        card += SOLVER
    image_left = float(run.schedule("cpu").alphas_cumprod[-1])
    if image_left == 0 or (profile.prediction_type == "epsilon" and image_left < 1e-5):
        card += FAST_SAMPLERS
    if profile.num_classes:
        card += CLASSES
    if run.profile.guidance_scale != 1:
        card += GUIDANCE
    facts = dataclasses.asdict(profile) | dict(
        zip(("channels", "height", "width"), run.image_shape)
    )
    return card.format_map(
        facts
        | {
            "guidance_scale": run.profile.guidance_scale,
            "version": __version__,
            "chain": profile.schedule if not run.betas else "listed",
        }
    )


def of_one_class(profile: Profile, model: UNet, label: int) -> tuple[Profile, UNet]:
    """The profile and the network without classes that draws what model draws for one label.

    Raises BadInput for a label that the network does not know.
    """
    _check_profile("of_one_class", profile)
    check_instance("of_one_class", "model", model, UNet, "give the network of a run")
    check_int("of_one_class", "label", label, 0)
    sample_labels(model, [0], label)
    alone = dataclasses.replace(profile, num_classes=0, guidance_scale=1)
    weights = model.state_dict()
    embedding = weights.pop("classes.weight")[label]
    weights["time.layers.2.bias"] = weights["time.layers.2.bias"] + embedding
    network = build_model(alone, model.in_channels)
    network.load_state_dict(weights)
    return alone, network.eval()


def _check_profile(where: str, profile: Any) -> None:
    check_instance(where, "profile", profile, Profile, 'write load_profile("laptop")')


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.parent.mkdir(exist_ok=True)
    write_file(path, (json.dumps(content, indent=2) + "\n").encode())


def export_run(run_dir: Path | str, folder: Path | str, label: int | None = None) -> Path:
    """Write a run's averaged weights and its settings as a new folder for diffusers; return it.

    DDPMPipeline and DDIMPipeline load it. A network with classes keeps them, and then needs labels
    that these pipelines do not pass; with label it becomes the network of that class alone.
    Raises BadInput as `Run.open` does, for a label that the network does not know, a network that
    UNet2DModel cannot be, and a folder that exists.
    """
    run, folder = (
        Run.open(check_path("export", "run_dir", run_dir)),
        check_path("export", "folder", folder),
    )
    profile, model = run.profile, run.network("cpu")
    if label is not None:
        profile, model = of_one_class(profile, model, label)
    unet = unet_config(profile, run.image_shape)
    parts = {"unet": "UNet2DModel", "scheduler": "DDPMScheduler"}
    index = {name: ["diffusers", kind] for name, kind in parts.items()}
    with new_folder(folder, "export", "folder") as new:
        _write_json(new / "model_index.json", {"_class_name": "DDPMPipeline", **index})
        _write_json(new / "scheduler/scheduler_config.json", scheduler_config(profile, run.betas))
        _write_json(new / "unet/config.json", unet)
        weights = tensor_bytes(to_diffusers(model))
        write_file(new / "unet/diffusion_pytorch_model.safetensors", weights)
        write_file(new / "README.md", model_card(run, profile).encode())
    return folder


# --- In ------------------------------------------------------------------------------------------


def _image_shape(path: Path, unet: dict[str, Any], image_size: int) -> tuple[int, int, int]:
    """[C, H, W] of the images of a description, of image_size where it does not say.

    Raises BadInput for images that the network cannot take, or that are no pictures.
    """
    channels, size = unet["in_channels"], unet["sample_size"]
    if channels not in (1, 3):
        raise BadValue(
            str(path),
            "in_channels",
            got=describe(channels),
            expected="1 or 3, grey or coloured images",
            fix="take a model of images; one of latents needs a decoder, which this course lacks",
        )
    if size is None and not image_size:
        raise BadValue(
            str(path),
            "sample_size",
            got="null, and image_size = 0",
            expected="how large the images are",
            fix='write "sample_size": 32, or their size, into this file, or give import_run a '
            "profile with image_size",
        )
    sides = size if isinstance(size, list) and len(size) == 2 else [size or image_size] * 2
    factor = 2 ** (len(unet["block_out_channels"]) - 1)
    height, width = (check_int(str(path), "sample_size", side, 1, LARGEST_SIDE) for side in sides)
    for side in (height, width):
        if side % factor:
            raise BadValue(
                str(path),
                "sample_size",
                got=describe(size or image_size),
                expected=f"multiples of {factor}, for a network that halves them "
                f"{len(unet['block_out_channels']) - 1} times",
                fix="take the size that the model was trained for",
            )
    return channels, height, width


def _imported_profile(
    folder: Path, unet: dict[str, Any], scheduler: dict[str, Any], schedule: str, profile: Profile
) -> Profile:
    """A profile with what the two descriptions in folder say."""
    try:
        first, T = unet["block_out_channels"][0], scheduler["num_train_timesteps"]
        return dataclasses.replace(
            profile,
            model_channels=first,
            channel_multipliers=tuple(width // first for width in unet["block_out_channels"]),
            attention_levels=tuple(
                level
                for level, kind in enumerate(unet["down_block_types"])
                if kind.startswith("Attn")
            ),
            num_blocks=unet["layers_per_block"],
            dropout=unet["dropout"],
            num_classes=unet["num_class_embeds"] or 0,
            num_train_timesteps=T,
            schedule=schedule,
            beta_start=scheduler["beta_start"] * T / 1000,
            beta_end=scheduler["beta_end"] * T / 1000,
            variance_type=scheduler["variance_type"],
            clip_sample=scheduler["clip_sample"],
            prediction_type=scheduler["prediction_type"],
            spacing=scheduler["timestep_spacing"],
            sampling_steps=min(profile.sampling_steps, T),
            precision="fp32",
            tf32=False,
        )
    except BadInput as error:
        raise error.within(folder) from None
    except (LookupError, TypeError, ValueError, ArithmeticError, AttributeError) as error:
        raise BadValue(
            str(folder),
            "descriptions",
            got=describe(error),
            expected="a UNet2DModel and a DDPMScheduler as diffusers writes them",
            fix="give a folder on this disk that DDPMPipeline.save_pretrained wrote; "
            "nothing is downloaded",
        ) from None


def import_run(folder: Path | str, run_dir: Path | str, profile: Profile) -> Path:
    """Make the new run folder run_dir from a folder that DDPMPipeline loads; return its path.

    profile gives what the folder does not say: how to train, the device, eta and the number of
    sampling steps (at most T), and image_size where sample_size is null. The run can be sampled, in
    float32, as the weights are.
    Raises BadInput when a file is missing or broken, for a network or a sampler that this course
    does not have, for weights that are not float32, and if run_dir exists.
    """
    folder, run_dir = (
        check_path("import", "folder", folder),
        check_path("import", "run_dir", run_dir),
    )
    _check_profile("import", profile)
    unet_dir, scheduler_dir = (
        part if (part := folder / name).is_dir() else folder for name in ("unet", "scheduler")
    )
    of_unet, of_scheduler = unet_dir / "config.json", scheduler_dir / "scheduler_config.json"
    unet = read_settings(of_unet, "UNet2DModel")
    scheduler = read_settings(of_scheduler, "DDPMScheduler")
    schedule, betas = chain_of(of_scheduler, scheduler)
    imported = _imported_profile(folder, unet, scheduler, schedule, profile)
    shape = _image_shape(of_unet, unet, profile.image_size)
    unet["sample_size"] = list(shape[1:])
    check_same(of_unet, unet, unet_config(imported, shape))
    scheduler["trained_betas"] = betas or scheduler["trained_betas"]
    check_same(of_scheduler, scheduler, scheduler_config(imported, betas))
    file, weights = read_weights(unet_dir)
    with torch.device("meta"):  # names and shapes alone: a wrong number costs no memory
        model = build_model(imported, shape[0])
    ours = from_diffusers(weights, model, str(file))
    with new_folder(run_dir, "import", "run_dir") as new:
        write_config(new, imported, shape, betas=betas, imported_from=folder.resolve().name)
        write_weights(new, {"ema": ours})
    return run_dir
