"""The exercises of chapter 20, probability flow."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

from .chapter02 import kept
from .code import Code, at
from .exercise import Exercise
from .kinds import First, Hole, Line

if TYPE_CHECKING:
    from torch import Tensor

    from ddpm_course.schedule import NoiseSchedule

    Model = Callable[[Tensor, Tensor], Tensor]

DENSITY = r"\mathrm{q}(\mathrm{x},x_0,\tau)"


@cache
def _width_kept(steps: int, variance: float = 0.09) -> float:
    """Standard deviation of what 2M draws in so many steps, over that of the data."""
    from ddpm_course.sampling import Sampler

    times = Sampler(steps).timesteps(1000)
    x, before, last = 1.0, 0.0, math.inf  # a state of the normal start, and the image before
    for t, s in zip(times, times[1:]):
        left, later = kept()[t], kept()[s]
        image = math.sqrt(left) * variance / (left * variance + 1 - left) * x
        ratio = math.sqrt((1 - later) * left / (later * (1 - left)))
        length = -math.log(ratio) if s else 0.0  # no correction in the last step
        change = length / last / 2 * (image - before)
        x = math.sqrt((1 - later) / (1 - left)) * x
        x += math.sqrt(later) * (1 - ratio) * (image + change)
        before, last = image, length
    return x / math.sqrt(variance)


def _places(schedule: NoiseSchedule, t: Tensor) -> tuple[Tensor, Tensor]:
    """The factor of the image at t, and r."""
    signal, noise = at(schedule.alphas_cumprod, t), at(schedule.one_minus_alphas_cumprod, t)
    return signal.sqrt(), (noise / signal).sqrt()


def _heun(
    schedule: NoiseSchedule,
    x_t: Tensor,
    t: Tensor,
    s: Tensor,
    model: Model,
    mean: Callable[..., Tensor],
    at_image: bool = False,
) -> Tensor:
    """Heun's step with a mean of the slopes; to the image Euler's, or not."""
    (here, r), (there, r_next) = _places(schedule, t), _places(schedule, s)
    first = model(x_t, t)
    trial = x_t / here + (r_next - r) * first
    slope = mean(first, model(there * trial, s), model(there * trial, t), model(x_t, s))
    slope = slope if at_image else slope.where(r_next > 0, first)
    return there * (x_t / here + (r_next - r) * slope)


EXERCISES = {
    "20.1": Exercise(
        Hole(
            rf"\frac{{d}}{{d\tau}}{DENSITY} = \nabla_{{\mathrm{{x}}}}\cdot\left({DENSITY}\left("
            r"\frac{\beta(\tau)}2\,\mathrm{x}+\square\,"
            rf"\nabla_{{\mathrm{{x}}}}\log{DENSITY}\right)\right)",
            r"\beta(\tau)",
            slip=r"\beta(\tau)",
            sides="the change of the density and what the walk does to it",
            after="22_flow_matching",
        ),
        (
            "The formula has no term with two gradients, so this walk adds no noise.",
            "It is a member of the family (20.11). Which one?",
            "Put $\\eta=0$ into (20.11), and compare what stands before the score.",
        ),
    ),
    "20.2": Exercise(
        Line(
            (
                r"\kappa+r_s^2-\frac{(\kappa+r_sr_t)^2}{\kappa+r_t^2}",
                r"\frac{(\kappa+r_s^2)(\kappa+r_t^2)-(\kappa+r_sr_t)^2}{\kappa+r_t^2}",
                r"\frac{\kappa r_s^2+\kappa r_t^2-2\kappa r_sr_t}{\kappa+r_t^2}",
                r"\frac{\kappa(r_s^2+r_t^2-r_sr_t)}{\kappa+r_t^2}",
                r"\frac{\kappa\left((r_t-r_s)^2+r_sr_t\right)}{\kappa+r_t^2}",
            ),
            after="22_flow_matching",
        ),
        (
            "The last line should be (20.20), and is not.",
            "Let $r_s$ be $r_t$. A step of length 0 loses nothing, and one line does not say so.",
            "Count the products of $r_s$ and $r_t$ from one line to the next.",
        ),
    ),
    "20.3": Exercise(
        Hole(
            r"\frac{d}{d\delta}\left(\square\,\exp(\delta)\right) = \delta^2\exp(\delta)",
            r"\delta",
            sides="the derivative and what is integrated",
            after="22_flow_matching",
        ),
        (
            "In (20.29) one power of $\\delta$ needed a polynomial of the first degree.",
            "Write a polynomial of the second degree with three unknown numbers, and differentiate "
            "its product with the exponential.",
            "The derivative of a product has two terms: the polynomial itself and its derivative. "
            "Their sum must be $\\delta^2$: compare the three powers, the highest one first.",
        ),
    ),
    "20.4": Exercise(
        First("the width of what is drawn, over that of the data,", _width_kept, 0.9, 1000),
        (
            "Exercise 7.5 has the same question for DDIM. There the answer was 45.",
            "If all steps were of second order, far fewer would do. But the last one is DDIM's, and "
            "with trailing times it is as long as the others in t.",
            "Half as many as for DDIM, and a little more.",
        ),
    ),
    "20.5": Exercise(
        Code(
            ("schedule", "x_t", "t", "s", "model"),
            lambda schedule, x_t, t, s, model: _heun(
                schedule, x_t, t, s, model, lambda first, ahead, *_: (first + ahead) / 2
            ),
            {
                "it is the trial alone: the slope there has to be asked for, too": lambda schedule, x_t, t, s, model: (
                    _heun(schedule, x_t, t, s, model, lambda first, *_: first)
                ),
                "to s = 0 the trial is the answer: no noise is left there that could be predicted": lambda schedule, x_t, t, s, model: (
                    _heun(schedule, x_t, t, s, model, lambda a, b, *_: (a + b) / 2, at_image=True)
                ),
                "the second slope is asked for at time t: the trial stands at s": lambda schedule, x_t, t, s, model: (
                    _heun(schedule, x_t, t, s, model, lambda a, b, c, d: (a + c) / 2)
                ),
                "the second slope is asked for at x_t: the trial has moved on": lambda schedule, x_t, t, s, model: (
                    _heun(schedule, x_t, t, s, model, lambda a, b, c, d: (a + d) / 2)
                ),
                "the slopes are added: their mean is asked for": lambda schedule, x_t, t, s, model: (
                    _heun(schedule, x_t, t, s, model, lambda first, ahead, *_: first + ahead)
                ),
                "the second slope is used alone: their mean is asked for": lambda schedule, x_t, t, s, model: (
                    _heun(schedule, x_t, t, s, model, lambda first, ahead, *_: ahead)
                ),
                "it returns a place: at s the state is the place times the factor of the image": lambda schedule, x_t, t, s, model: (
                    _heun(schedule, x_t, t, s, model, lambda first, ahead, *_: (first + ahead) / 2)
                    / _places(schedule, s)[0]
                ),
            },
        ),
        (
            "Divide x_t by the factor of the image, to have its place. Four numbers are needed: "
            "that factor and r, at t and at s.",
            "The trial is a place as well. The model takes a state: multiply by the factor at s.",
            "Where `s` is 0, take the first slope alone: `torch.where`, with the condition in the "
            "shape of a table read at s.",
        ),
    ),
    "20.6": Exercise(
        Code(
            ("log_density", "dims", "bin_width"),
            lambda log_density, dims, bin_width: (
                -(log_density + dims * math.log(bin_width)) / (dims * math.log(2))
            ),
            {
                "the width of a bin is missing: a density is no probability": lambda log_density, dims, bin_width: (
                    -log_density / (dims * math.log(2))
                ),
                "the width counts once for each number of an image, and is there only once": lambda log_density, dims, bin_width: (
                    -(log_density + math.log(bin_width)) / (dims * math.log(2))
                ),
                "the sign of the width is turned around: a narrow bin is less probable": lambda log_density, dims, bin_width: (
                    -(log_density - dims * math.log(bin_width)) / (dims * math.log(2))
                ),
                "these are nats: divide by the logarithm of 2": lambda log_density, dims, bin_width: (
                    -(log_density + dims * math.log(bin_width)) / dims
                ),
                "it is what a whole image costs: divide by `dims`": lambda log_density, dims, bin_width: (
                    -(log_density + dims * math.log(bin_width)) / math.log(2)
                ),
                "the sign is turned around: what is less probable costs more": lambda log_density, dims, bin_width: (
                    (log_density + dims * math.log(bin_width)) / (dims * math.log(2))
                ),
            },
        ),
        (
            "First the probability of an image, then its bits, then the share of one number.",
            "A probability is the density times the volume of a bin, which has `dims` sides.",
            "A test: log density 0 and a bin of 1/8 must give three bits, for any `dims`.",
        ),
    ),
}
