"""Data as people really have them: one table, which the tests go through and chapter 11 shows.

A row says what is given, makes it in the current folder and uses it, and quotes from what happens.
"""

import gzip
import pickle
import struct
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image

from ddpm_course.checks import BadInput
from ddpm_course.data import ImageSet, batch_order, load_set
from ddpm_course.unet import UNet


def picture(mode: str = "RGB", width: int = 12, height: int = 9) -> Image.Image:
    """A ramp from black to white, from left to right."""
    ramp = np.tile(np.linspace(0, 1, width), (height, 1))
    if mode == "I;16":
        return Image.fromarray((ramp * 65535).astype(np.uint16))
    return Image.fromarray((ramp * 255).astype(np.uint8)).convert(mode)


def write_pictures(folder: Path | str = "photos", num: int = 4, kind: str = "png",
                   **options: object) -> list[Path]:
    paths = [Path(folder) / f"{i}.{kind}" for i in range(num)]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        picture(**options).save(path)
    return paths


def cut(path: Path, share: float = 0.7) -> None:
    """Keep the first part of a file, as a full disk or a broken connection does."""
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])


def write_mnist(kind: str = "MNIST", root: Path | str = "downloads", num: int = 20,
                num_labels: int | None = None) -> Path:
    """Files in MNIST's format: big-endian sizes, then bytes. Image i is full of i."""
    folder = Path(root) / kind / "raw"
    folder.mkdir(parents=True)
    for part in ("train", "t10k"):
        pixels = np.arange(num, dtype=np.uint8).repeat(28 * 28)
        labels = np.arange(num_labels or num, dtype=np.uint8) % 10
        (folder / f"{part}-images-idx3-ubyte").write_bytes(
            struct.pack(">IIII", 2051, num, 28, 28) + pixels.tobytes())
        (folder / f"{part}-labels-idx1-ubyte").write_bytes(
            struct.pack(">II", 2049, len(labels)) + labels.tobytes())
    return folder


def write_cifar(root: Path | str = "downloads", num: int = 4) -> Path:
    """Files in CIFAR-10's format: pickles with rows of 1024 reds, 1024 greens, 1024 blues."""
    folder = Path(root) / "cifar-10-batches-py"
    folder.mkdir(parents=True)
    for name in (*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"):
        rows = np.arange(3, dtype=np.uint8).repeat(1024) + np.arange(num, dtype=np.uint8)[:, None]
        (folder / name).write_bytes(pickle.dumps({"data": rows, "labels": list(range(num))}))
    (folder / "batches.meta").write_bytes(pickle.dumps({"label_names": list("abcdefghij")}))
    return folder


class Row(NamedTuple):
    given: str
    use: Callable[[], object]
    words: str  # of the message, or of "works: ..."


def outcome(row: Row) -> str:
    """What happens: the message of the error, or that it works, with warnings."""
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        try:
            found = row.use()
        except BadInput as error:
            return str(error)
    shape = f"{len(found)} images {list(found.image_shape)}"
    return "; ".join([f"works: {shape}", *(f"warns: {each.message}" for each in warned)])


def photos(**options: object) -> ImageSet:
    """The training part of the folder photos, each image read."""
    found = load_set("folder", data_dir="photos", **{"image_size": 8, **options})
    assert [tuple(image.shape) for image, _ in found] == [found.image_shape] * len(found)
    return found


def no_image() -> None:
    write_pictures()[1].write_text("<html>Not found</html>")


def truncated(kind: str) -> None:
    cut(write_pictures(kind=kind, width=60, height=60)[2])


def beside(*made: object, **options: object) -> ImageSet:
    """What is in the folder after all has been made."""
    return photos(**options)


def packed_mnist() -> ImageSet:
    folder = write_mnist()
    for file in list(folder.iterdir()):
        file.with_suffix(".gz").write_bytes(gzip.compress(file.read_bytes()))
        file.unlink()
    return load_set("mnist", data_dir="downloads")


def cut_mnist() -> ImageSet:
    cut(write_mnist() / "train-images-idx3-ubyte")
    return load_set("mnist", data_dir="downloads")


def tried(channels: int, found: ImageSet) -> torch.Tensor:
    """A network for images of so many channels, with a factor of 4, looks at one image."""
    network = UNet(channels, 8, (1, 1, 1), 1, ())
    return network(found.floats()[:1], torch.tensor([1]))


ROWS = [
    Row("a folder without a name", lambda: load_set("folder", image_size=8), "'', which is no"),
    Row("a folder that is missing", photos, "'photos', which is no folder"),
    Row("a file instead of a folder", lambda: beside(Path("photos").touch()), "no folder"),
    Row("an empty folder", lambda: beside(Path("photos").mkdir()), "'photos' without an image"),
    Row("a folder, and no image size", lambda: beside(write_pictures(), image_size=0),
        "image_size: got 0"),
    Row("a folder with one image", lambda: beside(write_pictures(num=1)), "a single image"),
    Row("a class with one image", lambda: beside(write_pictures("photos/cats"),
                                                 write_pictures("photos/dogs", num=1)),
        "a single image in 'photos/dogs'"),
    Row("images beside sub-folders", lambda: beside(write_pictures(),
                                                    write_pictures("photos/cats")),
        "4 images beside the sub-folder 'cats'"),
    Row("a web page saved as an image", lambda: beside(no_image()), "photos/1.png: image: got"),
    Row("a truncated PNG", lambda: beside(truncated("png")), "photos/2.png: image: got OSError"),
    Row("a truncated JPEG", lambda: beside(truncated("jpg")), "photos/2.jpg: image: got OSError"),
    Row("a truncated JPEG, to be skipped", lambda: beside(truncated("jpg"), unreadable="skip"),
        "works: 2 images [3, 8, 8]; warns: 1 of 4 files cannot be read and are skipped: "
        "photos/2.jpg"),
    Row("only files that are no images, to be skipped", lambda: beside(
        Path("photos").mkdir(), Path("photos/list.txt").touch(), unreadable="skip"),
        "'photos' without an image"),
    Row("floats in a TIFF", lambda: beside(write_pictures(mode="F", kind="tif")),
        "photos/0.tif: image: got ValueError: floats"),
    Row("grey images", lambda: beside(write_pictures(mode="L")), "works: 3 images [1, 8, 8]"),
    Row("a grey image among coloured ones", lambda: beside(
        write_pictures(), picture("L").save("photos/grey.png")), "works: 4 images [3, 8, 8]"),
    *(Row(f"images with {what}", lambda m=mode, k=kind: beside(write_pictures(mode=m, kind=k)),
          f"works: 3 images [{channels}, 8, 8]")
      for what, mode, kind, channels in [
          ("an alpha channel", "RGBA", "png", 3), ("grey and alpha", "LA", "png", 1),
          ("a palette", "P", "png", 3), ("16 bits", "I;16", "png", 1), ("1 bit", "1", "png", 1),
          ("four inks (CMYK)", "CMYK", "jpg", 3)]),
    Row("images that are not square", lambda: beside(write_pictures(width=40)),
        "works: 3 images [3, 8, 8]"),
    Row("images smaller than image_size", lambda: beside(write_pictures(), image_size=16),
        "works: 3 images [3, 16, 16]"),
    Row("a folder for a set that needs none", lambda: load_set("digits", data_dir="photos"),
        "name the data set 'folder'"),
    Row("a misspelt set", lambda: load_set("cifar"), "write 'cifar10'"),
    Row("a misspelt part", lambda: load_set("digits", "heldout"), "write 'held_out'"),
    Row("a misspelt choice", lambda: photos(unreadable="ignore"), "'stop', 'skip'"),
    Row("a negative image size", lambda: photos(image_size=-8), "0 or more"),
    Row("MNIST without files", lambda: load_set("mnist", data_dir="downloads"),
        "in downloads/MNIST/raw"),
    Row("MNIST's files still packed", packed_mnist, "4 files of MNIST, unpacked"),
    Row("MNIST cut off", cut_mnist, "damaged files"),
    Row("MNIST with too few labels", lambda: (
        write_mnist(num_labels=19), load_set("mnist", data_dir="downloads"))[1],
        "for each of 20 images"),
    Row("CIFAR-10 without files", lambda: load_set("cifar10", data_dir="downloads"),
        "in downloads/cifar-10-batches-py"),
    Row("CIFAR-10 with other files", lambda: (
        write_cifar(), load_set("cifar10", data_dir="downloads"))[1],
        "another MD5 sum than the published one for data_batch_1"),
    Row("fewer images than a batch holds", lambda: batch_order(
        len(beside(write_pictures())), batch_size=4, seed=0), "4 for a data set of 3 images"),
    Row("a side that the network cannot halve", lambda: tried(
        3, beside(write_pictures(), image_size=10)), "H and W divisible by 4"),
    Row("grey images for a network of colours", lambda: tried(
        3, beside(write_pictures(mode="L"))), "[B, 3, H, W]"),
    Row("coloured images for a network of grey", lambda: tried(1, beside(write_pictures())),
        "[B, 1, H, W]"),
]
