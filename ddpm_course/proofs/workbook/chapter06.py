"""The exercises of chapter 06, the exact world. One pixel is 1 or -1, equally likely: a mixture of two points."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .code import Code, at
from .exercise import Exercise
from .kinds import Function, Hole

if TYPE_CHECKING:
    from torch import Tensor


def _best_guess(x: float, kept: float) -> float:
    """Of a pixel that is 1 or -1, seen as x when a share `kept` of its variance is left."""
    import torch

    from ddpm_course.mixture import GaussianMixture, conditional_mean
    from ddpm_course.schedule import NoiseSchedule

    coin = GaussianMixture.from_covariances([0.5, 0.5], [[-1.0], [1.0]], [[[0.0]], [[0.0]]])
    x_t = torch.tensor([[x]], dtype=torch.float64)
    schedule = NoiseSchedule.from_betas([1 - kept])
    return float(conditional_mean(coin, schedule, x_t, torch.tensor([1]), "sample"))


def _joint(point: Tensor, means: Tensor, variances: Tensor, weights: Tensor) -> Tensor:
    """Weight times density of each component [K] at each point [B], but for a common factor."""
    squares = (point[:, None] - means) ** 2 / variances
    return weights * (-squares / 2).exp() / (6.283185307179586 * variances).sqrt()


def _shares(point: Tensor, means: Tensor, variances: Tensor, weights: Tensor) -> Tensor:
    joint = _joint(point, means, variances, weights)
    return joint / joint.sum(1, keepdim=True)


EXERCISES = {
    "6.1": Exercise(
        Hole(
            r"\log\frac\rho{1-\rho}+\frac{\lVert\mu_1+\square(\mu_2-\mu_1)-\mu_2\rVert^2}{2v}"
            r"-\frac{\lVert\mu_1+\square(\mu_2-\mu_1)-\mu_1\rVert^2}{2v} = 0",
            r"\rho v \mu_1 \mu_2",
            sides="at your point the log of the ratio and 0",
        ),
        (
            "Both are equally probable where the left side of (6.7) is zero.",
            "On the way, both squares are multiples of the squared distance of the two means. With a "
            "share $c$ of the way behind you, one multiple is the square of $c$.",
            "The difference of the squares $(1-c)^2$ and $c^2$ is linear in $c$. Solve for it.",
        ),
    ),
    "6.2": Exercise(
        Function(
            ("x", "kept"),
            _best_guess,
            ((0.5, 0.5), (-0.3, 0.9), (2.0, 0.1), (0.0, 0.5), (0.1, 0.99)),
        ),
        (
            "The best guess is the mean of 1 and -1, weighted by how probable each is.",
            "The two responsibilities (6.7) have a difference of logarithms that is linear in $x$. "
            "Expand the two squares.",
            "That difference is four times $\\sqrt{\\bar\\alpha_t}\\,x$ over twice $1-\\bar\\alpha_t$. "
            "A difference of two probabilities is the hyperbolic tangent of half of it.",
        ),
    ),
    "6.3": Exercise(
        Hole(
            r"\mathbb E_{q(x_0\mid x_t)}\left[-\frac{x_t-c\,x_0}{u^2}\right]"
            r" = \square\,\mathbb E_{q(x_0\mid x_t)}\left[\frac{x_t-c\,x_0}{u}\right]",
            "u",
            slip=r"-\frac1{u^2}",
            sides="the sides",
        ),
        (
            "How often is the numerator divided by $u$ on the left, and how often on the right?",
            "Numbers come out of an average. Take them out on both sides.",
            "On the right there is one division by $u$ already.",
        ),
    ),
    "6.4": Exercise(
        Hole(
            r"\frac{\square\kappa}{\square\kappa+1-\square} = \frac12",
            r"\kappa",
            sides="the least loss and one half",
        ),
        (
            "For Gaussian data the least loss of a network that predicts the noise is (6.14).",
            "Set (6.14) equal to one half. A fraction is a half when its denominator is twice its "
            "numerator.",
            "Then image and noise have the same variance in $x_t$, and the equation is linear in "
            "$\\bar\\alpha_t$.",
        ),
    ),
    "6.5": Exercise(
        Code(
            ("point", "kept", "weights", "means", "variances"),
            lambda point, kept, weights, means, variances: _shares(
                point, kept**0.5 * means, kept * variances + 1 - kept, weights
            ),
            {
                "the components are as they were at time 0: each mean shrinks, each variance gains noise": lambda point, kept, weights, means, variances: (
                    _shares(point, means, variances, weights)
                ),
                "the means are not scaled": lambda point, kept, weights, means, variances: _shares(
                    point, means, kept * variances + 1 - kept, weights
                ),
                "the means are scaled by what is kept of the variance: it should be its root": lambda point, kept, weights, means, variances: (
                    _shares(point, kept * means, kept * variances + 1 - kept, weights)
                ),
                "the variance of the noise is missing": lambda point, kept, weights, means, variances: (
                    _shares(point, kept**0.5 * means, kept * variances, weights)
                ),
                "the variances of the components are not scaled": lambda point, kept, weights, means, variances: (
                    _shares(point, kept**0.5 * means, variances + 1 - kept, weights)
                ),
                "`weights` is not used: a rare component needs more evidence": lambda point, kept, weights, means, variances: (
                    _shares(point, kept**0.5 * means, kept * variances + 1 - kept, weights**0)
                ),
                "the shares of a point do not add up to 1": lambda point, kept, weights, means, variances: (
                    _joint(point, kept**0.5 * means, kept * variances + 1 - kept, weights)
                ),
                "the axes are exchanged: a row for each point, a column for each component": lambda point, kept, weights, means, variances: (
                    _shares(point, kept**0.5 * means, kept * variances + 1 - kept, weights).T
                ),
                "the density lacks the root of its variance in front": lambda point, kept, weights, means, variances: (
                    _shares(
                        point,
                        kept**0.5 * means,
                        kept * variances + 1 - kept,
                        weights * (kept * variances + 1 - kept) ** 0.5,
                    )
                ),
            },
        ),
        (
            "Forward, a component stays normal. Which mean and which variance has it at t?",
            "Bayes: weight times density, divided by the sum of that over the components.",
            "`point[:, None]` minus the means [K] has a row for each point. Divide by the sum over "
            "axis 1.",
        ),
    ),
    "6.6": Exercise(
        Code(
            ("schedule", "t", "epsilon"),
            lambda schedule, t, epsilon: -epsilon / at(1 - schedule.alphas_cumprod, t).sqrt(),
            {
                "the sign is wrong: the score points away from the noise": lambda schedule, t, epsilon: (
                    epsilon / at(1 - schedule.alphas_cumprod, t).sqrt()
                ),
                "the noise is divided by the variance: it should be its root": lambda schedule, t, epsilon: (
                    -epsilon / at(1 - schedule.alphas_cumprod, t)
                ),
                "the noise is multiplied by the standard deviation: it should be divided by it": lambda schedule, t, epsilon: (
                    -epsilon * at(1 - schedule.alphas_cumprod, t).sqrt()
                ),
                "it divides by the root of beta: x_t holds the noise of all steps": lambda schedule, t, epsilon: (
                    -epsilon / at(schedule.betas, t).sqrt()
                ),
                "it is the noise with its sign changed: the scale is missing": lambda schedule, t, epsilon: (
                    -epsilon
                ),
                "it divides by what is left of the image: it should be the noise's standard deviation": lambda schedule, t, epsilon: (
                    -epsilon / at(schedule.alphas_cumprod, t).sqrt()
                ),
            },
        ),
        (
            "Exercise 6.3 has the factor, with u for the standard deviation of the noise.",
            "The noise in x_t is that of all steps up to t.",
            "The score points to where images are; the noise points away from there.",
        ),
    ),
}
