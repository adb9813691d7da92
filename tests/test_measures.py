"""The distances are what they are called, and each measure sees what it is for."""

import math
import re
import warnings

import pytest
import torch
from refusals import refused
from scipy.linalg import sqrtm

from ddpm_course.checks import BadInput, BadValue
from ddpm_course.data import (
    ImageSet,
    digits,
    glyphs,
    halves,
    load_data,
    random_stream,
    to_float,
    to_uint8,
)
from ddpm_course.runs import measures
from ddpm_course.runs.measures import (
    CLASSIFIERS,
    baselines,
    bootstrap_ratio,
    classifier_path,
    frechet_distance,
    kernel_distance,
    load_classifier,
    load_reference,
    measure,
    nearest,
    quantize,
    train_classifier,
)

REFERENCE = load_reference("digits")
BASELINES = baselines(REFERENCE)
REAL = BASELINES["held out"]


def features(size=60, dims=5, seed=0):
    return torch.randn(size, dims, dtype=torch.float64, generator=random_stream(seed, "features"))


# --- Distances -----------------------------------------------------------------------------------


def test_frechet_distance_is_the_formula():
    first, second = features(), 2 * features(seed=1) @ features(5, seed=2) + 1
    (m1, c1), (m2, c2) = ((x.mean(0), x.T.cov()) for x in (first, second))
    root = torch.from_numpy(sqrtm((c1 @ c2).numpy()).real)
    expected = (m1 - m2).square().sum() + torch.trace(c1 + c2 - 2 * root)
    assert frechet_distance(first, second) == pytest.approx(float(expected), rel=1e-9)
    assert frechet_distance(second, first) == pytest.approx(float(expected), rel=1e-9)
    assert frechet_distance(first, first) == pytest.approx(0, abs=1e-9)


def test_kernel_distance_is_the_unbiased_average_over_pairs():
    first, second = features(6), features(6, seed=1) + 0.5

    def mean(a, b, same):
        values = [
            (float(x @ y) / 5 + 1) ** 3
            for i, x in enumerate(a)
            for j, y in enumerate(b)
            if not (same and i == j)
        ]
        return sum(values) / len(values)

    expected = (
        mean(first, first, True) + mean(second, second, True) - 2 * mean(first, second, False)
    )
    assert kernel_distance(first, second) == pytest.approx(expected, rel=1e-9)


def test_kernel_distance_of_one_law_is_zero_on_average():
    found = torch.tensor(
        [kernel_distance(features(40, seed=s), features(40, seed=s + 1000)) for s in range(300)]
    )
    assert abs(found.mean()) < 4 * found.std() / math.sqrt(300) and (found < 0).any()


@pytest.mark.parametrize("distance", [frechet_distance, kernel_distance])
@pytest.mark.parametrize(
    "first, second",
    [
        (features(), features(59)),
        (features(), features(60, 4)),
        (features()[:1], features()[:1]),
        (features()[:0], features()[:0]),
        (features()[0], features()[0]),
        (features().long(), features().long()),
        (features().numpy(), features()),
    ],
)
def test_distances_refuse(distance, first, second):
    with refused(BadInput, where=distance.__name__):
        distance(first, second)


@pytest.mark.parametrize("wrong", [math.nan, math.inf])
def test_features_that_are_not_finite_are_refused(wrong):
    for distance in (frechet_distance, kernel_distance):
        with refused(BadInput, where=distance.__name__, expected="finite"):
            distance(features(), torch.where(features() > 2, wrong, features()))


@pytest.mark.parametrize("others", [torch.zeros(3), torch.zeros(3, 4), torch.zeros(3, 8).double()])
def test_nearest_refuses(others):
    with refused(BadInput, where="nearest", what="images"):
        nearest(torch.zeros(2) if others.ndim == 1 else torch.zeros(2, 8), others)


def test_nearest_finds_copies_and_the_nearest_of_others():
    images, _ = load_data("digits")
    distance, index = nearest(images[5:8], images)
    assert not distance.any() and index.tolist() == [5, 6, 7]
    shifted = images[3:4] + 0.01
    distance, index = nearest(shifted, images)
    assert index.tolist() == [3] and distance.item() == pytest.approx(0.08, rel=1e-3)
    assert nearest(torch.zeros(1, 4), torch.ones(3, 4))[0].item() == 2  # rows of numbers will do
    with refused(BadValue, where="nearest", what="images"):
        nearest(images[:, :, 1:], images)


# --- The classifier --------------------------------------------------------------------------------


@pytest.mark.parametrize("name, colour", [("glyphs28", False), ("glyphs32", True)])
def test_a_stored_classifier_reads_glyphs_that_it_has_not_seen(name, colour):
    pixels, labels = glyphs(69_000, 69_360, CLASSIFIERS[name].image_size, colour)
    assert (load_classifier(name)(to_float(pixels)).argmax(1) == labels).float().mean() > 0.97


def test_the_classifier_reads_digits_that_it_has_not_seen():
    images, labels = load_data("digits", "held_out")
    assert (REFERENCE.classifier(images).argmax(1) == labels).float().mean() > 0.98
    seen, _ = load_data("digits", "train")
    spread = REFERENCE.classifier.features(seen).std(0)
    assert (spread > 0.8).all() and (spread < 1.25).all()


def test_a_new_classifier_is_as_good_and_one_seed_gives_one():
    images, labels = load_data("digits")
    unseen, names = load_data("digits", "held_out")
    first, second = (train_classifier(images, labels, seed=1, epochs=12) for _ in range(2))
    assert (first(unseen).argmax(1) == names).float().mean() > 0.95
    assert torch.equal(first(unseen), second(unseen)) and not first.training


def test_a_classifier_that_has_changed_is_refused(tmp_path, monkeypatch):
    copy = tmp_path / "classifier"
    monkeypatch.setattr(measures, "classifier_path", lambda name: copy)
    with refused(BadValue, got="no file"):
        load_classifier("digits")
    stored = classifier_path("digits").read_bytes()
    for place in (0, len(stored) // 2, len(stored) - 1):
        copy.write_bytes(stored[:place] + bytes([stored[place] ^ 1]) + stored[place + 1 :])
        with refused(BadValue, got="a file that has changed"):
            load_classifier("digits")
    copy.write_bytes(stored[:-1])
    with refused(BadValue, got="a file that has changed"):
        load_classifier("digits")


# --- What each measure sees ----------------------------------------------------------------------


def test_the_floor_is_the_mean_of_twenty_new_splits():
    images, labels = digits()
    seen = REFERENCE.classifier.features(images)
    first, second = halves(labels, 7)
    assert float(REFERENCE.floors["frechet"][6]) == pytest.approx(
        frechet_distance(seen[first], seen[second]), rel=1e-5
    )
    assert all(len(values) == 20 for values in REFERENCE.floors.values())
    assert REAL.frechet == pytest.approx(float(REFERENCE.floors["frechet"].mean()))


def test_samples_are_compared_with_as_many_images_of_each_class(monkeypatch):
    """Of a set whose first images are mostly of one class; each pixel says the class."""
    labels = torch.cat([torch.zeros(900, dtype=torch.long), torch.arange(10).repeat(200)])
    pixels = labels.to(torch.uint8).view(-1, 1, 1, 1).expand(-1, 1, 28, 28)
    uneven = ImageSet("uneven", pixels, labels, tuple("0123456789"), 256)
    monkeypatch.setattr(measures, "load_set", lambda *_, **__: uneven)
    made = measures._load_reference.__wrapped__("fashion_mnist", "", False)
    found = to_uint8(made.held_out, 256)[:, 0, 0, 0]
    assert found.bincount().tolist() == [90] * 10


def test_the_reference_that_is_handed_out_is_a_copy():
    mine = load_reference("digits")
    for x in (mine.train, mine.held_out, mine.features, *mine.floors.values()):
        x[:] = 7
    mine.floors.clear()
    mine.classifier.head[2].bias[:] = 7
    assert measure(load_reference("digits"), REFERENCE.held_out) == measure(
        REFERENCE, REFERENCE.held_out
    )
    again = baselines(load_reference("digits"))
    assert again == BASELINES


def test_a_classifier_learns_in_float32_whatever_it_is_given():
    images, labels = REFERENCE.train, REFERENCE.train_labels
    found = (train_classifier(each, labels, epochs=1) for each in (images, images.double()))
    assert torch.equal(*(model(images) for model in found))


def test_distances_in_one_ratio_have_a_point_for_an_interval():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of SciPy, that there is nothing to resample
        found = bootstrap_ratio([1.0, 2.0, 3.0, 4.0, 5.0], [2.0, 4.0, 6.0, 8.0, 10.0])
    assert found == (0.5, 0.5, 0.5)


@pytest.mark.parametrize(
    "call",
    [
        lambda: train_classifier(torch.zeros(64, 1, 1, 1), torch.zeros(64).long()),
        lambda: load_classifier([]),
        lambda: load_reference([]),
        lambda: load_reference("digits", []),
        lambda: load_reference("digits", download="no"),
        lambda: quantize(torch.zeros(3), "a"),
        lambda: measure("digits", REFERENCE.held_out),
        lambda: baselines("digits"),
        lambda: bootstrap_ratio(None, [1.0] * 5),
        lambda: train_classifier(REFERENCE.train, REFERENCE.train_labels[1:]),
        lambda: train_classifier(REFERENCE.train, REFERENCE.train_labels.tolist()),
        lambda: train_classifier(REFERENCE.train, REFERENCE.train_labels + 10**4),
        lambda: train_classifier(REFERENCE.train, REFERENCE.train_labels - 1),
        lambda: train_classifier(REFERENCE.train, REFERENCE.train_labels, epochs=0),
        lambda: train_classifier(REFERENCE.train + 1, REFERENCE.train_labels),
    ],
)
def test_what_cannot_be_meant_is_refused(call):
    with refused(
        BadInput, where=re.compile("^(load_|to_uint8|measure|baselines|bootstrap|train_)")
    ):
        call()


def test_rows_of_known_worth_score_what_they_should():
    floors = {name: got.frechet / REAL.frechet for name, got in BASELINES.items()}
    assert floors["memoriser"] < 3 < 20 < floors["two classes missing"] < floors["noise"]
    assert BASELINES["memoriser"].nearest == 0 == BASELINES["two classes missing"].nearest
    assert min(BASELINES["two classes missing"].classes) == 0 and min(REAL.classes) > 0.08
    assert BASELINES["noise"].confident < 0.3 * REAL.confident
    assert BASELINES["noise"].nearest > 2 * REAL.nearest
    assert all(abs(sum(got.classes) - 1) < 1e-6 for got in BASELINES.values())


def test_blur_costs_distance_and_confidence():
    blurred = torch.nn.functional.avg_pool2d(
        torch.nn.functional.pad(REFERENCE.held_out, (1, 1, 1, 1), value=-1), 3, 1
    )
    got = measure(REFERENCE, blurred)
    assert got.frechet > 20 * REAL.frechet and got.confident < 0.7 * REAL.confident


def test_a_collapsed_sampler_is_seen_by_its_classes():
    got = measure(REFERENCE, REFERENCE.held_out[:1].expand_as(REFERENCE.held_out))
    assert max(got.classes) == 1 and got.frechet > 20 * REAL.frechet and got.confident in (0, 1)


def test_samples_are_measured_as_they_would_be_stored():
    rough = (REFERENCE.held_out + 0.05 * torch.rand_like(REFERENCE.held_out) - 0.025).clamp(-1, 1)
    assert torch.equal(quantize(rough, REFERENCE.levels), REFERENCE.held_out)
    assert measure(REFERENCE, rough) == measure(REFERENCE, REFERENCE.held_out)
    assert torch.equal(
        quantize(3 * REFERENCE.held_out, REFERENCE.levels).aminmax().max, torch.tensor(1.0)
    )


@pytest.mark.parametrize(
    "images",
    [
        REFERENCE.held_out[1:],
        REFERENCE.held_out[:, :, 1:],
        REFERENCE.held_out.expand(-1, 3, -1, -1),
        REFERENCE.held_out * math.nan,
        ((REFERENCE.held_out + 1) * 8).to(torch.uint8),
    ],
)
def test_measure_refuses(images):
    with refused(BadInput, what="images"):
        measure(REFERENCE, images)


# --- Two samplers --------------------------------------------------------------------------------


def test_a_ratio_has_the_interval_of_its_pairs():
    base = features(8, 2).mul(0.1).exp()
    for factor in (0.9, 2.0):
        got = bootstrap_ratio((factor * base[:, 0]).tolist(), base[:, 1].tolist())
        assert got.low < got.ratio < got.high
        assert got.ratio == pytest.approx(factor * float(base[:, 0].sum() / base[:, 1].sum()))
    paired = bootstrap_ratio((1.1 * base[:, 0]).tolist(), base[:, 0].tolist())
    assert paired.high - paired.low < 1e-6 and paired.ratio == pytest.approx(1.1)


def test_an_interval_covers_the_truth_as_often_as_it_says():
    """Pairs of mean 1 and 1.1: the 95% interval of 20 pairs holds 1.1 in most of 100 trials."""
    hits = 0
    for seed in range(100):
        a, b = features(20, 2, seed).mul(0.2).exp().T
        got = bootstrap_ratio((1.1 * a).tolist(), b.tolist())
        hits += got.low <= 1.1 <= got.high
    assert 85 <= hits <= 99


@pytest.mark.parametrize(
    "first, second", [([1.0] * 4, [1.0] * 4), ([1.0] * 6, [1.0] * 5), ([], [])]
)
def test_too_few_pairs_are_refused(first, second):
    with refused(BadValue, where="bootstrap_ratio", expected="at least five seeds"):
        bootstrap_ratio(first, second)


@pytest.mark.parametrize("wrong", [0.0, -1.0, math.nan, math.inf, "1"])
def test_a_distance_that_is_none_is_refused(wrong):
    for pair in ([wrong, *[1.0] * 4], [2.0] * 5), ([2.0] * 5, [*[1.0] * 4, wrong]):
        with refused(BadInput, where="bootstrap_ratio"):
            bootstrap_ratio(*pair)


def test_the_default_precision_of_the_program_decides_no_distance():
    torch.set_default_dtype(torch.float64)
    try:
        found = measures._load_reference.__wrapped__("digits", "", False)
    finally:
        torch.set_default_dtype(torch.float32)
    wanted = load_reference("digits")
    assert torch.equal(found.features, wanted.features)
    assert torch.allclose(found.floors["frechet"].float().cpu(), wanted.floors["frechet"])
