"""Guidance: its ends, its one rule for every prediction, clipping, and runs that can be guided."""

import dataclasses

import pytest
import torch
from refusals import refused
from tiny import TINY

from ddpm_course.checks import BadValue
from ddpm_course.guidance import guided
from ddpm_course.mixture import GaussianMixture, exact_denoiser
from ddpm_course.prediction import PREDICTION_TYPES, Denoiser
from ddpm_course.runs.diffusers import export_run
from ddpm_course.runs.drawing import write_samples
from ddpm_course.runs.run import Run
from ddpm_course.runs.training import train
from ddpm_course.sampling import Sampler
from ddpm_course.schedule import linear_schedule

SCHEDULE = linear_schedule(1000)
EVERY = GaussianMixture.from_covariances([1.0], [[0.0, 0.0]], [[[1.0, 0.3], [0.3, 1.0]]])
CLASS = GaussianMixture.from_covariances([1.0], [[1.0, -1.0]], [[[0.25, 0.0], [0.0, 0.1]]])
X = torch.linspace(-1, 1, 8, dtype=torch.float64).view(4, 2)
T = torch.tensor([1, 200, 500, 900])


def both(kind="epsilon"):
    told, untold = (exact_denoiser(world, SCHEDULE, kind) for world in (CLASS, EVERY))
    return Denoiser(SCHEDULE, told.model, kind, untold.model)


@pytest.mark.parametrize("kind", PREDICTION_TYPES)
@pytest.mark.parametrize("rescale", [0.0, 0.7])
def test_every_prediction_is_guided_to_the_same_image(kind, rescale):
    expected = guided(both("sample"), 3, rescale=rescale).x0(X, T)
    found = guided(both(kind), 3, rescale=rescale).x0(X, T)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-9)


def test_the_rule_and_its_ends():
    denoiser = both()
    told, untold = denoiser.model(X, T), denoiser.unconditional(X, T)
    for scale, expected in ((0, untold), (1, told), (3, untold + 3 * (told - untold))):
        torch.testing.assert_close(guided(denoiser, scale).model(X, T), expected)


def test_full_rescaling_gives_the_spread_of_the_model():
    denoiser = both("sample")
    found = guided(denoiser, 4, rescale=1.0).model(X, T).std(1)
    torch.testing.assert_close(found, denoiser.model(X, T).std(1))


def test_an_image_without_spread_is_not_rescaled():
    """Of one number, or of one value in all places."""
    for x in (torch.tensor([[0.5], [-0.2]]), torch.full((2, 4), 0.5)):
        flat = Denoiser(SCHEDULE, lambda x, t: x / 2, "sample", lambda x, t: x / 4)
        plain, found = (guided(flat, 2, rescale=share).x0(x, T[:2]) for share in (0.0, 0.5))
        torch.testing.assert_close(found, plain)


def test_an_interval_guides_inside_alone():
    found, denoiser = guided(both(), 3, interval=(200, 500)).model(X, T), both()
    whole, told = guided(denoiser, 3).model(X, T), denoiser.model(X, T)
    assert torch.equal(found[1:3], whole[1:3]) and torch.equal(found[::3], told[::3])


def test_two_calls_a_step_and_one_without_guidance():
    calls = []

    def model(name):
        return lambda x, t: (calls.append(name), 0 * x)[1]

    denoiser = Denoiser(SCHEDULE, model("told"), unconditional=model("untold"))
    Sampler(5).sample(denoiser, (2, 3))
    assert calls == ["told"] * 5
    Sampler(5, guidance_scale=2).sample(denoiser, (2, 3))
    assert sorted(calls[5:]) == ["told"] * 5 + ["untold"] * 5


def test_clipping_comes_after_combining():
    denoiser = Denoiser(SCHEDULE, lambda x, t: 0 * x + 1.5, "sample", lambda x, t: 0 * x + 1.4)
    x = Sampler(1, clip_sample=True, guidance_scale=8).sample(denoiser, (1, 1))
    assert x.item() == 1
    denoiser = Denoiser(SCHEDULE, lambda x, t: 0 * x + 1.5, "sample", lambda x, t: 0 * x + 2.0)
    x = Sampler(1, clip_sample=True, guidance_scale=3).sample(denoiser, (1, 1))
    assert x.item() == pytest.approx(0.5)


def test_inversion_is_guided_too():
    sampler = Sampler(1000, guidance_scale=2)
    back = sampler.sample(both(), X.shape, x_T=sampler.invert(both(), X))
    torch.testing.assert_close(back, X, rtol=0, atol=0.05)


def test_without_an_unconditional_part_it_is_refused():
    alone = exact_denoiser(CLASS, SCHEDULE)
    with refused(BadValue, where="guided", what="denoiser.unconditional"):
        Sampler(5, guidance_scale=2).sample(alone, (1, 2))
    with refused(BadValue, where="guided", what="interval"):
        guided(both(), 2, interval=(1, 2, 3))
    with refused(BadValue, where="Sampler", what="guidance_scale"):
        Sampler(5, guidance_scale=-1)


def test_a_profile_that_cannot_be_guided_is_refused():
    with refused(BadValue, what="guidance_scale", where="Profile"):
        dataclasses.replace(TINY, guidance_scale=2.0, label_dropout=0.0)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    profile = dataclasses.replace(TINY, label_dropout=0.2, guidance_scale=2.0)
    return Run.open(train(profile, 0, tmp_path_factory.mktemp("guided") / "run"))


def test_a_run_is_guided(run, tmp_path):
    assert run.profile.sampler.guidance_scale == 2
    other = dataclasses.replace(run.profile.sampler, guidance_scale=1.0)
    path, images = write_samples(run, 2, 1, label=3, sampler=other)
    assert path.name == "samples-2-seed-1-label-3-guidance_scale-1.0.png"
    x, t = torch.zeros(2, *run.image_shape), torch.tensor([4, 4])
    denoiser = run.denoiser("cpu", torch.tensor([3, 3]))
    assert torch.equal(
        denoiser.unconditional(x, t), run.network("cpu")(x, t, torch.tensor([-1, -1]))
    )


def test_an_exported_run_says_that_it_is_not_guided(run, tmp_path):
    for label in (None, 3):
        folder = export_run(run.folder, tmp_path / f"label {label}", label)
        assert "guidance_scale 2" in (folder / "README.md").read_text(encoding="utf-8")
