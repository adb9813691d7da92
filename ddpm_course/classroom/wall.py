"""Walls around code that somebody else wrote: `python -I wall.py PLAN` starts a program within.

Inside are Python and its packages, which cannot be written, an empty /tmp in memory, and nothing
else: no other file, no network, no process but its own. All of them end when the program does.
Linux offers this, to root and, on most distributions, to everybody. Standard library alone.
"""

import contextlib
import ctypes
import json
import os
import resource
import signal
import sys
from collections.abc import Sequence

_NEW_MOUNTS, _NEW_NAMES, _NEW_IPC, _NEW_USER, _NEW_PIDS, _NEW_NET = (
    0x20000,
    0x4000000,
    0x8000000,
    0x10000000,
    0x20000000,
    0x40000000,
)
_NO_SUID, _NO_DEVICES, _BIND, _RECURSIVE, _PRIVATE = 2, 4, 4096, 16384, 1 << 18
_READ_ONLY = 1 | _NO_SUID | _NO_DEVICES
_SET_ATTRIBUTES, _HERE, _ALL_BELOW = 442, -100, 0x8000  # mount_setattr, on every processor
_DETACH, _END_WITH_PARENT, _NO_NEW_RIGHTS = 2, 1, 38
_NOBODY = 65534
_STRANGER = 1_000_000_000  # and the process's own number: a user whose processes nobody else has
SYSTEM = "/usr", "/lib", "/lib64", "/bin", "/nix/store", "/etc/ld.so.cache", "/etc/alternatives"
DEVICES = "/dev/null", "/dev/zero", "/dev/urandom"


def call(name: str, *arguments: object) -> None:
    """Call a function of the C library. Raises OSError."""
    if getattr(ctypes.CDLL(None, use_errno=True), name)(*arguments) < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def mount(source: str, target: str, kind: str = "", flags: int = 0, options: str = "") -> None:
    """mount(2)."""
    call("mount", source.encode(), target.encode(), kind.encode(), flags, options.encode())


def make_read_only(target: str, below: int = 0) -> None:
    """mount_setattr(2), for a mount, and on request for those below it."""
    wanted = (ctypes.c_uint64 * 4)(_READ_ONLY, 0, 0, 0)
    size = ctypes.sizeof(wanted)
    call("syscall", _SET_ATTRIBUTES, _HERE, target.encode(), below, wanted, size)


def show(source: str, root: str, read_only: bool = True) -> None:
    """Let a file or a folder, or a link as the link that it is, appear under root."""
    target = root + source
    os.makedirs(os.path.dirname(target), exist_ok=True)
    if os.path.islink(source):
        return os.symlink(os.readlink(source), target)
    if os.path.isdir(source):
        os.makedirs(target, exist_ok=True)
    else:
        os.close(os.open(target, os.O_CREAT))
    mount(source, target, flags=_BIND | _RECURSIVE)
    if read_only:
        make_read_only(target, _ALL_BELOW)


def leave_the_others(root: bool) -> None:
    """Leave the mounts, the processes, the network of all others; the next child is in new ones."""
    user, group = os.geteuid(), os.getegid()
    spaces = _NEW_MOUNTS | _NEW_NAMES | _NEW_IPC | _NEW_PIDS | _NEW_NET
    call("unshare", spaces if root else spaces | _NEW_USER)
    if not root:
        for name, line in (
            ("setgroups", "deny"),
            ("uid_map", f"{_NOBODY} {user} 1"),
            ("gid_map", f"{_NOBODY} {group} 1"),
        ):
            with open(f"/proc/self/{name}", "w") as file:
                file.write(line)


def build(here: str, visible: Sequence[str], megabytes: int) -> None:
    """Make a world of what is visible, mounted over the folder here, and step into its /tmp."""
    call("mount", None, b"/", None, _RECURSIVE | _PRIVATE, None)
    mount("tmpfs", here, "tmpfs", options="mode=755")
    os.mkdir(f"{here}/tmp")  # first: what is visible may lie below it
    room = f"size={megabytes}m,mode=777"
    mount("tmpfs", f"{here}/tmp", "tmpfs", _NO_SUID | _NO_DEVICES, room)
    shown: list[str] = []
    for source in sorted({*SYSTEM, *visible}, key=len):
        within = any(os.path.commonpath((source, other)) == other for other in shown)
        if os.path.lexists(source) and not within:
            show(source, here)
            shown.append(source)
    for device in DEVICES:
        show(device, here, read_only=False)
    make_read_only(here)
    os.chdir(here)
    call("pivot_root", b".", b".")
    call("umount2", b".", _DETACH)
    os.chdir("/tmp")


def wait_for(child: int, *handles: int) -> None:
    """Let go of what is the child's, wait for it, and end as it does."""
    for handle in handles:
        os.close(handle)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    os._exit(code if code >= 0 else 128 - code)


def main() -> None:
    """Take a plan: command, handles (to keep), limits, walls, visible (paths), megabytes."""
    plan = json.loads(sys.argv[1])
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
        file.write("1000")  # when memory is short, this goes first
    if plan["walls"]:
        if sys.platform != "linux":
            raise OSError("only Linux has them")
        root = os.geteuid() == 0
        call("prctl", _END_WITH_PARENT, signal.SIGKILL)
        leave_the_others(root)
        if child := os.fork():
            wait_for(child, *plan["handles"])
        call("prctl", _END_WITH_PARENT, signal.SIGKILL)
        build(os.getcwd(), plan["visible"], plan["megabytes"])
        if child := os.fork():  # this process is the first of the new ones: when it ends, all do
            wait_for(child, *plan["handles"])
        if root:
            os.setgroups([])
            os.setresgid(*[_STRANGER + plan["number"]] * 3)
            os.setresuid(*[_STRANGER + plan["number"]] * 3)
        call("prctl", _NO_NEW_RIGHTS, 1, 0, 0, 0)
    for name, limit in plan["limits"].items():
        with contextlib.suppress(ValueError, OSError):  # a limit of the system's own is lower
            resource.setrlimit(getattr(resource, name), (limit, limit))
    os.execve(plan["command"][0], plan["command"], plan["environment"])


if __name__ == "__main__":
    try:
        main()
    except OSError as error:
        sys.exit(str(error))
