from dataclasses import replace

import numba
import numpy as np
import pytest

from graben.quakes.models.etas_kernels import SUMS, exp2_single, log2_single, pair_slopes
from graben.quakes.models.etas_likelihood import EVER


@numba.njit
def _each(function, x, out):
    for i in range(x.size):
        out[i] = function(x[i])


def in_single(function, x):
    out = np.empty_like(x)
    _each(function, x, out)
    return out.astype(float)


def test_the_logarithm_is_that_of_the_number():
    x = np.exp2(np.linspace(-120, 120, 200_001)).astype(np.float32)
    near_one = (1 + np.linspace(-0.3, 0.4, 100_001)).astype(np.float32)
    for values in (x, near_one):
        found, exact = in_single(log2_single, values), np.log2(values.astype(float))
        # an ulp of the whole, and 2e-7 of what is small near 1
        np.testing.assert_allclose(found, exact, rtol=4e-7, atol=1e-12)


def test_the_exponential_is_that_of_the_number_and_held_at_its_ends():
    x = np.linspace(-119.9, 119.9, 300_001).astype(np.float32)
    np.testing.assert_allclose(in_single(exp2_single, x), np.exp2(x.astype(float)), rtol=3e-7)
    ends = np.array([-1e9, -120, 120, 1e9], np.float32)
    np.testing.assert_allclose(
        in_single(exp2_single, ends), [2**-120.0, 2**-120.0, 2**120.0, 2**120.0], rtol=1e-6
    )


@pytest.mark.parametrize("anisotropic", [False, True])
def test_rates_are_those_of_a_double_precision_matrix(
    short_sequence, some_strikes, triggering, kernel_matrix, anisotropic
):
    strikes = some_strikes if anisotropic else None
    exact = kernel_matrix(short_sequence, triggering, strikes).sum(axis=1)
    events = np.arange(len(short_sequence))
    found = triggering.rates_at(short_sequence, strikes, events)[:, 0]
    np.testing.assert_array_equal(found[exact == 0], 0.0)
    error = np.abs(found / np.where(exact == 0, 1, exact) - 1)[exact > 0]
    assert error.max() < 1e-4  # pairs of metres, hundreds of kilometres from the centre
    assert np.median(error) < 2e-6


def test_anisotropy_and_latitude_matter_here(
    short_sequence, some_strikes, triggering, kernel_matrix
):
    plain = kernel_matrix(short_sequence, triggering).sum(axis=1)
    stretched = kernel_matrix(short_sequence, triggering, some_strikes).sum(axis=1)
    on_the_equator = replace(short_sequence, latitude=short_sequence.latitude - 41.5)
    moved = kernel_matrix(on_the_equator, triggering).sum(axis=1)
    for other in (stretched, moved):
        assert np.abs(other / np.maximum(plain, 1e-300) - 1).max() > 0.1


def test_simultaneous_events_do_not_trigger_each_other(short_sequence, triggering):
    alone = replace(
        short_sequence,
        **{
            name: getattr(short_sequence, name)[:2]
            for name in ("time", "longitude", "latitude", "magnitude")
        },
    )
    together = replace(alone, time=np.zeros(2))
    assert triggering.rates_at(alone, None, np.arange(2))[1, 0] > 0
    np.testing.assert_array_equal(triggering.rates_at(together, None, np.arange(2)), 0.0)


def test_ranks_part_the_past_from_the_latest_on(
    short_sequence, some_strikes, triggering, kernel_matrix
):
    events = np.array([0, 3, 15, 211, 212, 399])
    exact = kernel_matrix(short_sequence, triggering, some_strikes)
    found = triggering.rates_at(short_sequence, some_strikes, events, (0, 10, 100, EVER))
    for row, i in zip(found, events, strict=True):
        latest_first = exact[i, : short_sequence.history[i]][::-1]
        parts = [latest_first[:10], latest_first[10:100], latest_first[100:]]
        np.testing.assert_allclose(row, [part.sum() for part in parts], rtol=1e-4)


def test_sums_for_slopes_are_those_of_the_matrix(
    short_sequence, some_strikes, triggering, kernel_matrix, squared_km
):
    sequence, p = short_sequence, triggering.parameters
    events = np.arange(1, len(sequence))
    found = np.empty((events.size, SUMS))
    sources, law = triggering.kernels(sequence, some_strikes)
    pair_slopes(events, sequence.history, sequence.time, sources, law, found)
    k = kernel_matrix(sequence, triggering, some_strikes)[1:]
    age = np.maximum(sequence.time[1:, None] - sequence.time, 0)
    core = 10**p.log10_d * np.exp(p.gamma * sequence.excess)
    whole = squared_km(sequence, triggering, some_strikes)[1:] + core
    delayed = age + 10**p.log10_c
    exact = [
        k,
        k * sequence.excess,
        k / delayed,
        k * np.log2(delayed),
        k * age * np.log2(np.e) / 10**p.log10_tau,
        k * core / whole,
        k * core / whole * sequence.excess,
        k * np.log2(whole),
    ]
    for column, terms in enumerate(exact):
        size = np.abs(terms).sum(axis=1) + 1e-300
        error = np.abs(found[:, column] - terms.sum(axis=1)) / size
        assert error.max() < 1e-4, column
        assert np.median(error) < 2e-6, column


def test_a_long_past_is_summed_slice_by_slice(short_sequence, triggering, kernel_matrix):
    copies = 8
    joined = {
        name: np.tile(getattr(short_sequence, name), copies)
        for name in ("longitude", "latitude", "magnitude")
    }
    time = np.concatenate([short_sequence.time + 800 * copy for copy in range(copies)])
    many = replace(short_sequence, time=time, **joined)
    events = np.array([1023, 1024, 1025, 2048, 3199])
    exact = kernel_matrix(many, triggering).sum(axis=1)[events]
    found = triggering.rates_at(many, None, events)[:, 0]
    np.testing.assert_allclose(found, exact, rtol=2e-5)
