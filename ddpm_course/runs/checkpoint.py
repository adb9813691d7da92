"""Checkpoints: where a run stands, on disk, so that it can go on after any interruption.

A checkpoint is a folder with a manifest, which holds length and SHA-256 of each file. It gets its
name when all of it is on the disk, and loses its name before it is deleted.
"""

import json
import os
import re
import warnings
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor, nn

from ddpm_course.checks import BadValue, check_int, check_path, describe
from ddpm_course.runs.files import (
    check_no_link,
    remove,
    rename_folder,
    write_file,
    write_synced,
)


def digest(data: bytes) -> dict[str, int | str]:
    """What a manifest says of a file with these bytes: their number, and their SHA-256."""
    return {"bytes": len(data), "sha256": sha256(data).hexdigest()}


class CheckpointError(BadValue):
    """A checkpoint that cannot be written, cannot be read, or belongs to another run."""


MANIFEST = "manifest.json"
REMEDY = "copy it again, or move it away, so that an earlier one is taken"


def check_intact(path: Path | str) -> None:
    """Raise CheckpointError, naming the file, unless path holds what its manifest says."""
    path = check_path("checkpoint", "path", path)
    try:
        listed = json.loads((path / MANIFEST).read_text(encoding="utf-8"))
        found = {file.name: digest(file.read_bytes()) for file in path.glob("[!.]*")}
        names = sorted((listed.keys() | found.keys()) - {MANIFEST})
    except (OSError, ValueError, AttributeError, RecursionError) as error:
        raise CheckpointError(
            str(path),
            "checkpoint",
            got=describe(error),
            expected="a folder with files and their manifest",
            fix=REMEDY,
        ) from None
    absent = "no such file"
    for name in names:
        if found.get(name, absent) != listed.get(name, absent):
            raise CheckpointError(
                str(path),
                name,
                got=f"a file of {found[name]['bytes']} bytes" if name in found else absent,
                expected=f"the one that was saved, whose SHA-256 is in {MANIFEST}"
                if name in listed
                else absent,
                fix=REMEDY,
            )


@dataclass(frozen=True)
class Checkpoint:
    """Where a run stood after a step."""

    path: Path
    step: int
    values: dict[str, Any]  # as JSON has them: tuples have become lists
    tensors: dict[str, dict[str, Tensor]]  # on the CPU; by group, such as "ema", and name


def tensor_bytes(tensors: dict[str, Tensor]) -> bytes:
    """Tensors, on any device and in any layout, as a safetensors file holds them."""
    copies = {name: tensor.detach().to("cpu", copy=True) for name, tensor in tensors.items()}
    return save({name: tensor.contiguous() for name, tensor in copies.items()})


def parse_tensors(path: Path, data: bytes) -> dict[str, Tensor]:
    """The tensors in the bytes of a safetensors file, on the CPU. Raises CheckpointError."""
    try:
        return load(data)
    except SafetensorError as error:
        raise CheckpointError(
            str(path),
            "weights",
            got=describe(error),
            expected="a safetensors file",
            fix="copy the file again, or train anew",
        ) from None


def write_weights(folder: Path, groups: dict[str, dict[str, Tensor]]) -> None:
    """Write the weights of a finished run: a file for each group, then their manifest."""
    files = {f"{group}.safetensors": tensor_bytes(part) for group, part in groups.items()}
    for name, data in files.items():
        write_file(folder / name, data)
    manifest = {name: digest(data) for name, data in files.items()}
    write_file(folder / MANIFEST, json.dumps(manifest, indent=1).encode())


def read_weights(folder: Path, group: str) -> dict[str, Tensor]:
    """A group of weights of a finished run, on the CPU.

    Raises CheckpointError, naming the file, unless it is what its manifest says.
    """
    path = folder / f"{group}.safetensors"
    try:
        data = path.read_bytes()
        expected = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))[path.name]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise CheckpointError(
            str(path),
            "weights",
            got=describe(error),
            expected=f"a file that is listed in {folder / MANIFEST}",
            fix="copy the whole folder again, or train anew",
        ) from None
    if digest(data) != expected:
        raise CheckpointError(
            str(path),
            "weights",
            got=f"a file of {len(data)} bytes",
            expected=f"the one that was saved, whose SHA-256 is in {MANIFEST}",
            fix="copy the file again, or train anew",
        )
    return parse_tensors(path, data)


def read_checkpoint(path: Path | str) -> Checkpoint:
    """The checkpoint in the folder path. Raises CheckpointError unless it is intact."""
    check_intact(path)
    path = Path(path)
    try:
        state = json.loads((path / "values.json").read_text(encoding="utf-8"))
        step, values = state["step"], state["values"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise CheckpointError(
            str(path),
            "values.json",
            got=describe(error),
            expected="the step and the values of a run",
            fix=REMEDY,
        ) from None
    tensors = {
        file.stem: parse_tensors(file, file.read_bytes()) for file in path.glob("[!.]*.safetensors")
    }
    return Checkpoint(path, step, values, tensors)


STEP = re.compile(r"step-(\d{8,})")
LEFTOVER = re.compile(r"step-\d{8,}\.(unfinished|old)")


def saved_steps(folder: Path) -> dict[int, Path]:
    """The checkpoints in a folder, intact or not, from the first step to the last."""
    found = {int(name[1]): path for path in folder.iterdir() if (name := STEP.fullmatch(path.name))}
    return dict(sorted(found.items()))


def retire(path: Path) -> None:
    """Rename a checkpoint: it counts no longer."""
    path.rename(path.with_name(path.name + ".old"))


def remove_leftovers(folder: Path) -> None:
    """Delete what is unfinished, and what has lost its name."""
    for path in folder.iterdir():
        if LEFTOVER.fullmatch(path.name):
            remove(path)


def write_folder(path: Path, files: dict[str, bytes]) -> None:
    """Write files and their manifest aside, and give the folder its name when all is on disk."""
    manifest = {name: digest(data) for name, data in files.items()}
    unfinished = path.with_name(path.name + ".unfinished")
    unfinished.mkdir()
    for name, data in files.items():
        write_synced(unfinished / name, data)
    write_synced(unfinished / MANIFEST, json.dumps(manifest, indent=1).encode())
    if os.path.lexists(path):
        retire(path)
    rename_folder(unfinished, path)


def save_checkpoint(
    folder: Path | str,
    step: int,
    tensors: dict[str, dict[str, Tensor]],
    values: dict[str, Any],
    keep: int = 2,
) -> Path:
    """Write the new folder step-00001000, for step 1000, into folder; return its path.

    tensors holds a dict of tensors, on any device, for each file; values must fit into JSON.
    Of the checkpoints up to this step the last `keep` stay. An intact one of this very step is
    left as it is. No other process may write to folder. A process killed in here leaves the old
    checkpoints or the new one, and nothing broken under their names. Raises CheckpointError when
    the disk is full or cannot be written; what was there before is there still.
    """
    step = check_int("save_checkpoint", "step", step, 0)
    check_int("save_checkpoint", "keep", keep, 1)
    folder = check_path("save_checkpoint", "folder", folder)
    path = folder / f"step-{step:08}"
    files = {f"{group}.safetensors": tensor_bytes(part) for group, part in tensors.items()}
    files["values.json"] = json.dumps({"step": step, "values": values}, indent=1).encode()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        check_no_link(folder)
        remove_leftovers(folder)
        try:
            check_intact(path)
        except CheckpointError:
            write_folder(path, files)
        counted = [found for number, found in saved_steps(folder).items() if number <= step]
        for earlier in counted[:-keep]:
            retire(earlier)
        remove_leftovers(folder)
    except OSError as error:
        with suppress(OSError):
            remove_leftovers(folder)
        raise CheckpointError(
            str(path),
            "checkpoint",
            got=describe(error),
            expected=f"room for {sum(map(len, files.values())):,} bytes "
            "in a folder that can be written",
            fix="make room, or choose another disk; the earlier checkpoints are as they were",
        ) from None
    return path


def newest_checkpoint(folder: Path | str) -> Checkpoint | None:
    """The last intact checkpoint in folder; None if there is none at all, nor a folder.

    Warns of each it passes over. Raises CheckpointError when none is intact, or none can be read.
    """
    folder = check_path("newest_checkpoint", "folder", folder)
    try:
        check_no_link(folder)
        paths = saved_steps(folder).values() if folder.exists() else ()
    except OSError as error:
        raise CheckpointError(
            str(folder),
            "checkpoints",
            got=describe(error),
            expected="a folder",
            fix="give the folder of a run",
        ) from None
    for path in reversed(paths):
        try:
            return read_checkpoint(path)
        except CheckpointError as error:
            warnings.warn(f"passed over: {error}", stacklevel=2)
    if paths:
        raise CheckpointError(
            str(folder),
            "checkpoints",
            got="none that is intact",
            expected=f"one of {len(paths)} to be",
            fix="copy them again, or move the folder away to begin anew",
        )
    return None


def _leaves(value: Any, name: str = "") -> dict[str, Any]:
    """What nested dicts hold, by dotted name."""
    if not isinstance(value, dict):
        return {name: value}
    return {
        key: leaf
        for part in value
        for key, leaf in _leaves(value[part], f"{name}.{part}".lstrip(".")).items()
    }


def check_same_run(checkpoint: Checkpoint, values: dict[str, Any]) -> None:
    """Raise CheckpointError, naming the first difference, unless the checkpoint has these values.

    Values are compared as JSON has them. The checkpoint may hold more, beside them.
    """
    wanted = _leaves(json.loads(json.dumps(values)))
    stored = _leaves({key: checkpoint.values[key] for key in values if key in checkpoint.values})
    for name in wanted | stored:
        if (name in stored, stored.get(name)) != (name in wanted, wanted.get(name)):
            got, expected = (
                repr(part[name]) if name in part else "nothing" for part in (stored, wanted)
            )
            raise CheckpointError(
                str(checkpoint.path),
                name,
                got=got,
                expected=f"{expected}, as in the run that would go on from it",
                fix="go on with the settings of the checkpoint, or begin a new run",
            )


def check_tensors(where: Path | str, tensors: dict[str, Tensor], wanted: dict[str, Tensor]) -> None:
    """Raise CheckpointError, naming the first difference, unless the tensors are like those wanted.

    Names, shapes and types of numbers are compared; the wanted ones may be on the meta device.
    """
    found, like = (
        {name: f"{tuple(tensor.shape)} {tensor.dtype}" for name, tensor in part.items()}
        for part in (tensors, wanted)
    )
    for name in sorted(found.keys() | like.keys()):
        got, expected = (part.get(name, "no such tensor") for part in (found, like))
        if got != expected:
            raise CheckpointError(
                str(where),
                name,
                got=got,
                expected=f"{expected}, as in the network",
                fix="take weights and settings from one and the same run",
            )


def load_weights(model: nn.Module, tensors: dict[str, Tensor], where: Path | str) -> None:
    """Copy tensors into model, or give them to one on the meta device; `where` is for errors.

    Raises CheckpointError if they belong to another network, or to a wrapper of this one.
    """
    wanted = model.state_dict()
    name = min(tensors, default="")
    prefix = name.removesuffix(re.sub(r"^(module\.|_orig_mod\.)+", "", name))
    if prefix and not any(name.startswith(prefix) for name in wanted):
        raise CheckpointError(
            str(where),
            name,
            got=f"names that begin with {prefix!r}",
            expected="names as the network itself has them, without its wrapper",
            fix=f"save the network inside the wrapper, or strip the names of the file: "
            f"{{name.removeprefix({prefix!r}): tensor for name, tensor in tensors.items()}}",
        )
    check_tensors(where, tensors, wanted)
    model.load_state_dict(tensors, assign=any(weight.is_meta for weight in wanted.values()))


def optimizer_tensors(optimizer: torch.optim.AdamW, model: nn.Module) -> dict[str, Tensor]:
    """The state of AdamW by name: step.NAME, exp_avg.NAME and exp_avg_sq.NAME for each weight.

    The tensors are live, not copies. A weight that was never moved has none.
    """
    return {
        f"{kind}.{name}": tensor
        for name, weight in model.named_parameters()
        for kind, tensor in optimizer.state.get(weight, {}).items()
    }


def load_optimizer(
    optimizer: torch.optim.AdamW, model: nn.Module, tensors: dict[str, Tensor], where: Path | str
) -> None:
    """Give a new optimiser of model the state from `optimizer_tensors`; `where` is for errors.

    Raises CheckpointError if it belongs to another network.
    """
    moved = {name.partition(".")[2] for name in tensors}
    weights = {name: weight for name, weight in model.named_parameters() if name in moved}
    check_tensors(
        where,
        tensors,
        {
            f"{kind}.{name}": weight if kind != "step" else torch.empty((), device="meta")
            for name, weight in weights.items()
            for kind in ("step", "exp_avg", "exp_avg_sq")
        },
    )
    state = {
        weight: {
            "step": tensors[f"step.{name}"].clone(),
            **{
                kind: torch.empty_like(weight).copy_(tensors[f"{kind}.{name}"])
                for kind in ("exp_avg", "exp_avg_sq")
            },
        }
        for name, weight in weights.items()
    }
    order = [weight for group in optimizer.param_groups for weight in group["params"]]
    optimizer.load_state_dict(
        {
            "state": {
                number: state[weight] for number, weight in enumerate(order) if weight in state
            },
            "param_groups": optimizer.state_dict()["param_groups"],
        }
    )
