"""Write the networks that the package carries for a reader's browser, with what runs them there.

From the top of the repository: make book
"""

import json
import shutil
import sys
import warnings
from pathlib import Path

import torch
from notebooks import ROOT
from torch import Tensor, nn

from ddpm_course.prediction import Denoiser
from ddpm_course.runs.run import Run
from ddpm_course.runs.trained import trained_names

RUNTIME = ROOT / "book/node_modules/onnxruntime-web/dist"
LOADED = ["ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm"]
OUT = ROOT / "build/network"  # what is put into the folder of the site, as it is


class Image(nn.Module):
    """The network of a run, which says the image, whatever it has learnt to predict."""

    def __init__(self, run: Run):
        super().__init__()
        self.network, self.run = run.network("cpu"), run

    def forward(self, x: Tensor, t: Tensor, labels: Tensor) -> Tensor:
        told = lambda x, t: self.network(x, t, labels)
        kind = self.run.profile.prediction_type
        return Denoiser(self.run.schedule("cpu"), told, kind).x0(x, t)


def write(name: str, folder: Path) -> None:
    """NAME.onnx: x [B, C, H, W], t and labels [B] to image. NAME.json: what a walk needs besides."""
    run = Run.open(name)
    batch = torch.zeros(2, *run.image_shape), torch.tensor([1, 2]), torch.tensor([-1, 0])
    inputs = ["x", "t", "labels"]
    with warnings.catch_warnings(action="ignore"):
        torch.onnx.export(
            Image(run),
            batch,
            folder / f"{name}.onnx",
            input_names=inputs,
            output_names=["image"],
            dynamic_axes={part: {0: "B"} for part in [*inputs, "image"]},
            dynamo=False,
        )
    signal = run.schedule("cpu").alphas_cumprod.tolist()
    facts = {"shape": run.image_shape, "classes": run.classes, "signal": signal}
    (folder / f"{name}.json").write_text(json.dumps(facts), encoding="utf-8")


def megabytes(*paths: Path) -> float:
    return round(sum(path.stat().st_size for path in paths) / 1e6, 1)


def about(folder: Path) -> dict:
    """What the page says before anything is loaded: sizes, and classes."""
    networks = {}
    for name in trained_names():
        run = Run.open(name)
        networks[name] = {
            "about": f"{name} ({run.profile.data})",
            "size": megabytes(folder / f"{name}.onnx"),
            "classes": run.classes,
        }
    return {"networks": networks, "runtime": megabytes(*(folder / name for name in LOADED))}


if __name__ == "__main__":
    shutil.rmtree(OUT, ignore_errors=True)
    if not RUNTIME.exists():
        print(
            f"the site is built without networks that draw: no {RUNTIME.relative_to(ROOT)}",
            file=sys.stderr,
        )
        sys.exit()
    folder = OUT / "network"
    folder.mkdir(parents=True)
    for name in LOADED:
        shutil.copy(RUNTIME / name, folder)
    for name in trained_names():
        write(name, folder)
    (folder / "about.json").write_text(json.dumps(about(folder)), encoding="utf-8")
