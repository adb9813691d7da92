"""How long a laptop run takes to its first step, fresh and resumed, and how long a checkpoint takes.

Both kinds of start take turns in one run, as processes of their own. From the top of the
repository: OMP_NUM_THREADS=1 python bench/start.py > bench/start.md
"""

import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
from rounds import hardware

from ddpm_course.runs.checkpoint import save_checkpoint
from ddpm_course.runs.images import load_images
from ddpm_course.runs.loop import batches, build_schedule, initial_state, training_loop
from ddpm_course.runs.processes import Processes
from ddpm_course.runs.profiles import load_profile

ROUNDS = 8
COMMAND = Path(sys.executable).with_name("ddpm-course")
CPU = torch.device("cpu")


def first_step(words: list[str], room: Path, line: int = 1) -> float:
    """Seconds from the launch until metrics.jsonl has that many lines; then the run is killed."""
    (room / "runs/x.unfinished/metrics.jsonl").unlink(missing_ok=True)
    start = time.perf_counter()
    run = subprocess.Popen(
        [COMMAND, *words], cwd=room, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    path = room / "runs/x.unfinished/metrics.jsonl"
    while not path.exists() or len(path.read_text().splitlines()) < line:
        if run.poll() is not None:
            raise SystemExit(f"ddpm-course {' '.join(words)} ended with {run.returncode}")
        time.sleep(0.005)
    seconds = time.perf_counter() - start
    run.kill()
    run.wait()
    return seconds


def starts() -> tuple[float, float]:
    """One fresh start, and one from its checkpoint after step 2."""
    train = [*"train --profile laptop --device cpu --name x --log-every 1".split()]
    with tempfile.TemporaryDirectory() as name:
        room = Path(name)
        fresh = first_step(train, room)
        shutil.rmtree(room / "runs")
        first_step([*train, "--checkpoint-every", "2"], room, 4)
        return fresh, first_step(["resume", "runs/x"], room)


def saves() -> list[float]:
    """Seconds of each of 20 checkpoints of the laptop network, until they are on the disk."""
    profile, images = load_profile("laptop"), load_images(load_profile("laptop"))
    state, seconds = initial_state(profile, 1, 0, CPU), []
    next(
        training_loop(
            profile,
            build_schedule(profile, CPU),
            state,
            batches(profile, images, 0, 1, Processes(CPU)),
            0,
            Processes(CPU),
        )
    )
    with tempfile.TemporaryDirectory() as name:
        for step in range(20):
            start = time.perf_counter()
            save_checkpoint(name, step, state.tensors(), {})
            seconds.append(time.perf_counter() - start)
    return seconds


if __name__ == "__main__":
    found = [starts() for _ in range(ROUNDS)]
    low, middle, high = statistics.quantiles([b / a for a, b in found], n=4)
    fresh, resumed = (statistics.median(column) for column in zip(*found))
    times = saves()
    print("# The start of a laptop run, and its checkpoints\n")
    print("| what | measured | asked for |\n|---|---|---|")
    print(f"| launch to the first step, fresh | {fresh:.1f} s | |")
    print(f"| launch to the first step, resumed | {resumed:.1f} s | |")
    print(
        f"| resumed / fresh, with quartiles | {middle:.2f} ({low:.2f} to {high:.2f}) | at most 1.2 |"
    )
    print(
        f"| a checkpoint, median of {len(times)} | {statistics.median(times):.3f} s | at most 0.2 s |"
    )
    print(f"| the slowest of them | {max(times):.3f} s | |")
    print(
        f"\n{ROUNDS} rounds on {hardware()}; torch {torch.__version__}, Python "
        f"{platform.python_version()}.\n\n## Command\n\n"
        "`OMP_NUM_THREADS=1 python bench/start.py > bench/start.md`"
    )
