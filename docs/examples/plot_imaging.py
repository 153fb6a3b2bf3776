"""
Faults of a seismic volume
==========================

A synthetic survey with exact labels, what a net that has learned from others like it says of its
faults, coherence beside it, and fault sticks. A SEG-Y file of your own takes the same path through
``graben imaging faults``.
"""

# %%
# A geological scene is drawn at random and rendered sample by sample: folded layers, faults,
# unconformities, channels, reservoirs. The same seed gives the same survey.
import numpy as np

from graben.imaging import draw_scene, in_memory_volume, render_scene
from graben.imaging.figures import draw_section
from graben.tiling import InMemory

scene = draw_scene(np.random.default_rng(7), "full", (48, 160, 128))
truth = render_scene(scene)
volume = in_memory_volume(truth.amplitude)
figure = draw_section(
    volume, over=InMemory(truth.fault.astype(np.float32)), label="fault", title="The truth"
)

# %%
# The net that ships answers with a calibrated probability. It knows one mean and one standard
# deviation of the whole survey, nothing else.
from graben.imaging.models.faults import FaultNet

net = FaultNet.load("volume")
everything = tuple(slice(0, side) for side in volume.shape)
image = volume.survey_statistics().normalise(volume.read(everything))
found = net.predict(image)
figure = draw_section(volume, over=InMemory(found.probability), title="Probability of a fault")

# %%
# How well is that? Average precision, beside what coherence gives without any learning.
from graben.evaluation import AveragePrecision
from graben.imaging import semblance

average_precision = AveragePrecision()
for name, answer in (
    ("net", found.probability),
    ("1 - semblance", np.clip(1 - semblance(image), 0, 1)),
):
    print(f"{name:14} {average_precision.compute(answer, truth.fault):.2f}")
print(f"{'chance':14} {truth.fault.mean():.2f}")

# %%
# Thinned to crests, the probability is followed into fault sticks.
from graben.imaging.ridges import thin
from graben.imaging.sticks import find_sticks

crests = thin(found.probability)
sticks = find_sticks(volume, InMemory(crests), every=8)
print(len(sticks), "sticks along", len({stick.fault for stick in sticks}), "faults")
figure = draw_section(volume, over=InMemory(crests), title="Thinned faults")

# %%
# The throw is known as well, and can be taken away: the same layers, noise and wavelet with half
# and with none of the slip.
for factor in (1.0, 0.5, 0.0):
    less = render_scene(scene.with_slip(factor))
    seen = net.predict(less.amplitude).probability
    print(f"slip times {factor}: mean probability at the faults {seen[truth.fault].mean():.2f}")

# %%
# Is a survey like those that the net has learned from? Ten times the noise is not.
from graben.imaging import survey_shift

noise = 10 * np.random.default_rng(0).standard_normal(truth.amplitude.shape)
for name, samples in (("this survey", truth.amplitude), ("noisy", truth.amplitude + noise)):
    shift = survey_shift(in_memory_volume(samples))
    print(f"{name}: more unlike the training than {shift.percentile:.0f} of 100 training surveys")
