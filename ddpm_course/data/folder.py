"""A folder of image files as a data set: every file is looked at once, and read on demand."""

import os
import warnings
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from multiprocessing.pool import ThreadPool
from pathlib import Path

import numpy as np
import torch
from jaxtyping import UInt8
from PIL import Image, ImageOps
from torch import Tensor

from ddpm_course.checks import BadValue, describe, visible
from ddpm_course.data.images import PARTS, ImageSet, held_out_tenth


def open_image(path: Path) -> Image.Image:
    """An image file of any mode as Pillow's "L", grey, or "RGB", upright and laid on white.

    Of an animation it is the first image. Raises BadValue, naming path, for a file that cannot be
    read to its end, for more pixels than Pillow's MAX_IMAGE_PIXELS, and for an unknown white.
    """
    try:
        if path.exists() and not path.is_file():
            raise OSError("a pipe or a device, which has no end")
        with Image.open(path) as image:
            _check_size(image)
            ImageOps.exif_transpose(image, in_place=True)
        if image.mode[0] in "IF":
            image = _eight_bits(image)
        mode = "L" if image.mode in ("1", "L", "LA") else "RGB"
        if image.has_transparency_data:
            image = image.convert("RGBA")
            white = Image.new(mode, image.size, "white")
            white.paste(image, mask=image)
            return white
        return image if image.mode == mode else image.convert(mode)
    except Exception as error:  # Pillow's readers raise some ten kinds
        raise BadValue(
            str(path),
            "image",
            got=describe(error),
            expected="an image file that Pillow can read to its end",
            fix="replace or remove it, or leave such files out with unreadable = skip",
        ) from None


def _check_size(image: Image.Image) -> None:
    """Before the pixels are read: a small file can hold very many. Pillow itself only warns."""
    limit, (width, height) = Image.MAX_IMAGE_PIXELS, image.size
    if limit is not None and width * height > limit:
        raise Image.DecompressionBombError(f"{width} x {height} pixels, more than {limit} in all")


def _eight_bits(image: Image.Image) -> Image.Image:
    """Grey of 16 bits in 8. Raises ValueError unless the file says that 65535 is white."""
    tags = getattr(image, "tag_v2", {})  # of a TIFF: bits, and whether black is 0
    plain = (tags.get(258), tags.get(262)) == ((16,), 1) and image.mode != "I"
    if image.mode == "F" or not (plain or image.format in ("PNG", "PPM", "JPEG2000")):
        kind = "floats" if image.mode == "F" else "integers"
        raise ValueError(f"{kind}, of which it is not known how large white is")
    levels = np.array(image)
    levels[levels == image.info.get("transparency", -1)] = 65535
    return Image.fromarray((levels / 257).round().astype(np.uint8))


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

    def digest(self, root: Path | str) -> str:
        """SHA-256 of the names below root, with the sizes of the files: what a run was begun with.

        Raises BadValue for a file that is no longer there.
        """
        root, found = Path(os.path.expanduser(root)), sha256()
        for path in self.paths:
            try:
                size = path.stat().st_size
            except OSError as error:
                got, expected = describe(error), "a file that is there"
                raise BadValue(str(path), "image", got, expected, "put it back") from None
            found.update(os.fsencode(path.relative_to(root)) + b" %d\n" % size)
        return found.hexdigest()

    def __getitem__(self, index: int) -> UInt8[Tensor, "C H W"]:
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
    if skipped := [str(path) for path in modes if not isinstance(modes[path], str)]:
        warnings.warn(
            f"{len(skipped)} of {len(paths)} files cannot be read and are skipped: "
            + visible(", ".join(skipped)),
            stacklevel=2,
        )
    return {path: found for path, found in modes.items() if isinstance(found, str)}


def _is_folder(entry: os.DirEntry) -> bool:
    with suppress(OSError):  # a link to itself is a file that cannot be read
        return entry.is_dir()
    return False


def image_paths(root: Path) -> list[Path]:
    """All files below a folder, by name, but what begins with a dot. Links are followed.

    Raises BadValue for a folder that cannot be listed, and for a link to a folder that it is in.
    """

    def walk(folder: Path, above: tuple[Path, ...]) -> Iterator[Path]:
        real = folder.resolve()
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError as error:
            raise BadValue(
                str(folder),
                "folder",
                got=f"{type(error).__name__}: {error.strerror}",
                expected="a folder that can be listed",
                fix="allow it to be read, or move it out of data_dir",
            ) from None
        if real in above:
            raise BadValue(
                str(folder),
                "folder",
                got=f"a link to {str(real)!r}, which it is in",
                expected="links that lead to other folders",
                fix="remove the link",
            )
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if _is_folder(entry):
                yield from walk(folder / entry.name, (*above, real))
            else:
                yield folder / entry.name

    return list(walk(root, ()))


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
        BadValue,
        "folder",
        "data_dir",
        expected="a folder of images, in one sub-folder per class or all without, "
        "two or more of each class",
    )
    root = Path(os.path.expanduser(data_dir))
    if not str(data_dir) or not root.is_dir():
        raise error(
            got=f"{str(data_dir)!r}, which is no folder", fix="set data_dir to a folder that exists"
        )
    if image_size == 0:
        raise BadValue(
            "folder",
            "image_size",
            got="0",
            expected="1 or more",
            fix="say how many pixels wide the images shall be, for example 32",
        )
    modes = image_modes(image_paths(root), unreadable)
    if not modes:
        raise error(got=f"{str(data_dir)!r} without an image", fix="put images there")
    classes, labels, counts = _classes_of(modes, root)
    if classes[0] == "" and len(classes) > 1:
        raise error(
            got=f"{counts[0]} images beside the sub-folder {str(classes[1])!r}",
            fix="move them into sub-folders, or out of the folder",
        )
    if strange := [name for name in classes.tolist() if not name.isprintable()]:
        raise error(
            got=f"a sub-folder named {strange[0]!r}",
            fix="rename it, in letters that can be printed",
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
