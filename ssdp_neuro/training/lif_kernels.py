"""A layer of LIF neurons over all steps of a sample, forward and back, in one pass each.

Compiled for the CPU. Every function works on the samples ``low..high - 1`` and the steps
``begin..end - 1`` of whole arrays, so samples can be split between threads (no result
depends on how) and a recurrent layer can go step by step.

=================  =============  ======================================================
name               shape          meaning
=================  =============  ======================================================
``given``          ``(B, T, N)``  what is sent to the layer; that of step ``t - late`` is
                                  felt in step ``t``, and nothing before
``current_kept``   ``(N,)``       share of the current that remains after a step
``voltage_kept``   ``(N,)``       share of the membrane potential that remains
``bias``           ``(N,)``       added to the membrane potential in every step
``u``, ``v``       ``(B, N)``     state after the last step, in/out
``resting``        ``(B, N)``     refractory steps left, in/out
``fired``          ``(B, T, N)``  0 and 1, out
``voltage``        ``(B, T, N)``  membrane potential before the reset, out if ``keeps[0]``
``current``        ``(B, T, N)``  current, out if ``keeps[1]``
=================  =============  ======================================================

Real numbers are of the dtype of the arrays throughout (no double constants), in the order
of operations of :meth:`CubaLif.step`, so the results are equal bit by bit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
import numpy as np

from hw_models.arithmetic import STATE_LIMIT

CHUNK = 1024  # neurons at a time: their state stays in the fastest cache over all steps
FAST_SIGMOID, ARC_TANGENT, BOXCAR, TRIANGULAR, MULTI_GAUSSIAN = range(5)


def kernel(function: Callable[..., Any]) -> Any:
    """Compile on first use and keep the result on disk where that can be written."""
    try:
        return numba.njit(nogil=True, error_model="numpy", cache=True)(function)
    except RuntimeError:  # no folder for the cache
        return numba.njit(nogil=True, error_model="numpy")(function)


@kernel
def scan_real(
    given, late, current_kept, voltage_kept, bias, threshold, subtract, refractory,
    u, v, resting, fired, voltage, current, keeps, low, high, begin, end,
):  # fmt: skip
    """Steps of the real-valued neuron; writes state, ``fired`` and what is kept."""
    zero, one = threshold.dtype.type(0), threshold.dtype.type(1)
    limit = threshold[0]
    nothing = np.zeros(CHUNK, given.dtype)
    n_neurons = u.shape[1]
    for b in range(low, high):
        for first in range(0, n_neurons, CHUNK):
            last = min(first + CHUNK, n_neurons)
            u_, v_, rest = u[b, first:last], v[b, first:last], resting[b, first:last]
            ku, kv, extra = current_kept[first:last], voltage_kept[first:last], bias[first:last]
            for t in range(begin, end):
                s = fired[b, t, first:last]
                x = given[b, t - late, first:last] if t >= late else nothing[: last - first]
                # one loop: each further one would pass over the state again
                if refractory == 0 and keeps[0]:
                    p = voltage[b, t, first:last]
                    for i in range(last - first):
                        c = u_[i] * ku[i] + x[i]
                        risen = v_[i] * kv[i] + c + extra[i]
                        u_[i] = c
                        p[i] = risen
                        above = risen > limit
                        s[i] = one if above else zero
                        reset = risen - limit if subtract else zero
                        v_[i] = reset if above else risen
                elif refractory == 0:
                    for i in range(last - first):
                        c = u_[i] * ku[i] + x[i]
                        risen = v_[i] * kv[i] + c + extra[i]
                        u_[i] = c
                        above = risen > limit
                        s[i] = one if above else zero
                        reset = risen - limit if subtract else zero
                        v_[i] = reset if above else risen
                else:
                    for i in range(last - first):
                        u_[i] = u_[i] * ku[i] + x[i]
                    for i in range(last - first):
                        risen = v_[i] * kv[i] + u_[i] + extra[i]
                        v_[i] = v_[i] if rest[i] > 0 else risen
                    if keeps[0]:
                        p = voltage[b, t, first:last]
                        for i in range(last - first):
                            p[i] = v_[i]
                    for i in range(last - first):
                        above = v_[i] > limit and rest[i] == 0
                        s[i] = one if above else zero
                        reset = v_[i] - limit if subtract else zero
                        v_[i] = reset if above else v_[i]
                        left = max(rest[i] - 1, 0)
                        rest[i] = refractory if above else left
                if keeps[1]:
                    made = current[b, t, first:last]
                    for i in range(last - first):
                        made[i] = u_[i]


@kernel
def scan_integer(
    given, late, current_kept, voltage_kept, bias, threshold, subtract, refractory,
    u, v, resting, fired, voltage, current, keeps, low, high, begin, end,
):  # fmt: skip
    """Steps of hw_models/populations.py; state in float64, which holds all its integers."""
    zero, one = fired.dtype.type(0), fired.dtype.type(1)
    limit = threshold[0]
    edge, span = float(STATE_LIMIT), 2.0 * STATE_LIMIT
    nothing = np.zeros(CHUNK, given.dtype)
    n_neurons = u.shape[1]
    for b in range(low, high):
        for first in range(0, n_neurons, CHUNK):
            last = min(first + CHUNK, n_neurons)
            u_, v_, rest = u[b, first:last], v[b, first:last], resting[b, first:last]
            ku, kv, extra = current_kept[first:last], voltage_kept[first:last], bias[first:last]
            for t in range(begin, end):
                s = fired[b, t, first:last]
                x = given[b, t - late, first:last] if t >= late else nothing[: last - first]
                for i in range(last - first):
                    c = np.trunc(u_[i] * ku[i]) + np.float64(x[i]) * 64.0
                    c = c - span if c > edge else c
                    u_[i] = c + span if c <= -edge else c
                    p = np.trunc(v_[i] * kv[i]) + u_[i] + extra[i]
                    p = 1.0 - edge if p < 1.0 - edge else p
                    p = edge - 1.0 if p > edge - 1.0 else p
                    v_[i] = v_[i] if rest[i] > 0 else p
                if keeps[0]:
                    for i in range(last - first):
                        voltage[b, t, first + i] = v_[i]
                if keeps[1]:
                    for i in range(last - first):
                        current[b, t, first + i] = u_[i]
                for i in range(last - first):
                    above = v_[i] > limit and rest[i] == 0
                    s[i] = one if above else zero
                    reset = v_[i] - limit if subtract else 0.0
                    v_[i] = reset if above else v_[i]
                    left = max(rest[i] - 1, 0)
                    rest[i] = refractory if above else left


@kernel
def slopes(kind, settings, voltage, threshold, made):
    """Surrogate derivative by the membrane potential, as in surrogate.py; into ``made``."""
    one = settings.dtype.type(1)
    zero, half = one - one, one / (one + one)
    scale = one / threshold
    n = made.shape[0]
    a = settings[0]
    if kind == FAST_SIGMOID:
        for i in range(n):
            root = one + a * abs((voltage[i] - threshold) * scale)
            made[i] = scale / (root * root)
    elif kind == ARC_TANGENT:
        for i in range(n):
            bent = half * settings.dtype.type(np.pi) * a * ((voltage[i] - threshold) * scale)
            made[i] = scale / (one + bent * bent)
    elif kind == BOXCAR:
        for i in range(n):
            made[i] = scale if abs((voltage[i] - threshold) / threshold) <= half * a else zero
    elif kind == TRIANGULAR:
        for i in range(n):
            height = one - abs((voltage[i] - threshold) * scale) / a
            made[i] = max(height, zero) * settings[1] * scale
    else:
        side, wide = settings[1], a * settings[2]
        density = one / settings.dtype.type(np.sqrt(2 * np.pi))
        for i in range(n):
            x = (voltage[i] - threshold) * scale
            middle = (one + side) * (density / a) * np.exp(-half * (x / a) ** 2)
            right = np.exp(-half * ((x - a) / wide) ** 2)
            left = np.exp(-half * ((x + a) / wide) ** 2)
            made[i] = settings[3] * scale * (middle - side * (density / wide) * (right + left))


@kernel
def scan_back(
    gradient, fired, voltage, current, current_kept, voltage_kept, threshold, gain, edge,
    subtract, detached, refractory, kind, settings, learned,
    back_u, back_v, back_given, late, back_current_kept, back_voltage_kept, back_bias,
    low, high, begin, end,
):  # fmt: skip
    """Gradients, from the last step to the first.

    ``back_u`` and ``back_v`` ``(B, N)`` are the gradients by the state, in/out;
    ``back_given[:, t - late]`` takes that by what is felt in step ``t``, times ``gain``. With
    ``learned``, those by the decays and the bias are added up into ``(B, N)`` each.
    Membrane potentials clipped at ``edge`` let nothing through.
    """
    limit, clipped = threshold[0], edge[0]
    one = threshold.dtype.type(1)
    zero = one - one
    n_neurons = back_u.shape[1]
    slope, unused = np.empty(CHUNK, threshold.dtype), np.empty(CHUNK, threshold.dtype)
    held = np.zeros(CHUNK, np.bool_)  # refractory: v stays as it is, and so does its gradient
    for b in range(low, high):
        for first in range(0, n_neurons, CHUNK):
            last = min(first + CHUNK, n_neurons)
            n = last - first
            gu, gv = back_u[b, first:last], back_v[b, first:last]
            ku, kv = current_kept[first:last], voltage_kept[first:last]
            for t in range(end - 1, begin - 1, -1):
                g, s = gradient[b, t, first:last], fired[b, t, first:last]
                p = voltage[b, t, first:last]
                slopes(kind, settings, p, limit, slope[:n])
                if refractory > 0:
                    held[:n] = False
                    for before in range(max(t - refractory, 0), t):
                        for i in range(n):
                            held[i] |= fired[b, before, first + i] > zero
                    for i in range(n):
                        if held[i]:
                            slope[i] = zero
                out = back_given[b, t - late, first:last] if t >= late else unused[:n]
                for i in range(n):
                    reach = zero if detached else (limit if subtract else p[i]) * gv[i]
                    passed = gv[i] if subtract else gv[i] * (one - s[i])
                    made = passed + (g[i] - reach) * slope[i]
                    made = zero if abs(p[i]) >= clipped else made
                    total = gu[i] * ku[i] + (zero if held[i] else made)
                    gu[i] = total
                    out[i] = total * gain[0]
                    gv[i] = made
                if learned:
                    for i in range(n):
                        if t > 0:
                            back_current_kept[b, first + i] += gu[i] * current[b, t - 1, first + i]
                        if held[i]:
                            continue
                        back_bias[b, first + i] += gv[i]
                        if t > 0:
                            before_, s0 = voltage[b, t - 1, first + i], fired[b, t - 1, first + i]
                            kept = before_ - limit * s0 if subtract else before_ * (one - s0)
                            back_voltage_kept[b, first + i] += gv[i] * kept
                for i in range(n):
                    gv[i] = gv[i] if held[i] else gv[i] * kv[i]
