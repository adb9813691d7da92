"""The exercises of chapter 02, the closed form. A covariance of two states is had from variances: a quarter of the
variance of their sum, minus a quarter of that of their difference."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from .code import Code, at
from .exercise import Exercise
from .kinds import First, Hole

if TYPE_CHECKING:
    from torch import Tensor

    from ddpm_course.schedule import NoiseSchedule

_LATER = (
    r"\sqrt{\frac{\bar\alpha_t}{\bar\alpha_s}}\sqrt{1-\bar\alpha_s}\,\xi_1"
    r"+\sqrt{1-\frac{\bar\alpha_t}{\bar\alpha_s}}\,\xi_2"
)


@cache
def kept() -> list[float]:
    """What a thousand steps of DDPM's schedule keep of the variance, by their number."""
    from ddpm_course.schedule import linear_schedule

    return linear_schedule(1000).alphas_cumprod.tolist()


def _ratio(schedule: NoiseSchedule, s: Tensor, t: Tensor) -> Tensor:
    """What the steps from s to t keep of the variance."""
    return at(schedule.alphas_cumprod, t) / at(schedule.alphas_cumprod, s)


EXERCISES = {
    "2.1": Exercise(
        Hole(
            r"\operatorname{Cov}_{\xi_1,\xi_2}\left[\sqrt{\frac{\bar\alpha_t}{\bar\alpha_s}}"
            r"\sqrt{1-\bar\alpha_s}\,\xi_1+\sqrt{\square}\,\xi_2\right] = (1-\bar\alpha_t)I",
            r"\bar\alpha_t",
            sides="the variance of all noise at $t$ and that of (2.6)",
        ),
        (
            "Go from 0 to $s$ by (2.6), then on to $t$. You know what has to come out.",
            "The noise that $x_s$ holds is scaled on the way, like its mean. New noise is added.",
            "The old noise brings $\\frac{\\bar\\alpha_t}{\\bar\\alpha_s}(1-\\bar\\alpha_s)$ of the "
            "variance of (2.6). The rest is new.",
        ),
    ),
    "2.2": Exercise(
        Hole(
            r"\frac14\left(\operatorname{Cov}_{\xi_1,\xi_2}\left[\sqrt{1-\bar\alpha_s}\,\xi_1+("
            + _LATER
            + r")\right]-\operatorname{Cov}_{\xi_1,\xi_2}\left[\sqrt{1-\bar\alpha_s}\,\xi_1-("
            + _LATER
            + r")\right]\right) = \square\,I",
            r"\bar\alpha_t",
        ),
        (
            "Write $x_t$ as a multiple of $x_s$ plus fresh noise, as in Exercise 2.1.",
            "The fresh noise is independent of $x_s$, so it has no part in the covariance.",
            "What is left is the factor of the mean times the variance of $x_s$ by (2.6).",
        ),
    ),
    "2.3": Exercise(
        Hole(
            r"\frac{\mathrm{SNR}_t}{\mathrm{SNR}_{t-1}} = \square",
            r"\alpha_t \bar\alpha_t",
            start=2,
            slip=r"\alpha_t",
            sides="the ratio and your answer",
        ),
        (
            "A ratio has a numerator and a denominator. Both change from step to step.",
            "The signal does shrink by $\\alpha_t$. What happens to the noise?",
            "Write both ratios by (2.8), and divide. The numerators give $\\alpha_t$, by (2.2).",
        ),
    ),
    "2.4": Exercise(
        First(
            "the noise, over what is left of the pixel,",
            lambda t: (1 - kept()[t]) / (kept()[t] / 4),
            1,
            1000,
        ),
        (
            "At time $t$ the pixel's variance has been multiplied by $\\bar\\alpha_t$.",
            "Compare a quarter of $\\bar\\alpha_t$ with $1-\\bar\\alpha_t$. Where are they equal?",
            "They are equal where $\\bar\\alpha_t$ is four fifths. Look that up in the table "
            "`linear_schedule(1000).alphas_cumprod`.",
        ),
    ),
    "2.5": Exercise(
        Code(
            ("schedule", "x0", "t", "noise"),
            lambda schedule, x0, t, noise: (
                at(schedule.alphas_cumprod, t).sqrt() * x0
                + at(1 - schedule.alphas_cumprod, t).sqrt() * noise
            ),
            {
                "the factor of the noise is squared: noise is scaled by a standard deviation": lambda schedule, x0, t, noise: (
                    at(schedule.alphas_cumprod, t).sqrt() * x0
                    + at(1 - schedule.alphas_cumprod, t) * noise
                ),
                "the factor of the image is squared: a root is missing": lambda schedule, x0, t, noise: (
                    at(schedule.alphas_cumprod, t) * x0
                    + at(1 - schedule.alphas_cumprod, t).sqrt() * noise
                ),
                "both factors are squared: the roots are missing": lambda schedule, x0, t, noise: (
                    at(schedule.alphas_cumprod, t) * x0 + at(1 - schedule.alphas_cumprod, t) * noise
                ),
                "it uses `alphas`, the share of one step, instead of `alphas_cumprod`": lambda schedule, x0, t, noise: (
                    at(schedule.alphas, t).sqrt() * x0 + at(schedule.betas, t).sqrt() * noise
                ),
                "image and noise are exchanged": lambda schedule, x0, t, noise: (
                    at(schedule.alphas_cumprod, t).sqrt() * noise
                    + at(1 - schedule.alphas_cumprod, t).sqrt() * x0
                ),
            },
        ),
        (
            "It is (2.6): a mean, and noise of one variance in every direction.",
            "`schedule.alphas_cumprod[t]` has one number for each image. Give it the shape "
            "[B, 1, 1, 1], or let `extract` do that.",
            "Two roots: of what is left of the variance, and of the rest.",
        ),
    ),
    "2.6": Exercise(
        Code(
            ("schedule", "x_s", "s", "t", "noise"),
            lambda schedule, x_s, s, t, noise: (
                _ratio(schedule, s, t).sqrt() * x_s + (1 - _ratio(schedule, s, t)).sqrt() * noise
            ),
            {
                "the noise has the variance of all steps from 0: those up to s are in x_s already": lambda schedule, x_s, s, t, noise: (
                    _ratio(schedule, s, t).sqrt() * x_s
                    + at(1 - schedule.alphas_cumprod, t).sqrt() * noise
                ),
                "the state is scaled as from time 0: a part of that was done before s": lambda schedule, x_s, s, t, noise: (
                    at(schedule.alphas_cumprod, t).sqrt() * x_s
                    + (1 - _ratio(schedule, s, t)).sqrt() * noise
                ),
                "it goes from 0 to t, whatever s is": lambda schedule, x_s, s, t, noise: (
                    at(schedule.alphas_cumprod, t).sqrt() * x_s
                    + at(1 - schedule.alphas_cumprod, t).sqrt() * noise
                ),
                "the factor of the noise is squared: noise is scaled by a standard deviation": lambda schedule, x_s, s, t, noise: (
                    _ratio(schedule, s, t).sqrt() * x_s + (1 - _ratio(schedule, s, t)) * noise
                ),
                "the factor of the state is squared: a root is missing": lambda schedule, x_s, s, t, noise: (
                    _ratio(schedule, s, t) * x_s + (1 - _ratio(schedule, s, t)).sqrt() * noise
                ),
            },
        ),
        (
            "Exercise 2.1 has the mean and the variance.",
            "What the steps from s to t keep is a ratio of two entries of `alphas_cumprod`.",
            "The squares of the two factors add up to 1 here as well.",
        ),
    ),
}
