"""The shapes in the annotations are those of the tensors that functions take and give.

For users an annotation is only read. Here a process of its own imports the package with every
annotation checked, and calls the public functions as they should be called. Bad input, which has
errors of its own, is left to the other tests.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from beartype import BeartypeConf, beartype
from notebooks import ROOT

# A whole number will do for a float, as everywhere in Python.
checker = beartype(conf=BeartypeConf(is_pep484_tower=True))

PROGRAM = """
from jaxtyping import install_import_hook
with install_import_hook("ddpm_course", "test_shapes.checker"):
    import test_shapes
    test_shapes.call_everything()
"""


def call_everything() -> None:
    """The derivation as in the test of any argument; data and the network; one small run."""
    import tempfile

    import test_any_argument
    import torch
    from tiny import TINY

    from ddpm_course import data
    from ddpm_course.runs.drawing import write_samples
    from ddpm_course.runs.evaluation import evaluate
    from ddpm_course.runs.run import Run
    from ddpm_course.runs.training import train
    from ddpm_course.sampling import Sampler
    from ddpm_course.unet import UNet

    for call, arguments in test_any_argument.CALLS.items():
        test_any_argument.run(call, arguments)

    pixels, labels = data.glyphs(0, 80, 28, colour=True)
    data.images.held_out_tenth(labels)
    next(data.batch_order(80, 8, 0))
    found = data.ImageSet("glyphs", pixels, labels, tuple(data.GLYPHS))
    assert found[0][0].shape == found.image_shape and len(found.floats()) == 80
    data.load_data("digits")

    network = UNet(3, 8, (1, 2), 1, (0, 1), 0.1, 36)
    network(found.floats()[:2], torch.tensor([1, 9]), labels[:2]).sum().backward()

    with tempfile.TemporaryDirectory() as room:
        run = Run.open(train(TINY, 0, Path(room) / "run"))
        write_samples(run, 3, 0)
        evaluate(run, sampler=Sampler(1))


def complaint(package: Path) -> str:
    """What Python says when everything is called in a folder's package; nothing if all fits."""
    path = os.pathsep.join(map(str, (package, ROOT / "tests", ROOT / "tools")))
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROGRAM],
        cwd=package,  # which Python looks in first
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
    )
    return done.stderr[-4000:] if done.returncode else ""


@pytest.mark.slow
def test_all_shapes_fit():
    assert complaint(ROOT) == ""


@pytest.mark.slow
@pytest.mark.parametrize(
    "module, right, wrong",
    [
        ("data/images", 'Float[Tensor, "N 1 8 8"]', 'Float[Tensor, "N 8 8"]'),
        (
            "forward",
            "def snr(schedule: NoiseSchedule) -> Float",
            "def snr(schedule: NoiseSchedule) -> Int",
        ),
        ("data/images", 'UInt8[Tensor, "*shape"]', 'UInt8[Tensor, "*shape 1"]'),
        ("unet", 'Float[Tensor, "B C 2*H 2*W"]', 'Float[Tensor, "B C H W"]'),
        ("runs/loop", 'labels: Int[Tensor, "share"]', 'labels: Float[Tensor, "share"]'),
    ],
)
def test_an_annotation_that_is_wrong_is_noticed(tmp_path, module, right, wrong):
    package = tmp_path / "ddpm_course"
    shutil.copytree(ROOT / "ddpm_course", package, ignore=shutil.ignore_patterns("notebooks"))
    text = (package / f"{module}.py").read_text(encoding="utf-8")
    assert text.count(right) == 1
    (package / f"{module}.py").write_text(text.replace(right, wrong), encoding="utf-8")
    assert "TypeCheckError" in complaint(tmp_path)
