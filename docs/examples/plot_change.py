"""
What changed between two epochs
===============================

Five landslides happen in a made-up terrain. The second survey lies three metres east, two south and
half a metre high, and both surveys are noisy. What happened is known, so the answer can be judged.
"""

# %%
# A scar loses what its deposit wins; the errors are of the survey, not of the land.
import numpy as np

from graben.landforms import add_landslides, fractal, measure_change

ground = fractal(300, 300, hurst=0.8, relief=600.0, seed=4, cell=5.0)
made = add_landslides(ground, seed=4, count=5, length=(60.0, 200.0))
random = np.random.default_rng(0)


def surveyed(land):
    """Return the land with the noise of a survey."""
    return land + random.normal(0, 0.15, land.shape).astype(np.float32)


before = surveyed(ground)
after = surveyed(made["elevation"]) + 0.5
after = after.assign_coords(x=after["x"] + 3.0, y=after["y"] - 2.0)

# %%
# The second epoch is moved onto the first by the ground that did not change, which is found; the
# error of the difference is learned there too.
change = measure_change(before, after)
east, north = change.shift
error_east, error_north = change.shift_error
print(f"east {east:.2f} ± {error_east:.2f} m, north {north:.2f} ± {error_north:.2f} m")
print(
    f"spread on stable ground {change.spreads[0]:.2f} m as it came, {change.spreads[1]:.2f} m now"
)

# %%
# Detected is what exceeds the error. Candidates of landslides are areas that were lowered above and
# raised below.
from graben.landforms import geomorphons
from graben.landforms.change_figures import detection_map
from graben.landforms.landslides import candidate_landslides

forms = geomorphons(change.before)["forms"].to_numpy()
found = candidate_landslides(change, forms, geomorphons(change.after)["forms"].to_numpy())
figure = detection_map(change, found)

# %%
# Each volume has a 95 % interval. Landslides that touch are one candidate.
truth = made["landslide"].to_numpy()
for one in found:
    numbers = np.unique(truth[one.cells & (truth > 0)])
    real = float(made["volume"].sel(number=numbers).sum())
    print(
        f"{one.number}: lost {one.eroded.value:6,.0f} m³ [{one.eroded.low:,.0f}, "
        f"{one.eroded.high:,.0f}], in truth {real:,.0f} of {len(numbers)}"
    )

# %%
# The sediment budget tells which landforms of the first epoch lost and won.
from graben.landforms import GEOMORPHONS
from graben.landforms.change_figures import budget_figure
from graben.landforms.sediment import budget

figure = budget_figure(budget(change, forms, GEOMORPHONS.names))
