"""The script for a GPU runs to its end on a CPU, with tiny settings, and keeps what it finds."""

import json
import os
import subprocess
import sys

import gpu
import pytest
import torch
from notebooks import ROOT

from ddpm_course.data import GLYPHS, ImageSet, glyphs
from ddpm_course.runs import training


def tiny_bench(out, tiny=True):
    profile = gpu.dataclasses.replace(gpu.load_profile("gpu"), device="cpu", **gpu.TINY)
    if not tiny:
        profile = gpu.dataclasses.replace(profile, compile=True)
    return gpu.Bench(torch.device("cpu"), profile, out, tiny, end=float("inf"))


@pytest.fixture(autouse=True)
def few_glyphs(monkeypatch):
    """60,000 take a quarter of a minute, each time."""
    few = ImageSet("glyphs32", *glyphs(0, 64, 32, colour=True), tuple(GLYPHS))
    monkeypatch.setattr(gpu, "BUILT_IN", dict(gpu.BUILT_IN))
    for module in gpu, training:
        monkeypatch.setattr(module, "load_images", lambda profile: few)


@pytest.mark.slow
def test_the_script_for_a_gpu_runs_without_one(tmp_path):
    words = f"--device cpu --tiny --minutes 60 --out {tmp_path}".split()
    command = [sys.executable, "bench/gpu.py", *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    facts = json.loads((tmp_path / "gpu.json").read_text())
    gaps = facts["against the CPU"]
    assert gaps == {"outputs": 0, "gradients": 0, "samples": 0}  # of the CPU itself, here
    assert facts["diffusers"].get("largest difference of outputs", 0) < 1e-4
    assert set(facts["training"]) == set(gpu.VARIANTS) and facts["run"]["steps"] == 3
    assert facts["run"]["floors"] > 1 and facts["sampling"]["at once: evaluations/s"] > 0
    text = (tmp_path / "gpu.md").read_text()
    assert "no speed" in text and "| fp32 |" in text
    assert (tmp_path / "gpu_samples.png").exists()


def test_the_script_for_a_gpu_says_what_is_missing():
    command = [sys.executable, "bench/gpu.py"]
    no_card = os.environ | {"CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=no_card)
    assert done.returncode and "there is no CUDA device here" in done.stderr


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
    def step_of(bench, profile):
        if profile.precision == "bf16":
            raise RuntimeError("no bfloat16")
        return lambda: None

    monkeypatch.setattr(gpu, "steps_of", step_of)
    *_, found = gpu.training_rates(tiny_bench(tmp_path))
    assert found["bf16"] == {"4": "RuntimeError", "8": "RuntimeError"} and found["fp32"]["8"] > 0
    assert "see gpu.log" in found["failed"]
    assert "no bfloat16" in (tmp_path / "gpu.log").read_text()


def test_what_matters_most_is_measured_before_the_run_and_the_rest_while_there_is_time(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(gpu, "steps_of", lambda *_: lambda: None)
    monkeypatch.setattr(gpu.Bench, "seconds", lambda *_: 0.5)
    bench = tiny_bench(tmp_path, tiny=False)
    *_, bench.parts["training"] = gpu.training_rates(bench, most=2)
    assert bench.parts["training"] == {
        "fp32": {"128": 256.0},
        "bf16, compiled, channels last": {"128": 256.0},
    }
    monkeypatch.setattr(gpu.Bench, "left", (gpu.EAGER + gpu.TRANSLATED) / 2)
    *_, found = gpu.training_rates(bench)
    assert {name: len(row) for name, row in found.items()} == {
        name: 1 if "compiled" in name else 3 for name in gpu.VARIANTS if name != "bf16, compiled"
    }
    monkeypatch.setattr(gpu.Bench, "left", 0.0)
    assert not list(gpu.training_rates(bench))
    bench.parts = {}
    assert list(gpu.training_rates(bench)) == [{"skipped": gpu.NO_TIME}]


@pytest.mark.parametrize("part", ["middle.0.attention.qkv.weight", "time.layers.0.weight"])
def test_one_wrong_weight_on_the_card_is_noticed(tmp_path, monkeypatch, part):
    """A network that answers 0 would agree with any other that does."""
    made = []

    def awake(model):
        model = awake_before(model)
        if made:
            model.get_parameter(part).data *= 1.1
        made.append(model)
        return model

    awake_before = gpu.awake
    assert "failed" not in gpu.against_the_cpu(tiny_bench(tmp_path))
    monkeypatch.setattr(gpu, "awake", awake)
    found = gpu.against_the_cpu(tiny_bench(tmp_path))
    assert "outputs" in found["failed"] and "gradients" in found["failed"]


def test_a_gradient_that_is_no_number_is_noticed(tmp_path, monkeypatch):
    def broken(*arguments):
        made = initial_state(*arguments)
        middle = made.model.get_parameter("middle.0.attention.qkv.weight")
        middle.register_hook(lambda gradient: gradient * float("nan"))
        return made

    initial_state = gpu.initial_state
    monkeypatch.setattr(gpu, "initial_state", broken)
    assert "gradients nan" in gpu.against_the_cpu(tiny_bench(tmp_path))["failed"]


def test_without_time_a_part_says_so(tmp_path, monkeypatch):
    words = ["gpu.py", "--device", "cpu", "--out", str(tmp_path), "--minutes", "0", "--parts"]
    monkeypatch.setattr(sys, "argv", [*words, "run", "diffusers", "variants"])
    with pytest.raises(SystemExit, match="0"):
        gpu.main()
    facts = json.loads((tmp_path / "gpu.json").read_text())
    assert facts["run"] == facts["diffusers"] == facts["training"] == {"skipped": gpu.NO_TIME}


def test_a_run_that_is_cut_keeps_its_rate_and_pictures(tmp_path, monkeypatch):
    def cut(*_):
        raise MemoryError

    monkeypatch.setattr(gpu, "evaluate", cut)
    found = gpu.short_run(tiny_bench(tmp_path))
    assert "unfinished" in next(found)
    assert next(found)["images/s"] > 0
    with pytest.raises(MemoryError):
        next(found)
    assert {path.name for path in tmp_path.iterdir()} == {
        "gpu_samples.png",
        "gpu_denoising.png",
        "gpu_metrics.jsonl",
    }


def test_a_network_that_cannot_be_translated_is_run_as_it_is(tmp_path):
    bench = tiny_bench(tmp_path)
    bench.profile = gpu.dataclasses.replace(bench.profile, compile=True)
    bench.parts["training"] = {gpu.ITSELF: {"8": "BackendCompilerFailed"}}
    assert next(gpu.short_run(bench))["translated"] is False


def test_an_error_of_several_lines_is_one_row():
    facts = {"machine": {}, "tiny": True, "commands": ["a", "b"], "run": {"failed": "x |\ny"}}
    text = gpu.report(facts)
    assert "| failed | x \\| y |" in text and text.endswith("Command: `a`\n\nCommand: `b`\n")
    assert (gpu.shown(15059.4), gpu.shown(0.123456)) == ("15,059", "0.1235")


def test_a_second_call_adds_its_parts(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(gpu.PARTS, "matrix rate", lambda bench: {"tflops": 2.0})
    monkeypatch.setitem(gpu.PARTS, "variants", lambda bench: iter([{"TF32": {"8": 3.0}}]))
    words = ["gpu.py", "--device", "cpu", "--tiny", "--out", str(tmp_path), "--parts"]
    for part in "matrix rate", "variants":
        monkeypatch.setattr(sys, "argv", [*words, part])
        with pytest.raises(SystemExit, match="0"):
            gpu.main()
    facts = json.loads((tmp_path / "gpu.json").read_text())
    assert facts["matrix rate"] == {"tflops": 2.0} and facts["training"] == {"TF32": {"8": 3.0}}
    assert facts["commands"][0] == "python bench/gpu.py --parts 'matrix rate'"
    assert str(tmp_path) not in (tmp_path / "gpu.md").read_text()
    facts["machine"]["device"] = "NVIDIA H200"
    (tmp_path / "gpu.json").write_text(json.dumps(facts))
    with pytest.raises(SystemExit):
        gpu.main()
    assert "of another machine" in capsys.readouterr().err
    assert json.loads((tmp_path / "gpu.json").read_text()) == facts
