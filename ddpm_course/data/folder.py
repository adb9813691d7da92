"""A folder of image files as a data set: every file is looked at once, and read on demand."""

import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from multiprocessing.pool import ThreadPool
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from ddpm_course.checks import BadValue, bad_input
from ddpm_course.data.images import PARTS, ImageSet, held_out_tenth


def open_image(path: Path) -> Image.Image:
    """An image file of any mode as Pillow's "L", grey, or "RGB", upright and laid on white.

    Raises BadValue, naming path, for a file that cannot be read to its end.
    """
    try:
        with Image.open(path) as file:
            image = ImageOps.exif_transpose(file)
        if image.mode == "F":
            raise ValueError("floats, of which it is not known how large white is")
        if image.mode.startswith("I"):
            high = np.asarray(image) / 257  # 65535 is white
            image = Image.fromarray(high.round().clip(0, 255).astype(np.uint8))
        mode = "L" if image.mode in ("1", "L", "LA") else "RGB"
        if image.has_transparency_data:
            image = image.convert("RGBA")
            image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
        return image.convert(mode)
    except Exception as error:  # Pillow's readers raise some ten kinds
        raise bad_input(
            BadValue,
            str(path),
            "image",
            got=f"{type(error).__name__}: {error}",
            expected="an image file that Pillow can read to its end",
            fix="replace or remove it, or leave such files out with unreadable = skip",
        ) from None


@dataclass(frozen=True)
class ImageFiles:
    """Image files as a sequence of uint8 [C, size, size], each read when it is asked for.

    Reading raises BadValue, naming the file, when it can no longer be read.
    """

    paths: tuple[Path, ...]
    channels: int  # 1 or 3
    size: int

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """[N, C, H, W], as a tensor of all would have it."""
        return len(self.paths), self.channels, self.size, self.size

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> Tensor:
        image = open_image(self.paths[index]).convert("L" if self.channels == 1 else "RGB")
        square = np.array(ImageOps.fit(image, (self.size, self.size)))
        return torch.from_numpy(square).view(*self.shape[2:], -1).permute(2, 0, 1).contiguous()


def image_modes(paths: list[Path], unreadable: str) -> dict[Path, str]:
    """Which of the files can be read, each with its mode, "L" or "RGB".

    Raises BadValue at the first other one; with unreadable = "skip" it warns of all at the end.
    """

    def mode(path: Path) -> str | BadValue:
        try:
            return open_image(path).mode
        except BadValue as error:
            if unreadable == "stop":
                raise
            return error

    with ThreadPool() as pool:
        modes = dict(zip(paths, pool.imap(mode, paths, chunksize=16)))
    if skipped := [path for path in modes if not isinstance(modes[path], str)]:
        warnings.warn(
            f"{len(skipped)} of {len(paths)} files cannot be read and are skipped: "
            + ", ".join(map(str, skipped)),
            stacklevel=2,
        )
    return {path: found for path, found in modes.items() if isinstance(found, str)}


def _classes_of(paths: Iterable[Path], root: Path) -> tuple[np.ndarray, Tensor, np.ndarray]:
    """The sub-folders of root that hold the files, "" for root; which is each one's; how many each."""
    names = [path.relative_to(root).parent.parts[:1] for path in paths]
    classes, labels, counts = np.unique(
        [name[0] if name else "" for name in names], return_inverse=True, return_counts=True
    )
    return classes, torch.from_numpy(labels), counts


def folder_set(
    part: str, data_dir: Path | str, image_size: int, unreadable: str = "stop"
) -> ImageSet:
    """One part of the images in data_dir, in squares of image_size, read on demand.

    Raises BadValue for a folder that is missing, empty, or mixed, for a class of fewer than two
    images, for no image_size, and for a file that cannot be read, unless it is to be skipped.
    """
    error = partial(
        bad_input,
        BadValue,
        "folder",
        "data_dir",
        expected="a folder of images, in one sub-folder per class or all without, "
        "two or more of each class",
    )
    root = Path(data_dir).expanduser()
    if not str(data_dir) or not root.is_dir():
        raise error(
            got=f"{str(data_dir)!r}, which is no folder", fix="set data_dir to a folder that exists"
        )
    if image_size == 0:
        raise bad_input(
            BadValue,
            "folder",
            "image_size",
            got="0",
            expected="1 or more",
            fix="say how many pixels wide the images shall be, for example 32",
        )
    inside = [path.relative_to(root) for path in sorted(root.rglob("*")) if path.is_file()]
    files = [root / path for path in inside if not any(name[0] == "." for name in path.parts)]
    modes = image_modes(files, unreadable)
    if not modes:
        raise error(got=f"{str(data_dir)!r} without an image", fix="put images there")
    classes, labels, counts = _classes_of(modes, root)
    if classes[0] == "" and len(classes) > 1:
        raise error(
            got=f"{counts[0]} images beside the sub-folder {str(classes[1])!r}",
            fix="move them into sub-folders, or out of the folder",
        )
    if counts.min() < 2:
        raise error(
            got=f"a single image in {str(root / classes[counts.argmin()])!r}",
            fix="add images, so that one can be held out",
        )
    paths, chosen = list(modes), held_out_tenth(labels)[PARTS.index(part)]
    channels = 3 if "RGB" in modes.values() else 1
    files_read = ImageFiles(tuple(paths[i] for i in chosen), channels, image_size)
    return ImageSet("folder", files_read, labels[chosen], tuple(filter(None, classes.tolist())))
