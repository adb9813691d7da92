"""What people pass: each works, or is met with an error that says what, where, got, expected, fix.

The table of nbs/bad_inputs.py has one row for each kind of input, and chapter 92 shows it. Here it
is gone through; below it are the other functions and arguments that check the same things.
"""

import math
import re
from collections.abc import Callable
from typing import NamedTuple

import nbformat
import numpy as np
import pytest
import torch
from bad_inputs import PARTS, TESTED, cells, outcome
from notebooks import NBS, ROOT
from refusals import refused

from ddpm_course.checks import BadType, BadValue, check_images, check_seed
from ddpm_course.forward import q_mean_variance, q_sample
from ddpm_course.objective import (
    bits_per_dim,
    bound_weights,
    discretized_log_likelihood,
    min_snr_weights,
    prior_kl,
    variational_bound,
)
from ddpm_course.posterior import q_posterior_mean_variance
from ddpm_course.prediction import (
    Denoiser,
    loss_weights,
    p_sample,
    p_sample_loop,
    predict_epsilon,
    predict_x0,
    training_loss,
    training_target,
)
from ddpm_course.schedule import (
    NoiseSchedule,
    cosine_schedule,
    extract,
    linear_schedule,
    make_schedule,
    rescale_zero_terminal_snr,
    sigmoid_schedule,
)

# --- The table that chapter 92 shows -------------------------------------------------------------

SHOWN = [row for rows in PARTS.values() for row in rows]
# What must be in it: what was seen in issue trackers, or tried on a widely used library.
WANTED = {
    "Tensors": "a uint8 image · floats in 0..255 · [0, 1] for [-1, 1] · channels last · "
    "no batch axis · noise that broadcasts · a prediction that broadcasts · NaN · Inf · "
    "an empty batch · float64 · image and t on different devices · "
    "a model that returns 2C channels",
    "Timesteps": "step 0 · a negative step · a step above T · floats · a mask · "
    "one step for a batch of two · a Python int · a step between any two times",
    "Schedules and samplers": "0 steps · negative steps · more steps than T · 12.5 steps · steps that do not divide T · "
    "eta below 0 · eta above 1 · eta NaN · beta 0 · beta 1 · beta NaN · beta infinite · "
    "T of 0 · a misspelt prediction type · a misspelt schedule · seed -1 · seed 2^64 · seed 0.5",
    "Data": "a folder that is missing · an empty folder · fewer images than a batch · "
    "grey images for a network of colours · coloured images for a network of grey · "
    "an alpha channel · a palette · 16 bits · a truncated PNG · a truncated JPEG · "
    "a web page saved as an image · images that are not square · "
    "a side that the network cannot halve",
    "Runs": "a loss that is not finite · NaN after a good checkpoint, which is kept · "
    "a truncated checkpoint · an empty checkpoint · a checkpoint with one bit flipped · "
    "a web page saved as a checkpoint · a checkpoint of another architecture · "
    "a checkpoint of another schedule · a checkpoint of another prediction type · "
    "names that begin with module. · names that begin with _orig_mod. · "
    "a name that is taken · a folder that may not be written · a disk that is full · "
    "CUDA, and there is none · settings with an unknown key · "
    "settings with a value of the wrong type · settings without the profile · Ctrl-C · "
    "SIGTERM · kill -9 while a step is under way · kill -9 while a checkpoint is saved",
}


SENTENCE = re.compile(r".+: got .+, expected .+\. To fix it: .+\.", re.DOTALL)


@pytest.mark.parametrize("row", SHOWN, ids=lambda row: row.given)
def test_it_works_or_is_refused_with_a_clear_error(row):
    happened, *warned = outcome(row).split("\n")
    if row.words.startswith(("works: ", "ddpm-course: stopped")):
        assert "\n".join([happened, *warned]).startswith(row.words)
        assert bool(warned) == ("warns: " in row.words)
    else:
        assert SENTENCE.fullmatch(happened) and row.words in happened


def test_the_table_holds_what_is_wanted():
    for part, wanted in WANTED.items():
        given = {row.given for row in PARTS[part]} | (TESTED.keys() if part == "Runs" else set())
        assert set(wanted.split(" · ")) - given == set()
    assert len({row.given for row in SHOWN}) == len(SHOWN)


def test_the_chapter_shows_the_table():
    notebook = nbformat.read(NBS / "92_bad_inputs.ipynb", as_version=4)
    page = "\n".join(
        output.data.get("text/markdown", "")
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if "data" in output
    )
    assert [row.given for row in SHOWN if cells(row) not in page] == []
    assert [test for test in TESTED.values() if test not in page] == []


@pytest.mark.parametrize("test", TESTED.values())
def test_a_named_test_exists(test):
    file, name = test.split("::")
    assert re.search(rf"^def {name}\(", (ROOT / "tests" / file).read_text(encoding="utf-8"), re.M)


# --- Other functions and arguments ---------------------------------------------------------------


class Row(NamedTuple):
    name: str
    call: Callable[[], object]
    error: type[Exception]
    fields: dict[str, str]


SCHEDULE = linear_schedule(1000)
X = torch.zeros(2, 3, 8, 8)
T = torch.tensor([1, 1000])
NAN, INF = math.nan, math.inf

# --- Tensors -------------------------------------------------------------------------------------

NOT_A_BATCH = {
    "uint8 image": (X.byte(), BadType, dict(got="uint8")),
    "float16 image": (X.half(), BadType, dict(fix="x.float()")),
    "numpy array": (X.numpy(), BadType, dict(fix="torch.as_tensor")),
    "empty batch": (X[:0], BadValue, dict(got="[0, 3, 8, 8]")),
    "no axis at all": (X[0, 0, 0, 0], BadValue, dict(fix="x[None]")),
}
OTHER_SHAPES = {
    "one for the batch": (X[:1], BadValue, dict(fix="nothing is broadcast")),
    "one for all channels": (X[:, :1], BadValue, dict(fix="nothing is broadcast")),
    "a number": (1.0, BadType, dict(got="float")),
    "whole numbers": (X.long(), BadType, dict(got="int64")),
    "2C channels": (X.repeat(1, 2, 1, 1), BadValue, dict(fix="keep the first C")),
    "on another device": (X.to("meta"), BadValue, dict(fix=".to(x")),
}
TENSORS = [
    *(
        Row(f"q_mean_variance: {name}", lambda x=x: q_mean_variance(SCHEDULE, x, T), error, fields)
        for name, (x, error, fields) in NOT_A_BATCH.items()
    ),
    *(
        Row(
            f"q_posterior_mean_variance: {name}",
            lambda x=x: q_posterior_mean_variance(SCHEDULE, x, x, T),
            error,
            fields,
        )
        for name, (x, error, fields) in NOT_A_BATCH.items()
    ),
    *(
        Row(
            f"q_posterior_mean_variance: x0, {name}",
            lambda y=y: q_posterior_mean_variance(SCHEDULE, y, X, T),
            error,
            fields,
        )
        for name, (y, error, fields) in OTHER_SHAPES.items()
    ),
    Row(
        "q_sample: a seed as generator",
        lambda: q_sample(SCHEDULE, X, T, generator=0),
        BadType,
        dict(expected="torch.Generator"),
    ),
]

IMAGES = [
    Row(f"check_images: {name}", lambda x=x: check_images("here", "images", x), error, fields)
    for name, x, error, fields in [
        ("uint8", X.byte(), BadType, dict(fix="to_float")),
        ("-2..2", torch.linspace(-2, 2, 192).view(1, 3, 8, 8), BadValue, dict(fix="scale")),
        ("empty", X[:0], BadValue, dict(expected="at least 1")),
    ]
]

# --- Timesteps -----------------------------------------------------------------------------------

NOT_STEPS = {
    "0": (torch.tensor([0, 1]), BadValue, dict(fix="count steps from 1")),
    "negative": (torch.tensor([1, -1]), BadValue, dict(got="-1..1")),
    "above T": (torch.tensor([1, 1001]), BadValue, dict(got="1..1001")),
    "float": (torch.tensor([1.0, 2.0]), BadType, dict(fix="t.long()")),
    "bool": (torch.tensor([True, False]), BadType, dict(got="bool")),
    "one for a batch of two": (torch.tensor([1]), BadValue, dict(fix="t.expand(B)")),
    "two axes": (T[:, None], BadValue, dict(got="[2, 1]")),
    "a Python int": (1, BadType, dict(fix="torch.full")),
}
TIMESTEPS = [
    Row(f"{function}: t, {name}", lambda call=call, t=t: call(t), error, fields)
    for function, call in {
        "extract": lambda t: extract(SCHEDULE.betas, t, X),
        "q_mean_variance": lambda t: q_mean_variance(SCHEDULE, X, t),
        "q_posterior_mean_variance": lambda t: q_posterior_mean_variance(SCHEDULE, X, X, t),
    }.items()
    for name, (t, error, fields) in NOT_STEPS.items()
]

# --- Schedules -----------------------------------------------------------------------------------

NOT_A_NUMBER_OF_STEPS = [
    (0, BadValue, dict(expected="1 to 1000000")),
    (-5, BadValue, dict(got="-5")),
    (12.5, BadType, dict(got="12.5")),
    (True, BadType, dict(got="bool")),
    ("10", BadType, dict(got="str")),
]
NOT_BETAS = {
    "beta below 0": ([-0.1, 0.1], BadValue, dict(what="beta at t = 1")),
    "beta inf": ([INF, 0.1], BadValue, dict(got="inf")),
    "two axes": ([[0.1, 0.2]], BadValue, dict(fix="one axis")),
    "a number": (0.1, BadValue, dict(fix="one axis")),
    "words": (["a"], BadType, dict(fix="a list")),
    "nothing": (None, BadType, dict(got="None")),
}
SCHEDULES = [
    *(
        Row(
            f"{function.__name__}: {steps!r} steps", lambda f=function, n=steps: f(n), error, fields
        )
        for function in (cosine_schedule, sigmoid_schedule)
        for steps, error, fields in NOT_A_NUMBER_OF_STEPS
    ),
    *(
        Row(f"from_betas: {name}", lambda b=betas: NoiseSchedule.from_betas(b), error, fields)
        for name, (betas, error, fields) in NOT_BETAS.items()
    ),
    Row(
        "linear: beta_start 0",
        lambda: linear_schedule(beta_start=0),
        BadValue,
        dict(what="beta_start"),
    ),
    Row(
        "linear: beta_end 1", lambda: linear_schedule(beta_end=1), BadValue, dict(expected="(0, 1)")
    ),
    Row("linear: beta_end NaN", lambda: linear_schedule(beta_end=NAN), BadValue, dict(got="nan")),
    Row(
        "linear: beta_end as text",
        lambda: linear_schedule(beta_end="0.02"),
        BadType,
        dict(got="str"),
    ),
    Row("cosine: s below 0", lambda: cosine_schedule(s=-0.1), BadValue, dict(what="s", got="-0.1")),
    Row("cosine: max_beta 1", lambda: cosine_schedule(max_beta=1), BadValue, dict(what="max_beta")),
    Row("sigmoid: tau 0", lambda: sigmoid_schedule(tau=0), BadValue, dict(what="tau")),
    Row(
        "sigmoid: end at start",
        lambda: sigmoid_schedule(start=1, end=1),
        BadValue,
        dict(what="end", got="1"),
    ),
    Row("sigmoid: start NaN", lambda: sigmoid_schedule(start=NAN), BadValue, dict(got="nan")),
    Row(
        "sigmoid: clip_min 0", lambda: sigmoid_schedule(clip_min=0), BadValue, dict(what="clip_min")
    ),
    Row(
        "sigmoid: too steep",
        lambda: sigmoid_schedule(tau=0.01),
        BadValue,
        dict(what="beta at t = 1"),
    ),
    Row(
        "linear: an end above 1",
        lambda: linear_schedule(10, 0.1, 1.5),
        BadValue,
        dict(what="beta_end"),
    ),
    Row(
        "sigmoid: start below its range",
        lambda: sigmoid_schedule(10, -1000.5),
        BadValue,
        dict(what="start"),
    ),
    Row(
        "sigmoid: tau above its range",
        lambda: sigmoid_schedule(10, tau=1000.5),
        BadValue,
        dict(what="tau"),
    ),
    Row(
        "make_schedule: unknown",
        lambda: make_schedule("spline", 10),
        BadValue,
        dict(expected="'sigmoid'"),
    ),
    Row("make_schedule: no name", lambda: make_schedule(None, 10), BadValue, dict(got="None")),
    Row(
        "zero terminal SNR: one step",
        lambda: rescale_zero_terminal_snr(cosine_schedule(1)),
        BadValue,
        dict(expected="2 to 1000000"),
    ),
    *(
        Row(f"seed {seed!r}", lambda s=seed: check_seed("here", s), error, fields)
        for seed, error, fields in [
            (True, BadType, dict(got="bool")),
            ("1", BadType, dict(got="str")),
        ]
    ),
]

# --- Objective -----------------------------------------------------------------------------------

GREY = torch.linspace(-1, 1, 17)[:, None]


def decoder(x=GREY, mean=GREY, levels=17):
    return discretized_log_likelihood(x, mean, 0.01, levels)


OBJECTIVE = [
    *(
        Row(f"prior_kl: {name}", lambda x=x: prior_kl(SCHEDULE, x), error, fields)
        for name, (x, error, fields) in NOT_A_BATCH.items()
    ),
    Row(
        "bound_weights: misspelt",
        lambda: bound_weights(SCHEDULE, "fixed_smal"),
        BadValue,
        dict(fix="write 'fixed_small'"),
    ),
    Row("min_snr: gamma 0", lambda: min_snr_weights(SCHEDULE, 0), BadValue, dict(what="gamma")),
    Row("min_snr: gamma NaN", lambda: min_snr_weights(SCHEDULE, NAN), BadValue, dict(got="nan")),
    Row("min_snr: gamma as text", lambda: min_snr_weights(SCHEDULE, "5"), BadType, dict(got="str")),
    Row(
        "decoder: one level",
        lambda: decoder(levels=1),
        BadValue,
        dict(what="levels", expected="2 to 65536"),
    ),
    Row("decoder: 16.5 levels", lambda: decoder(levels=16.5), BadType, dict(got="16.5")),
    Row(
        "decoder: other levels", lambda: decoder(levels=256), BadValue, dict(expected="256 levels")
    ),
    Row(
        "decoder: images in [0, 1]",
        lambda: decoder(x=(GREY + 1) / 2),
        BadValue,
        dict(got="off the grid"),
    ),
    Row(
        "decoder: images in 0..255",
        lambda: decoder(x=GREY.add(1) * 127.5),
        BadValue,
        dict(got="0..255"),
    ),
    Row(
        "decoder: a level above white",
        lambda: decoder(x=GREY + 0.125),
        BadValue,
        dict(got="off the grid"),
    ),
    Row("decoder: NaN", lambda: decoder(x=GREY * NAN), BadValue, dict(got="off the grid")),
    Row(
        "decoder: one mean for all", lambda: decoder(mean=GREY[:1]), BadValue, dict(fix="broadcast")
    ),
    Row("bits_per_dim: no pixels", lambda: bits_per_dim(X.sum(), 0), BadValue, dict(what="dims")),
    Row(
        "variational_bound: uint8",
        lambda: variational_bound(SCHEDULE, X.byte(), lambda x, t: x, 256),
        BadType,
        dict(got="uint8"),
    ),
    Row(
        "variational_bound: 2C channels",
        lambda: variational_bound(SCHEDULE, X, lambda x, t: torch.cat([x, x], 1), 256),
        BadValue,
        dict(fix="keep the first C"),
    ),
]

# --- Predictions ---------------------------------------------------------------------------------

SEES = Denoiser(SCHEDULE, lambda x, t: x)
TWICE = Denoiser(SCHEDULE, lambda x, t: torch.cat([x, x], 1))
CONVERSIONS = {
    "predict_x0": lambda x=X, t=T, y=X: predict_x0(SCHEDULE, x, t, y, "sample"),
    "predict_epsilon": lambda x=X, t=T, y=X: predict_epsilon(SCHEDULE, x, t, y, "sample"),
    "training_target": lambda x=X, t=T, y=X: training_target(SCHEDULE, x, t, y, "sample"),
    "training_loss": lambda x=X, t=T, y=X: training_loss(SEES, x, t, y),
    "p_sample": lambda x=X, t=T, y=X: p_sample(SCHEDULE, x, t, y),
}
DARK = rescale_zero_terminal_snr(SCHEDULE)

PREDICTIONS = [
    *(
        Row(f"{function}: {name}", lambda call=call, x=x: call(x=x), error, fields)
        for function, call in CONVERSIONS.items()
        for name, (x, error, fields) in NOT_A_BATCH.items()
    ),
    *(
        Row(f"{function}: t, {name}", lambda call=call, t=t: call(t=t), error, fields)
        for function, call in CONVERSIONS.items()
        for name, (t, error, fields) in NOT_STEPS.items()
    ),
    *(
        Row(f"{function}: output or noise, {name}", lambda call=call, y=y: call(y=y), error, fields)
        for function, call in CONVERSIONS.items()
        for name, (y, error, fields) in OTHER_SHAPES.items()
    ),
    *(
        Row(
            f"p_sample: noise, {name}",
            lambda y=y: p_sample(SCHEDULE, X, T, X, noise=y),
            error,
            fields,
        )
        for name, (y, error, fields) in OTHER_SHAPES.items()
    ),
    *(
        Row(f"epsilon at zero terminal SNR: {name}", call, BadValue, dict(expected="v_prediction"))
        for name, call in {
            "predict_x0": lambda: predict_x0(DARK, X, T, X, "epsilon"),
            "training_target": lambda: training_target(DARK, X, T, X, "epsilon"),
            "loss_weights": lambda: loss_weights(DARK, "epsilon", "simple"),
            "p_sample": lambda: p_sample(DARK, X, T, X),
        }.items()
    ),
    Row(
        "loss_weights: misspelt",
        lambda: loss_weights(SCHEDULE, "epsilon", "min-snr"),
        BadValue,
        dict(fix="write 'min_snr'"),
    ),
    Row(
        "p_sample: misspelt variance",
        lambda: p_sample(SCHEDULE, X, T, X, variance_type="large"),
        BadValue,
        dict(fix="write 'fixed_large'"),
    ),
    Row(
        "p_sample: a seed as generator",
        lambda: p_sample(SCHEDULE, X, T, X, generator=0),
        BadType,
        dict(expected="torch.Generator"),
    ),
    *(
        Row(
            f"p_sample_loop: shape {shape}",
            lambda s=shape: p_sample_loop(SEES, s),
            error,
            dict(what="shape"),
        )
        for shape, error in [((0, 3, 8, 8), BadValue), ((-1, 3), BadValue), ((2.0, 3), BadType)]
    ),
    Row(
        "p_sample_loop: a seed as generator",
        lambda: p_sample_loop(SEES, (2, 3, 8, 8), generator=0),
        BadType,
        dict(expected="torch.Generator"),
    ),
    Row(
        "p_sample_loop: 2C channels",
        lambda: p_sample_loop(TWICE, (2, 3, 8, 8)),
        BadValue,
        dict(fix="keep the first C"),
    ),
]

ROWS = TENSORS + IMAGES + TIMESTEPS + SCHEDULES + OBJECTIVE + PREDICTIONS


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_refused_with_a_clear_error(row):
    with refused(row.error, **row.fields):
        row.call()


WORKS = {
    "single numbers": lambda: q_sample(SCHEDULE, X[:, 0, 0, 0], T),
    "int32 steps": lambda: q_sample(SCHEDULE, X, T.int()),
    "uint8 steps": lambda: q_sample(SCHEDULE, X, torch.tensor([1, 200], dtype=torch.uint8)),
    "numpy integer as T": lambda: linear_schedule(np.int64(1000)),
    "numpy float as beta": lambda: linear_schedule(beta_end=np.float64(0.02)),
    "images -1..1": lambda: check_images("here", "images", X - 1 + 2 * torch.rand(2, 3, 8, 8)),
}


@pytest.mark.parametrize("name", WORKS)
def test_works(name):
    WORKS[name]()
