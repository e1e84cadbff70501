"""One step of a row of LIF neurons, in real numbers or in the chip's integers.

Real numbers are of the dtype of the arrays throughout (no double constants), in the order
of operations of :meth:`CubaLif.step`, so the results are equal bit by bit. Arrays are named
in scan.py.
"""

import numpy as np

from hw_models.arithmetic import STATE_LIMIT
from ssdp_neuro.compilation.compiler import lean_real_kernel
from ssdp_neuro.compilation.vector_width import wide_vectors


@lean_real_kernel
def is_usual(mode):
    """Whether neurons are real-valued, without current and refractory steps."""
    _, refractory, memoryless, integers = mode
    return refractory == 0 and memoryless and not integers


@lean_real_kernel
def usual_row(x, kv, extra, limit, subtract, v, made, potentials):
    """One step of real-valued neurons without current and refractory steps.

    ``made`` takes the membrane potentials before the reset if ``potentials``, else the spikes.
    """
    wide_vectors()
    one = limit.dtype.type(1)
    zero = one - one
    at = limit[0]
    if potentials:
        for i in range(x.shape[0]):
            risen = v[i] * kv[i] + x[i] + extra[i]
            made[i] = risen
            reset = risen - at if subtract else zero
            v[i] = reset if risen > at else risen
        return
    for i in range(x.shape[0]):
        risen = v[i] * kv[i] + x[i] + extra[i]
        above = risen > at
        made[i] = one if above else zero
        reset = risen - at if subtract else zero
        v[i] = reset if above else risen


@lean_real_kernel
def real_row(x, ku, kv, extra, limit, mode, u, v, rest, s, p):
    """One step of some real-valued neurons, of which ``x`` is felt; one loop over the state."""
    wide_vectors()
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


@lean_real_kernel
def integer_row(x, ku, kv, extra, limit, mode, u, v, rest, s, p):
    """A step of hw_models/populations.py; state in float64, which holds all its integers."""
    wide_vectors()
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


@lean_real_kernel
def row(x, ku, kv, extra, limit, mode, u, v, rest, s, p):
    """One step, in real numbers or in integers."""
    if mode[3]:
        integer_row(x, ku, kv, extra, limit, mode, u, v, rest, s, p)
    else:
        real_row(x, ku, kv, extra, limit, mode, u, v, rest, s, p)
