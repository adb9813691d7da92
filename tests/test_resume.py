"""A run that was interrupted ends as if it had not been: weights, average, losses, samples."""

import dataclasses
import errno
import filecmp
import itertools
import json
import operator
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import time
import warnings
from pathlib import Path

import psutil
import pytest
import torch
from PIL import Image
from refusals import refused
from torch._inductor.exc import TritonMissing

from ddpm_course import cli
from ddpm_course.checks import BadValue
from ddpm_course.cli import main
from ddpm_course.runs import files, loop, stopping, training
from ddpm_course.runs.checkpoint import CheckpointError, newest_checkpoint
from ddpm_course.runs.drawing import write_samples
from ddpm_course.runs.files import unfinished
from ddpm_course.runs.images import load_images
from ddpm_course.runs.loop import batches
from ddpm_course.runs.processes import Processes, join_processes
from ddpm_course.runs.profiles import load_profile
from ddpm_course.runs.run import EARLIER, Run
from ddpm_course.runs.stopping import Stopped, StopSignal
from ddpm_course.runs.training import resume, train

CPU = torch.device("cpu")
BIN = Path(sys.executable).parent
EVENTS = {"open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.listdir", "os.scandir"}
# Everything that is drawn, in a run whose rounds through the data end after steps 4, 8 and 12.
PROFILE = dataclasses.replace(
    load_profile("smoke"),
    num_train_timesteps=8,
    sampling_steps=4,
    model_channels=8,
    dropout=0.3,
    flip=True,
    label_dropout=0.2,
    batch_size=224,
    accumulate=2,
    num_steps=12,
    num_samples=4,
    log_every=5,
    checkpoint_every=3,
    warmup_steps=4,
)


@pytest.fixture(scope="module", autouse=True)
def losses_are_not_drawn():
    """A plot takes as long as a third of the training here, and is no part of what is compared."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            training, "plot_losses", lambda folder: files.write_file(folder / "loss.png", b"")
        )
        yield


@pytest.fixture(scope="module", autouse=True)
def a_closed_terminal_is_a_signal():
    """Under nohup it is none."""
    former = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, former)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return train(PROFILE, 3, tmp_path_factory.mktemp("runs") / "whole")


def assert_same(run: Path, whole: Path) -> None:
    assert {file.name for file in run.iterdir()} == {file.name for file in whole.iterdir()}
    for name in (
        "model.safetensors",
        "ema.safetensors",
        "samples.png",
        "denoising.png",
        "config.json",
    ):
        assert filecmp.cmp(run / name, whole / name, shallow=False), name
    lines = [
        [
            json.loads(line) | {"steps_per_second": 0}
            for line in (each / "metrics.jsonl").read_text().splitlines()
        ]
        for each in (run, whole)
    ]
    assert lines[0] == lines[1] and [line["step"] for line in lines[0]] == [5, 10, 12]


def interrupt(monkeypatch, step: int, how) -> None:
    """From now on `how` is called while this step is under way."""
    calls, real = iter(range(1, 10_000)), loop.update_ema

    def update(*arguments):
        real(*arguments)
        if next(calls) == step:
            how()

    monkeypatch.setattr(loop, "update_ema", update)


def forked(action) -> int:
    """Do it in a copy of this process, and return how that ended: minus a signal's number, or 0."""
    if child := os.fork():
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    try:
        torch.set_num_threads(1)
        action()
    finally:
        os._exit(0)


def killed(run_dir: Path, step: int, monkeypatch) -> None:
    """Leave what a run leaves that is killed while this step is under way."""
    interrupt(monkeypatch, step, lambda: os.kill(os.getpid(), signal.SIGKILL))
    assert forked(lambda: train(PROFILE, 3, run_dir)) == -signal.SIGKILL
    monkeypatch.undo()


@pytest.fixture(scope="module")
def left(tmp_path_factory):
    """What a run has left that was killed at step 5."""
    run_dir = tmp_path_factory.mktemp("runs") / "killed"
    with pytest.MonkeyPatch.context() as patch:
        killed(run_dir, 5, patch)
    return unfinished(run_dir)


# --- Exactly -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "step, number",
    [(1, signal.SIGINT), (4, signal.SIGTERM), (5, signal.SIGINT), (12, signal.SIGTERM)],
)
def test_stopped_by_a_signal_within_a_round_and_at_its_end(
    whole, tmp_path, monkeypatch, step, number
):
    interrupt(monkeypatch, step, lambda: os.kill(os.getpid(), number))
    with pytest.raises(Stopped, match=f"after step {step}.*resume {tmp_path}/run$") as stop:
        train(PROFILE, 3, tmp_path / "run")
    assert stop.value.number == number and not (tmp_path / "run").exists()
    monkeypatch.undo()
    assert_same(resume(tmp_path / "run"), whole)


@pytest.mark.parametrize("step", [5, pytest.param(8, marks=pytest.mark.slow)])
def test_killed_at_any_moment(whole, tmp_path, monkeypatch, step):
    killed(tmp_path / "run", step, monkeypatch)
    assert_same(resume(unfinished(tmp_path / "run")), whole)


def test_interrupted_three_times_and_moved(whole, left, tmp_path, monkeypatch):
    shutil.copytree(left, unfinished(tmp_path / "moved"))
    for step in (1, 4):
        interrupt(monkeypatch, step, lambda: os.kill(os.getpid(), signal.SIGINT))
        with pytest.raises(Stopped):
            resume(tmp_path / "moved")
        monkeypatch.undo()
    assert_same(resume(tmp_path / "moved"), whole)


def test_a_run_that_does_not_name_its_classes_goes_on(whole, left, tmp_path):
    folder = unfinished(tmp_path / "run")
    shutil.copytree(left, folder)
    config = json.loads((folder / "config.json").read_text())
    assert config.pop("classes") == list("0123456789")
    (folder / "config.json").write_text(json.dumps(config))
    assert filecmp.cmp(resume(folder) / "ema.safetensors", whole / "ema.safetensors", shallow=False)


@pytest.fixture
def of_a_folder(tmp_path, monkeypatch):
    """What a run on two kinds of pictures has left that was stopped at step 4."""
    for name, grey in (("cat", 50), ("dog", 200)):
        (tmp_path / "pictures" / name).mkdir(parents=True)
        for number in range(20):
            picture = Image.new("L", (8, 8), grey + number)
            picture.save(tmp_path / "pictures" / name / f"{number}.png")
    data = dict(data="folder", data_dir=str(tmp_path / "pictures"), image_size=8, num_classes=2)
    interrupt(monkeypatch, 4, lambda: os.kill(os.getpid(), signal.SIGTERM))
    with pytest.raises(Stopped):
        train(dataclasses.replace(PROFILE, **data, batch_size=8), 3, tmp_path / "run")
    monkeypatch.undo()
    return tmp_path / "run"


def another_size(pictures):
    path = pictures / "cat/1.png"
    path.write_bytes(path.read_bytes() + b"more")


def another_class(pictures):
    (pictures / "dog").rename(pictures / "aardvark")


def one_more(pictures):
    shutil.copy(pictures / "cat/1.png", pictures / "cat/more.png")


def a_coloured_one(pictures):
    Image.new("RGB", (8, 8), "red").save(pictures / "cat/1.png")


@pytest.mark.parametrize(
    "change, said",
    [
        (another_size, "files"),
        (another_class, "classes and files"),
        (one_more, "files"),
        (a_coloured_one, "shape and files"),
    ],
)
def test_a_folder_that_has_changed_is_not_trained_on(of_a_folder, change, said):
    change(of_a_folder.parent / "pictures")
    before = sorted(unfinished(of_a_folder).iterdir())
    with refused(BadValue, what="data_dir", got=f"of other {said}", fix="put back"):
        resume(of_a_folder)
    assert sorted(unfinished(of_a_folder).iterdir()) == before


def test_an_image_that_cannot_be_read_for_a_while_costs_no_step(of_a_folder, monkeypatch):
    pictures = of_a_folder.parent / "pictures"
    whole = of_a_folder.with_name("whole")
    shutil.copytree(unfinished(of_a_folder), unfinished(whole))
    resume(whole)
    interrupt(monkeypatch, 3, lambda: pictures.rename(pictures.with_name("away")))
    monkeypatch.setattr(loop, "READERS", 1)  # as many batches are read ahead
    with refused(BadValue, what="image", fix=re.compile(r"step [78] is saved, .* resume .*run$")):
        resume(of_a_folder)
    monkeypatch.undo()
    pictures.with_name("away").rename(pictures)
    assert newest_checkpoint(unfinished(of_a_folder) / "checkpoints").step in (7, 8)
    resume(of_a_folder)
    for name in ("ema.safetensors", "samples.png"):
        assert filecmp.cmp(of_a_folder / name, whole / name, shallow=False)


@pytest.mark.parametrize(
    "error, what, fix",
    [
        (torch.OutOfMemoryError("CUDA out of memory."), "batch_size", "accumulate = 4 or"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), "batch_size", "smaller"),
        (TritonMissing(None), "compile", "compile = no"),
    ],
)
def test_a_step_that_a_machine_cannot_take_is_explained(tmp_path, monkeypatch, error, what, fix):
    def fails():
        raise error

    interrupt(monkeypatch, 4, fails)
    with refused(
        BadValue, where="train", what=what, got=re.compile(re.escape(str(error))), fix=fix
    ):
        train(PROFILE, 3, tmp_path / "run")
    assert newest_checkpoint(unfinished(tmp_path / "run") / "checkpoints").step == 3


@pytest.mark.parametrize(
    "batch, accumulate, number, fix",
    [
        (12, 2, 1, "with accumulate = 3 or smaller"),
        (6, 1, 2, "with accumulate = 3 or smaller"),
        (2, 2, 1, re.compile("with smaller batches$")),
    ],
)
def test_the_parts_that_are_proposed_divide_the_batch(batch, accumulate, number, fix):
    profile = dataclasses.replace(PROFILE, batch_size=batch, accumulate=accumulate)
    with refused(BadValue, what="batch_size", fix=fix):
        with training._explained(profile, Processes(CPU, 0, number)):
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory")


def test_an_error_of_ours_in_a_step_stays_what_it_is(tmp_path, monkeypatch):
    interrupt(monkeypatch, 4, lambda: torch.zeros(2) @ torch.zeros(3))
    with pytest.raises(RuntimeError, match="size"):
        train(PROFILE, 3, tmp_path / "run")


@pytest.mark.parametrize("inside, name", [(".", "."), ("checkpoints", "..")])
def test_a_run_is_taken_up_from_within(whole, left, tmp_path, monkeypatch, inside, name):
    shutil.copytree(left, tmp_path / "run.unfinished")
    monkeypatch.chdir(tmp_path / "run.unfinished" / inside)
    assert_same(resume(name), whole)


@pytest.mark.parametrize("change", [Path.rename, lambda path, link: link.symlink_to(path)])
def test_what_has_lost_its_ending_is_not_taken_for_finished(left, tmp_path, change):
    """It has a lock, as a finished run whose traces are not yet removed; its checkpoints stay."""
    run = tmp_path / "run.unfinished"
    shutil.copytree(left, run)
    change(run, tmp_path / "latest")
    with refused(BadValue, where="resume", got="latest, which is there", fix="its name back"):
        resume(tmp_path / "latest")
    assert newest_checkpoint(tmp_path / "latest/checkpoints").step == 3


def test_what_stands_in_the_way_of_a_run_is_named(left, tmp_path):
    shutil.copytree(left, tmp_path / "run.unfinished")
    (tmp_path / "run").touch()
    with refused(BadValue, got="run, which is in the way of", fix=f"move {tmp_path / 'run'} away"):
        resume(tmp_path / "run.unfinished")


@pytest.mark.parametrize("name", ["", ".", "/", ".unfinished", "..", "a/../.unfinished"])
def test_what_is_no_folder_of_a_run_is_not_taken_up(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    with refused(BadValue, where="resume", what="run_dir", expected="an interrupted run"):
        resume(name)


def test_data_may_move(of_a_folder):
    """The folder is named in config.json, to which the refusal points."""
    pictures, config = of_a_folder.parent / "pictures", unfinished(of_a_folder) / "config.json"
    pictures.rename(pictures.with_name("photos"))
    with refused(BadValue, where=re.compile(re.escape(str(config))), fix="set data_dir"):
        resume(of_a_folder)
    config.write_text(config.read_text().replace("/pictures", "/photos"))
    run = Run.open(resume(of_a_folder))
    assert run.profile.data_dir.endswith("photos") and run.profile.num_steps == 12


@pytest.mark.parametrize("key", EARLIER)
def test_a_run_from_before_a_setting_existed_goes_on(whole, left, tmp_path, monkeypatch, key):
    folder = shutil.copytree(left, tmp_path / "run.unfinished")
    config = json.loads((folder / "config.json").read_text())
    del config["profile"][key]
    (folder / "config.json").write_text(json.dumps(config))
    newest = training.newest_checkpoint

    def earlier(path):
        checkpoint = newest(path)
        values = dict(checkpoint.values, profile=dict(checkpoint.values["profile"]))
        del values["profile"][key]
        return dataclasses.replace(checkpoint, values=values)

    monkeypatch.setattr(training, "newest_checkpoint", earlier)
    run = resume(tmp_path / "run")
    assert filecmp.cmp(run / "ema.safetensors", whole / "ema.safetensors", shallow=False)


def test_killed_while_the_pictures_are_drawn(whole, tmp_path, monkeypatch):
    def half_drawn(folder, *_):
        (folder / "samples.png").write_text("half")
        os.kill(os.getpid(), signal.SIGKILL)

    monkeypatch.setattr(training, "draw_pictures", half_drawn)
    assert forked(lambda: train(PROFILE, 3, tmp_path / "run")) == -signal.SIGKILL
    monkeypatch.undo()
    assert_same(resume(tmp_path / "run"), whole)


def end_killed_at(number, folder, end) -> bool:
    """Run the end in a child that is killed before file operation `number` in folder. Was it?"""
    room, count, real = str(folder.parent), itertools.count(1), os.fsync

    def tell(event, arguments):
        inside = arguments and str(arguments[0]).startswith(room)
        if event in EVENTS and inside and next(count) == number:
            os.kill(os.getpid(), signal.SIGKILL)

    def fsync(handle):
        tell("open", [room])
        real(handle)

    def work():
        os.fsync = fsync
        sys.addaudithook(tell)
        end()

    return forked(work) == -signal.SIGKILL


def test_a_link_in_the_place_of_checkpoints_goes_alone(tmp_path):
    (tmp_path / "outside/inside").mkdir(parents=True)
    (tmp_path / "run").mkdir()
    for name in ("lock", "denoising.png"):
        (tmp_path / "run" / name).touch()
    (tmp_path / "run/checkpoints").symlink_to(tmp_path / "outside")
    resume(tmp_path / "run")
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["denoising.png"]
    assert (tmp_path / "outside/inside").is_dir()


@pytest.mark.slow
def test_the_end_is_killed_at_every_operation_on_a_file(whole, tmp_path, monkeypatch):
    """Whatever it leaves can be taken up, and ends as the run that was not killed."""
    run_dir, ends = tmp_path / "run", []
    with monkeypatch.context() as patch:
        patch.setattr(training, "_leave_results", lambda *arguments: ends.append(arguments))
        train(PROFILE, 3, run_dir)
    shutil.copytree(unfinished(run_dir), tmp_path / "before")
    assert newest_checkpoint(tmp_path / "before/checkpoints").step == PROFILE.num_steps
    seen = set()
    for number in itertools.count(1):
        reached = end_killed_at(number, run_dir, lambda: training._leave_results(*ends[0]))
        assert run_dir.exists() != unfinished(run_dir).exists()
        left = run_dir if run_dir.exists() else unfinished(run_dir)
        names = frozenset(str(path.relative_to(tmp_path)) for path in left.rglob("*"))
        if reached and names not in seen:
            seen.add(names)
            with warnings.catch_warnings(action="error"):  # to begin anew would be no error
                assert_same(resume(run_dir), whole)
        if not reached:
            assert_same(run_dir, whole)
            break
        for path in (run_dir, unfinished(run_dir)):
            shutil.rmtree(path, ignore_errors=True)
        shutil.copytree(tmp_path / "before", unfinished(run_dir))
    assert number > 40 and len(seen) > 15


def test_a_finished_run_is_not_taken_up(whole):
    with refused(BadValue, what="run_dir", got=f"{whole}, which is finished"):
        resume(whole)


def test_killed_before_anything_was_written(tmp_path):
    folder = unfinished(tmp_path / "run")
    folder.mkdir()
    for _ in range(2):
        with refused(BadValue, where="resume", got=folder, fix="delete it, and train anew"):
            resume(tmp_path / "run")
        (folder / "config.json.aside").write_bytes(b"half")
    (folder / "metrics.jsonl").touch()
    with refused(BadValue, where=folder / "config.json"):
        resume(tmp_path / "run")


def test_without_a_checkpoint_it_says_that_it_begins_anew(whole, tmp_path, monkeypatch):
    killed(tmp_path / "run", 2, monkeypatch)
    with pytest.warns(UserWarning, match="has no checkpoint: begun at the first step"):
        assert_same(resume(tmp_path / "run"), whole)


def test_a_full_disk_at_the_end_costs_nothing(whole, tmp_path, monkeypatch):
    def full(path, data, real=files.write_synced):
        if not path.name.startswith("ema.safetensors.aside"):
            return real(path, data)
        path.write_bytes(data[:100])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files, "write_synced", full)
    with refused(BadValue, where=re.compile("ema.safetensors$"), what="file", got="No space left"):
        train(PROFILE, 3, tmp_path / "run")
    monkeypatch.undo()
    assert not (unfinished(tmp_path / "run") / "ema.safetensors").exists()
    assert_same(resume(tmp_path / "run"), whole)


def test_a_broken_checkpoint_is_passed_over(whole, tmp_path, monkeypatch):
    killed(tmp_path / "run", 8, monkeypatch)
    newest = unfinished(tmp_path / "run") / "checkpoints/step-00000006/ema.safetensors"
    newest.write_bytes(newest.read_bytes()[:-1])
    with pytest.warns(UserWarning, match="step-00000006"):
        assert_same(resume(tmp_path / "run"), whole)


def test_the_global_generator_does_not_matter(whole, tmp_path):
    torch.manual_seed(17)
    assert_same(train(PROFILE, 3, tmp_path / "run"), whole)


# --- Several processes ---------------------------------------------------------------------------


def joint(values: list) -> torch.Tensor | None:
    return None if values[0] is None else torch.cat(values)


@pytest.mark.parametrize("processes", [2, 4])
def test_processes_draw_together_what_one_draws(processes):
    images = load_images(PROFILE)
    shares = [
        next(batches(PROFILE, images, 3, 6, Processes(CPU, rank, processes)))
        for rank in range(processes)
    ]
    for whole, parts in zip(next(batches(PROFILE, images, 3, 6, Processes(CPU))), zip(*shares)):
        assert torch.equal(whole, joint(list(parts)))


def in_processes(number: int, action) -> list[int]:
    """Do it in that many forked processes that can find each other; how each ended."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    children = []
    for rank in range(number):
        if child := os.fork():
            children.append(child)
            continue
        code = 1
        try:
            torch.set_num_threads(1)
            os.environ |= {
                "RANK": str(rank),
                "LOCAL_RANK": str(rank),
                "WORLD_SIZE": str(number),
                "MASTER_ADDR": "127.0.0.1",
                "MASTER_PORT": str(port),
            }
            action()
            code = 0
        except Stopped as stop:
            code = 128 + stop.number
        finally:
            os._exit(code)
    return [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]


def weights(run: Path) -> torch.Tensor:
    from safetensors.torch import load_file

    return torch.cat([weight.flatten() for weight in load_file(run / "ema.safetensors").values()])


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """The same run by two processes over gloo."""
    run_dir = tmp_path_factory.mktemp("runs") / "shared"
    assert in_processes(2, lambda: train(PROFILE, 3, run_dir)) == [0, 0]
    return run_dir


def test_two_processes_train_what_one_trains(tmp_path):
    """What is dropped would depend on how a batch is shared; all else does not."""
    profile = dataclasses.replace(PROFILE, dropout=0.0)
    whole, shared = tmp_path / "whole", tmp_path / "shared"
    train(profile, 3, whole)
    assert in_processes(2, lambda: train(profile, 3, shared)) == [0, 0]
    assert (weights(whole) - weights(shared)).abs().max() < 1e-5
    lines = [
        [json.loads(line)["loss"] for line in (run / "metrics.jsonl").read_text().splitlines()]
        for run in (whole, shared)
    ]
    assert lines[0] == pytest.approx(lines[1], rel=1e-5)


@pytest.mark.slow
def test_two_processes_killed_and_resumed(shared, tmp_path, monkeypatch):
    interrupt(monkeypatch, 8, lambda: os.kill(os.getpid(), signal.SIGKILL))
    assert in_processes(2, lambda: train(PROFILE, 3, tmp_path / "run")) == [-signal.SIGKILL] * 2
    monkeypatch.undo()
    assert in_processes(2, lambda: resume(tmp_path / "run")) == [0, 0]
    assert_same(tmp_path / "run", shared)


def test_two_processes_stop_at_the_same_step(shared, tmp_path, monkeypatch):
    """Only one of them gets the signal; both leave at the next line of metrics, with its code."""
    interrupt(
        monkeypatch, 7, lambda: os.environ["RANK"] == "1" and os.kill(os.getpid(), signal.SIGTERM)
    )
    assert in_processes(2, lambda: train(PROFILE, 3, tmp_path / "run")) == [143, 143]
    monkeypatch.undo()
    assert newest_checkpoint(unfinished(tmp_path / "run") / "checkpoints").step == 10
    assert in_processes(2, lambda: resume(tmp_path / "run")) == [0, 0]
    assert_same(tmp_path / "run", shared)


def test_another_number_of_processes_is_told(shared, tmp_path, monkeypatch):
    interrupt(monkeypatch, 8, lambda: os.kill(os.getpid(), signal.SIGKILL))
    assert in_processes(2, lambda: train(PROFILE, 3, tmp_path / "run")) == [-signal.SIGKILL] * 2
    monkeypatch.undo()
    assert json.loads((unfinished(tmp_path / "run") / "config.json").read_text())["processes"] == 2
    with pytest.warns(UserWarning, match="begun with processes 2, now 1: .* other bits"):
        resume(tmp_path / "run")


def test_nothing_that_decides_a_number_comes_from_the_environment(whole, tmp_path, monkeypatch):
    """What `accelerate launch` sets for its own library."""
    for name, value in {
        "ACCELERATE_MIXED_PRECISION": "bf16",
        "ACCELERATE_GRADIENT_ACCUMULATION_STEPS": "4",
        "ACCELERATE_DYNAMO_BACKEND": "INDUCTOR",
        "ACCELERATE_USE_FSDP": "true",
        "ACCELERATE_USE_CPU": "false",
    }.items():
        monkeypatch.setenv(name, value)
    assert_same(train(PROFILE, 3, tmp_path / "run"), whole)


@pytest.mark.parametrize("device", [None, "meta"])  # as a GPU, no place of what is on the CPU
def test_the_defaults_of_the_program_decide_no_number(whole, tmp_path, device):
    torch.set_default_dtype(torch.float64)
    torch.set_default_device(device)
    try:
        run = train(PROFILE, 3, tmp_path / "run")
        again, _ = write_samples(Run.open(run), 4, 3, tmp_path / "again.png", device="cpu")
        network = Run.open(run).network("cpu")
        assert torch.get_default_dtype() == torch.float64
        assert torch.empty(0).device.type == (device or "cpu")
    finally:
        torch.set_default_dtype(torch.float32)
        torch.set_default_device(None)
    assert_same(run, whole)
    assert filecmp.cmp(again, whole / "samples.png", shallow=False)
    assert {weight.dtype for weight in network.parameters()} == {torch.float32}


def test_a_batch_that_cannot_be_shared_is_refused():
    with refused(BadValue, what="batch_size", got="224", expected="multiple of 3", fix="take 225"):
        join_processes(dataclasses.replace(PROFILE, accumulate=3)).__enter__()


# --- Real launches -------------------------------------------------------------------------------

OPTIONS = [
    "train",
    "--profile",
    "smoke",
    "--seed",
    "3",
    "--name",
    "run",
    "--flip",
    *(
        word
        for key, value in dict(
            num_train_timesteps=8,
            sampling_steps=4,
            model_channels=8,
            batch_size=224,
            accumulate=2,
            num_steps=12,
            num_samples=4,
            log_every=5,
            checkpoint_every=3,
            warmup_steps=4,
            dropout=0.3,
            label_dropout=0.2,
        ).items()
        for word in (f"--{key.replace('_', '-')}", str(value))
    ),
]
ALONE, TORCHRUN, ACCELERATE = (
    [],
    [BIN / "torchrun", "--nproc-per-node", "2", "--no-python"],
    [
        BIN / "accelerate",
        "launch",
        "--cpu",
        "--num_processes",
        "2",
        "--num_machines",
        "1",
        "--num_cpu_threads_per_process",
        "1",
        "--mixed_precision",
        "no",
        "--dynamo_backend",
        "no",
        "--no_python",
    ],
)


@pytest.mark.slow
@pytest.mark.parametrize(
    "launcher, sign",
    [
        (ALONE, "config.json"),
        (ALONE, "metrics.jsonl"),
        (ALONE, "checkpoints/step-00000006"),
        (TORCHRUN, "metrics.jsonl"),
        (ACCELERATE, "checkpoints/step-00000003"),
    ],
)
def test_a_launch_that_is_killed_and_resumed(tmp_path, launcher, sign):
    """What a launcher sets in the environment may change last digits, so it also runs whole."""
    if launcher and not launcher[0].exists():
        pytest.skip(f"{launcher[0].name} is not installed")
    command, rooms = [*launcher, BIN / "ddpm-course"], [tmp_path / "whole", tmp_path / "killed"]
    for room in rooms:
        room.mkdir()
    subprocess.run([*command, *OPTIONS], cwd=rooms[0], check=True, capture_output=True)
    run = psutil.Popen(
        [*command, *OPTIONS], cwd=rooms[1], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    while not (rooms[1] / "runs/run.unfinished" / sign).exists() and run.poll() is None:
        time.sleep(0.001)
    for process in [*run.children(recursive=True), run]:
        process.kill()
    run.wait()
    assert not (rooms[1] / "runs/run").exists()
    done = subprocess.run(
        [*command, "resume", "runs/run"], cwd=rooms[1], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    whole, resumed = (room / "runs/run" for room in rooms)
    assert_same(resumed, whole)


# --- Signals -------------------------------------------------------------------------------------


def test_a_second_signal_within_two_seconds_does_not_count(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(stopping.time, "monotonic", lambda: now[0])
    with StopSignal() as signals:
        assert signals.number == 0
        for now[0] in (100.0, 101.9):
            os.kill(os.getpid(), signal.SIGTERM)
            assert signals.number == signal.SIGTERM
        os.kill(os.getpid(), signal.SIGINT)
        assert signals.number == signal.SIGTERM


def test_a_terminal_that_closes_is_a_signal_unless_that_is_ignored():
    with StopSignal() as signals:
        os.kill(os.getpid(), signal.SIGHUP)
        assert signals.number == signal.SIGHUP
    former = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
    try:
        with StopSignal() as signals:
            os.kill(os.getpid(), signal.SIGHUP)
            assert signals.number == 0
    finally:
        signal.signal(signal.SIGHUP, former)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_second_signal_later_ends_the_process_at_once(monkeypatch, number):
    def twice():
        now = [100.0]
        monkeypatch.setattr(stopping.time, "monotonic", lambda: now[0])
        with StopSignal():
            os.kill(os.getpid(), signal.SIGINT)
            now[0] = 102.1
            os.kill(os.getpid(), number)
            time.sleep(5)

    assert forked(twice) == -number


def test_the_former_handlers_return():
    numbers = signal.SIGINT, signal.SIGTERM, signal.SIGHUP
    before = [*map(signal.getsignal, numbers)]
    with StopSignal():
        assert all(map(operator.ne, map(signal.getsignal, numbers), before))
    assert [*map(signal.getsignal, numbers)] == before


@pytest.mark.parametrize(
    "number, code", [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_the_command_leaves_with_the_usual_code(tmp_path, monkeypatch, capsys, number, code):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cli, "show_run", lambda run: None)  # measures the samples, for seconds
    interrupt(monkeypatch, 4, lambda: os.kill(os.getpid(), number))
    assert main(["train", "--profile", "smoke", "--name", "run"]) == code
    assert "stopped after step 4; to go on: ddpm-course resume runs/run" in capsys.readouterr().err
    assert main(["resume", "runs/run"]) == 0 and (tmp_path / "runs/run/samples.png").exists()


# --- What does not go on -------------------------------------------------------------------------


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_bad_loss_leaves_the_last_good_checkpoint(whole, tmp_path, monkeypatch, bad):
    calls, real = iter(range(100)), loop.training_loss
    monkeypatch.setattr(
        loop,
        "training_loss",
        lambda *arguments: real(*arguments) * (bad if next(calls) == 16 else 1),
    )  # in step 9, which has a checkpoint of its own
    with refused(BadValue, what="the loss at step 9", got=bad):
        train(PROFILE, 3, tmp_path / "run")
    monkeypatch.undo()
    assert newest_checkpoint(unfinished(tmp_path / "run") / "checkpoints").step == 6
    assert_same(resume(tmp_path / "run"), whole)


def test_a_gradient_that_is_not_finite_is_not_saved(tmp_path, monkeypatch):
    """The loss of that step is good, the weights after it are not."""
    real = torch.nn.utils.clip_grad_norm_
    calls = iter(range(1, 100))
    monkeypatch.setattr(
        torch.nn.utils,
        "clip_grad_norm_",
        lambda *arguments: real(*arguments) * (float("inf") if next(calls) == 6 else 1),
    )
    with refused(BadValue, what="the gradient at step 6", got="inf"):
        train(PROFILE, 3, tmp_path / "run")
    assert newest_checkpoint(unfinished(tmp_path / "run") / "checkpoints").step == 3


def test_a_run_that_is_alive_is_not_resumed(tmp_path, monkeypatch):
    said = []

    def second():
        with refused(
            BadValue, what="run_dir", got="run.unfinished, which a run writes to"
        ) as error:
            resume(tmp_path / "run")
        said.append(error.value)

    interrupt(monkeypatch, 4, second)
    train(PROFILE, 3, tmp_path / "run")
    assert said and not (tmp_path / "run/lock").exists()


@pytest.mark.parametrize(("name", "value"), [("num_steps", 13), ("model_channels", 1024)])
def test_a_checkpoint_of_another_run_is_refused_and_kept(name, value, left, tmp_path):
    """Before a network is built, which may be of any size."""
    folder = unfinished(tmp_path / "run")
    shutil.copytree(left, folder)
    config = json.loads((folder / "config.json").read_text())
    config["profile"][name] = value
    (folder / "config.json").write_text(json.dumps(config))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with refused(
        CheckpointError,
        where=folder / "checkpoints/step-00000003",
        what=f"profile.{name}",
        got=str(getattr(PROFILE, name)),
    ):
        resume(tmp_path / "run")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300_000  # kB
    assert newest_checkpoint(folder / "checkpoints").step == 3
