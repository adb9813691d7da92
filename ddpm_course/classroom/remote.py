"""A function of a submission, as the grader calls it: its code stays in a process behind walls."""

import inspect
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import ddpm_course
from ddpm_course.classroom import wall
from ddpm_course.classroom.wire import Stopped, Wire, decoded, encoded

START = 120  # seconds for Python and torch to be there


@dataclass(frozen=True)
class Limits:
    """What a submission may take: seconds for an answer, memory beside Python's own, and walls.

    Without walls its code can read and write whatever the grader can.
    """

    seconds: float = 20
    megabytes: int = 1024
    walls: bool = True


def patience(limits: Limits, answers: int) -> float:
    """Seconds for a process with so many answers, from its start to its end."""
    return START + limits.seconds * (answers + 2)


def used() -> int:
    """Bytes of address space of this process; 0 where the system does not say."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def plan(command: list[str], limits: Limits, *handles: int) -> list[str]:
    """The words that start a command behind the walls. It runs with packages, without settings."""
    python = os.path.realpath(sys.executable)
    sites = {
        os.path.realpath(p) for p in sys.path if p.endswith(("site-packages", "dist-packages"))
    }
    package = os.path.realpath(ddpm_course.__path__[0])
    paths = [os.path.dirname(package), *sorted(sites)]
    start = f"import sys; sys.path[:0] = {paths!r}; {command[0]}"
    ends = {"RLIMIT_CPU": int(limits.seconds * 50), "RLIMIT_CORE": 0, "RLIMIT_FSIZE": 1 << 24}
    ends |= {"RLIMIT_NOFILE": 256, "RLIMIT_NPROC": 8} if limits.walls else {}
    ends |= {"RLIMIT_AS": used() + (limits.megabytes << 20)} if used() else {}
    whole = {
        "command": [python, "-I", "-c", start, *command[1:]],
        "environment": {"HOME": "/tmp", "OMP_NUM_THREADS": "1", "MPLBACKEND": "agg"},
        "handles": handles,
        "limits": ends,
        "walls": limits.walls,
        "visible": [os.path.realpath(sys.base_prefix), package, *sorted(sites)],
        "megabytes": 64,
        "number": os.getpid(),
    }
    return [python, "-I", wall.__file__, json.dumps(whole)]


def why_no_walls() -> str:
    """What keeps this system from having walls; "" when they stand."""
    with tempfile.TemporaryDirectory() as here:
        command = ["import os; sys.exit(os.path.lexists(sys.argv[1]))", here]
        tried = subprocess.run(
            plan(command, Limits()), cwd=here, capture_output=True, text=True, check=False
        )
    says = tried.stderr.strip().splitlines()
    return (says or ["the system has none"])[-1] if tried.returncode else ""


class Process:
    """A process in which notebooks run; use it in a `with`, which ends it and all that it started."""

    def __init__(self, limits: Limits, answers: int) -> None:
        self.limits, self.here = limits, tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        ours, theirs = socket.socketpair()
        handle = theirs.fileno()
        runner = "from ddpm_course.classroom.runner import main; main()"
        self.process = subprocess.Popen(
            plan([runner, str(handle)], limits, handle),
            cwd=self.here.name,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=[handle],
            start_new_session=True,
        )
        theirs.close()
        self.wire = Wire(ours)
        self.until = time.monotonic() + START
        self.end = time.monotonic() + patience(limits, answers)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        self.wire.end.close()
        self.here.cleanup()

    def more_time(self) -> None:
        """Let what comes next take as long as an answer may; but the whole is limited, too."""
        self.until = min(time.monotonic() + self.limits.seconds, self.end)

    def receive(self) -> Any:
        """Its next message. Raises Stopped."""
        return self.wire.receive(self.until)

    def call(self, *arguments: Any) -> Any:
        """Call the function that it has shown. Raises what the function raises, and Stopped."""
        self.wire.send([*map(message, arguments)])
        match self.receive():
            case {"value": value, "changed": [*changed]}:
                for place in changed:
                    if type(place) is int and 0 <= place < len(arguments):
                        mark(arguments[place])
                return decoded(value)
            case {"error": str(name), "says": str(says)}:
                name = name[:40] if name.isidentifier() else "Error"
                other = type(name, (Exception,), {})
                raise (RuntimeError if name == "RuntimeError" else other)(says[:300])
        raise Stopped("what its process sent has no meaning")


def mark(argument: Any) -> None:
    """Change what the submission has changed on its side; any other number will do."""
    if hasattr(argument, "add_"):
        argument.add_(1)


def message(argument: Any) -> Any:
    """What a function of the course is called with, as JSON."""
    import torch

    from ddpm_course.schedule import NoiseSchedule

    if isinstance(argument, NoiseSchedule):
        return {"betas": argument.betas[1:].tolist()}
    if isinstance(argument, torch.Tensor) and not argument.is_floating_point():
        return {"whole": encoded(argument)}
    if inspect.isfunction(argument):
        return {"source": inspect.getsource(argument), "name": argument.__name__}
    return encoded(argument)
