"""Where a run computes: its device, and the processes that share its batches.

Nothing that decides a number is taken from the environment, but the place of this process among
those that a launcher has started.
"""

import math
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

from ddpm_course.checks import BadValue, check_instance, describe
from ddpm_course.data.sets import on_cpu
from ddpm_course.runs.profiles import Profile


def find_device(name: str) -> torch.device:
    """The device of that name; "auto" takes CUDA, else Apple's MPS, else the CPU.

    Raises BadInput when the device is not there.
    """
    there = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    check_instance("find_device", "device", name, str, 'write "auto", "cpu" or "cuda"')
    if name == "auto":
        name = next(device for device, is_there in there.items() if is_there)
    if not there.get(name):
        raise BadValue(
            "find_device",
            "device",
            got=repr(name),
            expected="a device that this machine and its torch have",
            fix="use device = auto, or install torch for that device",
        )
    return torch.device(name)


@dataclass(frozen=True)
class Processes:
    """This process, its device, and how many share the batches of a run."""

    device: torch.device
    rank: int = 0  # of this process, from 0
    number: int = 1

    @property
    def is_first(self) -> bool:
        """Whether this is the process that writes files."""
        return self.rank == 0

    def share(self, model: nn.Module) -> nn.Module:
        """The model, whose gradients are averaged over the processes in the backward pass."""
        if self.number == 1:
            return model
        return DistributedDataParallel(
            model, device_ids=[self.device] if self.device.type == "cuda" else None
        )

    def alone(self, model: nn.Module) -> AbstractContextManager:
        """While it is entered, gradients of a shared model stay in their process."""
        shared = isinstance(model, DistributedDataParallel)
        return model.no_sync() if shared else nullcontext()

    def mean(self, tensor: Tensor) -> Tensor:
        """The mean over the processes, the same in all of them."""
        if self.number > 1:
            distributed.all_reduce(tensor)
        return tensor / self.number

    def maximum(self, value: int) -> int:
        """The largest of the values of the processes, the same in all of them."""
        if self.number == 1:
            return value
        tensor = torch.tensor(value, device=self.device)
        distributed.all_reduce(tensor, distributed.ReduceOp.MAX)
        return int(tensor)

    def wait(self) -> None:
        """Return when all processes have come here."""
        if self.number > 1:
            distributed.barrier()


def _launched() -> int:
    """How many processes a launcher has started, 1 without one. Raises BadValue."""
    number, rank, local = (
        os.environ.get(name, default)
        for name, default in (("WORLD_SIZE", "1"), ("RANK", "none"), ("LOCAL_RANK", "none"))
    )
    if number == "1" and rank in ("none", "0"):
        return 1
    port = os.environ.get("MASTER_PORT", "none")
    counted = all(told.isdecimal() for told in (number, rank, local, port))
    if not (counted and int(rank) < int(number) and "MASTER_ADDR" in os.environ):
        raise BadValue(
            "train",
            "WORLD_SIZE",
            got=f"{number!r}, with RANK {rank!r} and LOCAL_RANK {local!r}",
            expected="all that a launcher sets, also MASTER_ADDR and MASTER_PORT",
            fix="unset WORLD_SIZE and RANK to train in one process, or start several with torchrun",
        )
    return int(number)


def check_shares(profile: Profile, number: int) -> None:
    """Raise BadValue unless the batch has equal parts for so many processes."""
    shares = number * profile.accumulate
    if profile.batch_size % shares:
        raise BadValue(
            "train",
            "batch_size",
            got=str(profile.batch_size),
            expected=f"a multiple of {shares}, for {number} "
            f"processes with {profile.accumulate} parts each",
            fix=f"take {math.ceil(profile.batch_size / shares) * shares}",
        )


def _own_device(device: torch.device, local_rank: int) -> torch.device:
    """The GPU of one of several processes, from now on its default one. Raises BadValue."""
    there = torch.cuda.device_count() if device.type == "cuda" else 0
    if local_rank >= there:
        raise BadValue(
            "train",
            "device",
            got=f"{device.type} for process {local_rank} of this machine, counted from 0",
            expected=f"no more processes than its {there} CUDA devices",
            fix="start fewer, or set device = cpu",
        )
    torch.cuda.set_device(local_rank)
    return torch.device("cuda", local_rank)


@contextmanager
def join_processes(profile: Profile) -> Iterator[Processes]:
    """This process's place, for a while, among those of a launcher; it is alone without one.

    Raises BadValue for a device that is not there, what no launcher says, processes that do not
    meet, and a batch that cannot be shared evenly.
    """
    device, number = find_device(profile.device), _launched()
    check_shares(profile, number)
    if number == 1:
        yield Processes(device)
        return
    if device.type != "cpu":
        device = _own_device(device, int(os.environ["LOCAL_RANK"]))
    if distributed.is_initialized():  # by the program that calls
        yield Processes(device, distributed.get_rank(), number)
        return
    try:
        distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    except (RuntimeError, ValueError) as error:
        apart = distributed.DistNetworkError, distributed.DistStoreError, ValueError
        if not isinstance(error, apart) and "connectFullMesh" not in str(error):  # gloo's own word
            raise
        raise BadValue(
            "train",
            "MASTER_ADDR and MASTER_PORT",
            got=f"{os.environ['MASTER_ADDR']}:{os.environ['MASTER_PORT']}, {describe(error)}",
            expected="a place where the processes of a launcher meet",
            fix="start them with torchrun, which chooses it",
        ) from None
    try:
        yield Processes(device, distributed.get_rank(), number)
    finally:
        distributed.destroy_process_group()


@contextmanager
def plain_tensors() -> Iterator[None]:
    """New tensors are float32 on the CPU for a while, whatever the program has set as defaults."""
    former = torch.get_default_dtype()
    torch.set_default_dtype(torch.float32)
    try:
        with on_cpu():
            yield
    finally:
        torch.set_default_dtype(former)


@contextmanager
def computing(threads: int, tf32: bool) -> Iterator[None]:
    """So many CPU threads (0 for as many as now), float32, rounded to TF32 or not, for a while."""
    former = (
        torch.get_num_threads(),
        torch.get_float32_matmul_precision(),
        torch.backends.cudnn.allow_tf32,
    )
    torch.set_num_threads(threads or former[0])
    torch.set_float32_matmul_precision("high" if tf32 else "highest")
    torch.backends.cudnn.allow_tf32 = tf32
    try:
        with plain_tensors():
            yield
    finally:
        torch.set_num_threads(former[0])
        torch.set_float32_matmul_precision(former[1])
        torch.backends.cudnn.allow_tf32 = former[2]
