"""
What to know of a catalogue before trusting it
==============================================

Completeness, fixed depths, gaps and b-values of the catalogue that ships. From the command line:
``graben quakes check --out checked``.
"""

from graben.quakes import embedded_catalog
from graben.quakes.figures import magnitude_frequency, magnitude_time
from graben.quakes.quality import check_catalog

catalog = embedded_catalog("usgs-anatolia-m3.5")
report = check_catalog(catalog)
for window in report.completeness:
    print(
        f"{window.start:%Y}-{window.end:%Y}: {window.events:5d} events, complete from "
        f"M {window.maximum_curvature:.1f}, b {window.b_value.value:.2f}"
    )

# %%
# The floor of the source jumps from era to era:
figure = magnitude_time(catalog)

# %%
figure = magnitude_frequency(catalog)
