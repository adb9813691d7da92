"""The published sets that torchvision reads: MNIST, Fashion-MNIST and CIFAR-10."""

import gzip
import hashlib
import os
import tarfile
from collections.abc import Iterable
from contextlib import ExitStack
from functools import partial
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import IO, Any

import torch

from ddpm_course.checks import BadInput, BadValue
from ddpm_course.data.images import ImageSet

TORCHVISION = {"mnist": "MNIST", "fashion_mnist": "FashionMNIST", "cifar10": "CIFAR10"}
# MNIST and Fashion-MNIST have files of the same names, and sizes. MD5 of the unpacked ones:
SUMS = {
    "6bbc9ace898e44ae57da46a324031adb": "MNIST",
    "a25bea736e30d166cdddb491f175f624": "MNIST",
    "2646ac647ad5339dbf082846283269ea": "MNIST",
    "27ae3e4e09519cfbb04c329615203637": "MNIST",
    "f4a8712d7a061bf5bd6d2ca38dc4d50a": "FashionMNIST",
    "9018921c3c673c538a1fc5bad174d6f9": "FashionMNIST",
    "8181f5470baa50b63fa0f6fddb340f0a": "FashionMNIST",
    "15d484375f8d13e6eb1aabb0c3f46965": "FashionMNIST",
}
LARGEST = 2**27  # bytes of a file that is unpacked; the largest published one has 47,040,016


def _files_of(kind: Any) -> tuple[str, dict[str, str | None], str]:
    """Where a root has the files of a set; their MD5 sums, if any, by name; the archive of all."""
    if kind.__name__ == "CIFAR10":
        sums = dict(kind.train_list + kind.test_list)
        return kind.base_folder, {**sums, kind.meta["filename"]: kind.meta["md5"]}, kind.filename
    names = [packed.removesuffix(".gz") for packed, _ in kind.resources]
    return f"{kind.__name__}/raw", dict.fromkeys(names), ""


def _unpack(source: IO[bytes] | gzip.GzipFile, path: Path) -> None:
    with source:
        data = source.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise ValueError(f"{path.name} has more than {LARGEST} bytes")
    path.write_bytes(data)


def _gather(folders: list[Path], files: Iterable[str], archive: Path, target: Path) -> list[str]:
    """Copy files from where they are, unpacked, packed, or in the archive; the names of the rest."""
    target.mkdir(parents=True)
    for file, folder in ((file, folder) for file in files for folder in folders):
        if not (target / file).exists():
            if (folder / file).is_file():
                _unpack((folder / file).open("rb"), target / file)
            elif (folder / f"{file}.gz").is_file():
                _unpack(gzip.open(folder / f"{file}.gz"), target / file)
    missing = [file for file in files if not (target / file).exists()]
    if missing and archive.is_file():
        with tarfile.open(archive) as members:
            for member in members:
                name = PurePosixPath(member.name).name
                if name in missing and (source := members.extractfile(member)):
                    _unpack(source, target / name)
                    missing.remove(name)
    return missing


def _download(kind: Any, root: Path, inside: str, files: Iterable[str]) -> None:
    """Let torchvision fetch the files and compare their sums; root has all of each file, or none."""
    root.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=root) as fetched:
        kind(fetched, download=True)
        (root / inside).mkdir(parents=True, exist_ok=True)
        for file in files:
            os.replace(Path(fetched, inside, file), root / inside / file)


def torchvision_set(name: str, part: str, data_dir: Path | str, download: bool = False) -> ImageSet:
    """torchvision's training or test set; name is one of TORCHVISION.

    The files are read as they were published, or unpacked, from data_dir or the folder in it where
    torchvision keeps them. With download, torchvision fetches them if some are missing; without,
    nothing is written to data_dir. Raises BadValue, naming the files and their place, when some
    are missing or damaged.
    """
    from torchvision import datasets
    from torchvision.datasets.utils import check_integrity

    kind = getattr(datasets, TORCHVISION[name])
    root = Path(os.path.expanduser(data_dir))
    inside, files, archive = _files_of(kind)
    error = partial(
        BadValue,
        name,
        "data_dir",
        expected=f"the {len(files)} files of {kind.__name__}, as published or unpacked, "
        f"in {root / inside} or in {root}",
        fix="copy them there" if download else "copy them there, or set download = yes",
    )
    with ExitStack() as stack:
        try:
            if not all((root / inside / file).is_file() for file in files):
                copies = Path(stack.enter_context(TemporaryDirectory()))
                missing = _gather([root / inside, root], files, root / archive, copies / inside)
                if not missing:
                    root = copies
                elif not download:
                    raise error(got=f"no {', '.join(missing)}")
                elif not str(data_dir):
                    raise error(got="no folder to download into", fix="set data_dir to a folder")
                else:
                    try:
                        _download(kind, root, inside, files)
                    except Exception as failed:  # of the network, of the disk, or another sum
                        problem = f"{type(failed).__name__}: {failed}"
                        raise error(got=f"no download, {problem}") from None
            if wrong := [
                file
                for file, md5 in files.items()
                if not check_integrity(root / inside / file, md5)
            ]:
                raise error(got=f"another MD5 sum than the published one for {', '.join(wrong)}")
            for file in (file for file, md5 in files.items() if not md5):
                other = SUMS.get(hashlib.md5((root / inside / file).read_bytes()).hexdigest())
                if other not in (None, kind.__name__):
                    fix = f"keep each set in a folder of its own, such as {other}/raw"
                    raise error(got=f"{file} of {other}", fix=fix)
            found = kind(root, train=part == "train")
        except BadInput:
            raise
        except Exception as broken:  # whatever the readers make of a file that is cut off
            raise error(got=f"damaged files, {type(broken).__name__}: {broken}") from None
    pixels = torch.as_tensor(found.data)
    pixels = pixels[:, None] if name != "cifar10" else pixels.permute(0, 3, 1, 2).contiguous()
    return ImageSet(name, pixels, torch.as_tensor(found.targets), tuple(found.classes))
