"""The life of a run: made new or taken up, trained, finished; killed at any moment, it goes on."""

import dataclasses
import os
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from ddpm_course.checks import BadInput, BadValue, check_instance, check_path, check_seed
from ddpm_course.data import ImageSet
from ddpm_course.runs.checkpoint import (
    check_same_run,
    newest_checkpoint,
    save_checkpoint,
    write_weights,
)
from ddpm_course.runs.drawing import check_samples, draw_pictures
from ddpm_course.runs.files import (
    UNFINISHED,
    check_new_folder,
    make_folder,
    remove,
    rename_folder,
    sole_writer,
    unfinished,
)
from ddpm_course.runs.images import files_sha256, images_of, load_images
from ddpm_course.runs.loop import (
    State,
    batches,
    build_model,
    build_schedule,
    initial_state,
    training_loop,
    warmed_up_learning_rate,
)
from ddpm_course.runs.metrics import check_tensorboard, metrics_log, plot_losses, read_losses
from ddpm_course.runs.processes import Processes, computing, join_processes
from ddpm_course.runs.profiles import Profile
from ddpm_course.runs.run import EARLIER, Run, write_config
from ddpm_course.runs.stopping import Stopped, StopSignal
from ddpm_course.schedule import NoiseSchedule


def check_memory(profile: Profile, image_shape: tuple[int, int, int], device: torch.device) -> None:
    """Raise BadValue, before anything is built, for what this machine cannot hold.

    Counted are what training keeps for each weight (itself, its average, its gradient and two
    averages of the optimiser) and the samples at the end; not what a step needs in passing.
    """
    check_samples("train", profile.num_samples, image_shape)
    with torch.device("meta"):
        network = build_model(profile, image_shape[0])
    weights = sum(weight.numel() for weight in network.parameters())
    main = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    there = torch.cuda.mem_get_info(device)[1] if device.type == "cuda" else main
    if 4 * 5 * weights > there:
        raise BadValue(
            "train",
            "model_channels",
            got=f"{profile.model_channels}, which takes {4 * 5 * weights / 2**30:,.1f} GiB",
            expected=f"no more than the {there / 2**30:,.1f} GiB that are there",
            fix="take fewer channels, blocks or levels",
        )


def train(profile: Profile, seed: int, run_dir: Path | str) -> Path:
    """Train a network, sample from it, and leave both in the new folder run_dir; return its path.

    The same profile, seed, device and numbers of threads and processes give the same weights and
    samples. Raises BadInput for a device that is not there, a folder that exists or cannot be
    made, images that do not fit, what memory cannot hold, and a loss that is not finite; Stopped
    after a signal. What was written by then stays in run_dir.unfinished, and `resume` goes on
    from there.
    """
    check_instance("train", "profile", profile, Profile, 'write load_profile("laptop")')
    run_dir, seed = check_path("train", "run_dir", run_dir), check_seed("train", seed)
    check_new_folder("train", "run_dir", run_dir)
    with computing(profile.threads, profile.tf32), join_processes(profile) as processes:
        images = load_images(profile)
        check_memory(profile, images.image_shape, processes.device)
        if profile.tensorboard:
            check_tensorboard()
        files = files_sha256(profile, images)
        state = initial_state(profile, images.image_shape[0], seed, processes.device)
        processes.wait()
        if processes.is_first:
            make_folder(unfinished(run_dir), "train", "run_dir")
            write_config(
                unfinished(run_dir),
                profile,
                images.image_shape,
                seed=seed,
                classes=list(images.classes),
                files_sha256=files,
                **what_decides_bits(processes),
            )
        processes.wait()
        return _finish(run_dir, profile, seed, images, state, [], processes)


def resume(run_dir: Path | str) -> Path:
    """Take up the interrupted run run_dir, from its newest intact checkpoint; return its path.

    On a CPU, with the same numbers of threads and processes, the end is that of a run without
    interruption, bit for bit; a warning says what is different. Raises BadInput when there is
    nothing to go on from, CheckpointError when no checkpoint is intact or they are of another run,
    and otherwise as `train`.
    """
    given = check_path("resume", "run_dir", run_dir)
    whole = os.path.abspath(given) if given.name in ("", "..") else str(given)
    run_dir = Path(whole.removesuffix(UNFINISHED))
    folder, finished = unfinished(run_dir), (run_dir / LAST_FILE).exists()
    if finished and (run_dir / "lock").exists() and not folder.exists():
        with sole_writer(run_dir):
            _remove_traces(run_dir)
        return run_dir
    if run_dir.exists() or not folder.exists():
        found, fix = "not there", f"give the folder of a run whose name ends with {UNFINISHED}"
        if finished:
            found = "finished"
        elif folder.exists():
            found, fix = f"in the way of {folder}", f"move {run_dir} away"
        elif run_dir.exists():
            found = f"there, but without the ending {UNFINISHED}"
            fix = "if it is an interrupted run, give it its name back"
        raise BadValue(
            "resume",
            "run_dir",
            got=f"{run_dir}, which is {found}",
            expected="an interrupted run",
            fix=fix,
        )
    if {path.name for path in folder.iterdir()} <= {"config.json.aside"}:
        raise BadValue(
            "resume",
            "run_dir",
            got=f"{folder}, where nothing was written yet",
            expected="an interrupted run",
            fix="delete it, and train anew",
        )
    run, checkpoint = Run.open(folder), newest_checkpoint(folder / "checkpoints")
    profile, seed = run.profile, check_seed(str(folder), run.seed)
    if checkpoint:  # before a network is built that may be of another size
        then = _what_counts(EARLIER | checkpoint.values.get("profile", {}))
        values = checkpoint.values | {"profile": then}
        now = {"profile": _what_counts(dataclasses.asdict(profile)), "seed": seed}
        check_same_run(dataclasses.replace(checkpoint, values=values), now)
    threads = run.threads or profile.threads
    with computing(threads, profile.tf32), join_processes(profile) as processes:
        images = images_of(run)
        check_memory(profile, images.image_shape, processes.device)
        _warn_of_differences(run, processes)
        state = initial_state(profile, images.image_shape[0], seed, processes.device)
        losses = []
        if checkpoint:
            state.load(checkpoint)
            losses = checkpoint.values["losses"]
        elif processes.is_first:
            warnings.warn(f"{folder} has no checkpoint: begun at the first step", stacklevel=2)
        return _finish(run_dir, profile, seed, images, state, losses, processes)


def what_decides_bits(processes: Processes) -> dict[str, Any]:
    """What the last bits of a run depend on, beside its profile and its seed."""
    return {
        "device": processes.device.type,
        "threads": torch.get_num_threads(),
        "processes": processes.number,
    }


def _warn_of_differences(run: Run, processes: Processes) -> None:
    now = {**what_decides_bits(processes), "torch": torch.__version__}
    then = {name: getattr(run, name) for name in now}
    changed = [
        f"{name} {then[name]}, now {now[name]}"
        for name in now
        if then[name] not in (None, now[name])
    ]
    if changed and processes.is_first:
        warnings.warn(
            f"{run.folder} was begun with {'; '.join(changed)}: it goes on, and ends with other "
            "bits than a run without interruption",
            stacklevel=3,
        )


LAST_FILE = "denoising.png"  # of a run, before it gets its name
PLACES = "data_dir", "download", "device", "tensorboard"


def _what_counts(profile: dict[str, Any]) -> dict[str, Any]:
    """What a run and its checkpoints have to agree about: not where the data and the machine are."""
    return {key: value for key, value in profile.items() if key not in PLACES}


def _finish(
    run_dir: Path,
    profile: Profile,
    seed: int,
    images: ImageSet,
    state: State,
    losses: list[float],
    processes: Processes,
) -> Path:
    """Train from a state to the last step, and finish the folder of the run; return its path."""
    folder = unfinished(run_dir)
    schedule = build_schedule(profile, processes.device)
    shares = batches(profile, images, seed, state.step + 1, processes)
    states = training_loop(profile, schedule, state, shares, seed, processes)
    with sole_writer(folder) if processes.is_first else nullcontext():
        record(folder, profile, seed, state, losses, states, processes)
        if processes.is_first:
            _leave_results(run_dir, profile, schedule, state, images.image_shape, seed)
    return run_dir


def _leave_results(
    run_dir: Path,
    profile: Profile,
    schedule: NoiseSchedule,
    state: State,
    image_shape: tuple[int, int, int],
    seed: int,
) -> None:
    """Write weights and pictures, give the folder its name, and delete what is of no more use.

    All is written before the folder gets its name, and deleted after that, the lock last. So the
    run can be taken up wherever its end was interrupted.
    """
    folder = unfinished(run_dir)
    write_weights(folder, {name: getattr(state, name).state_dict() for name in ("model", "ema")})
    plot_losses(folder)
    draw_pictures(folder, profile, schedule, state.ema, image_shape, seed)
    rename_folder(folder, run_dir)
    _remove_traces(run_dir)


def _remove_traces(run_dir: Path) -> None:
    """Delete what a finished run does not need. The lock goes last: while it is there, more may."""
    if os.path.lexists(run_dir / "checkpoints"):
        remove(run_dir / "checkpoints")
    (run_dir / "lock").unlink()


@contextmanager
def _explained(profile: Profile, processes: Processes) -> Iterator[None]:
    """Turn what torch says of a step that this machine cannot take into BadValue."""
    try:
        yield
    except RuntimeError as error:
        first = str(error).partition("\n")[0]
        if "out of memory" in first or "can't allocate memory" in first:
            parts = range(profile.accumulate + 1, profile.batch_size + 1)
            fitting = [n for n in parts if profile.batch_size % (n * processes.number) == 0]
            raise BadValue(
                "train",
                "batch_size",
                got=f"{profile.batch_size} with accumulate = {profile.accumulate}: {first}",
                expected="parts of a batch with which a step fits in memory",
                fix="train anew with "
                + " or ".join([f"accumulate = {n}" for n in fitting[:1]] + ["smaller batches"]),
            ) from error
        if type(error).__module__ == "torch._inductor.exc":
            raise BadValue(
                "train",
                "compile",
                got=f"yes: {first}",
                expected="what torch.compile needs, such as a C++ compiler",
                fix="install it, or train anew with compile = no",
            ) from error
        raise


def record(
    folder: Path,
    profile: Profile,
    seed: int,
    state: State,
    losses: list[float],
    states: Iterator[State],
    processes: Processes,
) -> None:
    """Run the loop to its end; write metrics and checkpoints into folder, from one process.

    losses are those since the last line of metrics. The last step has a checkpoint, too, so that
    an end that is interrupted costs no training. Raises Stopped after a signal, and BadValue at a
    loss that is not finite, an image that cannot be read, and a step that this machine cannot
    take. Before an image that cannot be read the last step is saved, unless there are several
    processes; else the newest checkpoint is the last that was due.
    """
    found, start, counted = [], time.perf_counter(), 0
    run_dir, unread = Path(str(folder).removesuffix(UNFINISHED)), []

    def readable() -> Iterator[State]:
        try:
            yield from states
        except BadInput as error:
            unread.append(error)

    def save() -> None:
        save_checkpoint(
            folder / "checkpoints",
            state.step,
            state.tensors(),
            {"profile": dataclasses.asdict(profile), "seed": seed, "losses": losses},
        )

    log = (
        metrics_log(folder, state.step, profile.tensorboard)
        if processes.is_first
        else nullcontext(lambda metrics: None)
    )
    bar = tqdm(
        readable(),
        "train",
        profile.num_steps,
        initial=state.step,
        unit="step",
        disable=None if processes.is_first else True,
    )
    with log as write, StopSignal() as signals, bar, _explained(profile, processes):
        for state in bar:
            assert state.loss is not None and state.grad_norm is not None  # a step was taken
            found.append(torch.stack([state.loss, state.grad_norm]))
            last = state.step == profile.num_steps
            logged = last or state.step % profile.log_every == 0
            saved = last or (
                profile.checkpoint_every and state.step % profile.checkpoint_every == 0
            )
            stopped = signals.agreed(processes, state.step, min(profile.log_every, 10))
            if not (logged or saved or stopped):
                continue
            losses += read_losses(found, state.step, processes)
            counted, found = counted + len(found), []
            if logged:
                mean, seconds = sum(losses) / len(losses), time.perf_counter() - start
                write(
                    {
                        "step": state.step,
                        "loss": mean,
                        "grad_norm": state.grad_norm.item(),
                        "learning_rate": warmed_up_learning_rate(profile, state.step),
                        "steps_per_second": counted / seconds,
                    }
                )
                bar.set_postfix(loss=f"{mean:.3f}")
                losses, start, counted = [], time.perf_counter(), 0
            if (saved or stopped) and processes.is_first:
                save()
            if stopped:
                raise Stopped(stopped, state.step, run_dir)
    for error in unread:
        if state.loss is None or processes.number > 1:  # no step was taken; no others would join
            raise error
        losses += read_losses(found, state.step, processes) if found else []
        save()
        fix = f"put it back; step {state.step} is saved, to go on: ddpm-course resume {run_dir}"
        raise type(error)(*error.args[:4], fix) from error
