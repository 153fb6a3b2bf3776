"""Sums over pairs of earthquakes in single precision (numba); float64 twins are in the tests.

Logarithm and exponential are polynomials (relative error below 1e-7), so that the loop over the
past runs in the vector units; the sums of 1,024 pairs are gathered in double precision.
"""

from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba import float32, int32, types
from numba.extending import intrinsic

SLICE = 1024
SUMS = 9
_ONE = np.float32(1)
_SQRT_HALF_BITS = np.int32(0x3F3504F3)


@intrinsic
def _bits_of(typing: Any, value: Any) -> Any:
    """Return the bits of a float32 as an int32."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], ir.IntType(32))

    return types.int32(types.float32), generate


@intrinsic
def _float_of(typing: Any, bits: Any) -> Any:
    """Return the float32 of an int32's bits."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], ir.FloatType())

    return types.float32(types.int32), generate


@numba.njit(fastmath=True, error_model="numpy")
def log2_single(x):  # type: ignore[no-untyped-def]
    """Return the binary logarithm of a positive normal float32."""
    bits = _bits_of(float32(x))  # type: ignore[call-arg, var-annotated]
    exponent = int32(int32(bits - _SQRT_HALF_BITS) >> int32(23))
    mantissa = int32(bits - int32(exponent << int32(23)))
    z = _float_of(mantissa) - _ONE
    p = float32(0.1258369833022065)
    p = p * z + float32(-0.20726972863795623)
    p = p * z + float32(0.2157156111015047)
    p = p * z + float32(-0.2389448241204685)
    p = p * z + float32(0.2879162478925719)
    p = p * z + float32(-0.36070368269185943)
    p = p * z + float32(0.48091064294789043)
    p = p * z + float32(-0.7213473468045345)
    p = p * z + float32(1.4426950036524113)
    return float32(exponent) + z * p


@numba.njit(fastmath=True, error_model="numpy")
def exp2_single(x):  # type: ignore[no-untyped-def]
    """Return 2 to the power of a float32; the exponent is held within -120 and 120."""
    x = min(max(x, float32(-120)), float32(120))
    whole = int32(int32(x + float32(200.5)) - int32(200))
    f = x - float32(whole)
    p = float32(0.00015353361959569156)
    p = p * f + float32(0.0013398873852565885)
    p = p * f + float32(0.00961843691766262)
    p = p * f + float32(0.055503323674201965)
    p = p * f + float32(0.24022647738456726)
    p = p * f + float32(0.6931471824645996)
    p = p * f + _ONE
    power = int32(int32(whole + int32(127)) << int32(23))
    return p * _float_of(power)  # type: ignore[call-arg]


@numba.njit(fastmath=True, error_model="numpy", cache=True)
def _rate_and_slopes(  # type: ignore[no-untyped-def]
    at, law, time, east, north, cosine, sine, excess, produced, core, ux, uy, along, across, bend
):
    """Sum over a slice of the past: the rate, and its parts as `pair_slopes` lists them."""
    s0 = s1 = s2 = s3 = s4 = s5 = s6 = s7 = s8 = float32(0)
    now, x, y, cos_here, sin_here = at
    c, taper, decay, spread = law
    for j in range(time.shape[0]):
        age = float32(now - time[j])
        dx = (x - east[j]) * (cos_here * cosine[j] - sin_here * sine[j])
        dy = y - north[j]
        u = dx * ux[j] + dy * uy[j]
        u = u * u
        w = (dx * dx + dy * dy - u) * across[j]
        u = u * along[j]
        squared = u + w + core[j]
        delayed = age + c
        log_squared = log2_single(squared)
        log_delayed = log2_single(delayed)
        tapered = age * taper
        k = exp2_single(produced[j] - tapered - decay * log_delayed - spread * log_squared)
        by_squared = k / squared
        cored = by_squared * core[j]
        s0 += k
        s1 += k * excess[j]
        s2 += k / delayed
        s3 += k * log_delayed
        s4 += k * tapered
        s5 += cored
        s6 += cored * excess[j]
        s7 += k * log_squared
        s8 += by_squared * bend[j] * (w - u)
    return s0, s1, s2, s3, s4, s5, s6, s7, s8


@numba.njit(fastmath=True, error_model="numpy", cache=True)
def _rate(  # type: ignore[no-untyped-def]
    at, law, time, east, north, cosine, sine, produced, core, ux, uy, along, across
):
    total = float32(0)
    now, x, y, cos_here, sin_here = at
    c, taper, decay, spread = law
    for j in range(time.shape[0]):
        age = float32(now - time[j])
        dx = (x - east[j]) * (cos_here * cosine[j] - sin_here * sine[j])
        dy = y - north[j]
        u = dx * ux[j] + dy * uy[j]
        u = u * u
        w = dx * dx + dy * dy - u
        total += exp2_single(
            produced[j]
            - age * taper
            - decay * log2_single(age + c)
            - spread * log2_single(u * along[j] + w * across[j] + core[j])
        )
    return total


@numba.njit(parallel=True, cache=True)
def pair_slopes(targets, past, time, sources, law, out):  # type: ignore[no-untyped-def]
    """Fill (target, 9): the triggered rate at each target's epicentre, and what its slopes need.

    Columns: sum of k; of k times excess magnitude; k / (t + c); k log2(t + c); k t log2(e) / tau;
    k core / (r2 + core); that times excess; k log2(r2 + core); k times the slope of r2 with the
    anisotropy over (r2 + core), with its sign turned.

    Parameters
    ----------
    targets
        Numbers of events, ascending.
    past
        How many events are strictly earlier than each event, (event,).
    time
        Days, float64, (event,).
    sources
        float32, (12, event): east and north in km; cosine and sine of half the latitude; excess
        magnitude; log2 of the productivity; core in km2; strike's east and north; factors along
        and across strike; strength of the strike.
    law
        float32: c in days, log2(e) / tau, 1 + omega, 1 + rho.
    """
    east, north, cosine, sine = sources[0], sources[1], sources[2], sources[3]
    excess, produced, core = sources[4], sources[5], sources[6]
    ux, uy, along, across, bend = sources[7], sources[8], sources[9], sources[10], sources[11]
    by = (law[0], law[1], law[2], law[3])
    last_target = targets.size - 1
    for turn in numba.prange(targets.size):
        # early targets have little past and late ones much: by turns, so that cores share evenly
        q = turn // 2 if turn % 2 == 0 else last_target - turn // 2
        i = targets[q]
        at = (time[i], east[i], north[i], cosine[i], sine[i])
        out[q] = 0.0
        for b in range(0, past[i], SLICE):
            e = min(b + SLICE, past[i])
            found = _rate_and_slopes(
                at,
                by,
                time[b:e],
                east[b:e],
                north[b:e],
                cosine[b:e],
                sine[b:e],
                excess[b:e],
                produced[b:e],
                core[b:e],
                ux[b:e],
                uy[b:e],
                along[b:e],
                across[b:e],
                bend[b:e],
            )
            out[q, 0] += found[0]
            out[q, 1] += found[1]
            out[q, 2] += found[2]
            out[q, 3] += found[3]
            out[q, 4] += found[4]
            out[q, 5] += found[5]
            out[q, 6] += found[6]
            out[q, 7] += found[7]
            out[q, 8] += found[8]


@numba.njit(parallel=True, cache=True)
def pair_rates(targets, past, ranks, time, sources, law, out):  # type: ignore[no-untyped-def]
    """Fill (target, class): the rate at each target's epicentre triggered by classes of the past.

    Class c holds the events of ranks `ranks[c]`.. `ranks[c + 1]` counted back from the target, the
    latest of its past being rank 0. The rest is as of `pair_slopes`.
    """
    east, north, cosine, sine = sources[0], sources[1], sources[2], sources[3]
    produced, core = sources[5], sources[6]
    ux, uy, along, across = sources[7], sources[8], sources[9], sources[10]
    by = (law[0], law[1], law[2], law[3])
    last_target = targets.size - 1
    for turn in numba.prange(targets.size):
        # early targets have little past and late ones much: by turns, so that cores share evenly
        q = turn // 2 if turn % 2 == 0 else last_target - turn // 2
        i = targets[q]
        at = (time[i], east[i], north[i], cosine[i], sine[i])
        for k in range(ranks.size - 1):
            first = max(0, past[i] - ranks[k + 1])
            last = max(0, past[i] - ranks[k])
            total = 0.0
            for b in range(first, last, SLICE):
                e = min(b + SLICE, last)
                total += _rate(
                    at,
                    by,
                    time[b:e],
                    east[b:e],
                    north[b:e],
                    cosine[b:e],
                    sine[b:e],
                    produced[b:e],
                    core[b:e],
                    ux[b:e],
                    uy[b:e],
                    along[b:e],
                    across[b:e],
                )
            out[q, k] = total
