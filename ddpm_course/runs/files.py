"""The one way of a file to its name: written aside, on the disk, then renamed.

A process that dies on the way leaves what was there before, or the whole new file. Names are
never followed out of their folder: a link under a name that is to be written is replaced or
refused, not written through.
"""

import errno
import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ddpm_course.checks import BadInput, BadValue

UNFINISHED = ".unfinished"


def write_synced(path: Path, data: bytes) -> None:
    """Write a new file, and return when it is on the disk. Raises OSError."""
    with open(path, "xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(path: Path) -> None:
    """Return when the names in a folder are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def naming_errors(path: Path, kind: type[BadInput] = BadValue) -> Iterator[None]:
    """Turn an error of the disk into one that names the path."""
    try:
        yield
    except OSError as error:
        raise kind(
            str(path),
            "file",
            got=error.strerror or str(error),
            expected="a place that can be written, on a disk with room",
            fix="make room, or choose another place; what was there before is as it was",
        ) from None


@contextmanager
def _written_aside(path: Path, data: bytes) -> Iterator[Path]:
    """A file beside path with this data, on the disk; it goes again, unless it was given a name."""
    aside = path.with_name(path.name + ".aside")
    with naming_errors(path):
        try:
            aside.unlink(missing_ok=True)  # of a process that died
            write_synced(aside, data)
            yield aside
        finally:
            with suppress(OSError):
                aside.unlink()


def write_file(path: Path, data: bytes) -> None:
    """Write a file aside, and give it its name when it is on the disk, over an older one.

    Raises BadValue, naming the path, when the disk is full or cannot be written.
    """
    with _written_aside(path, data) as aside:
        aside.rename(path)
        sync_folder(path.parent)


def check_new(where: str, what: str, path: Path) -> None:
    """Raise BadValue if path exists, if only as a link to nothing: nothing is overwritten."""
    if os.path.lexists(path):
        raise BadValue(
            where,
            what,
            got=f"{path}, which exists",
            expected="a new path",
            fix="choose another name, or move the old one away",
        )


def check_new_file(where: str, what: str, path: Path) -> None:
    """Raise BadValue if path exists, or cannot be made: not there, or not by that name."""
    check_new(where, what, path)
    if not path.absolute().parent.is_dir():
        raise BadValue(
            where,
            what,
            got=f"{path}, in a folder that is not there",
            expected="a new file in a folder that is there",
            fix="make the folder first",
        )
    with _written_aside(path, b""):
        pass


def check_no_link(path: Path) -> None:
    """Raise OSError for a link: what is written into it would lie elsewhere."""
    if path.is_symlink():
        raise OSError(errno.ELOOP, "it is a link", str(path))


def remove(path: Path) -> None:
    """Delete a folder and all that is in it, or a file; of a link the link alone. Raises OSError."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def unfinished(path: Path) -> Path:
    """The name of a folder while it is being filled."""
    return Path(f"{path}{UNFINISHED}")


def check_new_folder(where: str, what: str, path: Path) -> None:
    """Raise BadValue unless a folder can be made under this name, and under its first one."""
    if not path.name or path.name.endswith(UNFINISHED):
        raise BadValue(
            where,
            what,
            got=str(path),
            expected=f"the name of a folder, and not one that ends with {UNFINISHED}",
            fix=f"leave {UNFINISHED} away: it marks what is not finished",
        )
    for folder in (path, unfinished(path)):
        check_new(where, what, folder)


def make_folder(path: Path, where: str, what: str) -> None:
    """Make a new folder and those that it is in. Raises BadValue when that cannot be done."""
    try:
        path.mkdir(parents=True)
    except OSError as error:
        raise BadValue(
            where,
            what,
            got=f"{path}: {error.strerror}",
            expected="a folder that can be made",
            fix="choose one where you may write, on a disk that has room",
        ) from None


def rename_folder(path: Path, target: Path) -> None:
    """Give a folder that is filled its name, when all names in it are on the disk."""
    sync_folder(path)
    path.rename(target)
    sync_folder(target.parent)


@contextmanager
def new_folder(path: Path, where: str, what: str) -> Iterator[Path]:
    """A new folder to fill, path.unfinished; renamed to path at the end, deleted after an error.

    Raises BadValue when either exists or none can be made, naming the function and its argument.
    """
    check_new_folder(where, what, path)
    make_folder(unfinished(path), where, what)
    try:
        yield unfinished(path)
    except BaseException:
        shutil.rmtree(unfinished(path), ignore_errors=True)
        raise
    rename_folder(unfinished(path), path)


@contextmanager
def sole_writer(folder: Path) -> Iterator[None]:
    """The lock of a folder. Raises BadValue if another process holds it."""
    lock = folder / "lock"
    with naming_errors(lock):
        handle = os.open(lock, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o666)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(handle)
        if not isinstance(error, BlockingIOError):
            raise BadValue(
                str(lock),
                "file",
                got=error.strerror or str(error),
                expected="a disk that can lock a file, so that two runs never write to one folder",
                fix="take a folder on another disk",
            ) from None
        raise BadValue(
            "resume",
            "run_dir",
            got=f"{folder}, which a run writes to",
            expected="an interrupted run",
            fix="wait for it, or stop it",
        ) from None
    try:
        yield
    finally:
        os.close(handle)
