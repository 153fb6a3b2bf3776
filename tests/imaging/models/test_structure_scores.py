import numpy as np
import pytest

from graben.imaging import draw_window
from graben.imaging.models.structure_scores import (
    PERIOD,
    closed_time,
    horizon_error,
    salt_overlap,
    time_scores,
    true_surface,
    whole_surface,
)
from graben.imaging.synthetic import Synthetic

SHAPE = (24, 24, 40)


def tilted(slope):
    i, _, k = np.mgrid[: SHAPE[0], : SHAPE[1], : SHAPE[2]].astype(np.float32)
    return k + slope * i


def known(time):
    none = np.zeros(SHAPE, bool)
    return Synthetic(time * 0, none, time * 0, time, none, none.astype(np.uint8), none, none)


def test_the_truth_itself_has_no_error():
    scores = time_scores(tilted(0.3), known(tilted(0.3) + 100), PERIOD)
    assert scores.rank == pytest.approx(1)
    np.testing.assert_allclose(scores[1:], 0, atol=1e-3)


def test_a_stretched_time_is_forgiven_where_it_is_told():
    stretched = (tilted(0.3) ** 2 / 40).astype(np.float32)
    scores = time_scores(stretched, known(tilted(0.3) + 100), PERIOD)
    assert scores.rank == pytest.approx(1)
    assert scores.monotone == pytest.approx(0, abs=1e-2)
    assert scores.affine > 0.5
    assert scores.horizon < 0.1


def test_flat_horizons_in_tilted_layers_are_wrong_by_the_tilt():
    error = horizon_error(tilted(0.0), tilted(0.5), np.zeros(SHAPE, bool))
    i = np.arange(24)
    mean = np.mean([np.abs(0.5 * (i - seed)).mean() for seed in (7, 16)])
    assert error == pytest.approx(mean, rel=0.15)


def test_a_layer_met_twice_or_cut_out_is_not_asked_for():
    time = tilted(0.0)
    time[0, 0, 20:] -= 10  # a reverse fault doubles ten samples
    time[1, 0, 20:] += 10
    surface = true_surface(time, 15.0, np.zeros(SHAPE, bool))
    assert np.isnan(surface[0, 0])
    assert surface[1, 0] == surface[2, 2] == 15
    assert np.isnan(true_surface(time, 25.0, np.zeros(SHAPE, bool))[1, 0])


def test_whole_surfaces_have_no_gaps():
    time = tilted(1.0)
    time[0, 0, 20:] += 50
    surface = whole_surface(time, 30.0)
    assert np.isfinite(surface).all()
    assert 19 <= surface[0, 0] <= 20
    assert whole_surface(time, -5.0)[3, 3] == 0
    assert whole_surface(time, 500.0)[3, 3] == SHAPE[2] - 1


def test_salt_overlap_counts_samples():
    said, true = np.zeros(10, bool), np.zeros(10, bool)
    said[:4] = true[2:8] = True
    assert salt_overlap(said, true) == (2, 8)


def test_time_within_a_package_is_only_shifted():
    one = draw_window(np.random.default_rng([7, 5]), (40, 40, 64), "full")
    closed, package = closed_time(one.geologic_time, one.salt, 512)
    assert set(np.unique(package)) == {0, 1}
    for number in (0, 1):
        shift = (closed - one.geologic_time)[package == number]
        assert np.ptp(shift) < 1e-3


def test_a_pause_is_closed_up_to_a_tenth_of_the_traces():
    time = np.broadcast_to(np.arange(30.0, dtype=np.float32), (10, 10, 30)).copy()
    time[:, :, 15:] += 512 + np.arange(100, dtype=np.float32).reshape(10, 10, 1)
    closed, _ = closed_time(time, np.zeros(time.shape, bool), 512)
    step = closed[:, :, 15] - closed[:, :, 14]
    assert (step > 0).mean() == pytest.approx(0.9, abs=0.02)
    assert np.median(step) < 45


def test_packages_that_never_touch_stay_in_order():
    time = np.zeros((4, 4, 8), np.float32) + np.arange(8, dtype=np.float32)
    salt = np.zeros(time.shape, bool)
    time[:, :, 5:] += 512
    salt[:, :, 4:6] = True
    closed, _ = closed_time(time, salt, 512)
    assert closed[:, :, 5:].min() > closed[:, :, :5].max()
