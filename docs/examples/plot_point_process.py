"""
Background, triggering, and what each is worth
==============================================

A point process says at every moment and place how many earthquakes per day and square kilometre it
expects. Two models of the Aegean and Anatolia are fitted here, scored event by event, continued by
simulation, and taken apart.
"""

# %%
# Events of M 4.5 and more in a box. The first years are memory alone; training and validation
# teach; the test window, which holds the earthquakes of February 2023, is scored once.
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from graben.quakes import (
    Etas,
    EventSequence,
    MappedEtas,
    Polygon,
    Region,
    Windows,
    embedded_catalog,
)

box = Region(19, 34, 45, 42)
windows = Windows("1973-01-01", "1980-01-01", "2006-01-01", "2012-01-01", "2025-11-01")
sequence = EventSequence.from_catalog(embedded_catalog(), Polygon.of(box), windows, 4.5)
for name in ("training", "validation", "test"):
    events = sequence.targets(getattr(sequence, name))
    print(f"{name:10} {events.size:5,} events, largest M {sequence.magnitude[events].max():.1f}")

# %%
# ETAS adds to a constant background what each earlier event triggers, more by larger ones, less
# with time and distance. ``MappedEtas`` has a background of many maps of past seismicity and lets
# triggering stretch along strike; all is fitted together. Standard errors are those of the
# information matrix, NaN where a parameter ended at its bound.
etas = Etas().fit(sequence)
mapped = MappedEtas().fit(sequence)


def column(model, triggering):
    """Return parameters as text; errors of logarithms are natural ones."""
    error = {
        name.replace("log_", "log10_"): value / (np.log(10) if "log_" in name else 1)
        for name, value in model.standard_errors_.items()
    }
    found = triggering.parameters.as_dict()
    shown = {name: f"{found[name]:6.2f} ± {error[name]:.2f}" for name in found if name in error}
    return shown | {"branching ratio": f"{model.branching_ratio(sequence):6.2f}"}


columns = {"etas": column(etas, etas.triggering_)}
columns["mapped-etas"] = column(mapped, mapped.fitted_.triggering)
print(pd.DataFrame(columns).to_string())

# %%
# The branching ratio is the mean number of aftershocks that an event triggers directly, for all
# time. Above 1 the series would never end: with a constant background, triggering without a limit
# in time has to stand for the fact that earthquakes return to the same faults. Maps know that, and
# leave to triggering what is triggered. (``Etas.simulable`` holds the ratio below 1 where a
# constant background is wanted all the same.)
#
# Each event of the test window is scored by the logarithm of the intensity that stood just before
# it, minus the number of events expected since the event before.
from graben.quakes.models.poisson import HomogeneousPoisson
from graben.quakes.testing.likelihood import gain_per_event, score_events

poisson = HomogeneousPoisson().fit(sequence)
scores = {model.name: model.score(sequence, sequence.test) for model in (poisson, etas, mapped)}
rows = {}
for name, scored in scores.items():
    found = score_events(scored)
    gain = gain_per_event(scored, scores["poisson"])
    rows[name] = {
        "in time": f"{found.temporal.value:.3f}",
        "in space": f"{found.spatial.value:.3f}",
        "total": f"{found.total.value:.3f}",
        "gain over poisson": f"{gain.value:.3f} [{gain.low:.3f}, {gain.high:.3f}]",
        "expected / observed": f"{found.expected_over_observed:.2f}",
    }
print(pd.DataFrame(rows).T.to_string())

# %%
# A row reads: the mean over the events, in nats; *in time* is how well the moment was foreseen,
# *in space* the place given the moment, and the gain has a 95 % interval from blocks of 200
# consecutive events, of which there are few here. The last column says that more events came than
# were expected: sums are right in the years of the fit, not in those after, and least so without
# triggering, or where a background that no later rise can move has the larger part.
#
# What no row says is how good a forecast would be. Each event is scored by a model that knew what
# had happened up to seconds before: about three quarters of the gain over Poisson comes from the
# third of the events that follow another within a day and 100 km. A forecast issued at midnight
# knows none of the events of its day; tests of such forecasts are another matter
# (``graben quakes test``).
#
# Where the curve rises, the model with maps foresaw the events better. It does so in quiet years, a
# little with each event; in large sequences it jumps and gives part of it back.
gain = np.cumsum(scores["mapped-etas"].total - scores["etas"].total)
days = sequence.time[sequence.targets(sequence.test)]
figure, axes = plt.subplots(figsize=(8, 3.6), layout="constrained")
axes.step(windows.moments[0] + pd.to_timedelta(days, "D"), gain, where="post", color="#0072B2")
axes.axvline(pd.Timestamp("2023-02-06", tz="UTC"), color="gray", linewidth=0.8)
axes.axhline(0, color="gray", linewidth=0.8)
axes.set_ylabel("nats gained over etas")
axes.set_title("MappedEtas over Etas, cumulative; grey: the M 7.8 of February 2023", loc="left")
plt.show()

# %%
# The background as it stood when the test window began: events of M 4.5 and more a year and
# 10,000 square kilometres, without aftershocks.
from graben.quakes.figures import draw_coastline

known = sequence.test.start
longitude, latitude = np.arange(19.05, 45, 0.1), np.arange(34.05, 42, 0.1)
lon, lat = np.meshgrid(longitude, latitude)
weights = mapped.weights(sequence, len(sequence))
maps = mapped.background.at(sequence, weights, lon.ravel(), lat.ravel(), known)
yearly = (maps @ mapped.fitted_.rates).reshape(lon.shape) * 365.25 * 1e4

figure, axes = plt.subplots(figsize=(9, 4.2), layout="constrained")
field = axes.pcolormesh(longitude, latitude, yearly, norm="log", cmap="YlOrRd", rasterized=True)
draw_coastline(axes, box)
figure.colorbar(field, label="M ≥ 4.5 a year and 10,000 km²", shrink=0.8)
axes.set_title("Background", loc="left")
plt.show()

# %%
# A model whose branching ratio is below 1 can be continued. Here are two thousand continuations
# from one day after the M 7.8, and what came. Only events before that day enter.
from graben.quakes.models.continuation import Continuations

issued = pd.Timestamp("2023-02-07", tz="UTC")
day = (issued - windows.moments[0]) / pd.Timedelta(days=1)
branching, sources = Continuations(mapped, sequence).at(day)
simulated = branching.simulate(sources, horizon=30.0, catalogs=2000, seed=0)
counts = simulated.counts()
observed = int(((sequence.time >= day) & (sequence.time < day + 30)).sum())
low, high = np.quantile(counts, (0.025, 0.975))
print(f"{observed} events in 30 days; 95 % of the continuations have {low:.0f} to {high:.0f}")

figure, axes = plt.subplots(figsize=(8, 3.4), layout="constrained")
axes.hist(counts, np.arange(counts.min(), counts.max() + 3, 3) - 0.5, color="#56B4E9")
axes.axvline(observed, color="#D55E00", linewidth=2, label="observed")
axes.set(xlabel="events of M 4.5 and more in 30 days", ylabel="continuations")
axes.legend(frameon=False)
plt.show()

# %%
# A rate is a sum, so it can be taken apart without approximation: here just before the M 6.3 of
# 20 February 2023. The M 7.8 of a fortnight before is not among the events that trigger most: the
# model knows epicentres, not ruptures, and its epicentre is 150 km away. Aftershocks near the place
# tell what it cannot. The same from the command line: ``graben quakes explain``.
from graben.quakes.models.rate_explanation import explain_event
from graben.quakes.rate_figures import shares_figure

moment = (pd.Timestamp("2023-02-20", tz="UTC") - windows.moments[0]) / pd.Timedelta(days=1)
that_day = np.flatnonzero((sequence.time >= moment) & (sequence.time < moment + 1))
shock = int(that_day[np.argmax(sequence.magnitude[that_day])])
why = explain_event(mapped, sequence, shock, radius_km=25.0)
print(
    f"M {sequence.magnitude[shock]:.1f}: {why.in_disc:.2g} events a day within 25 km, of them "
    f"{sum(part.in_disc for part in why.parts[:3]):.2g} by the background"
)
figure = shares_figure(why)
