"""The exercises of chapter 22, flow matching."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .code import Code, at
from .exercise import Exercise
from .kinds import First, Hole, Line

if TYPE_CHECKING:
    from torch import Tensor

    from ddpm_course.schedule import NoiseSchedule


def _width_left(steps: int) -> float:
    """Standard deviation of what so many equal steps of the flow draw, for normal data of spread 1."""
    left = 1.0
    for step in range(steps, 0, -1):
        time = step / steps
        left *= 1 - (2 * time - 1) / ((1 - time) ** 2 + time**2) / steps
    return left


def _noised(schedule: NoiseSchedule, x0: Tensor, t: Tensor, noise: Tensor) -> Tensor:
    kept = at(schedule.alphas_cumprod, t)
    return kept.sqrt() * x0 + (1 - kept).sqrt() * noise


def _size(schedule: NoiseSchedule, t: Tensor) -> Tensor:
    """The sum of the two factors, by which a state is divided."""
    return at(schedule.alphas_cumprod, t).sqrt() + at(1 - schedule.alphas_cumprod, t).sqrt()


def _flow_time(schedule: NoiseSchedule, t: Tensor) -> Tensor:
    return at(1 - schedule.alphas_cumprod, t).sqrt() / _size(schedule, t)


def _moved(schedule: NoiseSchedule, x_t: Tensor, t: Tensor, s: Tensor, velocity: Tensor) -> Tensor:
    """The place at s on the line through the place at t."""
    time = _flow_time(schedule, s) - _flow_time(schedule, t)
    return x_t / _size(schedule, t) + time * velocity


_PLACE = r"\frac{x_t}{\sqrt{\bar\alpha_t}+\sqrt{1-\bar\alpha_t}}"
_VELOCITY = r"(\hat\epsilon_\theta(x_t,t)-\hat x_\theta(x_t,t))"

EXERCISES = {
    "22.1": Exercise(
        Hole(
            r"\mathrm{u}_t = \square",
            r"\bar\alpha_t x_t \epsilon",
            sides="the velocity and your answer",
            after="22_flow_matching",
        ),
        (
            "The velocity (22.7) has the image in it. What is the image when state and noise are "
            "known?",
            "Solve (5.0) for $x_0$, or (22.10) for $\\mathrm{u}_t$.",
            "By (22.10) the velocity times $\\sqrt{\\bar\\alpha_t}$ is a multiple of the noise, less "
            "the state.",
        ),
    ),
    "22.2": Exercise(
        Line(
            (
                r"(1-\phi_s)\,\hat x_\theta(x_t,t)+\phi_s\,\hat\epsilon_\theta(x_t,t)",
                rf"\hat x_\theta(x_t,t)+\phi_s{_VELOCITY}",
                rf"\hat x_\theta(x_t,t)+\phi_t{_VELOCITY} \\ &+(\phi_s-\phi_t){_VELOCITY}",
                rf"{_PLACE}+(\phi_s-\phi_t){_VELOCITY}",
                rf"{_PLACE}+(\phi_t-\phi_s){_VELOCITY}",
                rf"{_PLACE}+(\phi_t-\phi_s)\,\hat{{\mathrm{{u}}}}_\theta(x_t,t)",
            ),
            after="22_flow_matching",
        ),
        (
            "Which way does the velocity (22.12) point: to the noise, or to the image?",
            "Sampling goes from large flow times to small ones. Which sign has the change of the "
            "flow time?",
            "Two lines differ in nothing but the order of the two flow times.",
        ),
    ),
    "22.3": Exercise(
        First("the standard deviation of what is drawn", _width_left, 0.95, 1000),
        (
            "A step of Euler's method is of first order: with twice the steps, half is missing.",
            "With 20 steps 0.062 is missing. How many steps for 0.050?",
            "A place at flow time $f$ has the variance $(1-f)^2+f^2$, and the mean velocity there is "
            "the place times half its derivative over it. So each step multiplies by a number.",
        ),
    ),
    "22.4": Exercise(
        Hole(
            r"\frac{\mathrm{m}\,\tilde\phi_t}{1+(\mathrm{m}-1)\,\tilde\phi_t} = \square",
            r"\mathrm{m} \phi_t",
            sides="the flow time after two shifts and your answer",
            after="22_flow_matching",
        ),
        (
            "By (22.22) a shift does something simple to the noise-to-signal ratio.",
            "What do two shifts do to that ratio? Which single shift does this?",
            "The noise-to-signal ratio is multiplied by $\\mathrm{m}$, and by $\\mathrm{m}$ again. Put "
            "that factor in the place of $\\mathrm{m}$ in (22.21).",
        ),
    ),
    "22.5": Exercise(
        Code(
            ("schedule", "model", "x0", "t", "noise"),
            lambda schedule, model, x0, t, noise: (
                (noise - x0 - model(_noised(schedule, x0, t, noise), t)) ** 2
            ).mean(),
            {
                "the velocity points to the image: here it points to the noise": lambda schedule, model, x0, t, noise: (
                    ((x0 - noise - model(_noised(schedule, x0, t, noise), t)) ** 2).mean()
                ),
                "the network gets the place on the line: ours gets the state x_t of the chain": lambda schedule, model, x0, t, noise: (
                    (
                        (
                            noise
                            - x0
                            - model(_noised(schedule, x0, t, noise) / _size(schedule, t), t)
                        )
                        ** 2
                    ).mean()
                ),
                "the target is v: the velocity has no factors": lambda schedule, model, x0, t, noise: (
                    (
                        (
                            _noised(schedule, noise, t, -x0)
                            - model(_noised(schedule, x0, t, noise), t)
                        )
                        ** 2
                    ).mean()
                ),
                "the output is compared with the noise: this network predicts the velocity": lambda schedule, model, x0, t, noise: (
                    ((noise - model(_noised(schedule, x0, t, noise), t)) ** 2).mean()
                ),
                "the network gets the image without noise: it should see x_t": lambda schedule, model, x0, t, noise: (
                    ((noise - x0 - model(x0, t)) ** 2).mean()
                ),
                "it is a sum: the mean over all numbers is asked for": lambda schedule, model, x0, t, noise: (
                    ((noise - x0 - model(_noised(schedule, x0, t, noise), t)) ** 2).sum()
                ),
            },
        ),
        (
            "It is Exercise 5.6 with another target.",
            "The velocity of a line is the same all along it, so the target needs no table.",
            "The network is called as `model(x_t, t)`, with the state of chapter 02, not the scaled "
            "one.",
        ),
    ),
    "22.6": Exercise(
        Code(
            ("schedule", "x_t", "t", "s", "velocity"),
            lambda schedule, x_t, t, s, velocity: (
                _size(schedule, s) * _moved(schedule, x_t, t, s, velocity)
            ),
            {
                "the sign is wrong: it walks away from the image": lambda schedule, x_t, t, s, velocity: (
                    _size(schedule, s) * _moved(schedule, x_t, t, s, -velocity)
                ),
                "the state is not scaled: divide it first by the sum of its two factors at t": lambda schedule, x_t, t, s, velocity: (
                    x_t + (_flow_time(schedule, s) - _flow_time(schedule, t)) * velocity
                ),
                "it is the place on the line: multiply by the sum of the two factors at s": lambda schedule, x_t, t, s, velocity: (
                    _moved(schedule, x_t, t, s, velocity)
                ),
                "it scales back by the factors of t: the new state belongs to s": lambda schedule, x_t, t, s, velocity: (
                    _size(schedule, t) * _moved(schedule, x_t, t, s, velocity)
                ),
                "the step is counted in times of the chain: it should be in flow time": lambda schedule, x_t, t, s, velocity: (
                    _size(schedule, s)
                    * (
                        x_t / _size(schedule, t)
                        + (s - t).view(-1, 1, 1, 1) / schedule.num_train_timesteps * velocity
                    )
                ),
            },
        ),
        (
            "Three steps: to the line, along the line, and back to a state of the chain.",
            "To the line: divide by the sum of the two factors at t. The flow time (22.1) is the "
            "share of the second.",
            "Along the line: the difference of the two flow times, s less t, times the velocity. "
            "Back: multiply by the sum at s.",
        ),
    ),
}
