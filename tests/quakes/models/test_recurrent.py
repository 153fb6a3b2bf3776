"""The recurrent process: exact likelihood, analytical limits, nothing seen of the future."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.integrate import quad
from scipy.stats import gamma, weibull_min

from graben.errors import CatalogError, ModelError
from graben.quakes.models import recurrent
from graben.quakes.models.point_process import PointProcess
from graben.quakes.models.recent_kernels import recent_densities
from graben.quakes.models.recent_places import BANDWIDTHS_KM, RANKS, RecentPlaces
from graben.quakes.models.recurrent import RecurrentProcess
from graben.quakes.models.weibull_mixture import COMPONENTS, WeibullMixture
from graben.quakes.polygon import Polygon
from graben.quakes.sequence import EventSequence, Windows

SQUARE = Polygon([10, 12, 12, 10], [40, 40, 42, 42])
GAMMA = gamma(4, scale=0.25)


def sequence_of(waits, seed=0):
    """Events with these waiting times anywhere in a square: half are training, a quarter test."""
    rng = np.random.default_rng(seed)
    time = np.cumsum(waits)
    count = len(time)

    def date(day):
        return (pd.Timestamp("1990-01-01") + pd.Timedelta(days=float(day))).isoformat()

    windows = Windows(
        date(0), date(0), date(time[count // 2]), date(time[3 * count // 4]), date(time[-1] + 0.01)
    )
    places = rng.uniform((10, 40), (12, 42), (count, 2)).T
    magnitude = 3 + rng.exponential(0.43, count).round(1)
    return EventSequence(time, *places, magnitude, 3.0, 0.1, SQUARE, windows)


def small(patch, max_epochs):
    """Let the net read 16 events only, and train it for a few epochs."""
    patch.setattr(recurrent, "STEPS", 16)
    patch.setattr(recurrent, "RECIPE", replace(recurrent.RECIPE, max_epochs=max_epochs))


@pytest.fixture(scope="module")
def short():
    """A small net with two epochs of training behind it, and what it was trained on."""
    with pytest.MonkeyPatch.context() as patch:
        small(patch, max_epochs=2)
        sequence = sequence_of(np.random.default_rng(2).exponential(0.5, 1200))
        yield RecurrentProcess().fit(sequence), sequence


def test_mixture_against_scipy_and_its_own_integral():
    raw = torch.randn(4, 3 * COMPONENTS, generator=torch.Generator().manual_seed(0)).double()
    mixture = WeibullMixture(raw)
    parts = zip(mixture.log_weight.exp(), mixture.shape, mixture.log_scale.exp(), strict=True)
    twins = [
        (w.numpy(), weibull_min(shape.numpy(), scale=scale.numpy())) for w, shape, scale in parts
    ]
    for time in (1e-6, 0.03, 1.0, 9.0):
        log_time = torch.full((4,), np.log(time), dtype=torch.float64)
        density = [(weight * twin.pdf(time)).sum() for weight, twin in twins]
        survival = [(weight * twin.sf(time)).sum() for weight, twin in twins]
        assert mixture.log_density(log_time).exp().numpy() == pytest.approx(density, rel=1e-9)
        assert mixture.log_survival(log_time).exp().numpy() == pytest.approx(survival, rel=1e-9)

    def density_of_log(log_time, row):
        times = torch.full((4,), log_time, dtype=torch.float64)
        return float((mixture.log_density(times) + times).exp()[row])

    for row in range(4):
        total = quad(density_of_log, -40, 12, args=(row,), limit=400)[0]
        assert total == pytest.approx(1, abs=1e-4)


def test_gradients_stay_finite_without_waiting_and_far_out():
    raw = torch.randn(3, 3 * COMPONENTS, requires_grad=True)
    mixture = WeibullMixture(raw)
    log_time = torch.tensor([recurrent.LOG_NONE, -18.0, 200.0])
    (mixture.log_survival(log_time) - mixture.log_density(log_time)).sum().backward()
    assert torch.isfinite(raw.grad).all()


def test_a_poisson_process_is_learned_to_its_own_likelihood(monkeypatch):
    small(monkeypatch, max_epochs=12)
    sequence = sequence_of(np.random.default_rng(1).exponential(0.5, 4000))
    scores = RecurrentProcess().fit(sequence).score(sequence, sequence.test)
    start = sequence.span(sequence.test)[0]
    days = np.diff(sequence.time[sequence.test], prepend=start)
    truth = np.log(2) - 2 * days
    assert scores.temporal.mean() == pytest.approx(truth.mean(), abs=0.01)
    assert scores.expected.sum() == pytest.approx(2 * days.sum(), rel=0.05)


def test_a_renewal_process_is_learned_to_its_analytical_gain(monkeypatch):
    small(monkeypatch, max_epochs=12)
    sequence = sequence_of(GAMMA.rvs(4000, random_state=1))
    scores = RecurrentProcess().fit(sequence).score(sequence, sequence.test)
    # the first interval starts within a wait
    waits = np.diff(sequence.time)[sequence.test.start - 1 :]
    truth = GAMMA.logpdf(waits)[1:].mean()
    poisson = -waits[1:].mean()
    assert truth - poisson > 0.3
    assert scores.temporal[1:].mean() == pytest.approx(truth, abs=0.02)
    assert GAMMA.entropy() == pytest.approx(-truth, abs=0.05)


def with_validation_from(sequence, event):
    """Let the validation window start half way between an event and the one before."""
    day = pd.Timedelta(days=sequence.time[event - 1 : event + 1].mean())
    start = str(sequence.windows.moments[0] + day)
    return replace(sequence, windows=replace(sequence.windows, validation_start=start))


def test_an_interval_cut_by_a_window_keeps_its_expected_count(short):
    model, sequence = short
    cut, whole = (with_validation_from(sequence, event) for event in (500, 520))
    before, after = (model.score(cut, part) for part in (cut.training, cut.validation))
    assert cut.validation.start == 500
    expected = model.score(whole, whole.training).expected[500]
    assert 0 < after.expected[0] < expected
    assert before.expected_after + after.expected[0] == pytest.approx(expected, rel=1e-9)


def test_scores_do_not_see_later_events(short):
    model, sequence = short
    other = sequence_of(np.random.default_rng(8).exponential(0.5, 1200), seed=9)
    event = 1000
    changed = sequence.replaced_from(event, other)
    count = event - sequence.test.start
    one, two = (model.score(which, which.test) for which in (sequence, changed))
    for name in ("rate", "intensity", "expected"):
        assert (getattr(one, name)[:count] == getattr(two, name)[:count]).all()
    assert (one.rate[count : count + 5] != two.rate[count : count + 5]).all()


def test_a_score_does_not_see_the_magnitude_of_its_own_event(short):
    model, sequence = short
    magnitude = np.where(np.arange(1200) == 1000, 6.0, sequence.magnitude)
    one, two = (
        model.score(which, which.test)
        for which in (sequence, replace(sequence, magnitude=magnitude))
    )
    own = 1000 - sequence.test.start
    assert (one.total[: own + 1] == two.total[: own + 1]).all()
    assert one.rate[own + 1] != two.rate[own + 1]


def test_simultaneous_events_are_not_each_others_history(short):
    model, sequence = short
    time = sequence.time.copy()
    time[950:953] = time[950]
    twins = replace(sequence, time=time, longitude=np.where(np.arange(1200) == 951, 11, 10.5))
    scores = model.score(twins, twins.test)
    first = 950 - twins.test.start
    assert (scores.rate[first : first + 3] == scores.rate[first]).all()
    assert (scores.expected[first + 1 : first + 3] == 0).all()
    assert scores.expected[first] > 0
    moved = replace(twins, latitude=np.where(np.arange(1200) == 950, 40.1, twins.latitude))
    same = model.score(moved, moved.test)
    assert (same.intensity[first + 1 : first + 3] == scores.intensity[first + 1 : first + 3]).all()


def test_kernels_against_their_twin():
    rng = np.random.default_rng(3)
    east, north = rng.normal(0, 20, (2, 40))
    half = np.radians(rng.uniform(30, 40, 40)) / 2
    history = np.array([0, 3, 21, 22, 22])
    ranks, widths = np.array([0, 1, 4, 16]), np.array([16.0, 8.0, 4.0, 2.0])
    place = (east, north, np.cos(half), np.sin(half))
    found = recent_densities(place, slice(20, 25), history, ranks, widths)
    for row in range(5):
        for group in range(3):
            for width in range(4):
                total = 0.0
                for rank in range(ranks[group], ranks[group + 1]):
                    j = history[row] - 1 - rank
                    if j >= 0:
                        x = (east[20 + row] - east[j]) * np.cos(half[20 + row] + half[j])
                        r2 = x**2 + (north[20 + row] - north[j]) ** 2
                        s2 = widths[width] ** 2
                        total += np.exp(-r2 / (2 * s2)) / (2 * np.pi * s2)
                size = ranks[group + 1] - ranks[group]
                assert found[row, group, width] == pytest.approx(total / size, rel=1e-9, abs=1e-60)


@pytest.fixture(scope="module")
def followers():
    """Every other event happens 1.6 km (one standard deviation) from the one before."""
    rng = np.random.default_rng(5)
    sequence = sequence_of(rng.exponential(0.5, 3000))
    near = rng.random(3000) < 0.5
    east, north = rng.normal(0, 1.6, (2, 3000)) / 111.32
    longitude, latitude = sequence.longitude.copy(), sequence.latitude.copy()
    for i in np.flatnonzero(near[1:]) + 1:
        latitude[i] = latitude[i - 1] + north[i]
        longitude[i] = longitude[i - 1] + east[i] / np.cos(np.radians(latitude[i]))
    return replace(sequence, longitude=longitude, latitude=latitude)


def test_places_find_the_truth(followers):
    places = RecentPlaces().fit(followers)
    assert places.weights_.sum() == pytest.approx(1, abs=1e-9)
    groups = places.weights_[1:].reshape(len(RANKS) - 1, len(BANDWIDTHS_KM))
    last = groups[0]
    assert last.sum() == pytest.approx(0.5, abs=0.04)
    assert np.abs(np.log2(BANDWIDTHS_KM[last.argmax()] / 1.6)) < 0.1
    # what the groups cannot add to the truth costs little on events they did not see
    east = followers.east_km * np.cos(np.radians(41))
    r2 = np.diff(east) ** 2 + np.diff(followers.north_km) ** 2
    near = np.exp(-r2 / (2 * 1.6**2)) / (2 * np.pi * 1.6**2)
    truth = np.log(0.5 / SQUARE.area_km2 + 0.5 * near)[followers.test.start - 1 :]
    found = np.log(places.density(followers, followers.test))
    assert found.mean() == pytest.approx(truth.mean(), abs=0.03)


def test_without_a_past_the_density_is_uniform(followers):
    density = RecentPlaces().fit(followers).density(followers, slice(0, 2))
    assert density[0] == pytest.approx(1 / SQUARE.area_km2, rel=1e-12)
    assert density[1] != density[0]


def test_weights_are_at_the_maximum_of_their_likelihood(followers):
    places = RecentPlaces().fit(followers)
    best = np.log(places.density(followers, followers.fitted)).mean()
    weights = places.weights_.copy()
    for part in (0, 1, 6, 40):
        places.weights_ = 0.98 * weights
        places.weights_[part] += 0.02
        assert np.log(places.density(followers, followers.fitted)).mean() < best + 1e-4


def test_the_process_comes_back_from_its_arrays(short):
    model, sequence = short
    assert isinstance(model, PointProcess)
    again = RecurrentProcess()
    again.restore(model.state(), model.settings())
    one, two = (which.score(sequence, sequence.test) for which in (model, again))
    assert (one.intensity == two.intensity).all()
    assert (one.expected == two.expected).all()


def test_nothing_is_learned_from_the_test_window(short):
    model, sequence = short
    other = sequence_of(np.random.default_rng(8).exponential(0.5, 1200), seed=9)
    changed = sequence.replaced_from(sequence.test.start, other)
    again = RecurrentProcess().fit(changed).state()
    assert all((values == again[name]).all() for name, values in model.state().items())


def test_too_few_events_are_refused():
    sequence = sequence_of(np.full(60, 1.0))
    with pytest.raises(CatalogError, match="at least 100"):
        RecurrentProcess().fit(sequence)


def test_events_below_completeness_are_refused():
    sequence = sequence_of(np.full(400, 1.0))
    mixed = replace(sequence, completeness_magnitude=float(np.median(sequence.magnitude)))
    assert not mixed.is_target.all()
    with pytest.raises(ModelError, match=r"sequence\.complete"):
        RecurrentProcess().fit(mixed)
    with pytest.raises(ModelError, match=r"sequence\.complete"):
        RecurrentProcess().score(mixed, mixed.test)
