"""The script for a GPU runs to its end on a CPU, with tiny settings, and keeps what it finds."""

import json
import subprocess
import sys

import pytest
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
    text = (tmp_path / "gpu.md").read_text()
    assert "no speed" in text and "| fp32 |" in text
    assert (tmp_path / "gpu_samples.png").exists()


def test_the_script_for_a_gpu_says_what_is_missing():
    command = [sys.executable, "bench/gpu.py", "--device", "nothing"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode and "nothing" in done.stderr
