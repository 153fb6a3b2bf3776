"""Decay in time as a mixture of exponentials: rates and expected counts without pairs.

(t + c)^-(1+omega) exp(-t / tau) = sum over p of w_p exp(-u_p c) exp(-(u_p + 1/tau) t), the
trapezoidal rule for the gamma integral in log u. Relative error below 1e-5 for omega above -0.3 and
t up to several tau.
"""

from dataclasses import dataclass
from typing import Any, Self

import numba
import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma, gamma

from graben.quakes.models.etas_parameters import EtasParameters

LOG_STEP = 0.5
SLOWEST = 1e-11


@dataclass(frozen=True, eq=False)
class DecayMixture:
    """The decay of triggering in time as exponentials.

    Attributes
    ----------
    decay
        u_p + 1/tau, per day.
    weight
        w_p exp(-u_p c).
    by_log_c, by_omega
        Derivatives of the weight.
    taper
        1/tau, per day.
    """

    decay: NDArray[Any]
    weight: NDArray[Any]
    by_log_c: NDArray[Any]
    by_omega: NDArray[Any]
    taper: float

    @classmethod
    def of(cls, parameters: EtasParameters) -> Self:
        """Return the mixture of some parameters."""
        c, taper = 10.0**parameters.log10_c, 10.0**-parameters.log10_tau
        power = 1.0 + parameters.omega
        # exp(-u c) has died out at the last node whatever c is
        nodes = np.arange(np.log(SLOWEST), np.log(45.0 / c) + LOG_STEP, LOG_STEP)
        u = np.exp(nodes)
        weight = LOG_STEP * np.exp(power * nodes - u * c) / gamma(power)
        return cls(u + taper, weight, -u * c * weight, (nodes - digamma(power)) * weight, taper)

    def integral(self, days: NDArray[Any]) -> NDArray[Any]:
        """Integrate the decay from 0 to each number of days."""
        return np.asarray(-np.expm1(-np.multiply.outer(days, self.decay))) @ (
            self.weight / self.decay
        )

    def integral_and_slopes(self, start: NDArray[Any], stop: NDArray[Any]) -> NDArray[Any]:
        """Integrate from start to stop, (event, 4): value, by log c, by omega, by log tau."""
        found = np.empty((start.size, 4))
        table = np.stack([self.weight, self.by_log_c, self.by_omega])
        _integrals(start, stop, self.decay, table, self.taper, found)
        return found

    def counted(
        self,
        entering: NDArray[Any],
        excess: NDArray[Any],
        days: NDArray[Any],
        share: NDArray[Any],
    ) -> NDArray[Any]:
        """Integrate share times triggered rate from moment to moment, in one pass.

        Parameters
        ----------
        entering
            Productivity of the event at each moment, 0 where there is none, (moment,).
        excess
            Its magnitude above completeness, (moment,).
        days, share
            Until the next moment: how long, and the factor of the rate meanwhile, (moment,).

        Returns
        -------
        numpy.ndarray
            The integral, which is its own slope by the logarithm of a common productivity, and its
            slopes by the growth of productivity with excess, by log c, by omega and by log tau,
            (5,).
        """
        found = np.empty((self.decay.size, 3))
        _counts(entering, excess, days, share, self.decay, found)
        value, grown, by_decay = found.T
        return np.array(
            [
                self.weight @ value,
                self.weight @ grown,
                self.by_log_c @ value,
                self.by_omega @ value,
                -self.taper * (self.weight @ by_decay),
            ]
        )


@numba.njit(parallel=True, cache=True)
def _counts(entering, excess, days, share, decay, out):  # type: ignore[no-untyped-def]
    for p in numba.prange(decay.size):
        r = decay[p]
        state = grown = aged = 0.0  # productivity, times excess, and times age, each decayed
        value = by_excess = by_decay = 0.0
        for i in range(days.size):
            state += entering[i]
            grown += entering[i] * excess[i]
            length = days[i]
            if length <= 0:
                continue
            lost = -np.expm1(-length * r)
            left = 1.0 - lost
            part = share[i] * lost / r
            value += part * state
            by_excess += part * grown
            by_decay -= part * aged + share[i] * state * (lost / r - length * left) / r
            aged = (aged + length * state) * left
            state *= left
            grown *= left
        out[p, 0] = value
        out[p, 1] = by_excess
        out[p, 2] = by_decay


@numba.njit(parallel=True, cache=True)
def _integrals(start, stop, decay, table, taper, out):  # type: ignore[no-untyped-def]
    for i in numba.prange(start.size):
        value = by_c = by_omega = by_decay = 0.0
        for p in range(decay.size):
            r = decay[p]
            left = np.exp(-start[i] * r)
            length = stop[i] - start[i]
            lost = -np.expm1(-length * r)
            part = left * lost / r
            value += table[0, p] * part
            by_c += table[1, p] * part
            by_omega += table[2, p] * part
            # d(part)/dr
            slope = (length * left * (1.0 - lost) - start[i] * left * lost - part) / r
            by_decay += table[0, p] * slope
        out[i, 0] = value
        out[i, 1] = by_c
        out[i, 2] = by_omega
        out[i, 3] = -taper * by_decay


@numba.njit(cache=True)
def running_rates(time, produced, decay, weight, split, out):  # type: ignore[no-untyped-def]
    """Follow the triggered rate through the events, in one pass.

    Parameters
    ----------
    time
        Days, ascending, (event,).
    produced
        Each event's productivity over the whole plane, (event,).
    decay, weight
        The mixture.
    split
        A day; what is expected before it is not counted in the increments of the events after it.
    out
        (event, 3), filled with the rate just before each event (of strictly earlier events), what
        was expected since the event before, and the rate just after the event before.
    """
    nodes = decay.size
    state = np.zeros(nodes)
    waiting = np.zeros(nodes)  # of the latest moment; simultaneous events do not see each other
    before = time[0] if time.size else split
    for i in range(time.size):
        length = time[i] - before
        after = 0.0
        if length > 0:
            for p in range(nodes):
                state[p] += waiting[p]
                waiting[p] = 0.0
                after += state[p]
            if before < split < time[i]:
                for p in range(nodes):
                    state[p] *= np.exp(-(split - before) * decay[p])
                length = time[i] - split
        elif i > 0:
            after = out[i - 1, 2]
        expected = 0.0
        rate = 0.0
        for p in range(nodes):
            lost = -np.expm1(-length * decay[p])
            expected += state[p] * lost / decay[p]
            state[p] *= 1.0 - lost
            rate += state[p]
            waiting[p] += produced[i] * weight[p]
        out[i, 0] = rate
        out[i, 1] = expected
        out[i, 2] = after
        before = time[i]
