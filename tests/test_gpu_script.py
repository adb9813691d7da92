"""The script for a GPU runs to its end on a CPU, with tiny settings, and keeps what it finds."""

import json
import subprocess
import sys

import gpu
import pytest
import torch
from notebooks import ROOT


@pytest.mark.slow
def test_the_script_for_a_gpu_runs_without_one(tmp_path):
    command = [sys.executable, "bench/gpu.py", "--device", "cpu", "--tiny", "--out", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    facts = json.loads((tmp_path / "gpu.json").read_text())
    assert facts["against the CPU"] == {"gradients": 0, "samples": 0}  # of the CPU itself, here
    assert facts["diffusers"].get("largest difference of outputs", 0) < 1e-4
    assert set(facts["training"]) >= {"fp32", "bf16"} and facts["run"]["steps"] == 3
    assert facts["run"]["floors"] > 1 and facts["sampling"]["at once: evaluations/s"] > 0
    text = (tmp_path / "gpu.md").read_text()
    assert "no speed" in text and "| fp32 |" in text
    assert (tmp_path / "gpu_samples.png").exists()


def test_the_script_for_a_gpu_says_what_is_missing():
    command = [sys.executable, "bench/gpu.py", "--device", "nothing"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode and "nothing" in done.stderr


def test_what_was_measured_before_a_failure_is_kept_and_shown(tmp_path, monkeypatch, capsys):
    """A part breaks off, another fails at once, and a test of the card's numbers says no."""

    def broken(bench):
        yield {"fp32": {"4": 12.5, "8": "OutOfMemoryError"}}
        raise RuntimeError("no compiler")

    def absent(bench):
        raise ImportError("no such library")

    parts = {
        "against the CPU": lambda bench: {"samples": 1.0, "failed": "more than 0.001: samples"}
    }
    monkeypatch.setattr(gpu, "PARTS", parts | {"training": broken, "run": absent})
    monkeypatch.setattr(
        sys, "argv", ["gpu.py", "--device", "cpu", "--tiny", "--out", str(tmp_path)]
    )
    with pytest.raises(SystemExit, match="failed: against the CPU, training, run"):
        gpu.main()
    text = (tmp_path / "gpu.md").read_text()
    for said in (
        "| fp32 | 12.5 | OutOfMemoryError |",
        "RuntimeError: no compiler",
        "no such library",
    ):
        assert said in text
    assert json.loads((tmp_path / "gpu.json").read_text())["training"]["fp32"]["4"] == 12.5


def test_a_variant_that_cannot_be_measured_leaves_the_others(tmp_path, monkeypatch):
    profile = gpu.dataclasses.replace(gpu.load_profile("gpu"), **gpu.TINY)
    bench = gpu.Bench(torch.device("cpu"), profile, tmp_path, tiny=True, end=float("inf"))

    def step_of(bench, profile):
        if profile.precision == "bf16":
            raise RuntimeError("no bfloat16")
        return lambda: None

    monkeypatch.setattr(gpu, "steps_of", step_of)
    *_, found = gpu.training_rates(bench)
    assert found["bf16"] == {"4": "RuntimeError", "8": "RuntimeError"} and found["fp32"]["8"] > 0
