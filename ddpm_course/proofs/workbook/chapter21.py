"""The exercises of chapter 21, guidance."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .code import Code, at
from .exercise import Exercise
from .kinds import First, Hole, Line

if TYPE_CHECKING:
    from torch import Tensor

    from ddpm_course.schedule import NoiseSchedule


def _narrower(g: int, v: float = 0.25) -> float:
    """The tilted law's variance over that of the walk with new noise; all images have variance 1."""
    new_noise = v * (1 - v ** (2 * g - 1)) / ((2 * g - 1) * (1 - v))
    return 1 / ((1 - g) + g / v) / new_noise


def _pulled(told: Tensor, untold: Tensor, scale: float) -> Tensor:
    return untold + scale * (told - untold)


def _image(schedule: NoiseSchedule, x_t: Tensor, t: Tensor, epsilon: Tensor) -> Tensor:
    """The image that is left when the noise is taken off."""
    kept = at(schedule.alphas_cumprod, t)
    return (x_t - (1 - kept).sqrt() * epsilon) / kept.sqrt()


EXERCISES = {
    "21.1": Exercise(
        Hole(
            r"\square\,(\psi-\tilde\psi) = (1+w)\left(\tilde\psi+g(\psi-\tilde\psi)\right)"
            r"-w\,\tilde\psi-\tilde\psi",
            "g w",
            sides="the change by your scale, and by the two scales,",
            after="22_flow_matching",
        ),
        (
            "Write the second guidance as in (21.4), with the guided noise (21.3) in the place of "
            "$\\psi$.",
            "Subtract $\\tilde\\psi$. What is left of each part is a multiple of "
            "$\\psi-\\tilde\\psi$.",
            "Of the guided noise $g(\\psi-\\tilde\\psi)$ is left, and it is taken $1+w$ times.",
        ),
    ),
    "21.2": Exercise(
        Line(
            (
                r"\psi+w(\psi-\tilde\psi)",
                r"(1+w)\psi-w\,\tilde\psi",
                r"\tilde\psi-(1+w)\tilde\psi+(1+w)\psi",
                r"\tilde\psi+w(\psi-\tilde\psi)",
                r"(1-w)\tilde\psi+w\,\psi",
            ),
            after="22_flow_matching",
        ),
        (
            "Compare the first formula with the last where $w$ is zero. Then look for the line.",
            "Put a number for $\\psi$, another for $\\tilde\\psi$, and a third for $w$ into each line.",
            "Factors were collected. Which bracket stands before both, and what was written?",
        ),
    ),
    "21.3": Exercise(
        Hole(
            r"\frac{1-g}v\lVert x\rVert^2+\frac gv\lVert x-\mu\rVert^2"
            r" = \frac1v\lVert x-\square\rVert^2+\frac{g(1-g)}v\lVert\mu\rVert^2",
            r"g \mu",
            sides="the two squares, and what your mean makes of them,",
            after="22_flow_matching",
        ),
        (
            "Put $v$ for both variances in (21.8). Or expand the squares on both sides.",
            "The terms with $\\lVert x\\rVert^2$ agree. Compare those with one $x$ in them.",
            "On the left the term with one $x$ comes from the second square alone, and has its "
            "factor.",
        ),
    ),
    "21.4": Exercise(
        First("the tilted law's variance, over that of the walk,", _narrower, 1.9, 1000),
        (
            "The variance of the tilted law is $1/(1+3g)$. (21.11) has that of the walk.",
            "For a large scale a power of ¼ is negligible. Both variances then fall as one over the "
            "scale, and their quotient has a limit.",
            "The quotient is nearly $3(2g-1)/(1+3g)$, which tends to 2. Set it equal to 1.9.",
        ),
    ),
    "21.5": Exercise(
        Code(
            ("told", "untold", "guidance_scale"),
            lambda told, untold, guidance_scale: _pulled(told, untold, guidance_scale),
            {
                "it counts from the network with labels: here a scale of 1 is that network": lambda told, untold, guidance_scale: (
                    _pulled(told, untold, guidance_scale + 1)
                ),
                "it counts one too few: a scale of 1 should be the network with labels": lambda told, untold, guidance_scale: (
                    _pulled(told, untold, guidance_scale - 1)
                ),
                "the two outputs are exchanged: it pulls away from the label": lambda told, untold, guidance_scale: (
                    _pulled(untold, told, guidance_scale)
                ),
                "it is the difference alone: the output without the label has to be added": lambda told, untold, guidance_scale: (
                    guidance_scale * (told - untold)
                ),
                "the output without the label has to be taken off before it is scaled": lambda told, untold, guidance_scale: (
                    untold + guidance_scale * told
                ),
            },
        ),
        (
            "The first form of (21.3) has a factor for each output.",
            "Test it: a scale of 0 gives `untold`, a scale of 1 gives `told`.",
            "Start at `untold`, and go as many times the way to `told` as the scale says.",
        ),
    ),
    "21.6": Exercise(
        Code(
            ("schedule", "x_t", "t", "told", "untold", "guidance_scale"),
            lambda schedule, x_t, t, told, untold, guidance_scale: _image(
                schedule, x_t, t, _pulled(told, untold, guidance_scale)
            ).clamp(-1, 1),
            {
                "the two images are clipped before they are combined: the result can leave [-1, 1]": lambda schedule, x_t, t, told, untold, guidance_scale: (
                    _pulled(
                        _image(schedule, x_t, t, told).clamp(-1, 1),
                        _image(schedule, x_t, t, untold).clamp(-1, 1),
                        guidance_scale,
                    )
                ),
                "it is not clipped": lambda schedule, x_t, t, told, untold, guidance_scale: _image(
                    schedule, x_t, t, _pulled(told, untold, guidance_scale)
                ),
                "the noise is clipped: noise may be larger than 1, an image may not": lambda schedule, x_t, t, told, untold, guidance_scale: (
                    _image(schedule, x_t, t, _pulled(told, untold, guidance_scale).clamp(-1, 1))
                ),
                "it is the guided noise, clipped: take it off, and scale": lambda schedule, x_t, t, told, untold, guidance_scale: (
                    _pulled(told, untold, guidance_scale).clamp(-1, 1)
                ),
                "it counts from the network with labels: here a scale of 1 is that network": lambda schedule, x_t, t, told, untold, guidance_scale: (
                    _image(schedule, x_t, t, _pulled(told, untold, guidance_scale + 1)).clamp(-1, 1)
                ),
                "the division by what is left of the image is missing": lambda schedule, x_t, t, told, untold, guidance_scale: (
                    (
                        x_t
                        - at(1 - schedule.alphas_cumprod, t).sqrt()
                        * _pulled(told, untold, guidance_scale)
                    ).clamp(-1, 1)
                ),
            },
        ),
        (
            "Three steps: the guided noise, the image without it, its numbers between -1 and 1.",
            "The image comes out of the noise as in every chapter since 05, with `alphas_cumprod` "
            "at t.",
            "`.clamp(-1, 1)` comes last. Before the outputs are combined it would do something else.",
        ),
    ),
}
