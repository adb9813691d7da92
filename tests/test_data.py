"""Data: the border between whole numbers and floats, pictures on disk, and what a seed decides."""

import dataclasses
import gc
import gzip
import hashlib
import http.server
import os
import re
import shutil
import struct
import subprocess
import sys
import tarfile
import warnings
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
import torch
from bad_inputs import cut, pack, picture, write_cifar, write_mnist, write_pictures
from PIL import Image
from refusals import refused
from torch.utils.data import DataLoader
from torchvision import datasets

from ddpm_course.checks import BadInput, BadType, BadValue, check_images
from ddpm_course.data import (
    DIGITS_LEVELS,
    GLYPHS,
    PARTS,
    ImageSet,
    batch_order,
    digits,
    glyphs,
    halves,
    image_grid,
    load_data,
    load_set,
    random_stream,
    save_grid,
    scaled,
    to_float,
    to_uint8,
)
from ddpm_course.data.folder import open_image
from ddpm_course.data.images import FONTS, held_out_tenth, outlines
from ddpm_course.data.published import SUMS
from ddpm_course.runs.images import load_images
from ddpm_course.runs.profiles import load_profile

PIXELS = torch.zeros(2, 1, 4, 4, dtype=torch.uint8)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int16, torch.int64])
@pytest.mark.parametrize("levels", [2, 3, 16, 17, 255, 256])
def test_every_level_survives_the_border(levels, dtype):
    pixels = torch.arange(levels).to(dtype)
    images = to_float(pixels, levels)
    assert images.dtype == torch.float32
    assert images[0] == -1 and images[-1] == 1 and (images.diff() > 0).all()
    assert torch.equal(to_uint8(images, levels), pixels.to(torch.uint8))


def test_to_uint8_takes_the_nearest_level_and_limits_the_ends():
    assert to_uint8(torch.tensor([-3.0, -0.999, 0.0, 0.999, 9.0])).tolist() == [0, 0, 128, 255, 255]


@pytest.mark.parametrize(
    "pixels, levels, kind",
    [
        (torch.tensor([0.5]), 256, BadType),
        (torch.tensor([True]), 256, BadType),
        (torch.tensor([17]), 17, BadValue),
        (torch.tensor([-1]), 17, BadValue),
        (torch.tensor([256]), 256, BadValue),
        ([0, 1], 256, BadType),
    ],
)
def test_to_float_refuses(pixels, levels, kind):
    with refused(kind, where="to_float", what="pixels"):
        to_float(pixels, levels)


@pytest.mark.parametrize("levels", [1, 0, 257, 300, 17.0, True])
def test_grey_levels_that_no_byte_has_are_refused(levels):
    with refused(BadInput, where="to_uint8", what="levels"):
        to_uint8(torch.tensor([1.0]), levels)
    for convert in (to_float, scaled):
        with refused(BadInput, where=convert.__name__, what="levels"):
            convert(torch.tensor([0]), levels if levels != 257 and levels != 300 else 2**17)
    with refused(BadInput, where="mine", what="levels"):
        ImageSet("mine", PIXELS, torch.tensor([0, 0]), levels=levels)


@pytest.mark.parametrize("pixels", [None, [0], torch.tensor([0.5]), torch.tensor([True])])
def test_scaled_takes_whole_numbers_alone(pixels):
    with refused(BadType, where="scaled", what="pixels"):
        scaled(pixels)


@pytest.mark.parametrize("images", [torch.tensor([float("nan")]), torch.tensor([3]), 0.5])
def test_to_uint8_refuses(images):
    with refused(BadInput, where="to_uint8", what="images"):
        to_uint8(images)


def test_the_digits_are_scikit_learns():
    from sklearn.datasets import load_digits

    images, labels = digits()
    assert images.shape == (1797, 1, 8, 8) and images.dtype == torch.float32
    assert labels.shape == (1797,) and labels.dtype == torch.int64
    check_images("test", "images", images)
    original = load_digits()
    pixels = to_uint8(images, DIGITS_LEVELS)[:, 0].numpy()
    assert np.array_equal(pixels, original.images) and np.array_equal(labels, original.target)


def test_the_two_parts_share_no_image_and_have_all_classes_alike():
    whole, labels = digits()
    parts = [load_data("digits", part) for part in PARTS]
    assert [len(images) for images, _ in parts] == [898, 898]
    assert torch.equal(parts[0][0], load_data("digits")[0])  # without a part: training
    first, second = halves(labels)
    assert len(torch.cat([first, second]).unique()) == 2 * 898
    for index, (images, names) in zip((first, second), parts):
        assert torch.equal(images, whole[index]) and torch.equal(names, labels[index])
    counts = [names.bincount() for _, names in parts]
    assert (counts[0] - counts[1]).abs().max() <= 1


def test_a_split_is_fixed_shuffled_and_follows_its_seed():
    labels = torch.arange(40) % 4
    first, second = halves(labels, 5)
    assert torch.equal(torch.stack(halves(labels, 5)), torch.stack([first, second]))
    assert not torch.equal(halves(labels, 6)[0], first) and not first.equal(first.sort().values)
    assert halves(digits()[1])[0][:3].tolist() == [
        1280,
        210,
        1764,
    ]  # chapter 30's numbers rest on it


@pytest.mark.parametrize(
    "labels, seed, kind, what",
    [
        (torch.tensor([0, 0, 1]), 0, BadValue, "labels"),
        (torch.zeros(0, dtype=torch.long), 0, BadValue, "labels"),
        (torch.zeros(4, 1, dtype=torch.long), 0, BadValue, "labels"),
        (torch.arange(8) % 2, -1, BadValue, "seed"),
        (torch.arange(8) % 2, 2**32, BadValue, "seed"),
        (torch.arange(8) % 2, 0.5, BadType, "seed"),
    ],
)
def test_halves_refuse(labels, seed, kind, what):
    with refused(kind, where="halves", what=what):
        halves(labels, seed)


# --- Sets in memory ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name, shape, levels, num_classes, sizes",
    [
        ("digits", (1, 8, 8), 17, 10, (898, 898)),
        pytest.param("glyphs28", (1, 28, 28), 256, 36, (60_000, 10_000), marks=pytest.mark.slow),
        pytest.param("glyphs32", (3, 32, 32), 256, 36, (60_000, 10_000), marks=pytest.mark.slow),
    ],
)
def test_a_built_in_set_has_two_parts_and_no_image_twice(name, shape, levels, num_classes, sizes):
    seen = set()
    for part, size in zip(PARTS, sizes):
        found = load_set(name, part)
        assert found.image_shape == shape and found.levels == levels
        assert found.pixels.dtype == torch.uint8 and found.pixels.shape == (size, *shape)
        assert len(found) == size and found.pixels.is_contiguous()
        assert found.num_classes == num_classes and found.labels.dtype == torch.int64
        counts = found.labels.bincount()
        assert len(counts) == num_classes and (name == "digits" or counts.max() - counts.min() <= 1)
        image, label = found[size - 1]
        assert torch.equal(image, found.pixels[-1]) and type(label) is int
        seen |= {hashlib.sha256(image.numpy()).digest() for image in found.pixels}
    assert len(seen) == (
        sum(sizes)
        if name != "digits"
        else len({image.numpy().tobytes() for image in digits()[0]}) - 1
    )


def test_floats_are_the_pixels_of_a_set():
    found = load_set("digits")
    images, labels = load_data("digits")
    assert torch.equal(found.floats(), images) and torch.equal(found.labels, labels)
    check_images("test", "images", images)


def test_a_set_goes_through_a_data_loader():
    found = load_set("digits")
    batches = list(DataLoader(found, batch_size=400, num_workers=2))
    assert torch.equal(torch.cat([images for images, _ in batches]), found.pixels)
    assert torch.equal(torch.cat([labels for _, labels in batches]), found.labels)


@pytest.mark.parametrize(
    "labels",
    [
        torch.tensor([0, 1, 2]),
        torch.tensor([0, 2]),
        torch.tensor([0, -1]),
        torch.tensor([[0], [1]]),
        torch.tensor([0, 1], dtype=torch.int32),
        torch.zeros(0, dtype=torch.int64),
        torch.zeros(2),
    ],
)
def test_labels_that_do_not_belong_to_the_images_are_refused(labels):
    with refused(BadValue, where="mine", what="labels", got="a tensor"):
        ImageSet("mine", PIXELS, labels, ("a", "b"))


@pytest.mark.parametrize(
    "pixels",
    [
        None,
        PIXELS.numpy(),
        PIXELS.float(),
        PIXELS.long(),
        PIXELS[0],
        PIXELS[:, :, :0],
        PIXELS.expand(2, 2, 4, 4),
        PIXELS + 17,
    ],
)
def test_pixels_that_would_be_shown_wrong_are_refused(pixels):
    with refused(BadValue, where="mine", what="pixels", expected="uint8 [N, C, H, W], 0..16"):
        ImageSet("mine", pixels, torch.tensor([0, 0]), levels=17)


@pytest.mark.parametrize("size", [8, 16, 5])
def test_any_set_can_be_had_in_another_size(size):
    own, other = load_set("digits"), load_set("digits", image_size=size)
    assert other.image_shape == (1, size, size) and other.pixels.max() <= 16
    assert torch.equal(own.labels, other.labels)
    means = [each.pixels.float().mean(dim=(1, 2, 3)) for each in (own, other)]
    assert (means[0] - means[1]).abs().max() < 1


def test_a_glyph_depends_on_its_number_and_the_seed_alone():
    for options in ({}, {"size": 32, "colour": True}):
        pixels, labels = glyphs(0, 1200, **options)
        for start, stop in [(0, 1), (499, 502), (1100, 1200)]:
            again, own = glyphs(start, stop, **options)
            assert torch.equal(again, pixels[start:stop]) and torch.equal(own, labels[start:stop])
        others, _ = glyphs(0, 1200, seed=1, **options)
        assert (others.flatten(1) != pixels.flatten(1)).any(1).all()


def test_every_font_has_every_glyph():
    sheet = outlines().flatten(2)
    assert sheet.shape[:2] == (len(FONTS), len(GLYPHS))
    assert (sheet.amax(2) > 0.4).all() and (sheet[:, :, :64] == 0).all()
    assert len({each.numpy().tobytes() for each in sheet.flatten(0, 1)}) == len(FONTS) * len(GLYPHS)


def test_a_glyph_is_whole_and_can_be_told_from_its_background():
    ink, _ = glyphs(0, 3000)
    assert (ink.flatten(1).amax(1) > 200).all()
    assert ((ink > 127).float().mean((1, 2, 3)) > 0.01).all()
    rim = torch.cat([ink[..., 0], ink[..., -1], ink[..., 0, :], ink[..., -1, :]], dim=-1)
    assert (rim > 60).flatten(1).any(1).float().mean() < 0.01
    coloured = glyphs(0, 3000, 32, True)[0].double()
    inside = glyphs(0, 3000, 32)[0].double() / 255
    centre = (coloured * inside).sum((2, 3)) / inside.sum((2, 3))
    outside = (coloured * (1 - inside)).sum((2, 3)) / (1 - inside).sum((2, 3))
    assert ((centre - outside).abs().mean(1) > 50).all()


def test_the_outlines_that_are_handed_out_are_copies():
    before = glyphs(0, 4)[0]
    outlines()[:] = 1
    assert torch.equal(glyphs(0, 4)[0], before)


@pytest.mark.parametrize(
    "arguments",
    [
        *[
            (-1, 4),
            (4, 4),
            (0, 1.5),
            (0, 4, 0),
            (0, 4, 28, False, -1),
            (0, 1, 8, "no"),
            (0, 1, 8, 1),
        ],
        *[(0, 1, 257), (0, 2**40), (2**40, 2**40 + 1), (0, 2**20, 33)],
    ],
)
def test_glyphs_refuse(arguments):
    with refused(BadInput, where=re.compile("^(glyphs|random_stream)$")):
        glyphs(*arguments)


# --- torchvision's sets --------------------------------------------------------------------------


@pytest.mark.parametrize("name, kind", [("mnist", "MNIST"), ("fashion_mnist", "FashionMNIST")])
def test_mnist_s_format_is_read(tmp_path, name, kind):
    write_mnist(kind, tmp_path, num=20)
    for part in PARTS:
        found = load_set(name, part, data_dir=tmp_path)
        assert found.image_shape == (1, 28, 28) and found.num_classes == 10
        assert [int(image.unique()) for image, _ in found] == list(range(20))
        assert found.labels.tolist() == [i % 10 for i in range(20)]
    assert load_set(name, data_dir=str(tmp_path), image_size=32).image_shape == (1, 32, 32)


def test_the_two_parts_of_mnist_are_torchvision_s(tmp_path):
    folder = write_mnist(root=tmp_path)
    for kind in ("images-idx3", "labels-idx1"):
        os.replace(folder / f"train-{kind}-ubyte", tmp_path / kind)
    write_mnist(root=tmp_path / "other", num=7)
    for file in (tmp_path / "other/MNIST/raw").glob("train*"):
        os.replace(file, folder / file.name)
    assert [len(load_set("mnist", part, data_dir=tmp_path)) for part in PARTS] == [7, 20]


@pytest.mark.parametrize("packed", [False, True])
def test_mnist_is_not_read_as_fashion_mnist(tmp_path, monkeypatch, packed):
    """Both have files of the same names and sizes. In a folder of its own each is at home."""
    folder = write_mnist("MNIST", tmp_path)
    labels = (folder / "t10k-labels-idx1-ubyte").read_bytes()
    monkeypatch.setitem(SUMS, hashlib.md5(labels).hexdigest(), "MNIST")
    assert len(load_set("mnist", data_dir=tmp_path)) == len(load_set("mnist", data_dir=folder))
    for file in list(folder.iterdir()):
        if packed:
            file.with_name(f"{file.name}.gz").write_bytes(gzip.compress(file.read_bytes()))
            file.unlink()
    with refused(
        BadValue, where="fashion_mnist", got="train-labels-idx1-ubyte of MNIST", fix="own"
    ):
        load_set("fashion_mnist", data_dir=folder)


@pytest.fixture
def cifar(tmp_path, monkeypatch):
    """A small CIFAR-10, which torchvision takes for the published one."""
    folder = write_cifar(tmp_path)
    md5 = {file.name: hashlib.md5(file.read_bytes()).hexdigest() for file in folder.iterdir()}
    for files in ("train_list", "test_list"):
        monkeypatch.setattr(
            datasets.CIFAR10,
            files,
            [[name, md5[name]] for name, _ in getattr(datasets.CIFAR10, files)],
        )
    monkeypatch.setitem(datasets.CIFAR10.meta, "md5", md5["batches.meta"])
    return folder


def test_cifar_10_s_format_is_read(cifar):
    train, held_out = (load_set("cifar10", part, data_dir=cifar.parent) for part in PARTS)
    assert len(train) == 20 and len(held_out) == 4 and train.classes == tuple("abcdefghij")
    assert train.image_shape == (3, 32, 32) and train.pixels.is_contiguous()
    image, label = held_out[3]
    assert label == 3 and [int(channel.unique()) for channel in image] == [3, 4, 5]


OTHER_SUM = "another MD5 sum than the published one for data_batch_3"


def test_a_pickle_that_was_changed_is_not_opened(cifar, monkeypatch):
    monkeypatch.setattr("pickle.load", lambda *_, **__: pytest.fail("opened"))
    (cifar / "data_batch_3").write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    with refused(BadValue, where="cifar10", what="data_dir", got=OTHER_SUM):
        load_set("cifar10", data_dir=cifar.parent)


def test_a_missing_file_is_named_with_its_place(tmp_path, cifar):
    (cifar / "test_batch").unlink()
    with refused(BadValue, got="no test_batch", expected=f"in {cifar} or in {tmp_path}"):
        load_set("cifar10", data_dir=tmp_path)
    (write_mnist(root=tmp_path) / "t10k-labels-idx1-ubyte").unlink()
    with refused(BadValue, got="no t10k-labels-idx1-ubyte", expected="/MNIST/raw"):
        load_set("mnist", data_dir=tmp_path)


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("flat", [False, True])
@pytest.mark.parametrize("packed", ["none", "one", "all"])
def test_mnist_s_files_are_read_as_they_were_published(tmp_path, packed, flat):
    folder = write_mnist(root=tmp_path)
    for file in sorted(folder.iterdir())[: {"none": 0, "one": 1, "all": 4}[packed]]:
        file.with_suffix(".gz").write_bytes(gzip.compress(file.read_bytes()))
        file.unlink()
    before = contents(tmp_path)
    found = load_set("mnist", data_dir=folder if flat else tmp_path)
    assert [int(image.unique()) for image, _ in found] == list(range(20))
    assert contents(tmp_path) == before


def test_cifar_10_s_archive_is_read_as_it_was_published(tmp_path, cifar):
    with tarfile.open(tmp_path / "cifar-10-python.tar.gz", "w:gz") as archive:
        archive.add(cifar, cifar.name)
    shutil.rmtree(cifar)
    before = contents(tmp_path)
    assert len(load_set("cifar10", data_dir=tmp_path)) == 20 and contents(tmp_path) == before


def test_an_archive_writes_nothing_beside_and_a_changed_pickle_is_not_opened(
    tmp_path, cifar, monkeypatch
):
    monkeypatch.setattr("pickle.load", lambda *_, **__: pytest.fail("opened"))
    (cifar / "data_batch_3").write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    root = tmp_path / "a/b/c"
    root.mkdir(parents=True)
    with tarfile.open(root / "cifar-10-python.tar.gz", "w:gz") as archive:
        for file in cifar.iterdir():
            archive.add(file, f"../../{file.name}")
    shutil.rmtree(cifar)
    before = contents(tmp_path)
    with refused(BadValue, where="cifar10", what="data_dir", got=OTHER_SUM):
        load_set("cifar10", data_dir=root)
    assert contents(tmp_path) == before


@pytest.mark.parametrize("damage", ["cut", "bomb"])
def test_a_damaged_archive_is_refused(tmp_path, monkeypatch, damage):
    folder = write_mnist(root=tmp_path)
    pack(folder)
    if damage == "cut":
        cut(folder / "train-images-idx3-ubyte.gz")
    else:
        monkeypatch.setattr("ddpm_course.data.published.LARGEST", 10_000)
    said = "EOFError" if damage == "cut" else "more than 10000 bytes"
    with refused(
        BadValue, where="mnist", what="data_dir", got=re.compile(f"damaged files.*{said}")
    ):
        load_set("mnist", data_dir=tmp_path)


@contextmanager
def serving(folder):
    """The address of a server of this machine that has the files of a folder, and what it was asked."""
    asked = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments):
            super().__init__(*arguments, directory=folder)

        def log_message(self, *arguments):
            asked.append(self.path)

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/", asked
        server.shutdown()


@pytest.fixture
def published(tmp_path, monkeypatch):
    """A small Fashion-MNIST on a server of this machine, and how often it was asked."""
    folder = write_mnist("FashionMNIST", tmp_path / "server")
    pack(folder)
    sums = [(file.name, hashlib.md5(file.read_bytes()).hexdigest()) for file in folder.iterdir()]
    monkeypatch.setattr(datasets.FashionMNIST, "resources", sums)
    with serving(folder) as (address, asked):
        monkeypatch.setattr(datasets.FashionMNIST, "mirrors", [address])
        yield folder, asked


@pytest.mark.parametrize("sum_fits", [True, False])
def test_cifar_10_s_archive_is_downloaded_and_unpacked(tmp_path, cifar, monkeypatch, sum_fits):
    archive = tmp_path / "server" / datasets.CIFAR10.filename
    archive.parent.mkdir()
    with tarfile.open(archive, "w:gz") as packed:
        packed.add(cifar, cifar.name)
    md5 = hashlib.md5(archive.read_bytes()).hexdigest()
    monkeypatch.setattr(datasets.CIFAR10, "tgz_md5", md5 if sum_fits else "0" * 32)
    new = tmp_path / "new"
    with serving(archive.parent) as (address, _):
        monkeypatch.setattr(datasets.CIFAR10, "url", f"{address}{archive.name}")
        if sum_fits:
            assert len(load_set("cifar10", data_dir=new, download=True)) == 20
        else:
            with refused(BadValue, where="cifar10", got="no download, RuntimeError"):
                load_set("cifar10", data_dir=new, download=True)
    kept = {path.name for path in contents(new)}
    assert kept == ({file.name for file in cifar.iterdir()} if sum_fits else set())


def test_what_is_missing_is_downloaded_once_and_only_when_asked(tmp_path, published):
    folder, asked = published
    with refused(BadValue, got="no ", fix="set download = yes"):
        load_set("fashion_mnist", data_dir=tmp_path / "new")
    assert not asked and not (tmp_path / "new").exists()
    for _ in range(2):
        assert len(load_set("fashion_mnist", data_dir=tmp_path / "new", download=True)) == 20
        names = sorted(path.name for path in contents(tmp_path / "new"))
        assert names == sorted(file.stem for file in folder.iterdir())
        assert len(asked) == 8  # where is it, and the file itself
    with refused(BadValue, what="data_dir", got="no folder to download into"):
        load_set("fashion_mnist", download=True)


def test_a_profile_asks_for_the_download(tmp_path, published):
    profile = dataclasses.replace(
        load_profile("smoke"),
        data="fashion_mnist",
        batch_size=20,
        data_dir=str(tmp_path / "new"),
        download=True,
    )
    assert len(load_images(profile)) == 20


@pytest.mark.parametrize("broken", ["sum", "server"])
def test_a_download_that_fails_leaves_nothing_and_says_what_to_do(tmp_path, published, broken):
    folder, _ = published
    for file in [*folder.iterdir()][-1:] if broken == "sum" else [*folder.iterdir()]:
        file.write_bytes(b"another") if broken == "sum" else file.unlink()
    with refused(
        BadValue,
        got="no download, RuntimeError: Error downloading",
        fix=re.compile("^copy them there$"),
    ):
        load_set("fashion_mnist", data_dir=tmp_path / "new", download=True)
    assert not [*(tmp_path / "new").iterdir()]


@pytest.mark.parametrize(
    "what, value, kind, expected",
    [
        ("download", "no", BadType, "True or False"),
        ("data_dir", None, BadType, "a path"),
        ("image_size", 2**63, BadValue, "0 to 4096"),
        ("image_size", 4097, BadValue, "0 to 4096"),
        ("image_size", 4096, BadValue, "no more than 4 GiB"),
    ],
)
def test_options_that_cannot_be_meant_are_refused(what, value, kind, expected):
    with refused(
        kind, where="load_set", what=what, got=re.compile(f"^{value!r}"), expected=expected
    ):
        load_set("digits", **{what: value})


# --- A folder of images --------------------------------------------------------------------------


def white_part(path, **options):
    """Pixels of an image of a ramp from black to white, as open_image gives them."""
    picture(**options).save(path, **({"quality": 100} if path.suffix == ".jpg" else {}))
    return np.asarray(open_image(path).convert("L")).astype(int)


@pytest.mark.parametrize(
    "mode, kind, shown, error",
    [
        ("L", "png", "L", 0),
        ("LA", "png", "L", 0),
        ("1", "png", "L", 255),
        ("I;16", "png", "L", 1),
        ("I;16", "tif", "L", 1),
        ("I;16", "pgm", "L", 1),
        ("I;16", "jp2", "L", 1),
        ("P", "png", "RGB", 2),
        ("P", "gif", "RGB", 2),
        ("RGB", "png", "RGB", 0),
        ("RGB", "bmp", "RGB", 0),
        ("RGB", "webp", "RGB", 8),
        ("RGBA", "png", "RGB", 0),
        ("CMYK", "jpg", "RGB", 3),
        ("YCbCr", "jpg", "RGB", 3),
        ("L", "jpg", "L", 3),
    ],
)
def test_every_kind_of_image_shows_the_same(tmp_path, mode, kind, shown, error):
    found = white_part(tmp_path / f"a.{kind}", mode=mode)
    assert open_image(tmp_path / f"a.{kind}").mode == shown
    assert np.abs(found - np.asarray(picture("L")).astype(int)).max() <= error


@pytest.mark.parametrize("mode", ["LA", "RGBA", "P", "RGB", "L", "I;16"])
def test_what_is_transparent_becomes_white(tmp_path, mode):
    image, options = Image.new(mode, (12, 9)), {}
    if mode in ("P", "RGB", "L", "I;16"):  # one colour, black here, is declared transparent
        options["transparency"] = (0, 0, 0) if mode == "RGB" else 0
    if mode == "P":
        image.putpalette([0, 0, 0, 255, 0, 0])
    image.save(tmp_path / "a.png", **options)
    assert Image.open(tmp_path / "a.png").mode == mode
    assert (np.asarray(open_image(tmp_path / "a.png")) == 255).all()


@pytest.mark.parametrize("dtype", [np.int32, np.float32])
def test_an_unknown_white_is_refused(tmp_path, dtype):
    Image.fromarray(np.full((4, 4), 200, dtype)).save(tmp_path / "a.tif")
    with refused(
        BadValue, where=tmp_path / "a.tif", what="image", got="not known how large white is"
    ):
        open_image(tmp_path / "a.tif")


@pytest.mark.parametrize(
    "tag, old, new",
    [(262, 1, 0), (258, 16, 12), (339, 1, 2)],
    ids=["inverted", "12 bits", "signed"],
)
def test_sixteen_bits_are_what_the_file_says(tmp_path, tag, old, new):
    Image.fromarray(np.full((4, 4), 200 * 257, np.uint16)).save(
        tmp_path / "a.tif", tiffinfo={339: 1}
    )
    assert (np.asarray(open_image(tmp_path / "a.tif")) == 200).all()
    entry, data = struct.pack("<HHI", tag, 3, 1), (tmp_path / "a.tif").read_bytes()
    assert data.count(entry + struct.pack("<I", old)) == 1
    changed = data.replace(entry + struct.pack("<I", old), entry + struct.pack("<I", new))
    (tmp_path / "a.tif").write_bytes(changed)
    with refused(BadValue, where=tmp_path / "a.tif", what="image"):
        open_image(tmp_path / "a.tif")


def test_a_small_file_with_very_many_pixels_is_refused_before_they_are_read(tmp_path, monkeypatch):
    Image.new("RGBA", (100, 90)).save(tmp_path / "a.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 9000)
    assert open_image(tmp_path / "a.png").size == (100, 90)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 8999)
    monkeypatch.setattr(Image.Image, "load", lambda _: pytest.fail("read"))
    with (
        pytest.warns(Image.DecompressionBombWarning),
        refused(BadValue, where=tmp_path / "a.png", got="100 x 90 pixels, more than 8999"),
    ):
        open_image(tmp_path / "a.png")


@pytest.mark.parametrize("kind", ["gif", "webp", "png", "tif"])
def test_of_an_animation_the_first_image_is_taken(tmp_path, kind):
    first, second = picture("L"), picture("L").transpose(Image.Transpose.ROTATE_180)
    options = {"lossless": True} if kind == "webp" else {}
    first.save(tmp_path / f"a.{kind}", save_all=True, append_images=[second], **options)
    found = np.asarray(open_image(tmp_path / f"a.{kind}").convert("L")).astype(int)
    assert np.abs(found - np.asarray(first)).max() <= 1


def test_a_photograph_is_put_upright(tmp_path):
    image, notes = picture(width=20, height=10), Image.Exif()
    notes[0x0112] = 6  # the camera was held upright: turn by 90 degrees
    image.save(tmp_path / "a.png", exif=notes)
    assert open_image(tmp_path / "a.png").size == (10, 20)


def test_the_middle_of_an_image_is_averaged_into_a_square(tmp_path):
    lines = np.tile(np.array([0, 255], dtype=np.uint8), (100, 60))
    lines[:, :10] = lines[:, -10:] = 255  # is cropped away
    for i in range(2):
        Image.fromarray(lines).save(tmp_path / f"{i}.png")
    image, _ = load_set("folder", data_dir=tmp_path, image_size=10)[0]
    assert image.shape == (1, 10, 10) and image.dtype == torch.uint8 and image.is_contiguous()
    assert (image.float() - 127.5).abs().max() < 20


def test_sub_folders_are_classes(tmp_path):
    for name, num in [("owls", 30), ("cats", 21), ("dogs/small", 4), ("dogs/large", 3)]:
        write_pictures(tmp_path / name, num)
    (tmp_path / ".DS_Store").write_text("no image")
    (tmp_path / ".hidden").mkdir()
    write_pictures(tmp_path / ".hidden", 1)
    train, held_out = (load_set("folder", part, data_dir=tmp_path, image_size=8) for part in PARTS)
    assert train.classes == held_out.classes == ("cats", "dogs", "owls")
    assert held_out.labels.bincount().tolist() == [2, 1, 3]
    assert train.labels.bincount().tolist() == [19, 6, 27]
    paths = [*train.pixels.paths, *held_out.pixels.paths]
    assert len(set(paths)) == len(paths) == 58
    for found in (train, held_out):
        own = [path.relative_to(tmp_path).parts[0] for path in found.pixels.paths]
        assert own == [found.classes[label] for label in found.labels]
        assert found.floats().shape == (len(found), 3, 8, 8)


def test_links_are_followed(tmp_path):
    write_pictures(tmp_path / "elsewhere/cats", 5)
    write_pictures(tmp_path / "photos/dogs", 5)
    (tmp_path / "photos/cats").symlink_to(tmp_path / "elsewhere/cats")
    for path in write_pictures(tmp_path / "elsewhere/more", 5):
        (tmp_path / f"photos/dogs/more {path.name}").symlink_to(path)
    found = load_set("folder", data_dir=tmp_path / "photos", image_size=8)
    assert found.classes == ("cats", "dogs") and found.labels.bincount().tolist() == [4, 9]
    (tmp_path / "linked").symlink_to(tmp_path / "photos")
    assert len(load_set("folder", data_dir=tmp_path / "linked", image_size=8)) == 13


def test_links_that_lead_nowhere_or_back_are_named(tmp_path):
    write_pictures(tmp_path / "cats", 3)
    (tmp_path / "cats/again").symlink_to(tmp_path / "cats")
    with refused(
        BadValue,
        where=tmp_path / "cats/again",
        what="folder",
        got=f"a link to {str(tmp_path / 'cats')!r}, which it is in",
    ):
        load_set("folder", data_dir=tmp_path, image_size=8)
    (tmp_path / "cats/again").unlink()
    (tmp_path / "cats/gone.png").symlink_to(tmp_path / "nowhere.png")
    with refused(BadValue, where=tmp_path / "cats/gone.png", what="image", got="FileNotFoundError"):
        load_set("folder", data_dir=tmp_path, image_size=8)


def test_a_link_to_itself_is_a_file_that_cannot_be_read(tmp_path):
    write_pictures(tmp_path, 3)
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with refused(BadValue, where=tmp_path / "loop", what="image"):
        load_set("folder", data_dir=tmp_path, image_size=8)
    with pytest.warns(UserWarning, match="skipped: .*loop"):
        load_set("folder", data_dir=tmp_path, image_size=8, unreadable="skip")


def test_a_pipe_is_not_waited_for(tmp_path):
    write_pictures(tmp_path, 3)
    os.mkfifo(tmp_path / "pipe.png")
    with refused(
        BadValue, where=tmp_path / "pipe.png", what="image", got="OSError: a pipe or a device"
    ):
        load_set("folder", data_dir=tmp_path, image_size=8)


def test_a_folder_that_cannot_be_listed_is_named(tmp_path, monkeypatch):
    write_pictures(tmp_path / "cats", 3)
    listed = os.scandir

    def scandir(folder):
        if Path(folder).name == "cats":
            raise PermissionError(13, "Permission denied", str(folder))
        return listed(folder)

    monkeypatch.setattr(os, "scandir", scandir)
    with refused(
        BadValue,
        where=tmp_path / "cats",
        what="folder",
        got="PermissionError: Permission denied",
    ):
        load_set("folder", data_dir=tmp_path, image_size=8)


@pytest.mark.parametrize("name", ["a\x1b]0;b\x07", "a\nb", "a\u202eb", "a\udcffb"])
def test_names_of_files_do_not_reach_the_terminal_as_they_are(tmp_path, name):
    for path in write_pictures(tmp_path / "photos", 3):
        path.rename(path.with_name(f"{name}{path.name}"))
    assert len(load_set("folder", data_dir=tmp_path / "photos", image_size=8)) == 2
    (tmp_path / "photos" / name).write_bytes(b"")
    with refused(BadValue, where=tmp_path / "photos" / name, what="image") as error:
        load_set("folder", data_dir=tmp_path / "photos", image_size=8)
    with pytest.warns(UserWarning) as warned:
        load_set("folder", data_dir=tmp_path / "photos", image_size=8, unreadable="skip")
    for text in (str(error.value), str(warned[0].message)):
        assert text.isprintable() and repr(name)[1:-1] in text
    write_pictures(tmp_path / "classes" / name, 3)
    with refused(BadValue, got="a sub-folder named", fix="rename it") as error:
        load_set("folder", data_dir=tmp_path / "classes", image_size=8)
    assert str(error.value).isprintable()


def test_without_sub_folders_there_are_no_classes(tmp_path):
    write_pictures(tmp_path, 20)
    found = load_set("folder", data_dir=tmp_path, image_size=8)
    assert found.num_classes == 0 and len(found) == 18 and found.labels.tolist() == [0] * 18


def test_the_held_out_tenth_is_fixed():
    labels = torch.arange(200) % 3
    train, held_out = held_out_tenth(labels)
    assert torch.equal(torch.cat([train, held_out]).sort().values, torch.arange(200))
    assert labels[held_out].bincount().tolist() == [6, 6, 6]
    assert torch.equal(held_out_tenth(labels)[1], held_out) and held_out.diff().unique().numel() > 3
    assert [len(each) for each in held_out_tenth(torch.zeros(2, dtype=torch.long))] == [1, 1]


def test_a_folder_is_read_on_demand(tmp_path):
    paths = write_pictures(tmp_path, 10, mode="L")
    found = load_set("folder", data_dir=tmp_path, image_size=8)
    for path in paths:
        Image.new("L", (8, 8), 77).save(path)
    assert [int(image.unique()) for image, _ in found] == [77] * 9


def test_a_file_that_breaks_later_is_named_in_workers_too(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.utils.data._utils, "MP_STATUS_CHECK_INTERVAL", 0.1)  # else 10 s
    write_pictures(tmp_path, 10, width=60, height=60)
    found = load_set("folder", data_dir=tmp_path, image_size=8)
    broken = found.pixels.paths[4]
    cut(broken)
    with refused(BadValue, where=broken, what="image", got="truncated"):
        list(DataLoader(found, batch_size=3))
    with pytest.raises(BadValue) as caught:  # torch raises anew, and quotes what a worker said
        list(DataLoader(found, batch_size=3, num_workers=2))
    assert f"{broken}: image: got OSError: " in caught.value.where
    del caught
    gc.collect()  # here the workers are waited for


def test_the_first_unreadable_file_is_named_and_nothing_is_skipped_in_silence(tmp_path):
    paths = write_pictures(tmp_path, 40, width=60, height=60)
    cut(paths[11])
    paths[33].write_bytes(b"")
    first, second = sorted([paths[11], paths[33]])
    with refused(BadValue, where=first, what="image"):
        load_set("folder", data_dir=tmp_path, image_size=8)
    with pytest.warns(UserWarning, match=f"2 of 40 .* skipped: {first}, {second}$") as warned:
        found = load_set("folder", data_dir=tmp_path, image_size=8, unreadable="skip")
    assert len(found) == 35 and len(warned) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(list(found)) == 35


def test_the_home_folder_can_be_written_with_a_tilde(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    write_pictures(tmp_path / "photos", 2)
    assert len(load_set("folder", data_dir=Path("~/photos"), image_size=8)) == 1


def test_the_module_imports_neither_matplotlib_nor_torchvision():
    program = (
        "import sys; import ddpm_course.data; "
        "sys.exit(not sys.modules.keys().isdisjoint(['matplotlib', 'torchvision', 'sympy']))"
    )
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0


# --- Images for the network, and pictures --------------------------------------------------------

IMAGES, _ = digits()


def test_a_grid_holds_its_images_in_reading_order():
    grid = image_grid(IMAGES[:5], columns=3)
    assert grid.shape == (1, 2 * 9 + 1, 3 * 9 + 1) and grid.dtype == torch.uint8
    assert torch.equal(grid[:, 10:18, 1:9], to_uint8(IMAGES[3]))
    assert (grid[:, 9:, 19:] == 128).all() and (grid[:, ::9] == 128).all()
    assert image_grid(IMAGES[:64]).shape == (1, 73, 73)


@pytest.mark.parametrize(
    "images, columns",
    [
        *[(IMAGES[0], 1), (IMAGES[:0], 1), (IMAGES[:2], -1), (IMAGES[:2], 1.5), (IMAGES[:2], 0)],
        *[(IMAGES[:2].expand(2, channels, 8, 8), 1) for channels in (2, 4, 5)],
    ],
)
def test_a_grid_refuses(images, columns):
    with refused(BadInput, where="image_grid", what=re.compile("^(images|columns)$")):
        image_grid(images, columns)


@pytest.mark.parametrize("channels, mode", [(1, "L"), (3, "RGB")])
def test_a_picture_is_the_enlarged_grid(tmp_path, channels, mode):
    images = IMAGES[:6].expand(-1, channels, -1, -1)
    save_grid(tmp_path / "grid.png", images, columns=3)
    picture = Image.open(tmp_path / "grid.png")
    assert picture.mode == mode and picture.size == (28 * 8, 19 * 8)
    small = np.asarray(picture).reshape(19 * 8, 28 * 8, channels)[::8, ::8]
    assert np.array_equal(small, image_grid(images, 3).permute(1, 2, 0))


def test_a_picture_is_never_overwritten(tmp_path):
    save_grid(tmp_path / "grid.png", IMAGES[:1])
    before = (tmp_path / "grid.png").read_bytes()
    with refused(BadValue, what="path", got=f"{tmp_path / 'grid.png'}, which exists"):
        save_grid(tmp_path / "grid.png", IMAGES[:2])
    assert (tmp_path / "grid.png").read_bytes() == before


def test_streams_repeat_and_differ():
    def draw(*name):
        return torch.rand(4, generator=random_stream(*name)).tolist()

    names = [(0, "noise", 1), (0, "noise", 2), (1, "noise", 1), (0, "order", 1), (2**64 - 1, "a")]
    assert all(draw(*name) == draw(*name) for name in names)
    assert len({tuple(draw(*name)) for name in names}) == len(names)


@pytest.mark.parametrize("seed", [-1, 2**64, 0.5, "1", True, None])
def test_bad_seeds(seed):
    with refused(BadInput, where="random_stream", what="seed"):
        random_stream(seed, "noise")


def test_batches_cover_each_round_once_and_depend_on_the_seed_alone():
    batches = list(islice(batch_order(11, 3, seed=5), 9))
    for first in (0, 3, 6):
        assert len(torch.cat(batches[first : first + 3]).unique()) == 9
    again = list(islice(batch_order(11, 3, seed=5), 9))
    other = list(islice(batch_order(11, 3, seed=6), 9))
    assert torch.equal(torch.stack(batches), torch.stack(again))
    assert not torch.equal(torch.stack(batches), torch.stack(other))
    assert torch.stack(batches).max() <= 10


def test_a_data_set_smaller_than_a_batch_is_refused_at_once():
    with refused(BadValue, what="batch_size", got="12 for a data set of 11 images"):
        batch_order(11, 12, seed=0)
    assert len(next(batch_order(11, 11, seed=0))) == 11


def test_the_defaults_of_the_program_make_no_other_images():
    wanted = glyphs(0, 9, 32, colour=True)[0]
    torch.set_default_dtype(torch.float64)
    try:
        assert torch.equal(glyphs(0, 9, 32, colour=True)[0], wanted)
        torch.set_default_device("meta")  # as a GPU, no place of what is on the CPU
        assert load_set("digits").floats().dtype == torch.float32
        assert {part.device.type for part in halves(load_set("digits").labels, 1)} == {"cpu"}
    finally:
        torch.set_default_dtype(torch.float32)
        torch.set_default_device(None)
