"""The likelihood of space-time ETAS on a sequence, with the slopes of all its parameters."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from graben.quakes.models.etas_kernels import SUMS, pair_rates, pair_slopes
from graben.quakes.models.etas_parameters import EtasParameters
from graben.quakes.models.etas_time import DecayMixture
from graben.quakes.models.fisher import Likelihood
from graben.quakes.sequence import EventSequence

if TYPE_CHECKING:
    from graben.quakes.models.strike import Strikes

LN10 = np.log(10.0)
LN2 = np.log(2.0)
LOG2_E = np.log2(np.e)
# the order of the parameters of triggering, each on a natural scale, and the bounds of each
TRIGGERING = ("log_k0", "a", "log_c", "omega", "log_tau", "log_d", "gamma", "rho", "anisotropy")
LOWEST = np.array([-30.0, 0.0, -15.0, -0.6, 1.0, -9.0, -1.0, 0.05, -2.0])
HIGHEST = np.array([5.0, 5.0, 3.0, 2.0, 16.0, 6.0, 4.0, 4.0, 3.0])
EVER = 2**62
LOWEST_LOG_RATE, HIGHEST_LOG_RATE = -18.0, 12.0


@dataclass(frozen=True, eq=False)
class Triggering:
    """ETAS triggering, and how far it is stretched along the strike of each parent.

    Attributes
    ----------
    parameters
        Of ETAS; the background's rate is not used here.
    anisotropy
        0 is isotropic; r2 becomes u2 exp(-anisotropy g) + w2 exp(anisotropy g), u along and w
        across a strike of strength g. The area of the kernel does not change.
    """

    parameters: EtasParameters
    anisotropy: float = 0.0

    def vector(self) -> NDArray[Any]:
        """Return the parameters in the order of `TRIGGERING`."""
        p = self.parameters
        return np.array(
            [
                p.log10_k0 * LN10,
                p.a,
                p.log10_c * LN10,
                p.omega,
                p.log10_tau * LN10,
                p.log10_d * LN10,
                p.gamma,
                p.rho,
                self.anisotropy,
            ]
        )

    @classmethod
    def of(cls, vector: NDArray[Any], log10_mu: float) -> "Triggering":
        """Return the triggering of a vector in the order of `TRIGGERING`."""
        log_k0, a, log_c, omega, log_tau, log_d, gamma, rho, anisotropy = map(float, vector)
        return cls(
            EtasParameters(
                log10_mu,
                log_k0 / LN10,
                a,
                log_c / LN10,
                omega,
                log_tau / LN10,
                log_d / LN10,
                gamma,
                rho,
            ),
            anisotropy,
        )

    def produced(self, excess: NDArray[Any]) -> NDArray[Any]:
        """Return each event's productivity over the whole plane, before the decay in time."""
        p = self.parameters
        log_core = p.log10_d * LN10 + p.gamma * excess
        return np.asarray(
            np.pi / p.rho * np.exp(p.log10_k0 * LN10 + p.a * excess - p.rho * log_core)
        )

    def kernels(
        self, sequence: EventSequence, strikes: "Strikes | None"
    ) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return `sources` and `law` as `etas_kernels` takes them."""
        p, excess = self.parameters, sequence.excess
        half = np.radians(sequence.latitude) / 2
        strength = np.zeros(len(sequence)) if strikes is None else strikes.strength
        east = np.ones(len(sequence)) if strikes is None else strikes.east
        north = np.zeros(len(sequence)) if strikes is None else strikes.north
        rows = [
            sequence.east_km,
            sequence.north_km,
            np.cos(half),
            np.sin(half),
            excess,
            (p.log10_k0 * LN10 + p.a * excess) * LOG2_E,
            np.exp(p.log10_d * LN10 + p.gamma * excess),
            east,
            north,
            np.exp(-self.anisotropy * strength),
            np.exp(self.anisotropy * strength),
            strength,
        ]
        law = [10.0**p.log10_c, LOG2_E * 10.0**-p.log10_tau, 1 + p.omega, 1 + p.rho]
        return np.array(rows, np.float32), np.array(law, np.float32)

    def rates_at(
        self,
        sequence: EventSequence,
        strikes: "Strikes | None",
        events: NDArray[Any],
        ranks: tuple[int, ...] = (0, EVER),
    ) -> NDArray[Any]:
        """Return the triggered rate at epicentres, per day and km2, (event, class of ranks)."""
        found = np.empty((events.size, len(ranks) - 1))
        pair_rates(
            events,
            sequence.history,
            np.array(ranks, np.int64),
            sequence.time,
            *self.kernels(sequence, strikes),
            found,
        )
        return found


@dataclass(frozen=True, eq=False)
class EtasLikelihood:
    """Log-likelihood of some target events, standing for all of a period.

    Attributes
    ----------
    sequence
        The events.
    targets
        Numbers of the targets, a sample of those of the period or all.
    period
        First and last day. Where completeness varies in time, targets are the share of all events
        that the sequence says, and so are the expected ones.
    expected_targets
        How many events the period holds: each target has the weight of this over their number.
    maps
        Density of each background map at each target, per km2, (target, map).
    strikes
        Of each event; without them triggering is isotropic and its anisotropy stays 0.
    """

    sequence: EventSequence
    targets: NDArray[Any]
    period: tuple[float, float]
    expected_targets: int
    maps: NDArray[Any]
    strikes: "Strikes | None" = None

    @property
    def bounds(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """Lowest and highest values of log rates of the maps, then of `TRIGGERING`."""
        count = self.maps.shape[1]
        low = np.concatenate([np.full(count, LOWEST_LOG_RATE), LOWEST])
        high = np.concatenate([np.full(count, HIGHEST_LOG_RATE), HIGHEST])
        if self.strikes is None:
            low[-1] = high[-1] = 0.0
        return low, high

    @cached_property
    def _before(self) -> int:
        return int(np.searchsorted(self.sequence.time, self.period[1]))

    @cached_property
    def _moments(self) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        """Events before the end and bounds of pieces of completeness, in the order of time.

        Their order before sorting, events first; the days to the next one; and the share of events
        that counts meanwhile, none before the period.
        """
        start, end = self.period
        time = self.sequence.time[: self._before]
        moments = np.concatenate([time, self.sequence.pieces(start, end)])
        order = np.argsort(moments, kind="stable")
        moments = moments[order]
        share = self.sequence.reported_share(np.append(moments[1:], end)) * (moments >= start)
        return order, np.diff(moments, append=end), share

    @cached_property
    def _log_shares(self) -> float:
        time = self.sequence.time[self.targets]
        return float(np.log(self.sequence.reported_share(time)).sum())

    def __call__(self, at: NDArray[Any]) -> Likelihood:
        """Return the likelihood at log rates of the maps (per day), then `TRIGGERING`."""
        count = self.maps.shape[1]
        log_rates, vector = at[:count], at[count:]
        triggering = Triggering.of(vector, 0.0)
        background = self.maps * np.exp(log_rates)
        sums = self._pair_sums(triggering)
        intensity = sums[:, 0] + background.sum(axis=1)
        with np.errstate(divide="ignore"):
            logs = np.log(intensity)
        slopes = np.column_stack([background, _by_parameter(sums, vector)]) / intensity[:, None]
        expected, by_parameter = self._expected(triggering, vector)
        rates = np.exp(log_rates) * self.days
        weight = self.expected_targets / self.targets.size
        total = weight * (logs.sum() + self._log_shares) - expected - rates.sum()
        gradient = weight * slopes.sum(axis=0) - np.concatenate([rates, by_parameter])
        information = weight * (slopes.T @ slopes)
        n = self.expected_targets
        return Likelihood(float(total / n), gradient / n, information / n)

    def _pair_sums(self, triggering: Triggering) -> NDArray[Any]:
        sums = np.empty((self.targets.size, SUMS))
        pair_slopes(
            self.targets,
            self.sequence.history,
            self.sequence.time,
            *triggering.kernels(self.sequence, self.strikes),
            sums,
        )
        return sums

    def _expected(self, triggering: Triggering, vector: NDArray[Any]) -> tuple[float, NDArray[Any]]:
        """Return how many triggered events the period is expected to hold, and its slopes."""
        order, days, share = self._moments
        excess = self.sequence.excess[: self._before]
        bounds = np.zeros(order.size - excess.size)
        total, grown, *in_time = DecayMixture.of(triggering.parameters).counted(
            np.append(triggering.produced(excess), bounds)[order],
            np.append(excess, bounds)[order],
            days,
            share,
        )
        rho, gamma, log_d = vector[7], vector[6], vector[5]
        return float(total), np.array(
            [
                total,
                grown,
                *in_time,
                -rho * total,
                -rho * grown,
                -(1 / rho + log_d) * total - gamma * grown,
                0.0,
            ]
        )

    @property
    def days(self) -> float:
        """Length of the period, each moment weighted by the share of events that counts."""
        start, end = self.period
        return float(self.sequence.reported_days(start, np.array(end)))

    def thinned(self, count: int) -> "EtasLikelihood":
        """Return the likelihood of at most `count` targets, evenly spaced, standing for all."""
        if count >= self.targets.size:
            return self
        chosen = ((np.arange(count) + 0.5) * self.targets.size / count).astype(np.int64)
        return replace(self, targets=self.targets[chosen], maps=self.maps[chosen])


def _by_parameter(sums: NDArray[Any], vector: NDArray[Any]) -> NDArray[Any]:
    """Return slopes of the triggered rate by `TRIGGERING`, (target, 9), from the pair sums."""
    decay, spread, c = 1 + vector[3], 1 + vector[7], np.exp(vector[2])
    return np.column_stack(
        [
            sums[:, 0],
            sums[:, 1],
            -decay * c * sums[:, 2],
            -LN2 * sums[:, 3],
            LN2 * sums[:, 4],
            -spread * sums[:, 5],
            -spread * sums[:, 6],
            -LN2 * sums[:, 7],
            -spread * sums[:, 8],
        ]
    )
