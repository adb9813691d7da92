"""Training: a run is whole or not there, and its seed decides it."""

import dataclasses
import filecmp
import json
import math
import os
import re
import resource
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch
from PIL import Image
from refusals import refused
from safetensors.torch import load_file
from tiny import TINY, steps, weights

from ddpm_course.checks import BadType, BadValue
from ddpm_course.data import load_data
from ddpm_course.runs import loop
from ddpm_course.runs.checkpoint import newest_checkpoint
from ddpm_course.runs.drawing import sample_images
from ddpm_course.runs.images import load_images
from ddpm_course.runs.metrics import metrics_log, plot_losses
from ddpm_course.runs.profiles import load_profile
from ddpm_course.runs.run import Run
from ddpm_course.runs.training import check_memory, train


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A finished run. Tests that break one work on a copy."""
    return train(TINY, 3, tmp_path_factory.mktemp("runs") / "tiny")


def test_pictures_in_a_folder_train(tmp_path):
    for name, start in (("dark", 0), ("light", 120)):
        for number in range(12):
            path = tmp_path / "pictures" / name / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.effect_noise((20, 16), start + number).convert("L").save(path)
    profile = dataclasses.replace(
        TINY,
        data="folder",
        data_dir=str(tmp_path / "pictures"),
        image_size=8,
        num_classes=2,
        num_steps=3,
    )
    run = train(profile, 0, tmp_path / "run")
    assert sample_images(Run.open(run), 2, 0, "cpu").shape == (2, 1, 8, 8)


def test_channels_last_is_the_same_network(tmp_path):
    profile = dataclasses.replace(TINY, channels_last=True)
    *_, plain = steps(TINY)
    *_, last = steps(profile)
    assert torch.allclose(weights(plain.model), weights(last.model), atol=1e-5)
    wide = last.model.middle[0].residual.conv1.weight
    assert wide.is_contiguous(memory_format=torch.channels_last) and not wide.is_contiguous()
    stored = load_file(train(profile, 0, tmp_path / "run") / "model.safetensors")
    assert torch.equal(stored["middle.0.residual.conv1.weight"], wide)


@pytest.mark.slow
def test_the_gpu_profile_trains_and_samples_on_a_cpu(tmp_path):
    profile = dataclasses.replace(
        load_profile("gpu"),
        device="cpu",
        threads=1,
        compile=False,
        batch_size=4,
        num_steps=2,
        num_samples=1,
        sampling_steps=2,
        log_every=1,
        checkpoint_every=0,
    )
    model = Run.open(train(profile, 0, tmp_path / "run")).network("cpu")
    assert sum(weight.numel() for weight in model.parameters()) == 35_746_307
    lines = (tmp_path / "run/metrics.jsonl").read_text().splitlines()
    assert [0.8 < json.loads(line)["loss"] < 1.2 for line in lines] == [True, True]


def test_metrics_for_tensorboard(tmp_path):
    reader = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    run = train(dataclasses.replace(TINY, tensorboard=True), 3, tmp_path / "run")
    events = reader.EventAccumulator(str(run / "tensorboard")).Reload()
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    found = events.Scalars("loss")
    assert [event.step for event in found] == [line["step"] for line in lines]
    assert [event.value for event in found] == pytest.approx([line["loss"] for line in lines])
    (tmp_path / "tensorboard").symlink_to(run)
    with refused(BadValue, where=tmp_path / "tensorboard", got="it is a link"):
        metrics_log(tmp_path, 0, True).__enter__()


def test_a_damaged_log_is_named_and_left_as_it_is(tmp_path):
    path, good = tmp_path / "metrics.jsonl", b'{"step": 5, "loss": 0.5}\n'
    for bad in (
        b"",
        b"\0\0",
        b"\xff",
        b"<html>",
        b"[5, 0.5]",
        b'{"step": 5}',
        b'{"step": "5", "loss": 1}',
        b'{"step": 5, "loss": NaN}',
        b'{"step": 5, "loss": 1' + b"0" * 400 + b"}",
        b"[" * 9999,
    ):
        path.write_bytes(good + bad + b"\n" + good)
        for act in (metrics_log(tmp_path, 5, False).__enter__, lambda: plot_losses(tmp_path)):
            with refused(BadValue, where=path, what="line 2"):
                act()
        assert path.read_bytes() == good + bad + b"\n" + good
    path.write_bytes(good + good[:9])
    with metrics_log(tmp_path, 5, False) as write:
        write({"step": 6, "loss": 0.1})
    assert path.read_bytes() == good + b'{"step": 6, "loss": 0.1}\n'


def test_tensorboard_that_is_not_installed_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with refused(BadValue, what="tensorboard", got="yes, and it is not installed"):
        train(dataclasses.replace(TINY, tensorboard=True), 3, tmp_path / "run")
    assert not list(tmp_path.iterdir())


def test_a_missing_device_stops_before_anything_is_written(tmp_path):
    if torch.cuda.is_available():
        pytest.skip("there is a CUDA device")
    with refused(BadValue, what="device", got="cuda"):
        train(dataclasses.replace(TINY, device="cuda"), 0, tmp_path / "run")
    assert not list(tmp_path.iterdir())


def test_a_run_leaves_all_its_files(run):
    assert {file.name for file in run.iterdir()} == {
        "config.json",
        "manifest.json",
        "metrics.jsonl",
        "model.safetensors",
        "ema.safetensors",
        "samples.png",
        "denoising.png",
        "loss.png",
    }
    assert not run.with_name("tiny.unfinished").exists()
    config = json.loads((run / "config.json").read_text())
    assert config["seed"] == 3 and config["threads"] == torch.get_num_threads()
    assert config["versions"]["torch"] == torch.__version__ and config["device"] == "cpu"
    assert config["profile"] == json.loads(json.dumps(dataclasses.asdict(TINY)))
    assert Image.open(run / "samples.png").size == (8 * (2 * 9 + 1), 8 * (2 * 9 + 1))
    assert Image.open(run / "denoising.png").size == (8 * (9 * 9 + 1), 8 * (4 * 9 + 1))


def test_metrics_are_json_lines(run):
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [4, 6]
    assert all(math.isfinite(value) for line in lines for value in line.values())
    losses = [float(state.loss) for state in steps(TINY, seed=3)]
    assert lines[0]["loss"] == pytest.approx(sum(losses[:4]) / 4)
    assert lines[1]["loss"] == pytest.approx(sum(losses[4:]) / 2)


def test_one_seed_gives_one_run(run, tmp_path):
    torch.manual_seed(99)  # must not matter
    again, other = train(TINY, 3, tmp_path / "again"), train(TINY, 4, tmp_path / "other")
    for name in ("model.safetensors", "ema.safetensors", "samples.png", "denoising.png"):
        assert filecmp.cmp(again / name, run / name, shallow=False)
        assert not filecmp.cmp(other / name, run / name, shallow=False)


def test_dropout_follows_the_seed_and_the_global_generator_is_given_back(tmp_path):
    profile, found, next_draws = dataclasses.replace(TINY, dropout=0.5), [], []
    for global_seed in (1, 2):
        torch.manual_seed(global_seed)
        run = train(profile, 0, tmp_path / str(global_seed))
        next_draws.append(torch.rand(1))
        found.append((run / "model.safetensors").read_bytes())
    assert found[0] == found[1] and next_draws[0] != next_draws[1]


def test_the_network_sees_the_training_half_only(monkeypatch, tmp_path):
    seen = set()

    images, _ = load_data("digits", "train")
    real_loss = loop.training_loss

    def loss(denoiser, x0, *rest):
        seen.update(image.numpy().tobytes() for image in x0)
        return real_loss(denoiser, x0, *rest)

    monkeypatch.setattr(loop, "training_loss", loss)
    train(dataclasses.replace(TINY, num_steps=112), 0, tmp_path / "run")
    assert len(seen) > 800 and seen <= {image.numpy().tobytes() for image in images}


def test_a_name_that_marks_what_is_unfinished_is_refused(tmp_path):
    with refused(BadValue, what="run_dir", got=tmp_path / "a.unfinished"):
        train(TINY, 0, tmp_path / "a.unfinished")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["taken", "taken.unfinished"])
def test_a_folder_that_exists_is_not_touched(tmp_path, name):
    (tmp_path / name).mkdir()
    (tmp_path / name / "mine").write_text("precious")
    with refused(BadValue, what="run_dir", got=f"{tmp_path / name}, which exists"):
        train(TINY, 0, tmp_path / "taken")
    assert [str(p.relative_to(tmp_path)) for p in sorted(tmp_path.rglob("*"))] == [
        name,
        f"{name}/mine",
    ]


def test_a_loss_that_is_not_finite_stops_the_run(tmp_path):
    with refused(
        BadValue,
        what=re.compile(r"(loss|gradient) at step \d"),
        got=re.compile("nan|inf"),
        fix="learning_rate",
    ):
        train(dataclasses.replace(TINY, learning_rate=1e30), 0, tmp_path / "run")
    left = {file.name for file in (tmp_path / "run.unfinished").iterdir()}
    assert not (tmp_path / "run").exists() and left == {"config.json", "metrics.jsonl", "lock"}


def test_a_side_is_halved_once_less_than_there_are_levels():
    images = load_images(dataclasses.replace(TINY, channel_multipliers=(1, 2), image_size=10))
    assert images.image_shape == (1, 10, 10)


@pytest.mark.parametrize(
    "changes, fields",
    [
        (dict(batch_size=899), dict(what="batch_size", got="899 for a data set of 898")),
        (dict(model_channels=6), dict(what="model_channels", expected="multiple of 4")),
        (dict(num_classes=11), dict(what="num_classes", got="11", expected="10")),
        (
            dict(image_size=9),
            dict(what="image_size", got="images of 9×9 pixels", expected="a multiple of 2"),
        ),
        (
            dict(channel_multipliers=(1, 1, 1, 1), image_size=28),
            dict(what="image_size", fix="set image_size = 32"),
        ),
        (
            dict(model_channels=4096, num_blocks=64),
            dict(what="model_channels", got="4096, which takes"),
        ),
    ],
)
def test_a_profile_that_does_not_fit_writes_nothing(tmp_path, changes, fields):
    with refused(BadValue, **fields):
        train(dataclasses.replace(TINY, **changes), 0, tmp_path / "run")
    assert not list(tmp_path.iterdir())


def test_more_samples_than_memory_holds_are_refused_before_training():
    profile = dataclasses.replace(TINY, num_samples=100_000)
    check_memory(profile, (1, 8, 8), torch.device("cpu"))
    with refused(BadValue, what="num_samples", got="100000, which takes 37,500.0 GiB"):
        check_memory(profile, (3, 4096, 4096), torch.device("cpu"))


def test_train_refuses_a_bad_seed(tmp_path):
    for seed, kind in ((-1, BadValue), (2**64, BadValue), (0.5, BadType)):
        with refused(kind, where="train", what="seed"):
            train(TINY, seed, tmp_path / "run")


PICTURES = """
import dataclasses, multiprocessing, pathlib, sys
from PIL import Image
from ddpm_course.runs.profiles import load_profile
from ddpm_course.runs.training import check_memory, train

multiprocessing.set_start_method(sys.argv[3], force=True)
room = pathlib.Path(sys.argv[1])
(room / "pictures").mkdir()
for number in range(12):
    Image.effect_noise((20, 16), 40 + number).convert("L").save(room / "pictures" / f"{number}.png")
profile = dataclasses.replace(
    load_profile("smoke"), data="folder", data_dir=str(room / "pictures"), image_size=8,
    num_classes=0, batch_size=8, num_steps=int(sys.argv[2]), log_every=1, model_channels=8,
)
train(profile, 0, room / "run")
"""


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_a_script_without_a_guard_trains_on_pictures(method, tmp_path):
    """Where a new process would begin with the script, as on macOS, none is needed."""
    (tmp_path / "script.py").write_text(PICTURES)
    command = [sys.executable, str(tmp_path / "script.py"), str(tmp_path), "2", method]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "run/samples.png").exists()


@pytest.mark.slow
def test_a_signal_to_all_processes_of_a_run_on_pictures_saves_it(tmp_path):
    """As `timeout` sends it: whatever reads the pictures must not die of it."""
    command = [sys.executable, "-c", PICTURES, str(tmp_path), "1000000", "spawn"]
    run = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
    metrics = tmp_path / "run.unfinished/metrics.jsonl"
    while run.poll() is None and not (metrics.exists() and metrics.read_text()):
        time.sleep(0.05)
    os.killpg(run.pid, signal.SIGTERM)
    said = run.communicate(timeout=300)[1]
    assert "stopped after step" in said and "DataLoader" not in said
    assert newest_checkpoint(tmp_path / "run.unfinished/checkpoints").step > 0


def test_a_full_disk_at_a_line_of_metrics_is_named(tmp_path):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        with refused(BadValue, where=tmp_path / "metrics.jsonl", got="File too large"):
            with metrics_log(tmp_path, 0, False) as write:
                resource.setrlimit(resource.RLIMIT_FSIZE, (5, limits[1]))
                write({"step": 1, "loss": 1.0})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_a_seed_of_numpy_is_a_seed(tmp_path):
    assert Run.open(train(TINY, np.int64(3), tmp_path / "run")).seed == 3
