"""What Lava's DelayDense and DelaySparse compute in a step, from the neurons that fire.

What is under way lies in ``late``, of every target one number for each step to come. Sums of
floating-point numbers are taken in the order of NumPy (dense) and SciPy (sparse); zeros, which
change no sum, are left out.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ssdp_neuro.compilation.compiler import lean_kernel

BLOCK = 128  # numbers that NumPy adds up without halving them


@lean_kernel
def fixed_delays(
    starts: Any, places: Any, weights: Any, heights: Any, exponent: int, is_sparse: bool, sums: Any,
    late: Any, n_slots: int,
) -> None:  # fmt: skip
    """A step in int32: what arrives moves up, what neurons of ``heights`` send is added.

    Synapses are listed by source: ``places`` is where in ``late`` ``(n_post * n_slots,)``.
    ``sums``, as long, is 0 before and after. NumPy wraps products, SciPy the sum.
    """
    for j in range(heights.size):
        height = np.int64(heights[j])
        if height != 0:
            for k in range(starts[j], starts[j + 1]):
                sums[places[k]] += np.int64(np.int32(np.int64(weights[k]) * height))
    for first in range(0, late.size, n_slots):
        for slot in range(first, first + n_slots):
            total = sums[slot]
            sums[slot] = 0
            if is_sparse:
                total = np.int64(np.int32(total))
            total = total << exponent if exponent > 0 else total >> -exponent
            below = np.int64(late[slot + 1]) if slot + 1 < first + n_slots else np.int64(0)
            late[slot] = np.int32(below + total)


@lean_kernel
def move_up(late: Any, sums: Any, n_slots: int) -> None:
    """What is under way comes one step nearer, and sums, which are cleared, join it."""
    for first in range(0, late.size, n_slots):
        last = first + n_slots - 1
        for slot in range(first, last):
            late[slot] = late[slot + 1] + sums[slot]
            sums[slot] = 0.0
        late[last] = 0.0 + sums[last]
        sums[last] = 0.0


@lean_kernel
def add_late_columns(starts: Any, places: Any, weights: Any, heights: Any, sums: Any) -> None:
    """Sums as SciPy takes them in a product: source after source."""
    for j in range(heights.size):
        if heights[j] != 0.0:
            for k in range(starts[j], starts[j + 1]):
                sums[places[k]] += weights[k] * heights[j]


@lean_kernel
def sum_of_block(values: Any, at: Any, first: int, last: int, begin: int, count: int) -> float:
    """NumPy's sum of at most 128 numbers of which few are not 0: 8 sums side by side.

    These are ``values[first:last]``, at ``begin`` and on, in rising order of ``at``.
    """
    whole = begin + count - count % 8 if count >= 8 else begin
    r0 = r1 = r2 = r3 = r4 = r5 = r6 = r7 = 0.0
    k = first
    while k < last and at[k] < whole:
        lane = (at[k] - begin) % 8
        if lane == 0:
            r0 += values[k]
        elif lane == 1:
            r1 += values[k]
        elif lane == 2:
            r2 += values[k]
        elif lane == 3:
            r3 += values[k]
        elif lane == 4:
            r4 += values[k]
        elif lane == 5:
            r5 += values[k]
        elif lane == 6:
            r6 += values[k]
        else:
            r7 += values[k]
        k += 1
    total = ((r0 + r1) + (r2 + r3)) + ((r4 + r5) + (r6 + r7))
    while k < last:
        total += values[k]
        k += 1
    return total


@lean_kernel
def sum_of_few(
    values: Any, at: Any, first: int, last: int, count: int, lefts: Any, marks: Any
) -> float:
    """NumPy's pairwise sum of ``count`` numbers, of which few are not 0, in halves of halves.

    ``lefts`` and ``marks`` are scratch, 64 and ``(3, 64)``: of each sum whose halves are computed
    its first half, and where it begins, how many it sums, which half it waits for.
    """
    depth = 0
    marks[0, 0], marks[1, 0], marks[2, 0] = 0, count, 0
    k, total = first, 0.0
    while depth >= 0:
        begin, size = marks[0, depth], marks[1, depth]
        if size > BLOCK:
            half = size // 2
            half -= half % 8
            marks[2, depth] = 1
            depth += 1
            marks[0, depth], marks[1, depth] = begin, half
            continue
        end = k
        while end < last and at[end] < begin + size:
            end += 1
        total = sum_of_block(values, at, k, end, begin, size)
        k = end
        depth -= 1
        while depth >= 0 and marks[2, depth] == 2:
            total = lefts[depth] + total
            depth -= 1
        if depth >= 0:
            lefts[depth] = total
            marks[2, depth] = 2
            half = marks[1, depth] // 2
            half -= half % 8
            depth += 1
            marks[0, depth] = marks[0, depth - 1] + half
            marks[1, depth] = marks[1, depth - 1] - half
    return total


@lean_kernel
def add_late_rows(
    starts: Any, places: Any, weights: Any, heights: Any, rooms: Any, counts: Any, fired: Any,
    at: Any, lefts: Any, marks: Any, sums: Any,
) -> None:  # fmt: skip
    """Sums as NumPy takes them of rows in which those that do not fire are 0.

    ``rooms`` is where numbers of each place have room in the scratch ``fired`` and ``at``;
    ``counts``, one for each place, is 0 before and after.
    """
    for j in range(heights.size):
        if heights[j] != 0.0:
            for k in range(starts[j], starts[j + 1]):
                place = places[k]
                to = rooms[place] + counts[place]
                fired[to] = weights[k] * heights[j]
                at[to] = j
                counts[place] += 1
    for place in range(sums.size):
        if counts[place] > 0:
            first = rooms[place]
            last = first + counts[place]
            if counts[place] <= 2:  # in whatever order
                for k in range(first, last):
                    sums[place] += fired[k]
            else:
                sums[place] += sum_of_few(fired, at, first, last, heights.size, lefts, marks)
            counts[place] = 0


@lean_kernel
def float_delays(
    starts: Any, places: Any, weights: Any, heights: Any, is_sparse: bool, rooms: Any, counts: Any,
    fired: Any, at: Any, lefts: Any, marks: Any, sums: Any, late: Any, n_slots: int,
) -> None:  # fmt: skip
    """A step in float64, as :func:`fixed_delays`."""
    if is_sparse:
        add_late_columns(starts, places, weights, heights, sums)
    else:
        parts = (rooms, counts, fired, at, lefts, marks, sums)
        add_late_rows(starts, places, weights, heights, *parts)
    move_up(late, sums, n_slots)
