"""The images that a run learns from, and those that it holds out."""

import math

from torch import Tensor

from ddpm_course.checks import BadInput, BadValue
from ddpm_course.data import PARTS, ImageSet, batch_order, load_set
from ddpm_course.runs.profiles import Profile
from ddpm_course.runs.run import Run


def load_part(profile: Profile, part: str) -> ImageSet:
    """One part, of PARTS, of a profile's data. Raises BadInput as `load_set`."""
    return load_set(
        profile.data,
        part,
        data_dir=profile.data_dir,
        image_size=profile.image_size,
        unreadable=profile.unreadable,
        download=profile.download,
    )


def load_images(profile: Profile) -> ImageSet:
    """The training images of a profile.

    Raises BadInput as `load_set`, and for images that do not fit the network or are fewer than a
    batch holds.
    """
    images = load_part(profile, PARTS[0])
    known = images.num_classes
    if profile.num_classes not in (0, known):
        raise BadValue(
            "train",
            "num_classes",
            got=str(profile.num_classes),
            expected=f"{known}, as many as the data set {profile.data!r} has",
            fix=f"set num_classes = {known}, or 0 to train without classes"
            if known
            else "set num_classes = 0, or sort a folder of images into sub-folders",
        )
    halvings = len(profile.channel_multipliers) - 1
    side, factor = images.image_shape[-1], 2**halvings
    if side % factor:
        raise BadValue(
            "train",
            "image_size",
            got=f"images of {side}×{side} pixels",
            expected=f"a multiple of {factor}, for a network that halves them {halvings} times",
            fix=f"set image_size = {math.ceil(side / factor) * factor}, or take fewer "
            "channel_multipliers",
        )
    batch_order(len(images), profile.batch_size, 0)
    return images


def files_sha256(profile: Profile, images: ImageSet) -> str | None:
    """`ImageFiles.digest` of images from a profile's folder; None of others, which do not change."""
    return None if isinstance(images.pixels, Tensor) else images.pixels.digest(profile.data_dir)


def images_of(run: Run) -> ImageSet:
    """The training images of a run that was begun with them.

    Raises BadInput as `load_images`, naming the config.json that says where they are, and BadValue
    for others. Shape and classes are compared, and of a folder the names and sizes of its files.
    """
    place = run.folder / "config.json"
    try:
        images = load_images(run.profile)
    except BadInput as error:
        raise error.within(place) from None
    then = run.image_shape, run.classes, run.files_sha256
    now = images.image_shape, images.classes, files_sha256(run.profile, images)
    kinds = "shape", "classes", "files"
    if others := [kind for kind, a, b in zip(kinds, then, now) if a not in (None, (), b)]:
        raise BadValue(
            str(place),
            "data_dir",
            got=f"images of other {' and '.join(others)} in {run.profile.data_dir!r}",
            expected="what the run was begun with",
            fix="put back what was added, removed or renamed, or begin a new run",
        )
    return images
