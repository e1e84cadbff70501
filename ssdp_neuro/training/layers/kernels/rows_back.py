"""Gradients of one step of a row of LIF neurons; arrays are named in scan.py."""

import numpy as np

from ssdp_neuro.compilation.compiler import lean_real_kernel
from ssdp_neuro.compilation.vector_width import wide_vectors

FAST_SIGMOID, ARC_TANGENT, BOXCAR, TRIANGULAR, MULTI_GAUSSIAN = range(5)


@lean_real_kernel
def slopes(kind, settings, voltage, threshold, made):
    """Surrogate derivative by the membrane potential, as in surrogate.py; into ``made``."""
    wide_vectors()
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


@lean_real_kernel
def usual_back_row(g, p, kv, limit, surrogate, gv, made, out):
    """:func:`back_row` of usual neurons, whose reset to zero is left out of the gradient."""
    wide_vectors()
    kind, settings = surrogate
    one = limit.dtype.type(1)
    zero = one - one
    at = limit[0]
    if kind == FAST_SIGMOID:  # in one loop, which computes while it waits for memory
        scale, a = one / at, settings[0]
        for i in range(g.shape[0]):
            root = one + a * abs((p[i] - at) * scale)
            total = (zero if p[i] > at else gv[i]) + g[i] * (scale / (root * root))
            out[i] = total
            gv[i] = total * kv[i]
        return
    slopes(kind, settings, p, at, made)
    for i in range(g.shape[0]):
        total = (zero if p[i] > at else gv[i]) + g[i] * made[i]
        out[i] = total
        gv[i] = total * kv[i]


@lean_real_kernel
def back_row(
    g, s, p, held, ku, kv, limit, edge, gain, mode, detached, surrogate, gu, gv, made, out
):
    """Gradients of one step.

    ``gu`` and ``gv`` are those by the state, in/out; ``made`` takes that by the membrane
    potential before the reset and ``out`` that by what is felt, times ``gain``. Where
    ``held``, v stays as it is, and so does its gradient; potentials clipped at ``edge`` let
    nothing through.
    """
    wide_vectors()
    subtract, _, _, _ = mode
    kind, settings = surrogate
    one = limit.dtype.type(1)
    zero = one - one
    at, clipped, times = limit[0], edge[0], gain[0]
    slopes(kind, settings, p, at, made)
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


@lean_real_kernel
def find_held(fired, t, first, last, refractory, held):
    """Which neurons of a sample rest in step ``t``, by their spikes before."""
    held[:] = False
    for before in range(max(t - refractory, 0), t):
        s = fired[before, first:last]
        for i in range(last - first):
            held[i] |= s[i] != 0


@lean_real_kernel
def add_up(by_current, by_voltage, by_bias, gu, made, u, p, s, limit, subtract, has_past):
    """Gradients by what every step shares, one after the other."""
    for i in range(by_bias.shape[0]):
        by_bias[i] += made[i]
        if has_past:
            by_current[i] += gu[i] * u[i]
            by_voltage[i] += made[i] * (p[i] - limit * s[i] if subtract else p[i] - p[i] * s[i])
