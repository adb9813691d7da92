"""The log of a run: one line of metrics every so many steps, and the picture of its losses."""

import json
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from io import BytesIO
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ddpm_course.checks import BadValue, describe
from ddpm_course.runs.files import check_no_link, naming_errors, write_file
from ddpm_course.runs.processes import Processes


def read_losses(found: list[Tensor], last_step: int, processes: Processes) -> list[float]:
    """The losses of the latest steps, from tensors [2] of loss and length of the gradient.

    Raises BadValue at the first number that is not finite.
    """
    rows = processes.mean(torch.stack(found)).tolist()
    for step, row in enumerate(rows, last_step - len(rows) + 1):
        for what, value in zip(("loss", "gradient"), row):
            if not math.isfinite(value):
                raise BadValue(
                    "train",
                    f"the {what} at step {step}",
                    got=str(value),
                    expected="a finite number",
                    fix="lower learning_rate, or raise warmup_steps",
                )
    return [loss for loss, _ in rows]


def check_tensorboard() -> None:
    """Raise BadValue unless TensorBoard is installed."""
    try:
        import torch.utils.tensorboard  # noqa: F401
    except ImportError:
        raise BadValue(
            "train",
            "tensorboard",
            got="yes, and it is not installed",
            expected="the package tensorboard",
            fix="install it, or say no",
        ) from None


def _tensorboard(folder: Path, step: int) -> Any:
    """What writes for TensorBoard, after this step, into a folder.

    Raises BadValue when it is not installed, and for a link in the folder's place.
    """
    check_tensorboard()
    from torch.utils.tensorboard import SummaryWriter

    with naming_errors(folder):
        check_no_link(folder)
    return SummaryWriter(folder, purge_step=step + 1)


def read_metrics(path: Path) -> list[dict[str, float]]:
    """The whole lines of a log of metrics; a last one that was cut off does not count.

    Raises BadValue, naming the first line that training has not written.
    """
    with naming_errors(path):
        *lines, _ = path.read_bytes().split(b"\n")
    found = []
    for number, line in enumerate(lines, 1):
        try:
            metrics = json.loads(line)
            if not all(math.isfinite(metrics[name]) for name in ("step", "loss")):
                raise ValueError("not finite")
        except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
            raise BadValue(
                str(path),
                f"line {number}",
                got=describe(line),
                expected="metrics of a step, as training writes them",
                fix="mend that line, or delete it",
            ) from None
        found.append(metrics)
    return found


@contextmanager
def metrics_log(
    folder: Path, step: int, tensorboard: bool
) -> Iterator[Callable[[dict[str, float]], None]]:
    """A function that writes one line of metrics, after those of the folder up to this step.

    Raises BadValue when TensorBoard is asked for and not installed, when the disk is full, and as
    `read_metrics`.
    """
    path = folder / "metrics.jsonl"
    kept = [line for line in read_metrics(path) if line["step"] <= step] if path.exists() else []
    writer = _tensorboard(folder / "tensorboard", step) if tensorboard else None
    write_file(path, "".join(json.dumps(line) + "\n" for line in kept).encode())

    def write(metrics: dict[str, float]) -> None:
        with naming_errors(path):
            print(json.dumps(metrics), file=file, flush=True)
        if writer:
            for name in metrics.keys() - {"step"}:
                writer.add_scalar(name, metrics[name], metrics["step"])

    with naming_errors(path):
        file = open(path, "a", encoding="utf-8")
    try:
        with writer or nullcontext():
            yield write
    finally:
        with naming_errors(path):  # what could not be written is tried once more
            file.close()


def plot_losses(folder: Path) -> None:
    """Plot the losses of metrics.jsonl to loss.png. Raises BadValue as `read_metrics`."""
    from matplotlib.figure import Figure

    metrics = read_metrics(folder / "metrics.jsonl")
    figure = Figure(figsize=(6, 3), layout="constrained")
    ax = figure.subplots()
    ax.plot([line["step"] for line in metrics], [line["loss"] for line in metrics], "k.-")
    ax.set(xlabel="step", ylabel="loss", title="Mean loss since the point before", ylim=(0, None))
    picture = BytesIO()
    figure.savefig(picture, format="png")
    write_file(folder / "loss.png", picture.getvalue())
