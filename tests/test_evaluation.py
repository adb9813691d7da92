"""Evaluation: the distances are what they are called, and each measure sees what it is for."""

import dataclasses
import json
import math

import pytest
import torch
from PIL import Image
from scipy.linalg import sqrtm

from ddpm_course import evaluation
from ddpm_course.checks import BadInput, BadValue
from ddpm_course.data import digits, glyphs, halves, load_data, random_stream, to_float
from ddpm_course.evaluation import (
    CLASSIFIERS,
    as_stored,
    classifier_path,
    compare,
    evaluate,
    frechet_distance,
    kernel_distance,
    load_classifier,
    measure,
    nearest,
    rows,
    summary,
    table,
    train_classifier,
    yardstick,
)
from ddpm_course.runs.profiles import load_profile
from ddpm_course.runs.training import train

YARD = yardstick("digits")
ROWS = rows(YARD)
REAL = ROWS["held out"]


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
    with pytest.raises(BadInput, match=f"{distance.__name__}: .*To fix it"):
        distance(first, second)


def test_nearest_finds_copies_and_the_nearest_of_others():
    images, _ = load_data("digits")
    distance, index = nearest(images[5:8], images)
    assert not distance.any() and index.tolist() == [5, 6, 7]
    shifted = images[3:4] + 0.01
    distance, index = nearest(shifted, images)
    assert index.tolist() == [3] and distance.item() == pytest.approx(0.08, rel=1e-3)
    with pytest.raises(BadValue, match="nearest: images"):
        nearest(images[:, :, 1:], images)


# --- The eye -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name, colour", [("glyphs28", False), ("glyphs32", True)])
def test_a_stored_classifier_reads_glyphs_that_it_has_not_seen(name, colour):
    pixels, labels = glyphs(69_000, 69_360, CLASSIFIERS[name].image_size, colour)
    assert (load_classifier(name)(to_float(pixels)).argmax(1) == labels).float().mean() > 0.97


def test_the_classifier_reads_digits_that_it_has_not_seen():
    images, labels = load_data("digits", "held_out")
    assert (YARD.classifier(images).argmax(1) == labels).float().mean() > 0.98
    seen, _ = load_data("digits", "train")
    spread = YARD.classifier.features(seen).std(0)
    assert (spread > 0.8).all() and (spread < 1.25).all()


def test_a_new_classifier_is_as_good_and_one_seed_gives_one():
    images, labels = load_data("digits")
    unseen, names = load_data("digits", "held_out")
    first, second = (train_classifier(images, labels, seed=1, epochs=12) for _ in range(2))
    assert (first(unseen).argmax(1) == names).float().mean() > 0.95
    assert torch.equal(first(unseen), second(unseen)) and not first.training


def test_a_classifier_that_has_changed_is_refused(tmp_path, monkeypatch):
    copy = tmp_path / "classifier"
    monkeypatch.setattr(evaluation, "classifier_path", lambda name: copy)
    with pytest.raises(BadValue, match="got no file"):
        load_classifier("digits")
    stored = classifier_path("digits").read_bytes()
    for place in (0, len(stored) // 2, len(stored) - 1):
        copy.write_bytes(stored[:place] + bytes([stored[place] ^ 1]) + stored[place + 1 :])
        with pytest.raises(BadValue, match="a file that has changed"):
            load_classifier("digits")
    copy.write_bytes(stored[:-1])
    with pytest.raises(BadValue, match="a file that has changed"):
        load_classifier("digits")


# --- What each measure sees ----------------------------------------------------------------------


def test_the_floor_is_the_mean_of_twenty_new_splits():
    images, labels = digits()
    seen = YARD.classifier.features(images)
    first, second = halves(labels, 7)
    assert float(YARD.floors["frechet"][6]) == pytest.approx(
        frechet_distance(seen[first], seen[second]), rel=1e-5
    )
    assert all(len(values) == 20 for values in YARD.floors.values())
    assert REAL.frechet == pytest.approx(float(YARD.floors["frechet"].mean()))


def test_rows_of_known_worth_score_what_they_should():
    floors = {name: got.frechet / REAL.frechet for name, got in ROWS.items()}
    assert floors["memoriser"] < 3 < 20 < floors["two classes missing"] < floors["noise"]
    assert ROWS["memoriser"].nearest == 0 == ROWS["two classes missing"].nearest
    assert min(ROWS["two classes missing"].classes) == 0 and min(REAL.classes) > 0.08
    assert ROWS["noise"].confident < 0.3 * REAL.confident
    assert ROWS["noise"].nearest > 2 * REAL.nearest
    assert all(abs(sum(got.classes) - 1) < 1e-6 for got in ROWS.values())


def test_blur_costs_distance_and_confidence():
    blurred = torch.nn.functional.avg_pool2d(
        torch.nn.functional.pad(YARD.held_out, (1, 1, 1, 1), value=-1), 3, 1
    )
    got = measure(YARD, blurred)
    assert got.frechet > 20 * REAL.frechet and got.confident < 0.7 * REAL.confident


def test_a_collapsed_sampler_is_seen_by_its_classes():
    got = measure(YARD, YARD.held_out[:1].expand_as(YARD.held_out))
    assert max(got.classes) == 1 and got.frechet > 20 * REAL.frechet and got.confident in (0, 1)


def test_samples_are_measured_as_they_would_be_stored():
    rough = (YARD.held_out + 0.05 * torch.rand_like(YARD.held_out) - 0.025).clamp(-1, 1)
    assert torch.equal(as_stored(rough, YARD.levels), YARD.held_out)
    assert measure(YARD, rough) == measure(YARD, YARD.held_out)
    assert torch.equal(as_stored(3 * YARD.held_out, YARD.levels).aminmax().max, torch.tensor(1.0))


@pytest.mark.parametrize(
    "images",
    [
        YARD.held_out[1:],
        YARD.held_out[:, :, 1:],
        YARD.held_out.expand(-1, 3, -1, -1),
        YARD.held_out * math.nan,
        ((YARD.held_out + 1) * 8).to(torch.uint8),
    ],
)
def test_measure_refuses(images):
    with pytest.raises(BadInput, match="To fix it"):
        measure(YARD, images)


# --- Reports -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return train(load_profile("smoke"), 0, tmp_path_factory.mktemp("runs") / "smoke")


def test_a_report_holds_what_was_measured(run):
    yard, sets, paths = evaluate(run, 3, "cpu", sampling_steps=2)
    assert yard is YARD and {path.parent for path in paths} == {run}
    assert [path.name for path in paths] == [
        "evaluation-seed-3-sampling_steps-2.json",
        "evaluation-seed-3-sampling_steps-2.png",
    ]
    report = json.loads(paths[0].read_text())
    assert report["images_per_set"] == 898 and report["seed"] == 3
    assert report["sampler"] == {"sampling_steps": 2}
    assert report["classifier_sha256"] == CLASSIFIERS["digits"].sha256
    assert report["sets"] == json.loads(
        json.dumps({name: dataclasses.asdict(got) for name, got in sets.items()})
    )
    assert {name: got for name, got in sets.items() if name != "samples"} == ROWS
    assert Image.open(paths[1]).size == (800, 450)
    assert evaluate(run, 3, "cpu", sampling_steps=2, eta=1.0).sets["samples"] == sets["samples"]


def test_a_report_is_never_overwritten(run):
    kept = run / "evaluation-seed-4.png"
    kept.write_text("kept")
    with pytest.raises(BadValue, match="evaluation-seed-4.png, which exists"):
        evaluate(run, 4, "cpu")
    assert kept.read_text() == "kept" and not kept.with_suffix(".json").exists()


def test_a_run_at_another_size_is_refused_before_anything_is_drawn(tmp_path):
    profile = dataclasses.replace(load_profile("smoke"), image_size=16, num_steps=1)
    run = train(profile, 0, tmp_path / "run")
    before = sorted(run.iterdir())
    with pytest.raises(
        BadValue, match="image_size = 16.*digits of 8 by 8.*train without image_size"
    ):
        evaluate(run)
    assert sorted(run.iterdir()) == before


@pytest.mark.slow
def test_a_run_on_glyphs_is_measured(tmp_path):
    profile = dataclasses.replace(
        load_profile("smoke"), data="glyphs28", num_classes=36, num_steps=2
    )
    yard, sets, files = evaluate(
        train(profile, 0, tmp_path / "run"), device="cpu", sampling_steps=2
    )
    assert (
        len(yard.held_out) == 900 and len(yard.classes) == 36 and len(yard.floors["frechet"]) == 20
    )
    floors = {name: found.frechet / sets["held out"].frechet for name, found in sets.items()}
    assert 0.8 < floors["memoriser"] < 1.3 < floors["classes by chance"] < 20 < floors["samples"]
    assert min(sets["two classes missing"].classes) == 0 and all(path.exists() for path in files)


def test_the_table_has_a_line_for_each_set_and_its_own_unit():
    *lines, floor = table(YARD, {"samples": ROWS["memoriser"], **ROWS}).splitlines()
    assert len(lines) == 2 + len(ROWS) + 1 and len({len(line) for line in lines}) == 1
    assert f"{REAL.frechet:.3f}" in floor and "20 re-splits" in floor and "898 images" in floor
    held_out = next(line for line in lines if line.startswith("held out"))
    assert held_out.split()[2:6:3] == ["1.00", "9.7%"] and held_out.endswith("1.00")
    assert summary({"samples": REAL, **ROWS}).startswith("1.0 floors from held-out images, 100%")


# --- Two samplers --------------------------------------------------------------------------------


def test_a_ratio_has_the_interval_of_its_pairs():
    base = features(8, 2).mul(0.1).exp()
    for factor, verdict in ((0.9, "no worse"), (2.0, "unresolved at this n")):
        got = compare((factor * base[:, 0]).tolist(), base[:, 1].tolist())
        assert got.low < got.ratio < got.high and got.verdict == verdict
        assert got.ratio == pytest.approx(factor * float(base[:, 0].sum() / base[:, 1].sum()))
    paired = compare((1.1 * base[:, 0]).tolist(), base[:, 0].tolist())
    assert paired.high - paired.low < 1e-6 and paired.ratio == pytest.approx(1.1)


def test_an_interval_covers_the_truth_as_often_as_it_says():
    """Pairs of mean 1 and 1.1: the 95% interval of 20 pairs holds 1.1 in most of 100 trials."""
    hits = 0
    for seed in range(100):
        a, b = features(20, 2, seed).mul(0.2).exp().T
        got = compare((1.1 * a).tolist(), b.tolist())
        hits += got.low <= 1.1 <= got.high
    assert 85 <= hits <= 99


@pytest.mark.parametrize(
    "first, second", [([1.0] * 4, [1.0] * 4), ([1.0] * 6, [1.0] * 5), ([], [])]
)
def test_too_few_pairs_are_refused(first, second):
    with pytest.raises(BadValue, match="at least five seeds"):
        compare(first, second)


@pytest.mark.slow
def test_the_laptop_profile_reaches_what_the_course_promises(tmp_path):
    run = train(load_profile("laptop"), 5, tmp_path / "run")
    got = evaluate(run, 5, "cpu").sets["samples"]
    assert got.frechet < 2 * REAL.frechet and got.confident > 0.85 * REAL.confident
    assert 0.05 < min(got.classes) and max(got.classes) < 0.15
    assert got.nearest >= REAL.nearest
