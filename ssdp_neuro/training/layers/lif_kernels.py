"""A layer of LIF neurons over all steps of a sample, forward and back, in one pass each.

Compiled for the CPU. A sample is taken in chunks of neurons whose state stays in the fastest
cache over all steps. Nothing but spikes is written going forward; going back, the membrane
potentials of a chunk are computed once more, which costs less than to keep them. Every
function works on the samples ``low..high - 1``, so they can be split between threads; no
result depends on how.

=================  =============  ======================================================
name               shape          meaning
=================  =============  ======================================================
``given``          ``(B, T, N)``  what is sent to the layer; that of step ``t - late`` is
                                  felt in step ``t``, and nothing before
``current_kept``   ``(N,)``       share of the current that remains after a step
``voltage_kept``   ``(N,)``       share of the membrane potential that remains
``bias``           ``(N,)``       added to the membrane potential in every step
``threshold``      ``(1,)``       in the unit of the state, in its dtype
``mode``           tuple          ``(subtract, refractory, memoryless, integers)``
``u``, ``v``       ``(B, N)``     state after the last step, in/out
``resting``        ``(B, N)``     refractory steps left, in/out
``fired``          ``(B, T, N)``  0 and 1
``voltage``        ``(B, T, N)``  membrane potential before the reset
=================  =============  ======================================================

Real numbers are of the dtype of the arrays throughout (no double constants), in the order
of operations of :meth:`CubaLif.step`, so the results are equal bit by bit.

All kernels are in one file, for Numba's cache notices no change of a kernel in another.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
import numpy as np

from hw_models.arithmetic import STATE_LIMIT
from ssdp_neuro.compile_notice import announce_compiling

CHUNK = 1024  # neurons at a time
KEPT_VALUES = 2**16  # of a chunk over all steps going back, for the second cache
FAST_SIGMOID, ARC_TANGENT, BOXCAR, TRIANGULAR, MULTI_GAUSSIAN = range(5)


def kernel(function: Callable[..., Any]) -> Any:
    """Compile on first use and keep the result on disk where that can be written."""
    announce_compiling()
    options = {"nogil": True, "error_model": "numpy"}
    try:
        return numba.njit(cache=True, **options)(function)
    except RuntimeError:  # no folder for the cache
        return numba.njit(**options)(function)


@kernel
def real_row(x, ku, kv, extra, limit, mode, u, v, rest, s, p):
    """One step of some real-valued neurons, of which ``x`` is felt; one loop over the state."""
    subtract, refractory, memoryless, _ = mode
    one = limit.dtype.type(1)
    zero = one - one
    at = limit[0]
    if refractory == 0 and memoryless:
        for i in range(x.shape[0]):
            risen = v[i] * kv[i] + x[i] + extra[i]
            p[i] = risen
            above = risen > at
            s[i] = one if above else zero
            reset = risen - at if subtract else zero
            v[i] = reset if above else risen
    elif refractory == 0:
        for i in range(x.shape[0]):
            c = u[i] * ku[i] + x[i]
            risen = v[i] * kv[i] + c + extra[i]
            u[i] = c
            p[i] = risen
            above = risen > at
            s[i] = one if above else zero
            reset = risen - at if subtract else zero
            v[i] = reset if above else risen
    else:
        for i in range(x.shape[0]):
            c = u[i] * ku[i] + x[i]
            risen = v[i] * kv[i] + c + extra[i]
            u[i] = c
            risen = v[i] if rest[i] > 0 else risen
            p[i] = risen
            above = risen > at and rest[i] == 0
            s[i] = one if above else zero
            reset = risen - at if subtract else zero
            v[i] = reset if above else risen
            left = max(rest[i] - 1, 0)
            rest[i] = refractory if above else left


@kernel
def integer_row(x, ku, kv, extra, limit, mode, u, v, rest, s, p):
    """A step of hw_models/populations.py; state in float64, which holds all its integers."""
    subtract, refractory, _, _ = mode
    one = s.dtype.type(1)
    zero = one - one
    at = limit[0]
    edge, span = float(STATE_LIMIT), 2.0 * STATE_LIMIT
    for i in range(x.shape[0]):
        c = np.trunc(u[i] * ku[i]) + np.float64(x[i]) * 64.0
        c = c - span if c > edge else c
        c = c + span if c <= -edge else c
        risen = np.trunc(v[i] * kv[i]) + c + extra[i]
        risen = 1.0 - edge if risen < 1.0 - edge else risen
        risen = edge - 1.0 if risen > edge - 1.0 else risen
        u[i] = c
        risen = v[i] if rest[i] > 0 else risen
        p[i] = risen
        above = risen > at and rest[i] == 0
        s[i] = one if above else zero
        reset = risen - at if subtract else 0.0
        v[i] = reset if above else risen
        left = max(rest[i] - 1, 0)
        rest[i] = refractory if above else left


@kernel
def row(x, ku, kv, extra, limit, mode, u, v, rest, s, p):
    """One step, in real numbers or in integers."""
    if mode[3]:
        integer_row(x, ku, kv, extra, limit, mode, u, v, rest, s, p)
    else:
        real_row(x, ku, kv, extra, limit, mode, u, v, rest, s, p)


@kernel
def scan(
    given, late, current_kept, voltage_kept, bias, threshold, mode,
    u, v, resting, fired, voltage, keeps, low, high, begin, end,
):  # fmt: skip
    """The steps ``begin..end - 1``; ``voltage`` is written if ``keeps``."""
    nothing, unused = np.zeros(CHUNK, given.dtype), np.empty(CHUNK, given.dtype)
    n_neurons = u.shape[1]
    for b in range(low, high):
        for first in range(0, n_neurons, CHUNK):
            last = min(first + CHUNK, n_neurons)
            n = last - first
            for t in range(begin, end):
                row(
                    given[b, t - late, first:last] if t >= late else nothing[:n],
                    current_kept[first:last], voltage_kept[first:last], bias[first:last],
                    threshold, mode, u[b, first:last], v[b, first:last], resting[b, first:last],
                    fired[b, t, first:last],
                    voltage[b, t, first:last] if keeps else unused[:n],
                )  # fmt: skip


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
def back_row(
    g, s, p, held, ku, kv, limit, edge, gain, mode, detached, surrogate, gu, gv, made, out
):
    """Gradients of one step.

    ``gu`` and ``gv`` are those by the state, in/out; ``made`` takes that by the membrane
    potential before the reset and ``out`` that by what is felt, times ``gain``. Where
    ``held``, v stays as it is, and so does its gradient; potentials clipped at ``edge`` let
    nothing through.
    """
    subtract, refractory, memoryless, _ = mode
    kind, settings = surrogate
    one = limit.dtype.type(1)
    zero = one - one
    at, clipped, times = limit[0], edge[0], gain[0]
    slopes(kind, settings, p, at, made)
    if refractory == 0 and memoryless and detached and not subtract and clipped == np.inf:
        for i in range(g.shape[0]):  # the usual neuron
            made[i] = gv[i] * (one - s[i]) + g[i] * made[i]
        for i in range(g.shape[0]):  # apart: with more arrays in a loop it is not vectorised
            out[i] = made[i] * times
            gv[i] = made[i] * kv[i]
        return
    for i in range(g.shape[0]):
        reach = zero if detached else (at if subtract else p[i]) * gv[i]
        passed = gv[i] if subtract else gv[i] * (one - s[i])
        total = passed + (g[i] - reach) * made[i]
        total = zero if abs(p[i]) >= clipped or held[i] else total
        made[i] = total
    for i in range(g.shape[0]):
        felt = gu[i] * ku[i] + made[i]
        gu[i] = felt
        out[i] = felt * times
    for i in range(g.shape[0]):
        gv[i] = gv[i] if held[i] else made[i] * kv[i]


@kernel
def find_held(fired, b, t, first, last, refractory, held):
    """Which neurons rest in step ``t``, by their spikes before."""
    held[:] = False
    for before in range(max(t - refractory, 0), t):
        s = fired[b, before, first:last]
        for i in range(last - first):
            held[i] |= s[i] != 0


@kernel
def scan_back(
    given, late, current_kept, voltage_kept, bias, threshold, mode,
    gradient, kept, voltage_kept_low, threshold_low, edge, gain, detached, surrogate,
    learned, back_given, sums, low, high, begin, end,
):  # fmt: skip
    """Gradients of all steps, from the last to the first; the steps are computed once more.

    ``kept``, ``voltage_kept_low`` and ``threshold_low`` are decays and threshold in the dtype
    of the gradients. ``back_given[:, t]`` takes the gradient by what is given for step ``t``;
    ``sums`` ``(3, B, N)`` those by both decays and the bias, if ``learned``.
    """
    n_neurons = given.shape[2]
    size = max(min(CHUNK, KEPT_VALUES // max(end, 1)), 64)
    plain, state = gradient.dtype, current_kept.dtype
    fired, voltage = np.empty((1, end, size), plain), np.empty((1, end, size), plain)
    current = np.empty((end if learned else 1, size), plain)
    nothing, unused = np.zeros(size, plain), np.empty(size, plain)
    u, v, rest = np.empty(size, state), np.empty(size, state), np.empty(size, np.int32)
    gu, gv, made = np.empty(size, plain), np.empty(size, plain), np.empty(size, plain)
    held = np.zeros(size, np.bool_)
    for b in range(low, high):
        for first in range(0, n_neurons, size):
            last = min(first + size, n_neurons)
            n = last - first
            u[:], v[:], rest[:], gu[:], gv[:] = 0, 0, 0, 0, 0
            for t in range(end):
                row(
                    given[b, t - late, first:last] if t >= late else nothing[:n],
                    current_kept[first:last], voltage_kept[first:last], bias[first:last],
                    threshold, mode, u[:n], v[:n], rest[:n], fired[0, t, :n], voltage[0, t, :n],
                )  # fmt: skip
                if learned:
                    for i in range(n):
                        current[t, i] = u[i]
            for t in range(end - 1, -1, -1):
                if mode[1] > 0:
                    find_held(fired, 0, t, 0, n, mode[1], held[:n])
                back_row(
                    gradient[b, t, first:last], fired[0, t, :n], voltage[0, t, :n], held[:n],
                    kept[first:last], voltage_kept_low[first:last], threshold_low, edge, gain,
                    mode, detached, surrogate, gu[:n], gv[:n], made[:n],
                    back_given[b, t - late, first:last] if t >= late else unused[:n],
                )  # fmt: skip
                if learned:
                    add_up(
                        sums[0, b, first:last], sums[1, b, first:last], sums[2, b, first:last],
                        gu, made, current[max(t - 1, 0)], voltage[0, max(t - 1, 0)],
                        fired[0, max(t - 1, 0)], threshold_low[0], mode[0], t > 0,
                    )  # fmt: skip


@kernel
def add_up(by_current, by_voltage, by_bias, gu, made, u, p, s, limit, subtract, has_past):
    """Gradients by what every step shares, one after the other."""
    for i in range(by_bias.shape[0]):
        by_bias[i] += made[i]
        if has_past:
            by_current[i] += gu[i] * u[i]
            by_voltage[i] += made[i] * (p[i] - limit * s[i] if subtract else p[i] - p[i] * s[i])


@kernel
def steps_back(
    fired, voltage, current, mode, gradient, kept, voltage_kept, threshold, edge, gain,
    detached, surrogate, learned, back_u, back_v, back_given, late, sums, low, high, begin, end,
):  # fmt: skip
    """As :func:`scan_back` for the steps ``begin..end - 1``, of which everything was kept."""
    n_neurons = back_u.shape[1]
    unused, made = np.empty(CHUNK, gradient.dtype), np.empty(CHUNK, gradient.dtype)
    held = np.zeros(CHUNK, np.bool_)
    for b in range(low, high):
        for first in range(0, n_neurons, CHUNK):
            last = min(first + CHUNK, n_neurons)
            n = last - first
            for t in range(end - 1, begin - 1, -1):
                if mode[1] > 0:
                    find_held(fired, b, t, first, last, mode[1], held[:n])
                back_row(
                    gradient[b, t, first:last], fired[b, t, first:last],
                    voltage[b, t, first:last], held[:n], kept[first:last],
                    voltage_kept[first:last], threshold, edge, gain, mode, detached, surrogate,
                    back_u[b, first:last], back_v[b, first:last], made[:n],
                    back_given[b, t - late, first:last] if t >= late else unused[:n],
                )  # fmt: skip
                if learned:
                    before = max(t - 1, 0)
                    add_up(
                        sums[0, b, first:last], sums[1, b, first:last], sums[2, b, first:last],
                        back_u[b, first:last], made, current[b, before, first:last],
                        voltage[b, before, first:last], fired[b, before, first:last],
                        threshold[0], mode[0], t > 0,
                    )  # fmt: skip
