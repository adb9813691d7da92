"""Training: the loop is DDPM's, chance comes from the seed, and a run is whole or not there."""

import dataclasses
import filecmp
import json
import math
import shutil
import sys

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import nn

from ddpm_course import training
from ddpm_course.checks import BadInput, BadType, BadValue
from ddpm_course.data import batch_order, load_data, random_stream
from ddpm_course.forward import q_sample
from ddpm_course.prediction import Denoiser
from ddpm_course.profiles import load_profile
from ddpm_course.training import (
    batches,
    begin,
    build_model,
    build_schedule,
    draw,
    ema_decay,
    find_device,
    learning_rate,
    load_images,
    load_run,
    network_of,
    read_losses,
    sample,
    sample_labels,
    sampling_steps,
    start_processes,
    train,
    training_loop,
    update_ema,
)

CPU = torch.device("cpu")
TINY = dataclasses.replace(
    load_profile("smoke"),
    num_train_timesteps=8,
    sampling_steps=8,
    model_channels=8,
    num_steps=6,
    batch_size=8,
    num_samples=4,
    log_every=4,
    warmup_steps=4,
)
UNCONDITIONAL = dataclasses.replace(TINY, num_classes=0)


def loop(profile, seed=0, first=1, state=None, rank=0, processes=1):
    images = load_images(profile)
    state = state or begin(profile, 1, seed, CPU)
    shares = batches(profile, images, seed, first, CPU, rank, processes)
    schedule = build_schedule(profile, CPU)
    return training_loop(profile, schedule, state, shares, start_processes(profile))


def weights(model):
    return torch.cat([parameter.detach().flatten() for parameter in model.parameters()])


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A finished run. Tests that break one work on a copy."""
    return train(TINY, 3, tmp_path_factory.mktemp("runs") / "tiny")


@pytest.fixture
def broken(run, tmp_path):
    return shutil.copytree(run, tmp_path / "broken")


@pytest.mark.parametrize("num_classes", [0, 10])
def test_the_loop_is_algorithm_1_written_out(num_classes):
    """Six steps by hand, with torch's plain optimiser: the same weights and the same average."""
    profile = dataclasses.replace(TINY, weight_decay=0.1, grad_clip=0.5, num_classes=num_classes)
    schedule, (images, labels) = build_schedule(profile, CPU), load_data("digits")
    model = build_model(profile, 1, random_stream(5, "weights"))
    average = weights(model)
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=0.1, foreach=False)
    for step, index in zip(range(1, 7), batch_order(len(images), 8, 5)):
        stream = random_stream(5, "step", step)
        t = torch.randint(1, 9, (8,), generator=stream)
        noise = torch.randn(8, 1, 8, 8, generator=stream)
        known = labels[index] if num_classes else None
        guess = model(q_sample(schedule, images[index], t, noise=noise), t, known)
        optimizer.zero_grad()
        ((guess - noise) ** 2).mean().backward()
        length = math.sqrt(sum(float(p.grad.square().sum()) for p in model.parameters()))
        for p in model.parameters():
            p.grad *= min(1.0, 0.5 / length)
        optimizer.param_groups[0]["lr"] = 2e-3 * min(1, step / 4)
        optimizer.step()
        kept = min(0.9, (1 + step) / (10 + step))
        average = kept * average + (1 - kept) * weights(model)
    *_, state = loop(profile, seed=5)
    assert state.step == 6
    assert torch.allclose(weights(state.model), weights(model), atol=1e-5)
    assert torch.allclose(weights(state.ema), average, atol=1e-5)


def test_it_learns():
    losses = [float(state.loss) for state in loop(dataclasses.replace(TINY, num_steps=80))]
    assert 0.8 < losses[0] < 1.2 and sum(losses[-20:]) / 20 < 0.6


@pytest.mark.parametrize(
    "changes",
    [
        dict(prediction_type="v_prediction"),
        dict(prediction_type="sample", weighting="bound"),
        dict(weighting="min_snr"),
        dict(schedule="sigmoid"),
        dict(precision="bf16"),
        dict(num_classes=0),
    ],
)
def test_every_kind_of_run_takes_steps(changes):
    *_, state = loop(dataclasses.replace(TINY, **changes))
    assert state.step == 6 and state.loss.isfinite() and state.loss.dtype == torch.float32
    assert all(p.dtype == torch.float32 for p in state.model.parameters())


def same(one, other):
    return all(
        (a is None and b is None) or torch.equal(a, b) for a, b in zip(one, other, strict=True)
    )


@pytest.mark.parametrize("parts", [2, 4])
def test_parts_of_a_batch_train_what_the_whole_trains(parts):
    profile = dataclasses.replace(TINY, grad_clip=0.5, flip=True, label_dropout=0.5, dropout=0.2)
    *_, whole = loop(profile)
    *_, split = loop(dataclasses.replace(profile, accumulate=parts))
    assert torch.allclose(weights(whole.model), weights(split.model), atol=1e-5)
    assert float(whole.loss) == pytest.approx(float(split.loss), rel=1e-5)
    assert float(whole.grad_norm) == pytest.approx(float(split.grad_norm), rel=1e-4)


def test_what_is_drawn_for_a_step():
    profile = dataclasses.replace(TINY, batch_size=400, flip=True, label_dropout=0.3, dropout=0.1)
    images, index = load_images(profile), next(batch_order(898, 400, 0))
    batch, plain = (
        next(batches(p, images, 0, 1, CPU))
        for p in (profile, dataclasses.replace(profile, flip=False, label_dropout=0.0, dropout=0.0))
    )
    assert torch.equal(plain.x0, images.floats()[index]) and torch.equal(
        plain.labels, images.labels[index]
    )
    assert (
        plain.keys is None
        and torch.equal(plain.noise, batch.noise)
        and torch.equal(plain.t, batch.t)
    )
    mirrored = (batch.x0 == plain.x0.flip(-1)).flatten(1).all(1)
    assert (
        (batch.x0 == plain.x0).flatten(1).all(1) | mirrored
    ).all() and 150 < mirrored.sum() < 250
    untold = batch.labels == -1
    assert torch.equal(batch.labels[~untold], plain.labels[~untold]) and 80 < untold.sum() < 160
    assert len(batch.keys.unique()) == 400 and set(batch.t.tolist()) == set(range(1, 9))
    later = next(batches(profile, images, 0, 2, CPU))
    assert not any(torch.equal(a, b) for a, b in zip(batch, later))


def test_a_set_that_does_not_fit_streams_the_same_batches(monkeypatch):
    images, found = load_images(TINY), {}
    for fits in (True, False):
        monkeypatch.setattr(training, "fits", lambda *_, answer=fits: answer)
        found[fits] = [batch for _, batch in zip(range(5), batches(TINY, images, 0, 110, CPU))]
    assert all(map(same, found[True], found[False]))


def test_pictures_in_a_folder_train(tmp_path):
    for name, start in (("dark", 0), ("light", 120)):
        for number in range(12):
            path = tmp_path / "pictures" / name / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.effect_noise((20, 16), start + number).convert("L").save(path)
    profile = dataclasses.replace(
        TINY,
        data="folder",
        data_dir=str(tmp_path / "pictures"),
        image_size=8,
        num_classes=2,
        num_steps=3,
    )
    run = train(profile, 0, tmp_path / "run")
    assert draw(run, 2, 0, "cpu").shape == (2, 1, 8, 8)


def test_channels_last_is_the_same_network(tmp_path):
    profile = dataclasses.replace(TINY, channels_last=True)
    *_, plain = loop(TINY)
    *_, last = loop(profile)
    assert torch.allclose(weights(plain.model), weights(last.model), atol=1e-5)
    wide = last.model.middle[0].residual.conv1.weight
    assert wide.is_contiguous(memory_format=torch.channels_last) and not wide.is_contiguous()
    stored = load_file(train(profile, 0, tmp_path / "run") / "model.safetensors")
    assert torch.equal(stored["middle.0.residual.conv1.weight"], wide)


@pytest.mark.slow
def test_the_gpu_profile_trains_and_samples_on_a_cpu(tmp_path):
    profile = dataclasses.replace(
        load_profile("gpu"),
        device="cpu",
        threads=1,
        compile=False,
        batch_size=4,
        num_steps=2,
        num_samples=1,
        sampling_steps=2,
        log_every=1,
        checkpoint_every=0,
    )
    _, _, model = load_run(train(profile, 0, tmp_path / "run"), device="cpu")
    assert sum(weight.numel() for weight in model.parameters()) == 35_746_307
    lines = (tmp_path / "run/metrics.jsonl").read_text().splitlines()
    assert [0.8 < json.loads(line)["loss"] < 1.2 for line in lines] == [True, True]


@pytest.mark.slow
def test_compiled_is_the_same_network():
    if not shutil.which("c++"):
        pytest.skip("torch.compile needs a C++ compiler")
    profile = dataclasses.replace(TINY, dropout=0.3, num_steps=3)
    *_, plain = loop(profile)
    *_, compiled = loop(dataclasses.replace(profile, compile=True))
    assert torch.allclose(weights(plain.model), weights(compiled.model), atol=1e-5)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_no_step_waits_for_the_gpu():
    profile = dataclasses.replace(TINY, device="cuda", num_steps=20, accumulate=2, dropout=0.1)
    images, device = load_images(profile), torch.device("cuda")
    state = begin(profile, 1, 0, device)
    states = training_loop(
        profile,
        build_schedule(profile, device),
        state,
        batches(profile, images, 0, 1, device),
        start_processes(profile),
    )
    next(states)  # the images go to the device
    torch.cuda.set_sync_debug_mode("error")
    try:
        assert [state.step for state in states] == list(range(2, 21))
    finally:
        torch.cuda.set_sync_debug_mode("default")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_step_on_the_gpu_is_the_step_on_the_cpu():
    schedule, images = build_schedule(TINY, CPU), load_images(TINY)
    batch, found = next(batches(TINY, images, 0, 1, CPU)), []
    for device in (CPU, torch.device("cuda")):
        model = begin(TINY, 1, 0, device).model
        x0, t, noise, labels = (part.to(device) for part in batch[:4])
        denoiser = Denoiser(schedule.to(device), network_of(model, "fp32", labels))
        loss = training.training_loss(denoiser, x0, t, noise)
        loss.backward()
        found.append(
            torch.cat(
                [loss.detach().cpu()[None], *(p.grad.flatten().cpu() for p in model.parameters())]
            )
        )
    torch.testing.assert_close(*found, atol=1e-4, rtol=1e-3)


def test_metrics_for_tensorboard(tmp_path):
    reader = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    run = train(dataclasses.replace(TINY, tensorboard=True), 3, tmp_path / "run")
    events = reader.EventAccumulator(str(run / "tensorboard")).Reload()
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    found = events.Scalars("loss")
    assert [event.step for event in found] == [line["step"] for line in lines]
    assert [event.value for event in found] == pytest.approx([line["loss"] for line in lines])


def test_tensorboard_that_is_not_installed_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(BadValue, match="tensorboard: got yes, and it is not installed"):
        train(dataclasses.replace(TINY, tensorboard=True), 3, tmp_path / "run")


def test_threads_are_the_profiles_and_given_back(monkeypatch):
    before, seen = torch.get_num_threads(), []
    with training.arithmetic(3, True):
        seen.append((torch.get_num_threads(), torch.get_float32_matmul_precision()))
    with training.arithmetic(0, False):
        seen.append((torch.get_num_threads(), torch.get_float32_matmul_precision()))
    assert seen == [(3, "high"), (before, "highest")] and torch.get_num_threads() == before


def test_a_compiled_network_keeps_its_names():
    plain, compiled = (
        begin(dataclasses.replace(TINY, compile=compile), 1, 0, CPU) for compile in (False, True)
    )
    for part, tensors in plain.tensors().items():
        assert list(compiled.tensors()[part]) == list(tensors)
    assert compiled.model._compiled_call_impl and not compiled.ema._compiled_call_impl


def test_only_the_network_is_under_autocast():
    seen = []

    def model(x, t, labels, keys):
        seen.append((x.dtype, labels, torch.is_autocast_enabled("cpu")))
        return x

    x, t = torch.randn(2, 1, 8, 8), torch.tensor([1, 2])
    for precision, labels in (("fp32", None), ("bf16", t)):
        network_of(model, precision, labels)(x, t)
    assert seen == [(torch.float32, None, False), (torch.float32, t, True)]
    assert not torch.is_autocast_enabled("cpu")


def test_warm_ups():
    profile = dataclasses.replace(TINY, learning_rate=0.5, warmup_steps=4)
    assert [learning_rate(profile, step) for step in (1, 2, 4, 5, 99)] == [
        0.125,
        0.25,
        0.5,
        0.5,
        0.5,
    ]
    assert learning_rate(dataclasses.replace(profile, warmup_steps=0), 1) == 0.5
    assert [ema_decay(step, 0.99) for step in (1, 8, 10**6)] == [2 / 11, 0.5, 0.99]
    assert ema_decay(1, 0.0) == 0.0


def test_the_average_is_over_parameters_only():
    average, current = nn.BatchNorm1d(3), nn.BatchNorm1d(3)
    nn.init.constant_(current.weight, 3.0)
    current.running_mean += 5
    update_ema(average, current, 0.75)
    assert torch.equal(average.weight, torch.full((3,), 1.5))
    assert not average.running_mean.any()


def test_devices():
    assert find_device("cpu") == CPU
    for name in {"cuda": torch.cuda, "mps": torch.backends.mps}.items():
        if not name[1].is_available():
            with pytest.raises(BadValue, match=f"device: got '{name[0]}'.*device = auto"):
                find_device(name[0])
    with pytest.raises(BadValue, match="tpu"):
        find_device("tpu")


def test_a_missing_device_stops_before_anything_is_written(tmp_path):
    if torch.cuda.is_available():
        pytest.skip("there is a CUDA device")
    with pytest.raises(BadValue, match="cuda"):
        train(dataclasses.replace(TINY, device="cuda"), 0, tmp_path / "run")
    assert not list(tmp_path.iterdir())


def test_a_run_leaves_all_its_files(run):
    assert {file.name for file in run.iterdir()} == {
        "config.json",
        "metrics.jsonl",
        "model.safetensors",
        "ema.safetensors",
        "samples.png",
        "denoising.png",
        "loss.png",
    }
    assert not run.with_name("tiny.unfinished").exists()
    config = json.loads((run / "config.json").read_text())
    assert config["seed"] == 3 and config["threads"] == torch.get_num_threads()
    assert config["versions"]["torch"] == torch.__version__ and config["device"] == "cpu"
    assert config["profile"] == json.loads(json.dumps(dataclasses.asdict(TINY)))
    assert Image.open(run / "samples.png").size == (2 * 9 * 4, 2 * 9 * 4)
    assert Image.open(run / "denoising.png").size == (9 * 9 * 4, 4 * 9 * 4)


def test_metrics_are_json_lines(run):
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [4, 6]
    assert all(math.isfinite(value) for line in lines for value in line.values())
    losses = [float(state.loss) for state in loop(TINY, seed=3)]
    assert lines[0]["loss"] == pytest.approx(sum(losses[:4]) / 4)
    assert lines[1]["loss"] == pytest.approx(sum(losses[4:]) / 2)


def test_one_seed_gives_one_run(run, tmp_path):
    torch.manual_seed(99)  # must not matter
    again, other = train(TINY, 3, tmp_path / "again"), train(TINY, 4, tmp_path / "other")
    for name in ("model.safetensors", "ema.safetensors", "samples.png", "denoising.png"):
        assert filecmp.cmp(again / name, run / name, shallow=False)
        assert not filecmp.cmp(other / name, run / name, shallow=False)


def test_dropout_follows_the_seed_and_the_global_generator_is_given_back(tmp_path):
    profile, found, next_draws = dataclasses.replace(TINY, dropout=0.5), [], []
    for global_seed in (1, 2):
        torch.manual_seed(global_seed)
        run = train(profile, 0, tmp_path / str(global_seed))
        next_draws.append(torch.rand(1))
        found.append((run / "model.safetensors").read_bytes())
    assert found[0] == found[1] and next_draws[0] != next_draws[1]


def test_a_loaded_run_has_the_averaged_weights(run):
    profile, schedule, model = load_run(run, device="cpu")
    assert profile == TINY and schedule.num_train_timesteps == 8 and not model.training
    *_, state = loop(TINY, seed=3)
    assert torch.equal(weights(model), weights(state.ema))
    raw = load_file(run / "model.safetensors")
    assert all(torch.equal(raw[name], value) for name, value in state.model.state_dict().items())


def test_sampling_a_run_again_gives_its_samples(run, tmp_path):
    path, images = sample(run, 4, 3, tmp_path / "again.png", device="cpu")
    assert filecmp.cmp(path, run / "samples.png", shallow=False)
    assert images.shape == (4, 1, 8, 8) and images.abs().max() <= 1
    other, _ = sample(run, 4, 4, tmp_path / "other.png", device="cpu")
    assert other.read_bytes() != path.read_bytes()


def test_another_sampler_starts_from_the_same_noise_and_names_its_file(broken):
    path, own = sample(broken, 3, 3, device="cpu", eta=0.0)
    assert path.name == "samples-3-seed-3-eta-0.0.png"
    path, short = sample(broken, 3, 3, device="cpu", label=2, sampling_steps=2, spacing="linspace")
    assert path.name == "samples-3-seed-3-label-2-sampling_steps-2-spacing-linspace.png"
    assert not torch.allclose(own, short, atol=1e-3)
    profile, schedule, model = load_run(broken, "cpu")
    starts = [
        next(
            sampling_steps(
                dataclasses.replace(profile, **changes), schedule, model, (3, 1, 8, 8), 3, CPU
            )
        )[1]
        for changes in ({}, dict(sampling_steps=2, eta=1.0))
    ]
    assert torch.equal(*starts)


@pytest.mark.parametrize("eta", [0.0, 1.0])
def test_a_sample_depends_on_its_number_and_the_seed_alone(run, monkeypatch, eta):
    whole = draw(run, 23, 7, "cpu", eta=eta)
    monkeypatch.setattr(training, "SAMPLING_BATCH", 10)
    assert torch.allclose(draw(run, 23, 7, "cpu", eta=eta), whole, atol=1e-5)
    assert torch.allclose(draw(run, 5, 7, "cpu", eta=eta), whole[:5], atol=1e-5)
    assert not torch.allclose(draw(run, 5, 8, "cpu", eta=eta), whole[:5], atol=1e-2)


def test_classes_take_turns_unless_one_is_chosen():
    model = build_model(TINY, 1)
    assert sample_labels(model, range(8, 13)).tolist() == [8, 9, 0, 1, 2]
    assert sample_labels(model, range(3), label=7).tolist() == [7, 7, 7]
    for label, kind in ((10, BadValue), (-1, BadValue), (1.5, BadType)):
        with pytest.raises(kind, match="label"):
            sample_labels(model, range(3), label)
    unconditional = build_model(UNCONDITIONAL, 1)
    assert sample_labels(unconditional, range(3)) is None
    with pytest.raises(BadValue, match="trained without classes"):
        sample_labels(unconditional, range(3), 1)


@pytest.mark.parametrize(
    "sampler, said",
    [
        (dict(sampling_steps=9), "sampling_steps: got 9"),
        (dict(sampling_steps=0), "sampling_steps"),
        (dict(eta=1.5), "eta: got 1.5"),
        (dict(spacing="trailling"), "write 'trailing'"),
        (dict(label=10), "label: got 10"),
        (dict(steps=5), "got 'steps', expected one of 'sampling_steps'"),
        (dict(num_train_timesteps=20), "option of the sampler"),
        (dict(schedule="linear"), "schedule"),
    ],
)
def test_a_sampler_that_does_not_fit_writes_nothing(broken, sampler, said):
    before = sorted(broken.iterdir())
    with pytest.raises(BadInput, match=said):
        sample(broken, 2, 0, device="cpu", **sampler)
    assert sorted(broken.iterdir()) == before


def test_the_network_sees_the_training_half_only(monkeypatch, tmp_path):
    seen = set()

    images, _ = load_data("digits", "train")
    real_loss = training.training_loss

    def loss(denoiser, x0, *rest):
        seen.update(image.numpy().tobytes() for image in x0)
        return real_loss(denoiser, x0, *rest)

    monkeypatch.setattr(training, "training_loss", loss)
    train(dataclasses.replace(TINY, num_steps=112), 0, tmp_path / "run")
    assert len(seen) > 800 and seen <= {image.numpy().tobytes() for image in images}


def test_samples_are_never_overwritten(broken):
    path, _ = sample(broken, 2, 0, device="cpu")
    before = path.read_bytes()
    assert path == broken / "samples-2-seed-0.png"
    with pytest.raises(BadValue, match="samples-2-seed-0.png, which exists"):
        sample(broken, 2, 0, device="cpu")
    with pytest.raises(BadValue, match="samples.png, which exists"):
        sample(broken, 2, 0, broken / "samples.png", device="cpu")
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "num, seed", [(0, 0), (-1, 0), (2.5, 0), (True, 0), (1, -1), (1, 2**64), (1, 0.5)]
)
def test_sample_refuses(run, num, seed):
    with pytest.raises(BadInput, match="num|seed"):
        sample(run, num, seed)


@pytest.mark.parametrize("name", ["taken", "taken.unfinished"])
def test_a_folder_that_exists_is_not_touched(tmp_path, name):
    (tmp_path / name).mkdir()
    (tmp_path / name / "mine").write_text("precious")
    with pytest.raises(BadValue, match=f"{name}, which exists"):
        train(TINY, 0, tmp_path / "taken")
    assert [str(p.relative_to(tmp_path)) for p in sorted(tmp_path.rglob("*"))] == [
        name,
        f"{name}/mine",
    ]


def test_a_loss_that_is_not_finite_stops_the_run(tmp_path):
    with pytest.raises(BadValue, match=r"(loss|gradient) at step \d: got (nan|inf).*learning_rate"):
        train(dataclasses.replace(TINY, learning_rate=1e30), 0, tmp_path / "run")
    left = {file.name for file in (tmp_path / "run.unfinished").iterdir()}
    assert not (tmp_path / "run").exists() and left == {"config.json", "metrics.jsonl", "lock"}


def test_the_first_bad_loss_is_named():
    rows = [torch.tensor(row) for row in ((1.0, 2.0), (math.inf, 2.0), (math.nan, math.nan))]
    one = start_processes(TINY)
    with pytest.raises(BadValue, match="loss at step 9: got inf"):
        read_losses(rows, 10, one)
    with pytest.raises(BadValue, match="gradient at step 5: got nan"):
        read_losses([torch.tensor([1.0, math.nan])], 5, one)
    assert read_losses(rows[:1], 1, one) == [1.0]


@pytest.mark.parametrize(
    "changes, said",
    [
        (dict(batch_size=899), "899 for a data set of 898"),
        (dict(model_channels=6), "multiple of 4"),
        (dict(num_classes=11), "num_classes: got 11, expected 10"),
        (dict(image_size=9), "image_size: got images of 9×9 pixels, expected a multiple of 2"),
        (dict(channel_multipliers=(1, 1, 1, 1), image_size=28), "set image_size = 32"),
    ],
)
def test_a_profile_that_does_not_fit_writes_nothing(tmp_path, changes, said):
    with pytest.raises(BadValue, match=said):
        train(dataclasses.replace(TINY, **changes), 0, tmp_path / "run")
    assert not list(tmp_path.iterdir())


def test_train_refuses_a_bad_seed(tmp_path):
    for seed, kind in ((-1, BadValue), (2**64, BadValue), (0.5, BadType)):
        with pytest.raises(kind, match="train: seed"):
            train(TINY, seed, tmp_path / "run")


def lengthen(path):
    path.write_bytes(path.read_bytes() + b"more")


def change(path, **values):
    config = json.loads(path.read_text())
    config["profile"].update(values)
    path.write_text(json.dumps(config))


def drop_one(path):
    save_file(dict(list(load_file(path).items())[1:]), path)


DAMAGE = {
    "ema.safetensors": [
        (lambda path: path.unlink(), "No such file"),
        (lengthen, "SafetensorError"),
        (lambda path: path.write_bytes(b""), "SafetensorError"),
        (drop_one, "no such tensor"),
    ],
    "config.json": [
        (lambda path: path.unlink(), "No such file"),
        (lambda path: path.write_text("{"), "JSONDecodeError"),
        (lambda path: path.write_text("[]"), "TypeError"),
        (lambda path: path.write_text("{}"), "KeyError"),
        (lambda path: path.write_bytes(b"\xff\xfe"), "UnicodeDecodeError"),
        (lambda path: change(path, num_steps=-1), "num_steps: got -1"),
        (lambda path: change(path, schedule="lineal"), "'lineal'"),
        (lambda path: change(path, unknown=1), "unknown"),
    ],
}


@pytest.mark.parametrize(
    "name, damage, said",
    [(name, damage, said) for name, cases in DAMAGE.items() for damage, said in cases],
)
def test_a_broken_run_is_refused(broken, name, damage, said):
    damage(broken / name)
    before = sorted(broken.iterdir())
    with pytest.raises(BadInput, match=said) as error:
        sample(broken, 1, 0)
    assert str(broken / name) in str(error.value) and "To fix it" in str(error.value)
    assert sorted(broken.iterdir()) == before


def test_no_run_at_all(tmp_path):
    with pytest.raises(BadValue, match="config.json.*finished run"):
        load_run(tmp_path / "nothing")
