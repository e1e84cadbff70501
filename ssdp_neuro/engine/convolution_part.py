"""Convolutions lowered to what the kernels read: weights by tap, and sums of them by quad."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from hw_models import ConvProjection
from ssdp_neuro.engine.kernels import tables
from ssdp_neuro.engine.kernels.tables import (
    OPERATIONS_BIT,
    QUAD,
    QUAD_BIT,
    SUM_LANES,
    UNROLLED,
    WAYS,
)

SHORT_MAX = (1 << 15) - 1
MOST_SUMS = 1 << 17  # entries, 256 kB: they are to stay in the second cache

Shape = tuple[int, ...]


def convolution_part(
    projection: ConvProjection,
    shape: Shape,
    sent: np.ndarray | None,
    add: Callable[[str, np.ndarray], int],
) -> dict[str, Any]:
    """Entry of the projection table of a convolution of images of a shape ``(C, H, W)``.

    ``sent`` is the order in which those are kept, ``add`` puts an array into the synapse table and says where it begins.
    """
    part = {
        "kind": tables.CONV,
        "base": add("conv", _by_tap(projection)),
        "geometry": _geometry(projection, shape),
        "placed": sent is not None,
    }
    if not _has_sums(projection):
        return part
    words, n_quads = _quad_words(projection, shape)
    if sent is not None:
        words = words[sent]
    sums = _tap_sums(projection)
    return {
        **part,
        "sums_row": add("tap_sums", sums.reshape(-1)),
        "in_shorts": _in_shorts(sums),
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
        and int(np.prod(kernel)) * n_quads * WAYS * n_out <= MOST_SUMS
    )


def _by_tap(projection: ConvProjection) -> np.ndarray:
    """Shifted weights as (channel in, row, column, channel out of its group), flat.

    Rows and columns are in the order that makes runs of them, see ``kernels/convolution.py``.
    """
    n_out, n_in, *kernel = projection.weights.shape
    groups = projection.groups
    taps = [np.arange(size) for size in kernel]
    for axis, stride in enumerate(projection.stride):
        if projection.dilation[axis] == 1 and (axis == 0 or groups == 1):
            phases = [taps[axis][phase::stride][::-1] for phase in range(stride)]
            taps[axis] = np.concatenate(phases)
    ordered = projection.weights[:, :, taps[0][:, None], taps[1]]
    split = ordered.reshape(groups, n_out // groups, n_in, *kernel)
    shifted = split << max(projection.weight_exponent, 0)  # fits int16: -256 << 7 is its least
    return np.ascontiguousarray(shifted.transpose(0, 2, 3, 4, 1)).reshape(-1)


def _in_shorts(sums: np.ndarray) -> int:
    """Of how many rows of sums, one for each tap and quad, the sum fits 16 bits; or all of them."""
    least, most = (end(axis=3, initial=0) for end in (sums.min, sums.max))
    ends = least.sum(axis=(0, 1, 2), dtype=np.int64), most.sum(axis=(0, 1, 2), dtype=np.int64)
    if max(int(-ends[0].min()), int(ends[1].max())) <= SHORT_MAX:
        return int(np.prod(sums.shape[:3]))
    largest = int(max(-least.min(), most.max()))
    return SHORT_MAX // largest // UNROLLED * UNROLLED


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
