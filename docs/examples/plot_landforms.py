"""
Landforms, and why
==================

Every cell of an elevation model gets one of ten forms from what is seen of it in eight directions.
Here is the land around Mount Ararat and Lake Van, from the elevation model that ships (30
arc-seconds), how the forms change with the distance that one looks, and why a cell has its form.
"""

# %%
# Elevation models keep their own coordinates; sea and other voids are NaN. What ships goes by its
# name, your own by its path.
from graben.landforms import DemFile, read_dem

window = slice(540, 840), slice(2280, 2640)  # rows from the north, columns from the west
dem = read_dem("globe-anatolia", window=window)
print(
    f"{dem.sizes['y']} rows, {dem.sizes['x']} columns, {float(dem.min())} to {float(dem.max())} m"
)

# %%
# Ten cells far are nine kilometres here. Legend and colours are those of the GeoTIFFs that
# ``graben landforms forms`` writes.
from graben.landforms import GEOMORPHONS, Sighting, geomorphons
from graben.landforms.figures import draw_classes

forms = geomorphons(dem)["forms"]
figure = draw_classes(forms.to_numpy(), dem, GEOMORPHONS, "Landforms, looking 9 km far")

# %%
# Looking farther, plains turn out to be the floors of valleys.
from graben.landforms.figures import shares_of

for search in (3, 10, 40):
    found = geomorphons(dem, Sighting(search=search))["forms"]
    shares = shares_of(found.to_numpy(), GEOMORPHONS)
    largest = sorted(GEOMORPHONS.classes, key=lambda one: -shares[one.code])[:4]
    print(f"{search:3} cells: {', '.join(f'{one.name} {shares[one.code]:.0%}' for one in largest)}")

figure = draw_classes(found.to_numpy(), dem, GEOMORPHONS, "The same, looking 37 km far")

# %%
# Why is a cell what it is? Along each of eight lines of sight, the steepest angle up and the
# steepest angle down are weighed against each other. This cell lies on a flank of Ararat.
from graben.landforms import cell_at, explain_cell
from graben.landforms.explained_page import verdict_sentence
from graben.landforms.ray_figures import draw_profiles, draw_rays

model = DemFile("globe-anatolia")
why = explain_cell(model, cell_at(model, 44.27, 39.73))
print(verdict_sentence(why))
figure = draw_rays(why, dem.sel(x=slice(44.1, 44.45), y=slice(39.9, 39.55)))

# %%
# The same lines as profiles.
figure = draw_profiles(why)

# %%
# From the same lines of sight follow how open the land is: the share of the sky that is seen.
from graben.landforms.figures import draw_field

sky = geomorphons(dem, outputs=("sky_view",))["sky_view"]
figure = draw_field(sky.to_numpy(), dem, "viridis", "sky-view factor", "How much sky is seen")
