"""The network and its folders, beside diffusers: same weights, same output, same images."""

import dataclasses
import inspect
import json
import re
import shutil

import pytest
import torch
from torch import nn

from ddpm_course.prediction import Denoiser
from ddpm_course.runs.diffusers import export_run, import_run, of_one_class
from ddpm_course.runs.diffusers_settings import DEFAULTS, unet_config
from ddpm_course.runs.diffusers_weights import FORMER_NAMES, to_diffusers
from ddpm_course.runs.loop import build_model
from ddpm_course.runs.profiles import Profile, load_profile
from ddpm_course.runs.run import Run
from ddpm_course.runs.training import train
from ddpm_course.sampling import Sampler

SMALL = dataclasses.replace(load_profile("smoke"), model_channels=16, attention_levels=(1,))
CIFAR = load_profile("gpu")
PUBLISHED = {  # as the weights of DDPM's authors are described
    "act_fn": "silu",
    "attention_head_dim": None,
    "block_out_channels": [16, 32, 32, 32],
    "center_input_sample": False,
    "downsample_padding": 0,
    "flip_sin_to_cos": False,
    "down_block_types": ["DownBlock2D", "AttnDownBlock2D", "DownBlock2D", "DownBlock2D"],
    "freq_shift": 1,
    "in_channels": 3,
    "layers_per_block": 2,
    "mid_block_scale_factor": 1,
    "norm_eps": 1e-6,
    "norm_num_groups": 4,
    "out_channels": 3,
    "sample_size": 32,
    "time_embedding_type": "positional",
    "up_block_types": ["UpBlock2D", "UpBlock2D", "AttnUpBlock2D", "UpBlock2D"],
}


def with_all_weights(model: nn.Module) -> nn.Module:
    """Give every weight a value, the zeros of a new network too, so that every path counts."""
    generator = torch.Generator().manual_seed(1)
    for parameter in model.parameters():
        scale = 1 / parameter[0].numel() ** 0.5 if parameter.ndim > 1 else 0.3
        nn.init.normal_(parameter, std=scale, generator=generator)
    return model.eval()


def theirs_with(diffusers, profile: Profile, shape, weights):
    config = {k: v for k, v in unet_config(profile, shape).items() if k[0] != "_"}
    model = diffusers.UNet2DModel(**config)
    model.load_state_dict(weights)
    return model.eval()


@pytest.mark.parametrize(
    "profile, shape",
    [
        (SMALL, (1, 8, 8)),
        (dataclasses.replace(SMALL, num_classes=0), (1, 8, 16)),
        (
            dataclasses.replace(
                SMALL, attention_levels=(0, 2), num_blocks=3, channel_multipliers=(1, 1, 3)
            ),
            (3, 16, 16),
        ),
        (
            dataclasses.replace(
                SMALL, model_channels=12, channel_multipliers=(1,), attention_levels=()
            ),
            (1, 5, 7),
        ),
        (CIFAR, (3, 32, 32)),
    ],
)
@torch.no_grad()
def test_same_weights_same_output(diffusers, profile, shape):
    ours = with_all_weights(build_model(profile, shape[0]))
    theirs = theirs_with(diffusers, profile, shape, to_diffusers(ours))
    x = torch.randn(3, *shape, generator=torch.Generator().manual_seed(0))
    t = torch.tensor([1, 17, 1000])
    labels = torch.tensor([0, 3, 9]) if profile.num_classes else None
    out = ours(x, t, labels)
    assert out.std() > 0.01
    assert (theirs(x, t - 1, labels).sample - out).abs().max() < 1e-5


@torch.no_grad()
def test_every_setting_that_is_not_its_default_counts(diffusers):
    profile = dataclasses.replace(SMALL, num_classes=0)
    ours = with_all_weights(build_model(profile, 1))
    x, t = torch.randn(2, 1, 8, 8), torch.tensor([3, 700])
    wanted = ours(x, t)
    config = {k: v for k, v in unet_config(profile, (1, 8, 8)).items() if k[0] != "_"}
    for key, default in {
        "flip_sin_to_cos": True,
        "freq_shift": 0,
        "downsample_padding": 1,
        "norm_eps": 1e-2,
        "attention_head_dim": 8,
        "norm_num_groups": 2,
    }.items():
        other = diffusers.UNet2DModel(**{**config, key: default})
        other.load_state_dict(to_diffusers(ours))
        assert (other.eval()(x, t - 1).sample - wanted).abs().max() > 1e-5, key


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run that has learnt enough for its states to stay small, without clipping."""
    profile = dataclasses.replace(SMALL, clip_sample=False, schedule="linear", num_steps=300)
    return train(profile, 0, tmp_path_factory.mktemp("runs") / "run")


def loaded(pipeline, folder):
    found = pipeline.from_pretrained(folder)
    found.set_progress_bar_config(disable=True)
    return found


def states_of(pipeline, **call) -> list[torch.Tensor]:
    """What the scheduler of a pipeline returns at each step, before any conversion to images."""
    states, step = [], pipeline.scheduler.step

    def noted(*args, **options):
        found = step(*args, **options)
        states.append(found.prev_sample)
        return found

    pipeline.scheduler.step = noted
    pipeline(batch_size=4, generator=torch.Generator().manual_seed(3), output_type="pt", **call)
    return states


def ours(run, label, sampler):
    run = Run.open(run)
    _, alone = of_one_class(run.profile, run.network("cpu"), label)
    denoiser = Denoiser(run.schedule("cpu"), alone)
    generator = torch.Generator().manual_seed(3)
    return [x for _, x in sampler.walk(denoiser, (4, 1, 8, 8), generator=generator)]


@pytest.mark.parametrize("label", [0, 7])
@pytest.mark.parametrize("variance_type", ["fixed_small", "fixed_large"])
def test_ddpm_pipeline_draws_our_images(diffusers, run, tmp_path, label, variance_type):
    folder = export_run(run, tmp_path / "there", label=label)
    pipeline = loaded(diffusers.DDPMPipeline, folder)
    pipeline.scheduler.register_to_config(variance_type=variance_type)
    states = states_of(pipeline, num_inference_steps=50)
    wanted = ours(run, label, Sampler(50, "leading", 1.0, variance_type))
    assert max(x.abs().max() for x in wanted) < 10
    assert len(states) == len(wanted) - 1
    assert all((a - b).abs().max() < 1e-4 for a, b in zip(states, wanted[1:]))


@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("num_steps", [50, 10])
def test_ddim_pipeline_draws_our_images(diffusers, run, tmp_path, eta, num_steps):
    pipeline = loaded(diffusers.DDIMPipeline, export_run(run, tmp_path / "there", label=2))
    states = states_of(pipeline, num_inference_steps=num_steps, eta=eta)
    wanted = ours(run, 2, Sampler(num_steps, eta=eta))
    assert all((a - b).abs().max() < 1e-4 for a, b in zip(states, wanted[1:], strict=True))


def test_default_clipping_is_another_sampler(diffusers, run, tmp_path):
    """With its default the images differ visibly; told to derive the noise again it has ours."""
    folder = export_run(run, tmp_path / "there", label=2)
    pipeline = loaded(diffusers.DDIMPipeline, folder)
    pipeline.scheduler.register_to_config(clip_sample=True)
    wanted = ours(run, 2, Sampler(50, clip_sample=True))[-1]
    again = states_of(pipeline, num_inference_steps=50, use_clipped_model_output=True)[-1]
    default = states_of(pipeline, num_inference_steps=50)[-1]
    assert (again - wanted).abs().max() < 1e-4
    assert (default - wanted).abs().mean() > 0.01


@torch.no_grad()
def test_export_keeps_the_classes_for_those_who_pass_them(diffusers, run, tmp_path):
    folder = export_run(run, tmp_path / "there")
    model = Run.open(run).network("cpu")
    x, t, labels = torch.randn(3, 1, 8, 8), torch.tensor([1, 20, 50]), torch.tensor([0, 4, 9])
    theirs = diffusers.UNet2DModel.from_pretrained(folder / "unet")
    assert (theirs(x, t - 1, labels).sample - model(x, t, labels)).abs().max() < 1e-5
    with pytest.raises(ValueError, match="class_labels"):
        loaded(diffusers.DDPMPipeline, folder)(num_inference_steps=1)


@pytest.mark.parametrize(
    "schedule, spacing_", [("linear", "leading"), ("cosine", "linspace"), ("sigmoid", "quadratic")]
)
def test_exported_schedules_are_the_runs(diffusers, run, tmp_path, schedule, spacing_):
    config = json.loads((run / "config.json").read_text())
    config["profile"] |= {"schedule": schedule, "spacing": spacing_}
    other = shutil.copytree(run, tmp_path / "run")
    (other / "config.json").write_text(json.dumps(config))
    folder = export_run(other, tmp_path / "there")
    theirs = diffusers.DDPMScheduler.from_pretrained(folder / "scheduler")
    assert (theirs.betas - Run.open(other).schedule("cpu").betas[1:]).abs().max() < 1e-6
    assert theirs.config.timestep_spacing == spacing_.replace("quadratic", "leading")


@torch.no_grad()
def test_a_folder_that_the_library_saved_is_a_run(diffusers, tmp_path):
    theirs = with_all_weights(diffusers.UNet2DModel(**PUBLISHED))
    scheduler = diffusers.DDPMScheduler(variance_type="fixed_large")
    diffusers.DDPMPipeline(theirs, scheduler).save_pretrained(tmp_path / "there")
    run_dir = import_run(tmp_path / "there", tmp_path / "run", CIFAR)
    run = Run.open(run_dir)
    schedule, model = run.schedule("cpu"), run.network("cpu")
    assert run.profile == dataclasses.replace(
        CIFAR,
        model_channels=16,
        channel_multipliers=(1, 2, 2, 2),
        dropout=0.0,
        spacing="leading",
        precision="fp32",
        tf32=False,
    )
    x, t = torch.randn(2, 3, 32, 32), torch.tensor([1, 1000])
    assert (theirs(x, t - 1).sample - model(x, t)).abs().max() < 1e-5
    assert (scheduler.betas - schedule.betas[1:]).abs().max() < 1e-7


@torch.no_grad()
def test_a_folder_in_the_form_of_the_published_weights_is_a_run(diffusers, tmp_path):
    """Everything at the top, a pickle of tensors, attention under its former names."""
    theirs, folder = with_all_weights(diffusers.UNet2DModel(**PUBLISHED)), tmp_path / "there"
    folder.mkdir()
    former = {now: then for then, now in FORMER_NAMES.items()}
    weights = {}
    for name, weight in theirs.state_dict().items():
        for now, then in former.items():
            name = name.replace(f".{now}.", f".{then}.")
        weights[name] = weight
    assert any(".proj_attn." in name for name in weights)
    torch.save(weights, folder / "diffusion_pytorch_model.bin")
    (folder / "config.json").write_text(
        json.dumps({"_class_name": "UNet2DModel", "_diffusers_version": "0.0.4", **PUBLISHED})
    )
    (folder / "scheduler_config.json").write_text(
        json.dumps(
            {
                "_class_name": "DDPMScheduler",
                "beta_end": 0.02,
                "beta_schedule": "linear",
                "beta_start": 0.0001,
                "clip_sample": True,
                "num_train_timesteps": 1000,
                "trained_betas": None,
                "variance_type": "fixed_large",
            }
        )
    )
    model = Run.open(import_run(folder, tmp_path / "run", CIFAR)).network("cpu")
    x, t = torch.randn(2, 3, 32, 32), torch.tensor([1, 1000])
    assert (theirs(x, t - 1).sample - model(x, t)).abs().max() < 1e-5


def test_defaults_are_those_of_the_library(diffusers):
    """All of them: a key that is not in the table is one that the library ignores."""
    for name, ours_ in DEFAULTS.items():
        parameters = inspect.signature(getattr(diffusers, name).__init__).parameters
        theirs = {key: parameter.default for key, parameter in parameters.items()}
        del theirs["self"]
        assert json.loads(json.dumps(theirs)) == ours_


@torch.no_grad()
def test_what_the_library_ignores_we_ignore(diffusers, run, tmp_path):
    folder = export_run(run, tmp_path / "there", label=2)
    for file, more in (
        ("unet/config.json", {"tensor_format": "pt", "a_new_setting": 3}),
        ("scheduler/scheduler_config.json", {"predict_epsilon": True, "sample_max_value": 2.0}),
    ):
        settings = json.loads((folder / file).read_text())
        (folder / file).write_text(json.dumps(settings | more))
    pipeline = loaded(diffusers.DDIMPipeline, folder)
    with pytest.warns(UserWarning, match="ignored"):
        back = Run.open(import_run(folder, tmp_path / "back", SMALL))
    theirs = states_of(pipeline, num_inference_steps=50, eta=0.0)
    denoiser = Denoiser(back.schedule("cpu"), back.network("cpu"))
    generator = torch.Generator().manual_seed(3)
    wanted = Sampler(50).sample(denoiser, (4, 1, 8, 8), generator=generator)
    assert (theirs[-1] - wanted).abs().max() < 1e-4


@pytest.mark.parametrize("kind", ["linear", "scaled_linear", "squaredcos_cap_v2"])
def test_chains_of_the_library_are_the_runs(diffusers, tmp_path, kind):
    theirs = diffusers.UNet2DModel(**PUBLISHED)
    scheduler = diffusers.DDPMScheduler(beta_schedule=kind, beta_start=0.00085, beta_end=0.012)
    diffusers.DDPMPipeline(theirs, scheduler).save_pretrained(tmp_path / "there")
    run = Run.open(import_run(tmp_path / "there", tmp_path / "run", CIFAR))
    assert (scheduler.betas - run.schedule("cpu").betas[1:]).abs().max() < 1e-6


@pytest.fixture(scope="module")
def cosine_folder(tmp_path_factory):
    """A run whose chain ends where next to nothing of the image is left, exported."""
    room = tmp_path_factory.mktemp("cosine")
    profile = dataclasses.replace(SMALL, num_train_timesteps=1000, num_steps=300, num_classes=0)
    return export_run(train(profile, 0, room / "run"), room / "folder")


@torch.no_grad()
def largest_pixel(pipeline) -> float:
    generator = torch.Generator().manual_seed(0)
    scheduler, x = pipeline.scheduler, torch.randn(16, 1, 8, 8, generator=generator)
    scheduler.set_timesteps(10)
    for t in scheduler.timesteps:
        x = scheduler.step(pipeline.unet(x, t).sample, t, x).prev_sample
    return float(x.abs().max())


@pytest.mark.parametrize("name", ["DPMSolverMultistepScheduler", "UniPCMultistepScheduler"])
def test_fast_samplers_stay_in_range_as_the_card_says(diffusers, cosine_folder, name):
    pipeline = loaded(diffusers.DDPMPipeline, cosine_folder)
    kind, config = getattr(diffusers, name), pipeline.scheduler.config
    found = {}
    for option in ({}, {"timestep_spacing": "leading"}, {"thresholding": True}):
        pipeline.scheduler = kind.from_config(config, **option)
        found[str(option)] = largest_pixel(pipeline)
    first, *others = found.values()
    assert first > 1000 and max(others) < 3, found


def test_the_code_on_the_card_runs(diffusers, cosine_folder):
    card = (cosine_folder / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"(?:^    .*\n|^\n(?=    ))+", card, flags=re.MULTILINE)
    assert len(blocks) == 2
    for block in blocks:
        code, names = inspect.cleandoc(block), {}
        exec(code.replace("PATH OF THIS FOLDER", str(cosine_folder)), names)
        assert len(names["images"]) == 16
