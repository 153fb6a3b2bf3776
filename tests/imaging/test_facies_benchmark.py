"""The layout, classes and measures of the F3 benchmark, on a faithful fake."""

import numpy as np
import pytest

from graben.errors import SeismicError
from graben.imaging.facies_benchmark import (
    CLASSES,
    PUBLISHED,
    open_benchmark,
    published_rows,
    score_benchmark,
)
from graben.imaging.models.facies_evaluation import facies_measures
from graben.imaging.models.facies_features import FaciesFeatures


def layered(inlines, crosslines, seed):
    """Six layers of their own strength and thickness of bedding; labels as int64."""
    generator = np.random.default_rng(seed)
    samples = np.arange(60)
    shift = generator.integers(-2, 3, (inlines, crosslines, 1))
    labels = np.clip((samples + shift) // 10, 0, 5)
    period = np.array([4, 6, 8, 5, 7, 10])[labels]
    strength = np.array([1, 0.3, 2, 0.6, 1.5, 0.1])[labels]
    noise = 0.05 * generator.standard_normal(labels.shape)
    return strength * np.sin(2 * np.pi * samples / period) + noise, labels


def write_fake(folder):
    for place, name, shape in (
        ("train", "train", (8, 40)),
        ("test_once", "test1", (3, 40)),
        ("test_once", "test2", (6, 20)),
    ):
        (folder / place).mkdir(parents=True, exist_ok=True)
        seismic, labels = layered(*shape, len(name) + shape[0])
        np.save(folder / place / f"{name}_seismic.npy", seismic)
        np.save(folder / place / f"{name}_labels.npy", labels)
    return folder


@pytest.fixture
def fake(tmp_path):
    return write_fake(tmp_path / "data")


def test_one_call_learns_and_scores_both_test_sets(fake):
    labels = np.load(fake / "test_once" / "test1_labels.npy")
    labels[:, :, :3] = 255
    np.save(fake / "test_once" / "test1_labels.npy", labels)
    found = score_benchmark(open_benchmark(fake.parent), FaciesFeatures(), labels=50, lines=4)
    confusions = {part: np.array(found[part]["confusion"]) for part in ("test1", "test2", "both")}
    assert found["labels"] == dict.fromkeys(CLASSES, 50)
    assert confusions["test1"].sum() == 3 * 40 * 57  # what is unlabelled counts nowhere
    assert (confusions["both"] == confusions["test1"] + confusions["test2"]).all()
    assert found["both"]["mean class accuracy"] > 0.8
    again = facies_measures(confusions["both"][None])
    assert found["both"]["frequency-weighted IoU"] == again["frequency-weighted IoU"][0]
    columns, rows = published_rows(found)
    assert [row[0] for row in rows] == [*PUBLISHED, "graben"]
    assert {len(row) for row in rows} == {len(columns)}
    assert rows[-1][1] == found["both"]["pixel accuracy"]


def test_published_rows_are_consistent():
    for name, values in PUBLISHED.items():
        assert np.mean(values[1:7]) == pytest.approx(values[7], abs=1.1e-3), name


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda folder: (folder / "train" / "train_labels.npy").unlink(), "no file"),
        (
            lambda folder: np.save(folder / "test_once" / "test2_labels.npy", np.zeros((2, 3, 4))),
            "labels of the shape of the amplitudes",
        ),
        (
            lambda folder: np.save(folder / "train" / "train_seismic.npy", np.zeros((2, 3))),
            "an array",
        ),
        (
            lambda folder: (folder / "train" / "train_seismic.npy").write_text("no array"),
            "cannot read",
        ),
    ],
)
def test_data_that_are_not_the_benchmark_are_refused(fake, change, reason):
    change(fake)
    with pytest.raises(SeismicError, match=reason):
        open_benchmark(fake)
