"""Samples of a run: they depend on seed and number, and no file is written over."""

import dataclasses
import errno
import filecmp
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from refusals import refused
from tiny import TINY

from ddpm_course.checks import BadInput, BadType, BadValue
from ddpm_course.cli import main
from ddpm_course.runs import drawing, files
from ddpm_course.runs.drawing import sample_images, sample_labels, walk_samples, write_samples
from ddpm_course.runs.loop import build_model
from ddpm_course.runs.run import Run
from ddpm_course.runs.training import train
from ddpm_course.sampling import Sampler

UNCONDITIONAL = dataclasses.replace(TINY, num_classes=0)


def other_sampler(**changes) -> Sampler:
    return dataclasses.replace(TINY.sampler, **changes)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A finished run. Tests that break one work on a copy."""
    return train(TINY, 3, tmp_path_factory.mktemp("runs") / "tiny")


@pytest.fixture
def broken(run, tmp_path):
    return shutil.copytree(run, tmp_path / "broken")


def test_sampling_a_run_again_gives_its_samples(run, tmp_path):
    path, images = write_samples(Run.open(run), 4, 3, tmp_path / "again.png", device="cpu")
    assert filecmp.cmp(path, run / "samples.png", shallow=False)
    assert images.shape == (4, 1, 8, 8) and images.abs().max() <= 1
    other, _ = write_samples(Run.open(run), 4, 4, tmp_path / "other.png", device="cpu")
    assert other.read_bytes() != path.read_bytes()


@pytest.mark.parametrize("command", ["sample --num 1 --steps 2", "evaluate --steps 2"])
def test_a_run_is_opened_once(command, broken, monkeypatch):
    read, real = [], Path.read_text

    def read_text(path, *arguments, **options):
        read.append(path)
        return real(path, *arguments, **options)

    monkeypatch.setattr(Path, "read_text", read_text)
    word, *options = command.split()
    assert main([word, str(broken), *options, "--device", "cpu"]) == 0
    assert read.count(broken / "config.json") == 1


def test_another_sampler_starts_from_the_same_noise_and_names_its_file(broken):
    path, own = write_samples(Run.open(broken), 3, 3, device="cpu", sampler=other_sampler(eta=0.0))
    assert path.name == "samples-3-seed-3-eta-0.0.png"
    sampler = other_sampler(steps=2, spacing="linspace")
    path, short = write_samples(Run.open(broken), 3, 3, device="cpu", label=2, sampler=sampler)
    assert path.name == "samples-3-seed-3-label-2-steps-2-spacing-linspace.png"
    assert not torch.allclose(own, short, atol=1e-3)
    opened = Run.open(broken)
    schedule, model = opened.schedule("cpu"), opened.network("cpu")
    starts = [
        next(walk_samples(TINY, schedule, model, (1, 8, 8), 3, range(3), sampler=sampler))[1]
        for sampler in (None, other_sampler(steps=2, eta=1.0))
    ]
    assert torch.equal(*starts)


@pytest.mark.parametrize("eta", [0.0, 1.0])
def test_a_sample_depends_on_its_number_and_the_seed_alone(run, monkeypatch, eta):
    opened, sampler = Run.open(run), other_sampler(eta=eta)
    whole = sample_images(opened, 23, 7, "cpu", sampler=sampler)
    monkeypatch.setattr(drawing, "SAMPLING_PIXELS", 10 * 64)
    for num, seed, same in ((23, 7, True), (5, 7, True), (5, 8, False)):
        images = sample_images(opened, num, seed, "cpu", sampler=sampler)
        assert torch.allclose(images, whole[:num], atol=1e-5 if same else 1e-2) == same


def test_classes_take_turns_unless_one_is_chosen():
    model = build_model(TINY, 1)
    assert sample_labels(model, range(8, 13)).tolist() == [8, 9, 0, 1, 2]
    assert sample_labels(model, range(3), label=7).tolist() == [7, 7, 7]
    for label, kind in ((10, BadValue), (-1, BadValue), (1.5, BadType)):
        with refused(kind, where="sample_labels", what="label"):
            sample_labels(model, range(3), label)
    unconditional = build_model(UNCONDITIONAL, 1)
    assert sample_labels(unconditional, range(3)) is None
    with refused(BadValue, what="label", expected="trained without classes"):
        sample_labels(unconditional, range(3), 1)


@pytest.mark.parametrize(
    "options, what, got",
    [
        (dict(sampler=Sampler(9)), "steps", "9"),
        (dict(sampler=0.5), "sampler", "0.5"),
        (dict(sampler={"steps": 5}), "sampler", "{'steps': 5}"),
        (dict(label=10), "label", "10"),
        (dict(num=0), "num_samples", "0"),
    ],
)
def test_options_that_do_not_fit_write_nothing(broken, options, what, got):
    before = sorted(broken.iterdir())
    with refused(BadInput, what=what, got=got):
        write_samples(Run.open(broken), **{"num": 2, "seed": 0, "device": "cpu"} | options)
    assert sorted(broken.iterdir()) == before


def test_a_folder_that_is_not_there_is_refused_before_anything_is_drawn(broken, monkeypatch):
    monkeypatch.setattr(drawing, "sample_images", None)
    with refused(BadValue, where="sample", what="out", got="in a folder that is not there"):
        write_samples(Run.open(broken), 2, 0, broken / "none/a.png", device="cpu")


def test_samples_are_never_overwritten(broken):
    path, _ = write_samples(Run.open(broken), 2, 0, device="cpu")
    before = path.read_bytes()
    assert path == broken / "samples-2-seed-0.png"
    with refused(BadValue, got=f"{path}, which exists"):
        write_samples(Run.open(broken), 2, 0, device="cpu")
    with refused(BadValue, got=f"{broken / 'samples.png'}, which exists"):
        write_samples(Run.open(broken), 2, 0, broken / "samples.png", device="cpu")
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "what, num, seed",
    [
        *(("num_samples", num, 0) for num in (0, -1, 2.5, True)),
        *(("seed", 1, seed) for seed in (-1, 2**64, 0.5)),
    ],
)
def test_sample_refuses(run, what, num, seed):
    with refused(BadInput, what=what):
        write_samples(Run.open(run), num, seed)


def test_a_full_disk_leaves_no_picture_and_the_next_attempt_is_not_refused(broken, monkeypatch):
    def full(path, data):
        path.write_bytes(data[:10])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    before = sorted(broken.iterdir())
    with monkeypatch.context() as disk:
        disk.setattr(files, "write_synced", full)
        with refused(BadValue, where=broken / "samples-2-seed-0.png", got="No space left"):
            write_samples(Run.open(broken), 2, 0, device="cpu")
    assert sorted(broken.iterdir()) == before
    write_samples(Run.open(broken), 2, 0, device="cpu")


def test_a_link_that_was_planted_in_a_run_leads_nowhere(broken, tmp_path):
    (broken / "samples-2-seed-0.png").symlink_to(tmp_path / "outside.png")
    with refused(BadValue, got=f"{broken / 'samples-2-seed-0.png'}, which exists"):
        write_samples(Run.open(broken), 2, 0, device="cpu")
    assert not (tmp_path / "outside.png").exists()


def test_the_samples_of_a_run_are_drawn_in_batches(run, tmp_path, monkeypatch):
    """As many as their pixels allow; six samples are shown on their way, whatever a batch holds."""
    opened, sizes, shown = Run.open(run), [], []
    real = drawing.walk_samples

    def walk(*arguments):
        sizes.append(len(arguments[5]))
        return real(*arguments)

    monkeypatch.setattr(drawing, "walk_samples", walk)
    profile = dataclasses.replace(TINY, num_samples=9)
    for pixels in (9 * 64, 2 * 64, 63):
        monkeypatch.setattr(drawing, "SAMPLING_PIXELS", pixels)
        drawn = profile, opened.schedule("cpu"), opened.network("cpu"), opened.image_shape, 3
        drawing.draw_pictures(tmp_path, *drawn)
        shown.append(np.asarray(Image.open(tmp_path / "denoising.png"), int))
    assert sizes == [9] + [2, 2, 2, 2, 1] + [1] * 9
    assert all(abs(picture - shown[0]).max() <= 1 for picture in shown)


def test_more_samples_than_memory_holds_are_refused(monkeypatch):
    run = Run.open("laptop")
    monkeypatch.setattr(os, "sysconf", lambda name: 2**10)
    with refused(BadValue, what="num_samples", got="4000, which takes 0.0 GiB"):
        sample_images(run, 4000, 0, "cpu")
