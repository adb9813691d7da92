"""Devices, threads, and the processes that share a batch."""

import dataclasses
import math
import os
import socket

import pytest
import torch
from refusals import refused
from tiny import CPU, TINY

from ddpm_course.checks import BadValue
from ddpm_course.runs import processes
from ddpm_course.runs.metrics import read_losses
from ddpm_course.runs.processes import Processes, computing, find_device, join_processes


def test_threads_are_the_profiles_and_given_back(monkeypatch):
    before, seen = torch.get_num_threads(), []
    with computing(3, True):
        seen.append((torch.get_num_threads(), torch.get_float32_matmul_precision()))
    with computing(0, False):
        seen.append((torch.get_num_threads(), torch.get_float32_matmul_precision()))
    assert seen == [(3, "high"), (before, "highest")] and torch.get_num_threads() == before


def test_devices():
    assert find_device("cpu") == CPU
    for name in {"cuda": torch.cuda, "mps": torch.backends.mps}.items():
        if not name[1].is_available():
            with refused(BadValue, what="device", got=repr(name[0]), fix="device = auto"):
                find_device(name[0])
    with refused(BadValue, what="device", got="tpu"):
        find_device("tpu")


def test_the_first_bad_loss_is_named():
    rows = [torch.tensor(row) for row in ((1.0, 2.0), (math.inf, 2.0), (math.nan, math.nan))]
    one = Processes(CPU)
    with refused(BadValue, what="the loss at step 9", got="inf"):
        read_losses(rows, 10, one)
    with refused(BadValue, what="the gradient at step 5", got="nan"):
        read_losses([torch.tensor([1.0, math.nan])], 5, one)
    assert read_losses(rows[:1], 1, one) == [1.0]


LAUNCHED = {
    "WORLD_SIZE": "2",
    "RANK": "0",
    "LOCAL_RANK": "0",
    "MASTER_ADDR": "localhost",
    "MASTER_PORT": "1",
}


@pytest.mark.parametrize(
    "name, value",
    [("WORLD_SIZE", "two"), ("WORLD_SIZE", "0"), ("RANK", "2"), ("RANK", "one"), ("RANK", "-1")]
    + [("MASTER_PORT", "http")]
    + [(name, None) for name in LAUNCHED if name != "WORLD_SIZE"],
)
def test_what_no_launcher_says_is_refused(name, value, monkeypatch):
    monkeypatch.setattr(os, "environ", {**os.environ, **LAUNCHED})
    if value is None:
        del os.environ[name]
    else:
        os.environ[name] = value
    with refused(BadValue, what="WORLD_SIZE", fix="torchrun"):
        join_processes(TINY).__enter__()


def test_a_place_among_processes_that_nobody_has_counted_is_refused(monkeypatch):
    monkeypatch.setenv("RANK", "1")
    with refused(BadValue, what="WORLD_SIZE", got="'1', with RANK '1'", fix="RANK"):
        join_processes(TINY).__enter__()
    monkeypatch.setenv("RANK", "0")
    with join_processes(TINY) as place:
        assert place == Processes(CPU)


@pytest.mark.parametrize("device", ["cuda", "mps"])
def test_each_process_needs_a_gpu_of_its_own(device, monkeypatch):
    monkeypatch.setattr(os, "environ", {**os.environ, **LAUNCHED, "RANK": "1", "LOCAL_RANK": "1"})
    monkeypatch.setattr(processes, "find_device", torch.device)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    profile = dataclasses.replace(TINY, device=device)
    with refused(BadValue, what="device", got=f"{device} for process 1", fix="device = cpu"):
        join_processes(profile).__enter__()


def test_processes_that_cannot_meet_are_told(monkeypatch):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        there = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(taken.getsockname()[1])}
        monkeypatch.setattr(os, "environ", {**os.environ, **LAUNCHED, **there})
        with refused(BadValue, what="MASTER_ADDR and MASTER_PORT", fix="torchrun"):
            join_processes(TINY).__enter__()


def test_each_training_of_a_process_has_the_device_that_it_asks_for(monkeypatch):
    monkeypatch.setattr(processes, "find_device", torch.device)
    for name in ("cpu", "mps", "cuda", "cpu"):
        with join_processes(dataclasses.replace(TINY, device=name)) as place:
            assert place == Processes(torch.device(name))
