"""The runs that the package carries: what they say of themselves, and that they draw."""

import dataclasses
from pathlib import Path

import torch
from refusals import refused

from ddpm_course.checks import BadValue
from ddpm_course.cli import main
from ddpm_course.runs.drawing import sample_images
from ddpm_course.runs.measures import load_classifier
from ddpm_course.runs.profiles import load_profile
from ddpm_course.runs.run import Run
from ddpm_course.runs.trained import TRAINED, beside, trained_names


def contents():
    return {path: path.read_bytes() for path in TRAINED.rglob("*") if path.is_file()}


def test_they_are_profiles_of_the_package_trained_from_a_seed():
    assert trained_names() == ["fashion", "laptop", "poster"]
    for name in trained_names():
        run = Run.open(name)
        assert run.profile == load_profile(name) and run.seed == 0 and run.classes
        assert run.seconds and run.seconds > 60 and run.commit and run.hardware
    assert sum(map(len, contents().values())) < 7_000_000


def test_what_they_draw_is_of_the_class_that_was_asked_for():
    for name, least in ("laptop", 0.9), ("fashion", 0.75), ("poster", 0.8):
        run = Run.open(name)
        sampler = dataclasses.replace(run.profile.sampler, steps=10)
        images = sample_images(run, 36, seed=1, device="cpu", sampler=sampler)
        seen = load_classifier(run.profile.data)(images).argmax(1)
        assert (seen == torch.arange(36) % len(run.classes)).float().mean() >= least


def test_a_first_picture_without_training(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    before = contents()
    assert main("sample laptop --num 1 --steps 1".split()) == 0
    origin, picture = capsys.readouterr().out.splitlines()
    assert "ddpm-course train --profile laptop --seed 0 (commit " in origin
    assert picture == "samples: laptop-samples-1-seed-1-steps-1.png"
    assert [path.name for path in tmp_path.iterdir()] == [picture.removeprefix("samples: ")]
    assert contents() == before


def test_nothing_is_written_into_the_package_by_whatever_path(tmp_path, monkeypatch):
    monkeypatch.chdir(TRAINED.parent)
    for folder in (
        Path("trained/laptop"),
        Path("./trained/laptop"),
        Path("trained/../trained/laptop"),
    ):
        assert beside(folder, "samples.png") == Path("laptop-samples.png")
    assert beside(tmp_path / "laptop", "samples.png") == tmp_path / "laptop/samples.png"


def test_a_folder_of_that_name_goes_first(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "laptop").mkdir()
    with refused(BadValue, where="laptop/config.json", fix="fashion, laptop, poster"):
        Run.open("laptop")
