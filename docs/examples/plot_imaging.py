"""
Faults and horizons of a seismic volume
=======================================

A synthetic survey with exact labels, what a net that has learned from others like it says of its
faults, coherence beside it, fault sticks, and horizons that cross faults. A SEG-Y file of your own
takes the same path through ``graben imaging faults`` and ``graben imaging horizons``.
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
# Another net knows a layer again on the other side of a fault: horizons are followed through seeds
# down one trace. How far they lie from where the generator laid them is printed; seeds in the
# chaotic layers at the top, and where faults cross, lead astray.
from pathlib import Path
from tempfile import TemporaryDirectory

from graben.imaging.horizon_figures import draw_horizons
from graben.imaging.horizon_map import find_horizons, stacked_seeds
from graben.imaging.models.horizons import time_at
from graben.imaging.models.structure import StructureNet
from graben.imaging.models.structure_scores import true_surface
from graben.imaging.resources import seen_by

seeds = stacked_seeds(volume, every=80.0)[1:]
with (
    TemporaryDirectory() as folder,
    seen_by(StructureNet.load(), volume, Path(folder, "seen"), timed=True) as seen,
):
    horizons = find_horizons(volume, seeds, seen)
figure = draw_horizons(volume, horizons)
for one in horizons:
    sample = one.seed.depth / volume.sample_interval
    trace = truth.geologic_time[one.seed.inline - 1, one.seed.crossline - 1]
    laid = true_surface(truth.geologic_time, time_at(trace, sample), truth.salt)
    off = np.abs(one.depth / volume.sample_interval - laid)
    level = np.abs(sample - laid)
    print(
        f"seed at {one.seed.depth:g} ms: {np.nanmean(off):.1f} samples off, a level horizon "
        f"{np.nanmean(level):.1f}"
    )

# %%
# Is a survey like those that the net has learned from? Ten times the noise is not.
from graben.imaging import survey_shift

noise = 10 * np.random.default_rng(0).standard_normal(truth.amplitude.shape)
for name, samples in (("this survey", truth.amplitude), ("noisy", truth.amplitude + noise)):
    shift = survey_shift(in_memory_volume(samples))
    print(f"{name}: more unlike the training than {shift.percentile:.0f} of 100 training surveys")
