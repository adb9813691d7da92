"""Profiles: one settings file, every key, and errors that say where to look."""

import configparser
import dataclasses
import json
import re
import subprocess
import sys
from typing import Literal, get_args, get_origin, get_type_hints

import numpy as np
import pytest
from refusals import refused

from ddpm_course.checks import BadInput, BadType, BadValue
from ddpm_course.runs.profiles import (
    SETTINGS,
    Profile,
    load_profile,
    profile_lines,
    profile_names,
)
from ddpm_course.sampling import Sampler

GOOD = SETTINGS.read_text(encoding="utf-8")
SMOKE = load_profile("smoke")


@pytest.mark.parametrize("name", profile_names())
def test_every_profile_names_every_hyperparameter(name):
    profile = load_profile(name)
    assert dataclasses.asdict(profile).keys() == {f.name for f in dataclasses.fields(Profile)}


def test_the_profiles_are_the_five():
    assert profile_names() == ["smoke", "laptop", "fashion", "poster", "gpu"]


def test_values_have_the_types_of_their_fields():
    assert SMOKE.num_steps == 20 and type(SMOKE.num_steps) is int
    assert SMOKE.dropout == 0 and type(SMOKE.dropout) is float
    assert SMOKE.clip_sample is True
    assert SMOKE.channel_multipliers == (1, 2) and SMOKE.attention_levels == ()


def test_a_profile_is_frozen_and_hashable():
    with pytest.raises(dataclasses.FrozenInstanceError):
        SMOKE.num_steps = 1
    assert hash(SMOKE) == hash(load_profile("smoke"))


def test_only_the_linear_schedule_has_options():
    assert load_profile("gpu").schedule_options == {
        "beta_start": 1e-4,
        "beta_end": 0.02,
        "rescale": True,
    }
    assert SMOKE.schedule == "cosine" and SMOKE.schedule_options == {}


BAD_VALUES = [
    ("data", "cats"),
    ("data_dir", 5),
    ("download", 1),
    ("image_size", -1),
    ("unreadable", "ignore"),
    ("schedule", "lineal"),
    ("prediction_type", "eps"),
    ("weighting", ""),
    ("variance_type", "learned"),
    ("precision", "fp16"),
    ("device", "tpu"),
    ("num_train_timesteps", 0),
    ("batch_size", -1),
    ("num_steps", 12.5),
    ("num_steps", True),
    ("num_blocks", "2"),
    ("log_every", 0),
    ("num_samples", 0),
    ("warmup_steps", -1),
    ("model_channels", None),
    ("beta_start", 0),
    ("beta_end", 1),
    ("beta_end", float("nan")),
    ("learning_rate", 0),
    ("learning_rate", float("inf")),
    ("learning_rate", "fast"),
    ("weight_decay", -0.1),
    ("grad_clip", 0),
    ("ema_decay", 1),
    ("dropout", 1),
    ("clip_sample", 1),
    ("channel_multipliers", ()),
    ("channel_multipliers", (1, 0)),
    ("channel_multipliers", [1, 2]),
    ("channel_multipliers", 2),
    ("attention_levels", (2,)),
    ("attention_levels", (-1,)),
    ("attention_levels", (0.5,)),
    ("num_classes", -1),
    ("sampling_steps", 0),
    ("model_channels", 10**9),
    ("channel_multipliers", (1, 65)),
    ("channel_multipliers", (1,) * 13),
    ("num_blocks", 65),
    ("threads", 2**40),
    ("num_train_timesteps", 10**7),
    ("image_size", 10**5),
    ("sampling_steps", 51),
    ("sampling_steps", 12.5),
    ("eta", -0.1),
    ("eta", 1.1),
    ("eta", float("nan")),
    ("spacing", "trailling"),
    ("solver", "dpmpp"),
]


@pytest.mark.parametrize("key, value", BAD_VALUES)
def test_bad_values_are_refused(key, value):
    with refused(BadInput, where="Profile", what=key):
        dataclasses.replace(SMOKE, **{key: value})


def test_a_solver_of_second_order_takes_no_new_noise():
    with refused(BadValue, where="Profile", what="eta", got="heun", fix="eta = 0"):
        dataclasses.replace(SMOKE, solver="heun")
    assert dataclasses.replace(SMOKE, solver="heun", eta=0).sampler.solver == "heun"


def test_the_noise_is_not_predicted_where_a_chain_ends_in_nothing_else():
    with refused(BadValue, where="Profile", what="prediction_type", got="flow"):
        dataclasses.replace(SMOKE, schedule="flow")
    dataclasses.replace(SMOKE, schedule="flow", prediction_type="flow_prediction")


# beside those of nbs/bad_inputs.py: what is replaced, by what, and what the error says of it
BAD_FILES = [
    ("grad_clip = 1\n", "", "grad_clip", "no line for grad_clip"),
    ("grad_clip = 1", "grad_clip = 1\nmomentum = 0.9", "momentum", "momentum in [DEFAULT]"),
    ("batch_size = 32", "batch_size = 32\nmomentum = 0.9", "momentum", "unknown key momentum"),
    ("batch_size = 32", "batch_size =", "batch_size", "''"),
    ("num_steps = 20", "num_steps = 12.5", "num_steps", "'12.5'"),
    ("learning_rate = 2e-3", "learning_rate = nan", "learning_rate", "nan"),
    ("clip_sample = yes", "clip_sample = maybe", "clip_sample", "'maybe'"),
    ("channel_multipliers = 1, 2", "channel_multipliers = 1, two", "channel_multipliers", "'two'"),
    ("channel_multipliers = 1, 2", "channel_multipliers =", "channel_multipliers", "none"),
    ("schedule = cosine", "schedule = cosin", "schedule", "'cosin'"),
]
UNREADABLE = [
    ("batch_size = 32", "batch_size = 32\nbatch_size = 64", "'batch_size' in section 'smoke'"),
    ("[smoke]", "smoke", "'num_train_timesteps' in section 'DEFAULT'"),
    ("\n[DEFAULT]", "\nDEFAULT", "no section headers"),
    (GOOD, "", "no section"),
    (GOOD, "[DEFAULT]\nnum_steps = 20", "no section"),
]


def write_changed(path, old, new):
    assert old in GOOD
    path.write_text(GOOD.replace(old, new, 1), encoding="utf-8")
    return path


@pytest.mark.parametrize("old, new, what, got", BAD_FILES)
def test_bad_lines_are_refused(tmp_path, old, new, what, got):
    path = write_changed(tmp_path / "my.ini", old, new)
    with refused(BadInput, where=f"{path} [smoke]", what=what, got=got):
        load_profile("smoke", path)


@pytest.mark.parametrize("old, new, got", UNREADABLE)
def test_what_is_no_file_of_settings_is_refused_in_one_line(tmp_path, old, new, got):
    path = write_changed(tmp_path / "my.ini", old, new)
    with refused(BadValue, where=path, what="settings file", got=got) as error:
        load_profile("smoke", path)
    assert "\n" not in str(error.value)


def test_a_profile_holds_only_what_differs():
    """Else the reader who compares two profiles has to look at every key."""
    parser = configparser.ConfigParser(default_section="none")
    parser.read_string(GOOD)
    own = {name: dict(parser[name]) for name in parser.sections()}
    shared = own.pop("DEFAULT")
    assert shared.keys() == {field.name for field in dataclasses.fields(Profile)}
    assert [(n, k) for n, lines in own.items() for k, v in lines.items() if shared[k] == v] == []
    assert own["laptop"] == {} and len(own["gpu"]) > len(own["smoke"]) > 0


def test_the_defaults_are_no_profile():
    with refused(
        BadValue, got="'DEFAULT'", expected="'smoke', 'laptop', 'fashion', 'poster', 'gpu'"
    ):
        load_profile("DEFAULT")


def test_a_settings_file_may_name_every_key_in_a_profile(tmp_path):
    lines = [f"{key} = {value}" for key, value in profile_lines("gpu").items()]
    (tmp_path / "my.ini").write_text("\n".join(["[mine]", *lines]), encoding="utf-8")
    assert load_profile("mine", tmp_path / "my.ini") == load_profile("gpu")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_an_editor_may_put_a_byte_order_mark(tmp_path, encoding):
    (tmp_path / "my.ini").write_text(GOOD, encoding=encoding)
    assert load_profile("smoke", tmp_path / "my.ini") == SMOKE


def test_changes_take_the_place_of_lines():
    changed = load_profile("smoke", changes={"num_steps": "7", "attention_levels": "0, 1"})
    assert changed == dataclasses.replace(SMOKE, num_steps=7, attention_levels=(0, 1))
    with refused(BadValue, where="options", what="num_steps", got="0"):
        load_profile("smoke", changes={"num_steps": "0"})


@pytest.mark.parametrize(
    "changes, what",
    [
        ({"num_step": "7"}, "changes"),
        ({1: "7"}, "changes"),
        ("num_steps = 7", "changes"),
        ({"num_steps": 7}, "num_steps"),
        ({"num_steps": 7.9}, "num_steps"),
        ({"channel_multipliers": (1, 2)}, "channel_multipliers"),
    ],
)
def test_changes_that_would_be_ignored_or_rounded_are_refused(changes, what):
    with refused(BadInput, where="options", what=what):
        load_profile("smoke", changes=changes)


@pytest.mark.parametrize("path", [3, None, b"my.ini", "", "a\0b"])
def test_what_is_no_path_is_refused(path):
    for read in (profile_names, lambda path: load_profile("smoke", path)):
        with refused(BadInput, what=re.compile("^(path|settings file)$")):
            read(path)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00"])
def test_an_unreadable_file_is_refused(tmp_path, content):
    path = tmp_path / "my.ini"
    path.write_bytes(content)
    with refused(BadValue, where=path):
        load_profile("smoke", path)


def test_type_and_value_errors_are_python_s_own():
    assert issubclass(BadValue, ValueError) and issubclass(BadType, TypeError)


def test_the_names_of_choices_are_those_of_the_modules_that_take_them():
    from ddpm_course.data import DATA
    from ddpm_course.objective import VARIANCE_TYPES
    from ddpm_course.prediction import PREDICTION_TYPES, WEIGHTINGS
    from ddpm_course.sampling import SOLVERS, SPACINGS
    from ddpm_course.schedule import NAMED_SCHEDULES

    hints = get_type_hints(Profile)
    assert {
        name: get_args(hint) for name, hint in hints.items() if get_origin(hint) is Literal
    } == {
        "data": DATA,
        "unreadable": ("stop", "skip"),
        "schedule": tuple(NAMED_SCHEDULES),
        "prediction_type": PREDICTION_TYPES,
        "weighting": WEIGHTINGS,
        "spacing": SPACINGS,
        "solver": SOLVERS,
        "variance_type": VARIANCE_TYPES,
        "precision": ("fp32", "bf16"),
        "device": ("auto", "cpu", "cuda", "mps"),
    }


def test_reading_a_profile_imports_no_torch():
    program = (
        "import sys; from ddpm_course.runs.profiles import load_profile; "
        "load_profile('laptop'); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0


def test_numbers_of_other_libraries_become_pythons():
    """Else a run would be trained whose settings cannot be written."""
    numbers = dict(num_steps=np.int64(9), learning_rate=np.float32(0.5), weight_decay=1)
    tuples = dict(channel_multipliers=(np.int32(1), 2), attention_levels=())
    profile = dataclasses.replace(load_profile("laptop"), **numbers, **tuples, eta=np.float64(0.5))
    plain = dict(num_steps=9, learning_rate=0.5, weight_decay=1.0, channel_multipliers=[1, 2])
    assert json.loads(json.dumps(dataclasses.asdict(profile))).items() >= plain.items()
    sampler = Sampler(np.int64(5), eta=np.float32(0.5), guidance_scale=np.int8(2))
    assert json.loads(json.dumps(dataclasses.asdict(sampler)))["guidance_scale"] == 2
