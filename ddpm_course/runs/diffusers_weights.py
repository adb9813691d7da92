"""The weights of a network under the names of diffusers' UNet2DModel, and back.

That library need not be there: its files are read and written as they are.
"""

import re
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from ddpm_course.checks import BadValue, describe
from ddpm_course.unet import UNet

FORMER_NAMES = {"query": "to_q", "key": "to_k", "value": "to_v", "proj_attn": "to_out.0"}


def names_in_diffusers(name: str, num_levels: int) -> list[str]:
    """What UNet2DModel calls a weight of ours: one name; three for queries, keys and values."""
    last = num_levels - 1
    for ours, theirs in [
        (r"^time\.layers\.0", "time_embedding.linear_1"),
        (r"^time\.layers\.2", "time_embedding.linear_2"),
        (r"^classes", "class_embedding"),
        (r"^down\.0\.enter", "conv_in"),
        (rf"^up\.{last}\.leave\.0", "conv_norm_out"),
        (rf"^up\.{last}\.leave\.2", "conv_out"),
        (
            r"^down\.(\d+)\.enter",
            lambda level: f"down_blocks.{int(level[1]) - 1}.downsamplers.0.conv",
        ),
        (r"^up\.(\d+)\.leave", r"up_blocks.\1.upsamplers.0.conv"),
        (r"^(down|up)\.(\d+)\.blocks\.(\d+)", r"\1_blocks.\2.\3"),
        (r"^middle\.(\d+)", r"mid_block.\1"),
        (r"\.(\d+)\.residual", r".resnets.\1"),
        (r"\.(\d+)\.attention\.norm", r".attentions.\1.group_norm"),
        (r"\.(\d+)\.attention\.out", r".attentions.\1.to_out.0"),
        (r"\.(\d+)\.attention\.qkv", r".attentions.\1.qkv"),
        (r"\.time\.", ".time_emb_proj."),
        (r"\.shortcut\.", ".conv_shortcut."),
    ]:
        name = re.sub(ours, theirs, name)
    return [name.replace(".qkv.", f".to_{part}.") for part in ("qkv" if ".qkv." in name else "q")]


def to_diffusers(model: UNet) -> dict[str, Tensor]:
    """The weights of a network under the names, and in the shapes, of UNet2DModel."""
    found = {}
    for name, weight in model.state_dict().items():
        names = names_in_diffusers(name, len(model.down))
        if weight.ndim == 4 and ".attention." in name:
            weight = weight.flatten(1)
        found |= zip(names, (part.contiguous() for part in weight.chunk(len(names))))
    return found


def from_diffusers(
    weights: dict[str, Tensor], model: UNet, where: str = "from_diffusers"
) -> dict[str, Tensor]:
    """Weights of UNet2DModel under the names of model, as its `load_state_dict` takes them.

    model may be on the meta device: only its names and shapes are read. Raises BadValue, naming
    `where` and the weight, if they belong to another network, are not float32, or not finite.
    """
    former = re.compile(rf"(?<=\.)({'|'.join(FORMER_NAMES)})(?=\.)")
    given = {
        former.sub(lambda name: FORMER_NAMES[name[0]], key): value for key, value in weights.items()
    }
    found, wanted = (
        {name: list(weight.shape) for name, weight in each.items()}
        for each in (given, to_diffusers(model))
    )
    for name in sorted(found | wanted):
        got, want = (
            f"shape {each[name]}" if name in each else "no such weight" for each in (found, wanted)
        )
        if got != want:
            raise BadValue(
                where,
                name,
                got=got,
                expected=f"{want}, as config.json says",
                fix="take weights and config.json from one folder",
            )
        if given[name].dtype != torch.float32:
            raise BadValue(
                where,
                name,
                got=describe(given[name]),
                expected="float32",
                fix="load the model with torch_dtype=torch.float32 in diffusers, and save it again",
            )
        if not given[name].isfinite().all():
            raise BadValue(
                where,
                name,
                got="NaN or Inf",
                expected="finite weights",
                fix="copy or download the file again; if they are so there, the model is broken",
            )
    ours = {}
    for name, weight in model.state_dict().items():
        parts = [given[part] for part in names_in_diffusers(name, len(model.down))]
        ours[name] = torch.cat(parts).view(weight.shape)
    return ours


def read_weights(folder: Path) -> tuple[Path, dict[str, Tensor]]:
    """The file with the weights of UNet2DModel in a folder, and what is in it, on the CPU.

    A pickle can run any code when it is read; here it is refused if it holds more than tensors.
    Raises BadValue when there is no file, and when it cannot be read or holds something else.
    """
    file = folder / "diffusion_pytorch_model.safetensors"
    former = file.with_suffix(".bin")
    if former.exists() and not file.exists():
        file = former
    try:
        if file == former:
            found = torch.load(file, map_location="cpu", weights_only=True)
        else:
            found = load_file(file)
        if not isinstance(found, dict) or not all(
            isinstance(name, str) and isinstance(weight, Tensor) and weight.layout == torch.strided
            for name, weight in found.items()
        ):
            raise TypeError("it holds something else than dense tensors by name")
    except Exception as error:  # a broken pickle can raise anything
        raise BadValue(
            str(file),
            "weights",
            got=describe(error),
            expected="the weights that diffusers wrote",
            fix="copy or download the file again",
        ) from None
    return file, found
