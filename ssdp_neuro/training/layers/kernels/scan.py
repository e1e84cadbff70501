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

Loops over rows are functions of their own that allocate nothing: counting references to every
slice would cost more than the row. Scratch arrays are not slices of one: of those LLVM does
not know that they do not overlap, and makes no vectors.
"""

import numpy as np

from ssdp_neuro.compilation.compiler import kernel, lean_real_kernel
from ssdp_neuro.training.layers.kernels.rows import is_usual, row, usual_row
from ssdp_neuro.training.layers.kernels.rows_back import (
    add_up,
    back_row,
    find_held,
    usual_back_row,
)

CHUNK = 1024  # neurons at a time
KEPT_VALUES = 2**16  # of a chunk over all steps going back, for the second cache


@kernel
def scan(
    given, late, current_kept, voltage_kept, bias, threshold, mode,
    u, v, resting, fired, voltage, keeps, low, high, begin, end,
):  # fmt: skip
    """The steps ``begin..end - 1``; ``voltage`` is written if ``keeps``."""
    nothing, unused = np.zeros(CHUNK, given.dtype), np.empty(CHUNK, given.dtype)
    scan_rows(
        given, late, current_kept, voltage_kept, bias, threshold, mode,
        u, v, resting, fired, voltage, keeps, low, high, begin, end, nothing, unused,
    )  # fmt: skip


@lean_real_kernel
def scan_rows(
    given, late, current_kept, voltage_kept, bias, threshold, mode,
    u, v, resting, fired, voltage, keeps, low, high, begin, end, nothing, unused,
):  # fmt: skip
    """The loop of :func:`scan`; ``nothing`` is zero, ``unused`` is written to."""
    n_neurons = u.shape[1]
    usual = is_usual(mode) and not keeps
    for b in range(low, high):
        for first in range(0, n_neurons, CHUNK):
            last = min(first + CHUNK, n_neurons)
            n = last - first
            for t in range(begin, end):
                felt = given[b, t - late, first:last] if t >= late else nothing[:n]
                if usual:
                    usual_row(
                        felt, voltage_kept[first:last], bias[first:last], threshold, mode[0],
                        v[b, first:last], fired[b, t, first:last], False,
                    )  # fmt: skip
                    continue
                row(
                    felt, current_kept[first:last], voltage_kept[first:last], bias[first:last],
                    threshold, mode, u[b, first:last], v[b, first:last], resting[b, first:last],
                    fired[b, t, first:last],
                    voltage[b, t, first:last] if keeps else unused[:n],
                )  # fmt: skip


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
    size = max(min(CHUNK, KEPT_VALUES // max(end, 1)), 64)
    plain, state = gradient.dtype, current_kept.dtype
    fired, voltage = np.empty((end, size), plain), np.empty((end, size), plain)
    current = np.empty((end if learned else 1, size), plain)
    nothing, unused = np.zeros(size, plain), np.empty(size, plain)
    u, v, rest = np.empty(size, state), np.empty(size, state), np.empty(size, np.int32)
    gu, gv, made = np.empty(size, plain), np.empty(size, plain), np.empty(size, plain)
    scan_rows_back(
        given, late, current_kept, voltage_kept, bias, threshold, mode,
        gradient, kept, voltage_kept_low, threshold_low, edge, gain, detached, surrogate,
        learned, back_given, sums, low, high, end,
        fired, voltage, current, nothing, unused, u, v, rest, gu, gv, made,
        np.zeros(size, np.bool_),
    )  # fmt: skip


@lean_real_kernel
def scan_rows_back(
    given, late, current_kept, voltage_kept, bias, threshold, mode,
    gradient, kept, voltage_kept_low, threshold_low, edge, gain, detached, surrogate,
    learned, back_given, sums, low, high, end,
    fired, voltage, current, nothing, unused, u, v, rest, gu, gv, made, held,
):  # fmt: skip
    """The loop of :func:`scan_back`; the arrays from ``fired`` on are its own."""
    n_neurons, size = given.shape[2], rest.shape[0]
    usual = is_usual(mode) and detached and not mode[0] and not learned
    for b in range(low, high):
        for first in range(0, n_neurons, size):
            last = min(first + size, n_neurons)
            n = last - first
            u[:], v[:], rest[:], gu[:], gv[:] = 0, 0, 0, 0, 0
            for t in range(end):
                felt = given[b, t - late, first:last] if t >= late else nothing[:n]
                if usual:
                    usual_row(
                        felt, voltage_kept[first:last], bias[first:last], threshold, False,
                        v[:n], voltage[t, :n], True,
                    )  # fmt: skip
                    continue
                row(
                    felt, current_kept[first:last], voltage_kept[first:last], bias[first:last],
                    threshold, mode, u[:n], v[:n], rest[:n], fired[t, :n], voltage[t, :n],
                )  # fmt: skip
                if learned:
                    for i in range(n):
                        current[t, i] = u[i]
            for t in range(end - 1, -1, -1):
                out = back_given[b, t - late, first:last] if t >= late else unused[:n]
                if usual:
                    usual_back_row(
                        gradient[b, t, first:last], voltage[t, :n],
                        voltage_kept_low[first:last], threshold_low, surrogate, gv[:n],
                        made[:n], out,
                    )  # fmt: skip
                    continue
                if mode[1] > 0:
                    find_held(fired, t, 0, n, mode[1], held[:n])
                back_row(
                    gradient[b, t, first:last], fired[t, :n], voltage[t, :n], held[:n],
                    kept[first:last], voltage_kept_low[first:last], threshold_low, edge, gain,
                    mode, detached, surrogate, gu[:n], gv[:n], made[:n], out,
                )  # fmt: skip
                if learned:
                    before = max(t - 1, 0)
                    add_up(
                        sums[0, b, first:last], sums[1, b, first:last], sums[2, b, first:last],
                        gu, made, current[before], voltage[before], fired[before],
                        threshold_low[0], mode[0], t > 0,
                    )  # fmt: skip


@kernel
def steps_back(
    fired, voltage, current, mode, gradient, kept, voltage_kept, threshold, edge, gain,
    detached, surrogate, learned, back_u, back_v, back_given, late, sums, low, high, begin, end,
):  # fmt: skip
    """As :func:`scan_back` for the steps ``begin..end - 1``, of which everything was kept."""
    made, unused = np.empty(CHUNK, gradient.dtype), np.empty(CHUNK, gradient.dtype)
    step_rows_back(
        fired, voltage, current, mode, gradient, kept, voltage_kept, threshold, edge, gain,
        detached, surrogate, learned, back_u, back_v, back_given, late, sums,
        low, high, begin, end, made, unused, np.zeros(CHUNK, np.bool_),
    )  # fmt: skip


@lean_real_kernel
def step_rows_back(
    fired, voltage, current, mode, gradient, kept, voltage_kept, threshold, edge, gain,
    detached, surrogate, learned, back_u, back_v, back_given, late, sums,
    low, high, begin, end, made, unused, held,
):  # fmt: skip
    """The loop of :func:`steps_back`; the last arrays are its own."""
    n_neurons = back_u.shape[1]
    for b in range(low, high):
        for first in range(0, n_neurons, CHUNK):
            last = min(first + CHUNK, n_neurons)
            n = last - first
            for t in range(end - 1, begin - 1, -1):
                if mode[1] > 0:
                    find_held(fired[b], t, first, last, mode[1], held[:n])
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
