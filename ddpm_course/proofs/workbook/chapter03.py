"""The exercises of chapter 03, the posterior."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from .code import Code, at
from .exercise import Exercise
from .kinds import First, Hole, Line

if TYPE_CHECKING:
    from torch import Tensor

    from ddpm_course.schedule import NoiseSchedule


@cache
def _shares() -> list[float]:
    """The posterior variance over beta, in a chain whose steps all keep 0.9 of the variance."""
    from ddpm_course.posterior import posterior_variance
    from ddpm_course.schedule import NoiseSchedule

    schedule = NoiseSchedule.from_betas([0.1] * 100)
    return (posterior_variance(schedule) / schedule.betas).tolist()


def _mean(schedule: NoiseSchedule, x0: Tensor, x_t: Tensor, t: Tensor) -> Tensor:
    """The posterior mean (3.6)."""
    kept, earlier = at(schedule.alphas_cumprod, t), at(schedule.alphas_cumprod, t - 1)
    alpha = at(schedule.alphas, t)
    return (earlier.sqrt() * (1 - alpha) * x0 + alpha.sqrt() * (1 - earlier) * x_t) / (1 - kept)


def _variance(schedule: NoiseSchedule, t: Tensor) -> Tensor:
    """The posterior variance (3.5)."""
    noise = 1 - schedule.alphas_cumprod
    return at(schedule.betas, t) * at(noise, t - 1) / at(noise, t)


EXERCISES = {
    "3.1": Exercise(
        Line(
            (
                r"q(x_{t-1}\mid x_t,x_0)",
                r"\frac{q(x_t\mid x_{t-1},x_0)\,q(x_{t-1}\mid x_0)}{q(x_t\mid x_0)}",
                r"\frac{q(x_t\mid x_{t-1})\,q(x_{t-1}\mid x_0)}{q(x_t\mid x_0)}",
                r"\frac{q(x_t\mid x_{t-1})\,q(x_{t-1})}{q(x_t)}",
                r"q(x_{t-1}\mid x_t)",
            ),
            start=2,
        ),
        (
            "If all lines were true, the image would tell nothing about the step back.",
            "The Markov property (1.3) lets the image go where the state right before is given.",
            "Look for a density from which the image is dropped though no earlier state stays.",
        ),
    ),
    "3.2": Exercise(
        Hole(
            r"\operatorname{Cov}_{\xi_1,\xi_2}\left[\sqrt{\frac{\bar\alpha_t}{\bar\alpha_s}}\,"
            r"\frac{1-\bar\alpha_s}{1-\bar\alpha_t}\sqrt{1-\bar\alpha_t}\,\xi_1"
            r"+\sqrt{\square}\,\xi_2\right] = (1-\bar\alpha_s)I",
            r"\bar\alpha_t",
            sides="the variance of $x_s$ that comes out and that of (2.6)",
        ),
        (
            "Nothing in the derivation of (3.5) needs neighbours. Which two laws are multiplied?",
            "Precisions add up. The image gives $\\frac1{1-\\bar\\alpha_s}$; the noisy state gives the "
            "square of the factor in its mean over its variance given $x_s$ (Exercise 2.1).",
            "That second precision is $\\frac{\\bar\\alpha_t}{\\bar\\alpha_s-\\bar\\alpha_t}$. Add the "
            "two over one denominator, and turn the fraction around.",
        ),
    ),
    "3.3": Exercise(
        Hole(
            r"\frac1{\tilde\beta_t} = \frac1{1-\bar\alpha_{t-1}}+\square",
            r"\alpha_t",
            start=2,
            slip=r"\frac1{1-\alpha_t}",
            sides="the two sides, with your answer,",
        ),
        (
            "Precisions do add up. But are both about the same thing?",
            "As a law of $x_t$ the forward step has the variance $1-\\alpha_t$. Here it is read as a "
            "bell over $x_{t-1}$.",
            "The bell over $x_{t-1}$ comes from a square with $\\sqrt{\\alpha_t}\\,x_{t-1}$ in it. "
            "What stands before the square of $x_{t-1}$?",
        ),
    ),
    "3.4": Exercise(
        Hole(
            r"\frac{\sqrt{\alpha_t}\,(1-\bar\alpha_{t-1})}{1-\bar\alpha_t}\sqrt{\bar\alpha_t}\,x_0"
            r"+\frac{\sqrt{\bar\alpha_{t-1}}\,(1-\alpha_t)}{1-\bar\alpha_t}\,x_0 = \square",
            r"\bar\alpha_t x_0",
        ),
        (
            "Put the given $x_t$ into (3.6). What can be taken out of both terms?",
            "Both terms hold $\\sqrt{\\bar\\alpha_{t-1}}$, for $\\bar\\alpha_t$ is a product (2.2).",
            "The bracket that is left is the left side of (2.3), over $1-\\bar\\alpha_t$.",
        ),
    ),
    "3.5": Exercise(
        First("the posterior variance over beta", lambda t: _shares()[t], 0.9, 100),
        (
            "Divide (3.5) by $1-\\alpha_t$. What is left?",
            "With equal steps $\\bar\\alpha_t$ is a power of 0.9.",
            "You want $\\frac{1-0.9^{t-1}}{1-0.9^t}$ to be 0.9 at least, as in (3.5). Solve for the "
            "power, and try the whole numbers near by.",
        ),
    ),
    "3.6": Exercise(
        Code(
            ("schedule", "x0", "x_t", "t"),
            lambda schedule, x0, x_t, t: _mean(schedule, x0, x_t, t),
            {
                "the factors of the two images are exchanged": lambda schedule, x0, x_t, t: _mean(
                    schedule, x_t, x0, t
                ),
                "before x0 stands a product up to t: it should go up to t-1": lambda schedule, x0, x_t, t: (
                    _mean(schedule, x0 * at(schedule.alphas, t).sqrt(), x_t, t)
                ),
                "the root in the factor of x0 is missing": lambda schedule, x0, x_t, t: _mean(
                    schedule, x0 * at(schedule.alphas_cumprod, t - 1).sqrt(), x_t, t
                ),
                "the root in the factor of x_t is missing": lambda schedule, x0, x_t, t: _mean(
                    schedule, x0, x_t * at(schedule.alphas, t).sqrt(), t
                ),
                "the common denominator, the variance of all noise at t, is missing": lambda schedule, x0, x_t, t: (
                    _mean(schedule, x0, x_t, t) * at(1 - schedule.alphas_cumprod, t)
                ),
                "it is the image: what is asked for is the mean one step before x_t": lambda schedule, x0, x_t, t: (
                    x0
                ),
            },
        ),
        (
            "It is (3.6). Which tables does it need, and at which times?",
            "`schedule.alphas_cumprod[t - 1]` is the table one step earlier; at t = 1 it reads 1.",
            "Test it: without noise, that is for `x_t = alphas_cumprod[t].sqrt() * x0`, the mean is "
            "what Exercise 3.4 says.",
        ),
    ),
    "3.7": Exercise(
        Code(
            ("schedule", "x0", "x_t", "t", "noise"),
            lambda schedule, x0, x_t, t, noise: (
                _mean(schedule, x0, x_t, t) + _variance(schedule, t).sqrt() * noise
            ),
            {
                "the noise is scaled by the variance: it should be its root": lambda schedule, x0, x_t, t, noise: (
                    _mean(schedule, x0, x_t, t) + _variance(schedule, t) * noise
                ),
                "the noise has the variance beta of the step forward: the posterior's is smaller": lambda schedule, x0, x_t, t, noise: (
                    _mean(schedule, x0, x_t, t) + at(schedule.betas, t).sqrt() * noise
                ),
                "it is the mean alone: the noise is not used": lambda schedule, x0, x_t, t, noise: (
                    _mean(schedule, x0, x_t, t)
                ),
                "the noise is not scaled": lambda schedule, x0, x_t, t, noise: (
                    _mean(schedule, x0, x_t, t) + noise
                ),
                "the noise has the variance of all noise at t": lambda schedule, x0, x_t, t, noise: (
                    _mean(schedule, x0, x_t, t) + at(1 - schedule.alphas_cumprod, t).sqrt() * noise
                ),
            },
        ),
        (
            "A draw from a normal law is its mean, plus scaled noise.",
            "The mean is that of Exercise 3.6, the variance is (3.5).",
            "At t = 1 the posterior knows the image: no noise is left there, by itself.",
        ),
    ),
}
