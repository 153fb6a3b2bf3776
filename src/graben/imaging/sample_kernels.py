"""Samples as they lie in SEG-Y files, turned into float32 (numba)."""

import numba
import numpy as np

# what the first byte of an IBM number means: the sign, and a power of 16 for 24 bits of fraction
IBM_SCALE = np.array(
    [(-1.0 if byte & 128 else 1.0) * 16.0 ** ((byte & 127) - 70) for byte in range(256)]
)


@numba.njit(cache=True, nogil=True, inline="always")
def _turned(word):  # type: ignore[no-untyped-def]
    """Reverse the order of the four bytes."""
    high = (word << np.uint32(24)) | ((word << np.uint32(8)) & np.uint32(0xFF0000))
    low = ((word >> np.uint32(8)) & np.uint32(0xFF00)) | (word >> np.uint32(24))
    return np.uint32(high | low)  # numba shifts in 64 bits


@numba.njit(cache=True, nogil=True, error_model="numpy")
def decode_ibm(words, step, turn, scale, out):  # type: ignore[no-untyped-def]
    """Fill `out` (rows, samples) from IBM floats; row i begins at word i * step.

    `words` are uint32 in the machine's order, to be turned first if `turn` is set. A number that
    float32 cannot hold becomes 0.
    """
    for row in range(out.shape[0]):
        begin = row * step
        for column in range(out.shape[1]):
            word = words[begin + column]
            if turn:
                word = _turned(word)
            value = np.float32(scale[word >> np.uint32(24)] * (word & np.uint32(0xFFFFFF)))
            out[row, column] = value if np.isfinite(value) else np.float32(0)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def decode_ieee(words, step, turn, out):  # type: ignore[no-untyped-def]
    """Fill the bits of `out` (rows, samples; uint32) from IEEE floats, NaN and infinity as 0."""
    exponent = np.uint32(0x7F800000)
    for row in range(out.shape[0]):
        begin = row * step
        for column in range(out.shape[1]):
            word = words[begin + column]
            if turn:
                word = _turned(word)
            out[row, column] = word if word & exponent != exponent else np.uint32(0)
