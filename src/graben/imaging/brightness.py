"""How bright a seismic image is, against what is usual at a depth."""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter

from graben.imaging.complex_trace import envelope

USUAL = 51  # samples over which the usual envelope is averaged down the traces

Floats = NDArray[np.float32]


def usual_envelope(traces: Floats) -> Floats:
    """Give the usual envelope at each depth: the root mean square over traces and `USUAL` samples.

    Parameters
    ----------
    traces
        (trace, sample), normalised; traces of zeros are left out.
    """
    live = traces[np.any(traces != 0, axis=1)]
    power = np.square(envelope(live[None])[0]).mean(0)
    return np.sqrt(uniform_filter(power, USUAL, mode="nearest") + 1e-6).astype(np.float32)


def envelope_ratio(image: Floats, usual: Floats) -> Floats:
    """Give the envelope, smoothed over 3 x 3 traces and 3 samples, over what is usual there."""
    power = np.square(envelope(image))
    smooth = np.maximum(uniform_filter(power, 3, mode="nearest"), 0)
    return (np.sqrt(smooth) / usual).astype(np.float32)
