"""What gates know of the past: features that are constant between events."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from graben.quakes.models.components import Components

RATIOS = (1, 3, 10, 30, 100, 300, 1000, 3000)
LARGEST = (10, 50, 300)
MEAN = 30
# a floor under logarithms of what was expected between two events, and of shares
SMALL = 1e-3, 1e-9


def feature_names(components: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names of the columns of `gate_features`."""
    return (
        *(f"log observed/expected, last {count:,}" for count in RATIOS),
        "log rate after the last event",
        "last magnitude",
        *(f"largest magnitude, last {count}" for count in LARGEST),
        f"mean magnitude, last {MEAN}",
        "log rate before the last event",
        "log expected before the last event",
        *(f"log share of {name}" for name in components),
    )


def gate_features(components: Components, magnitude: NDArray[Any]) -> NDArray[Any]:
    """Return what is known in each interval of a run of events.

    Interval i knows events that are strictly earlier than its end, not that end: so simultaneous
    events share what is known before the first of them. Observed and expected counts over the
    last events are compared with one event added to both.

    Parameters
    ----------
    components
        Of a run of events; longer ones know more of the past.
    magnitude
        Of the events, (event,).

    Returns
    -------
    numpy.ndarray
        (interval, feature), named by `feature_names`; NaN where there is no event yet.
    """
    count = len(components)
    expected = components.expected.sum(axis=1)[:count]
    until = np.concatenate([[0.0], np.cumsum(expected)])
    interval = np.arange(count + 1)
    columns = []
    for last in RATIOS:
        first = np.maximum(interval - last, 0)
        columns.append(np.log((interval - first + 1) / (until - until[first] + 1)))
    columns.append(np.log(components.rate_after))
    past = pd.Series(magnitude)
    rate = components.rate.sum(axis=1)
    known = (
        magnitude,
        *(past.rolling(last, min_periods=1).max() for last in LARGEST),
        past.rolling(MEAN, min_periods=1).mean(),
        np.log(rate),
        np.log(expected + SMALL[0]),
        *np.log(np.maximum(components.rate / rate[:, None], SMALL[1])).T,
    )
    columns.extend(np.concatenate([[np.nan], values]) for values in known)
    return np.stack(columns, axis=1)[components.history]
