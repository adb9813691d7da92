"""Folders for diffusers, without that library: there and back, and what is refused.

That the library itself loads them and draws the same images is in tests/parity.
"""

import dataclasses
import json
import pickle
import re
import shutil
import warnings

import pytest
import torch
from refusals import refused
from safetensors.torch import load_file, save_file

from ddpm_course.checks import BadInput, BadValue
from ddpm_course.runs import diffusers
from ddpm_course.runs.diffusers import export_run, import_run, of_one_class
from ddpm_course.runs.diffusers_settings import unet_config
from ddpm_course.runs.diffusers_weights import from_diffusers, names_in_diffusers, to_diffusers
from ddpm_course.runs.drawing import sample_images
from ddpm_course.runs.loop import build_model
from ddpm_course.runs.profiles import load_profile
from ddpm_course.runs.run import Run
from ddpm_course.runs.training import train
from ddpm_course.schedule import make_schedule

SMOKE = load_profile("smoke")
UNET, SCHEDULER = "unet/config.json", "scheduler/scheduler_config.json"
SCALED = {"beta_schedule": "scaled_linear"}
WEIGHTS = "unet/diffusion_pytorch_model.safetensors"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return train(
        dataclasses.replace(SMOKE, num_steps=2), 0, tmp_path_factory.mktemp("runs") / "run"
    )


@pytest.fixture
def folder(run, tmp_path):
    return export_run(run, tmp_path / "folder")


def with_fields(run, path, **fields):
    """The run as it would be with other fields that its weights do not depend on."""
    shutil.copytree(run, path)
    config = json.loads((run / "config.json").read_text())
    config["profile"] |= fields
    (path / "config.json").write_text(json.dumps(config))
    return path


def edit(path, **values):
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


# --- There and back ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"num_classes": 0},
        {"channel_multipliers": (1, 1, 3), "attention_levels": (0, 2)},
        {"num_blocks": 3, "channel_multipliers": (1,)},
    ],
)
def test_every_weight_has_a_name_of_its_own_and_returns(fields):
    profile = dataclasses.replace(SMOKE, **fields)
    one, other = (build_model(profile, 3, torch.Generator().manual_seed(seed)) for seed in (0, 1))
    names = [name for ours in one.state_dict() for name in names_in_diffusers(ours, len(one.down))]
    assert len(set(names)) == len(names) > len(one.state_dict())
    assert not [name for name in names if ".residual" in name or ".attention." in name]
    other.load_state_dict(from_diffusers(to_diffusers(one), other))
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters()))


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"schedule": "linear"},
        {"schedule": "sigmoid"},
        {"schedule": "flow", "prediction_type": "v_prediction"},
        {"schedule": "linear", "beta_end": 0.013},
        {"schedule": "linear", "num_train_timesteps": 10, "sampling_steps": 5},
        {"prediction_type": "v_prediction", "variance_type": "fixed_large", "clip_sample": False},
        {"spacing": "linspace", "sampling_steps": 7, "eta": 0.3},
    ],
)
def test_a_run_returns_as_it_was(run, tmp_path, fields):
    there = with_fields(run, tmp_path / "run", **fields)
    unsaid = {key: fields[key] for key in fields if key in ("sampling_steps", "eta")}
    base = dataclasses.replace(SMOKE, num_steps=2, **unsaid)
    export_run(there, tmp_path / "folder")
    back = import_run(tmp_path / "folder", tmp_path / "back", base)
    found, wanted = Run.open(back), Run.open(there)
    for key, value in dataclasses.asdict(wanted.profile).items():
        assert dataclasses.asdict(found.profile)[key] == pytest.approx(value), key
    betas = [each.schedule("cpu").betas for each in (found, wanted)]
    assert torch.allclose(*betas, rtol=1e-15, atol=0)
    weights = [each.network("cpu").parameters() for each in (found, wanted)]
    assert all(torch.equal(a, b) for a, b in zip(*weights))


def test_quadratic_spacing_becomes_leading(run, tmp_path):
    export_run(with_fields(run, tmp_path / "run", spacing="quadratic"), tmp_path / "folder")
    assert (
        json.loads((tmp_path / "folder" / SCHEDULER).read_text())["timestep_spacing"] == "leading"
    )


def test_the_card_says_that_another_solver_was_used(run, tmp_path):
    export_run(with_fields(run, tmp_path / "run", solver="heun", eta=0.0), tmp_path / "folder")
    assert "solver = heun" in (tmp_path / "folder/README.md").read_text(encoding="utf-8")


def test_the_card_says_that_other_arithmetic_was_used(run, tmp_path):
    for precision in "fp32", "bf16":
        there = with_fields(run, tmp_path / precision, precision=precision)
        export_run(there, tmp_path / f"{precision} folder")
        text = (tmp_path / f"{precision} folder/README.md").read_text(encoding="utf-8")
        assert ("precision = bf16" in text) == (precision == "bf16")


def test_steps_are_at_most_those_of_the_chain(folder, tmp_path):
    profile = Run.open(import_run(folder, tmp_path / "back", load_profile("gpu"))).profile
    assert profile.sampler.steps == 50
    assert profile.precision == "fp32" and not profile.tf32


@torch.no_grad()
def test_the_network_of_one_class(run):
    profile, model = Run.open(run).profile, Run.open(run).network("cpu")
    torch.nn.init.normal_(model.classes.weight, generator=torch.Generator().manual_seed(0))
    torch.nn.init.normal_(model.up[-1].leave[2].weight, generator=torch.Generator().manual_seed(0))
    x, t = torch.randn(2, 1, 8, 8), torch.tensor([1, 50])
    other, alone = of_one_class(profile, model, 3)
    assert other == dataclasses.replace(profile, num_classes=0)
    wanted = model(x, t, torch.tensor([3, 3]))
    assert torch.allclose(alone(x, t), wanted, atol=1e-4 * float(wanted.abs().max()))
    assert not torch.allclose(alone(x, t), model(x, t, torch.tensor([4, 4])), atol=1e-2)


# --- What is refused -----------------------------------------------------------------------------


def test_a_first_multiplier_other_than_1(tmp_path):
    profile = dataclasses.replace(SMOKE, channel_multipliers=(2, 2))
    with refused(BadValue, what="channel_multipliers", got="(2, 2)", expected="1 at the first"):
        unet_config(profile, (1, 8, 8))


@pytest.mark.parametrize("strange", [None, 0.5, b"a"])
def test_what_is_no_path_and_no_profile_is_refused(run, folder, tmp_path, strange):
    for what, call in (
        ("run_dir", lambda: export_run(strange, tmp_path / "out")),
        ("folder", lambda: export_run(run, strange)),
        ("folder", lambda: import_run(strange, tmp_path / "back", SMOKE)),
        ("run_dir", lambda: import_run(folder, strange, SMOKE)),
        ("profile", lambda: import_run(folder, tmp_path / "back", strange)),
        ("profile", lambda: of_one_class(strange, Run.open(run).network("cpu"), 0)),
        ("model", lambda: of_one_class(SMOKE, strange, 0)),
        ("label", lambda: of_one_class(SMOKE, build_model(SMOKE, 1), strange)),
    ):
        with refused(BadInput, what=what):
            call()


@pytest.mark.parametrize("label", [10, -1])
def test_a_label_that_the_network_does_not_know(run, tmp_path, label):
    with refused(BadValue, what="label", got=label):
        export_run(run, tmp_path / "folder", label=label)
    assert not list(tmp_path.iterdir())


def test_nothing_is_overwritten(run, folder, tmp_path):
    with refused(BadValue, what="folder", got=f"{folder}, which exists"):
        export_run(run, folder)
    with refused(BadValue, what="run_dir", got=f"{run}, which exists"):
        import_run(folder, run, SMOKE)


@pytest.mark.parametrize(
    "file, key, value",
    [
        (UNET, "norm_eps", 1e-5),
        (UNET, "flip_sin_to_cos", True),
        (UNET, "act_fn", "gelu"),
        (UNET, "attention_head_dim", 8),
        (UNET, "out_channels", 6),
        (UNET, "norm_num_groups", 2),
        (UNET, "block_out_channels", [16, 40]),
        (UNET, "up_block_types", ["UpBlock2D", "AttnUpBlock2D"]),
        (UNET, "class_embed_type", "timestep"),
        (SCHEDULER, "steps_offset", 1),
        (SCHEDULER, "thresholding", True),
        (SCHEDULER, "rescale_betas_zero_snr", True),
        (SCHEDULER, "clip_sample_range", 2.0),
    ],
)
def test_settings_that_this_course_does_not_have(folder, tmp_path, file, key, value):
    edit(folder / file, **{key: value})
    with refused(BadValue, where=folder / file, what=key, got=repr(value)):
        import_run(folder, tmp_path / "back", SMOKE)
    assert not (tmp_path / "back").exists()


@pytest.mark.parametrize(
    "file, values, what, got",
    [
        (SCHEDULER, {"beta_schedule": "sigmoid"}, "beta_schedule", "'sigmoid'"),
        (SCHEDULER, {"trained_betas": [0.1] * 49}, "trained_betas", "[0.1, "),
        (SCHEDULER, {"trained_betas": [0.1] * 49 + [1.0]}, "trained_betas", "1"),
        (SCHEDULER, {"trained_betas": ["a"] * 50}, "trained_betas", "'a'"),
        (SCHEDULER, {"beta_schedule": "scaled_linear", "beta_start": -1.0}, "beta_start", "-1"),
        (SCHEDULER, {"num_train_timesteps": "many"}, "num_train_timesteps", "'many'"),
        (SCHEDULER, {"variance_type": "learned_range"}, "variance_type", "'learned_range'"),
        (SCHEDULER, {"prediction_type": "flow"}, "prediction_type", "'flow'"),
        (SCHEDULER, {"_class_name": "PNDMScheduler"}, "_class_name", "'PNDMScheduler'"),
        (UNET, {"_class_name": "UNet2DConditionModel"}, "_class_name", "'UNet2DConditionModel'"),
        (UNET, {"block_out_channels": []}, "descriptions", "IndexError"),
        (UNET, {"block_out_channels": None}, "descriptions", "TypeError"),
        (UNET, {"block_out_channels": {}}, "descriptions", "KeyError"),
        (UNET, {"in_channels": 4, "out_channels": 4}, "in_channels", "4"),
        (UNET, {"sample_size": [8]}, "sample_size", "[8]"),
        (UNET, {"sample_size": [8, 8, 8]}, "sample_size", "[8, 8, 8]"),
        (UNET, {"sample_size": 9}, "sample_size", "9"),
        (UNET, {"sample_size": [8, 9]}, "sample_size", "[8, 9]"),
        (UNET, {"sample_size": -8}, "sample_size", "-8"),
        (UNET, {"sample_size": "8"}, "sample_size", "'8'"),
        (UNET, {"sample_size": 2**30}, "sample_size", str(2**30)),
        (SCHEDULER, {**SCALED, "num_train_timesteps": 10**12}, "num_train_timesteps", "10000"),
        (UNET, {"layers_per_block": 10**9}, "num_blocks", "1000000000"),
        (UNET, {"block_out_channels": [10**12, 2 * 10**12]}, "model_channels", "1000000000000"),
    ],
)
def test_descriptions_of_something_else(folder, tmp_path, file, values, what, got):
    edit(folder / file, **values)
    with refused(BadInput, where=re.compile(re.escape(f"{folder}")), what=what, got=got):
        import_run(folder, tmp_path / "back", SMOKE)


@pytest.mark.parametrize(
    "file, values, named",
    [
        (UNET, {"tensor_format": "pt"}, "tensor_format"),
        (UNET, {"a_new_setting": 3, "another": None}, "a_new_setting, another"),
        (SCHEDULER, {"tensor_format": "pt", "predict_epsilon": True}, "predict_epsilon"),
        (SCHEDULER, {"set_alpha_to_one": False}, "set_alpha_to_one"),
        (SCHEDULER, {"a\x1b]0;b": 1}, r"a\\x1b\]0;b"),
        (SCHEDULER, {"": 1}, ""),
    ],
)
def test_what_the_library_ignores_is_ignored_with_a_warning(
    run, folder, tmp_path, file, values, named
):
    edit(folder / file, **values)
    with pytest.warns(UserWarning, match=rf"{file}: .* has no {named}.*: ignored"):
        back = import_run(folder, tmp_path / "back", SMOKE)
    assert Run.open(back).profile.sampler == Run.open(run).profile.sampler


@pytest.mark.parametrize(
    "file, values",
    [
        (UNET, {"num_train_timesteps": 500}),
        (UNET, {"_diffusers_version": "0.0.4", "_name_or_path": "somewhere"}),
        (UNET, {"act_fn": "gelu", "_use_default_values": ["act_fn"]}),
        (SCHEDULER, {"sample_max_value": 2.0, "dynamic_thresholding_ratio": 0.9}),
        (SCHEDULER, {"beta_schedule": "squaredcos_cap_v2", "beta_end": 0.5}),
        (
            SCHEDULER,
            {
                "beta_schedule": "scaled_linear",
                "trained_betas": make_schedule("cosine", 50).betas[1:].float().tolist(),
            },
        ),
    ],
)
def test_what_has_no_effect_is_not_compared(folder, tmp_path, file, values):
    edit(folder / file, **values)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert Run.open(import_run(folder, tmp_path / "back", SMOKE)).profile.schedule == "cosine"


def test_a_range_of_clipping_counts_where_something_is_clipped(folder, tmp_path):
    edit(folder / SCHEDULER, clip_sample=False, clip_sample_range=2.0)
    profile = Run.open(import_run(folder, tmp_path / "back", SMOKE)).profile
    assert not profile.sampler.clip_sample


@pytest.mark.parametrize(
    "values, kind",
    [
        ({"predict_epsilon": False}, "sample"),
        ({"predict_epsilon": False, "prediction_type": "v_prediction"}, "v_prediction"),
        ({"predict_epsilon": True}, "epsilon"),
    ],
)
def test_the_former_word_for_a_predicted_image(folder, tmp_path, values, kind):
    """As the versions that wrote it read it."""
    path = folder / SCHEDULER
    settings = json.loads(path.read_text())
    del settings["prediction_type"]
    path.write_text(json.dumps(settings | values))
    with pytest.warns(UserWarning, match="predict_epsilon"):
        back = import_run(folder, tmp_path / "back", SMOKE)
    assert Run.open(back).profile.prediction_type == kind


@pytest.mark.parametrize(
    "values, betas",
    [
        (
            {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.12},
            torch.linspace(0.00085**0.5, 0.12**0.5, 50, dtype=torch.float64) ** 2,
        ),
        (
            {"trained_betas": [0.01 * (1 + i % 7) for i in range(50)]},
            torch.tensor([0.01 * (1 + i % 7) for i in range(50)], dtype=torch.float64),
        ),
    ],
)
def test_a_chain_that_has_no_name_here_comes_with_its_betas(folder, tmp_path, values, betas):
    """It is sampled as it is, and leaves as it came."""
    edit(folder / SCHEDULER, **values)
    run = Run.open(import_run(folder, tmp_path / "back", SMOKE))
    assert torch.allclose(run.schedule("cpu").betas[1:], betas, rtol=1e-12, atol=0)
    assert sample_images(run, 2, 0, "cpu").isfinite().all()
    again = export_run(run.folder, tmp_path / "again")
    written = json.loads((again / SCHEDULER).read_text())["trained_betas"]
    assert written == pytest.approx(betas.tolist())
    assert "listed schedule" in (again / "README.md").read_text()


def test_where_the_size_of_images_is_not_said_the_profile_says_it(folder, tmp_path):
    edit(folder / UNET, sample_size=None)
    with refused(BadValue, where=folder / UNET, what="sample_size", got="null"):
        import_run(folder, tmp_path / "back", SMOKE)
    assert not list(tmp_path.glob("back*"))
    back = import_run(folder, tmp_path / "back", dataclasses.replace(SMOKE, image_size=16))
    assert sample_images(Run.open(back), 2, 0, "cpu").shape == (2, 1, 16, 16)


def test_a_failed_export_or_import_leaves_no_obstacle(run, folder, tmp_path, monkeypatch):
    def full(path, *_):
        raise BadValue(str(path), "file", "No space left on device", "room", "make room")

    for name, command in (
        ("write_file", lambda: export_run(run, tmp_path / "there")),
        ("write_weights", lambda: import_run(folder, tmp_path / "back", SMOKE)),
    ):
        before = sorted(tmp_path.iterdir())
        with monkeypatch.context() as patch:
            patch.setattr(diffusers, name, full)
            with refused(BadValue, got="No space left"):
                command()
        assert sorted(tmp_path.iterdir()) == before
        assert command().is_dir()


@pytest.mark.parametrize(
    "fields, said, unsaid",
    [
        ({}, ["DPM-Solver++", 'timestep_spacing="leading"', "thresholding=True"], ["quadratic"]),
        ({"prediction_type": "v_prediction"}, [], ["DPM-Solver++"]),
        ({"prediction_type": "v_prediction", "schedule": "flow"}, ['spacing="leading"'], []),
        ({"schedule": "linear", "num_train_timesteps": 1000}, [], ["DPM-Solver++"]),
        ({"spacing": "quadratic"}, ["quadratic spacing"], []),
        ({"variance_type": "fixed_large", "eta": 1.0}, ["adds less noise"], []),
        ({"variance_type": "fixed_large", "eta": 0.0}, [], ["adds less noise"]),
    ],
)
def test_the_card_says_what_to_look_out_for(run, tmp_path, fields, said, unsaid):
    folder = export_run(with_fields(run, tmp_path / "run", **fields), tmp_path / "folder")
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert all(words in card for words in said) and not any(words in card for words in unsaid)


@pytest.mark.parametrize("file", [UNET, SCHEDULER])
@pytest.mark.parametrize("text", ["", "<html>", "[]", '"text"', None])
def test_descriptions_that_cannot_be_read(folder, tmp_path, file, text):
    (folder / file).unlink() if text is None else (folder / file).write_text(text)
    with refused(BadValue, where=folder / file, what="description"):
        import_run(folder, tmp_path / "back", SMOKE)


@pytest.mark.parametrize("change", ["cut", "html", "none"])
def test_weights_that_cannot_be_read(folder, tmp_path, change):
    path = folder / WEIGHTS
    if change == "cut":
        path.write_bytes(path.read_bytes()[:1000])
    else:
        path.write_text("<html>") if change == "html" else path.unlink()
    with refused(BadValue, where=path, what="weights"):
        import_run(folder, tmp_path / "back", SMOKE)


class Trap:
    def __reduce__(self):
        return (print, ("code was run",))


def test_a_pickle_that_holds_code_is_not_run(folder, tmp_path, capsys):
    path = folder / WEIGHTS
    path.with_suffix(".bin").write_bytes(pickle.dumps(Trap(), protocol=2))
    path.unlink()
    with refused(BadValue, where=path.with_suffix(".bin"), what="weights"):
        import_run(folder, tmp_path / "back", SMOKE)
    assert "code was run" not in capsys.readouterr().out


@pytest.mark.parametrize(
    "change, what, got",
    [
        (lambda weights: weights.pop("conv_in.bias"), "conv_in.bias", "no such weight"),
        (lambda weights: weights.update(extra=torch.zeros(1)), "extra", "shape [1]"),
        (
            lambda weights: weights.update({"conv_in.bias": torch.zeros(3)}),
            "conv_in.bias",
            "shape [3]",
        ),
        (
            lambda weights: weights.update({"conv_in.weight": torch.zeros(9, 16)}),
            "conv_in.weight",
            "shape [9, 16]",
        ),
    ],
)
def test_weights_of_another_network(change, what, got):
    model = build_model(SMOKE, 1)
    weights = to_diffusers(model)
    change(weights)
    with refused(BadValue, where="from_diffusers", what=what, got=got):
        from_diffusers(weights, model)


@pytest.mark.parametrize(
    "dtype", [torch.float64, torch.float16, torch.bfloat16, torch.int8, torch.bool]
)
def test_weights_of_another_type_are_refused_before_anything_is_written(folder, tmp_path, dtype):
    weights = load_file(folder / WEIGHTS)
    for changed in (["conv_in.bias"], weights):
        other = {name: w.to(dtype) if name in changed else w for name, w in weights.items()}
        save_file(other, folder / WEIGHTS)
        with refused(BadValue, where=folder / WEIGHTS, expected="float32"):
            import_run(folder, tmp_path / "back", SMOKE)
        assert not list(tmp_path.glob("back*"))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite(folder, tmp_path, value):
    weights = load_file(folder / WEIGHTS)
    weights["conv_in.bias"][0] = value
    save_file(weights, folder / WEIGHTS)
    with refused(BadValue, where=folder / WEIGHTS, what="conv_in.bias", got="NaN or Inf"):
        import_run(folder, tmp_path / "back", SMOKE)


@pytest.mark.parametrize(
    "held", [[1], {"a": [1]}, {"a": torch.eye(2).to_sparse()}, {1: torch.zeros(1)}]
)
def test_a_pickle_of_something_else(folder, tmp_path, held):
    path = folder / WEIGHTS
    path.unlink()
    torch.save(held, path.with_suffix(".bin"))
    with refused(BadValue, where=path.with_suffix(".bin"), what="weights", got="TypeError"):
        import_run(folder, tmp_path / "back", SMOKE)


def test_a_velocity_is_no_prediction_that_the_library_knows(run, tmp_path):
    other = with_fields(run, tmp_path / "run", prediction_type="flow_prediction")
    with refused(BadValue, what="prediction_type", got="flow_prediction"):
        export_run(other, tmp_path / "out")
    assert not (tmp_path / "out").exists()
