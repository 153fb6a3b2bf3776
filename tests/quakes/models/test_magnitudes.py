import numpy as np
import pytest
from scipy.stats import chisquare, kstest

from graben.errors import InputError
from graben.quakes.models.magnitudes import CORNER_MAGNITUDE, TaperedGutenbergRichter

BINNED = TaperedGutenbergRichter(2.3, 2.5, 5.0, 0.1)
CONTINUOUS = TaperedGutenbergRichter(2.3, 2.5, 5.0, 0.0)


def moment(magnitude):
    return 10.0 ** (1.5 * magnitude + 9.05)


def kagan_survival(magnitude, law, lowest):
    """Kagan (2002), equation 9: (Mt / M)^beta exp((Mt - M) / Mcm) in seismic moment."""
    exponent = law.beta / (1.5 * np.log(10))
    power = (moment(lowest) / moment(magnitude)) ** exponent
    corner = moment(law.corner_magnitude)
    return power * np.exp((moment(lowest) - moment(magnitude)) / corner)


def test_the_survival_function_is_that_of_kagan():
    magnitude = np.array([2.5, 3.0, 4.4, 5.0, 5.5])
    np.testing.assert_allclose(
        CONTINUOUS.survival(magnitude), kagan_survival(magnitude, CONTINUOUS, 2.5), rtol=1e-12
    )
    # a magnitude recorded as 3.0 stands for one from 2.95 on
    np.testing.assert_allclose(
        BINNED.survival(magnitude), kagan_survival(magnitude - 0.05, BINNED, 2.45), rtol=1e-12
    )
    assert BINNED.survival([1.0, 2.5]).tolist() == [1.0, 1.0]
    assert BINNED.survival(2.93) == BINNED.survival(3.0)


def test_continuous_draws_follow_the_survival_function():
    drawn = CONTINUOUS.draw(100_000, np.random.default_rng(1))
    assert kstest(drawn, lambda m: 1 - CONTINUOUS.survival(m)).pvalue > 0.01


def test_binned_draws_fill_the_bins_as_the_survival_function_says():
    drawn = BINNED.draw(100_000, np.random.default_rng(2))
    edge = 2.5 + 0.1 * np.arange(25)
    share = -np.diff(BINNED.survival(edge))
    counts = np.bincount(np.round((drawn - 2.5) / 0.1).astype(int), minlength=40)[:24]
    scale = counts.sum() / share.sum()
    assert scale == pytest.approx(drawn.size, rel=1e-3)
    assert chisquare(counts, share * scale).pvalue > 0.01


def test_binned_draws_are_the_numbers_that_a_rounded_catalogue_holds():
    drawn = BINNED.draw(10_000, np.random.default_rng(3))
    assert np.array_equal(drawn, np.floor(drawn / 0.1 + 0.5) * 0.1)
    assert drawn.min() == 2.5


def test_beta_of_bins_without_taper_is_that_of_tinti_and_mulargia():
    drawn = TaperedGutenbergRichter(2.1, 3.0, 9.9, 0.1).draw(20_000, np.random.default_rng(4))
    found = TaperedGutenbergRichter.from_magnitudes(drawn, 3.0, 0.1)
    assert found.corner_magnitude == CORNER_MAGNITUDE
    assert found.beta == pytest.approx(np.log1p(0.1 / (drawn - 3.0).mean()) / 0.1, rel=1e-4)


@pytest.mark.parametrize("law", [BINNED, CONTINUOUS])
def test_the_corner_is_found_where_the_data_hold_it(law):
    drawn = law.draw(50_000, np.random.default_rng(5))
    found = TaperedGutenbergRichter.from_magnitudes(drawn, 2.5, law.bin_width)
    assert found.corner_magnitude == pytest.approx(5.0, abs=0.1)
    assert found.beta == pytest.approx(2.3, abs=0.04)


def test_a_corner_that_data_do_not_hold_is_not_below_the_largest_magnitude():
    drawn = np.append(CONTINUOUS.draw(100, np.random.default_rng(6)), 9.1)
    assert TaperedGutenbergRichter.from_magnitudes(drawn, 2.5, 0.0).corner_magnitude == 9.1


@pytest.mark.parametrize("law", [BINNED, CONTINUOUS])
def test_mean_growth_is_the_mean_over_draws_and_its_limit_has_a_closed_form(law):
    drawn = law.draw(400_000, np.random.default_rng(7))
    grown = np.exp(1.0 * (drawn - 2.5))
    assert law.mean_growth(1.0) == pytest.approx(grown.mean(), abs=4 * grown.std() / 632)
    assert law.mean_growth(0.0) == pytest.approx(1.0)
    untapered = TaperedGutenbergRichter(2.3, 2.5, 15.0, law.bin_width).mean_growth(1.0)
    if law.bin_width == 0:
        assert untapered == pytest.approx(2.3 / 1.3, rel=1e-6)
    else:
        closed = (1 - np.exp(-0.23)) / (1 - np.exp(-0.13))  # a geometric series
        assert untapered == pytest.approx(closed, rel=1e-6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [((-1.0, 2.5, 8.0, 0.1), "beta above 0"), ((2.3, 2.55, 8.0, 0.1), "multiple of the bin")],
)
def test_a_law_that_cannot_be_is_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        TaperedGutenbergRichter(*arguments)


@pytest.mark.parametrize("magnitude", [[], [3.0, 3.0], [2.4, 3.0]])
def test_magnitudes_that_say_nothing_or_lie_below_completeness_are_refused(magnitude):
    with pytest.raises(InputError, match="two or more different magnitudes"):
        TaperedGutenbergRichter.from_magnitudes(magnitude, 2.5, 0.1)
