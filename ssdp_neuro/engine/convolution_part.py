"""Convolutions lowered to what the kernels read: weights by tap, and sums of them by quad."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from hw_models import ConvProjection
from ssdp_neuro.engine.kernels import tables
from ssdp_neuro.engine.kernels.tables import (
    COUNT_BIT,
    COUNT_MASK,
    FIRST_BIT,
    OPERATIONS_BIT,
    QUAD,
    QUAD_BIT,
    SUM_LANES,
    TILE,
    TRUE_BIT,
    WAYS,
)

SHORT_MAX = (1 << 15) - 1
MOST_QUADS = SHORT_MAX // (4 * 256)  # of the sums of a tap, which must fit 16 bits
MOST_SUMS = 1 << 17  # entries, 256 kB: they are to stay in the second cache

Shape = tuple[int, ...]


def convolution_part(
    projection: ConvProjection,
    shape: Shape,
    sent: np.ndarray | None,
    add: Callable[[str, np.ndarray], int],
) -> dict[str, Any]:
    """Entry of the projection table of a convolution of images of a shape ``(C, H, W)``.

    ``sent`` is the order in which those are kept. ``add`` puts an array into the synapse table and
    says where it begins.
    """
    part = {
        "kind": tables.CONV,
        "geometry": _geometry(projection, shape),
        "placed": sent is not None,
    }
    if _has_runs(projection):
        (row_taps, rows), (column_taps, columns) = (
            _runs_met(projection, shape, axis) for axis in (0, 1)
        )
        part["base"] = add("conv", _by_tap(projection, row_taps, column_taps))
        part["met_row"] = add("met", np.concatenate([rows, columns]))
    else:
        part["base"] = add("conv", _by_tap(projection, *_taps_in_runs(projection)))
    if not _has_sums(projection):
        return part
    words, n_quads = _quad_words(projection, shape)
    if sent is not None:
        words = words[sent]
    sums = _tap_sums(projection)
    row_size = int(np.prod(projection.output_shape(shape)[::2]))
    return {
        **part,
        "sums_row": add("tap_sums", sums.reshape(-1)),
        "taps_per_flush": _taps_per_flush(sums),
        "tile": max(row_size, TILE),
        "quads_row": add("quad_words", words),
        "quads": n_quads,
    }


def _has_sums(projection: ConvProjection) -> bool:
    """Whether sums of four channels are worth their place; kernels have no others."""
    n_out, n_in, *kernel = projection.weights.shape
    n_quads = -(-n_in // QUAD)
    return bool(
        projection.groups == 1
        and projection.dilation == (1, 1)
        and 4 * n_in >= 3 * QUAD * n_quads
        and n_out % SUM_LANES[-1] == 0
        and (WAYS - 1) * n_out <= SHORT_MAX
        and n_quads <= MOST_QUADS
        and int(np.prod(kernel)) * n_quads * WAYS * n_out <= MOST_SUMS
    )


def _has_runs(projection: ConvProjection) -> bool:
    """Whether rows and columns make long runs, of numbers that fit their words."""
    fits = max(projection.weights.shape[2:]) <= COUNT_MASK
    return bool(projection.groups == 1 and projection.dilation == (1, 1) and fits)


def _runs_met(projection: ConvProjection, shape: Shape, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """Taps of rows (axis 0) or columns in the order of runs, and what each of the input meets.

    Those of a column are as many for every phase of the stride: -1 is a tap of zeros.
    """
    n_taps, stride = projection.weights.shape[2 + axis], projection.stride[axis]
    taps: list[int] = []
    phases = []
    for phase in range(stride):
        own = [*range(phase, n_taps, stride)][::-1]
        zeros = -(-n_taps // stride) - len(own) if axis == 1 else 0
        phases.append((len(taps), zeros + len(own)))
        taps += [-1] * zeros + own
    n_out = projection.output_shape(shape)[1 + axis]
    words = np.zeros(shape[1 + axis], dtype=np.int64)
    for place in range(words.size):
        top, phase = divmod(place + projection.padding[axis], stride)
        begin, length = phases[phase]
        lowest = top - length + 1
        low, high = max(lowest, 0), min(top, n_out - 1)
        first = begin + low - lowest
        met = taps[first : first + max(high - low + 1, 0)]
        n_true = sum(tap >= 0 for tap in met)
        if n_true:
            words[place] = low << FIRST_BIT | len(met) << COUNT_BIT | n_true << TRUE_BIT | first
    return np.array(taps), words


def _taps_in_runs(projection: ConvProjection) -> list[np.ndarray]:
    """Taps of rows and of columns in the order that makes runs, see ``kernels/convolution.py``."""
    taps = [np.arange(size) for size in projection.weights.shape[2:]]
    for axis, stride in enumerate(projection.stride):
        if projection.dilation[axis] == 1 and (axis == 0 or projection.groups == 1):
            phases = [taps[axis][phase::stride][::-1] for phase in range(stride)]
            taps[axis] = np.concatenate(phases)
    return taps


def _by_tap(projection: ConvProjection, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Shifted weights as (channel in, row, column, channel out of its group), flat.

    ``rows`` and ``columns`` are the taps, -1 one of zeros.
    """
    n_out, n_in = projection.weights.shape[:2]
    groups = projection.groups
    ordered = projection.weights[:, :, rows[:, None], columns] * (columns >= 0)
    split = ordered.reshape(groups, n_out // groups, n_in, rows.size, columns.size)
    shifted = split << max(projection.weight_exponent, 0)  # fits int16: -256 << 7 is its least
    return np.ascontiguousarray(shifted.transpose(0, 2, 3, 4, 1)).reshape(-1)


def _taps_per_flush(sums: np.ndarray) -> int:
    """Of how many taps the sums fit 16 bits, whoever fires; or all of them."""
    n_taps = int(np.prod(sums.shape[:2]))
    least, most = (
        end(axis=3, initial=0).sum(axis=2, dtype=np.int64).reshape(n_taps, -1)
        for end in (sums.min, sums.max)
    )
    if max(-least.sum(axis=0).min(), most.sum(axis=0).max()) <= SHORT_MAX:
        return n_taps
    return int(SHORT_MAX // max(-least.min(), most.max()))


def _tap_sums(projection: ConvProjection) -> np.ndarray:
    """Sums of weights, not shifted, int16 (row, column, quad, way, channel out)."""
    n_out, n_in, *kernel = projection.weights.shape
    n_quads = -(-n_in // QUAD)
    taps = np.zeros((*kernel, n_quads * QUAD, n_out), dtype=np.int16)
    taps[:, :, :n_in] = projection.weights.transpose(2, 3, 1, 0)
    taps = taps.reshape(*kernel, n_quads, 1, QUAD, n_out)
    ways = np.arange(WAYS)[:, None] >> np.arange(QUAD) & 1
    sums = (taps * ways[:, :, None].astype(np.int16)).sum(axis=4, dtype=np.int16)
    return np.ascontiguousarray(sums)


def _quad_words(projection: ConvProjection, shape: Shape) -> tuple[np.ndarray, int]:
    """Of each source its place among the quads of a padded image, and of how many weights.

    Returns int64 ``(n_sources,)``, and how many quads there are.
    """
    made = projection.output_shape(shape)
    n_quads = -(-shape[0] // QUAD)
    met = []
    for axis in (0, 1):
        out, tap = np.indices((made[1 + axis], projection.weights.shape[2 + axis])).reshape(2, -1)
        place = out * projection.stride[axis] + tap
        padded = shape[1 + axis] + 2 * projection.padding[axis]
        inside = np.bincount(place, minlength=padded)
        met.append(inside[projection.padding[axis] : padded - projection.padding[axis]])
    channel, row, column = np.indices(shape, dtype=np.int64)
    height, width = (shape[1 + axis] + 2 * projection.padding[axis] for axis in (0, 1))
    row, column = row + projection.padding[0], column + projection.padding[1]
    place = (row * width + column) * n_quads + channel // QUAD
    n_weights = met[0][:, None] * met[1] * made[0]
    words = n_weights << OPERATIONS_BIT | place << QUAD_BIT | channel % QUAD
    return words.reshape(-1), height * width * n_quads


def _geometry(projection: ConvProjection, shape: Shape) -> list[int]:
    n_out, n_in, kernel_rows, kernel_columns = projection.weights.shape
    _, rows, columns = projection.output_shape(shape)
    return [
        *shape,
        n_out // projection.groups,
        n_in,
        rows,
        columns,
        kernel_rows,
        kernel_columns,
        *projection.stride,
        *projection.padding,
        *projection.dilation,
        n_out,
    ]
