"""The descriptions of a network and a sampler that diffusers writes beside the weights.

That library need not be there: its files are read and written as they are.
"""

import json
import math
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from ddpm_course.checks import BadValue, check_int, check_number, describe, visible
from ddpm_course.runs.profiles import Profile
from ddpm_course.schedule import make_schedule
from ddpm_course.unet import num_groups

DEFAULTS: dict[str, dict[str, Any]] = {
    "UNet2DModel": {
        "sample_size": None,
        "in_channels": 3,
        "out_channels": 3,
        "center_input_sample": False,
        "time_embedding_type": "positional",
        "time_embedding_dim": None,
        "freq_shift": 0,
        "flip_sin_to_cos": True,
        "down_block_types": ["DownBlock2D", *["AttnDownBlock2D"] * 3],
        "mid_block_type": "UNetMidBlock2D",
        "up_block_types": [*["AttnUpBlock2D"] * 3, "UpBlock2D"],
        "block_out_channels": [224, 448, 672, 896],
        "layers_per_block": 2,
        "mid_block_scale_factor": 1,
        "downsample_padding": 1,
        "downsample_type": "conv",
        "upsample_type": "conv",
        "dropout": 0.0,
        "act_fn": "silu",
        "attention_head_dim": 8,
        "norm_num_groups": 32,
        "attn_norm_num_groups": None,
        "norm_eps": 1e-5,
        "resnet_time_scale_shift": "default",
        "add_attention": True,
        "class_embed_type": None,
        "num_class_embeds": None,
        "num_train_timesteps": None,
    },
    "DDPMScheduler": {
        "num_train_timesteps": 1000,
        "beta_start": 0.0001,
        "beta_end": 0.02,
        "beta_schedule": "linear",
        "trained_betas": None,
        "variance_type": "fixed_small",
        "clip_sample": True,
        "prediction_type": "epsilon",
        "thresholding": False,
        "dynamic_thresholding_ratio": 0.995,
        "clip_sample_range": 1.0,
        "sample_max_value": 1.0,
        "timestep_spacing": "leading",
        "steps_offset": 0,
        "rescale_betas_zero_snr": False,
    },
}

BETA_SCHEDULES = {"linear": "linear", "cosine": "squaredcos_cap_v2"}


def unet_config(profile: Profile, image_shape: tuple[int, int, int]) -> dict[str, Any]:
    """The arguments with which UNet2DModel is the network of a profile; images are [C, H, W].

    Raises BadValue for a first multiplier other than 1.
    """
    if profile.channel_multipliers[0] != 1:
        raise BadValue(
            "unet_config",
            "channel_multipliers",
            got=str(profile.channel_multipliers),
            expected="1 at the first level",
            fix="train with multipliers from 1; UNet2DModel knows no others",
        )
    channels, *size = image_shape
    kinds = [
        "Attn" * (level in profile.attention_levels)
        for level in range(len(profile.channel_multipliers))
    ]
    return {
        "_class_name": "UNet2DModel",
        "sample_size": size,
        "in_channels": channels,
        "out_channels": channels,
        "block_out_channels": [m * profile.model_channels for m in profile.channel_multipliers],
        "down_block_types": [f"{kind}DownBlock2D" for kind in kinds],
        "up_block_types": [f"{kind}UpBlock2D" for kind in reversed(kinds)],
        "layers_per_block": profile.num_blocks,
        "attention_head_dim": None,
        "norm_num_groups": num_groups(profile.model_channels),
        "norm_eps": 1e-6,
        "flip_sin_to_cos": False,
        "freq_shift": 1,
        "downsample_padding": 0,
        "dropout": profile.dropout,
        "num_class_embeds": profile.num_classes or None,
    }


def scheduler_config(profile: Profile, betas: Sequence[float] = ()) -> dict[str, Any]:
    """The arguments with which DDPMScheduler has the chain and the sampler of a profile.

    betas, if any, are the chain in place of the profile's. It has no quadratic spacing ("leading"
    is written instead), no schedule of the name sigmoid that is the same, and no line that is cut
    below 1, so those betas are written out. Raises BadValue for a velocity, which it cannot read.
    """
    if profile.prediction_type == "flow_prediction":
        raise BadValue(
            "export",
            "prediction_type",
            got="'flow_prediction'",
            expected="'epsilon', 'sample' or 'v_prediction', which DDPMScheduler knows",
            fix="train with one of these; they are the same network up to convert_prediction",
        )
    scale, T = 1000 / profile.num_train_timesteps, profile.num_train_timesteps
    cut = profile.schedule == "linear" and profile.beta_end * scale >= 0.999
    if not betas and (cut or profile.schedule not in BETA_SCHEDULES):
        betas = make_schedule(profile.schedule, T, **profile.schedule_options).betas[1:].tolist()
    return {
        "_class_name": "DDPMScheduler",
        "num_train_timesteps": T,
        "beta_schedule": BETA_SCHEDULES.get(profile.schedule, "linear"),
        "beta_start": profile.beta_start * scale,
        "beta_end": profile.beta_end * scale,
        "trained_betas": list(betas) or None,
        "variance_type": profile.variance_type,
        "clip_sample": profile.clip_sample,
        "prediction_type": profile.prediction_type,
        "timestep_spacing": "leading" if profile.spacing == "quadratic" else profile.spacing,
    }


def read_settings(path: Path, kind: str) -> dict[str, Any]:
    """A description of that class, with the library's defaults for what it does not mention.

    Keys that the class does not know are left out with a warning, as the library does. Raises
    BadValue when the file is missing, no JSON, or describes something else.
    """
    try:
        given = json.loads(path.read_text(encoding="utf-8"))
        found = given["_class_name"]
        defaulted = set(given.get("_use_default_values", []))
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise BadValue(
            str(path),
            "description",
            got=describe(error),
            expected=f"the JSON that diffusers writes for a {kind}",
            fix="give a folder on this disk that DDPMPipeline.save_pretrained wrote; "
            "nothing is downloaded",
        ) from None
    if found != kind:
        raise BadValue(
            str(path),
            "_class_name",
            got=repr(found),
            expected=kind,
            fix="give a folder that was saved as DDPMPipeline",
        )
    said = {key: value for key, value in given.items() if key[:1] != "_" and key not in defaulted}
    if said.get("predict_epsilon") is False:  # the former name of prediction_type = sample
        said.setdefault("prediction_type", "sample")
    if ignored := sorted(said.keys() - DEFAULTS[kind].keys()):
        said_so = visible(f"{path}: {kind} has no {', '.join(ignored)}: ignored")
        warnings.warn(said_so, stacklevel=2)
    return {key: said.get(key, default) for key, default in DEFAULTS[kind].items()}


def _idle(settings: dict[str, Any]) -> set[str]:
    """The keys of a description that are not compared: they have no effect beside the others."""
    idle = set()
    if settings.get("time_embedding_type") == "positional":
        idle |= {"num_train_timesteps"}
    if settings.get("thresholding") is False:
        idle |= {"dynamic_thresholding_ratio", "sample_max_value"}
    if settings.get("clip_sample") is False:
        idle |= {"clip_sample_range"}
    if settings.get("trained_betas") is not None:  # the chain is that of `chain_of`
        idle |= {"trained_betas", "beta_schedule", "beta_start", "beta_end"}
    return idle


def _same(one: Any, other: Any) -> bool:
    """Whether two values of a description are equal, floats up to the rounding of float32."""
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-6)
    return one == other


def check_same(path: Path, given: dict[str, Any], ours: dict[str, Any]) -> None:
    """Raise BadValue, naming the key, unless our own description says the same as the one given."""
    own, idle = DEFAULTS[ours["_class_name"]] | ours, _idle(given)
    for key, value in given.items():
        if key not in idle and not _same(value, own[key]):
            raise BadValue(
                str(path),
                key,
                got=describe(value),
                expected=describe(own[key]),
                fix="this course has no other; take a model with this setting",
            )


def chain_of(path: Path, scheduler: dict[str, Any]) -> tuple[str, list[float]]:
    """What this course calls the schedule of a description; and its betas, if it has none such.

    Then the name is that of the line. Raises BadInput for betas that make no chain.
    """
    kind, betas = scheduler["beta_schedule"], scheduler["trained_betas"]
    T = check_int(str(path), "num_train_timesteps", scheduler["num_train_timesteps"], 1, 10**6)
    names = {theirs: ours for ours, theirs in BETA_SCHEDULES.items()}
    if betas is None and kind in names:
        return names[kind], []
    if betas is None and kind == "scaled_linear":
        first, last = (
            check_number(str(path), key, scheduler[key], 0, 1, ends="()") ** 0.5
            for key in ("beta_start", "beta_end")
        )
        return "linear", torch.linspace(first, last, T, dtype=torch.float64).square().tolist()
    if not isinstance(betas, list) or len(betas) != T:
        raise BadValue(
            str(path),
            "beta_schedule" if betas is None else "trained_betas",
            got=describe(kind if betas is None else betas),
            expected=f"one of {', '.join(map(repr, (*names, 'scaled_linear')))}, "
            f"or a list of {T} trained_betas",
            fix="write its betas as trained_betas; another name would be another chain",
        )
    for name in ("sigmoid", "cosine", "flow"):
        if _same(betas, make_schedule(name, T).betas[1:].tolist()):
            return name, []
    return "linear", [
        check_number(str(path), "trained_betas", beta, 0, 1, ends="()") for beta in betas
    ]
