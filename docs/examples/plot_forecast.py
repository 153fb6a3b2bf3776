"""
A forecast for Anatolia
=======================

The model that ships, the catalogue and elevations that ship, the last event as the issue time. The
same from the command line: ``graben quakes forecast --out anatolia``.
"""

from graben.datasets import load_elevation
from graben.quakes import Region, embedded_catalog
from graben.quakes.forecast import forecast_map, set_up
from graben.quakes.forecast_figures import molchan_figure, probability_map, reliability_figure
from graben.quakes.models.folder import load_trained, shipped_folder
from graben.quakes.quantity import Quantity

trained = load_trained(shipped_folder(Quantity()))
setting = set_up(
    trained,
    embedded_catalog(),
    Region(25, 35, 45, 43),
    elevation=lambda box: load_elevation("globe-tile"),
)
forecast = forecast_map(setting)

# %%
# The quantity is named in the title of every map.
figure = probability_map(forecast, setting.catalog, load_elevation("globe-anatolia"))

# %%
# The model's folder carries the evidence for and against it. Nats per earthquake over the model's
# own baseline, on years that no training saw, with 95 % intervals:
for name, scores in trained.evidence["rates"]["tile"].items():
    gain = scores["gain_over_baseline_nats_per_event"]
    print(
        f"{name:28s} over {gain['baseline_model']:10s} {gain['value']:.3f} "
        f"[{gain['low']:.3f}, {gain['high']:.3f}]"
    )

# %%
# Does it happen as often as the forecast says?
figure = reliability_figure(trained.evidence["reliability"])

# %%
# What would alarms have missed?
figure = molchan_figure(trained.evidence["molchan"])
