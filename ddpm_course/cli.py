"""The command line: what `ddpm-course` and `python -m ddpm_course` do.

An option of `train` is a line of the settings file: chapter 12 reads it and checks it. Whatever is
printed passes through `say`. Nothing heavy is imported before the words of a command are read.
"""

import contextlib
import dataclasses
import difflib
import inspect
import io
import os
import re
import shlex
import signal
import sys
import warnings
from argparse import Namespace
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TextIO, get_type_hints

from ddpm_course.checks import BadInput, BadValue, check_int, check_seed, visible
from ddpm_course.course import course_files, write_course
from ddpm_course.options import PROGRAM, Parser, add_hyperparameters, option
from ddpm_course.runs.profiles import SETTINGS, Device, Profile, Solver, Spacing, load_profile
from ddpm_course.runs.trained import trained_names

if TYPE_CHECKING:
    from ddpm_course.runs.run import Run
    from ddpm_course.sampling import Sampler


def say(line: str, file: TextIO | None = None) -> None:
    """Print one line; what a terminal would obey, as an escape code in a file's name, is spelt."""
    print(visible(line), file=file)


# --- What the commands do ------------------------------------------------------------------------


def train(options: Namespace) -> None:
    """Train a network, draw samples from it, measure them, and keep all in runs/NAME."""
    check_seed("train", options.seed)
    given = {
        key: value if isinstance(value, str) else ", ".join(value)
        for key in get_type_hints(Profile)
        if (value := getattr(options, key)) is not None
    }
    profile = load_profile(options.profile, options.settings or SETTINGS, given)
    name = options.name or f"{options.profile}-{datetime.now():%Y%m%d-%H%M%S}"
    if not re.fullmatch(r"[\w-][\w.-]*", name):
        raise BadValue(
            "train",
            "name",
            got=repr(name),
            expected="the name of a new folder in runs",
            fix="use letters, digits, hyphens and dots, and no slash",
        )
    from ddpm_course.runs.training import train

    show_run(train(profile, options.seed, Path("runs") / name))


def resume(options: Namespace) -> None:
    """Go on with a run that was interrupted."""
    from ddpm_course.runs.training import resume

    show_run(resume(options.run_dir))


def show_run(run_dir: Path) -> None:
    """Say where the pictures of a finished run are, and how good its samples; in one process."""
    if os.environ.get("RANK", "0") != "0":
        return
    from ddpm_course.runs.evaluation import evaluate, format_summary, has_classifier
    from ddpm_course.runs.run import Run

    run = Run.open(run_dir)
    measured = has_classifier(run.profile)
    report = evaluate(run, device=run.profile.device) if measured else None
    for picture in sorted(run_dir.glob("*.png")):
        say(f"{picture.stem.replace('_', ' ')}: {picture}")
    if report:
        say(f"new samples: {format_summary(report.sets)}")
        say("a floor is how far two halves of the real images are apart: chapter 30 says more")
    say(f"to draw more: {PROGRAM} sample {shlex.quote(str(run_dir))}")


def say_origin(run: "Run") -> None:
    """Say of a run that comes with the package how its weights were made."""
    if run.commit:
        say(
            f"weights from the package: {PROGRAM} train --profile {run.folder.name} --seed "
            f"{run.seed} (commit {run.commit}), {run.seconds:,.0f} seconds of {run.hardware}"
        )


def chosen_sampler(options: Namespace, run: "Run") -> "Sampler":
    """The sampler of a run, with what was chosen."""
    chosen = ("steps", "eta", "spacing", "solver", "guidance_scale")
    given = {name: value for name in chosen if (value := getattr(options, name)) is not None}
    if given.get("solver", "ddim") != "ddim":
        given = {"eta": 0.0} | given  # the run's own may have new noise, which no other solver has
    return dataclasses.replace(run.profile.sampler, **given)


def sample(options: Namespace) -> None:
    """Draw samples with the averaged weights of a run."""
    check_int("sample", "num", options.num, 1)
    check_seed("sample", options.seed)
    from ddpm_course.runs.drawing import write_samples
    from ddpm_course.runs.run import Run

    run = Run.open(options.run_dir)
    say_origin(run)
    picture, _ = write_samples(
        run,
        options.num,
        options.seed,
        options.out,
        options.device,
        options.label,
        chosen_sampler(options, run),
    )
    say(f"samples: {picture}")


def evaluate(options: Namespace) -> None:
    """Measure samples of a run against images that it has not seen."""
    check_seed("evaluate", options.seed)
    from ddpm_course.runs.evaluation import evaluate, format_table, likelihood
    from ddpm_course.runs.run import Run

    run = Run.open(options.run_dir)
    say_origin(run)
    sampler = chosen_sampler(options, run)
    if options.likelihood:
        if sampler != run.profile.sampler:
            raise BadValue(
                "evaluate",
                "arguments",
                got="--likelihood with options of a sampler",
                expected="no sampler: nothing is drawn",
                fix="leave either of them out",
            )
        cost = likelihood(run, options.seed, options.device)
        say(f"bits per dimension, {cost.num_images} held-out images, mean ± standard error")
        say(f"by the bound: {cost.bound:.3f} ± {cost.bound_error:.3f}")
        say(f"by the flow:  {cost.flow:.3f} ± {cost.flow_error:.3f}")
        return
    report = evaluate(run, options.seed, options.device, sampler)
    for line in format_table(report.reference, report.sets).splitlines():
        say(line)
    for file in report.files:
        say(f"{file.suffix[1:]}: {file}")


def export_run(options: Namespace) -> None:
    """Write a run as a new folder that another library loads."""
    from ddpm_course.runs.diffusers import export_run

    folder = export_run(options.run_dir, options.folder, options.label)
    say(f"how to load it: {folder / 'README.md'}")


def import_run(options: Namespace) -> None:
    """Make a run of a folder that another library wrote; it can be sampled."""
    from ddpm_course.runs.diffusers import import_run

    run_dir = import_run(options.folder, options.run_dir, load_profile(options.profile))
    say(f"to draw from it: {PROGRAM} sample {shlex.quote(str(run_dir))}")


def notebooks(options: Namespace) -> None:
    """Write the chapters, their solutions and the settings file; keep what is there."""
    folder = options.folder
    new, kept = write_course(folder)
    same = len(course_files()) - len(new) - len(kept)
    say(f"files written: {len(new)}; there already: {same}")
    for path in kept:
        say(f"kept, though the course has another one: {path}")
    if kept:
        say("for the course's own, move these away, and repeat the command")
    lab = "" if find_spec("jupyterlab") else "pip install jupyterlab, then "
    say(f"to open them: {lab}jupyter lab {shlex.quote(str(folder))}")
    settings = shlex.quote(str(folder / "profiles.ini"))
    say(f"to train with settings of your own: {PROGRAM} train --settings {settings}")


def assignment(options: Namespace) -> None:
    """Write notebooks to hand out: the exercises of chapters, with cells to fill in."""
    from ddpm_course.classroom.assignment import write_assignment

    for path in write_assignment(options.folder, options.chapters):
        say(f"assignment: {path}")


def grade(options: Namespace) -> None:
    """Check what came back, a folder for each submission, and write a table of all exercises."""
    from ddpm_course.classroom.grading import Limits, summary, write_table

    limits = Limits(options.seconds, options.megabytes, walls=not options.no_walls)
    for each in write_table(options.folders, options.out, options.chapters, limits):
        say(summary(each))
    say(f"table: {options.out}")


# --- From words to a command ---------------------------------------------------------------------


RUN = "run_dir", "RUN", "folder of a run"
ANY_RUN = *RUN[:2], f"{RUN[2]}, or one that the package has: {', '.join(trained_names())}"


def make_parser() -> Parser:
    """All commands with their options; the function of the one that is chosen stands in `run`."""
    top = Parser(
        prog=PROGRAM,
        description="Train diffusion models, sample from them, measure the samples.",
    )
    commands = top.add_subparsers(prog=PROGRAM, dest="command", metavar="COMMAND", required=True)

    def command(name: str, run: Callable[[Namespace], None], *positionals: tuple) -> Parser:
        about = inspect.getdoc(run)
        shown = "".join(f" {metavar}" for _, metavar, _ in positionals)
        usage = f"{PROGRAM} {name}{shown} [OPTIONS]"
        parser = commands.add_parser(name, usage=usage, description=about, help=about)
        parser.set_defaults(run=run, help=parser.format_help)
        for dest, metavar, about in positionals:
            many = "+" if metavar.endswith("...") else None
            parser.add_argument(dest, nargs=many, metavar=metavar, type=Path, help=about)
        return parser

    parser = command("train", train)
    about = "section of the settings file for what no option says"
    option(parser, "--profile", str, about, "laptop")
    option(parser, "--settings", Path, "the settings file; without it the package's own")
    option(parser, "--seed", int, "of all random numbers", 0)
    option(parser, "--name", str, "of the new folder in runs; without it the profile and the time")
    add_hyperparameters(parser)

    command("resume", resume, RUN)

    parser = command("sample", sample, ANY_RUN)
    option(parser, "--num", int, "how many images", 64)
    option(parser, "--label", int, "the class of all images; without it the classes take turns")
    option(
        parser,
        "--out",
        Path,
        "the new picture; without it one in RUN, or here if RUN comes with the package, named after "
        "what was chosen",
    )
    measuring = command("evaluate", evaluate, ANY_RUN)
    about = "bits per dimension of held-out images, by the bound and by the flow, and nothing else"
    measuring.add_argument("--likelihood", action="store_true", help=about)
    for drawing in parser, measuring:
        option(drawing, "--seed", int, "of all random numbers", 1)
        option(drawing, "--device", Device, "auto takes the best that is there", "auto")
        option(drawing, "--steps", int, "steps of a walk; without it as in the run")
        option(drawing, "--eta", float, "new noise, 0 is DDIM, 1 DDPM; without it as in the run")
        about = "what makes a step, dpmpp_2m for few; without it as in the run"
        option(drawing, "--solver", Solver, about)
        about = "how their times are chosen; without it as in the run"
        option(drawing, "--spacing", Spacing, about)
        about = "how strongly labels guide, 1 for not at all; without it as in the run"
        option(drawing, "--guidance-scale", float, about)

    diffusers = Literal["diffusers"]
    parser = command("export", export_run, ANY_RUN, ("folder", "DIR", "the new folder"))
    option(parser, "--to", diffusers, "the library", "diffusers")
    option(parser, "--label", int, "the class whose network is written; pipelines pass none on")
    folder = "folder", "DIR", "what that library wrote"
    parser = command("import", import_run, folder, ("run_dir", "RUN", "the new run"))
    option(parser, "--from", diffusers, "the library", "diffusers")
    option(parser, "--profile", str, "section of settings.ini for what DIR does not say", "gpu")

    command("notebooks", notebooks, ("folder", "DIR", "where to; made if it is not there"))

    handing_out = command("assignment", assignment, ("folder", "DIR", "the new folder"))
    parser = command("grade", grade, ("folders", "DIR...", "a folder for each submission"))
    for choosing in handing_out, parser:
        option(choosing, "--chapters", list[int], "without it all that have exercises")
    option(parser, "--out", Path, "the new table", Path("grades.csv"))
    option(parser, "--seconds", float, "for an answer", 20)
    option(parser, "--megabytes", int, "of memory for a submission's code", 1024)
    parser.add_argument("--no-walls", action="store_true", help="run code that can do what you can")
    top.usage = f"{PROGRAM} {{{','.join(commands.choices)}}} [OPTIONS]"
    return top


def parse(words: Sequence[str]) -> Namespace:
    """Read a command: its function is `run`. Raises `BadInput`; `SystemExit` after --help."""
    for word in words:
        if word.startswith("-") and os.path.lexists(word):
            raise BadValue(
                "command",
                "arguments",
                got=f"{word!r}, which may be an option or the file of that name",
                expected="words with one meaning",
                fix=f"call the file ./{word}, or start elsewhere",
            )
    options, unknown = make_parser().parse_known_args(words)
    if unknown:
        name = unknown[0].partition("=")[0].lstrip("-").replace("_", "-")
        near = difflib.get_close_matches(name, re.findall(r"--([a-z-]+)", options.help()), n=1)
        raise BadValue(
            options.command,
            "arguments",
            got=f"{unknown[0]!r}, which it does not know",
            expected=f"those that {PROGRAM} {options.command} --help shows",
            fix=f"write --{near[0]}" if near else "leave it out",
        )
    return options


# --- The whole program ---------------------------------------------------------------------------


@contextlib.contextmanager
def terminal() -> Iterator[None]:
    """Let no character of a name or of a warning stop the program, or steer the terminal."""
    for stream in ("stdout", "stderr"):
        if getattr(sys, stream) is None:  # closed by the caller, as by >&-
            setattr(sys, stream, open(os.devnull, "w"))
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # as stderr is
    former, warnings.formatwarning = (
        warnings.formatwarning,
        lambda message, *_: f"{PROGRAM}: {visible(str(message))}\n",
    )
    try:
        yield
    finally:
        warnings.formatwarning = former
        try:
            sys.stdout.flush()
        except OSError:  # what cannot be written now shall not be tried again at the end
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def main(words: Sequence[str] | None = None) -> int:
    """Run the command line; return its exit code: 0, 2 for bad input, 128 + the signal's number.

    A run that saved before it left has the code that the signal would have given.
    """
    with terminal():
        try:
            try:
                options = parse(sys.argv[1:] if words is None else words)
                options.run(options)
            finally:
                sys.stdout.flush()
        except SystemExit as stop:  # after --help
            return int(stop.code or 0)
        except BadInput as error:
            say(f"{PROGRAM}: {error}", sys.stderr)
            return 2
        except BrokenPipeError:  # nobody reads on, as after `| head -1`
            return 128 + signal.SIGPIPE
        except OSError as error:
            fault = BadInput(
                PROGRAM,
                "files",
                got=str(error),
                expected="to read and to write them",
                fix="see that the folder is there, "
                "that you may write to it, and that its disk has room",
            )
            say(str(fault), sys.stderr)
            return 2
        except KeyboardInterrupt as stop:
            if os.environ.get("RANK", "0") == "0":
                try:
                    say(f"{PROGRAM}: {str(stop) or 'interrupted'}", sys.stderr)
                except OSError:  # a closed terminal, which shall not be tried again at the end
                    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())
            return 128 + getattr(stop, "number", signal.SIGINT)
    return 0


if __name__ == "__main__":
    sys.exit(main())
