"""The course beside three libraries that do the same: what a step costs, and how it grows.

A contender is a small class: what the documentation of a library says, and nothing that a user
would not get by default. From the top of the repository: make bench; and the race, of which each
of twelve laps takes so many processor seconds at most, prints a table of its own:
OMP_NUM_THREADS=1 build/peers/bin/python bench/peers.py --race 160 > bench/race.md
"""

import argparse
import contextlib
import dataclasses
import importlib.metadata
import itertools
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import race
import torch
from PIL import Image
from rounds import Action, Spread, hardware, loop_steps, ratios, take_turns
from torch import Tensor, nn

from ddpm_course.data import ImageSet, load_set, random_stream
from ddpm_course.prediction import Denoiser, p_sample_loop, training_loss
from ddpm_course.runs.drawing import draw_batches
from ddpm_course.runs.images import load_images
from ddpm_course.runs.loop import (
    batches,
    build_model,
    build_schedule,
    initial_state,
    update_ema,
)
from ddpm_course.runs.processes import Processes
from ddpm_course.runs.profiles import load_profile
from ddpm_course.sampling import Sampler
from ddpm_course.schedule import cosine_schedule

PACKAGES = "torch", "ddpm_course", "diffusers", "denoising_diffusion_pytorch", "smalldiffusion"
RACE = "OMP_NUM_THREADS=1 build/peers/bin/python bench/peers.py --race"
CPU = torch.device("cpu")
SHAPE = 64, 3, 32, 32


class Free(nn.Module):
    """A network of no cost: whatever it is asked, it returns its weights, as many as pixels."""

    channels = out_dim = 3  # denoising_diffusion_pytorch reads these three
    self_condition = False

    def __init__(self, shape: tuple[int, ...] = SHAPE):
        super().__init__()
        self.output = nn.Parameter(torch.randn(shape))

    def forward(self, *_: Any, **__: Any) -> Tensor:
        return self.output


# --- The contenders ------------------------------------------------------------------------------


class Contender:
    """Actions to measure, made by a method for each figure; what a library lacks is left out."""

    imports = "import torch"

    def __str__(self) -> str:
        return type(self).__name__


class Floor(Contender):
    """The arithmetic alone, in place, all memory there before, normal draws included.

    Or with each state in new memory, as a walk needs that hands its states out.
    """

    def __init__(self, kept: bool = False):
        self.kept = kept

    def __str__(self) -> str:
        return "floor" + ", each state in new memory" * self.kept

    def _walk(self, shape: tuple[int, ...], steps: int, noisy: bool) -> Action:
        output, start, z = Free(shape).output, torch.empty(shape), torch.empty(shape)

        @torch.no_grad()
        def walk() -> None:
            x = start.normal_()
            for _ in range(steps):
                x = (0.99 * x if self.kept else x.mul_(0.99)).add_(output, alpha=0.1)
                if noisy:
                    x.add_(z.normal_(), alpha=0.1)

        return walk

    def ddpm(self, shape: tuple[int, ...], steps: int) -> Action:
        return self._walk(shape, steps, noisy=True)

    def ddim(self, shape: tuple[int, ...], steps: int) -> Action:
        return self._walk(shape, steps, noisy=False)

    def objective(self) -> Action:
        x0, x, noise = torch.rand(SHAPE), torch.empty(SHAPE), torch.empty(SHAPE)
        signal, weights = cosine_schedule(1000).alphas_cumprod.float(), Free().output
        weights.grad = gradient = torch.empty(SHAPE)
        optimizer = torch.optim.AdamW([weights], fused=True)

        def step() -> Tensor:
            at = signal[torch.randint(1, 1001, SHAPE[:1])].view(-1, 1, 1, 1)
            with torch.no_grad():
                torch.mul(x0, at.sqrt(), out=x).addcmul_(noise.normal_(), (1 - at).sqrt())
                flat = torch.sub(weights, noise, out=gradient).view(-1)
                loss = flat.dot(flat) / len(flat)
                length = 2 * (loss / len(flat)).sqrt()
                gradient.mul_(2 / len(flat) / length.clamp(min=1))
            optimizer.step()
            return loss

        return step


class Course(Contender):
    """The package: a sampler of chapter 07, or DDPM's own loop of chapter 05."""

    imports = "from ddpm_course import data, prediction, sampling, schedule, unet"
    all_imports = (  # of the modules that the README names
        f"{imports}, flow_matching, forward, guidance, mixture, objective, posterior, "
        "probability_flow, proofs; from ddpm_course.runs import drawing, measures, run, training"
    )

    def __init__(self, clip_sample: bool = False, by_hand: bool = False):
        self.clip_sample, self.by_hand = clip_sample, by_hand

    def __str__(self) -> str:
        return "ddpm_course" + ", clipped" * self.clip_sample + ", `p_sample_loop`" * self.by_hand

    def ddpm(self, shape: tuple[int, ...], steps: int) -> Action:
        denoiser = Denoiser(cosine_schedule(steps), Free(shape))
        if self.by_hand:
            return lambda: p_sample_loop(denoiser, shape)
        return lambda: Sampler(steps, eta=1.0, clip_sample=self.clip_sample).sample(denoiser, shape)

    def ddim(self, shape: tuple[int, ...], steps: int) -> Action:
        denoiser = Denoiser(cosine_schedule(1000), Free(shape))
        return lambda: Sampler(steps, clip_sample=self.clip_sample).sample(denoiser, shape)

    def objective(self) -> Action:
        x0, model = torch.rand(SHAPE), Free()
        denoiser = Denoiser(cosine_schedule(1000), model)
        optimizer = torch.optim.AdamW(model.parameters(), fused=True)

        def step() -> Tensor:
            loss = training_loss(denoiser, x0, torch.randint(1, 1001, SHAPE[:1]))
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad()
            return loss

        return step


class Diffusers(Contender):
    """diffusers: the loop of its tutorial on training, and the schedulers in one over timesteps."""

    imports = "from diffusers import DDPMScheduler, DDPMPipeline, UNet2DModel"

    def __str__(self) -> str:
        return "diffusers"

    def _walk(self, shape: tuple[int, ...], steps: int, scheduler: Any) -> Action:
        model = Free(shape)

        @torch.no_grad()
        def walk() -> Tensor:
            x = torch.randn(shape)
            scheduler.set_timesteps(steps)
            for t in scheduler.timesteps:
                x = scheduler.step(model(x, t), t, x).prev_sample
            return x

        return walk

    def ddpm(self, shape: tuple[int, ...], steps: int) -> Action:
        from diffusers import DDPMScheduler  # pyright: ignore[reportPrivateImportUsage]

        return self._walk(shape, steps, DDPMScheduler(num_train_timesteps=steps))

    def ddim(self, shape: tuple[int, ...], steps: int) -> Action:
        from diffusers import DDIMScheduler  # pyright: ignore[reportPrivateImportUsage]

        return self._walk(shape, steps, DDIMScheduler(num_train_timesteps=1000))

    def objective(self) -> Action:
        return self.training_step(Free(), torch.rand(SHAPE))

    def training_step(self, network: nn.Module, x0: Tensor, rate: float = 1e-4) -> Action:
        from accelerate import Accelerator
        from diffusers import DDPMScheduler  # pyright: ignore[reportPrivateImportUsage]
        from diffusers.optimization import get_cosine_schedule_with_warmup

        accelerator, scheduler = Accelerator(cpu=True), DDPMScheduler(num_train_timesteps=1000)
        adam = torch.optim.AdamW(network.parameters(), lr=rate)
        warm = get_cosine_schedule_with_warmup(
            optimizer=adam, num_warmup_steps=500, num_training_steps=10**6
        )
        model, optimizer, rates = accelerator.prepare(network, adam, warm)

        def step() -> float:
            noise = torch.randn(x0.shape)
            times: Any = torch.randint(0, 1000, (len(x0),)).long()
            noisy = scheduler.add_noise(x0, noise, times)
            with accelerator.accumulate(model):
                found = model(noisy, times, return_dict=False)
                predicted = found if isinstance(network, Free) else found[0]
                loss = nn.functional.mse_loss(predicted, noise)
                accelerator.backward(loss)
                accelerator.clip_grad_norm_(model.parameters(), 1.0)
                optimizer.step()
                rates.step()
                optimizer.zero_grad()
            return loss.detach().item()

        return step


class DenoisingDiffusionPytorch(Contender):
    """denoising_diffusion_pytorch: GaussianDiffusion, and a step as its Trainer makes it."""

    imports = "from denoising_diffusion_pytorch import GaussianDiffusion, Trainer, Unet"

    def __str__(self) -> str:
        return "denoising_diffusion_pytorch"

    def _diffusion(self, shape: tuple[int, ...], **options: Any) -> Any:
        from denoising_diffusion_pytorch import GaussianDiffusion

        return GaussianDiffusion(Free(shape), image_size=shape[-1], **options)

    def ddpm(self, shape: tuple[int, ...], steps: int) -> Action:
        diffusion = self._diffusion(shape, timesteps=steps)
        return lambda: diffusion.sample(batch_size=shape[0])

    def ddim(self, shape: tuple[int, ...], steps: int) -> Action:
        diffusion = self._diffusion(shape, timesteps=1000, sampling_timesteps=steps)
        return lambda: diffusion.sample(batch_size=shape[0])

    def objective(self) -> Action:
        from accelerate import Accelerator

        accelerator, x0 = Accelerator(cpu=True), torch.rand(SHAPE)
        diffusion = self._diffusion(SHAPE, timesteps=1000)
        adam = torch.optim.Adam(diffusion.parameters(), lr=1e-4, betas=(0.9, 0.99))
        model, optimizer = accelerator.prepare(diffusion, adam)

        def step() -> float:
            with accelerator.autocast():
                loss = model(x0)
            total = loss.item()
            accelerator.backward(loss)
            accelerator.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad()
            return total

        return step


class Smalldiffusion(Contender):
    """smalldiffusion: its training loop and its samplers, as the README unpacks them."""

    imports = "from smalldiffusion import ScheduleDDPM, Unet, samples, training_loop"

    def __str__(self) -> str:
        return "smalldiffusion"

    def _model(self, shape: tuple[int, ...]) -> Any:
        from smalldiffusion import ModelMixin

        class Model(Free, ModelMixin):
            input_dims = shape[1:]

        return Model(shape)

    def _walk(self, shape: tuple[int, ...], steps: int, chain: int, mu: float) -> Action:
        from smalldiffusion import ScheduleDDPM, samples

        model, schedule = self._model(shape), ScheduleDDPM(chain)

        def walk() -> Tensor:
            sigmas = schedule.sample_sigmas(steps)
            *_, x0 = samples(model, sigmas, gam=1, mu=mu, batchsize=shape[0])
            return x0

        return walk

    def ddpm(self, shape: tuple[int, ...], steps: int) -> Action:
        return self._walk(shape, steps, steps, mu=0.5)

    def ddim(self, shape: tuple[int, ...], steps: int) -> Action:
        return self._walk(shape, steps, 1000, mu=0)

    def objective(self) -> Action:
        from smalldiffusion import ScheduleDDPM, training_loop

        loader: Any = itertools.repeat(torch.rand(SHAPE))
        steps = training_loop(loader, self._model(SHAPE), ScheduleDDPM(1000))
        return lambda: next(steps).loss.item()


CONTENDERS = {
    str(contender): contender
    for contender in (
        Course(),
        Course(clip_sample=True),
        Course(by_hand=True),
        Diffusers(),
        DenoisingDiffusionPytorch(),
        Smalldiffusion(),
        Floor(kept=True),
    )
}
LIBRARIES = [name for name in CONTENDERS if "," not in name]  # in their plainest form


# --- The figures ---------------------------------------------------------------------------------

Found = Mapping[str, Spread | str]


def in_floors(method: str, rounds: int, *arguments: Any, names: Any = LIBRARIES) -> Found:
    """What each contender takes, over what the arithmetic alone takes."""
    made = {"floor": Floor()} | {name: CONTENDERS[name] for name in names}
    found = take_turns(
        {name: lambda one=one: getattr(one, method)(*arguments) for name, one in made.items()},
        rounds,
        time.process_time,
    )
    return {name: ratio for name, ratio in ratios(found, "floor").items() if name != "floor"}


def _status(line: str) -> int:
    """Bytes of this process, as Linux counts them."""
    (found,) = (each for each in Path("/proc/self/status").open() if each.startswith(line))
    return 1024 * int(found.split()[1])


def peak_batches(name: str) -> float:
    """Most memory of a DDPM walk of 10 steps beyond its start, network and state, in batches."""
    shape = 4096, *SHAPE[1:]  # a batch is mapped by itself, and goes back when it is freed
    CONTENDERS[name].ddpm(SHAPE, 10)()
    walk = CONTENDERS[name].ddpm(shape, 10)
    before = _status("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak until now
    walk()
    return (_status("VmHWM") - before) / torch.Size(shape).numel() / 4 - 1


def last_number(command: list[str]) -> float | str:
    """What a new process of this Python prints last, a number; or how it failed."""
    done = subprocess.run([sys.executable, *command], capture_output=True, text=True)
    if done.returncode:
        return (done.stderr.splitlines() or ["no reason given"])[-1]
    return float(done.stdout.split()[-1])


def told(commands: Mapping[str, list[str]], rounds: int) -> Found:
    """The `last_number` of each command in rounds in which they take turns, or a failure."""
    turns = [[last_number(command) for command in commands.values()] for _ in range(rounds)]
    found: dict[str, Spread | str] = {}
    for name, *values in zip(commands, *turns):
        failed = [value for value in values if isinstance(value, str)]
        found[name] = failed[0] if failed else Spread.of([float(value) for value in values])
    return found


def memory() -> Found:
    """`peak_batches` of each, in a process of its own; no clock, so once is enough."""
    return told({name: [__file__, "--memory", name] for name in LIBRARIES}, 1)


def cifar_step() -> Found:
    """A step of DDPM's CIFAR-10 network with equal weights: the package's loop, and diffusers'."""
    from ddpm_course.runs.diffusers import unet_config
    from ddpm_course.runs.diffusers_weights import to_diffusers

    profile = dataclasses.replace(
        load_profile("gpu"), precision="fp32", compile=False, dropout=0.0, batch_size=2
    )
    images = ImageSet(
        "random", torch.randint(256, SHAPE).byte(), torch.zeros(64, dtype=torch.int64)
    )

    def theirs() -> Action:
        from diffusers import UNet2DModel  # pyright: ignore[reportPrivateImportUsage]

        network: Any = UNet2DModel.from_config(unet_config(profile, SHAPE[1:]))
        network.load_state_dict(to_diffusers(build_model(profile, 3, random_stream(0, "weights"))))
        return Diffusers().training_step(network.train(), torch.rand(2, *SHAPE[1:]))

    builders = {"diffusers": theirs, "ddpm_course": lambda: loop_steps(profile, images, CPU)}
    found = ratios(take_turns(builders, 4, time.process_time), "diffusers")
    return {"ddpm_course": found["ddpm_course"]}


def loop_overhead() -> Found:
    """A step of the `laptop` loop and its parts, over forward and backward of its network alone."""
    profile = load_profile("laptop")
    images, schedule = load_images(profile), build_schedule(profile, CPU)
    state = initial_state(profile, 1, 0, CPU)
    model, weights = state.model, [*state.model.parameters()]
    shares = batches(profile, images, 0, 1, Processes(CPU))
    batch = next(shares)
    output = torch.randn_like(batch.x0).requires_grad_()
    denoiser = Denoiser(schedule, lambda x, t: output)
    gradient = torch.randn_like(batch.x0)

    def alone() -> None:
        for weight in weights:
            weight.grad = None
        model(batch.x0, batch.t, batch.labels).backward(gradient)

    actions: dict[str, Action] = {
        "alone": alone,
        "of it, clipping": lambda: nn.utils.clip_grad_norm_(weights, profile.grad_clip),
        "of it, optimiser": state.optimizer.step,
        "of it, average of the weights": lambda: update_ema(state.ema, model, 0.99),
        "of it, batch": lambda: next(shares),
        "of it, loss": lambda: training_loss(denoiser, *batch[:3]).backward(),
        "ddpm_course": loop_steps(profile, images, CPU),
    }
    builders = {name: lambda action=action: action for name, action in actions.items()}
    found = ratios(take_turns(builders, 20, time.process_time), "alone")
    return {"ddpm_course": found.pop("ddpm_course")} | {
        name: ratio for name, ratio in found.items() if name != "alone"
    }


def imports(lines: Mapping[str, str]) -> Found:
    """Processor seconds of each line of imports, in new processes that have torch already."""
    clock = (
        "import time, torch; start = time.process_time(); {}; print(time.process_time() - start)"
    )
    return told({name: ["-c", clock.format(line)] for name, line in lines.items()}, 5)


def children() -> float:
    """Processor seconds of all processes that this one has started and that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def help_of_the_command() -> Found:
    command = [str(Path(sys.executable).with_name("ddpm-course")), "--help"]

    def helped() -> None:
        subprocess.run(command, check=True, capture_output=True)

    (taken,) = take_turns({"ddpm_course": lambda: helped}, 5, children).values()
    return {"ddpm_course": taken if isinstance(taken, str) else Spread.of(taken)}


@dataclasses.dataclass(frozen=True)
class Figure:
    what: str
    unit: str
    goal: float  # at most this, for ddpm_course
    measure: Callable[[], Found]


FIGURES = (
    Figure(
        "DDPM walk of 100 steps, 64×3×32×32, network of no cost",
        "floors",
        1.3,
        lambda: in_floors("ddpm", 7, SHAPE, 100, names=CONTENDERS),
    ),
    Figure(
        "DDIM walk of 50 of 1,000 steps, the same",
        "floors",
        1.3,
        lambda: in_floors(
            "ddim", 21, SHAPE, 50, names=[name for name in CONTENDERS if "loop" not in name]
        ),
    ),
    Figure(
        "most memory of a DDPM walk beyond network and state", "batches of the state", 3, memory
    ),
    Figure(
        "objective and optimiser of a training step, the same network",
        "floors",
        1.1,
        lambda: in_floors("objective", 40),
    ),
    Figure(
        "training step, CIFAR-10 network, batch of 2, equal weights, fp32",
        "step of diffusers with `UNet2DModel`",
        1.0,
        cifar_step,
    ),
    Figure(
        "training step of the `laptop` network",
        "forward and backward of the network alone",
        1.05,
        loop_overhead,
    ),
    Figure(
        "import of what the README imports, beyond torch",
        "seconds",
        0.3,
        lambda: imports({name: CONTENDERS[name].imports for name in LIBRARIES}),
    ),
    Figure(
        "import of all modules that it names, those of the prover among them, beyond torch",
        "seconds",
        0.3,
        lambda: imports({"ddpm_course": Course.all_imports}),
    ),
    Figure("`ddpm-course --help`", "seconds", 0.4, help_of_the_command),
)


def table(runs: list[list[Found]]) -> Iterator[str]:
    """One line for each figure and contender, the figure named in its first: the runs side by side."""
    heads = ["measured", *["re-measured"] * (len(runs) - 1)]
    yield f"| figure | in | contender | {' | '.join(heads)} | to reach |"
    yield "|---" * (4 + len(heads)) + "|"
    for figure, *found in zip(FIGURES, *runs):
        what = f"{figure.what} | {figure.unit}"
        for name in found[0]:
            goal = f"at most {figure.goal:g}" if name.startswith("ddpm_course") else ""
            cells = " | ".join(str(each[name]).replace("|", "/") for each in found)
            yield f"| {what} | {name} | {cells} | {goal} |"
            what = " | "


# --- How it grows --------------------------------------------------------------------------------


def growth(room: Path) -> dict[str, dict[int, Action]]:
    """What is done at each of three sizes; room is an empty folder, for pictures."""
    small = 8, 3, 16, 16
    profile = dataclasses.replace(load_profile("laptop"), sampling_steps=5)
    model = build_model(profile, 1, random_stream(0, "weights")).eval()

    def set_up(T: int) -> None:
        walk = Sampler(50, eta=1.0).walk(Denoiser(cosine_schedule(T), Free(small)), small)
        list(itertools.islice(walk, 2))

    def walk(steps: int, shape: tuple[int, ...]) -> Action:
        return Course().ddim(shape, steps)

    def draw(num: int) -> None:
        draw_batches(profile, build_schedule(profile, CPU), model, (1, 8, 8), 0, num)

    def read(num: int) -> Action:
        folder = room / str(num)
        folder.mkdir()
        picture = torch.randint(256, (32, 32, 3)).byte().numpy()
        for number in range(num):
            Image.fromarray(picture).save(folder / f"{number}.png")

        def once() -> None:
            images = load_set("folder", data_dir=folder, image_size=32)
            for index in range(len(images)):
                images[index]

        return once

    return {
        "set-up of a chain of T times, and of a walk": {
            T: lambda T=T: set_up(T) for T in (1000, 10_000, 100_000)
        },
        "steps of a walk": {S: walk(S, small) for S in (10, 100, 1000)},
        "images in a batch of a walk": {B: walk(10, (B, 3, 32, 32)) for B in (10, 100, 1000)},
        "the same, arithmetic alone": {
            B: Floor(kept=True).ddim((B, 3, 32, 32), 10) for B in (10, 100, 1000)
        },
        "pixels in an image of a walk": {n * n: walk(10, (16, 3, n, n)) for n in (16, 64, 256)},
        "samples, five steps of the `laptop` network": {
            num: lambda num=num: draw(num) for num in (100, 1000, 10_000)
        },
        "pictures in a folder, opened and read once": {
            num: read(num) for num in (100, 1000, 10_000)
        },
    }


def growth_table() -> Iterator[str]:
    yield "| what | sizes | seconds | last step: size, time |\n|---|---|---|---|"
    with tempfile.TemporaryDirectory() as room:
        for what, actions in growth(Path(room)).items():
            builders = {str(size): lambda action=action: action for size, action in actions.items()}
            found = take_turns(builders, 3, time.process_time)
            failed = [taken for taken in found.values() if isinstance(taken, str)]
            sizes = ", ".join(f"{size:,}" for size in actions)
            if failed:
                yield f"| {what} | {sizes} | {failed[0]} | |"
                continue
            seconds = [statistics.median(map(float, taken)) for taken in found.values()]
            _, middle, large = actions
            yield (
                f"| {what} | {sizes} | {', '.join(f'{each:.2g}' for each in seconds)} | "
                f"×{large / middle:g}, ×{seconds[2] / seconds[1]:.1f} |"
            )


# --- All of it -----------------------------------------------------------------------------------


def version(package: str) -> str:
    try:
        return f"{package} {importlib.metadata.version(package)}"
    except importlib.metadata.PackageNotFoundError:
        return f"{package} not installed"


def run(number: int) -> list[Found]:
    """All figures once. What the contenders write on the way is not shown."""
    found = []
    for figure in FIGURES:
        with open(os.devnull, "w") as nowhere, contextlib.redirect_stderr(nowhere):
            found.append(figure.measure())
        cells = ", ".join(f"{name} {ratio}" for name, ratio in found[-1].items())
        print(f"run {number}: {figure.what}: {cells}", file=sys.stderr, flush=True)
    return found


def report(runs: list[list[Found]], grown: Iterable[str]) -> Iterator[str]:
    yield "# Beside other libraries\n"
    yield from table(runs)
    yield (
        "\nMedians of rounds in which the contenders take turns, with their quartiles, in processor "
        "seconds of one thread: what the machine did beside them counts for little. A floor is the "
        "arithmetic alone, in place, in memory that is there, normal draws included. By default "
        "diffusers and denoising_diffusion_pytorch limit the predicted image to [-1, 1], and the "
        "two others do not. A walk of this course hands out each state, in memory of its own: the "
        "last of the floors does so too. What is then left above it is the Python of a step and of "
        "the set-up, and the allocator, which gives pages back to the system and asks for them "
        "again. Any real network hides both. `p_sample_loop` is the rule of chapter 05 as it is written, "
        "which looks its coefficients up anew in each step. What was tried to come nearer, and left, "
        "[tried.md](tried.md) says. The two columns are two passes of one process; memory, which no clock "
        "disturbs, is read once in each.\n"
    )
    yield "## How it grows\n"
    yield from grown
    yield (
        "\nMedians of three rounds, without their spread. A batch that leaves the cache grows faster than "
        "its size; so does the arithmetic alone.\n"
    )
    yield "## The race to good digits\n\nWho draws them first, [race.md](race.md) says."
    yield from measured_with("`make bench`")


def race_report(limit: float) -> Iterator[str]:
    yield "# The race to good digits\n"
    yield from race.race_table(limit)
    yield f"\n{' '.join((race.__doc__ or '').split(chr(10) * 2, 1)[1].split())}"
    yield (
        f"\nA lap ends at the second goal, or after {limit:g} processor seconds. Our rows of the first two "
        "races are the same lap, run twice: they differ by what the clock does. It goes on past the 1,000 "
        "steps of the `laptop` profile, which is at 1.6 floors after a minute and a half "
        "([speedrun.md](speedrun.md)); three times as many steps bring it no nearer "
        "([variants.md](variants.md), with an earlier network)."
    )
    yield from measured_with(f"`{RACE} {limit:g} > bench/race.md`, after `make bench`")


def measured_with(command: str) -> Iterator[str]:
    yield (
        f"\nAll on {hardware()}; Python {platform.python_version()}; "
        f"{', '.join(map(version, PACKAGES))}. Not measured on a GPU.\n\n## Command\n\n{command}"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--memory", metavar="NAME", help="peak memory of one contender, and no more"
    )
    parser.add_argument("--race", metavar="SECONDS", type=float, help="the race alone")
    parser.add_argument("--lap", nargs=2, metavar=("NAME", "RACE"), help="one lap of the race")
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.memory:
        print(peak_batches(options.memory))
    elif options.lap:
        name, which = options.lap
        print(json.dumps([*race.distances(name, which, options.race)]))
    else:
        lines = (
            race_report(options.race) if options.race else report([run(1), run(2)], growth_table())
        )
        for line in lines:
            print(line, flush=True)
