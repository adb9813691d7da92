"""The exercises of chapter 05, the predictions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .code import Code, at
from .exercise import Exercise
from .kinds import Hole

if TYPE_CHECKING:
    from torch import Tensor

    from ddpm_course.schedule import NoiseSchedule


def _noised(schedule: NoiseSchedule, x0: Tensor, t: Tensor, noise: Tensor) -> Tensor:
    kept = at(schedule.alphas_cumprod, t)
    return kept.sqrt() * x0 + (1 - kept).sqrt() * noise


def _back(schedule: NoiseSchedule, x_t: Tensor, t: Tensor, epsilon: Tensor) -> Tensor:
    """The mean of the step back (5.5)."""
    factor = at(schedule.betas, t) / at(1 - schedule.alphas_cumprod, t).sqrt()
    return (x_t - factor * epsilon) / at(schedule.alphas, t).sqrt()


EXERCISES = {
    "5.1": Exercise(
        Hole(
            r"\tilde\mu_t(x_t,x_0) = \square",
            r"\alpha_t \bar\alpha_t \beta_t x_t \epsilon",
            sides="the posterior mean and your answer",
            slip=r"\frac1{\sqrt{\alpha_t}}\left("
            r"x_t-\frac{\beta_t}{\sqrt{1-\alpha_t}}\,\epsilon\right)",
        ),
        (
            "At $t$ = 1 the formula is right. Try $t$ = 2.",
            "Simplify the fraction as it is printed, with (4.12). Would it make sense for that much "
            "noise to be taken off?",
            "How much noise is in $x_t$: that of one step, or that of all steps? (5.0) says.",
        ),
    ),
    "5.2": Exercise(
        Hole(r"\mathrm{v}_t = \square", r"\bar\alpha_t x_t x_0", sides="v and your answer"),
        (
            "The definition (5.11) has the noise in it. What is the noise when both images are known?",
            "Solve (5.0) for $\\epsilon$, put it into (5.11), and collect $x_0$.",
            "The factors of $x_0$ are two fractions over $\\sqrt{1-\\bar\\alpha_t}$; their numerators "
            "add up to a number. Or solve (5.12) for v.",
        ),
    ),
    "5.3": Exercise(
        Hole(
            r"\tilde\mu_t(x_t,x_0) = \square",
            r"\alpha_t \bar\alpha_t \beta_t x_t \mathrm{v}_t",
            sides="the posterior mean and your answer",
        ),
        (
            "The posterior mean (3.6) has the image in it. Which equation gives the image by v?",
            "Put (5.12) into (3.6), and collect what stands before $x_t$ and before v.",
            "Before $x_t$ stand two fractions. Take out $\\sqrt{\\alpha_t}$, and (2.3) helps; it is "
            "much simpler than what (5.5) has there.",
        ),
    ),
    "5.4": Exercise(
        Hole(
            r"\lVert\mathrm{v}_t-(\sqrt{\bar\alpha_t}\,\hat\epsilon_\theta(x_t,t)-\sqrt{1-\bar\alpha_t}"
            r"\,\hat x_\theta(x_t,t))\rVert^2 = \square\,"
            r"\lVert\epsilon-\hat\epsilon_\theta(x_t,t)\rVert^2",
            r"\bar\alpha_t",
            sides="the error in v and what your answer makes of it",
        ),
        (
            "Both errors are known multiples of a third one, that of the image.",
            "Compare (5.14) with (5.15). The left sides are the same error of the image.",
            "By the two, $1-\\bar\\alpha_t$ errors in v are as many errors of the noise as stand in "
            "(5.14). Divide.",
        ),
    ),
    "5.5": Exercise(
        Hole(
            r"\mathbb E_{q(x_t\mid x_0)}[\lVert\mathrm{v}_t\rVert^2] = \square",
            r"\bar\alpha_t x_0 d",
            sides="the mean square of v and your answer",
        ),
        (
            "A network that returns zeros pays the squared norm of its target. The target is (5.11).",
            "The noise has mean zero and is independent of the image, so there is no cross term.",
            "In $d$ dimensions the squared norm of $\\epsilon$ is $d$ on average. Each part is "
            "multiplied by the square of its factor.",
        ),
    ),
    "5.6": Exercise(
        Code(
            ("schedule", "model", "x0", "t", "noise"),
            lambda schedule, model, x0, t, noise: (
                (noise - model(_noised(schedule, x0, t, noise), t)) ** 2
            ).mean(),
            {
                "the network gets the image without noise: it should see x_t": lambda schedule, model, x0, t, noise: (
                    ((noise - model(x0, t)) ** 2).mean()
                ),
                "the output is compared with the image: this network predicts the noise": lambda schedule, model, x0, t, noise: (
                    ((x0 - model(_noised(schedule, x0, t, noise), t)) ** 2).mean()
                ),
                "it is a sum: the mean over all numbers is asked for": lambda schedule, model, x0, t, noise: (
                    ((noise - model(_noised(schedule, x0, t, noise), t)) ** 2).sum()
                ),
                "it is the error of each number: the mean over all is missing": lambda schedule, model, x0, t, noise: (
                    (noise - model(_noised(schedule, x0, t, noise), t)) ** 2
                ),
                "the error is not squared": lambda schedule, model, x0, t, noise: (
                    noise - model(_noised(schedule, x0, t, noise), t)
                ).mean(),
                "it is the absolute error: squares are asked for": lambda schedule, model, x0, t, noise: (
                    (noise - model(_noised(schedule, x0, t, noise), t)).abs().mean()
                ),
                "the roots are missing in x_t": lambda schedule, model, x0, t, noise: (
                    (
                        noise
                        - model(
                            at(schedule.alphas_cumprod, t) * x0
                            + at(1 - schedule.alphas_cumprod, t) * noise,
                            t,
                        )
                    )
                    ** 2
                ).mean(),
                "the image was noised by the tables of one step: x_t has `alphas_cumprod`": lambda schedule, model, x0, t, noise: (
                    (
                        (
                            noise
                            - model(
                                at(schedule.alphas, t).sqrt() * x0
                                + at(schedule.betas, t).sqrt() * noise,
                                t,
                            )
                        )
                        ** 2
                    ).mean()
                ),
            },
        ),
        (
            "Three steps: noise the image, ask the network, compare.",
            "The network is called as `model(x_t, t)`, and x_t holds the noise that it is to find.",
            "The loss is one number, the mean of all squares.",
        ),
    ),
    "5.7": Exercise(
        Code(
            ("schedule", "x_t", "t", "epsilon", "z"),
            lambda schedule, x_t, t, epsilon, z: (
                _back(schedule, x_t, t, epsilon)
                + at(schedule.betas, t).sqrt() * z * (t > 1).view(-1, 1, 1, 1)
            ),
            {
                "noise is added in the last step, too: at t = 1 there should be none": lambda schedule, x_t, t, epsilon, z: (
                    _back(schedule, x_t, t, epsilon) + at(schedule.betas, t).sqrt() * z
                ),
                "the new noise is scaled by the variance: it should be its root": lambda schedule, x_t, t, epsilon, z: (
                    _back(schedule, x_t, t, epsilon)
                    + at(schedule.betas, t) * z * (t > 1).view(-1, 1, 1, 1)
                ),
                "it is the mean alone: the new noise is not used": lambda schedule, x_t, t, epsilon, z: (
                    _back(schedule, x_t, t, epsilon)
                ),
                "the predicted noise is added: it has to be taken off": lambda schedule, x_t, t, epsilon, z: (
                    _back(schedule, x_t, t, -epsilon)
                    + at(schedule.betas, t).sqrt() * z * (t > 1).view(-1, 1, 1, 1)
                ),
                "the predicted noise is divided by the root of beta: x_t holds the noise of all steps": lambda schedule, x_t, t, epsilon, z: (
                    (x_t - at(schedule.betas, t).sqrt() * epsilon) / at(schedule.alphas, t).sqrt()
                    + at(schedule.betas, t).sqrt() * z * (t > 1).view(-1, 1, 1, 1)
                ),
                "a root is missing under the predicted noise": lambda schedule, x_t, t, epsilon, z: (
                    _back(schedule, x_t, t, epsilon / at(1 - schedule.alphas_cumprod, t).sqrt())
                    + at(schedule.betas, t).sqrt() * z * (t > 1).view(-1, 1, 1, 1)
                ),
                "the division by the root of alpha is missing": lambda schedule, x_t, t, epsilon, z: (
                    _back(schedule, x_t, t, epsilon) * at(schedule.alphas, t).sqrt()
                    + at(schedule.betas, t).sqrt() * z * (t > 1).view(-1, 1, 1, 1)
                ),
                "it jumps to the image: one step back is asked for": lambda schedule, x_t, t, epsilon, z: (
                    (x_t - at(1 - schedule.alphas_cumprod, t).sqrt() * epsilon)
                    / at(schedule.alphas_cumprod, t).sqrt()
                ),
            },
        ),
        (
            "It is the mean (5.5), with the network's noise, and new noise of variance beta.",
            "Two different variances: beta is that of one step, the root under the predicted noise is "
            "that of all noise at t.",
            "At t = 1 the new noise is left out: `(t > 1).view(-1, 1, 1, 1)` is 0 there, else 1.",
        ),
    ),
}
