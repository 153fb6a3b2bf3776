"""IBM and IEEE floats: every bit pattern against a slow twin in Python's own numbers."""

import math

import numpy as np
import pytest

from graben.imaging.sample_kernels import IBM_SCALE, decode_ibm, decode_ieee


def slow_ibm(word: int) -> float:
    """The definition: (-1)^s * 0.f * 16^(e - 64), f of 24 bits."""
    value = math.ldexp(word & 0xFFFFFF, -24 + 4 * ((word >> 24 & 0x7F) - 64))
    with np.errstate(over="ignore"):
        turned = float(np.float32(-value if word >> 31 else value))
    return turned if math.isfinite(turned) else 0.0


@pytest.mark.parametrize("turn", [False, True])
def test_ibm_is_its_definition(turn):
    generator = np.random.default_rng(2)
    words = generator.integers(0, 2**32, 5000, dtype=np.uint32)
    words[:4] = 0x42640000, 0xC276A000, 0, 0x80000000  # 100, -118.625 and two zeros
    out = np.empty((50, 97), np.float32)
    decode_ibm(words.byteswap() if turn else words, 100, turn, IBM_SCALE, out)
    expected = [[slow_ibm(int(word)) for word in row[:97]] for row in words.reshape(50, 100)]
    np.testing.assert_array_equal(out, np.array(expected, np.float32))
    assert out[0, :2].tolist() == [100.0, -118.625]


@pytest.mark.parametrize("turn", [False, True])
def test_ieee_is_numpys_own_with_nothing_infinite(turn):
    words = np.random.default_rng(3).integers(0, 2**32, 4000, dtype=np.uint32)
    words[:3] = 0x7F800000, 0xFF800000, 0x7FC00000
    out = np.empty((40, 90), np.float32)
    decode_ieee(words.byteswap() if turn else words, 100, turn, out.view(np.uint32))
    numbers = words.view(np.float32).reshape(40, 100)[:, :90]
    np.testing.assert_array_equal(out, np.where(np.isfinite(numbers), numbers, 0))
