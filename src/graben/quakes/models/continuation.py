"""What a fitted point process simulates from at an issue time."""

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graben.errors import ModelError
from graben.quakes.models.etas import Etas
from graben.quakes.models.etas_components import RANKS
from graben.quakes.models.etas_likelihood import EVER, Triggering
from graben.quakes.models.hybrid_etas import HybridEtas, MappedEtas
from graben.quakes.models.magnitudes import TaperedGutenbergRichter
from graben.quakes.models.point_process import PointProcess
from graben.quakes.models.simulated_catalogs import Sources
from graben.quakes.models.simulation import BranchingProcess
from graben.quakes.models.spatial_mixture import SpatialMixture
from graben.quakes.models.strike import strikes_of
from graben.quakes.sequence import EventSequence


class Continuations:
    """A fitted process and a sequence, ready to be continued from any day of it.

    The gates of `HybridEtas`, as they stand at the issue time, multiply background and observed
    sources throughout the horizon; simulated events trigger without gates. On 100 days of
    California, 1998-2006, by a model fitted before, the numbers of a day had so a higher
    log-probability than without gates, by 0.06 (0.03 to 0.09), or with the roots of the gates, by
    0.03 (0.00 to 0.06); the places told no difference.

    Parameters
    ----------
    process
        `Etas`, `MappedEtas` or `HybridEtas`, fitted.
    sequence
        What happened; only events before a day enter the continuation from that day.

    Raises
    ------
    ModelError
        The process is of another kind, or the sequence holds events below completeness.
    """

    def __init__(self, process: PointProcess, sequence: EventSequence) -> None:
        if not isinstance(process, Etas | MappedEtas):
            raise ModelError(
                f"expected an ETAS model to continue a catalogue, got {process.name}. Use etas, "
                "mapped-etas or hybrid-etas."
            )
        if not sequence.is_target.all():
            raise ModelError(
                "expected a sequence of events above completeness to continue, got smaller ones "
                "that are sources alone, which a simulation cannot draw. Leave them out."
            )
        self.process = process
        self.sequence = sequence

    def at(self, day: float) -> tuple[BranchingProcess, Sources]:
        """Return the process and the sources from `day` on, days since the auxiliary start.

        Raises
        ------
        ModelError
            The branching ratio is 1 or more.
        """
        known = int(np.searchsorted(self.sequence.time, day))
        triggering = self._triggering
        gates = self._gates(known)
        ranks = known - 1 - np.arange(known)
        of_rank = np.searchsorted((*RANKS[1:], EVER), ranks, side="right")
        east, north, strength = self._strikes
        sources = Sources(
            day - self.sequence.time[:known],
            self.sequence.longitude[:known],
            self.sequence.latitude[:known],
            self.sequence.excess[:known],
            gates[2:][of_rank],
            (east[:known], north[:known], strength[:known]),
        )
        background = self._background(known, gates[:2])
        branching = BranchingProcess(
            triggering.parameters, background, self._magnitudes, triggering.anisotropy
        )
        return branching, sources

    @property
    def _triggering(self) -> Triggering:
        if isinstance(self.process, Etas):
            return self.process.triggering_
        return self.process.fitted_.triggering

    @cached_property
    def _magnitudes(self) -> TaperedGutenbergRichter:
        return TaperedGutenbergRichter.of(self.sequence)

    @cached_property
    def _strikes(self) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        if self._triggering.anisotropy == 0:
            count = len(self.sequence)
            return np.ones(count), np.zeros(count), np.zeros(count)
        return strikes_of(self.sequence)

    @cached_property
    def _weights(self) -> NDArray[Any]:
        """Of all events as sources of the maps; none depends on later events."""
        if isinstance(self.process, Etas):
            return np.empty((len(self.sequence), 0))
        return self.process.weights(self.sequence, len(self.sequence))

    def _background(self, known: int, gates: NDArray[Any]) -> SpatialMixture:
        if isinstance(self.process, Etas):
            nothing = np.empty(0)
            rate = self.process.background_rate_
            return SpatialMixture(self.sequence.polygon, rate, nothing, nothing, nothing, nothing)
        fine, coarse = self.process.parted_rates().T * gates[:, None]
        return self.process.background.mixture(self.sequence, self._weights, fine + coarse, known)

    @cached_property
    def _all_gates(self) -> NDArray[Any] | None:
        """Of each interval from the training start on; None for a model without gates."""
        if not isinstance(self.process, HybridEtas):
            return None
        return np.exp(self.process.log_gates(self.sequence))

    def _gates(self, known: int) -> NDArray[Any]:
        """Return the gates in the interval after the first `known` events, (component,)."""
        if self._all_gates is None:
            return np.ones(2 + len(RANKS))
        after = known - self.sequence.training.start
        if after < 0:
            raise ModelError(
                "expected an issue time after the training start, before which the gates know "
                "nothing; choose a later one, or use mapped-etas."
            )
        found: NDArray[Any] = self._all_gates[after]
        return found
