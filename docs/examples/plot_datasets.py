"""
Catalogue and terrain that ship
===============================

The data of the main job are inside the package: a catalogue, an elevation model, and a coast. Here
they meet on one map, drawn in seconds without a network.
"""

# %%
# Elevation comes as a plain `xarray.DataArray`, the coast as arrays of longitude and latitude.
import matplotlib.pyplot as plt

from graben.datasets import load_coastline, load_elevation
from graben.quakes import Region, embedded_catalog

elevation = load_elevation("globe-anatolia")
print(dict(elevation.sizes), elevation.rio.crs)

# %%
# The catalogue is a validated table that knows its source and the period it covers.
anatolia = Region(24, 34, 46, 43)
large = embedded_catalog().select(min_magnitude=6.0, region=anatolia)
print(large.source)
print(f"{len(large)} earthquakes of M 6 or more, {large.start:%Y} to {large.end:%Y}")

# %%
# Fifty years of large earthquakes trace the Hellenic arc and the Anatolian faults.
land = elevation.where(elevation > 0)[::4, ::4]
longitude, latitude = large.table["longitude"], large.table["latitude"]
area = 10 ** (large.table["magnitude"] - 5)

figure, axes = plt.subplots(figsize=(10, 4.6), layout="constrained")
land.plot(ax=axes, cmap="Greys", vmin=0, vmax=5000)
for line in load_coastline():
    axes.plot(line[:, 0], line[:, 1], color="black", linewidth=0.6)
axes.scatter(longitude, latitude, area, facecolor="none", edgecolor="#b03a00", linewidth=1.5)
axes.set(xlim=(24, 46), ylim=(34, 43), aspect=1.28, title="M ≥ 6.0 since 1973")
axes.set(xlabel="longitude, degrees", ylabel="latitude, degrees")
plt.show()
