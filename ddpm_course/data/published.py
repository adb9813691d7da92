"""The published sets that torchvision reads: MNIST, Fashion-MNIST and CIFAR-10."""

from functools import partial
from pathlib import Path
from typing import Any

import torch

from ddpm_course.checks import BadValue, bad_input
from ddpm_course.data.images import ImageSet

TORCHVISION = {"mnist": "MNIST", "fashion_mnist": "FashionMNIST", "cifar10": "CIFAR10"}


def _files_of(kind: Any) -> tuple[str, dict[str, str | None]]:
    """Where in data_dir the files of a set of torchvision are; their MD5 sums, if any, by name."""
    if kind.__name__ == "CIFAR10":
        sums = dict(kind.train_list + kind.test_list)
        return kind.base_folder, {**sums, kind.meta["filename"]: kind.meta["md5"]}
    return f"{kind.__name__}/raw", {
        packed.removesuffix(".gz"): None for packed, _ in kind.resources
    }


def torchvision_set(name: str, part: str, data_dir: Path | str) -> ImageSet:
    """torchvision's training or test set, read from data_dir; name is one of TORCHVISION.

    Raises BadValue, naming the file and its place, when one is missing or damaged.
    """
    from torchvision import datasets
    from torchvision.datasets.utils import check_integrity

    kind = getattr(datasets, TORCHVISION[name])
    inside, files = _files_of(kind)
    folder = Path(data_dir).expanduser() / inside
    error = partial(
        bad_input,
        BadValue,
        name,
        "data_dir",
        expected=f"the {len(files)} files of {kind.__name__}, unpacked, in {folder}",
        fix=f"copy them there, or set data_dir to the folder that holds {inside}; "
        "nothing is downloaded",
    )
    if missing := [file for file in files if not (folder / file).is_file()]:
        raise error(got=f"no {', '.join(missing)}")
    if damaged := [file for file, md5 in files.items() if not check_integrity(folder / file, md5)]:
        raise error(got=f"another MD5 sum than the published one for {', '.join(damaged)}")
    try:
        found = kind(Path(data_dir).expanduser(), train=part == "train")
    except Exception as broken:  # whatever the reader makes of a file that is cut off
        raise error(got=f"damaged files, {type(broken).__name__}: {broken}") from None
    pixels = torch.as_tensor(found.data)
    pixels = pixels[:, None] if name != "cifar10" else pixels.permute(0, 3, 1, 2).contiguous()
    return ImageSet(name, pixels, torch.as_tensor(found.targets), tuple(found.classes))
