"""Data: the border between whole numbers and floats, pictures on disk, and what a seed decides."""

from itertools import islice

import numpy as np
import pytest
import torch
from PIL import Image

from ddpm_course.checks import BadInput, BadType, BadValue, check_images
from ddpm_course.data import (
    DIGITS_LEVELS, PARTS, batch_order, digits, halves, image_grid, load_data, random_stream,
    save_grid, to_float,
    to_uint8)


@pytest.mark.parametrize("levels", [2, 3, 16, 17, 255, 256])
def test_every_level_survives_the_border(levels):
    pixels = torch.arange(levels)
    images = to_float(pixels, levels)
    assert images.dtype == torch.float32
    assert images[0] == -1 and images[-1] == 1 and (images.diff() > 0).all()
    assert torch.equal(to_uint8(images, levels), pixels.to(torch.uint8))


def test_to_uint8_takes_the_nearest_level_and_limits_the_ends():
    assert to_uint8(torch.tensor([-3.0, -0.999, 0.0, 0.999, 9.0])).tolist() == [0, 0, 128, 255, 255]


@pytest.mark.parametrize("pixels, levels, kind", [
    (torch.tensor([0.5]), 256, BadType), (torch.tensor([True]), 256, BadType),
    (torch.tensor([17]), 17, BadValue), (torch.tensor([-1]), 17, BadValue),
    (torch.tensor([256]), 256, BadValue), ([0, 1], 256, BadType),
])
def test_to_float_refuses(pixels, levels, kind):
    with pytest.raises(kind, match="to_float: pixels"):
        to_float(pixels, levels)


@pytest.mark.parametrize("images", [torch.tensor([float("nan")]), torch.tensor([3]), 0.5])
def test_to_uint8_refuses(images):
    with pytest.raises(BadInput, match="to_uint8: images"):
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


def test_an_unknown_data_set_or_part_is_named():
    with pytest.raises(BadValue, match="'digits'"):
        load_data("digit")
    with pytest.raises(BadValue, match="'held_out'"):
        load_data("digits", "heldout")


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
    assert halves(digits()[1])[0][:3].tolist() == [1280, 210, 1764]  # chapter 30's numbers rest on it


@pytest.mark.parametrize("labels, seed, kind", [
    (torch.tensor([0, 0, 1]), 0, BadValue), (torch.zeros(0, dtype=torch.long), 0, BadValue),
    (torch.zeros(4, 1, dtype=torch.long), 0, BadValue), (torch.arange(8) % 2, -1, BadValue),
    (torch.arange(8) % 2, 2**32, BadValue), (torch.arange(8) % 2, 0.5, BadType)])
def test_halves_refuse(labels, seed, kind):
    with pytest.raises(kind, match="halves: "):
        halves(labels, seed)


IMAGES, _ = digits()


@pytest.mark.parametrize("images, kind, said", [
    (to_uint8(IMAGES), BadType, "to_float"),
    ((IMAGES + 1) * 127.5, BadValue, "127.5"),
    ((IMAGES + 1) / 2, BadValue, "2 * x - 1"),
    (IMAGES.permute(0, 2, 3, 1), BadValue, "permute"),
    (IMAGES[0], BadValue, "x[None]"),
    (IMAGES * torch.nan, BadValue, "NaN"),
    (IMAGES * torch.inf, BadValue, "NaN or Inf"),
    (IMAGES[:0], BadValue, "empty"),
    (IMAGES * 3, BadValue, "[-1, 1]"),
])
def test_a_bad_data_set_is_refused(images, kind, said):
    with pytest.raises(kind) as error:
        check_images("train", "images", images)
    assert said in str(error.value)


def test_a_grid_holds_its_images_in_reading_order():
    grid = image_grid(IMAGES[:5], columns=3)
    assert grid.shape == (1, 2 * 9, 3 * 9) and grid.dtype == torch.uint8
    assert torch.equal(grid[:, 10:18, 1:9], image_grid(IMAGES[3:4])[:, 1:, 1:])
    assert (grid[:, 9:, 19:] == 128).all()
    assert image_grid(IMAGES[:64]).shape == (1, 72, 72)


@pytest.mark.parametrize("images, columns", [(IMAGES[0], 1), (IMAGES[:0], 1), (IMAGES[:2], -1),
                                             (IMAGES[:2], 1.5), (IMAGES[:2], 0)])
def test_a_grid_refuses(images, columns):
    with pytest.raises(BadInput, match="image_grid"):
        image_grid(images, columns)


@pytest.mark.parametrize("channels, mode", [(1, "L"), (3, "RGB")])
def test_a_picture_is_the_enlarged_grid(tmp_path, channels, mode):
    images = IMAGES[:6].expand(-1, channels, -1, -1)
    save_grid(tmp_path / "grid.png", images, columns=3)
    picture = Image.open(tmp_path / "grid.png")
    assert picture.mode == mode and picture.size == (27 * 4, 18 * 4)
    small = np.asarray(picture).reshape(18 * 4, 27 * 4, channels)[::4, ::4]
    assert np.array_equal(small, image_grid(images, 3).permute(1, 2, 0))


def test_a_picture_is_never_overwritten(tmp_path):
    save_grid(tmp_path / "grid.png", IMAGES[:1])
    before = (tmp_path / "grid.png").read_bytes()
    with pytest.raises(BadValue, match="grid.png, which exists"):
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
    with pytest.raises(BadInput, match="seed"):
        random_stream(seed, "noise")


def test_batches_cover_each_round_once_and_depend_on_the_seed_alone():
    batches = list(islice(batch_order(11, 3, seed=5), 9))
    for first in (0, 3, 6):
        assert len(torch.cat(batches[first:first + 3]).unique()) == 9
    again = list(islice(batch_order(11, 3, seed=5), 9))
    other = list(islice(batch_order(11, 3, seed=6), 9))
    assert torch.equal(torch.stack(batches), torch.stack(again))
    assert not torch.equal(torch.stack(batches), torch.stack(other))
    assert torch.stack(batches).max() <= 10


def test_a_data_set_smaller_than_a_batch_is_refused_at_once():
    with pytest.raises(BadValue, match="12 for a data set of 11 images"):
        batch_order(11, 12, seed=0)
    assert len(next(batch_order(11, 11, seed=0))) == 11
