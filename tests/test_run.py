"""A folder of a run, opened: what it says is used, what is broken is refused."""

import json
import re
import resource
import shutil

import pytest
import torch
from refusals import refused
from safetensors.torch import load_file
from tiny import TINY, steps, weights

from ddpm_course.checks import BadInput, BadValue
from ddpm_course.runs.checkpoint import CheckpointError, write_weights
from ddpm_course.runs.drawing import write_samples
from ddpm_course.runs.run import EARLIER, Run
from ddpm_course.runs.training import train


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A finished run. Tests that break one work on a copy."""
    return train(TINY, 3, tmp_path_factory.mktemp("runs") / "tiny")


@pytest.fixture
def broken(run, tmp_path):
    return shutil.copytree(run, tmp_path / "broken")


def lengthen(path):
    path.write_bytes(path.read_bytes() + b"more")


def change(path, **values):
    config = json.loads(path.read_text())
    config["profile"].update(values)
    path.write_text(json.dumps(config))


def change_all(path, **values):
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def drop_one(path):
    write_weights(path.parent, {"ema": dict(list(load_file(path).items())[1:])})


def whole_numbers(path):
    tensors = {name: tensor.to(torch.int8) for name, tensor in load_file(path).items()}
    write_weights(path.parent, {"ema": tensors})


DEEP = "[" * 9999
DAMAGE = {
    "ema.safetensors": [
        (lambda path: path.unlink(), dict(got="No such file")),
        (lengthen, dict(expected="whose SHA-256 is in")),
        (lambda path: path.write_bytes(b""), dict(got="a file of 0 bytes")),
        (drop_one, dict(got="no such tensor")),
        (whole_numbers, dict(got="int8", expected="torch.float32, as in the network")),
        (lambda path: (path.parent / "manifest.json").unlink(), dict(got="No such file")),
        (lambda path: (path.parent / "manifest.json").write_text("[]"), dict(got="TypeError")),
        (
            lambda path: (path.parent / "manifest.json").write_text(DEEP),
            dict(got="RecursionError"),
        ),
    ],
    "config.json": [
        (lambda path: path.unlink(), dict(got="No such file")),
        (lambda path: path.write_text("{"), dict(got="JSONDecodeError")),
        (lambda path: path.write_text("[]"), dict(got="TypeError")),
        (lambda path: path.write_text(DEEP), dict(got="RecursionError")),
        (lambda path: path.write_text("{}"), dict(got="KeyError")),
        (lambda path: path.write_bytes(b"\xff\xfe"), dict(got="UnicodeDecodeError")),
        (lambda path: change(path, num_steps=-1), dict(what="num_steps", got="-1")),
        (lambda path: change_all(path, image_shape=[1, 2**30, 8]), dict(what="image_shape")),
        (lambda path: change(path, schedule="lineal"), dict(what="schedule", got="'lineal'")),
        (lambda path: change(path, unknown=1), dict(got="unknown")),
        (lambda path: change_all(path, image_shape=[1, 8, 0]), dict(what="image_shape", got="0")),
        (
            lambda path: change_all(path, image_shape=[1, "8", 8]),
            dict(what="image_shape", got="'8'"),
        ),
        (lambda path: change_all(path, seed=-1), dict(what="seed", got="-1")),
        (lambda path: change_all(path, threads="two"), dict(what="threads", got="'two'")),
        (lambda path: change_all(path, classes=7), dict(got="TypeError")),
    ],
}


@pytest.mark.parametrize(
    "name, damage, fields",
    [(name, damage, fields) for name, cases in DAMAGE.items() for damage, fields in cases],
)
def test_a_broken_run_is_refused(broken, name, damage, fields):
    damage(broken / name)
    before = sorted(broken.iterdir())
    place = re.compile(re.escape(str(broken / name)))
    with refused(BadInput, where=place, **fields):
        write_samples(Run.open(broken), 1, 0)
    assert sorted(broken.iterdir()) == before


def test_a_network_of_classes_asks_for_labels():
    run = Run.open("laptop")
    for labels in (None, [3, 3]):
        with refused(BadInput, where="Run.denoiser", what="labels", fix="one label per image"):
            run.denoiser("cpu", labels)
    denoiser = run.denoiser("cpu", torch.tensor([3, 3]))
    assert denoiser.noise(torch.zeros(2, 1, 8, 8), torch.tensor([1, 2])).shape == (2, 1, 8, 8)


@pytest.mark.parametrize("key", EARLIER)
def test_a_run_from_before_a_setting_existed_opens(broken, key):
    path = broken / "config.json"
    config = json.loads(path.read_text())
    del config["profile"][key]
    path.write_text(json.dumps(config))
    assert Run.open(broken).profile == TINY


def test_no_run_at_all(tmp_path):
    with refused(BadValue, where=tmp_path / "nothing/config.json", fix="finished run"):
        Run.open(tmp_path / "nothing")


def test_a_loaded_run_has_the_averaged_weights(run):
    opened = Run.open(run)
    schedule, model = opened.schedule("cpu"), opened.network("cpu")
    assert opened.profile == TINY and schedule.num_train_timesteps == 8 and not model.training
    *_, state = steps(TINY, seed=3)
    assert torch.equal(weights(model), weights(state.ema))
    raw = load_file(run / "model.safetensors")
    assert all(torch.equal(raw[name], value) for name, value in state.model.state_dict().items())


def test_no_network_is_built_that_the_file_does_not_hold(broken):
    """5 GB and half a minute for a run whose config.json was changed by hand."""
    change(broken / "config.json", model_channels=4000)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with refused(CheckpointError, got="(10, 32)", expected="(10, 16000)"):
        Run.open(broken).network("cpu")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300_000  # kB
