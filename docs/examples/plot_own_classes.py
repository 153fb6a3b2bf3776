"""
Your own classes from a few clicks
==================================

The units that a survey maps are rarely those that a rule defines. Here is a made-up landscape whose
units are known cell for cell, fifteen clicks in each, and what can be learned from them.
"""

# %%
# Eight units, each with a texture of its own, on one relief that all of them share.
import numpy as np

from graben.landforms import LANDSCAPE_UNITS, FewLabels, Labels, landscape
from graben.landforms.figures import draw_classes

made = landscape(seed=3)
dem, truth = made["elevation"], made["unit"].to_numpy()
figure = draw_classes(truth, dem, LANDSCAPE_UNITS, "The units as they are")

# %%
# A file of points or polygons is read with ``read_labels``; these clicks are drawn at random.
random = np.random.default_rng(0)
codes = np.repeat(np.arange(1, 9, dtype=np.uint8), 15)
cells = [random.choice(np.flatnonzero(truth == code), 15, replace=False) for code in range(1, 9)]
rows, columns = np.divmod(np.concatenate(cells), truth.shape[1])
names = tuple(one.name for one in LANDSCAPE_UNITS.classes)
model = FewLabels(seed=0).fit(dem, Labels(names, rows, columns, codes, {}))

# %%
# The model scores itself on blocks of land that it was not shown. On a real map that is all there
# is to go by; here the truth is known too. The map is better than the score: it was learned from
# all clicks, and much of it lies near one.
answer = model.predict(dem)
classes = answer["classes"].to_numpy()
right = (classes == truth)[classes > 0].mean()
foreseen = model.evaluation_.scores()["all"]["accuracy"]
print(
    f"held-out accuracy {foreseen.value:.2f} [{foreseen.low:.2f}, {foreseen.high:.2f}]; "
    f"share of the map that is right: {right:.2f}"
)
figure = draw_classes(classes, dem, LANDSCAPE_UNITS, "Learned from fifteen clicks in each unit")

# %%
# What the classes are told by: what answers lose when a group of features is shuffled.
for group, (lost, sd) in sorted(model.importance_.items(), key=lambda one: -one[1][0]):
    print(f"{group:25} {lost:.2f} ± {sd:.2f} nats per label")

# %%
# Where the next clicks would teach most.
from graben.landforms import suggest

print(suggest(model, dem, count=5).drop(columns="class").to_string(index=False))

# %%
# How sure the model is of each cell; it is unsure along borders, and often right to be.
from graben.landforms.figures import draw_field

confidence = answer["confidence"].to_numpy()
sure = confidence > np.nanmedian(confidence)
for name, part in (("more", sure), ("less", ~sure & (classes > 0))):
    print(f"of the half that it is {name} sure of, {(classes == truth)[part].mean():.0%} is right")
figure = draw_field(confidence, dem, "viridis", "probability of the class", "Confidence")
