"""Signals: the first is noted, so that a run can save and leave; a later one ends the process."""

import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

from ddpm_course.runs.processes import Processes


class Stopped(KeyboardInterrupt):
    """A run that was asked to stop, and has saved."""

    def __init__(self, number: int, step: int, folder: Path):
        super().__init__(f"stopped after step {step}; to go on: ddpm-course resume {folder}")
        self.number, self.step, self.folder = number, step, folder  # number: of the signal


class StopSignal:
    """Notes the first SIGINT, SIGTERM or SIGHUP while it is entered; a second ends the process.

    A launcher passes on to its processes what they have got already, so a second signal within
    two seconds does not count. A SIGHUP that is ignored, as under nohup, stays so.
    """

    def __init__(self):
        self.number, self.since, self.former = 0, 0.0, {}

    def __enter__(self) -> "StopSignal":
        if threading.current_thread() is threading.main_thread():
            self.former = {
                number: signal.signal(number, self.note)
                for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
                if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN
            }
        return self

    def __exit__(self, *_: Any) -> None:
        for number, handler in self.former.items():
            signal.signal(number, handler)

    def note(self, number: int, _: Any) -> None:
        """What the system calls when a signal comes."""
        if not self.number:
            self.number, self.since = number, time.monotonic()
        elif time.monotonic() - self.since > 2:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)

    def agreed(self, processes: Processes, step: int, every: int) -> int:
        """The signal to stop for after this step, 0 for none; the same in all processes.

        Several processes ask each other every so many steps, since asking makes them wait.
        """
        if processes.number == 1:
            return self.number
        return 0 if step % every else processes.maximum(self.number)
