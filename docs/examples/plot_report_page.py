"""
A page to forward
=================

`graben.report` makes one HTML file from texts, tables and pictures. It needs no network and no
script, prints well, fits a phone, and can be read with a screen reader.
"""

# %%
# Take a catalogue that ships, and count the earthquakes of each year.
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt

from graben.quakes import Region, embedded_catalog
from graben.report import Picture, Section, Table, Text, write_page

anatolia = Region(24, 34, 46, 43)
catalog = embedded_catalog().select(min_magnitude=5.0, region=anatolia)
by_year = catalog.table.groupby(catalog.table["time"].dt.year).size()

figure, axes = plt.subplots(figsize=(9, 3), layout="constrained")
axes.bar(by_year.index, by_year, color="#8a3d14")
axes.set(ylabel="earthquakes a year", title="M ≥ 5.0 in 24-46°E 34-43°N")

# %%
# A picture carries the words that replace it for those who cannot see it; a table is plain Python.
busiest = by_year.nlargest(5)
largest = catalog.table.groupby(catalog.table["time"].dt.year)["magnitude"].max()
picture = Picture(
    figure,
    alt=f"Bars of the number of earthquakes a year, highest in {busiest.index[0]}.",
    caption="Earthquakes of magnitude 5.0 or more in each year.",
    name="by_year",
)
table = Table(
    "The busiest years",
    ("year", "M ≥ 5.0", "largest"),
    tuple((year, count, largest[year]) for year, count in busiest.items()),
    highlight=(0,),
)

# %%
# Sections make the contents of the page; the facts at its end are what is needed to redo it.
text = Text(("A large shock brings its aftershocks within the year.",))
page = Path(tempfile.mkdtemp()) / "report.html"
write_page(
    page,
    "Anatolia since 1973",
    f"{len(catalog)} earthquakes of magnitude 5.0 or more",
    [Section("Year by year", (picture,)), Section("The busiest years", (text, table))],
    {"catalogue": catalog.source, "sha256": catalog.sha256()},
)
print(f"{page.name}: {page.stat().st_size / 1e3:.0f} kB, in one file")
