"""Kernels for nbval that are forked from one process, which has imported the libraries already.

Most notebooks take less time than their imports. JupyterLab and tools/outputs.py start kernels as
ever, and so does nbval where forking a process that has loaded torch is not safe.
"""

import contextlib
import multiprocessing
import os
import sys
import threading
from multiprocessing.connection import Connection

import matplotlib
from ipykernel.kernelapp import IPKernelApp
from jupyter_client.provisioning import local_provisioner

FORKS = multiprocessing.get_context("forkserver")
LIBRARIES = [
    "ipykernel.kernelapp",
    "matplotlib.backends.backend_agg",
    "sklearn.datasets",
    "sympy",
    "torch",
    "torch._dynamo",  # which the first optimizer of a process asks for
    "torchmetrics",
]


class Kernel(FORKS.Process):
    """A forked process, with the words of subprocess.Popen that jupyter_client uses."""

    stdin = stdout = stderr = None
    tests: object = None  # a connection, open as long as the process of the tests lives

    def poll(self) -> int | None:
        return self.exitcode

    def wait(self) -> int | None:
        self.join()
        return self.exitcode

    def send_signal(self, number: int) -> None:
        if self.pid:
            os.kill(self.pid, number)


def run(arguments: list[str], cwd: str, env: dict[str, str], tests: Connection) -> None:
    """What a forked process does: be what `python -m ipykernel_launcher` would be."""
    os.setsid()  # who ends a kernel ends its whole group
    tests.send(True)
    os.chdir(cwd)
    os.environ.update(env)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    sys.path.insert(0, "")
    matplotlib.use("module://matplotlib_inline.backend_inline")
    threading.Thread(target=end_with, args=(tests,), daemon=True).start()
    IPKernelApp.launch_instance(arguments)


def end_with(tests: Connection) -> None:
    """End this process when that of the tests is gone."""
    with contextlib.suppress(EOFError):
        tests.recv()
    os._exit(1)


def launch(cmd: list[str], cwd: str, env: dict[str, str], **_) -> Kernel:
    """In place of jupyter_client's function of this name, which starts the command."""
    ours, theirs = multiprocessing.Pipe()
    kernel = Kernel(target=run, args=(cmd[cmd.index("-f") :], str(cwd), dict(env), theirs))
    kernel.start()
    theirs.close()
    ours.recv()
    kernel.tests = ours
    return kernel


def fork() -> None:
    """From now on kernels are forked, on Linux."""
    if sys.platform == "linux":
        FORKS.set_forkserver_preload(LIBRARIES)
        setattr(local_provisioner, "launch_kernel", launch)  # noqa: B010, which is no part of its face
