"""The exercises of chapter 01, the forward process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..tactics import increments
from .code import Code
from .exercise import Exercise
from .kinds import First, Hole

if TYPE_CHECKING:
    from torch import Tensor


def _table(values: Tensor, first: float) -> Tensor:
    """Values for t = 1, 2, ..., with the entry for t = 0 in front."""
    return values.new_tensor([first, *values.tolist()])


EXERCISES = {
    "1.1": Exercise(
        Hole(
            r"\square\,\frac1{\sqrt{1-a^2}} = \sqrt u",
            "a u",
            sides="the limit of the standard deviation and the root of $u$",
        ),
        (
            "The covariance of the noise settles: (1.14) says where.",
            "Set the limit equal to the new variance instead of 1. Only one letter is unknown.",
            "The equation gives the square of $b$. Noise is scaled by a standard deviation.",
        ),
    ),
    "1.2": Exercise(
        Hole(r"a^{2t}\kappa+(\sqrt{1-a^2})^2\,\frac{1-a^{2t}}{1-a^2}-1 = \square", r"a t \kappa"),
        (
            "Two independent parts make up $x_t$: the image, scaled, and the noise $w_t$.",
            "By (1.7) the image is scaled by $a^t$. How does that scale its variance?",
            "Add the variance of the noise (1.12), in which the fraction goes away, and take off 1.",
        ),
    ),
    "1.3": Exercise(
        Hole(
            r"\operatorname{Cov}_{q_a(x_{1:T}\mid x_0)}\left[\sqrt{1-\alpha}\,\sum_{k=0}^{t-1}"
            r"(\sqrt\alpha)^k\zeta_{t-k}\right] = \square\,I",
            r"\alpha t",
            by=increments,
            slip=r"(1-\alpha^{2t})",
            sides="the covariance and your answer",
        ),
        (
            "Try the smallest case: what is the covariance after a single step?",
            "In (1.12) the letter $a$ is a root here. What is its square?",
            "One step adds a variance of $1-\\alpha$. The exponent that you see is twice the right one.",
        ),
    ),
    "1.4": Exercise(
        First("the share of noise", lambda t: 1 - 0.95**t, 0.99, 1000),
        (
            "Each step multiplies what the image has left of the variance by the same number.",
            "After $t$ steps the image has a power of 0.95 left. Logarithms turn powers into products.",
            "Divide the logarithm of 0.01 by that of 0.95, and go up to the next whole number.",
        ),
    ),
    "1.5": Exercise(
        Code(
            ("x", "beta", "noise"),
            lambda x, beta, noise: (1 - beta) ** 0.5 * x + beta**0.5 * noise,
            {
                "the factor of the noise is the variance: it should be its root": lambda x, beta, noise: (
                    (1 - beta) ** 0.5 * x + beta * noise
                ),
                "the factor of the image is the share of variance: it should be its root": lambda x, beta, noise: (
                    (1 - beta) * x + beta**0.5 * noise
                ),
                "both factors are squared: they should be roots": lambda x, beta, noise: (
                    (1 - beta) * x + beta * noise
                ),
                "the two factors are exchanged": lambda x, beta, noise: (
                    beta**0.5 * x + (1 - beta) ** 0.5 * noise
                ),
                "the image is not scaled, so the variance grows": lambda x, beta, noise: (
                    x + beta**0.5 * noise
                ),
            },
        ),
        (
            "It is the step (1.17), with the noise handed in.",
            "`beta` is a variance. What multiplies the noise is a standard deviation.",
            "The squares of the two factors add up to 1.",
        ),
    ),
    "1.6": Exercise(
        Code(
            ("betas",),
            lambda betas: _table((1 - betas).cumprod(0), 1),
            {
                "the entry for t = 0 is missing: nothing has happened there, and all is kept": lambda betas: (
                    (1 - betas).cumprod(0)
                ),
                "the betas are multiplied: a step keeps 1 - beta": lambda betas: _table(
                    betas.cumprod(0), 1
                ),
                "at t = 0 it has 0: there all is kept, so the entry is 1": lambda betas: _table(
                    (1 - betas).cumprod(0), 0
                ),
                "the parts that are kept are added: each step multiplies what is left": lambda betas: (
                    _table((1 - betas).cumsum(0), 1)
                ),
                "it is the table of alphas: the product over all steps up to t is asked for": lambda betas: (
                    _table(1 - betas, 1)
                ),
                "it is the variance of the noise: 1 minus that is what is kept": lambda betas: (
                    _table(1 - (1 - betas).cumprod(0), 0)
                ),
            },
        ),
        (
            "Each step keeps a share of the variance. Two steps keep the product of two shares.",
            "`cumprod(0)` multiplies along a tensor. Of which numbers?",
            "The table has one entry more than there are steps: its index is the time, from 0 on.",
        ),
    ),
}
