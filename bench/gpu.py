"""Everything that is to be measured on one GPU, in at most nine minutes.

First the CUDA tests, and one step of training and of sampling beside the CPU's. Then how fast the
card multiplies matrices, and how fast the `gpu` profile's network trains and samples; a run of
four minutes on glyphs32 with its distance; and, in the time that is left, the same network in
diffusers, where that is installed, the profiler's table, and the other variants of training.
Translating a network takes most of a minute, so that one call does not come to all of them: a
second one, with --parts, adds to what the first one has written. That is written after each part,
so that a run that is cut keeps what it has: gpu.md, gpu.json, pictures, and gpu.log with what the
tests and the failures said. It asks for torch, torchvision, numpy, scikit-learn, matplotlib,
jaxtyping, safetensors, tqdm and torchmetrics, and for pytest, if the tests are to run. From the top
of the repository, in an environment or a bare checkout:

    python bench/gpu.py                                   # writes bench/gpu.md and its pictures
    python bench/gpu.py --parts profile diffusers variants --minutes 4    # adds these to it
    python bench/gpu.py --device cpu --tiny --out TMP     # the same path in two minutes, anywhere
"""

import time

START = time.monotonic()  # the libraries take some of the nine minutes, too

# ruff: noqa: E402
import argparse
import contextlib
import copy
import dataclasses
import functools
import gc
import importlib.util
import itertools
import json
import platform
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # a bare checkout is enough

import torch
import torchvision
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from ddpm_course.data import ImageSet, random_stream
from ddpm_course.data.sets import BUILT_IN
from ddpm_course.prediction import training_loss
from ddpm_course.runs.diffusers_settings import unet_config
from ddpm_course.runs.diffusers_weights import to_diffusers
from ddpm_course.runs.drawing import draw_batches
from ddpm_course.runs.evaluation import evaluate, format_table
from ddpm_course.runs.files import write_file
from ddpm_course.runs.images import load_images
from ddpm_course.runs.loop import (
    Batch,
    batches,
    build_denoiser,
    build_model,
    build_schedule,
    initial_state,
    training_loop,
)
from ddpm_course.runs.measures import load_reference
from ddpm_course.runs.processes import Processes, computing
from ddpm_course.runs.profiles import Profile, load_profile
from ddpm_course.runs.training import train
from ddpm_course.sampling import Sampler
from ddpm_course.unet import UNet

MINUTES = 9.0
TINY = {
    "model_channels": 8,
    "channel_multipliers": (1, 2),
    "num_blocks": 1,
    "attention_levels": (1,),
    "batch_size": 8,
    "num_train_timesteps": 50,
    "sampling_steps": 4,
    "num_samples": 4,
    "compile": False,
}
# A run of minutes learns faster, and averages over fewer steps, than the hours of the profile. Its
# batch is the profile's, whose step has been timed by then.
SHORT_RUN = {
    "warmup_steps": 500,
    "learning_rate": 4e-4,
    "ema_decay": 0.999,
    "sampling_steps": 50,
    "eta": 0.0,
}
PLAIN = {"precision": "fp32", "tf32": False, "compile": False, "channels_last": False}
ITSELF = "bf16, compiled, channels last"  # the profile as it is
# What matters most comes first: the rows of the first part, then those that follow the run.
VARIANTS: dict[str, dict[str, Any]] = {
    "fp32": PLAIN,
    ITSELF: {},
    "bf16, channels last": {"compile": False},
    "bf16": {"compile": False, "channels_last": False},
    "TF32": PLAIN | {"tf32": True},
    "bf16, compiled": {"channels_last": False},
}
SIZES = 128, 512, 2048
SEED = 0
# The most that a card's numbers may differ from the CPU's, relative to them. A walk begins at x_T,
# where an error of the noise becomes one of the image that is 157 times as large.
AGREE = {"outputs": 1e-3, "gradients": 1e-3, "samples": 1e-2}
RUN, REST = 240.0, 75.0  # seconds of the run's training, and of what follows it
# Seconds that must be left to begin with a variant, and with a part; a network is translated in
# half of the former.
EAGER, TRANSLATED = 15.0, 75.0
LEAST = {
    "sampling": TRANSLATED,
    "run": 30.0 + TRANSLATED / 2 + REST,
    "diffusers": 2 * TRANSLATED,
    "profile": 20.0,
}
NO_TIME = "no time was left"
GOALS = {
    "sampling": "15,059 evaluations/s, as DDPM on a TPU v3-8 (Ho et al. 2020, appendix B)",
    "diffusers": "half of the time of a step of diffusers, which is eager, by ours, compiled",
    "training": "2,688 images/s, as DDPM there; then 5,300 in bfloat16, a fifth of the dense rate of an H200, and "
    "8,800; five times eager fp32. The 100,000 steps of `gpu` in 45 minutes are 4,741",
}


@dataclasses.dataclass
class Bench:
    """What is measured, where it is written, and how much time is left for it."""

    device: torch.device
    profile: Profile
    out: Path
    tiny: bool
    end: float = dataclasses.field(default=0.0)
    parts: dict[str, Any] = dataclasses.field(default_factory=dict)
    commands: list[str] = dataclasses.field(default_factory=list)

    @functools.cached_property
    def images(self) -> ImageSet:
        return load_images(self.profile)

    @property
    def left(self) -> float:
        """Seconds."""
        return self.end - time.monotonic()

    def wait(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def seconds(self, action: Callable[[], object], least: float = 2.0) -> float:
        """Of one action: the mean over at least three, and over `least` seconds, after two more."""
        for _ in range(2):
            action()
        self.wait()
        start, count = time.perf_counter(), 0
        while count < 3 or time.perf_counter() - start < (0 if self.tiny else least):
            action()
            count += 1
            if count % 3 == 0:
                self.wait()
        self.wait()
        return (time.perf_counter() - start) / count

    def forget(self) -> None:
        """Give back what the last measurement has taken."""
        torch.compiler.reset()
        gc.collect()
        if self.device.type == "cuda":
            torch.cuda.empty_cache()

    def log(self, text: str) -> None:
        """Add to gpu.log."""
        with (self.out / "gpu.log").open("a") as file:
            file.write(text + "\n")

    def write(self) -> None:
        facts = {
            "machine": machine(self.device),
            "commands": self.commands,
            "tiny": self.tiny,
            **self.parts,
        }
        write_file(self.out / "gpu.json", (json.dumps(facts, indent=2) + "\n").encode())
        write_file(self.out / "gpu.md", report(facts).encode())


@functools.cache
def machine(device: torch.device) -> dict[str, str]:
    """What the figures are figures of."""
    cuda = device.type == "cuda"
    return {
        "device": torch.cuda.get_device_name(device) if cuda else f"CPU ({platform.machine()})",
        "torch": torch.__version__,
        "cuda": str(torch.version.cuda) if cuda else "none",
        "driver": said_by("nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"),
        "torchvision": torchvision.__version__,
        "python": platform.python_version(),
        "commit": said_by("git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"),
        "seed": str(SEED),
        "day": time.strftime("%Y-%m-%d"),
    }


def said_by(*command: str) -> str:
    """What a command prints; "unknown" where it is not there, or fails."""
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        done = subprocess.run(command, capture_output=True, text=True, timeout=10)
        return done.stdout.strip() or "unknown"
    return "unknown"


# --- (a) the same numbers as on the CPU ----------------------------------------------------------


def cuda_tests(bench: Bench) -> dict[str, Any]:
    """The tests that need a card, by pytest."""
    if bench.device.type != "cuda" or importlib.util.find_spec("pytest") is None:
        return {"skipped": "they need a card, and pytest"}
    command = [sys.executable, "-m", "pytest", "-q", "--noconftest", "tests/test_cuda.py"]
    kept = subprocess.PIPE
    try:
        done = subprocess.run(
            command, cwd=ROOT, stdout=kept, stderr=subprocess.STDOUT, text=True, timeout=90
        )
    except subprocess.TimeoutExpired as error:
        bench.log(str(error.stdout))
        raise
    bench.log(done.stdout)
    lines = [line for line in done.stdout.splitlines() if " in " in line and line[:1].isdigit()]
    said = (lines or ["nothing"])[-1]  # such as "3 passed in 9.81s"
    passed = done.returncode == 0 and "passed" in said and "skipped" not in said
    return {"said": said} | ({} if passed else {"failed": "see gpu.log"})


def against_the_cpu(bench: Bench) -> dict[str, Any]:
    """How far outputs, gradients and a sample are from the CPU's, relative to these.

    The norm of a difference over that of the numbers; of the gradients the largest of all weights'.
    """
    profile = dataclasses.replace(bench.profile, **PLAIN, dropout=0.0, batch_size=4)
    images, cpu = bench.images, torch.device("cpu")
    batch = next(batches(profile, images, SEED, 1, Processes(cpu)))
    start = torch.randn(4, *images.image_shape, generator=random_stream(0, "start"))
    found: dict[str, list[list[Tensor]]] = {name: [] for name in AGREE}
    with computing(0, tf32=False):
        for device in (cpu, bench.device):
            model = awake(initial_state(profile, images.image_shape[0], 0, cpu).model).to(device)
            x0, t, noise, labels = moved(batch, device)
            denoiser = build_denoiser(profile, build_schedule(profile, device), model, labels)
            training_loss(denoiser, x0, t, noise).backward()
            with torch.no_grad():
                found["outputs"].append([model(x0, t, labels)])
            found["gradients"].append([p.grad for p in model.parameters() if p.grad is not None])
            sampler = Sampler(steps=5, spacing="linspace", clip_sample=True)
            options = {"x_T": start.to(device), "device": device}
            found["samples"].append([sampler.sample(denoiser, start.shape, **options)])
    gaps = {
        name: float(apart(here, there).max())  # of a tensor, it hands nan on
        for name, (here, there) in found.items()
    }
    wrong = [f"{name} {gap:.2g}" for name, gap in gaps.items() if not gap <= AGREE[name]]
    return gaps | ({"failed": f"too far from the CPU's: {', '.join(wrong)}"} if wrong else {})


def apart(here: list[Tensor], there: list[Tensor]) -> Tensor:
    """The norm of each difference, relative to that of the CPU's."""
    pairs = zip(here, there, strict=True)
    return torch.stack([(b.cpu() - a).norm() / a.norm() for a, b in pairs])


def awake(model: UNet) -> UNet:
    """The network with all weights a little moved: a new one answers 0, whatever is inside."""
    stream = random_stream(SEED, "awake")
    with torch.no_grad():
        for weight in model.parameters():
            weight += 0.02 * torch.randn(weight.shape, generator=stream)
    return model


def moved(batch: Batch, device: torch.device) -> Batch:
    return Batch._make(None if part is None else part.to(device) for part in batch)


# --- (b) what the card can do --------------------------------------------------------------------


def matrix_rate(bench: Bench) -> dict[str, Any]:
    """FLOP a second of a product of two square bfloat16 matrices; FLOP of a training step."""
    side = 256 if bench.tiny else 8192
    a, b = torch.randn(2, side, side, device=bench.device, dtype=torch.bfloat16)
    rate = 2 * side**3 / bench.seconds(lambda: a @ b)
    profile = dataclasses.replace(bench.profile, compile=False, num_classes=0)
    model = build_model(profile, 3).to(bench.device)
    x, t = torch.randn(1, 3, 32, 32), torch.ones(1, dtype=torch.long)
    with FlopCounterMode(display=False) as counter:
        model(x.to(bench.device), t.to(bench.device)).sum().backward()
    step = counter.get_total_flops()
    return {
        "tflops": rate / 1e12,
        "gflop_per_image": step / 1e9,
        "images_per_s_at_that_rate": rate / step,
    }


# --- (c) training --------------------------------------------------------------------------------


def steps_of(bench: Bench, profile: Profile) -> Callable[[], object]:
    """Steps of the package's own loop, on one batch that lies on the device."""
    processes = Processes(bench.device)
    state = initial_state(profile, 3, 0, bench.device)
    batch = next(batches(profile, bench.images, SEED, 1, processes))
    schedule = build_schedule(profile, bench.device)
    profile = dataclasses.replace(profile, num_steps=10**8)
    return training_loop(profile, schedule, state, itertools.repeat(batch), 0, processes).__next__


def training_rates(bench: Bench, most: int = 10**9) -> Iterator[dict[str, Any]]:
    """Images a second by variant and batch, so many of them; after each what is known so far.

    What has a figure is not measured again. For lack of time the others are left out.
    """
    known = bench.parts.get("training", {})
    found: dict[str, Any] = {name: row for name, row in known.items() if name in VARIANTS}
    sizes = (4, 8) if bench.tiny else SIZES
    rows = [
        (size, name)
        for size, name in itertools.product(sizes, VARIANTS)
        if not isinstance(found.get(name, {}).get(str(size)), float)
    ]
    left_out = []
    for size, name in rows[:most]:
        profile = dataclasses.replace(bench.profile, **VARIANTS[name], batch_size=size)
        if bench.tiny:
            profile = dataclasses.replace(profile, compile=False)
        if bench.left < (TRANSLATED if profile.compile else EAGER):
            left_out.append(f"{name} with {size}")
            continue
        with computing(profile.threads, profile.tf32):
            try:
                rate: Any = size / bench.seconds(steps_of(bench, profile))
            except Exception as error:  # no memory, no compiler: the others are measured
                bench.log(traceback.format_exc())
                rate = type(error).__name__
                if size == sizes[0]:
                    found["failed"] = f"{name}, see gpu.log"
        found.setdefault(name, {})[str(size)] = rate
        bench.forget()
        yield found
    if left_out:
        again = "to add it: python bench/gpu.py --parts variants"
        print(f"{', '.join(left_out)}: {NO_TIME}; {again}", flush=True)
    if not found:
        yield {"skipped": NO_TIME}


def where_the_time_goes(bench: Bench) -> dict[str, Any]:
    """The profiler's table of five steps, as text."""
    from torch.profiler import ProfilerActivity, profile

    changed = dataclasses.replace(bench.profile, compile=False)
    with computing(changed.threads, changed.tf32):
        step = steps_of(bench, changed)
        step()
        bench.wait()
        kinds = [ProfilerActivity.CPU]
        kinds += [ProfilerActivity.CUDA] if bench.device.type == "cuda" else []
        with profile(activities=kinds) as found:
            for _ in range(5):
                step()
            bench.wait()
    by = "self_cuda_time_total" if bench.device.type == "cuda" else "self_cpu_time_total"
    table = found.key_averages().table(sort_by=by, row_limit=12, max_name_column_width=40)
    return {"table": table}


# --- (d) sampling --------------------------------------------------------------------------------


def sampling_rates(bench: Bench) -> Iterator[dict[str, Any]]:
    """Evaluations a second of DDIM with 50 steps for 1,024 images: as a run draws them, and at once."""
    profile = dataclasses.replace(bench.profile, num_classes=0)
    schedule, count = build_schedule(profile, bench.device), 8 if bench.tiny else 1024
    layout = torch.channels_last if profile.channels_last else torch.contiguous_format
    model = build_model(profile, 3).to(bench.device).to(memory_format=layout).eval()
    sampler, found = Sampler(steps=4 if bench.tiny else 50, eta=0.0), {}
    denoiser = build_denoiser(profile, schedule, model)
    drawn = lambda number, walk: draw_batches(
        profile, schedule, model, (3, 32, 32), SEED, number, sampler=walk
    )
    at_once = lambda number, walk: walk.sample(denoiser, (count, 3, 32, 32), device=bench.device)
    for name, draw in {"as a run draws": drawn, "at once": at_once, "compiled": at_once}.items():
        if name == "compiled" and bench.tiny:
            continue
        if name == "compiled":
            model.compile(fullgraph=True, dynamic=False)
        with computing(profile.threads, profile.tf32):
            draw(count, Sampler(steps=2))
            bench.wait()
            start = time.perf_counter()
            draw(count, sampler)
            bench.wait()
        taken = time.perf_counter() - start
        found[f"{name}: seconds"] = taken
        found[f"{name}: evaluations/s"] = count * sampler.steps / taken
        yield {"images": count, "steps": sampler.steps, **found}
    bench.forget()


# --- (e) a run -----------------------------------------------------------------------------------


def short_run(bench: Bench) -> Iterator[dict[str, Any]]:
    """Train for four minutes, or what is left of them; the samples and their distance."""
    changes = {} if bench.tiny else SHORT_RUN
    profile = dataclasses.replace(bench.profile, num_samples=16, tensorboard=False, **changes)
    measured = bench.parts.get("training", {}).get(ITSELF, {}).get(str(profile.batch_size))
    if isinstance(measured, str):  # the network could not be translated here
        profile = dataclasses.replace(profile, compile=False)
    if isinstance(measured, float):
        step = profile.batch_size / measured
    else:
        with computing(profile.threads, profile.tf32):
            step = bench.seconds(steps_of(bench, profile))
        bench.forget()
    budget = 0.0 if bench.tiny else max(min(RUN, bench.left - REST) - TRANSLATED / 2, 30)
    steps = max(3, int(budget / step))
    profile = dataclasses.replace(profile, num_steps=steps, checkpoint_every=0)
    found: dict[str, Any] = {
        "steps": steps,
        "batch": profile.batch_size,
        "translated": profile.compile,
    }
    yield found | {"unfinished": "its training began"}
    with tempfile.TemporaryDirectory() as room:
        start = time.perf_counter()
        run_dir = train(profile, SEED, Path(room) / "run")
        found["seconds, from the first weights to the pictures"] = time.perf_counter() - start
        for file in ("samples.png", "denoising.png", "metrics.jsonl"):
            shutil.copy(run_dir / file, bench.out / f"gpu_{file}")
        rates = [json.loads(line) for line in (run_dir / "metrics.jsonl").read_text().splitlines()]
        rate = statistics.median(row["steps_per_second"] for row in rates)
        found["images/s"] = rate * profile.batch_size
        yield found
        result = evaluate(run_dir, SEED + 1, str(bench.device))
    got, real = result.sets["samples"], result.sets["held out"]
    table = format_table(result.reference, result.sets)
    yield found | {"floors": got.frechet / real.frechet, "table": table}


# --- (f) the same network in diffusers -----------------------------------------------------------


def peers(bench: Bench) -> Iterator[dict[str, Any]]:
    """A training step of UNet2DModel with the same weights, eager, and the package's, in turns.

    Theirs is timed with channels first and with channels last, and the faster one counts.
    Other libraries have other networks; on a CPU bench/peers.py has their loops.
    """
    if importlib.util.find_spec("diffusers") is None:
        yield {"skipped": "diffusers is not installed"}
        return
    import diffusers

    size = 4 if bench.tiny else 128
    profile = dataclasses.replace(bench.profile, compile=False, batch_size=size, dropout=0.0)
    settings = unet_config(profile, (3, 32, 32))
    theirs: Any = diffusers.UNet2DModel.from_config(settings)  # pyright: ignore[reportPrivateImportUsage]
    ours = build_model(profile, 3, random_stream(0, "weights"))
    theirs.load_state_dict(to_diffusers(awake(ours)))
    with torch.no_grad():  # the same weights are the same network
        x, t = torch.randn(2, 3, 32, 32), torch.tensor([1, profile.num_train_timesteps])
        gap = float((ours.eval()(x, t) - theirs.eval()(x, t - 1).sample).abs().max())
    found: dict[str, Any] = {"diffusers": diffusers.__version__, "batch": size}
    found["largest difference of outputs"] = gap
    if not gap < AGREE["outputs"]:
        yield found | {"failed": "the same weights are another network there"}
        return
    schedule, processes = build_schedule(profile, bench.device), Processes(bench.device)
    batch = next(batches(profile, bench.images, SEED, 1, processes))

    def their_step(layout: torch.memory_format) -> Callable[[], object]:
        network = copy.deepcopy(theirs).to(bench.device, memory_format=layout).train()
        optimizer = torch.optim.AdamW(network.parameters(), profile.learning_rate, fused=True)
        x0 = batch.x0.contiguous(memory_format=layout)

        class Output(nn.Module):
            def forward(self, x: Tensor, t: Tensor, labels: Tensor | None) -> Tensor:
                return network(x, t - 1).sample

        def step() -> None:
            denoiser = build_denoiser(profile, schedule, Output())
            training_loss(denoiser, x0, batch.t, batch.noise).backward()
            nn.utils.clip_grad_norm_(network.parameters(), profile.grad_clip)
            optimizer.step()
            optimizer.zero_grad()

        return step

    layouts = [their_step(each) for each in (torch.contiguous_format, torch.channels_last)]
    for name, compiled in {"ours / diffusers": False, "ours, compiled / diffusers": True}.items():
        if compiled and bench.tiny:
            continue
        with computing(profile.threads, profile.tf32):
            our_step = steps_of(bench, dataclasses.replace(profile, compile=compiled))
            rounds = [
                (bench.seconds(our_step, 1.0), *(bench.seconds(each, 1.0) for each in layouts))
                for _ in range(1 if bench.tiny else 5)
            ]
        ratios = [mine / min(theirs) for mine, *theirs in rounds]
        found |= {name: statistics.median(ratios), f"{name}, all": ratios}
        found[f"{name}: seconds, theirs with channels first and last"] = [
            statistics.median(each) for each in zip(*rounds)
        ]
        yield found
    bench.forget()


# --- All of it -----------------------------------------------------------------------------------


def reference(bench: Bench) -> dict[str, Any]:
    """The floor of the run's distance. What it takes is read, and drawn, once and before the run."""
    return {
        "squared distance of real images": float(
            load_reference("glyphs32").floors["frechet"].mean()
        )
    }


# "variants" are more rows of "training".
PARTS: dict[str, Callable[[Bench], Any]] = {
    "tests": cuda_tests,
    "reference": reference,
    "against the CPU": against_the_cpu,
    "matrix rate": matrix_rate,
    "training": functools.partial(training_rates, most=2),
    "sampling": sampling_rates,
    "run": short_run,
    "diffusers": peers,
    "profile": where_the_time_goes,
    "variants": training_rates,
}


def report(facts: dict[str, Any]) -> str:
    """gpu.md: the machine, and a section for each part that has come to an end."""
    lines = ["# On one card", "", "| | |", "|---|---|"]
    lines += [f"| {key} | {value} |" for key, value in facts["machine"].items()]
    if facts["tiny"]:
        lines += ["", "**Tiny settings: these figures show that the script runs, and no speed.**"]
    for name in PARTS:
        if name not in facts:
            continue
        lines += ["", f"## {name[0].upper()}{name[1:]}", ""]
        found = dict(facts[name])
        text = found.pop("table", None)
        rates = {key: row for key, row in found.items() if isinstance(row, dict)}
        others = {key: value for key, value in found.items() if key not in rates}
        if name in GOALS:
            lines += [f"To reach: {GOALS[name]}.", ""]
        if rates:
            sizes = sorted({size for row in rates.values() for size in row}, key=int)
            lines += ["Images a second, by batch.", "", f"| | {' | '.join(sizes)} |"]
            lines += ["|---" * (len(sizes) + 1) + "|"]
            for variant, row in rates.items():
                cells = (shown(row.get(size, "not measured")) for size in sizes)
                lines += [f"| {variant} | {' | '.join(cells)} |"]
            lines += [""]
        if others:
            lines += ["| what | measured |", "|---|---|"]
            lines += [f"| {key} | {shown(value)} |" for key, value in others.items()]
        if text:
            lines += ["", "```", text, "```"]
    return "\n".join([*lines, "", *(f"Command: `{each}`\n" for each in facts["commands"])])


def shown(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(shown, value))
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1e4 else f"{value:,.4g}"
    return " ".join(str(value).split()).replace("|", "\\|")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--device", default="cuda", choices=("cuda", "cpu"))
    parser.add_argument("--out", type=Path, default=ROOT / "bench")
    parser.add_argument("--minutes", type=float, default=MINUTES)
    parser.add_argument("--parts", nargs="+", choices=PARTS, help="only these, added to gpu.json")
    parser.add_argument("--commit", help="of the code, where git does not know it")
    parser.add_argument("--tiny", action="store_true", help="a small network and few steps")
    options = parser.parse_args()
    if options.device == "cuda" and not torch.cuda.is_available():
        parser.error("there is no CUDA device here; --device cpu --tiny tries the script")
    options.out.mkdir(parents=True, exist_ok=True)
    changes = {"device": options.device, **(TINY if options.tiny else {})}
    profile = dataclasses.replace(load_profile("gpu"), **changes)
    BUILT_IN[profile.data] = functools.cache(BUILT_IN[profile.data])  # drawn once, not three times
    bench = Bench(torch.device(options.device), profile, options.out, options.tiny)
    bench.end = START + 60 * options.minutes
    machine(bench.device).update({"commit": options.commit} if options.commit else {})
    if options.parts and (options.out / "gpu.json").exists():
        known = json.loads((options.out / "gpu.json").read_text())
        here, there = machine(bench.device), known["machine"]
        if here["commit"] == "unknown":
            here["commit"] = there["commit"]
        same = "device", "torch", "driver", "commit", "seed"
        if known["tiny"] != options.tiny or any(here[key] != there[key] for key in same):
            parser.error(
                f"{options.out}/gpu.json is of another machine, code or size: move it away"
            )
        bench.parts = {name: known[name] for name in PARTS if name in known}
        bench.commands = known["commands"]
    asked = ["--parts", *options.parts] if options.parts else []  # and no place of this machine
    bench.commands.append(shlex.join(["python", "bench/gpu.py", *asked]))
    for name in options.parts or PARTS:
        start, key = time.monotonic(), "training" if name == "variants" else name
        if bench.left < LEAST.get(name, 0) and not bench.tiny:
            bench.parts.setdefault(key, {"skipped": NO_TIME})
            bench.write()
            print(f"{name}: {NO_TIME}; to add it: python bench/gpu.py --parts {name}", flush=True)
            continue
        try:
            found = PARTS[name](bench)
            for known in found if isinstance(found, Iterator) else [found]:
                bench.parts[key] = known
                bench.write()
        except Exception as error:
            bench.log(traceback.format_exc())
            why = f"{type(error).__name__}: {error}"[:500]
            bench.parts[key] = {**bench.parts.get(key, {}), "failed": why}
            bench.parts[key].pop("skipped", None)
            bench.write()
        print(f"{name}: {time.monotonic() - start:.0f} s, {bench.left:.0f} s left", flush=True)
    with contextlib.suppress(KeyError):
        print(bench.parts["run"]["table"])
    failed = [name for name, found in bench.parts.items() if "failed" in found]
    sys.exit(f"failed: {', '.join(failed)}" if failed else 0)


if __name__ == "__main__":
    main()
