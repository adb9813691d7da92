"""A run is measured as a whole, and what was found is reported beside it, once."""

import dataclasses
import json
import math

import pytest
import torch
from PIL import Image
from refusals import refused

from ddpm_course.checks import BadInput, BadValue
from ddpm_course.data import random_stream
from ddpm_course.objective import bits_per_dim, variational_bound
from ddpm_course.prediction import Denoiser
from ddpm_course.runs import evaluation
from ddpm_course.runs.diffusers import export_run, import_run
from ddpm_course.runs.evaluation import (
    evaluate,
    format_summary,
    format_table,
    has_classifier,
    likelihood,
)
from ddpm_course.runs.measures import CLASSIFIERS, baselines, load_reference
from ddpm_course.runs.profiles import load_profile
from ddpm_course.runs.run import Run
from ddpm_course.runs.training import train

REFERENCE = load_reference("digits")
BASELINES = baselines(REFERENCE)
REAL = BASELINES["held out"]
SMOKE = dataclasses.replace(load_profile("smoke"), sampling_steps=5)
TWO_STEPS = dataclasses.replace(SMOKE.sampler, steps=2)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return train(SMOKE, 0, tmp_path_factory.mktemp("runs") / "smoke")


# --- Likelihood ----------------------------------------------------------------------------------


def test_a_density_of_one_costs_the_bits_of_a_bin(run, monkeypatch):
    """Digits have bins of the width 1/8: three bits for each pixel, where the density says nothing."""
    monkeypatch.setattr(
        evaluation, "ode_log_prob", lambda denoiser, x0, *_, **__: torch.zeros(len(x0))
    )
    found = likelihood(run, 1, "cpu", num_images=4)
    assert found.flow == pytest.approx(3) and found.flow_error == 0 and found.num_images == 4


def test_even_noise_stays_within_its_bin(run, monkeypatch):
    def seen(denoiser, x0, times, **_):
        offsets = 8 * (x0 - REFERENCE.held_out[torch.arange(50) * 898 // 50])
        assert offsets.abs().max() < 0.501 and offsets.min() < -0.45 and offsets.max() > 0.45
        assert times[0] == 1 and times[-1] == 50
        return torch.zeros(len(x0))

    monkeypatch.setattr(evaluation, "ode_log_prob", seen)
    likelihood(run, 1, "cpu", num_images=50)


def test_the_flow_costs_what_a_known_density_costs(tmp_path, monkeypatch):
    """For Gaussian data of variance 1/2, in place of the network."""
    folder = train(
        dataclasses.replace(SMOKE, num_train_timesteps=400, num_steps=1), 0, tmp_path / "run"
    )
    signal, noise = (
        getattr(Run.open(folder).schedule("cpu"), name)
        for name in ("alphas_cumprod", "one_minus_alphas_cumprod")
    )

    def best(x, t):
        return x * (noise.sqrt() / (signal / 2 + noise))[t].view(-1, 1, 1, 1).to(x)

    monkeypatch.setattr(Run, "denoiser", lambda run, *_: Denoiser(run.schedule("cpu"), best))
    found, variance = likelihood(folder, 1, "cpu", num_images=64), 0.5 + float(noise[1] / signal[1])
    chosen = REFERENCE.held_out[torch.arange(64) * 898 // 64]
    squares = chosen.square().mean() + (1 / 8) ** 2 / 12
    nats = squares / (2 * variance) + math.log(2 * math.pi * variance) / 2 + math.log(8)
    assert found.flow == pytest.approx(float(nats) / math.log(2), abs=0.01)


def test_the_bound_is_that_of_the_limited_image(run, monkeypatch):
    far = Denoiser(Run.open(run).schedule("cpu"), lambda x, t: 3 * x, "sample")
    monkeypatch.setattr(Run, "denoiser", lambda *_: far)
    monkeypatch.setattr(evaluation, "ode_log_prob", lambda _, x0, *__, **___: torch.zeros(len(x0)))
    some, stream = REFERENCE.held_out[[0, 224, 449, 673]], random_stream(1, "likelihood")
    terms = variational_bound(
        far.schedule, some, lambda x, t: (3 * x).clamp(-1, 1), 17, generator=stream
    )
    wanted = bits_per_dim(terms.sum(0), 64).mean()
    assert likelihood(run, 1, "cpu", num_images=4).bound == pytest.approx(float(wanted))


def test_the_standard_error_is_that_of_the_mean(run, monkeypatch):
    """Four images whose densities differ by known bits."""
    nats = 64 * math.log(2) * torch.tensor([0.0, 1.0, 2.0, 5.0], dtype=torch.float64)
    monkeypatch.setattr(evaluation, "ode_log_prob", lambda *_, **__: nats)
    found = likelihood(run, 1, "cpu", num_images=4)
    assert found.flow == pytest.approx(3 - 2)
    assert found.flow_error == pytest.approx(math.sqrt((4 + 1 + 0 + 9) / 3) / 2)


def test_the_same_seed_gives_the_same_bits(run):
    found = likelihood(run, 1, "cpu", num_images=2)
    assert found == likelihood(run, 1, "cpu", num_images=2)
    assert min(found) > 0
    with refused(BadValue, where="likelihood", what="num_images"):
        likelihood(run, num_images=899)


def test_images_of_a_folder_have_a_likelihood(tmp_path, monkeypatch):
    """No classifier is needed. They stand class by class, and each of the classes is heard."""
    for name, grey in (("dark", 0), ("light", 255)):
        (tmp_path / "pictures" / name).mkdir(parents=True)
        for number in range(40):
            picture = Image.new("L", (8, 8), grey)
            picture.save(tmp_path / "pictures" / name / f"{number}.png")
    profile = dataclasses.replace(
        SMOKE,
        data="folder",
        data_dir=str(tmp_path / "pictures"),
        image_size=8,
        num_classes=2,
        num_steps=1,
    )

    def seen(denoiser, x0, *_, **__):
        assert x0.mean((1, 2, 3)).round().tolist() == [-1, -1, 1, 1]
        return torch.zeros(4)

    monkeypatch.setattr(evaluation, "ode_log_prob", seen)
    found = likelihood(train(profile, 0, tmp_path / "run"), 1, "cpu", num_images=4)
    assert found.flow == pytest.approx(7 + math.log2(255 / 256), abs=0.01) and found.bound > 0


def test_images_that_were_learnt_are_not_called_held_out(tmp_path, monkeypatch):
    """One more file, and another tenth is held out: mostly images that the run has seen."""
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for number in range(40):
        Image.new("L", (8, 8), number).save(pictures / f"{number}.png")
    fields = dict(data="folder", data_dir=str(pictures), image_size=8, num_classes=0, num_steps=1)
    run = train(dataclasses.replace(SMOKE, **fields), 0, tmp_path / "run")
    monkeypatch.setattr(evaluation, "ode_log_prob", lambda _, x0, *__, **___: torch.zeros(len(x0)))
    assert likelihood(run, 1, "cpu").num_images == 4
    Image.new("L", (8, 8), 40).save(pictures / "40.png")
    with refused(BadValue, what="data_dir", got="other files"):
        likelihood(run, 1, "cpu")


def test_one_image_has_no_standard_error(tmp_path):
    (tmp_path / "pictures").mkdir()
    for number in range(19):
        Image.new("L", (8, 8), number).save(tmp_path / f"pictures/{number}.png")
    fields = dict(data="folder", data_dir=str(tmp_path / "pictures"), image_size=8, num_classes=0)
    profile = dataclasses.replace(SMOKE, **fields, num_steps=1, batch_size=16)
    with refused(BadValue, where="likelihood", what="data_dir", got="one held-out image"):
        likelihood(train(profile, 0, tmp_path / "run"), 1, "cpu")


@pytest.mark.parametrize("schedule, T", [("linear", 1), ("flow", 2)])
def test_a_chain_that_cannot_be_walked_has_no_likelihood(tmp_path, schedule, T):
    kind = "flow_prediction" if schedule == "flow" else "epsilon"
    short = dict(num_train_timesteps=T, sampling_steps=1, num_steps=1)
    profile = dataclasses.replace(SMOKE, schedule=schedule, prediction_type=kind, **short)
    run = train(profile, 0, tmp_path / "run")
    with refused(BadValue, where="likelihood", what="num_train_timesteps", got=str(T)):
        likelihood(run, 1, "cpu")


def test_on_a_mac_the_processor_computes_it(run, monkeypatch):
    """MPS has no float64, which the sums are taken in."""
    monkeypatch.setattr(evaluation, "find_device", lambda device: torch.device("mps"))
    assert likelihood(run, 1, "auto", num_images=2) == likelihood(run, 1, "cpu", num_images=2)


def test_a_chain_to_pure_noise_is_left_one_step_early(tmp_path):
    flow = dataclasses.replace(
        SMOKE, schedule="flow", prediction_type="flow_prediction", num_steps=1
    )
    found = likelihood(train(flow, 0, tmp_path / "run"), 1, "cpu", num_images=2)
    assert 0 < found.flow < 50


# --- What is written -----------------------------------------------------------------------------


def test_a_report_holds_what_was_measured(run):
    reference, sets, paths = evaluate(run, 3, "cpu", TWO_STEPS)
    assert torch.equal(reference.features, REFERENCE.features)
    assert {path.parent for path in paths} == {run}
    assert [path.name for path in paths] == [
        "evaluation-seed-3-steps-2.json",
        "evaluation-seed-3-steps-2.png",
    ]
    report = json.loads(paths[0].read_text())
    assert report["images_per_set"] == 898 and report["seed"] == 3
    assert report["sampler"] == dataclasses.asdict(TWO_STEPS)
    assert report["classifier_sha256"] == CLASSIFIERS["digits"].sha256
    assert report["sets"] == json.loads(
        json.dumps({name: dataclasses.asdict(got) for name, got in sets.items()})
    )
    assert {name: got for name, got in sets.items() if name != "samples"} == BASELINES
    assert Image.open(paths[1]).size == (800, 450)


def test_the_runs_own_sampler_is_the_default(run):
    one = evaluate(run, 5, "cpu")
    for path in one.files:
        path.unlink()
    again = evaluate(Run.open(run), 5, "cpu", SMOKE.sampler)
    assert (again.sets, again.files) == (one.sets, one.files)


def test_a_report_is_never_overwritten(run):
    kept = run / "evaluation-seed-4.png"
    kept.write_text("kept")
    with refused(BadValue, got=f"{kept}, which exists"):
        evaluate(run, 4, "cpu")
    assert kept.read_text() == "kept" and not kept.with_suffix(".json").exists()


@pytest.mark.parametrize("full_at", [1, 2])
def test_a_full_disk_leaves_no_report_and_no_obstacle(run, monkeypatch, full_at):
    """Whichever of the two files it meets: the same command works when there is room again."""
    before, written = sorted(run.iterdir()), []

    def full(path, data):
        written.append(path)
        if len(written) == full_at:
            raise BadValue(str(path), "file", "No space left on device", "room", "make room")
        path.write_bytes(data)

    with monkeypatch.context() as patch:
        patch.setattr(evaluation, "write_file", full)
        with refused(BadValue, got="No space left"):
            evaluate(run, 6, "cpu", TWO_STEPS)
    assert len(written) == full_at and sorted(run.iterdir()) == before
    for path in evaluate(run, 6, "cpu", TWO_STEPS).files:
        path.unlink()


def test_the_table_has_a_line_for_each_set_and_its_own_unit():
    *lines, floor = format_table(
        REFERENCE, {"samples": BASELINES["memoriser"], **BASELINES}
    ).splitlines()
    assert len(lines) == 2 + len(BASELINES) + 1 and len({len(line) for line in lines}) == 1
    assert f"{REAL.frechet:.3f}" in floor and "20 re-splits" in floor and "898 images" in floor
    held_out = next(line for line in lines if line.startswith("held out"))
    assert held_out.split()[2:6:3] == ["1.00", "9.7%"] and held_out.endswith("1.00")
    summary = format_summary({"samples": REAL, **BASELINES})
    assert summary.startswith("1.0 floors from held-out images, 100%")


# --- What cannot be measured ---------------------------------------------------------------------


def with_profile(run, folder, **fields):
    """The folder of a run that says it was trained with other fields."""
    folder.mkdir()
    config = json.loads((run / "config.json").read_text())
    config["profile"] |= fields
    (folder / "config.json").write_text(json.dumps(config))
    return folder


@pytest.mark.parametrize(
    "fields, advised",
    [
        ({"data": "digits", "image_size": 16}, True),
        ({"data": "glyphs28", "image_size": 32}, True),
        ({"data": "folder", "data_dir": "x", "image_size": 8}, False),
        ({"data": "mnist", "data_dir": "x"}, False),
        ({"data": "cifar10", "data_dir": "x", "image_size": 16}, False),
    ],
)
def test_advice_is_what_the_data_can_follow(run, tmp_path, fields, advised):
    """Only data with a classifier at its own size is told to do without image_size."""
    other = with_profile(run, tmp_path / "run", **fields)
    assert not has_classifier(Run.open(other).profile)
    fits = dict(got=fields["data"], expected="digits of 8 pixels", fix="train_classifier")
    with refused(BadValue, **fits) as caught:
        evaluate(other)
    assert ("train without image_size" in caught.value.fix) == advised
    assert [path.name for path in other.iterdir()] == ["config.json"]


def test_an_option_that_is_no_sampler_is_refused(run):
    """A label would measure one class against all ten."""
    with pytest.raises(TypeError):
        evaluate(run, 1, "cpu", label=7)


@pytest.mark.parametrize("strange", [None, 3, b"run", SMOKE])
def test_what_is_no_run_is_refused(strange):
    for call in (evaluate, likelihood):
        with refused(BadInput, where=call.__name__, what="run"):
            call(strange)


def test_a_network_of_one_class_is_not_measured_against_all(run, tmp_path):
    """An exported class comes back as a run that does not say what it has learnt."""
    folder = export_run(run, tmp_path / "seven", label=7)
    back = import_run(folder, tmp_path / "back", SMOKE)
    before = sorted(back.iterdir())
    for call in (evaluate, likelihood):
        with refused(BadValue, where=call.__name__, got="imported run"):
            call(back)
    assert sorted(back.iterdir()) == before


# --- Whole runs ----------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_run_on_glyphs_is_measured(tmp_path):
    profile = dataclasses.replace(SMOKE, data="glyphs28", num_classes=36, num_steps=2)
    run = train(profile, 0, tmp_path / "run")
    reference, sets, files = evaluate(run, device="cpu", sampler=TWO_STEPS)
    assert len(reference.held_out) == 900 and len(reference.classes) == 36
    assert len(reference.floors["frechet"]) == 20
    floors = {name: found.frechet / sets["held out"].frechet for name, found in sets.items()}
    assert 0.8 < floors["memoriser"] < 1.3 < floors["classes by chance"] < 20 < floors["samples"]
    assert min(sets["two classes missing"].classes) == 0 and all(path.exists() for path in files)


@pytest.mark.slow
def test_the_laptop_profile_reaches_what_the_course_promises(tmp_path):
    run = train(load_profile("laptop"), 5, tmp_path / "run")
    got = evaluate(run, 5, "cpu").sets["samples"]
    assert got.frechet < 2 * REAL.frechet and got.confident > 0.85 * REAL.confident
    assert 0.05 < min(got.classes) and max(got.classes) < 0.15
    assert got.nearest >= REAL.nearest
