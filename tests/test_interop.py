"""Folders for diffusers, without that library: there and back, and what is refused.

That the library itself loads them and draws the same images is in tests/parity.
"""

import dataclasses
import json
import pickle
import shutil

import pytest
import torch

from ddpm_course.checks import BadInput, BadValue
from ddpm_course.interop import (
    export_run,
    from_diffusers,
    import_run,
    of_one_class,
    their_names,
    to_diffusers,
    unet_config,
)
from ddpm_course.runs.loop import build_model
from ddpm_course.runs.profiles import load_profile
from ddpm_course.runs.run import Run
from ddpm_course.runs.training import train

SMOKE = load_profile("smoke")
UNET, SCHEDULER = "unet/config.json", "scheduler/scheduler_config.json"
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
    names = [name for ours in one.state_dict() for name in their_names(ours, len(one.down))]
    assert len(set(names)) == len(names) > len(one.state_dict())
    assert not [name for name in names if ".residual" in name or ".attention." in name]
    from_diffusers(to_diffusers(one), other)
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters()))


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"schedule": "linear"},
        {"schedule": "sigmoid"},
        {"schedule": "linear", "beta_end": 0.013},
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
    (profile, schedule, model), (wanted, table, network) = (
        (run.profile, run.schedule("cpu"), run.network("cpu"))
        for run in map(Run.open, (back, there))
    )
    for key, value in dataclasses.asdict(wanted).items():
        assert dataclasses.asdict(profile)[key] == pytest.approx(value), key
    assert torch.allclose(schedule.betas, table.betas, rtol=1e-15, atol=0)
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), network.parameters()))


def test_quadratic_spacing_becomes_leading(run, tmp_path):
    export_run(with_fields(run, tmp_path / "run", spacing="quadratic"), tmp_path / "folder")
    assert (
        json.loads((tmp_path / "folder" / SCHEDULER).read_text())["timestep_spacing"] == "leading"
    )


def test_steps_are_at_most_those_of_the_chain(folder, tmp_path):
    back = import_run(folder, tmp_path / "back", load_profile("gpu"))
    assert Run.open(back).profile.sampling_steps == 50


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
    with pytest.raises(
        BadValue, match=r"channel_multipliers: got \(2, 2\), expected 1 at the first"
    ):
        unet_config(profile, (1, 8, 8))


@pytest.mark.parametrize("label", [10, -1])
def test_a_label_that_the_network_does_not_know(run, tmp_path, label):
    with pytest.raises(BadInput, match="label"):
        export_run(run, tmp_path / "folder", label=label)
    assert not list(tmp_path.iterdir())


def test_nothing_is_overwritten(run, folder, tmp_path):
    with pytest.raises(BadValue, match="folder: got .*folder, which exists"):
        export_run(run, folder)
    with pytest.raises(BadValue, match="run_dir: got .*run, which exists"):
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
        (UNET, "a_new_setting", 3),
        (UNET, "up_block_types", ["UpBlock2D", "AttnUpBlock2D"]),
        (UNET, "class_embed_type", "timestep"),
        (SCHEDULER, "steps_offset", 1),
        (SCHEDULER, "thresholding", True),
        (SCHEDULER, "rescale_betas_zero_snr", True),
        (SCHEDULER, "clip_sample_range", 2.0),
        (SCHEDULER, "set_alpha_to_one", False),
    ],
)
def test_settings_that_this_course_does_not_have(folder, tmp_path, file, key, value):
    edit(folder / file, **{key: value})
    with pytest.raises(BadValue, match=rf"{file}: {key}: got .*expected .*To fix it"):
        import_run(folder, tmp_path / "back", SMOKE)
    assert not (tmp_path / "back").exists()


@pytest.mark.parametrize(
    "file, values, said",
    [
        (SCHEDULER, {"beta_schedule": "scaled_linear"}, "schedule: got 'scaled_linear'"),
        (SCHEDULER, {"beta_schedule": "linear", "trained_betas": [0.1] * 50}, "trained_betas: got"),
        (SCHEDULER, {"variance_type": "learned_range"}, "variance_type: got 'learned_range'"),
        (SCHEDULER, {"prediction_type": "flow"}, "prediction_type: got 'flow'"),
        (SCHEDULER, {"_class_name": "PNDMScheduler"}, "_class_name: got 'PNDMScheduler'"),
        (UNET, {"_class_name": "UNet2DConditionModel"}, "_class_name: got 'UNet2DConditionModel'"),
        (UNET, {"block_out_channels": []}, "IndexError"),
        (UNET, {"block_out_channels": None}, "TypeError"),
        (UNET, {"sample_size": [8]}, "ValueError"),
    ],
)
def test_descriptions_of_something_else(folder, tmp_path, file, values, said):
    edit(folder / file, **values)
    with pytest.raises(BadInput, match=said):
        import_run(folder, tmp_path / "back", SMOKE)


@pytest.mark.parametrize("file", [UNET, SCHEDULER])
@pytest.mark.parametrize("text", ["", "<html>", "[]", '"text"', None])
def test_descriptions_that_cannot_be_read(folder, tmp_path, file, text):
    (folder / file).unlink() if text is None else (folder / file).write_text(text)
    with pytest.raises(BadValue, match=f"{file}: description: got .*To fix it"):
        import_run(folder, tmp_path / "back", SMOKE)


@pytest.mark.parametrize("change", ["cut", "html", "none"])
def test_weights_that_cannot_be_read(folder, tmp_path, change):
    path = folder / WEIGHTS
    if change == "cut":
        path.write_bytes(path.read_bytes()[:1000])
    else:
        path.write_text("<html>") if change == "html" else path.unlink()
    with pytest.raises(BadValue, match="weights: got .*To fix it"):
        import_run(folder, tmp_path / "back", SMOKE)


class Trap:
    def __reduce__(self):
        return (print, ("code was run",))


def test_a_pickle_that_holds_code_is_not_run(folder, tmp_path, capsys):
    path = folder / WEIGHTS
    path.with_suffix(".bin").write_bytes(pickle.dumps(Trap(), protocol=2))
    path.unlink()
    with pytest.raises(BadValue, match="weights"):
        import_run(folder, tmp_path / "back", SMOKE)
    assert "code was run" not in capsys.readouterr().out


@pytest.mark.parametrize(
    "change, said",
    [
        (lambda weights: weights.pop("conv_in.bias"), "conv_in.bias: got no such weight"),
        (lambda weights: weights.update(extra=torch.zeros(1)), "extra: got shape"),
        (
            lambda weights: weights.update({"conv_in.bias": torch.zeros(3)}),
            r"conv_in.bias: got shape \[3\]",
        ),
        (
            lambda weights: weights.update({"conv_in.weight": torch.zeros(9, 16)}),
            "conv_in.weight: got",
        ),
    ],
)
def test_weights_of_another_network(change, said):
    model = build_model(SMOKE, 1)
    weights = to_diffusers(model)
    change(weights)
    with pytest.raises(BadValue, match=said):
        from_diffusers(weights, model)
