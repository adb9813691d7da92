"""The exercises of chapter 07, DDIM."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from .chapter02 import kept
from .code import Code, at
from .exercise import Exercise
from .kinds import First, Hole, Line

if TYPE_CHECKING:
    from torch import Tensor

    from ddpm_course.schedule import NoiseSchedule


@cache
def _width_kept(steps: int, variance: float = 0.09) -> float:
    """Standard deviation of what DDIM draws in so many steps, over that of the data."""
    from ddpm_course.sampling import Sampler

    product = variance**-0.5
    left = [kept()[t] for t in Sampler(steps).timesteps(1000)]
    for t, s in zip(left, left[1:]):
        product *= ((s * t) ** 0.5 * variance + ((1 - s) * (1 - t)) ** 0.5) / (t * variance + 1 - t)
    return product


def _image(schedule: NoiseSchedule, x_t: Tensor, t: Tensor, epsilon: Tensor) -> Tensor:
    """The image that is left when the noise is taken off."""
    kept = at(schedule.alphas_cumprod, t)
    return (x_t - (1 - kept).sqrt() * epsilon) / kept.sqrt()


def _sigma2(schedule: NoiseSchedule, t: Tensor, s: Tensor) -> Tensor:
    """The variance of new noise from t to s with eta = 1."""
    kept, later = schedule.alphas_cumprod[s], schedule.alphas_cumprod[t]
    return (1 - kept) / (1 - later) * (1 - later / kept)


EXERCISES = {
    "7.1": Exercise(
        Hole(
            r"\square\,\sqrt{\tilde\beta_t} = \sqrt{1-\bar\alpha_{t-1}}",
            r"\alpha_t \bar\alpha_t \beta_t",
            start=2,
            sides="the standard deviation of the new noise and the largest",
        ),
        (
            "What must not become negative? It stands under a root in (7.17).",
            "By (7.22) the variance of the new noise is a multiple of $\\tilde\\beta_t$. Set it equal "
            "to the largest value that is allowed.",
            "Divide by $\\tilde\\beta_t$ as it is in (3.5). One bracket cancels. What you have is a "
            "square.",
        ),
    ),
    "7.2": Exercise(
        Line(
            (
                r"1-\bar\alpha_{t-1}-\tilde\beta_t",
                r"1-\bar\alpha_{t-1}-\frac{(1-\alpha_t)(1-\bar\alpha_{t-1})}{1-\bar\alpha_t}",
                r"(1-\bar\alpha_{t-1})\left(1-\frac{1-\alpha_t}{1-\bar\alpha_t}\right)",
                r"(1-\bar\alpha_{t-1})\,\frac{\alpha_t-\bar\alpha_t}{1-\bar\alpha_t}",
                r"(1-\bar\alpha_{t-1})\,\frac{\alpha_t(1-\bar\alpha_t)}{1-\bar\alpha_t}",
                r"\alpha_t(1-\bar\alpha_{t-1})",
            ),
            start=2,
        ),
        (
            "The last line should be (7.23), and is not.",
            "Take out $\\alpha_t$ from every place where it can be taken out, with (2.2).",
            "Which index is left on a product when its last factor has been taken out?",
        ),
    ),
    "7.3": Exercise(
        Hole(
            r"\sigma_{t,s}^2 = \square",
            r"\eta \alpha_t \bar\alpha_t",
            slip=r"\eta^2\,\frac{1-\bar\alpha_s}{1-\bar\alpha_t}\,(1-\alpha_t)",
            sides="the variance and your answer",
        ),
        (
            "When $s$ is $t-1$ the formula is right. What if steps are left out?",
            "$1-\\alpha_t$ is the variance that one step adds. From $s$ to $t$ there are many.",
            "The variance that all steps from $s$ to $t$ add is that of Exercise 2.1.",
        ),
    ),
    "7.4": Exercise(
        Hole(
            r"\sqrt{\bar\alpha_s}(\sqrt{\bar\alpha_t}\,x_t-\sqrt{1-\bar\alpha_t}\,"
            r"\hat{\mathrm{v}}_\theta(x_t,t))+\sqrt{1-\bar\alpha_s}(\sqrt{1-\bar\alpha_t}\,x_t"
            r"+\sqrt{\bar\alpha_t}\,\hat{\mathrm{v}}_\theta(x_t,t)) = \square",
            r"\bar\alpha_t \hat{\mathrm{v}}_\theta(x_t,t)",
            sides="the step and your answer",
        ),
        (
            "The step (7.44) needs an estimate of the image and one of the noise. v gives both.",
            "Put (5.12) and (5.13), with the network's v, into (7.44).",
            "Collect $x_t$ and v: one gets a sum of two products of roots, the other a difference. "
            "They are the cosine and the sine of a difference of angles.",
        ),
    ),
    "7.5": Exercise(
        First("the width of what is drawn, over that of the data,", _width_kept, 0.9, 1000),
        (
            "A step of DDIM is a step of Euler's method (7.45), of first order.",
            "Of first order means: with twice the steps, half of what was missing is missing.",
            "Twenty steps keep 0.79 of the width, so 0.21 is missing. How many steps for 0.10?",
        ),
    ),
    "7.6": Exercise(
        Code(
            ("schedule", "x_t", "t", "s", "epsilon"),
            lambda schedule, x_t, t, s, epsilon: (
                at(schedule.alphas_cumprod, s).sqrt() * _image(schedule, x_t, t, epsilon)
                + at(1 - schedule.alphas_cumprod, s).sqrt() * epsilon
            ),
            {
                "it scales x_t itself: first take its noise off, to have the image": lambda schedule, x_t, t, s, epsilon: (
                    at(schedule.alphas_cumprod, s).sqrt() * x_t
                    + at(1 - schedule.alphas_cumprod, s).sqrt() * epsilon
                ),
                "it is the estimate of the image: the noise for time s has to be put back": lambda schedule, x_t, t, s, epsilon: (
                    _image(schedule, x_t, t, epsilon)
                ),
                "the noise that is put back is that of t: at s there is less": lambda schedule, x_t, t, s, epsilon: (
                    at(schedule.alphas_cumprod, s).sqrt() * _image(schedule, x_t, t, epsilon)
                    + at(1 - schedule.alphas_cumprod, t).sqrt() * epsilon
                ),
                "the estimate of the image is not scaled for time s": lambda schedule, x_t, t, s, epsilon: (
                    _image(schedule, x_t, t, epsilon)
                    + at(1 - schedule.alphas_cumprod, s).sqrt() * epsilon
                ),
                "the noise that is put back is squared in scale: a root is missing": lambda schedule, x_t, t, s, epsilon: (
                    at(schedule.alphas_cumprod, s).sqrt() * _image(schedule, x_t, t, epsilon)
                    + at(1 - schedule.alphas_cumprod, s) * epsilon
                ),
                "no noise is put back": lambda schedule, x_t, t, s, epsilon: (
                    at(schedule.alphas_cumprod, s).sqrt() * _image(schedule, x_t, t, epsilon)
                ),
                "it goes to t-1: s may lie any number of steps before t": lambda schedule, x_t, t, s, epsilon: (
                    at(schedule.alphas_cumprod, t - 1).sqrt() * _image(schedule, x_t, t, epsilon)
                    + at(1 - schedule.alphas_cumprod, t - 1).sqrt() * epsilon
                ),
            },
        ),
        (
            "Two parts: the estimate of the image, and the noise, each scaled for time s.",
            "The estimate of the image is what is left of x_t without its noise, divided by the "
            "factor that the image has at t.",
            "Test it: for s = t nothing may change, and s = 0 gives the estimate of the image.",
        ),
    ),
    "7.7": Exercise(
        Code(
            ("schedule", "t", "s", "eta"),
            lambda schedule, t, s, eta: eta * _sigma2(schedule, t, s).sqrt(),
            {
                "it is the variance: its root is asked for": lambda schedule, t, s, eta: (
                    eta**2 * _sigma2(schedule, t, s)
                ),
                "the root is missing": lambda schedule, t, s, eta: eta * _sigma2(schedule, t, s),
                "`eta` is squared: it scales the standard deviation": lambda schedule, t, s, eta: (
                    eta**2 * _sigma2(schedule, t, s).sqrt()
                ),
                "`eta` is under the root: it scales the standard deviation": lambda schedule, t, s, eta: (
                    (eta * _sigma2(schedule, t, s)).sqrt()
                ),
                "the noise of one step is taken for that of all steps from s to t": lambda schedule, t, s, eta: (
                    eta
                    * (
                        (1 - schedule.alphas_cumprod[s])
                        / (1 - schedule.alphas_cumprod[t])
                        * schedule.betas[t]
                    ).sqrt()
                ),
                "the first fraction is turned around: less noise is on top": lambda schedule, t, s, eta: (
                    eta
                    * _sigma2(schedule, t, s).sqrt()
                    * (1 - schedule.alphas_cumprod[t])
                    / (1 - schedule.alphas_cumprod[s])
                ),
                "`eta` is not used": lambda schedule, t, s, eta: _sigma2(schedule, t, s).sqrt(),
            },
        ),
        (
            "Exercise 7.3 has its square, with the slip mended.",
            "Three entries: the noise at s, the noise at t, and what the steps from s to t keep.",
            "`eta` stands before the root. At s = 0 the result is 0.",
        ),
    ),
}
