"""Everything that is to be measured on one GPU, in at most nine minutes.

First the CUDA tests, and one step of training and of sampling beside the CPU's. Then how fast the
card multiplies matrices, how fast the `gpu` profile's network samples and trains, in diffusers too
where that is installed, and a run of four to five minutes on glyphs32 with its distance. What was
found is written after each part, so that a run that is cut keeps what it has: gpu.md, gpu.json and
pictures. It asks for torch, torchvision, numpy, scikit-learn, matplotlib, jaxtyping, safetensors,
tqdm and torchmetrics, and for pytest, if the tests are to run. From the top of the repository, in
an environment or a bare checkout:

    python bench/gpu.py                                   # writes bench/gpu.md and its pictures
    python bench/gpu.py --device cpu --tiny --out TMP     # the same path in two minutes, anywhere
"""

import argparse
import contextlib
import dataclasses
import functools
import importlib.util
import itertools
import json
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # a bare checkout is enough

import torch  # noqa: E402
import torchvision  # noqa: E402
from torch import Tensor, nn  # noqa: E402
from torch.utils.flop_counter import FlopCounterMode  # noqa: E402

from ddpm_course.data import ImageSet, random_stream  # noqa: E402
from ddpm_course.prediction import training_loss  # noqa: E402
from ddpm_course.runs.diffusers_settings import unet_config  # noqa: E402
from ddpm_course.runs.diffusers_weights import to_diffusers  # noqa: E402
from ddpm_course.runs.drawing import draw_batches  # noqa: E402
from ddpm_course.runs.evaluation import evaluate, format_table  # noqa: E402
from ddpm_course.runs.loop import (  # noqa: E402
    Batch,
    batches,
    build_denoiser,
    build_model,
    build_schedule,
    initial_state,
    training_loop,
)
from ddpm_course.runs.processes import Processes, computing  # noqa: E402
from ddpm_course.runs.profiles import Profile, load_profile  # noqa: E402
from ddpm_course.runs.training import load_images, train  # noqa: E402
from ddpm_course.sampling import Sampler  # noqa: E402

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
# A run of minutes learns faster, and averages over fewer steps, than the hours of the profile.
SHORT_RUN = {
    "warmup_steps": 500,
    "learning_rate": 4e-4,
    "ema_decay": 0.999,
    "batch_size": 256,
    "sampling_steps": 50,
    "eta": 0.0,
}
# What matters most comes first.
VARIANTS: dict[str, dict[str, Any]] = {
    "fp32": {"precision": "fp32", "tf32": False, "compile": False},
    "bf16, compiled, channels last": {
        "precision": "bf16",
        "compile": True,
        "channels_last": True,
    },
    "bf16": {"precision": "bf16", "tf32": True, "compile": False},
    "TF32": {"precision": "fp32", "tf32": True, "compile": False},
    "bf16, compiled": {"precision": "bf16", "compile": True},
    "bf16, channels last": {"precision": "bf16", "compile": False, "channels_last": True},
}
SIZES = 512, 128, 2048
SEED = 0
AGREE = 1e-3  # most that a card's numbers may differ from the CPU's, of the largest of them
RUN_AND_REST = 420.0, 120.0  # seconds kept for the run, and of these for what follows its training
GOALS = {
    "sampling": "15,059 evaluations/s, as DDPM on a TPU v3-8 (Ho et al. 2020, appendix B)",
    "diffusers": "half of the time of diffusers, compiled",
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
        if self.device.type == "cuda":
            torch.cuda.empty_cache()

    def write(self) -> None:
        facts = {"machine": machine(self.device), "tiny": self.tiny, **self.parts}
        (self.out / "gpu.json").write_text(json.dumps(facts, indent=2) + "\n")
        (self.out / "gpu.md").write_text(report(facts))


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
    with contextlib.suppress(OSError):
        done = subprocess.run(command, capture_output=True, text=True)
        return done.stdout.strip() or "unknown"
    return "unknown"


# --- (a) the same numbers as on the CPU ----------------------------------------------------------


def cuda_tests(bench: Bench) -> dict[str, Any]:
    """The tests that need a card, by pytest."""
    if bench.device.type != "cuda" or importlib.util.find_spec("pytest") is None:
        return {"skipped": "they need a card, and pytest"}
    command = [sys.executable, "-m", "pytest", "-q", "--noconftest", "tests/test_cuda.py"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    said = (done.stdout + done.stderr).strip().splitlines()[-1:]
    return {"said": said} | ({"failed": "see what pytest says"} if done.returncode else {})


def against_the_cpu(bench: Bench) -> dict[str, Any]:
    """The largest difference of gradients and of a sample, relative to the largest on the CPU."""
    profile = dataclasses.replace(
        bench.profile, precision="fp32", tf32=False, compile=False, dropout=0.0, batch_size=4
    )
    images, cpu = bench.images, torch.device("cpu")
    batch = next(batches(profile, images, SEED, 1, Processes(cpu)))
    start = torch.randn(4, *images.image_shape, generator=random_stream(0, "start"))
    gradients, samples = [], []
    with computing(0, tf32=False):
        for device in (cpu, bench.device):
            model = initial_state(profile, images.image_shape[0], 0, device).model
            x0, t, noise, labels = moved(batch, device)
            denoiser = build_denoiser(profile, build_schedule(profile, device), model, labels)
            training_loss(denoiser, x0, t, noise).backward()
            grads = [p.grad for p in model.parameters() if p.grad is not None]
            gradients.append(torch.cat([grad.flatten().cpu() for grad in grads]))
            sampler = Sampler(steps=5, spacing="linspace", clip_sample=True)
            options = {"x_T": start.to(device), "device": device}
            samples.append(sampler.sample(denoiser, start.shape, **options).cpu())
    found = {
        name: float((there - here).abs().max() / here.abs().max())
        for name, (here, there) in {"gradients": gradients, "samples": samples}.items()
    }
    apart = [name for name, gap in found.items() if not gap <= AGREE]
    return found | ({"failed": f"more than {AGREE:g}: {', '.join(apart)}"} if apart else {})


def moved(batch: Batch, device: torch.device) -> Batch:
    return Batch._make(None if part is None else part.to(device) for part in batch)


# --- (b) what the card can do --------------------------------------------------------------------


def matrix_rate(bench: Bench) -> dict[str, Any]:
    """FLOP a second of a product of two square bfloat16 matrices; FLOP of a training step."""
    side = 256 if bench.tiny else 8192
    a, b = torch.randn(2, side, side, device=bench.device, dtype=torch.bfloat16)
    rate = 2 * side**3 / bench.seconds(lambda: a @ b)
    profile = dataclasses.replace(bench.profile, compile=False, num_classes=0)
    model = build_model(profile, 3)
    with FlopCounterMode(display=False) as counter:
        model(torch.randn(1, 3, 32, 32), torch.ones(1, dtype=torch.long)).sum().backward()
    step = counter.get_total_flops()
    return {"tflops": rate / 1e12, "gflop_per_image": step / 1e9, "floor_images_per_s": rate / step}


# --- (c) training --------------------------------------------------------------------------------


def steps_of(bench: Bench, profile: Profile) -> Callable[[], object]:
    """Steps of the package's own loop, on one batch that lies on the device."""
    processes = Processes(bench.device)
    state = initial_state(profile, 3, 0, bench.device)
    batch = next(batches(profile, bench.images, SEED, 1, processes))
    schedule = build_schedule(profile, bench.device)
    profile = dataclasses.replace(profile, num_steps=10**8)
    return training_loop(profile, schedule, state, itertools.repeat(batch), 0, processes).__next__


def training_rates(bench: Bench) -> Iterator[dict[str, Any]]:
    """Images a second by variant and batch; after each what is known so far."""
    found: dict[str, dict[str, Any]] = {}
    reserve = 0 if bench.tiny else RUN_AND_REST[0]  # for the run, which says more
    for size, (name, changes) in itertools.product(
        (4, 8) if bench.tiny else SIZES, VARIANTS.items()
    ):
        if bench.left < reserve or (changes.get("compile") and bench.tiny):
            continue
        profile = dataclasses.replace(bench.profile, batch_size=size, **changes)
        with computing(profile.threads, profile.tf32):
            try:
                rate: Any = size / bench.seconds(steps_of(bench, profile))
            except Exception as error:  # no memory, no compiler: the others are measured
                rate = type(error).__name__
        found.setdefault(name, {})[str(size)] = rate
        bench.forget()
        yield found


def where_the_time_goes(bench: Bench) -> dict[str, Any]:
    """The profiler's table of five steps, as text."""
    from torch.profiler import ProfilerActivity, profile

    changed = dataclasses.replace(bench.profile, compile=False)
    with computing(changed.threads, changed.tf32):
        step = steps_of(bench, changed)
        step()
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
    model = build_model(profile, 3).to(bench.device).eval()
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
            draw(4, Sampler(steps=2))
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


def short_run(bench: Bench) -> dict[str, Any]:
    """Train for the time that is left, but for what follows; the samples and their distance."""
    changes = {} if bench.tiny else SHORT_RUN
    profile = dataclasses.replace(bench.profile, num_samples=16, tensorboard=False, **changes)
    with computing(profile.threads, profile.tf32):
        step = bench.seconds(steps_of(bench, profile))
    budget = 0.0 if bench.tiny else max(bench.left - RUN_AND_REST[1], 30)
    profile = dataclasses.replace(profile, num_steps=max(3, int(budget / step)), checkpoint_every=0)
    with tempfile.TemporaryDirectory() as room:
        start = time.perf_counter()
        run_dir = train(profile, SEED, Path(room) / "run")
        taken = time.perf_counter() - start
        shutil.copy(run_dir / "samples.png", bench.out / "gpu_samples.png")
        shutil.copy(run_dir / "denoising.png", bench.out / "gpu_denoising.png")
        found = {"steps": profile.num_steps, "batch": profile.batch_size, "seconds": taken}
        result = evaluate(run_dir, SEED + 1, str(bench.device))
    got, real = result.sets["samples"], result.sets["held out"]
    table = format_table(result.reference, result.sets)
    return {**found, "floors": got.frechet / real.frechet, "table": table}


# --- (f) the same network in diffusers -----------------------------------------------------------


def peers(bench: Bench) -> Iterator[dict[str, Any]]:
    """A training step of UNet2DModel with the same weights, eager, and the package's, in turns.

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
    theirs.load_state_dict(to_diffusers(ours))
    with torch.no_grad():  # the same weights are the same network
        x, t = torch.randn(2, 3, 32, 32), torch.tensor([1, profile.num_train_timesteps])
        gap = float((ours.eval()(x, t) - theirs.eval()(x, t - 1).sample).abs().max())
    theirs.to(bench.device).train()
    optimizer = torch.optim.AdamW(theirs.parameters(), profile.learning_rate, fused=True)
    schedule = build_schedule(profile, bench.device)
    processes = Processes(bench.device)
    batch = next(batches(profile, bench.images, SEED, 1, processes))

    class Output(nn.Module):
        def forward(self, x: Tensor, t: Tensor, labels: Tensor | None) -> Tensor:
            return theirs(x, t - 1).sample

    def their_step() -> None:
        denoiser = build_denoiser(profile, schedule, Output())
        training_loss(denoiser, batch.x0, batch.t, batch.noise).backward()
        nn.utils.clip_grad_norm_(theirs.parameters(), profile.grad_clip)
        optimizer.step()
        optimizer.zero_grad()

    found: dict[str, Any] = {"batch": size, "largest difference of outputs": gap}
    for name, compiled in {"ours / diffusers": False, "ours, compiled / diffusers": True}.items():
        if compiled and bench.tiny:
            continue
        with computing(profile.threads, profile.tf32):
            our_step = steps_of(bench, dataclasses.replace(profile, compile=compiled))
            rounds = [
                (bench.seconds(our_step, 1.0), bench.seconds(their_step, 1.0))
                for _ in range(1 if bench.tiny else 5)
            ]
        ratios = sorted(a / b for a, b in rounds)
        found |= {name: ratios[len(ratios) // 2], f"{name}, all": ratios}
        yield found
    bench.forget()


# --- All of it -----------------------------------------------------------------------------------

PARTS: dict[str, Callable[[Bench], Any]] = {
    "tests": cuda_tests,
    "against the CPU": against_the_cpu,
    "matrix rate": matrix_rate,
    "sampling": sampling_rates,
    "diffusers": peers,
    "profile": where_the_time_goes,
    "training": training_rates,
    "run": short_run,
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
    return "\n".join([*lines, "", "Command: `python bench/gpu.py`", ""])


def shown(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(shown, value))
    return f"{value:,.4g}" if isinstance(value, float) else str(value)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--device", default="cuda", choices=("cuda", "cpu"))
    parser.add_argument("--out", type=Path, default=ROOT / "bench")
    parser.add_argument("--minutes", type=float, default=MINUTES)
    parser.add_argument("--tiny", action="store_true", help="a small network and few steps")
    options = parser.parse_args()
    if options.device == "cuda" and not torch.cuda.is_available():
        parser.error("there is no CUDA device here; --device cpu --tiny tries the script")
    options.out.mkdir(parents=True, exist_ok=True)
    changes = {"device": options.device, **(TINY if options.tiny else {})}
    profile = dataclasses.replace(load_profile("gpu"), **changes)
    bench = Bench(torch.device(options.device), profile, options.out, options.tiny)
    bench.end = time.monotonic() + 60 * options.minutes
    for name, part in PARTS.items():
        start = time.monotonic()
        try:
            found = part(bench)
            for known in found if isinstance(found, Iterator) else [found]:
                bench.parts[name] = known
                bench.write()
        except Exception as error:
            why = f"{type(error).__name__}: {error}"[:500]
            bench.parts[name] = {**bench.parts.get(name, {}), "failed": why}
            bench.write()
        print(f"{name}: {time.monotonic() - start:.0f} s, {bench.left:.0f} s left", flush=True)
    with contextlib.suppress(KeyError):
        print(bench.parts["run"]["table"])
    failed = [name for name, found in bench.parts.items() if "failed" in found]
    sys.exit(f"failed: {', '.join(failed)}" if failed else 0)


if __name__ == "__main__":
    main()
