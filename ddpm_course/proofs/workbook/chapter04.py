"""The exercises of chapter 04, from divergence to squared error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..tactics import increments
from .code import Code
from .exercise import Exercise
from .kinds import Hole, Line

if TYPE_CHECKING:
    from torch import Tensor

    from ddpm_course.schedule import NoiseSchedule


def _kl(mean1: Any, variance1: Any, mean2: Any, variance2: Any) -> Any:
    """The divergence (0.11) of each coordinate."""
    ratio = variance1 / variance2
    return 0.5 * (ratio - 1 - ratio.log() + (mean1 - mean2) ** 2 / variance2)


def _snr(schedule: NoiseSchedule) -> Tensor:
    return schedule.alphas_cumprod / (1 - schedule.alphas_cumprod)


EXERCISES = {
    "4.1": Exercise(
        Hole(
            r"D_{KL}(\mathcal N(\mu_1,v_1I)\|\mathcal N(\mu_2,\square I))"
            r" = \frac d2\log\frac{\square}{v_1}",
            r"v_1 \mu_1 \mu_2 d",
            sides="the divergence and its value at the best variance",
        ),
        (
            "As a function of $v_2$ the divergence (0.11) has three parts. Two fall, one grows.",
            "Take the derivative of (0.11) with respect to $v_2$, and set it to zero.",
            "Multiply that equation by the square of $v_2$. It is linear then. The student's variance "
            "has to pay for the error of its mean, too.",
        ),
    ),
    "4.2": Exercise(
        Hole(r"\frac{\bar\alpha_0\,\beta_1^2}{2\beta_1\,(1-\bar\alpha_1)^2} = \square", r"\beta_t"),
        (
            "Put $t$ = 1 and the variance $\\beta_1$ into the weight (4.15).",
            "Nothing has happened at time 0: what is $\\bar\\alpha_0$?",
            "At the first step $1-\\bar\\alpha_1$ is the variance of that step. Count its powers above "
            "and below.",
        ),
    ),
    "4.3": Exercise(
        Line(
            (
                r"\frac{\bar\alpha_{t-1}\,\beta_t}{2(1-\bar\alpha_{t-1})(1-\bar\alpha_t)}",
                r"\frac{\bar\alpha_{t-1}-\bar\alpha_t}{2(1-\bar\alpha_{t-1})(1-\bar\alpha_t)}",
                r"\frac12\left(\frac1{1-\bar\alpha_t}-\frac1{1-\bar\alpha_{t-1}}\right)",
                r"\frac12(\mathrm{SNR}_t-\mathrm{SNR}_{t-1})",
            ),
            start=2,
        ),
        (
            "The first expression is positive. Is the last?",
            "A wrong sign came in somewhere. Which of the lines are positive?",
            "Put in 0.5 for $\\bar\\alpha_{t-1}$ and 0.2 for $\\bar\\alpha_t$, line by line.",
        ),
    ),
    "4.4": Exercise(
        Hole(
            r"D_{KL}(q(x_T\mid x_0)\|p_\theta(x_T)) = \square",
            r"\bar\alpha_t T x_0 d",
            slip=r"\frac12\left(\bar\alpha_T\lVert x_0\rVert^2+d\,(1-\bar\alpha_T)"
            r"-d\log(1-\bar\alpha_T)\right)",
            sides="the divergence and your answer",
        ),
        (
            "A test case: when nothing is left of the image, what should the divergence be?",
            "Compare with (4.10), where $v_1$ is $1-\\bar\\alpha_T$ and $v_2$ is 1.",
            "The bracket in (4.10) has three terms: the ratio of the variances, a constant, and a "
            "logarithm. One of them is missing here.",
        ),
    ),
    "4.5": Exercise(
        Hole(
            r"\sum_{k=2}^{t}\frac12(\mathrm{SNR}_{k-1}-\mathrm{SNR}_k) = \square",
            r"\mathrm{SNR}_t \bar\alpha_t",
            by=increments,
            sides="the sum and your answer",
        ),
        (
            "By (4.16) each weight is half a difference of two neighbours.",
            "Write out the sum for $t$ = 4. Which terms stay?",
            "Neighbours cancel. One term of the first difference stays, and one of the last.",
        ),
    ),
    "4.6": Exercise(
        Code(
            ("mean1", "variance1", "mean2", "variance2"),
            lambda mean1, variance1, mean2, variance2: _kl(mean1, variance1, mean2, variance2),
            {
                "the two laws are exchanged: the divergence is not symmetric": lambda mean1, variance1, mean2, variance2: (
                    _kl(mean2, variance2, mean1, variance1)
                ),
                "the factor one half is missing": lambda mean1, variance1, mean2, variance2: (
                    2 * _kl(mean1, variance1, mean2, variance2)
                ),
                "the constant is missing: of two equal laws the divergence is 0": lambda mean1, variance1, mean2, variance2: (
                    _kl(mean1, variance1, mean2, variance2) + 0.5
                ),
                "the logarithm has the wrong sign": lambda mean1, variance1, mean2, variance2: (
                    _kl(mean1, variance1, mean2, variance2) + (variance1 / variance2).log()
                ),
                "the difference of the means is not squared": lambda mean1, variance1, mean2, variance2: (
                    _kl(0, variance1, 0, variance2) + (mean1 - mean2) / (2 * variance2)
                ),
                "the difference of the means is divided by the first variance": lambda mean1, variance1, mean2, variance2: (
                    _kl(0, variance1, 0, variance2) + (mean1 - mean2) ** 2 / (2 * variance1)
                ),
                "the variances are taken for standard deviations, and squared": lambda mean1, variance1, mean2, variance2: (
                    _kl(mean1, variance1**2, mean2, variance2**2)
                ),
                "it is the sum over all coordinates: a number for each is asked for": lambda mean1, variance1, mean2, variance2: (
                    _kl(mean1, variance1, mean2, variance2).sum()
                ),
            },
        ),
        (
            "It is (0.11) for d = 1, in every coordinate.",
            "Four terms in a bracket: a ratio, a constant, a logarithm, a squared difference.",
            "Test it: it is 0 when both laws are the same, and never negative.",
        ),
    ),
    "4.7": Exercise(
        Code(
            ("schedule", "t"),
            lambda schedule, t: (_snr(schedule)[t - 1] - _snr(schedule)[t]) / 2,
            {
                "the sign is wrong: the ratio falls, and a weight is positive": lambda schedule, t: (
                    (_snr(schedule)[t] - _snr(schedule)[t - 1]) / 2
                ),
                "the factor one half is missing": lambda schedule, t: (
                    _snr(schedule)[t - 1] - _snr(schedule)[t]
                ),
                "it is the ratio of signal to noise itself: the weight is half of what a step takes off": lambda schedule, t: (
                    _snr(schedule)[t]
                ),
                "it is half of the ratio: the weight is half of what a step takes off": lambda schedule, t: (
                    _snr(schedule)[t] / 2
                ),
                "the ratio is turned around: signal over noise": lambda schedule, t: (
                    (1 / _snr(schedule)[t - 1] - 1 / _snr(schedule)[t]) / 2
                ),
            },
        ),
        (
            "It is (4.16). The ratio of signal to noise is a table: compute it first.",
            "The ratio is `alphas_cumprod` over 1 minus that. It is infinite at time 0.",
            "Read the table at `t - 1` and at `t`. The weight is infinite at t = 1, and that is right.",
        ),
    ),
}
