"""A layer of LIF neurons over all steps of a sample on a GPU: one kernel forward, one back.

The same computation as kernels/scan.py, with its names and its order of operations; a block of
neurons of one sample stays in registers over all steps. Integers are computed as integers.
Tensors are contiguous. ``numbers`` are, in the dtype of the potentials: threshold, edge, gain,
four settings of the surrogate, 1 / sqrt(2 pi) and pi / 2; a Python number would be rounded to
float32 on the way.
"""

from __future__ import annotations

import triton
import triton.language as tl

from ssdp_neuro.training.layers.kernels.rows_back import (
    ARC_TANGENT,
    BOXCAR,
    FAST_SIGMOID,
    TRIANGULAR,
)

BLOCK = 128  # neurons of a program
LIMIT = tl.constexpr(2**23)  # of a chip's register of state
SIGMOID, ARC, BOX, TRIANGLE = (
    tl.constexpr(code) for code in (FAST_SIGMOID, ARC_TANGENT, BOXCAR, TRIANGULAR)
)


@triton.jit
def _decayed(x, kept):
    """``x * kept / 4096`` toward zero; int64."""
    magnitude = (tl.abs(x) * kept) >> 12
    return tl.where(x < 0, -magnitude, magnitude)


@triton.jit
def run_steps(
    given, current_kept, voltage_kept, bias, numbers, u_state, v_state, resting, fired, voltage,
    current, n_given, n_steps, n_neurons, late, begin, end,
    subtract: tl.constexpr, refractory: tl.constexpr, integers: tl.constexpr,
    keeps_voltage: tl.constexpr, keeps_current: tl.constexpr, block: tl.constexpr,
):  # fmt: skip
    """Steps ``begin..end - 1`` of one block of one sample; state in and out.

    ``given`` is ``(B, n_given, N)``, of which row ``t - late`` is felt in step ``t``; decays and
    bias are ``(N,)``, of integers int64: kept 4096ths and the bias. ``voltage`` and ``current``
    are ``(B, T, N)`` and written if kept.
    """
    blocks = tl.cdiv(n_neurons, block)
    sample = (tl.program_id(0) // blocks).to(tl.int64)
    columns = (tl.program_id(0) % blocks) * block + tl.arange(0, block)
    inside, zero = columns < n_neurons, columns * 0
    place = sample * n_neurons + columns
    u = tl.load(u_state + place, mask=inside, other=0)
    v = tl.load(v_state + place, mask=inside, other=0)
    rest = tl.load(resting + place, mask=inside, other=0)
    ku = tl.load(current_kept + columns, mask=inside, other=0)
    kv = tl.load(voltage_kept + columns, mask=inside, other=0)
    extra = tl.load(bias + columns, mask=inside, other=0)
    threshold = tl.load(numbers).to(v.dtype)
    for t in range(begin, end):
        row = (sample * n_steps + t) * n_neurons + columns
        felt = (sample * n_given + t - late) * n_neurons + columns
        x = tl.load(given + felt, mask=inside & (zero + t >= late), other=0).to(v.dtype)
        if integers:
            u = _decayed(u, ku) + x * 64
            u = tl.where(u > LIMIT, u - 2 * LIMIT, u)
            u = tl.where(u <= -LIMIT, u + 2 * LIMIT, u)
            risen = _decayed(v, kv) + u + extra
            risen = tl.minimum(tl.maximum(risen, 1 - LIMIT), LIMIT - 1)
        else:
            u = u * ku + x
            risen = v * kv + u + extra
        if refractory > 0:
            risen = tl.where(rest > 0, v, risen)
        above = risen > threshold
        if refractory > 0:
            above = above & (rest == 0)
            rest = tl.where(above, refractory, tl.maximum(rest - 1, 0))
        sent = tl.where(above, 1.0, 0.0).to(fired.dtype.element_ty)
        tl.store(fired + row, sent, mask=inside)
        if keeps_voltage:
            tl.store(voltage + row, risen.to(voltage.dtype.element_ty), mask=inside)
        if keeps_current:
            tl.store(current + row, u.to(current.dtype.element_ty), mask=inside)
        v = tl.where(above, risen - threshold if subtract else tl.zeros_like(risen), risen)
    tl.store(u_state + place, u, mask=inside)
    tl.store(v_state + place, v, mask=inside)
    tl.store(resting + place, rest, mask=inside)


@triton.jit
def _slope(p, numbers, kind: tl.constexpr):
    """Surrogate derivative by the membrane potential, as in surrogate.py."""
    at = tl.load(numbers)
    a = tl.load(numbers + 3)
    scale = 1 / at
    x = (p - at) * scale
    if kind == SIGMOID:
        root = 1 + a * tl.abs(x)
        made = scale / (root * root)
    elif kind == ARC:
        bent = a * x * tl.load(numbers + 8)
        made = scale / (1 + bent * bent)
    elif kind == BOX:
        made = tl.where(tl.abs((p - at) / at) <= a * 0.5, scale, tl.zeros_like(p))
    elif kind == TRIANGLE:
        made = tl.maximum(1 - tl.abs(x) / a, tl.zeros_like(p)) * tl.load(numbers + 4) * scale
    else:
        side = tl.load(numbers + 4)
        wide = a * tl.load(numbers + 5)
        density = tl.load(numbers + 7)
        middle = (1 + side) * (density / a) * tl.exp((x / a) * (x / a) * -0.5)
        right = tl.exp(((x - a) / wide) * ((x - a) / wide) * -0.5)
        left = tl.exp(((x + a) / wide) * ((x + a) / wide) * -0.5)
        made = tl.load(numbers + 6) * scale * (middle - side * (density / wide) * (right + left))
    return made


@triton.jit
def run_back(
    gradient, fired, voltage, current, current_kept, voltage_kept, numbers, back_u, back_v,
    back_given, sums, n_given, n_steps, n_neurons, n_samples, late, begin, end,
    subtract: tl.constexpr, refractory: tl.constexpr, detached: tl.constexpr,
    learned: tl.constexpr, kind: tl.constexpr, block: tl.constexpr,
):  # fmt: skip
    """Gradients of the steps ``end - 1..begin``; those by the state, ``(B, N)``, in and out.

    ``back_given`` ``(B, n_given, N)`` takes the gradient by what was given; ``sums``
    ``(3, B, N)`` those by both decays and the bias, added up, if ``learned``.
    """
    blocks = tl.cdiv(n_neurons, block)
    sample = (tl.program_id(0) // blocks).to(tl.int64)
    columns = (tl.program_id(0) % blocks) * block + tl.arange(0, block)
    inside, zero = columns < n_neurons, columns * 0
    place = sample * n_neurons + columns
    at = tl.load(numbers)
    edge = tl.load(numbers + 1)
    gain = tl.load(numbers + 2)
    gu = tl.load(back_u + place, mask=inside, other=0)
    gv = tl.load(back_v + place, mask=inside, other=0)
    ku = tl.load(current_kept + columns, mask=inside, other=0)
    kv = tl.load(voltage_kept + columns, mask=inside, other=0)
    by_current = tl.zeros_like(gu)
    by_voltage = tl.zeros_like(gu)
    by_bias = tl.zeros_like(gu)
    for back in range(begin, end):
        t = end - 1 - (back - begin)
        row = (sample * n_steps + t) * n_neurons + columns
        g = tl.load(gradient + row, mask=inside, other=0).to(gv.dtype)
        s = tl.load(fired + row, mask=inside, other=0).to(gv.dtype)
        p = tl.load(voltage + row, mask=inside, other=0)
        slope = _slope(p, numbers, kind)
        passed = gv if subtract else gv * (1 - s)
        if detached:
            total = passed + g * slope
        else:
            total = passed + (g - (at if subtract else p) * gv) * slope
        total = tl.where(tl.abs(p) >= edge, tl.zeros_like(p), total)
        if refractory > 0:
            held = columns < 0
            for before in range(1, refractory + 1):
                earlier = tl.load(
                    fired + row - before * n_neurons, mask=inside & (zero + t >= before), other=0
                )
                held = held | (earlier != 0)
            total = tl.where(held, tl.zeros_like(p), total)
        gu = gu * ku + total
        felt = (sample * n_given + t - late) * n_neurons + columns
        made = (gu * gain).to(back_given.dtype.element_ty)
        tl.store(back_given + felt, made, mask=inside & (zero + t >= late))
        if learned:
            by_bias += total
            if t > 0:
                past = row - n_neurons
                p = tl.load(voltage + past, mask=inside, other=0)
                s = tl.load(fired + past, mask=inside, other=0).to(gv.dtype)
                by_current += gu * tl.load(current + past, mask=inside, other=0)
                by_voltage += total * (p - at * s if subtract else p - p * s)
        gv = tl.where(held, gv, total * kv) if refractory > 0 else total * kv
    tl.store(back_u + place, gu, mask=inside)
    tl.store(back_v + place, gv, mask=inside)
    if learned:
        size = n_samples * n_neurons
        for which in tl.static_range(3):
            by = by_current if which == 0 else (by_voltage if which == 1 else by_bias)
            before = tl.load(sums + which * size + place, mask=inside, other=0)
            tl.store(sums + which * size + place, before + by, mask=inside)
