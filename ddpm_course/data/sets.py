"""Every data set by its name."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from ddpm_course.checks import BadValue, check_bool, check_choice, check_int, check_path
from ddpm_course.data.folder import folder_set
from ddpm_course.data.images import PARTS, ImageSet, digit_set, glyph_set
from ddpm_course.data.published import TORCHVISION, torchvision_set

BUILT_IN: dict[str, Callable[[str], ImageSet]] = {
    "digits": digit_set,
    "glyphs28": partial(glyph_set, size=28, colour=False),
    "glyphs32": partial(glyph_set, size=32, colour=True),
}
LARGEST_SIDE = 4096  # pixels of a side of an image
LARGEST_SET = 2**32  # bytes of a set that is enlarged in memory
DATA = (*BUILT_IN, *TORCHVISION, "folder")


@contextmanager
def on_cpu() -> Iterator[None]:
    """New tensors are on the CPU for a while, where the program has set another default."""
    elsewhere = torch.get_default_device().type != "cpu"
    with torch.device("cpu") if elsewhere else nullcontext():  # it makes every call slower
        yield


@on_cpu()
def load_set(
    name: str,
    part: str = "train",
    *,
    data_dir: Path | str = "",
    image_size: int = 0,
    unreadable: str = "stop",
    download: bool = False,
) -> ImageSet:
    """One part, of PARTS, of the data set `name`, of DATA.

    data_dir is where torchvision's files or the folder of images are; the other sets take none.
    image_size is the height and width of the images, 0 for the set's own; a folder needs one.
    unreadable is what happens to files in a folder that cannot be read: "stop" or "skip".
    download lets torchvision fetch its files into data_dir if some are missing.
    Raises BadInput for arguments that do not fit, and for files that are missing or damaged.
    """
    check_choice("load_set", "name", name, DATA)
    check_choice("load_set", "part", part, PARTS)
    check_choice("load_set", "unreadable", unreadable, ("stop", "skip"))
    image_size = check_int("load_set", "image_size", image_size, 0, LARGEST_SIDE)
    check_bool("load_set", "download", download)
    check_path("load_set", "data_dir", data_dir)
    if name == "folder":
        return folder_set(part, data_dir, image_size, unreadable)
    if name in BUILT_IN and str(data_dir):
        raise BadValue(
            "load_set",
            "data_dir",
            got=repr(str(data_dir)),
            expected=f"none: {name} is not read from there",
            fix="name the data set 'folder' to read your own images",
        )
    found = (
        BUILT_IN[name](part)
        if name in BUILT_IN
        else torchvision_set(name, part, data_dir, download)
    )
    if image_size in (0, found.image_shape[-1]):
        return found
    assert isinstance(found.pixels, Tensor)  # only a folder's images are not in memory
    needed = len(found) * found.image_shape[0] * image_size**2
    if needed > LARGEST_SET:
        raise BadValue(
            "load_set",
            "image_size",
            got=f"{image_size}, which takes {needed / 2**30:,.1f} GiB for {len(found)} images",
            expected=f"no more than {LARGEST_SET / 2**30:g} GiB",
            fix="choose a smaller image_size, or write the images into a folder, which is read on "
            "demand",
        )
    return replace(
        found,
        pixels=F.interpolate(
            found.pixels, (image_size, image_size), mode="bilinear", antialias=True
        ),
    )


def load_data(
    name: str, part: str = "train", **options: Any
) -> tuple[Float[Tensor, "N C H W"], Int[Tensor, "N"]]:
    """Images, float32 [N, C, H, W] in [-1, 1], and labels, int64 [N]: load_set's, all at once.

    Raises BadInput as `load_set`.
    """
    found = load_set(name, part, **options)
    return found.floats(), found.labels
