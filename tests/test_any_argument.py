"""Whatever a public function is given: an answer, or an error that is clear.

Asked are the functions of the derivation, and those of data, profiles and measures.

Each argument in turn is replaced by each of a list of strange values, the others stay as they
should be. What is raised is `BadInput` with all its fields, and nothing else.
"""

import inspect
import math
import re
import warnings
from collections import Counter
from collections.abc import Callable
from functools import wraps

import numpy as np
import pytest
import torch

from ddpm_course import (
    data,
    flow_matching,
    forward,
    guidance,
    mixture,
    objective,
    posterior,
    prediction,
    probability_flow,
    sampling,
    schedule,
    unet,
)
from ddpm_course.checks import BadInput
from ddpm_course.flow_matching import NoiseLevel
from ddpm_course.mixture import GaussianMixture
from ddpm_course.prediction import Denoiser
from ddpm_course.runs import (
    checkpoint,
    drawing,
    evaluation,
    measures,
    processes,
    profiles,
    training,
)
from ddpm_course.runs.run import Run
from ddpm_course.sampling import Sampler
from ddpm_course.schedule import NoiseSchedule, cosine_schedule
from ddpm_course.unet import UNet

MODULES = (
    *(schedule, forward, posterior, objective, prediction, mixture, probability_flow, guidance),
    *(sampling, unet, flow_matching),
)
CHAIN = cosine_schedule(8)
X = torch.linspace(-1, 1, 2 * 3 * 4 * 4).view(2, 3, 4, 4)
T, S = torch.tensor([8, 3]), torch.tensor([5, 0])
GREY = torch.tensor([[-1.0, 1.0], [1.0, -1.0]])
WORLD = GaussianMixture.from_covariances([1.0], [[0.0, 1.0]], [[[1.0, 0.0], [0.0, 0.5]]])
DENOISER = Denoiser(CHAIN, lambda x, t: 0.5 * x)
BOTH = Denoiser(CHAIN, DENOISER.model, unconditional=lambda x, t: 0.4 * x)
NETWORK = UNet(3, 8, (1, 1), 1, (), num_classes=2).eval()


class Unwritable:
    def __repr__(self):
        raise RuntimeError("no words")


STRANGE = [
    *(None, True, False, 0, 1, -1, 2, 2**31, 2**63, 2**64, 10**400, 0.5, -0.5, 1e308),
    *(math.nan, math.inf, 1j, "", "epsilon", "no", b"a", (), [], [0], [[1.0], [2.0, 3.0]], {}),
    *({"a": 1}, object(), Unwritable(), print, lambda: None, Ellipsis, range(3)),
    *(np.float32(0.5), np.int64(3), np.array([1.0, 2.0]), np.array([1, 2]), np.array("a")),
    *(np.array(3), np.bool_(True), torch.float32, torch.device("cpu"), torch.Generator()),
    *(torch.tensor(1.0), torch.tensor([]), X, X[:1], X.half(), X.double(), X.byte(), X.to("meta")),
    *(X.to_sparse(), X * math.nan, X.to(torch.complex64), T, T[:1], T.double(), T.to("meta")),
    *(T.to_sparse(), torch.tensor([2**62, 1]), torch.tensor([True, False]), torch.zeros(2, 2)),
    torch.quantize_per_tensor(X, 0.1, 0, torch.quint8),
    torch.nested.nested_tensor([torch.zeros(2), torch.zeros(3)]),
    *(CHAIN, WORLD, DENOISER, Sampler(2), NoiseSchedule, Denoiser),
]

state = dict(schedule=CHAIN, x_t=X, t=T, output=X, prediction_type="epsilon")
drawn = dict(noise=X, generator=None)
how = dict(variance_type="fixed_small", clip_sample=False)
seen = dict(mixture=WORLD, schedule=CHAIN, x_t=torch.zeros(2, 2), t=T)
walked = dict(shape=(2, 3), generator=None, device=torch.device("cpu"))
CALLS: dict[Callable, dict] = {
    NoiseSchedule: vars(CHAIN),
    NoiseSchedule.from_betas: dict(betas=[0.1, 0.2]),
    CHAIN.to: dict(device="cpu"),
    schedule.linear_schedule: dict(
        num_train_timesteps=40, beta_start=1e-4, beta_end=0.02, rescale=True
    ),
    schedule.flow_schedule: dict(num_train_timesteps=20),
    schedule.cosine_schedule: dict(num_train_timesteps=20, s=0.008, max_beta=0.999),
    schedule.sigmoid_schedule: dict(
        num_train_timesteps=20, start=-3, end=3, tau=1.0, clip_min=1e-9
    ),
    schedule.rescale_zero_terminal_snr: dict(schedule=CHAIN),
    schedule.make_schedule: dict(name="cosine", num_train_timesteps=20, s=0.01),
    schedule.extract: dict(table=CHAIN.betas, t=T, x=X, first=1),
    forward.q_mean_variance: dict(schedule=CHAIN, x0=X, t=T),
    forward.q_sample: dict(schedule=CHAIN, x0=X, t=T, **drawn),
    forward.snr: dict(schedule=CHAIN),
    posterior.posterior_variance: dict(schedule=CHAIN),
    posterior.posterior_mean_coef1: dict(schedule=CHAIN),
    posterior.posterior_mean_coef2: dict(schedule=CHAIN),
    posterior.q_posterior_mean_variance: dict(schedule=CHAIN, x0=X, x_t=X, t=T),
    objective.normal_kl: dict(mean1=X, variance1=0.5, mean2=X, variance2=1.0),
    objective.reverse_variance: dict(schedule=CHAIN, variance_type="fixed_large"),
    objective.bound_weights: dict(schedule=CHAIN, variance_type="fixed_large"),
    objective.min_snr_weights: dict(schedule=CHAIN, gamma=5.0),
    objective.prior_kl: dict(schedule=CHAIN, x0=X),
    objective.discretized_log_likelihood: dict(x=GREY, mean=GREY, variance=0.1, levels=2),
    objective.bits_per_dim: dict(nats=torch.tensor(3.0), dims=4),
    objective.variational_bound: dict(
        schedule=CHAIN,
        x0=GREY,
        predict_x0=lambda x, t: x,
        levels=2,
        variance_type="fixed_small",
        generator=None,
    ),
    flow_matching.convert_prediction: {**state, "to": "sample"},
    NoiseLevel: dict(sigma=torch.ones(2)),
    NoiseLevel.of_schedule: dict(schedule=CHAIN),
    NoiseLevel.from_alphas_cumprod: dict(value=0.5),
    NoiseLevel.from_log_snr: dict(value=0.0),
    NoiseLevel.from_flow_time: dict(value=0.5),
    prediction.predict_x0: state,
    prediction.predict_epsilon: state,
    prediction.training_target: dict(
        schedule=CHAIN, x0=X, t=T, noise=X, prediction_type="v_prediction"
    ),
    Denoiser: dict(schedule=CHAIN, model=print, prediction_type="sample", unconditional=print),
    DENOISER.x0: dict(x=X, t=T),
    DENOISER.noise: dict(x=X, t=T),
    prediction.loss_weights: dict(
        schedule=CHAIN,
        prediction_type="epsilon",
        weighting="bound",
        variance_type="fixed_large",
    ),
    prediction.training_loss: dict(denoiser=DENOISER, x0=X, t=T, weighting="simple", **drawn),
    prediction.p_sample: {**state, **how, **drawn},
    prediction.p_sample_steps: dict(denoiser=DENOISER, **how, **walked),
    prediction.p_sample_loop: dict(denoiser=DENOISER, **how, **walked),
    GaussianMixture.from_covariances: dict(weights=[1.0], means=[[0.0]], covariances=[[[1.0]]]),
    GaussianMixture: vars(WORLD),
    WORLD.to: dict(device="cpu"),
    WORLD.sample: dict(num=2, generator=None),
    mixture.log_prob: seen,
    mixture.responsibilities: seen,
    mixture.score: seen,
    mixture.conditional_mean: {**seen, "prediction_type": "sample"},
    mixture.conditional_variance: {**seen, "prediction_type": "sample"},
    mixture.exact_denoiser: dict(mixture=WORLD, schedule=CHAIN, prediction_type="sample"),
    guidance.guided: dict(denoiser=BOTH, guidance_scale=2.0, rescale=0.5, interval=(1, 4)),
    sampling.ddim_step: {**state, "s": S, "eta": 0.5, **how, **drawn},
    Sampler: dict(steps=4, spacing="leading", eta=0.5, solver="ddim", guidance_scale=2.0, **how),
    probability_flow.ode_log_prob: dict(
        denoiser=DENOISER, x0=X, times=[1, 2], num_probes=1, generator=None
    ),
    Sampler(2).timesteps: dict(num_train_timesteps=8),
    Sampler(2, eta=1.0).walk: dict(denoiser=DENOISER, x_T=None, seeds=None, **walked),
    Sampler(2, eta=1.0).sample: dict(
        denoiser=DENOISER, shape=(2, 3), x_T=None, seeds=[1, 2], device=torch.device("cpu")
    ),
    Sampler(2).invert: dict(denoiser=DENOISER, x0=X),
    sampling.slerp: dict(a=X, b=X + 1, weight=0.5),
    unet.timestep_embedding: dict(t=T, dim=8),
    unet.num_groups: dict(model_channels=8),
    UNet: dict(
        in_channels=1,
        model_channels=4,
        channel_multipliers=(1, 2),
        num_blocks=1,
        attention_levels=(),
        dropout=0.1,
        num_classes=2,
        generator=None,
    ),
    NETWORK: dict(x=X, t=T, labels=torch.tensor([0, -1])),
}

PIXELS = torch.zeros(2, 1, 8, 8, dtype=torch.uint8)
IMAGES, LABELS = data.to_float(PIXELS), torch.tensor([0, 1])
SMOKE = profiles.load_profile("smoke")
DIGITS = measures.load_reference("digits")
LAPTOP = Run.open("laptop")


@wraps(data.random_stream)
def random_stream(seed, purpose, device):
    return data.random_stream(seed, purpose, device=device)


@wraps(measures.train_classifier)
def train_classifier(images, labels, seed):
    return measures.train_classifier(images, labels, seed, epochs=1)


ROOMS: dict[Callable, dict] = {
    data.ImageSet: dict(name="mine", pixels=PIXELS, labels=LABELS, classes=("a", "b"), levels=256),
    data.batch_order: dict(num_images=8, batch_size=2, seed=0, first=1),
    data.glyphs: dict(start=0, stop=2, size=8, colour=True, seed=0),
    data.grid_png: dict(images=IMAGES, columns=1),
    data.halves: dict(labels=torch.tensor([0, 1, 1, 0]), seed=0),
    data.image_grid: dict(images=IMAGES, columns=1),
    data.images.held_out_tenth: dict(labels=LABELS),
    random_stream: dict(seed=0, purpose="noise", device="cpu"),
    data.save_grid: dict(path="grid.png", images=IMAGES, columns=1),
    data.scaled: dict(pixels=PIXELS, levels=256),
    data.to_float: dict(pixels=PIXELS, levels=256),
    data.to_uint8: dict(images=IMAGES, levels=256),
    data.load_data: dict(name="digits", part="train", image_size=0),
    data.load_set: dict(
        name="digits", part="train", data_dir="", image_size=0, unreadable="stop", download=False
    ),
    profiles.Profile: vars(SMOKE),
    profiles.profile_names: dict(path=profiles.SETTINGS),
    profiles.profile_lines: dict(name="smoke", path=profiles.SETTINGS),
    profiles.load_profile: dict(name="smoke", path=profiles.SETTINGS, changes={"num_steps": "7"}),
    train_classifier: dict(images=DIGITS.train[:64], labels=DIGITS.train_labels[:64], seed=0),
    measures.load_classifier: dict(name="digits"),
    measures.load_reference: dict(name="digits", data_dir="", download=False),
    measures.frechet_distance: dict(first=torch.eye(3), second=torch.ones(3, 3)),
    measures.kernel_distance: dict(first=torch.eye(3), second=torch.ones(3, 3)),
    measures.nearest: dict(images=IMAGES, others=IMAGES),
    measures.quantize: dict(images=IMAGES, levels=17),
    measures.measure: dict(reference=DIGITS, images=DIGITS.held_out),
    measures.baselines: dict(reference=DIGITS),
    measures.bootstrap_ratio: dict(first=[1.0, 2, 1, 2, 1], second=[1.0, 1, 1, 1, 2]),
    evaluation.has_classifier: dict(profile=SMOKE),
    Run.open: dict(folder="laptop"),
    LAPTOP.network: dict(device="cpu"),
    LAPTOP.schedule: dict(device="cpu"),
    LAPTOP.denoiser: dict(device="cpu", labels=LABELS),
    processes.find_device: dict(name="cpu"),
    drawing.sample_images: dict(run=LAPTOP, num=1, seed=0, label=0, sampler=Sampler(1)),
    drawing.write_samples: dict(run=LAPTOP, num=1, seed=0, out="a.png", sampler=Sampler(1)),
}


def name(call: Callable) -> str:
    return getattr(call, "__qualname__", type(call).__name__)


def run(call: Callable, arguments: dict) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = call(**arguments)
        if inspect.isgenerator(result):
            for _ in result:
                pass


def check_any_argument(call: Callable, arguments: dict) -> None:
    """Nothing is raised but clear errors, and the docstring says so."""
    run(call, arguments)
    raw, refused = [], False
    for what in arguments:
        for number, value in enumerate(STRANGE):
            try:
                run(call, {**arguments, what: value})
            except BadInput as error:
                refused = True
                if not all(error.args):
                    raw.append(f"{what}: value {number}: a field is empty: {error.args}")
                if " at 0x" in str(error):
                    raw.append(f"{what}: value {number}: an address is in the message: {error}")
            except Exception as error:
                shown = "" if isinstance(value, Unwritable) else repr(value)[:40]
                raw.append(f"{what}: {shown}: {type(error).__name__}: {str(error)[:60]}")
    assert raw == []
    told = inspect.getdoc(call.forward if isinstance(call, UNet) else call) or ""
    assert re.search("Raises|[Ee]rrors", told) or not refused, "say what it raises"


@pytest.mark.parametrize("call", CALLS, ids=name)
def test_any_argument_works_or_is_refused(call):
    check_any_argument(call, CALLS[call])


SLOW = {drawing.sample_images, drawing.write_samples}


@pytest.mark.parametrize(
    "call",
    [pytest.param(call, marks=pytest.mark.slow) if call in SLOW else call for call in ROOMS],
    ids=name,
)
def test_any_argument_of_data_and_runs_works_or_is_refused(call, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # some strange values are names of files
    check_any_argument(call, ROOMS[call])


@pytest.mark.parametrize("value", [None, 3, [], b"laptop", Unwritable()], ids=type)
@pytest.mark.parametrize(
    "call",
    [
        lambda value: training.train(value, 0, "run"),
        lambda value: training.train(SMOKE, 0, value),
        training.resume,
        checkpoint.check_intact,
        checkpoint.read_checkpoint,
        checkpoint.newest_checkpoint,
        lambda value: checkpoint.save_checkpoint(value, 1, {}, {}),
    ],
)
def test_what_is_no_profile_and_no_path_is_refused(call, value):
    with pytest.raises(BadInput):
        call(value)


def test_no_public_function_is_left_out():
    """Layers of the network are parts of it, and have no checks of their own."""
    layers = {kind for kind in vars(unet).values() if isinstance(kind, type)} - {UNet}
    for module in MODULES:
        functions = [getattr(module, each) for each in module.__all__]
        functions = {each for each in functions if callable(each)} - layers - {unet.group_norm}
        assert functions <= CALLS.keys(), module.__name__


def test_no_function_of_data_profiles_and_measures_is_left_out():
    tried = {inspect.unwrap(call) for call in ROOMS}
    bare = {data.digits, measures.classifier_path, profiles.check_hyperparameters}  # no checks
    for module in (data, profiles, measures):
        functions = {
            inspect.unwrap(each)
            for each in vars(module).values()
            if inspect.isfunction(each)
            and each.__module__.startswith(module.__name__)
            and not each.__name__.startswith("_")
        }
        assert len(functions) > 2 and functions <= tried | bare, module.__name__


TABLES = {
    "snr": lambda: forward.snr(CHAIN),
    "posterior_variance": lambda: posterior.posterior_variance(CHAIN),
    "posterior_mean_coef1": lambda: posterior.posterior_mean_coef1(CHAIN),
    "posterior_mean_coef2": lambda: posterior.posterior_mean_coef2(CHAIN),
    "reverse_variance": lambda: objective.reverse_variance(CHAIN, "fixed_large"),
    "bound_weights": lambda: objective.bound_weights(CHAIN, "fixed_large"),
    "min_snr_weights": lambda: objective.min_snr_weights(CHAIN),
    "loss_weights": lambda: prediction.loss_weights(CHAIN, "epsilon", "bound"),
    "entries": lambda: schedule.extract(CHAIN.betas, T, X),
    "another schedule": lambda: NoiseSchedule.from_betas(CHAIN.betas[1:]).betas,
}


@pytest.mark.parametrize("name", TABLES)
def test_a_table_that_is_written_to_changes_nothing_else(name):
    def loss():
        return prediction.training_loss(DENOISER, X, T, X, "bound")

    before, wanted = loss(), TABLES[name]().clone()
    TABLES[name]()[:] = 7
    assert torch.equal(loss(), before)
    assert torch.equal(TABLES[name]().nan_to_num(), wanted.nan_to_num())


DOUBLE = X.double()


@pytest.mark.parametrize(
    "call, other",
    [
        (forward.q_sample, dict(noise=DOUBLE)),
        (posterior.q_posterior_mean_variance, dict(x0=DOUBLE)),
        (objective.discretized_log_likelihood, dict(mean=GREY.double())),
        (objective.discretized_log_likelihood, dict(variance=torch.ones(2, 1).double())),
        (objective.variational_bound, dict(predict_x0=lambda x, t: x.double())),
        (flow_matching.convert_prediction, dict(output=DOUBLE)),
        (prediction.predict_x0, dict(output=DOUBLE)),
        (prediction.predict_epsilon, dict(output=DOUBLE)),
        (prediction.training_target, dict(noise=DOUBLE)),
        (prediction.training_loss, dict(noise=DOUBLE)),
        (prediction.p_sample, dict(noise=DOUBLE)),
        (prediction.p_sample, dict(output=DOUBLE)),
        (sampling.ddim_step, dict(noise=DOUBLE)),
        (sampling.ddim_step, dict(output=DOUBLE)),
        (sampling.slerp, dict(b=DOUBLE)),
    ],
    ids=lambda value: name(value) if callable(value) else ", ".join(value),
)
def test_what_has_another_precision_leaves_that_of_the_state(call, other):
    result = call(**{**CALLS[call], **other})
    for each in result if isinstance(result, tuple) else [result]:
        assert each.dtype == torch.float32


@pytest.fixture
def checks(monkeypatch) -> list[tuple]:
    """Each check that is made: its name, what it asks about, and the value."""
    made = []

    def noted(check: Callable) -> Callable:
        def wrapper(where, *values, **named):
            subject = values[:2] if values and isinstance(values[0], str) else values[:1]
            made.append((check.__name__, *subject, *named.values()))
            return check(where, *values, **named)

        return wrapper

    for module in MODULES:
        for check in [each for each in vars(module) if each.startswith("check_")]:
            monkeypatch.setattr(module, check, noted(getattr(module, check)))
    return made


AGAIN = {
    UNet: {"model_channels"},  # `num_groups`, which is public, asks as well
    guidance.guided: {"schedule", "prediction_type"},  # of the two denoisers that it makes
}


@pytest.mark.parametrize("call", CALLS, ids=name)
def test_no_argument_is_checked_twice(call, checks):
    run(call, CALLS[call])
    told = Counter((check, *map(id, subject)) for check, *subject in checks)
    twice = {each[1] for each in checks if told[each[0], *map(id, each[1:])] > 1}
    assert twice == AGAIN.get(call, set())


def half(x, t):
    return 0.5 * x


@pytest.mark.parametrize(
    "walk",
    [
        lambda chain: prediction.p_sample_loop(Denoiser(chain, half), (2, 3)),
        lambda chain: Sampler(len(chain.betas) - 1, eta=1.0).sample(Denoiser(chain, half), (2, 3)),
        lambda chain: objective.variational_bound(chain, GREY, half, 2),
    ],
    ids=["p_sample_loop", "Sampler.sample", "variational_bound"],
)
def test_a_step_checks_nothing_but_what_the_model_says(walk, checks):
    chains, asked = [cosine_schedule(4), cosine_schedule(8)], []
    for chain in chains:
        checks.clear()
        walk(chain)
        asked.append(Counter(what for _, what, *_ in checks))
    ((what, count),) = (asked[1] - asked[0]).items()
    assert what in ("the output of model", "the output of predict_x0") and count == 4
