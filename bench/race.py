"""From a cold process to good digits: who gets there first, on one thread.

Each loop does what the documentation of its library says, without its progress bar and its
accelerator. Digits are of 8×8 pixels, so networks have the widths and levels that fit there: about a
million weights in the documented loops of the others, and 0.18 million, or nearly that, where ours
are given; no digit is mirrored. All are measured alike: as many samples as are held out, drawn in 50
calls of the network, averaged where the loop averages it, by a fast sampler of the library, off the
clock. That is done after 20 processor seconds of a cold process, imports included, and whenever 1.4
times as many have passed, twice as many where the distance is above 4 floors: so late may a time
be. One lap with one seed; who knows a library better may find a faster one.
"""

import copy
import json
import math
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ddpm_course.data import batch_order, load_set
from ddpm_course.runs.drawing import draw_batches
from ddpm_course.runs.loop import (
    batches,
    build_schedule,
    initial_state,
    training_loop,
    update_ema,
    warmed_up_decay,
    warmed_up_learning_rate,
)
from ddpm_course.runs.measures import load_reference, measure
from ddpm_course.runs.processes import Processes
from ddpm_course.runs.profiles import load_profile

GOALS = 2.0, 1.5  # floors
CALLS = 50
PROFILE = replace(load_profile("laptop"), num_steps=10**6, sampling_steps=CALLS)
CPU = torch.device("cpu")
Draw = Callable[[int], Tensor]


@dataclass(frozen=True)
class Race:
    what: str
    ours: bool  # our hyper-parameters and size of network are given to all
    told: bool  # who can learn classes is told them


RACES = {
    "documented": Race(
        "each library's documented loop, of which ours alone knows classes", False, True
    ),
    "ours": Race(
        "our hyper-parameters and network size for all; classes where there is a way", True, True
    ),
    "untold": Race("the same, and nobody is told the class", True, False),
}


@dataclass(frozen=True)
class Recipe:
    """How a network is trained."""

    batch_size: int
    rate: Callable[[int], float]  # at step 1, 2, ...
    optimizer: Callable[..., torch.optim.Optimizer]
    clip: float = math.inf
    ema: Callable[[int], float] = lambda step: 0.0  # share of the average that is kept at a step


def our_recipe() -> Recipe:
    return Recipe(
        PROFILE.batch_size,
        lambda step: warmed_up_learning_rate(PROFILE, step),
        lambda weights: torch.optim.AdamW(weights, weight_decay=PROFILE.weight_decay, fused=True),
        PROFILE.grad_clip,
        lambda step: warmed_up_decay(step, PROFILE.ema_decay),
    )


def trained(
    network: nn.Module, recipe: Recipe, loss: Callable[[Tensor, Tensor], Tensor]
) -> Iterator[nn.Module]:
    """The averaged network after each step; loss takes images in [-1, 1] and their labels."""
    images = load_set("digits")
    pixels, labels = images.floats(), images.labels
    average = copy.deepcopy(network).eval().requires_grad_(False)
    optimizer = recipe.optimizer(network.parameters())
    for step, index in enumerate(batch_order(len(images), recipe.batch_size, 0), 1):
        loss(pixels[index], labels[index]).backward()
        nn.utils.clip_grad_norm_(network.parameters(), recipe.clip)
        for group in optimizer.param_groups:
            group["lr"] = recipe.rate(step)
        optimizer.step()
        optimizer.zero_grad()
        update_ema(average, network, recipe.ema(step))
        yield average


def classes_in_turn(num: int) -> Tensor:
    return torch.arange(num) % 10


# --- The loops -----------------------------------------------------------------------------------


def ddpm_course(race: Race) -> Iterator[Draw]:
    """`ddpm-course train` with the laptop profile."""
    profile = PROFILE if race.told else replace(PROFILE, num_classes=0)
    images, processes = load_set("digits"), Processes(CPU)
    state, schedule = initial_state(profile, 1, 0, CPU), build_schedule(profile, CPU)
    shares = batches(profile, images, 0, 1, processes)
    for _ in training_loop(profile, schedule, state, shares, 0, processes):
        yield lambda num: draw_batches(profile, schedule, state.ema, images.image_shape, 1, num)


def diffusers(race: Race) -> Iterator[Draw]:
    """The tutorial "Train a diffusion model": 50 epochs of batches of 16, no average."""
    from diffusers import DDIMScheduler, UNet2DModel  # pyright: ignore[reportPrivateImportUsage]

    from ddpm_course.runs.diffusers import unet_config

    told, size = race.ours and race.told, len(load_set("digits"))
    steps = 50 * (size // 16)
    chain: dict[str, Any] = {}
    if race.ours:
        network: Any = UNet2DModel.from_config(
            unet_config(replace(PROFILE, num_classes=10 * told), (1, 8, 8))
        )
        recipe, chain = our_recipe(), {"beta_schedule": "squaredcos_cap_v2"}
    else:
        network = UNet2DModel(
            sample_size=8,
            in_channels=1,
            out_channels=1,
            layers_per_block=2,
            block_out_channels=(32, 64),
            down_block_types=("DownBlock2D", "AttnDownBlock2D"),
            up_block_types=("AttnUpBlock2D", "UpBlock2D"),
        )
        recipe = Recipe(
            16,
            lambda step: (
                1e-4
                * min(1, step / 500)
                * (0.5 + 0.5 * math.cos(math.pi * max(0, step - 500) / (steps - 500)))
            ),
            torch.optim.AdamW,
            clip=1.0,
        )
    scheduler: Any = DDIMScheduler(num_train_timesteps=1000, timestep_spacing="trailing", **chain)

    def loss(x0: Tensor, labels: Tensor) -> Tensor:
        noise = torch.randn(x0.shape)
        times: Any = torch.randint(0, 1000, (len(x0),))
        noisy: Any = scheduler.add_noise(x0, noise, times)
        known = {"class_labels": labels} if told else {}
        return nn.functional.mse_loss(network(noisy, times, **known, return_dict=False)[0], noise)

    @torch.no_grad()
    def draw(average: Any, num: int) -> Tensor:
        x: Any = torch.randn(num, 1, 8, 8)
        known = {"class_labels": classes_in_turn(num)} if told else {}
        scheduler.set_timesteps(CALLS)
        for t in scheduler.timesteps:
            x = scheduler.step(average(x, t, **known).sample, t, x).prev_sample
        return x

    for step, average in enumerate(trained(network.train(), recipe, loss), 1):
        yield lambda num: draw(average, num)
        if not race.ours and step == steps:
            return


def denoising_diffusion_pytorch(race: Race) -> Iterator[Draw]:
    """The README's Trainer: two batches of 32 a step, an average. Its Unet learns no classes."""
    from denoising_diffusion_pytorch import GaussianDiffusion, Unet

    def diffusion(network: nn.Module) -> Any:
        own = {"objective": "pred_noise", "beta_schedule": "cosine"} if race.ours else {}
        return GaussianDiffusion(
            network, image_size=8, timesteps=1000, sampling_timesteps=CALLS, **own
        )

    if race.ours:
        network, recipe = Unet(dim=14, dim_mults=(1, 2), channels=1), our_recipe()
    else:
        network = Unet(dim=20, dim_mults=(1, 2, 4), channels=1)
        recipe = Recipe(
            64,
            lambda step: 8e-5,
            lambda weights: torch.optim.Adam(weights, betas=(0.9, 0.99)),
            clip=1.0,
            ema=lambda step: 0.995 ** (1 / 10),  # 0.995 at every tenth step
        )
    train = diffusion(network)
    for average in trained(network, recipe, lambda x0, labels: train((x0 + 1) / 2)):
        yield lambda num: 2 * diffusion(average).sample(batch_size=num) - 1


def smalldiffusion(race: Race) -> Iterator[Draw]:
    """examples/fashion_mnist_unet.py: all images in one batch, an average, `gam` 1.6."""
    from smalldiffusion import CondEmbedderLabel, Scaled, ScheduleLogLinear, Unet
    from smalldiffusion import samples as walk

    told, kind = race.ours and race.told, Scaled(Unet)  # pyright: ignore[reportArgumentType]
    schedule = ScheduleLogLinear(sigma_min=0.01, sigma_max=20, N=800)
    if race.ours:
        recipe = our_recipe()
        shape: dict[str, Any] = dict(ch=32, ch_mult=(1, 1), num_res_blocks=1, dropout=0)
        shape |= {"cond_embed": CondEmbedderLabel(4 * 32, 10, 0.0)} if told else {}
    else:
        shape = dict(ch=32, ch_mult=(1, 1, 2))
        recipe = Recipe(
            len(load_set("digits")),
            lambda step: 7e-4,
            torch.optim.AdamW,
            ema=lambda step: min(0.999, (1 + step) / (10 + step)),
        )
    network: Any = kind(8, 1, 1, attn_resolutions=(4,), **shape)

    def loss(x0: Tensor, labels: Tensor) -> Tensor:
        network.train()
        sigma = schedule.sample_batch(x0).view(-1, 1, 1, 1)
        cond = labels if told else None
        return network.get_loss(x0, sigma, torch.randn_like(x0), cond=cond)

    def draw(average: Any, num: int) -> Tensor:
        cond = classes_in_turn(num) if told else None
        sigmas = schedule.sample_sigmas(CALLS)
        *_, x0 = walk(average, sigmas, gam=1.6, batchsize=num, cond=cond)
        return x0

    for average in trained(network, recipe, loss):
        yield lambda num: draw(average, num)


LOOPS = {
    loop.__name__: loop
    for loop in (ddpm_course, diffusers, denoising_diffusion_pytorch, smalldiffusion)
}


# --- The clock -----------------------------------------------------------------------------------


def distances(name: str, race: str, limit: float) -> Iterator[tuple[float, float]]:
    """Processor seconds since the process began, and the distance then, in floors.

    Measured after 20 s, and whenever √2 times as many have passed, or twice as many where it is
    still far, up to the limit or the last goal; and where a loop ends by itself.
    """
    torch.manual_seed(0)
    off, mark, start, draw = 0.0, 20.0, 0.0, None

    def measured() -> tuple[float, float]:
        assert draw
        reference = load_reference("digits")
        floor = float(reference.floors["frechet"].mean())
        found = measure(reference, draw(len(reference.held_out))).frechet / floor
        return start - off, found

    for draw in LOOPS[name](RACES[race]):
        start = time.process_time()
        if start - off < mark:
            continue
        yield (found := measured())
        if found[1] <= GOALS[-1] or mark >= limit:
            return
        mark = min(mark * (2 if found[1] > 2 * GOALS[0] else math.sqrt(2)), limit)
        off += time.process_time() - start
        draw = None
    if draw:  # the loop ended by itself
        yield measured()


def in_a_cold_process(name: str, race: str, limit: float) -> list[tuple[float, float]] | str:
    script = Path(__file__).with_name("peers.py")
    command = [sys.executable, script, "--lap", name, race, "--race", str(limit)]
    done = subprocess.run([*map(str, command)], capture_output=True, text=True)
    if done.returncode:
        return (done.stderr.splitlines() or ["no reason given"])[-1]
    return json.loads(done.stdout.splitlines()[-1])


def race_table(limit: float) -> Iterator[str]:
    goals = " | ".join(f"to {goal:g} floors" for goal in GOALS)
    yield f"| race | contender | {goals} | last measured |\n|---|---|---|---|---|"
    for key, race in RACES.items():
        what = race.what
        for name in LOOPS:
            yield f"| {what} | {name} | {race_cells(in_a_cold_process(name, key, limit))} |"
            what = ""


def race_cells(found: list[tuple[float, float]] | str) -> str:
    """When each goal was first seen to be reached, and the last that was seen."""
    if isinstance(found, str) or not found:
        return f"{found or 'nothing was measured'} | | "
    reached = (next((s for s, floors in found if floors <= goal), None) for goal in GOALS)
    cells = ["not reached" if s is None else f"{s:.0f} s" for s in reached]
    seconds, floors = found[-1]
    return f"{' | '.join(cells)} | {floors:.1f} floors after {seconds:.0f} s"
