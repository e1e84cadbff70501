"""What Lava's LIF and Dense models compute in a step, on their own arrays, bit for bit.

``conversions.lava.runtime.fast_models`` puts these in the place of NumPy's operations. Sums of
floating-point numbers are taken in the order in which NumPy takes them there.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ssdp_neuro.compilation.compiler import lean_kernel

STATE_LIMIT = 1 << 23
ACTIVATION_SHIFT = 6
UNITY = 1 << 12


@lean_kernel
def fixed_point_dynamics(
    u: Any, v: Any, activation: Any, bias: Any, current_keep: int, voltage_keep: int
) -> None:
    """One step of current and membrane potential, int32 ``(n,)``, as ``LIF`` has it.

    What is kept of each is in 4096ths; sums wrap as int32 does.
    """
    for k in range(u.size):
        current = np.int64(u[k]) * current_keep
        current = current >> 12 if current >= 0 else -((-current) >> 12)
        arriving = np.int32(np.int64(activation[k]) << ACTIVATION_SHIFT)
        current = np.int64(np.int32(np.int64(np.int32(current)) + np.int64(arriving)))
        if current > STATE_LIMIT:
            current -= 2 * STATE_LIMIT
        elif current <= -STATE_LIMIT:
            current += 2 * STATE_LIMIT
        u[k] = current
        potential = np.int64(v[k]) * voltage_keep
        potential = potential >> 12 if potential >= 0 else -((-potential) >> 12)
        potential = np.int64(np.int32(np.int64(np.int32(potential)) + current))
        potential = np.int64(np.int32(potential + np.int64(bias[k])))
        v[k] = min(max(potential, 1 - STATE_LIMIT), STATE_LIMIT - 1)


@lean_kernel
def scaled_bias(mantissa: Any, exponent: Any, bias: Any) -> None:
    """``mantissa * 2**exponent`` as shifts of int32, rounded down; exponents within -31..31."""
    for k in range(bias.size):
        if exponent[k] >= 0:
            bias[k] = np.int32(np.int64(mantissa[k]) << np.int64(exponent[k]))
        else:
            bias[k] = np.int32(np.int64(mantissa[k]) >> np.int64(-exponent[k]))


@lean_kernel
def floating_point_dynamics(
    u: Any, v: Any, activation: Any, bias: Any, current_keep: float, voltage_keep: float
) -> None:
    """One step of current and membrane potential, float64 ``(n,)``, as ``LIF`` has it."""
    for k in range(u.size):
        u[k] = u[k] * current_keep + activation[k]
        v[k] = v[k] * voltage_keep + u[k] + bias[k]


@lean_kernel
def add_columns(rows: Any, spikes: Any, total: Any) -> None:
    """Sum of the rows ``(n_pre, n_post)`` of those that fire, one after the other."""
    is_first = True
    for j in range(rows.shape[0]):
        if spikes[j]:
            row = rows[j]
            if is_first:
                for k in range(total.size):
                    total[k] = row[k]
                is_first = False
            else:
                for k in range(total.size):
                    total[k] += row[k]
    if is_first:
        for k in range(total.size):
            total[k] = 0


@lean_kernel
def add_graded_columns(rows: Any, spikes: Any, total: Any) -> None:
    """Sum of rows times what their neurons send, in int32 with its overflow."""
    for k in range(total.size):
        total[k] = 0
    for j in range(rows.shape[0]):
        height = np.int64(spikes[j])
        if height != 0:
            row = rows[j]
            for k in range(total.size):
                total[k] = np.int32(np.int64(total[k]) + np.int64(row[k]) * height)


@lean_kernel
def fixed_point_step(
    u: Any, v: Any, activation: Any, bias: Any, keep_u: Any, keep_v: Any, low: Any, high: Any,
    spikes: Any,
) -> None:  # fmt: skip
    """One step of neurons from input to spikes, int32 ``(n,)``; decays and thresholds int64.

    A spike is 1 above ``high``, -1 below ``low``, and resets the membrane potential.
    """
    for k in range(u.size):
        current = np.int64(u[k]) * keep_u[k]
        current = current >> 12 if current >= 0 else -((-current) >> 12)
        arriving = np.int32(np.int64(activation[k]) << ACTIVATION_SHIFT)
        current = np.int64(np.int32(np.int64(np.int32(current)) + np.int64(arriving)))
        if current > STATE_LIMIT:
            current -= 2 * STATE_LIMIT
        elif current <= -STATE_LIMIT:
            current += 2 * STATE_LIMIT
        u[k] = current
        potential = np.int64(v[k]) * keep_v[k]
        potential = potential >> 12 if potential >= 0 else -((-potential) >> 12)
        potential = np.int64(np.int32(np.int64(np.int32(potential)) + current))
        potential = np.int64(np.int32(potential + np.int64(bias[k])))
        potential = min(max(potential, 1 - STATE_LIMIT), STATE_LIMIT - 1)
        spike = np.int32(potential > high[k]) - np.int32(potential < low[k])
        v[k] = potential if spike == 0 else 0
        spikes[k] = spike


@lean_kernel
def floating_point_step(
    u: Any, v: Any, activation: Any, bias: Any, keep_u: Any, keep_v: Any, low: Any, high: Any,
    spikes: Any,
) -> None:  # fmt: skip
    """The same in float64 ``(n,)``."""
    for k in range(u.size):
        u[k] = u[k] * keep_u[k] + (activation[k] + 0.0)
        potential = v[k] * keep_v[k] + u[k] + bias[k]
        spike = np.float64(potential > high[k]) - np.float64(potential < low[k])
        v[k] = potential if spike == 0 else 0.0
        spikes[k] = spike


@lean_kernel
def refractory_step(
    u: Any, v: Any, activation: Any, bias: Any, keep_u: Any, keep_v: Any, high: Any, end: Any,
    now: int, period: int, spikes: Any,
) -> None:  # fmt: skip
    """The same for ``LIFRefractory``: what rests until the step ``end[k]`` keeps its potential."""
    for k in range(u.size):
        u[k] = u[k] * keep_u[k] + (activation[k] + 0.0)
        potential = v[k]
        if end[k] < now:
            potential = potential * keep_v[k] + (u[k] + bias[k])
        spikes[k] = 0.0
        if potential > high[k]:
            spikes[k] = 1.0
            end[k] = now + period
            potential = 0.0
        v[k] = potential


@lean_kernel
def add_stored_columns(starts: Any, posts: Any, weights: Any, spikes: Any, total: Any) -> None:
    """Sum of the columns of those that fire, of a matrix stored by columns."""
    for k in range(total.size):
        total[k] = 0
    for j in range(spikes.size):
        if spikes[j]:
            for place in range(starts[j], starts[j + 1]):
                total[posts[place]] += weights[place]


@lean_kernel
def pairwise_sum(values: Any, first: int, count: int) -> float:
    """Sum of so many numbers in NumPy's order: blocks of 8 side by side, halves beyond 128."""
    if count < 8:
        total = -0.0
        for k in range(first, first + count):
            total += values[k]
        return total
    if count <= 128:
        r0, r1, r2, r3 = values[first], values[first + 1], values[first + 2], values[first + 3]
        r4, r5, r6, r7 = values[first + 4], values[first + 5], values[first + 6], values[first + 7]
        whole = count - count % 8
        for k in range(first + 8, first + whole, 8):
            r0 += values[k]
            r1 += values[k + 1]
            r2 += values[k + 2]
            r3 += values[k + 3]
            r4 += values[k + 4]
            r5 += values[k + 5]
            r6 += values[k + 6]
            r7 += values[k + 7]
        total = ((r0 + r1) + (r2 + r3)) + ((r4 + r5) + (r6 + r7))
        for k in range(first + whole, first + count):
            total += values[k]
        return total
    half = count // 2
    half -= half % 8
    return pairwise_sum(values, first, half) + pairwise_sum(values, first + half, count - half)


@lean_kernel
def add_fired_rows(
    starts: Any, posts: Any, weights: Any, rows: Any, spikes: Any, fired: Any, counts: Any,
    total: Any,
) -> None:  # fmt: skip
    """Sums of float64 as SciPy takes them of a matrix stored by rows whose columns were chosen.

    Of each row the first number that is left, plus NumPy's sum of the others. The matrix is stored
    by columns; ``rows`` is where a row's numbers have room in ``fired``, ``counts`` scratch.
    """
    for k in range(total.size):
        counts[k] = 0
    for j in range(spikes.size):
        if spikes[j]:
            for place in range(starts[j], starts[j + 1]):
                post = posts[place]
                fired[rows[post] + counts[post]] = weights[place]
                counts[post] += 1
    for k in range(total.size):
        total[k] = 0.0
        if counts[k] > 0:
            total[k] = fired[rows[k]]
        if counts[k] > 1:
            total[k] += pairwise_sum(fired, rows[k] + 1, counts[k] - 1)
