"""What people pass, and what happens: one table, which chapter 92 shows and the tests go through.

A row has words for what is given, what is typed, and a quotation from what happens. Typed is an
expression in Python, with the names below, or a command of the shell; before it, `made` is done.
Each row has an empty folder of its own as the current one, and a machine without a GPU.
"""

# ruff: noqa: F401 - the rows use names that no line of this file uses

import contextlib
import gzip
import io
import json
import math
import pickle
import re
import shlex
import shutil
import signal
import struct
import tempfile
import warnings
from dataclasses import replace
from functools import cache
from itertools import count
from pathlib import Path
from typing import NamedTuple
from unittest import mock

import numpy as np
import torch
from PIL import Image

from ddpm_course.checks import BadInput, check_images, describe
from ddpm_course.cli import main
from ddpm_course.data import ImageSet, load_set, to_uint8
from ddpm_course.flow_matching import NoiseLevel, convert_prediction
from ddpm_course.forward import q_sample
from ddpm_course.guidance import guided
from ddpm_course.prediction import Denoiser, predict_x0, training_loss
from ddpm_course.runs import loop
from ddpm_course.runs.checkpoint import load_weights
from ddpm_course.runs.files import unfinished
from ddpm_course.runs.images import load_images
from ddpm_course.runs.profiles import SETTINGS, load_profile
from ddpm_course.runs.stopping import Stopped
from ddpm_course.runs.training import resume, train
from ddpm_course.sampling import Sampler, ddim_step
from ddpm_course.schedule import NoiseSchedule, extract, linear_schedule, make_schedule
from ddpm_course.unet import UNet

# --- What the rows are about ---------------------------------------------------------------------

schedule = linear_schedule(1000)
x = torch.linspace(-1, 1, 2 * 3 * 8 * 8).view(2, 3, 8, 8)
pixels, noise, t = to_uint8(x), x.flip(0), torch.tensor([1, 1000])
network = UNet(3, 8, (1, 1, 1), 1, ())
tiny = replace(
    load_profile("smoke"),
    model_channels=8,
    num_steps=4,
    sampling_steps=4,
    num_samples=4,
    checkpoint_every=2,
)


def model(x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    """A model that predicts what it sees."""
    return x


denoiser = Denoiser(schedule, model)


def photos(**options: object) -> ImageSet:
    """The training part of the folder photos, each image read."""
    found = load_set("folder", data_dir="photos", **{"image_size": 8, **options})
    assert [tuple(image.shape) for image, _ in found] == [found.image_shape] * len(found)
    return found


# --- What is made before -------------------------------------------------------------------------


def picture(mode: str = "RGB", width: int = 12, height: int = 9) -> Image.Image:
    """A ramp from black to white, from left to right."""
    ramp = np.tile(np.linspace(0, 1, width), (height, 1))
    if mode == "I;16":
        return Image.fromarray((ramp * 65535).astype(np.uint16))
    return Image.fromarray((ramp * 255).astype(np.uint8)).convert(mode)


def write_pictures(
    folder: Path | str = "photos", num: int = 4, kind: str = "png", **options: object
) -> list[Path]:
    paths = [Path(folder) / f"{i}.{kind}" for i in range(num)]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        picture(**options).save(path)
    return paths


def cut(path: Path, share: float = 0.7) -> None:
    """Keep the first part of a file, as a full disk or a broken connection does."""
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])


def flip_a_bit(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-2] ^= 1
    path.write_bytes(data)


def save_a_web_page(path: Path) -> None:
    path.write_text("<!DOCTYPE html><html><body>404 Not Found</body></html>")


def write_mnist(
    kind: str = "MNIST",
    root: Path | str = "downloads",
    num: int = 20,
    num_labels: int | None = None,
) -> Path:
    """Files in MNIST's format: big-endian sizes, then bytes. Image i is full of i."""
    folder = Path(root) / kind / "raw"
    folder.mkdir(parents=True)
    for part in ("train", "t10k"):
        pixels = np.arange(num, dtype=np.uint8).repeat(28 * 28)
        labels = np.arange(num_labels or num, dtype=np.uint8) % 10
        (folder / f"{part}-images-idx3-ubyte").write_bytes(
            struct.pack(">IIII", 2051, num, 28, 28) + pixels.tobytes()
        )
        (folder / f"{part}-labels-idx1-ubyte").write_bytes(
            struct.pack(">II", 2049, len(labels)) + labels.tobytes()
        )
    return folder


def pack(folder: Path) -> None:
    for file in list(folder.iterdir()):
        file.with_suffix(".gz").write_bytes(gzip.compress(file.read_bytes()))
        file.unlink()


def write_cifar(root: Path | str = "downloads", num: int = 4) -> Path:
    """Files in CIFAR-10's format: pickles with rows of 1024 reds, 1024 greens, 1024 blues."""
    folder = Path(root) / "cifar-10-batches-py"
    folder.mkdir(parents=True)
    for name in (*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"):
        rows = np.arange(3, dtype=np.uint8).repeat(1024) + np.arange(num, dtype=np.uint8)[:, None]
        (folder / name).write_bytes(pickle.dumps({"data": rows, "labels": list(range(num))}))
    (folder / "batches.meta").write_bytes(pickle.dumps({"label_names": list("abcdefghij")}))
    return folder


def write_settings(old: str = "", new: str = "") -> None:
    """The project's settings file as my.ini, with one line changed."""
    Path("my.ini").write_text(SETTINGS.read_text(encoding="utf-8").replace(old, new, 1))


def press(number: int, step: int) -> None:
    """A signal comes while this step of the next training is under way."""
    steps, real = count(1), loop.update_ema

    def update(*arguments: object) -> None:
        real(*arguments)
        if next(steps) == step:
            signal.raise_signal(number)

    mock.patch.object(loop, "update_ema", update).start()


ROOM = tempfile.TemporaryDirectory()


@cache
def trained(stopped_at: int = 0) -> Path:
    """The folder of a run that came to its end, or was stopped at a step; made once."""
    folder = Path(ROOM.name) / str(stopped_at) / "first"
    if not stopped_at:
        return train(tiny, 0, folder)
    press(signal.SIGINT, stopped_at)
    with contextlib.suppress(Stopped):
        train(tiny, 0, folder)
    mock.patch.stopall()
    return unfinished(folder)


def copied(run: Path, changes: dict[str, object]) -> Path:
    """A run in the folder runs, with changes in the profile that it notes."""
    path = shutil.copytree(run, Path("runs") / run.name)
    config = json.loads((path / "config.json").read_text())
    config["profile"] |= changes
    (path / "config.json").write_text(json.dumps(config))
    return path


def finished(**changes: object) -> Path:
    """runs/first"""
    return copied(trained(), changes)


def stopped(**changes: object) -> Path:
    """The newest checkpoint, of step 3, of the run runs/first; there is one of step 2, too."""
    return copied(trained(stopped_at=3), changes) / "checkpoints/step-00000003"


# --- What happens --------------------------------------------------------------------------------


class Row(NamedTuple):
    given: str
    typed: str
    words: str  # of the message, or of "works: ..."
    made: str = ""  # Python


def shown(result: object) -> str:
    if isinstance(result, ImageSet):
        return f"{len(result)} images {list(result.image_shape)}"
    return describe(result) if isinstance(result, torch.Tensor) else str(result)


def answer(typed: str) -> str:
    """What one reads after typing this: the message of an error, or "works: " and the result."""
    if typed.startswith("ddpm-course "):
        said = io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            code = main(shlex.split(typed)[1:])
        return "works: " * (code == 0) + said.getvalue().strip()
    try:
        return f"works: {shown(eval(typed, globals()))}"
    except (BadInput, Stopped) as error:
        return f"{type(error).__name__}: {error}"


def outcome(row: Row) -> str:
    """The answer, and below it a line for each warning."""
    with (
        tempfile.TemporaryDirectory() as folder,
        contextlib.chdir(folder),
        mock.patch("torch.cuda.is_available", return_value=False),
        warnings.catch_warnings(record=True) as warned,
        contextlib.ExitStack() as end,
    ):
        end.callback(mock.patch.stopall)
        warnings.simplefilter("always")
        exec(row.made, dict(globals()))
        answered = answer(row.typed)
    return "\n".join([answered, *(f"warns: {each.message}" for each in warned)])


def cells(row: Row) -> str:
    """The beginning of the row's line in a table of Markdown."""
    return f"| {row.given} | `{row.typed}` |"


def table(part: str) -> str:
    """The rows of a part in Markdown, each of them tried."""

    def plain(text: str) -> str:
        return re.sub(r"([\\`*_\[\]<>|$])", r"\\\1", text).replace("\n", "<br>")

    lines = [f"{cells(row)} {plain(outcome(row))} |" for row in PARTS[part]]
    return "\n".join(["| what is given | what is typed | what happens |", "|---|---|---|", *lines])


# --- The table -----------------------------------------------------------------------------------

TENSORS = [
    Row("a uint8 image", "q_sample(schedule, pixels, t)", "BadType: q_sample: x0: got"),
    Row("floats in 0..255", "check_images('mine', 'images', pixels.float())", "x / 127.5 - 1"),
    Row("[0, 1] for [-1, 1]", "check_images('mine', 'images', pixels / 255)", "2 * x - 1"),
    Row(
        "channels last",
        "check_images('mine', 'images', x.permute(0, 2, 3, 1))",
        "x.permute(0, 3, 1, 2)",
    ),
    Row("no batch axis", "check_images('mine', 'images', x[0])", "x[None]"),
    Row("no batch axis, and a time", "q_sample(schedule, x[0], t[:1])", "x[None]"),
    Row(
        "noise that broadcasts", "q_sample(schedule, x, t, noise=noise[:1])", "nothing is broadcast"
    ),
    Row(
        "a prediction that broadcasts",
        "training_loss(Denoiser(schedule, lambda x, t: x[:, :1]), x, t)",
        "nothing is broadcast",
    ),
    Row(
        "a model that returns 2C channels",
        "training_loss(Denoiser(schedule, lambda x, t: x.repeat(1, 2, 1, 1)), x, t)",
        "keep the first C",
    ),
    Row("NaN", "check_images('mine', 'images', x * math.nan)", "NaN or Inf"),
    Row("Inf", "check_images('mine', 'images', 1 / x.clamp(min=0))", "NaN or Inf"),
    Row("an empty batch", "q_sample(schedule, x[:0], t[:0])", "skip empty batches"),
    Row(
        "float64",
        "q_sample(schedule, x.double(), t)",
        "works: a tensor of shape [2, 3, 8, 8], float64, on cpu",
    ),
    Row(
        "float64 for a network in float32",
        "network(x.double(), t)",
        "works: a tensor of shape [2, 3, 8, 8], float64, on cpu",
    ),
    Row(
        "image and t on different devices",
        "extract(schedule.betas, t, x.to('meta'))",
        "works: a tensor of shape [2, 1, 1, 1], float32, on meta",
    ),
    Row(
        "image and noise on different devices",
        "q_sample(schedule, x, t, noise=noise.to('meta'))",
        "noise.to(x0.device)",
    ),
]

TIMESTEPS = [
    Row("step 0", "q_sample(schedule, x, torch.tensor([0, 1]))", "count steps from 1"),
    Row("a negative step", "q_sample(schedule, x, torch.tensor([-1, 1]))", "values -1..1"),
    Row("a step above T", "q_sample(schedule, x, torch.tensor([1, 1001]))", "values 1..1001"),
    Row("floats", "q_sample(schedule, x, torch.tensor([0.1, 0.9]))", "BadType"),
    Row("a mask", "q_sample(schedule, x, t > 1)", "BadType"),
    Row("one step for a batch of two", "q_sample(schedule, x, torch.tensor([1]))", "t.expand(B)"),
    Row("a Python int", "q_sample(schedule, x, 1)", "torch.full"),
    Row(
        "a step between any two times",
        "ddim_step(schedule, x, torch.tensor([977, 977]), torch.tensor([13, 13]), noise)",
        "works: a tensor of shape [2, 3, 8, 8], float32, on cpu",
    ),
    Row(
        "a step to a later time, with new noise",
        "ddim_step(schedule, x, torch.tensor([13, 13]), torch.tensor([977, 977]), noise, eta=1)",
        "s < t",
    ),
]

SCHEDULES = [
    Row("0 steps", "Sampler(0)", "1 or more"),
    Row("negative steps", "Sampler(-5)", "1 or more"),
    Row("more steps than T", "Sampler(1001).timesteps(1000)", "1 to 1000"),
    Row("12.5 steps", "Sampler(12.5)", "BadType"),
    Row("steps that do not divide T", "Sampler(3).timesteps(10)", "works: [10, 7, 3, 0]"),
    Row(
        "a network for a denoiser", "Sampler().sample(model, x.shape)", "Denoiser(schedule, model)"
    ),
    Row("no network at all", "Denoiser(schedule, 0.5)", "model(x_t, t)"),
    Row("a word for yes or no", "Sampler(clip_sample='no')", "True or False"),
    Row("eta below 0", "Sampler(eta=-0.1)", "[0, 1]"),
    Row("eta above 1", "Sampler(eta=1.5)", "[0, 1]"),
    Row("eta NaN", "Sampler(eta=math.nan)", "[0, 1]"),
    Row("a guidance scale below 0", "Sampler(guidance_scale=-1)", "0 or more"),
    Row(
        "guidance for a network without an unconditional part",
        "Sampler(1, guidance_scale=2).sample(denoiser, x.shape)",
        "unconditional=model",
    ),
    Row(
        "an interval of guidance from late to early",
        "guided(replace(denoiser, unconditional=model), 2, interval=(400, 1))",
        "400 to 1000",
    ),
    Row(
        "a prediction that no network makes",
        "convert_prediction(schedule, x, t, noise, 'epsilon', 'velocity')",
        "'flow_prediction'",
    ),
    Row("a flow time that counts steps", "NoiseLevel.from_flow_time(t)", "0 is the image"),
    Row("beta 0", "NoiseSchedule.from_betas([0.1, 0.0])", "beta at t = 2"),
    Row("beta 1", "NoiseSchedule.from_betas([0.1, 1.0])", "(0, 1)"),
    Row("beta NaN", "NoiseSchedule.from_betas([0.1, math.nan])", "nan"),
    Row("beta infinite", "linear_schedule(1000, beta_end=math.inf)", "inf"),
    Row("T of 0", "linear_schedule(0)", "1 to 1000000"),
    Row("no betas", "NoiseSchedule.from_betas([])", "T >= 1"),
    Row(
        "a chain too short for its betas",
        "linear_schedule(1).num_train_timesteps",
        "works: 1\nwarns: linear_schedule: alphas_cumprod is still 1 at T = 1",
    ),
    Row("a misspelt prediction type", "predict_x0(schedule, x, t, noise, 'eps')", "'epsilon'"),
    Row("a misspelt schedule", "make_schedule('linaer', 1000)", "write 'linear'"),
    Row("a misspelt spacing", "Sampler(spacing='trailling')", "write 'trailing'"),
    Row("seed -1", "ddpm-course train --seed -1", "seed: got -1"),
    Row("seed 2^64", "Sampler(1).sample(denoiser, x.shape, seeds=[0, 2**64])", str(2**64 - 1)),
    Row("seed 0.5", "train(tiny, 0.5, 'runs/first')", "BadType"),
    Row(
        "a seed for a generator",
        "Sampler(1).sample(denoiser, x.shape, generator=0)",
        "manual_seed",
    ),
]

DATA = [
    Row("a folder without a name", "load_set('folder', image_size=8)", "'', which is no"),
    Row("a folder that is missing", "photos()", "'photos', which is no folder"),
    Row("a file instead of a folder", "photos()", "no folder", "Path('photos').touch()"),
    Row("an empty folder", "photos()", "'photos' without an image", "Path('photos').mkdir()"),
    Row("no image size", "photos(image_size=0)", "image_size: got 0", "write_pictures()"),
    Row("a folder with one image", "photos()", "a single image", "write_pictures(num=1)"),
    Row(
        "a class with one image",
        "photos()",
        "a single image in 'photos/dogs'",
        "write_pictures('photos/cats'); write_pictures('photos/dogs', num=1)",
    ),
    Row(
        "images beside sub-folders",
        "photos()",
        "4 images beside the sub-folder 'cats'",
        "write_pictures(); write_pictures('photos/cats')",
    ),
    Row(
        "a web page saved as an image",
        "photos()",
        "photos/1.png: image: got",
        "save_a_web_page(write_pictures()[1])",
    ),
    Row(
        "a truncated PNG",
        "photos()",
        "photos/2.png: image: got OSError",
        "cut(write_pictures(width=60, height=60)[2])",
    ),
    Row(
        "a truncated JPEG",
        "photos()",
        "photos/2.jpg: image: got OSError",
        "cut(write_pictures(kind='jpg', width=60, height=60)[2])",
    ),
    Row(
        "a truncated JPEG, to be skipped",
        "photos(unreadable='skip')",
        "works: 2 images [3, 8, 8]\nwarns: 1 of 4 files cannot be read and are skipped: "
        "photos/2.jpg",
        "cut(write_pictures(kind='jpg', width=60, height=60)[2])",
    ),
    Row(
        "only files that are no images, to be skipped",
        "photos(unreadable='skip')",
        "'photos' without an image",
        "Path('photos').mkdir(); Path('photos/list.txt').touch()",
    ),
    Row(
        "floats in a TIFF",
        "photos()",
        "photos/0.tif: image: got ValueError: floats",
        "write_pictures(mode='F', kind='tif')",
    ),
    Row(
        "numbers of 32 bits in a TIFF",
        "photos()",
        "photos/0.tif: image: got ValueError: integers",
        "write_pictures(mode='I', kind='tif')",
    ),
    Row(
        "a link to a file that is gone",
        "photos()",
        "photos/gone.png: image: got FileNotFoundError",
        "write_pictures(); Path('photos/gone.png').symlink_to('nowhere.png')",
    ),
    Row(
        "a class that is a link",
        "photos()",
        "works: 6 images [3, 8, 8]",
        "write_pictures('photos/cats'); write_pictures('elsewhere'); "
        "Path('photos/dogs').symlink_to('../elsewhere')",
    ),
    Row(
        "a name with control characters",
        "photos()",
        "photos/\\x1bc.png: image: got",
        "write_pictures(); Path('photos/\\x1bc.png').touch()",
    ),
    Row("grey images", "photos()", "works: 3 images [1, 8, 8]", "write_pictures(mode='L')"),
    Row(
        "a grey image among coloured ones",
        "photos()",
        "works: 4 images [3, 8, 8]",
        "write_pictures(); picture('L').save('photos/grey.png')",
    ),
    Row("an alpha channel", "photos()", "works: 3 images [3, 8, 8]", "write_pictures(mode='RGBA')"),
    Row("grey and alpha", "photos()", "works: 3 images [1, 8, 8]", "write_pictures(mode='LA')"),
    Row("a palette", "photos()", "works: 3 images [3, 8, 8]", "write_pictures(mode='P')"),
    Row("16 bits", "photos()", "works: 3 images [1, 8, 8]", "write_pictures(mode='I;16')"),
    Row("1 bit", "photos()", "works: 3 images [1, 8, 8]", "write_pictures(mode='1')"),
    Row(
        "four inks (CMYK)",
        "photos()",
        "works: 3 images [3, 8, 8]",
        "write_pictures(mode='CMYK', kind='jpg')",
    ),
    Row(
        "images that are not square",
        "photos()",
        "works: 3 images [3, 8, 8]",
        "write_pictures(width=40)",
    ),
    Row(
        "images smaller than image_size",
        "photos(image_size=16)",
        "works: 3 images [3, 16, 16]",
        "write_pictures()",
    ),
    Row(
        "a side that the network cannot halve",
        "network(photos(image_size=10).floats()[:2], t)",
        "H and W divisible by 4",
        "write_pictures()",
    ),
    Row(
        "such a side for a whole training",
        "ddpm-course train --profile gpu --device cpu "
        "--data folder --data-dir photos --image-size 30",
        "set image_size = 32",
        "write_pictures()",
    ),
    Row(
        "grey images for a network of colours",
        "network(photos().floats()[:2], t)",
        "[B, 3, H, W]",
        "write_pictures(mode='L')",
    ),
    Row(
        "coloured images for a network of grey",
        "UNet(1, 8, (1, 2), 1, ())(photos().floats()[:2], t)",
        "[B, 1, H, W]",
        "write_pictures()",
    ),
    Row(
        "fewer images than a batch",
        "ddpm-course train --profile smoke --num-classes 0 "
        "--data folder --data-dir photos --image-size 8",
        "32 for a data set of 3 images",
        "write_pictures()",
    ),
    Row(
        "classes for images without",
        "load_images(replace(tiny, data='folder', data_dir='photos', image_size=8))",
        "num_classes: got 10, expected 0",
        "write_pictures()",
    ),
    Row(
        "another number of classes",
        "ddpm-course train --profile smoke --num-classes 9",
        "num_classes: got 9, expected 10",
    ),
    Row(
        "a folder for a set that needs none",
        "load_set('digits', data_dir='photos')",
        "name the data set 'folder'",
    ),
    Row("a misspelt set", "load_set('cifar')", "write 'cifar10'"),
    Row("a misspelt part", "load_set('digits', 'heldout')", "write 'held_out'"),
    Row("a misspelt choice", "photos(unreadable='ignore')", "'stop', 'skip'"),
    Row("a negative image size", "photos(image_size=-8)", "0 to 4096"),
    Row("MNIST without files", "load_set('mnist', data_dir='downloads')", "in downloads/MNIST/raw"),
    Row(
        "MNIST's files, packed",
        "load_set('mnist', data_dir='downloads')",
        "works: 20 images [1, 28, 28]",
        "pack(write_mnist())",
    ),
    Row(
        "MNIST cut off",
        "load_set('mnist', data_dir='downloads')",
        "damaged files",
        "cut(write_mnist() / 'train-images-idx3-ubyte')",
    ),
    Row(
        "MNIST with too few labels",
        "load_set('mnist', data_dir='downloads')",
        "for each of 20 images",
        "write_mnist(num_labels=19)",
    ),
    Row(
        "CIFAR-10 without files",
        "load_set('cifar10', data_dir='downloads')",
        "in downloads/cifar-10-batches-py",
    ),
    Row(
        "CIFAR-10 with other files",
        "load_set('cifar10', data_dir='downloads')",
        "another MD5 sum than the published one for data_batch_1",
        "write_cifar()",
    ),
]

RUNS = [
    Row(
        "a name that is taken",
        "ddpm-course train --profile smoke --name first",
        "runs/first, which exists",
        "finished()",
    ),
    Row(
        "a folder that cannot be made",
        "ddpm-course train --profile smoke --name first",
        "runs/first.unfinished: Not a directory",
        "Path('runs').touch()",
    ),
    Row(
        "CUDA, and there is none",
        "ddpm-course train --profile smoke --device cuda",
        "device: got 'cuda'",
    ),
    Row(
        "a loss that is not finite",
        "ddpm-course train --profile smoke --learning-rate 1e30",
        "the loss at step 2: got",
    ),
    Row(
        "Ctrl-C",
        "ddpm-course train --profile smoke --name first",
        "ddpm-course: stopped after step 3; to go on: ddpm-course resume runs/first",
        "press(signal.SIGINT, 3)",
    ),
    Row("a run to go on with", "resume('runs/first')", "works: runs/first", "stopped()"),
    Row(
        "a run that is finished", "ddpm-course resume runs/first", "which is finished", "finished()"
    ),
    Row("a run that is not there", "ddpm-course resume runs/first", "which is not there"),
    Row(
        "a truncated checkpoint",
        "resume('runs/first')",
        "works: runs/first\nwarns: passed over",
        "cut(stopped() / 'ema.safetensors')",
    ),
    Row(
        "an empty checkpoint",
        "resume('runs/first')",
        "works: runs/first\nwarns: passed over",
        "(stopped() / 'model.safetensors').write_bytes(b'')",
    ),
    Row(
        "a checkpoint with one bit flipped",
        "resume('runs/first')",
        "works: runs/first\nwarns: passed over",
        "flip_a_bit(stopped() / 'ema.safetensors')",
    ),
    Row(
        "a web page saved as a checkpoint",
        "resume('runs/first')",
        "works: runs/first\nwarns: passed over",
        "save_a_web_page(stopped() / 'optimizer.safetensors')",
    ),
    Row(
        "no checkpoint that is intact",
        "resume('runs/first')",
        "none that is intact",
        "[file.write_bytes(b'') for file in stopped().parent.glob('*/values.json')]",
    ),
    Row(
        "a checkpoint of another architecture",
        "ddpm-course resume runs/first",
        "profile.model_channels: got 8, expected 16",
        "stopped(model_channels=16)",
    ),
    Row(
        "a checkpoint of another schedule",
        "ddpm-course resume runs/first",
        "profile.schedule: got 'cosine', expected 'linear'",
        "stopped(schedule='linear')",
    ),
    Row(
        "a checkpoint of another prediction type",
        "ddpm-course resume runs/first",
        "profile.prediction_type: got 'epsilon', expected 'sample'",
        "stopped(prediction_type='sample')",
    ),
    Row(
        "truncated weights",
        "ddpm-course sample runs/first",
        "ema.safetensors: weights: got",
        "cut(finished() / 'ema.safetensors')",
    ),
    Row(
        "a web page saved as weights",
        "ddpm-course sample runs/first",
        "ema.safetensors: weights: got",
        "save_a_web_page(finished() / 'ema.safetensors')",
    ),
    Row(
        "weights of another architecture",
        "ddpm-course sample runs/first",
        "ema.safetensors: classes.weight: got (10, 32) torch.float32, expected (10, 64)",
        "finished(model_channels=16)",
    ),
    Row(
        "names that begin with module.",
        "load_weights(network, torch.nn.DataParallel(network).state_dict(), 'net.safetensors')",
        "without its wrapper",
    ),
    Row(
        "names that begin with _orig_mod.",
        "load_weights(network, "
        "{'_orig_mod.' + name: weight for name, weight in network.state_dict().items()}, "
        "'net.safetensors')",
        "without its wrapper",
    ),
    Row("a folder that holds no run", "ddpm-course sample runs/first", "config.json"),
    Row(
        "a class that the network does not know",
        "ddpm-course sample runs/first --label 10",
        "label: got 10",
        "finished()",
    ),
    Row(
        "more steps than the chain has",
        "ddpm-course sample runs/first --steps 51",
        "steps: got 51",
        "finished()",
    ),
    Row(
        "a picture that exists",
        "ddpm-course sample runs/first --out mine.png",
        "mine.png, which exists",
        "finished(); Path('mine.png').touch()",
    ),
    Row(
        "a picture in a folder that is not there",
        "ddpm-course sample runs/first --out mine/first.png",
        "mine/first.png",
        "finished()",
    ),
    Row(
        "data without a classifier",
        "ddpm-course evaluate runs/first",
        "a run on mnist",
        "finished(data='mnist')",
    ),
    Row(
        "settings with an unknown key",
        "load_profile('smoke', 'my.ini')",
        "unknown key batchsize",
        "write_settings('batch_size', 'batchsize')",
    ),
    Row(
        "settings with a value of the wrong type",
        "load_profile('smoke', 'my.ini')",
        "batch_size: got 'many' (str)",
        "write_settings('batch_size = 32', 'batch_size = many')",
    ),
    Row(
        "settings without the profile",
        "load_profile('smok', 'my.ini')",
        "write 'smoke'",
        "write_settings()",
    ),
    Row("settings that are missing", "load_profile('smoke', 'my.ini')", "my.ini"),
]

PARTS = {
    "Tensors": TENSORS,
    "Timesteps": TIMESTEPS,
    "Schedules and samplers": SCHEDULES,
    "Data": DATA,
    "Runs": RUNS,
}

# What cannot be shown in a moment, and the test that does it.
TESTED = {
    "a disk that is full": "test_checkpoint.py::test_a_disk_is_full_at_every_write",
    "a folder that may not be written": "test_checkpoint.py::test_a_folder_that_cannot_be_written",
    "any file of a checkpoint, cut anywhere, or with any bit flipped": "test_checkpoint.py::test_a_damaged_file_is_noticed",
    "NaN after a good checkpoint, which is kept": "test_resume.py::test_a_bad_loss_leaves_the_last_good_checkpoint",
    "SIGTERM": "test_resume.py::test_the_command_leaves_with_the_usual_code",
    "kill -9 while a step is under way": "test_resume.py::test_killed_at_any_moment",
    "kill -9 while a checkpoint is saved": "test_checkpoint.py::test_a_save_is_stopped_at_every_operation",
}
