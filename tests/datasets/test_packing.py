"""What is packed comes back to the bit."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from graben.datasets import packing

SHAPES = hnp.array_shapes(max_dims=2, max_side=20)


@given(st.sampled_from(["i2", "i4", "i8"]).flatmap(lambda kind: hnp.arrays(kind, SHAPES)))
def test_integers_of_any_size_come_back(values):
    planes = packing.to_planes(values)
    assert planes.dtype == np.uint8
    assert planes.shape == (values.itemsize, *values.shape)
    back = packing.from_planes(planes)
    assert back.dtype == values.dtype
    assert np.array_equal(back, values)


@pytest.mark.parametrize("kind", ["i2", "i4", "i8"])
def test_extremes_come_back(kind):
    limits = np.iinfo(kind)
    values = np.array([limits.min, -1, 0, 1, limits.max], kind)
    assert np.array_equal(packing.from_planes(packing.to_planes(values)), values)


def test_small_numbers_of_both_signs_leave_the_high_planes_empty():
    assert not packing.to_planes(np.arange(-128, 128, dtype="i8"))[:-1].any()


@given(hnp.arrays("i2", hnp.array_shapes(min_dims=2, max_dims=2, max_side=20)))
def test_heights_come_back_though_their_differences_overflow(heights):
    assert np.array_equal(packing.unpack_heights(packing.pack_heights(heights)), heights)


@given(hnp.arrays("f8", st.integers(0, 30), elements=st.floats(-180, 180) | st.just(np.nan)))
def test_numbers_come_back_exactly_whatever_their_decimals(values):
    values[::2] = np.round(values[::2], 4)
    arrays = packing.pack_numbers("longitude", values, 1e4)
    assert np.array_equal(packing.unpack_numbers(arrays, "longitude"), values, equal_nan=True)


def test_values_of_four_decimals_need_no_place_of_their_own():
    values = np.round(np.random.default_rng(1).uniform(-180, 180, 10_000), 4)
    assert packing.pack_numbers("x", values, 1e4)["x_rows"].size == 0


def test_texts_and_whole_files_come_back():
    texts = np.array(["us1000", "", "İzmit"])
    arrays = {"ids": packing.pack_texts(texts), "n": np.arange(5)}
    back = packing.unpack(packing.pack(arrays))
    assert back.keys() == arrays.keys()
    assert packing.unpack_texts(back["ids"]).tolist() == texts.tolist()
    assert packing.pack(arrays) == packing.pack(arrays)
