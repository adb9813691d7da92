"""Checkpoints: whatever stops a save and whatever happens to a file, the good ones are found."""

import errno
import io
import itertools
import json
import os
import random
import re
import resource
import shutil
import signal
import sys
import time
import traceback
import warnings
from pathlib import Path

import pytest
import torch
from refusals import refused
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from ddpm_course.checks import BadInput
from ddpm_course.data import random_stream
from ddpm_course.runs import checkpoint as module
from ddpm_course.runs import files
from ddpm_course.runs.checkpoint import (
    CheckpointError,
    check_intact,
    check_same_run,
    load_optimizer,
    load_weights,
    newest_checkpoint,
    optimizer_tensors,
    read_checkpoint,
    save_checkpoint,
    saved_steps,
)
from ddpm_course.runs.loop import build_model
from ddpm_course.runs.profiles import load_profile

VALUES = {
    "seed": 0,
    "profile": {"schedule": "cosine", "prediction_type": "epsilon", "channel_multipliers": (1, 2)},
}
HTML = b"<!DOCTYPE html><html><body>404 Not Found</body></html>"


def groups(step):
    """Tensors that tell which step they are of."""
    draw = random_stream(step, "tensors")
    return {
        "model": {
            "weight": torch.randn(8, 4, generator=draw),
            "bias": torch.randn(8, generator=draw),
        },
        "ema": {"weight": torch.randn(8, 4, generator=draw)},
    }


def save(folder, step, **options):
    return save_checkpoint(folder, step, groups(step), VALUES, **options)


def same(one, other):
    """Equal in every bit, NaN too."""
    if one.dtype == torch.bfloat16 == other.dtype:
        one, other = one.view(torch.int16), other.view(torch.int16)
    return (
        one.dtype == other.dtype
        and one.shape == other.shape
        and one.numpy(force=True).tobytes() == other.numpy(force=True).tobytes()
    )


def assert_is_step(found, step):
    assert found.step == step and found.path.name == f"step-{step:08}"
    for group, tensors in groups(step).items():
        assert found.tensors[group].keys() == tensors.keys()
        assert all(same(found.tensors[group][name], tensors[name]) for name in tensors)


def contents(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Two checkpoints, 900 and 1000."""
    monkeypatch.setattr(os, "fsync", lambda handle: None)  # slow, and of no use to these tests
    for step in (900, 1000):
        save(tmp_path / "run", step)
    return tmp_path / "run"


# --- What goes in comes out ----------------------------------------------------------------------


def test_a_checkpoint_holds_what_was_saved(folder):
    found = read_checkpoint(str(folder / "step-00001000"))
    assert_is_step(found, 1000)
    assert found.values == json.loads(json.dumps(VALUES))
    assert sorted(file.name for file in found.path.iterdir()) == [
        "ema.safetensors",
        "manifest.json",
        "model.safetensors",
        "values.json",
    ]


def test_every_kind_of_tensor_keeps_its_bits(tmp_path):
    nan = torch.tensor([0x7FC01234, 0x7F800001, -1], dtype=torch.int32).view(torch.float32)
    tensors = {
        "nan": nan,
        "bfloat16": torch.randn(3).bfloat16(),
        "float16": torch.randn(3).half(),
        "float64": torch.randn(2, 2, dtype=torch.float64),
        "int64": torch.tensor(2**62),
        "bool": torch.tensor([True, False]),
        "random": torch.get_rng_state(),
        "empty": torch.zeros(0, 3),
        "zero": torch.tensor(-0.0),
        "transposed": torch.randn(3, 4).t(),
        "parameter": nn.Parameter(torch.randn(2)),
        "channels last": torch.randn(2, 3, 4, 4).to(memory_format=torch.channels_last),
    }
    found = read_checkpoint(save_checkpoint(tmp_path, 1, {"all": tensors, "none": {}}, {}))
    assert found.tensors["none"] == {} and found.tensors["all"].keys() == tensors.keys()
    assert all(same(found.tensors["all"][name], tensor) for name, tensor in tensors.items())


def test_equal_content_gives_equal_bytes(tmp_path):
    paths = [save(tmp_path / name, 5) for name in ("one", "two")]
    assert contents(paths[0]) == contents(paths[1])


def test_the_newest_is_the_one_with_the_highest_number(tmp_path):
    for step in (99_999_999, 0, 100_000_000, 7):
        save(tmp_path, step, keep=9)
    assert_is_step(newest_checkpoint(tmp_path), 100_000_000)
    assert list(saved_steps(tmp_path)) == [0, 7, 99_999_999, 100_000_000]


@pytest.mark.parametrize("keep", [1, 2, 3])
def test_as_many_are_kept_as_were_asked_for(tmp_path, keep):
    for step in range(8, 13):
        save(tmp_path, step, keep=keep)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        f"step-{step:08}" for step in range(13 - keep, 13)
    ]


def test_no_checkpoint_is_no_error(tmp_path):
    assert newest_checkpoint(tmp_path) is None
    assert newest_checkpoint(tmp_path / "nowhere") is None
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "step-00000001.unfinished").mkdir()
    assert newest_checkpoint(tmp_path) is None


def test_a_moved_folder_is_read_from_its_new_place(folder, tmp_path):
    (tmp_path / "new").mkdir()
    moved = shutil.move(folder, tmp_path / "new" / "home")
    assert_is_step(newest_checkpoint(moved), 1000)
    save(moved, 1100)
    assert list(saved_steps(moved)) == [1000, 1100]


def test_what_is_not_a_checkpoint_is_left_alone(folder):
    mine = {"notes.txt": b"mine", "step-1.old": b"mine", "step-00000001.old.txt": b"mine"}
    for name, data in mine.items():
        (folder / name).write_bytes(data)
    save(folder, 1100)
    assert mine.items() <= contents(folder).items()


def test_an_intact_checkpoint_of_the_step_stays(folder):
    before = contents(folder)
    again = save_checkpoint(folder, 1000, groups(5), {})
    assert again == folder / "step-00001000" and contents(folder) == before


def test_a_broken_checkpoint_of_the_step_is_written_again(folder):
    (folder / "step-00001000" / "ema.safetensors").write_bytes(HTML)
    save(folder, 1000)
    assert_is_step(newest_checkpoint(folder), 1000)
    assert list(saved_steps(folder)) == [900, 1000]


def test_broken_checkpoints_ahead_do_not_cost_the_good_ones(folder):
    for step in (1100, 1200):
        save(folder, step, keep=9)
        (folder / f"step-{step:08}" / "values.json").unlink()
    save(folder, 1050)
    assert list(saved_steps(folder)) == [1000, 1050, 1100, 1200]
    with pytest.warns(UserWarning, match="passed over"):
        assert_is_step(newest_checkpoint(folder), 1050)


@pytest.mark.parametrize("step, keep", [(-1, 2), (1.0, 2), (True, 2), (1, 0), (1, -1), (1, None)])
def test_numbers_that_make_no_sense_write_nothing(folder, step, keep):
    before = contents(folder)
    with refused(BadInput, where="save_checkpoint", what=re.compile("step|keep")):
        save_checkpoint(folder, step, groups(0), {}, keep=keep)
    assert contents(folder) == before


def test_values_that_are_no_json_write_nothing(folder):
    before = contents(folder)
    with pytest.raises(TypeError):
        save_checkpoint(folder, 1100, groups(0), {"path": Path()})
    assert contents(folder) == before


# --- Damage --------------------------------------------------------------------------------------

FILES = ["ema.safetensors", "manifest.json", "model.safetensors", "values.json"]


def lengths(size, name):
    if name.endswith("json"):
        return range(size)
    return sorted({0, 1, 7, 8, 9, size - 1, *random.Random(0).sample(range(size), 60)})


def bits(size, name):
    if name == "manifest.json":
        return range(8 * size)
    return sorted({0, 8 * size - 1, *random.Random(0).sample(range(8 * size), min(8 * size, 300))})


def flipped(data, bit):
    data = bytearray(data)
    data[bit // 8] ^= 1 << bit % 8
    return bytes(data)


DAMAGE = {
    "truncated": lambda data, name: (data[:length] for length in lengths(len(data), name)),
    "one bit flipped": lambda data, name: (flipped(data, bit) for bit in bits(len(data), name)),
    "an HTML page": lambda data, name: [HTML, HTML.ljust(len(data))[: len(data)]],
    "more bytes": lambda data, name: [data + b"\0", data + data, b" \0" + data],
    "other JSON": lambda data, name: [b"[]", b"{}", b"null", b"3", b'""', b'{"a": {}}'],
    "no text": lambda data, name: [b"\xff\xfe", bytes(len(data))],
}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_file_is_noticed(folder, name, damage):
    path = folder / "step-00001000"
    right = (path / name).read_bytes()
    for wrong in DAMAGE[damage](right, name):
        (path / name).write_bytes(wrong)
        with refused(CheckpointError, where=path):
            read_checkpoint(path)
    before = contents(folder)
    with pytest.warns(UserWarning, match=re.escape(f"passed over: {path}: ")) as caught:
        assert_is_step(newest_checkpoint(folder), 900)
    assert len(caught) == 1 and contents(folder) == before


def test_what_a_desktop_leaves_in_a_folder_breaks_no_checkpoint(folder):
    for name in ".DS_Store", "._model.safetensors":
        (folder / "step-00001000" / name).write_bytes(b"what the Finder knows")
    assert_is_step(newest_checkpoint(folder), 1000)


@pytest.mark.parametrize(
    "damage, what, said",
    [
        (lambda path: (path / "ema.safetensors").unlink(), "ema.safetensors", "no such file"),
        (lambda path: (path / "manifest.json").unlink(), "checkpoint", "FileNotFoundError"),
        (lambda path: (path / "more.txt").write_bytes(b""), "more.txt", "a file of 0 bytes"),
        (lambda path: (path / "more").mkdir(), "checkpoint", "IsADirectoryError"),
        (
            lambda path: shutil.copy(path / "ema.safetensors", path / "model.safetensors"),
            "model.safetensors",
            "a file of 200 bytes",
        ),
        (
            lambda path: (path / "model.safetensors").rename(path / "net.safetensors"),
            "model.safetensors",
            "no such file",
        ),
        (
            lambda path: [file.unlink() for file in path.iterdir()],
            "checkpoint",
            "FileNotFoundError",
        ),
        (
            lambda path: (path / "manifest.json").write_text("[" * 9999),
            "checkpoint",
            "RecursionError",
        ),
        (
            lambda path: (shutil.rmtree(path), path.write_bytes(HTML)),
            "checkpoint",
            "NotADirectoryError",
        ),
    ],
)
def test_a_damaged_folder_is_noticed(folder, damage, what, said):
    path = folder / "step-00001000"
    damage(path)
    with refused(CheckpointError, where=path, what=what, got=said):
        check_intact(path)
    with pytest.warns(UserWarning, match=said):
        assert_is_step(newest_checkpoint(folder), 900)


def test_an_intact_folder_may_still_hold_something_else(tmp_path):
    for state in (b"[]", b'{"step": 1}', b"<html>", b"[" * 9999, None):
        path = tmp_path / f"step-{len(list(tmp_path.iterdir())):08}"
        module.write_folder(path, {} if state is None else {"values.json": state})
        check_intact(path)
        with refused(CheckpointError, what="values.json", expected="the step and the values"):
            read_checkpoint(path)


def test_safetensors_alone_would_not_do(folder):
    """Why there are hashes: most flipped bits among the numbers pass."""
    path = folder / "step-00001000" / "model.safetensors"
    path.write_bytes(flipped(path.read_bytes(), -2))
    load_file(path)
    with pytest.raises(SafetensorError):
        path.write_bytes(path.read_bytes()[:-1])
        load_file(path)


def test_when_all_are_broken_it_is_an_error(folder):
    for path in saved_steps(folder).values():
        (path / "values.json").write_bytes(b"")
    with (
        pytest.warns(UserWarning) as caught,
        refused(CheckpointError, where=folder, got="none that is intact", expected="one of 2"),
    ):
        newest_checkpoint(folder)
    assert ["step-00001000" in str(caught[0].message), "step-00000900" in str(caught[1].message)]
    assert len(caught) == 2


def test_a_file_is_no_folder_of_checkpoints(tmp_path):
    (tmp_path / "file").write_bytes(HTML)
    with refused(CheckpointError, got="NotADirectoryError", fix="give the folder of a run"):
        newest_checkpoint(tmp_path / "file")


def test_links_lead_nowhere(folder, tmp_path):
    """In the place of the folder a link is refused; in that of a checkpoint it goes, and it alone."""
    outside = tmp_path / "outside"
    shutil.copytree(folder, outside)
    for name in ("step-00000800.old", "step-00001100.unfinished"):
        (folder / name).symlink_to(outside)
    (folder / "step-00001100").symlink_to(tmp_path / "nothing")
    before = contents(outside)
    assert not save(folder, 1100).is_symlink()
    assert sorted(path.name for path in folder.iterdir()) == ["step-00001000", "step-00001100"]
    (tmp_path / "link").symlink_to(outside)
    for act in (newest_checkpoint, lambda link: save(link, 1200)):
        with refused(CheckpointError, got="it is a link"):
            act(tmp_path / "link")
    assert contents(outside) == before


def test_weights_that_are_left_are_what_was_written_or_refused(tmp_path):
    module.write_weights(tmp_path, groups(7))
    assert all(
        same(module.read_weights(tmp_path, "ema")[name], tensor)
        for name, tensor in groups(7)["ema"].items()
    )
    path = tmp_path / "ema.safetensors"
    good = path.read_bytes()
    for wrong in (b"", HTML, good[:-1], flipped(good, -2), good + b"more"):
        path.write_bytes(wrong)
        with refused(CheckpointError, where=path, what="weights", expected="SHA-256", fix="copy"):
            module.read_weights(tmp_path, "ema")
    path.unlink()
    with refused(CheckpointError, where=path, what="weights", got="FileNotFoundError"):
        module.read_weights(tmp_path, "ema")
    module.write_file(path, HTML)
    manifest = {path.name: module.digest(HTML)}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    with refused(CheckpointError, where=path, what="weights", got="SafetensorError"):
        module.read_weights(tmp_path, "ema")


# --- A save that does not come to its end --------------------------------------------------------

EVENTS = {"open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.listdir", "os.scandir"}


class Pieces(io.FileIO):
    """A file that takes few bytes at a time, and tells before it takes them."""

    tell_all = staticmethod(lambda event: None)

    def write(self, data):
        self.tell_all("write")
        return super().write(data[:128])


def in_child(work):
    """Do the work in a forked child: its exit code, or minus the signal that killed it."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = work() or 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def watch(tell):
    """Call tell, for the rest of this process, before each operation on a file."""
    sys.addaudithook(lambda event, arguments: tell(event) if event in EVENTS else None)
    os.fsync = lambda handle: tell("fsync")
    Pieces.tell_all = staticmethod(tell)
    files.open = lambda path, mode: io.BufferedWriter(Pieces(path, mode))


def kill():
    os.kill(os.getpid(), signal.SIGKILL)


def interrupt():
    raise KeyboardInterrupt


def fail():
    raise OSError(errno.EIO, os.strerror(errno.EIO))


def stopped_at(number, act, folder, step):
    """Save in a child that acts before file operation `number`. Did it get there?"""

    def work():
        count, reached = itertools.count(1), []

        def tell(event):
            if next(count) == number:
                reached.append(event)
                act()

        watch(tell)
        try:
            save(folder, step)
        except (KeyboardInterrupt, CheckpointError):
            assert reached
        return 7 if reached else 0

    code = in_child(work)
    assert code in (0, -signal.SIGKILL if act is kill else 7)
    return code != 0


def leftovers(folder):
    """As a process that was killed before has left it."""
    for name in ("step-00000800.old", "step-00001100.unfinished"):
        (folder / name).mkdir()
        (folder / name / "model.safetensors").write_bytes(b"half")


def broken_ahead(folder):
    """The step to be saved is there, and broken."""
    save(folder, 1100, keep=3)
    (folder / "step-00001100" / "model.safetensors").write_bytes(HTML)


SLOW = pytest.mark.slow


@pytest.mark.parametrize(
    "before, act",
    [(leftovers, kill), (broken_ahead, fail)]
    + [
        pytest.param(before, act, marks=SLOW)
        for before, act in (
            (leftovers, interrupt),
            (leftovers, fail),
            (broken_ahead, kill),
            (broken_ahead, interrupt),
        )
    ],
)
def test_a_save_is_stopped_at_every_operation(folder, before, act):
    before(folder)
    start = contents(folder)
    for number in itertools.count(1):
        reached = stopped_at(number, act, folder, 1100)
        intact = []
        for step, path in saved_steps(folder).items():
            if before is broken_ahead and contents(path).get("model.safetensors") == HTML:
                continue
            assert_is_step(read_checkpoint(path), step)
            intact.append(step)
        assert intact in ([900, 1000], [900, 1000, 1100], [1000, 1100])
        with warnings.catch_warnings(action="ignore"):
            assert_is_step(newest_checkpoint(folder), intact[-1])
        save(folder, 1100)  # the next attempt
        assert sorted(path.name for path in folder.iterdir()) == ["step-00001000", "step-00001100"]
        assert_is_step(newest_checkpoint(folder), 1100)
        if not reached:
            break
        shutil.rmtree(folder)
        for name, data in start.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(data)
    assert number > 40


def test_a_disk_is_full_at_every_write(folder):
    """From some write on, nothing can be written any more."""
    before = contents(folder)

    def work(room):
        count = itertools.count(1)

        def tell(event):
            if event in ("write", "os.mkdir") and next(count) > room:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        watch(tell)
        try:
            save(folder, 1100)
        except CheckpointError as error:
            assert error.where == str(folder / "step-00001100")
            assert "No space left" in error.got and "make room" in error.fix
            return 7

    for room in itertools.count():
        if in_child(lambda: work(room)) == 0:
            break
        assert contents(folder) == before
        assert_is_step(newest_checkpoint(folder), 1000)
    assert room > 10 and list(saved_steps(folder)) == [1000, 1100]


def test_the_system_refuses_to_let_a_file_grow(folder):
    """The same with a real limit: a file is cut short wherever it is reached."""
    before = contents(folder)
    largest = max(map(len, before.values()))

    def work(limit):
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
        try:
            save(folder, 1100)
        except CheckpointError as error:
            assert "File too large" in error.got
            return 7

    for limit in (0, 1, 50, 100, largest - 1):
        assert in_child(lambda: work(limit)) == 7
        assert contents(folder) == before
    assert in_child(lambda: work(largest)) == 0
    assert_is_step(newest_checkpoint(folder), 1100)


def test_a_folder_that_cannot_be_written(folder, tmp_path):
    (tmp_path / "file").write_bytes(b"mine")
    with refused(
        CheckpointError,
        where=tmp_path / "file/step-00000001",
        got=re.compile("^(NotADirectory|FileExists)Error"),
    ):
        save(tmp_path / "file", 1)

    def work():
        if os.geteuid() == 0:
            os.seteuid(65534)
        try:
            save(folder, 1100)
        except CheckpointError as error:
            return 7 if "PermissionError" in error.got else 1

    before = contents(folder)
    folder.chmod(0o555)
    assert in_child(work) == 7
    folder.chmod(0o755)
    assert contents(folder) == before and (tmp_path / "file").read_bytes() == b"mine"


def test_all_is_on_disk_before_it_has_its_name(folder, monkeypatch):
    """The order of syncs and renames; and what is synced is complete by then."""
    done, rename = [], Path.rename

    def note_sync(handle):
        path = next(
            path
            for path in (folder, *folder.rglob("*"))
            if os.path.samestat(os.fstat(handle), path.stat())
        )
        done.append((f"sync {path.relative_to(folder.parent)}", os.fstat(handle).st_size))

    def note_rename(path, target):
        done.append((f"rename {path.name} {target.name}", None))
        rename(path, target)

    monkeypatch.setattr(os, "fsync", note_sync)
    monkeypatch.setattr(Path, "rename", note_rename)
    path = save(folder, 1100)
    new = "run/step-00001100.unfinished"
    assert [what for what, _ in done] == [
        f"sync {new}/model.safetensors",
        f"sync {new}/ema.safetensors",
        f"sync {new}/values.json",
        f"sync {new}/manifest.json",
        f"sync {new}",
        "rename step-00001100.unfinished step-00001100",
        "sync run",
        "rename step-00000900 step-00000900.old",
    ]
    for what, size in done[:4]:
        assert (path / what.rpartition("/")[2]).stat().st_size == size


# --- The wrong run -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "values, what, got, expected",
    [
        ({"seed": 1}, "seed", "0", "1"),
        (
            {"profile": VALUES["profile"] | {"schedule": "linear"}},
            "profile.schedule",
            "'cosine'",
            "'linear'",
        ),
        (
            {"profile": VALUES["profile"] | {"prediction_type": "sample"}},
            "profile.prediction_type",
            "'epsilon'",
            "'sample'",
        ),
        (
            {"profile": VALUES["profile"] | {"channel_multipliers": (1, 2, 2)}},
            "profile.channel_multipliers",
            "[1, 2]",
            "[1, 2, 2]",
        ),
        ({"profile": {"schedule": "cosine"}}, "profile.prediction_type", "'epsilon'", "nothing"),
        ({"profile": VALUES["profile"] | {"new": None}}, "profile.new", "nothing", "None"),
        ({"profile": "laptop"}, "profile", "nothing", "'laptop'"),
        ({"missing": None}, "missing", "nothing", "None"),
    ],
)
def test_another_run_is_refused(folder, values, what, got, expected):
    found = newest_checkpoint(folder)
    with refused(CheckpointError, where=found.path, what=what, got=got, expected=expected):
        check_same_run(found, values)


def test_the_same_run_fits(folder):
    found = newest_checkpoint(folder)
    for values in (VALUES, {"seed": 0}, {}, {"seed": 0.0}):
        check_same_run(found, values)


def network(width=3):
    return nn.Sequential(nn.Linear(2, width), nn.Linear(width, 1))


def test_weights_are_copied():
    model, other = network(), network()
    tensors = other.state_dict()
    load_weights(model, tensors, "file")
    assert all(same(model.state_dict()[name], tensor) for name, tensor in tensors.items())
    nn.init.zeros_(model[0].weight)
    assert tensors["0.weight"].any()


@pytest.mark.parametrize(
    "change, fields",
    [
        (
            lambda tensors: network(5).state_dict(),
            dict(what="0.bias", got="(5,) torch.float32", expected="(3,) torch.float32"),
        ),
        (lambda tensors: {}, dict(what="0.bias", got="no such tensor")),
        (
            lambda tensors: dict(list(tensors.items())[1:]),
            dict(what="0.weight", got="no such tensor"),
        ),
        (
            lambda tensors: tensors | {"2.bias": torch.zeros(1)},
            dict(what="2.bias", expected="no such tensor"),
        ),
        (
            lambda tensors: tensors | {"0.weight": torch.zeros(2, 3)},
            dict(what="0.weight", got="(2, 3)"),
        ),
    ],
)
def test_weights_of_another_network_are_refused(change, fields):
    model = network()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    with refused(CheckpointError, where="file", **fields):
        load_weights(model, change(network().state_dict()), "file")
    assert all(same(model.state_dict()[name], tensor) for name, tensor in before.items())


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "module._orig_mod."])
def test_weights_of_a_wrapped_network_are_refused_and_the_remedy_works(prefix):
    model, other = network(), network()
    tensors = {prefix + name: tensor for name, tensor in other.state_dict().items()}
    with refused(CheckpointError, expected="without its wrapper") as error:
        load_weights(model, tensors, "file")
    remedy = re.search(r"strip the names of the file: (\{.*\})$", error.value.fix)[1]
    load_weights(model, eval(remedy, {"tensors": tensors}), "file")
    assert all(map(same, model.state_dict().values(), other.state_dict().values()))
    load_weights(nn.ModuleDict({"module": network()}), nn.DataParallel(other).state_dict(), "file")


# --- The optimiser -------------------------------------------------------------------------------


def steps(model, optimizer, numbers):
    for number in numbers:
        x = torch.randn(2, 3, 4, 4, generator=torch.Generator().manual_seed(number))
        optimizer.zero_grad()
        model(x.to(next(model.parameters()).dtype)).square().mean().backward()
        optimizer.step()


@pytest.mark.parametrize("options", [dict(fused=True), dict(foreach=True), dict(foreach=False)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_a_run_that_is_taken_up_ends_in_the_same_bits(tmp_path, options, dtype, layout):
    def start():
        model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.GroupNorm(2, 4), nn.Conv2d(4, 2, 1))
        model.register_parameter("unused", nn.Parameter(torch.ones(2)))
        model.to(dtype=dtype, memory_format=layout)
        parts = [
            {"params": model[2].parameters()},
            {"params": model[0].parameters()},
            {"params": [*model[1].parameters(), model.unused]},
        ]  # another order of its own
        return model, torch.optim.AdamW(parts, lr=0.01, **options)

    torch.manual_seed(0)
    model, optimizer = start()
    steps(model, optimizer, range(3))
    kept = optimizer_tensors(optimizer, model)
    assert len(kept) == 3 * 6 and kept["exp_avg_sq.0.weight"].shape == (4, 3, 3, 3)
    path = save_checkpoint(tmp_path, 3, {"model": model.state_dict(), "optimizer": kept}, {})
    steps(model, optimizer, range(3, 6))

    found = read_checkpoint(path)
    for _ in range(2):  # what was read is not used up
        again, other = start()
        load_weights(again, found.tensors["model"], path)
        load_optimizer(other, again, found.tensors["optimizer"], path)
        back = optimizer_tensors(other, again)
        assert back.keys() == found.tensors["optimizer"].keys()
        assert all(same(back[name], found.tensors["optimizer"][name]) for name in back)
        steps(again, other, range(3, 6))
        assert all(map(same, again.state_dict().values(), model.state_dict().values()))


def test_an_optimiser_that_has_not_moved_has_no_state():
    model = network()
    optimizer = torch.optim.AdamW(model.parameters())
    assert optimizer_tensors(optimizer, model) == {}
    load_optimizer(optimizer, model, {}, "file")
    assert optimizer_tensors(optimizer, model) == {}


@pytest.mark.parametrize(
    "change, what, got",
    [
        (
            lambda tensors: tensors | {"exp_avg.0.bias": torch.zeros(2)},
            "exp_avg.0.bias",
            "(2,)",
        ),
        (lambda tensors: tensors | {"step.0.bias": torch.zeros(3)}, "step.0.bias", "(3,)"),
        (lambda tensors: tensors | {"exp_avg.9.bias": torch.zeros(2)}, "exp_avg.9.bias", "(2,)"),
        (lambda tensors: tensors | {"max.0.bias": torch.zeros(3)}, "max.0.bias", "(3,)"),
        (
            lambda tensors: {
                name: tensors[name] for name in tensors if name != "exp_avg_sq.1.bias"
            },
            "exp_avg_sq.1.bias",
            "no such tensor",
        ),
    ],
)
def test_the_state_of_another_network_is_refused(change, what, got):
    model = network()
    optimizer = torch.optim.AdamW(model.parameters())
    model(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    tensors = optimizer_tensors(optimizer, model)
    fresh = torch.optim.AdamW(model.parameters())
    with refused(CheckpointError, where="file", what=what, got=got):
        load_optimizer(fresh, model, change(tensors), "file")
    assert not fresh.state


# --- The real size -------------------------------------------------------------------------------


def test_a_checkpoint_of_the_laptop_network_takes_little_time(tmp_path):
    """Under 0.2 s, with all syncs, as soon as no other process is in the way."""
    profile = load_profile("laptop")
    model = build_model(profile, 1, random_stream(0, "weights"))
    optimizer = torch.optim.AdamW(model.parameters(), fused=True)
    labels = torch.tensor([1, 2])
    model(torch.zeros(2, 1, 8, 8), labels, labels).sum().backward()
    optimizer.step()
    tensors = {
        "model": model.state_dict(),
        "ema": model.state_dict(),
        "optimizer": optimizer_tensors(optimizer, model),
    }

    def seconds(step):
        start = time.perf_counter()
        save_checkpoint(tmp_path, step, tensors, VALUES)
        return time.perf_counter() - start

    assert any(seconds(step) < 0.2 for step in range(20))
    assert sum(map(len, contents(tmp_path).values())) > 4 * 4 * 177_489


def test_weights_that_share_their_memory_are_saved_twice(tmp_path):
    shared = torch.arange(4.0)
    save_checkpoint(tmp_path, 1, {"model": {"first": shared, "last": shared[:2]}}, {})
    saved = newest_checkpoint(tmp_path).tensors["model"]
    assert torch.equal(saved["first"], shared) and torch.equal(saved["last"], shared[:2])
