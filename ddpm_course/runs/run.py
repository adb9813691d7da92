"""The folder of a run, opened once: what it was trained with, and its averaged weights."""

import dataclasses
import json
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import ddpm_course
from ddpm_course.checks import (
    BadInput,
    BadValue,
    check_instance,
    check_int,
    check_number,
    describe,
)
from ddpm_course.prediction import Denoiser
from ddpm_course.runs.checkpoint import load_weights, read_weights
from ddpm_course.runs.files import write_file
from ddpm_course.runs.loop import build_denoiser, build_model, build_schedule
from ddpm_course.runs.processes import find_device
from ddpm_course.runs.profiles import Profile
from ddpm_course.runs.trained import find_run, trained_names
from ddpm_course.schedule import NoiseSchedule
from ddpm_course.unet import UNet

ORIGIN = "seed", "files_sha256", "device", "threads", "processes", "commit", "hardware", "seconds"
# What a run did before a setting existed: config.json of an earlier version lacks its line.
EARLIER = {"download": False, "guidance_scale": 1.0, "solver": "ddim"}


@dataclass(frozen=True)
class Run:
    """A run as its config.json tells it. What an imported run does not know is None or empty."""

    folder: Path
    profile: Profile
    image_shape: tuple[int, int, int]  # [C, H, W]
    classes: tuple[str, ...] = ()  # the name of each label
    betas: tuple[float, ...] = ()  # of an imported chain that no schedule of a profile makes
    seed: int | None = None
    files_sha256: str | None = None  # of what `ImageFiles.digest` sums up, for images of a folder
    device: str | None = None  # this, and what follows, decides the last bits of the numbers
    threads: int | None = None
    processes: int | None = None
    torch: str | None = None  # its version
    commit: str | None = None  # this, and what follows, is known of a run in the package
    hardware: str | None = None
    seconds: float | None = None  # that a core of it computed

    @classmethod
    def open(cls, folder: Path | str) -> "Run":
        """Read config.json in a folder, or in the package's run of that name (`trained_names`).

        Raises BadInput when it is missing or holds something else.
        """
        folder = find_run(folder)
        path = folder / "config.json"
        try:
            config = json.loads(path.read_text(encoding="utf-8"))
            fields: dict[str, Any] = EARLIER | {
                key: tuple(value) if isinstance(value, list) else value
                for key, value in config["profile"].items()
            }
            profile = Profile(**fields)
            channels, height, width = config["image_shape"]
            for side in (channels, height, width):
                check_int("config", "image_shape", side, 1, 4096)
            for name, most in (("seed", 2**64 - 1), ("threads", 1024), ("processes", 2**31)):
                if config.get(name) is not None:
                    check_int("config", name, config[name], int(name != "seed"), most)
            return cls(
                folder,
                profile,
                (channels, height, width),
                tuple(map(str, config.get("classes", ()))),
                tuple(
                    check_number(str(path), "betas", beta, 0, 1, ends="()")
                    for beta in config.get("betas", ())
                ),
                torch=config.get("versions", {}).get("torch"),
                **{name: config.get(name) for name in ORIGIN},
            )
        except BadInput as error:
            raise error.within(path) from None
        except (
            OSError,
            ValueError,
            KeyError,
            TypeError,
            AttributeError,
            RecursionError,
        ) as error:
            raise BadValue(
                str(path),
                "configuration of a run",
                got=describe(error),
                expected="the file that ddpm-course train writes",
                fix="give the folder of a finished run, or the name of one that the package has: "
                + ", ".join(trained_names()),
            ) from None

    def network(self, device: str = "auto") -> UNet:
        """The network with the averaged weights, for sampling.

        Raises BadInput for a device that is not there, and CheckpointError when the weights are missing,
        broken, or not those of this profile: names, shapes and types are compared before any memory
        is taken for the network.
        """
        where = find_device(device)
        weights = read_weights(self.folder, "ema")
        with torch.device("meta"):
            model = build_model(self.profile, self.image_shape[0]).float()
        load_weights(model, weights, self.folder / "ema.safetensors")
        return model.to(where).eval().requires_grad_(False)

    def schedule(self, device: str = "auto") -> NoiseSchedule:
        """The noise schedule of the run. Raises BadInput for betas that make none, and as `network`."""
        return build_schedule(self.profile, find_device(device), self.betas)

    def denoiser(self, device: str = "auto", labels: Tensor | None = None) -> Denoiser:
        """The network with its chain, for images with these labels, int64 [B], on any device.

        Labels are given if the network is told classes, and only then; -1 is a class that is not
        told. Raises BadInput without them, and as `network` does.
        """
        if self.profile.num_classes:
            fix = "write torch.tensor([...]), one label per image"
            if self.profile.label_dropout:
                fix += ", or -1 for any class"
            check_instance("Run.denoiser", "labels", labels, Tensor, fix)
        network = self.network(device)
        if isinstance(labels, Tensor) and not labels.is_meta:  # the network refuses all else
            labels = labels.to(find_device(device))
        return build_denoiser(self.profile, self.schedule(device), network, labels)


def write_config(folder: Path, profile: Profile, image_shape: Sequence[int], **origin: Any) -> None:
    """Write to folder/config.json all that a run depends on; origin says where it comes from."""
    config = {
        "profile": dataclasses.asdict(profile),
        "image_shape": list(image_shape),
        **origin,
        "versions": {
            "ddpm_course": ddpm_course.__version__,
            "torch": torch.__version__,
            "python": platform.python_version(),
        },
    }
    write_file(folder / "config.json", (json.dumps(config, indent=2) + "\n").encode())
