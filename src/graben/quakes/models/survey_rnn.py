"""A recurrent net on the last 120 months of a place."""

from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from graben.learning import Recipe, Samples, TensorSamples
from graben.learning.nets import RecurrentNet, RecurrentNetConfig
from graben.quakes.models.base import Places
from graben.quakes.models.places import PlaceModel
from graben.quakes.models.samples import PlaceSamples
from graben.quakes.places import chord, unit_vectors
from graben.quakes.rasters import days_since_epoch
from graben.quakes.scene import Scene

MONTHS = 120
DAYS_PER_MONTH = 30
NEAR_KM, FAR_KM = 100.0, 300.0
FEATURES = ("log count within 100 km", "log count within 300 km", "largest magnitude within 100 km")


class SurveyRnn(PlaceModel):
    """Elman's net on the place's last 120 months: counts nearby and around, largest magnitude.

    Parameters
    ----------
    recipe
        How the net is trained.
    """

    name = "survey-rnn"
    fits = "sequences: the monthly history of a place"
    threads = 1

    @classmethod
    def tuned(cls) -> Recipe:
        """Return AdamW with cosine decay and early stopping."""
        return Recipe(
            learning_rate=2e-3,
            schedule="cosine",
            weight_decay=1e-2,
            patience=8,
            max_epochs=20,
            batch_size=64,
            clip=1.0,
        )

    @classmethod
    def classic(cls) -> Recipe:
        """Return the textbook training: weights within 0.01, plain gradient descent."""
        return Recipe.classic()

    def build(self) -> RecurrentNet:
        """Return the untrained net; its initial state is drawn from [-0.1, 0.1]."""
        return RecurrentNet(RecurrentNetConfig(inputs=len(FEATURES), hidden=32, cell="elman"))

    def inputs(
        self,
        scene: Scene,
        times: pd.DatetimeIndex,
        window: NDArray[Any],
        places: Places,
        labels: PlaceSamples | None,
        offset: bool,
    ) -> Samples:
        """Return the monthly sequences, oldest month first."""
        sequences = monthly_history(scene, days_since_epoch(times)[window], places)
        if labels is None:
            return TensorSamples(sequences, np.zeros(len(sequences)))
        chosen = {"offset": labels.offset} if offset else {"weight": labels.weight}
        return TensorSamples(
            sequences, labels.outcome, **{k: torch.as_tensor(v) for k, v in chosen.items()}
        )


def monthly_history(scene: Scene, days: NDArray[Any], places: Places) -> NDArray[Any]:
    """Return what happened around places in the 120 months (30 days each) before each time.

    Parameters
    ----------
    scene
        Its events at or above the source magnitude count.
    days
        Issue times, days since 1970, (sample,).
    places
        Longitude and latitude, (sample,) each.

    Returns
    -------
    numpy.ndarray
        (sample, 120, 3): log(1 + events within 100 km), log(1 + events within 300 km), largest
        magnitude within 100 km above the source magnitude (0 without events). Oldest first.
    """
    events = scene.catalog.select(min_magnitude=scene.source_magnitude).table
    time = days_since_epoch(events["time"])
    excess = events["magnitude"].to_numpy() - scene.source_magnitude + 0.1
    position = unit_vectors(events["longitude"].to_numpy(), events["latitude"].to_numpy())
    centres = unit_vectors(*places)
    tree = cKDTree(position)
    history = np.zeros((len(days), MONTHS, 3), np.float32)
    around = tree.query_ball_point(centres, chord(FAR_KM), return_sorted=True)
    for i, (day, found) in enumerate(zip(days, around, strict=True)):
        far = np.asarray(found, dtype=int)
        age = np.floor((day - time[far]) / DAYS_PER_MONTH).astype(int)
        recent = (time[far] <= day) & (age < MONTHS)
        far, month = far[recent], MONTHS - 1 - age[recent]
        near = np.linalg.norm(position[far] - centres[i], axis=1) <= chord(NEAR_KM)
        history[i, :, 0] = np.log1p(np.bincount(month[near], minlength=MONTHS))
        history[i, :, 1] = np.log1p(np.bincount(month, minlength=MONTHS))
        np.maximum.at(history[i, :, 2], month[near], excess[far[near]])
    return history
