"""The one way of a file to its name: whole or not there, and never out of its folder."""

import errno
import fcntl
import os

import pytest
from refusals import refused

from ddpm_course.checks import BadValue
from ddpm_course.runs import files
from ddpm_course.runs.files import (
    check_new,
    check_new_file,
    check_new_folder,
    new_folder,
    sole_writer,
    write_file,
)


@pytest.fixture
def full(monkeypatch):
    """A disk that takes half of a file."""

    def write(path, data):
        path.write_bytes(data[: len(data) // 2])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(files, "write_synced", write)


def test_a_file_takes_the_place_of_an_older_one(tmp_path):
    for data in (b"one", b"two"):
        write_file(tmp_path / "file", data)
        assert (tmp_path / "file").read_bytes() == data
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_full_disk_leaves_the_older_file_and_names_the_path(tmp_path, full):
    (tmp_path / "file").write_bytes(b"older")
    for name, left in (("file", b"older"), ("new", None)):
        kept = "what was there before is as it was"
        with refused(BadValue, where=tmp_path / name, got="No space left", fix=kept):
            write_file(tmp_path / name, b"something")
        assert not (tmp_path / name).exists() if left is None else True
    assert (tmp_path / "file").read_bytes() == b"older"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("target", ["dangling", "file"])
def test_a_link_is_not_written_through(tmp_path, target):
    room, outside = tmp_path / "room", tmp_path / "outside"
    room.mkdir(), outside.mkdir()
    if target == "file":
        (outside / target).write_bytes(b"mine")
    for name in ("picture.png", "picture.png.aside", "lock"):
        (room / name).symlink_to(outside / target)
    with refused(BadValue, where="sample", got=f"{room / 'picture.png'}, which exists"):
        check_new("sample", "out", room / "picture.png")
    write_file(room / "picture.png", b"new")
    with refused(BadValue, where=room / "lock", what="file"), sole_writer(room):
        pass
    assert not (room / "picture.png").is_symlink()
    assert [path.read_bytes() for path in outside.iterdir()] == [b"mine"] * (target == "file")


def test_a_place_that_cannot_be_written_is_found_before_the_work(tmp_path, monkeypatch):
    def read_only(path, data):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    with refused(BadValue, what="file", fix="choose another place"):
        check_new_file("sample", "out", tmp_path / ("x" * 252))
    check_new_file("sample", "out", tmp_path / "x.png")
    monkeypatch.setattr(files, "write_synced", read_only)
    with refused(BadValue, where=tmp_path / "x.png", what="file", got="Read-only"):
        check_new_file("sample", "out", tmp_path / "x.png")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["a.unfinished", ".unfinished", "."])
def test_a_name_that_marks_what_is_unfinished_is_no_name(tmp_path, name):
    with refused(BadValue, where="train", what="run_dir", fix="leave .unfinished away"):
        check_new_folder("train", "run_dir", tmp_path / name if name != "." else files.Path("."))


def test_a_folder_that_is_not_filled_does_not_stay(tmp_path):
    with pytest.raises(ZeroDivisionError), new_folder(tmp_path / "new", "export", "folder") as new:
        write_file(new / "file", b"half")
        1 / 0
    assert not list(tmp_path.iterdir())


def test_a_folder_has_one_writer(tmp_path):
    with sole_writer(tmp_path):
        with refused(BadValue, what="run_dir", got="which a run writes to"), sole_writer(tmp_path):
            pass
    with sole_writer(tmp_path):
        pass


def test_a_disk_without_locks_is_named(tmp_path, monkeypatch):
    def none(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", none)
    with refused(BadValue, where=tmp_path / "lock", got="No locks available", fix="another disk"):
        with files.sole_writer(tmp_path):
            pass
