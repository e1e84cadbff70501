"""Lava's Conv as a convolution of this distribution, or as its single synapses.

Lava orders an image ``(width, height, channels)`` and turns the kernel round; a
:class:`ConvProjection` orders it ``(channels, height, width)`` and does not. Where the
neurons lie in the latter order (the program transposes them) the convolution stays one,
else its synapses are listed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from lava.proc.conv.process import Conv

from conversions.lava.reading.connection_processes import Ends
from conversions.lava.reading.initial_values import loaded
from conversions.lava.reading.walk import label
from hw_models.errors import ConversionError
from hw_models.lava_processes.convolution import convolution_matrix
from hw_models.projections import (
    CONV_SUM_LIMIT,
    WEIGHT_HIGH,
    WEIGHT_LOW,
    ConvProjection,
    Projection,
    SparseProjection,
)

LOW_BITS = 7  # of a weight that is split in two, because an exponent is at most 7
BYTE_HIGH = 127


@dataclass(frozen=True, kw_only=True, eq=False)
class ReadConvolution:
    """A convolution as loaded.

    Parameters
    ----------
    parts
        Kernels ``(channels_out, channels_in // groups, height, width)`` with their
        exponents; what arrives is the sum of all.
    stride, padding, dilation
        (height, width).
    groups
        As of :class:`ConvProjection`.
    input_shape, output_shape
        ``(channels, height, width)``.
    notes
        Sentences.
    """

    parts: list[tuple[np.ndarray, int]]
    stride: tuple[int, int]
    padding: tuple[int, int]
    dilation: tuple[int, int]
    groups: int
    input_shape: tuple[int, int, int]
    output_shape: tuple[int, int, int]
    notes: list[str]


def read_convolution(process: Conv) -> ReadConvolution:
    """The kernel and geometry of a ``Conv``.

    Raises
    ------
    ConversionError
        If a sum could reach 2**23, where Lava wraps it, or weights have more than 16 bits,
        or the geometry leaves the 8 bits in which Lava keeps it.
    """
    where = label(process)
    weights, notes = loaded(process, "weight", np.int32)
    sums = np.abs(weights.astype(np.int64)).sum(axis=(1, 2, 3))
    if int(sums.max(initial=0)) >= CONV_SUM_LIMIT:
        raise ConversionError(
            f"{where}.weight: output channel {int(sums.argmax())} can sum to {int(sums.max())};"
            " allowed below 2**23, where Lava wraps"
        )
    exponent = np.asarray(process.weight_exp.init)
    if exponent.any():
        notes.append(f"{where}: Lava's fixed-point Conv ignores weight_exp {exponent}")
    geometry = {
        field: loaded(process, field, np.int8)[0].astype(int)
        for field in ("stride", "padding", "dilation", "groups")
    }
    kernel = np.array(weights.shape[1:3])
    extent = geometry["dilation"] * (kernel - 1) + 1
    for field, values in {
        "padding (both sides)": 2 * geometry["padding"],
        "dilated kernel": extent,
    }.items():
        if values.max() > BYTE_HIGH:
            raise ConversionError(
                f"{where}: {field} of {int(values.max())}; Lava computes it in 8 bits,"
                f" up to {BYTE_HIGH}"
            )
    upright = weights[:, ::-1, ::-1].transpose(0, 3, 2, 1)
    pairs = {
        field: (int(geometry[field][1]), int(geometry[field][0]))
        for field in ("stride", "padding", "dilation")
    }
    return ReadConvolution(
        parts=_parts(upright, where),
        groups=int(geometry["groups"][0]),
        input_shape=_reversed(process.input_shape),
        output_shape=_reversed(process.output_shape),
        notes=notes,
        **pairs,
    )


def image_order(places: np.ndarray, shape: tuple[int, int, int]) -> bool:
    """Whether the neurons at Lava's positions lie in C order of ``(channels, height, width)``."""
    return np.array_equal(places[_lava_positions(shape)], np.arange(places.size))


def convolution_projections(read: ReadConvolution, ends: Ends, as_images: bool) -> list[Projection]:
    """The projections between two populations, one for each part.

    Parameters
    ----------
    read, ends
        What is between what.
    as_images
        Both populations have the shapes of the convolution; otherwise the synapses are
        listed.
    """
    projections: list[Projection] = []
    for number, (weights, exponent) in enumerate(read.parts):
        name = ends.name if number == 0 else f"{ends.name}:high"
        convolution = ConvProjection(
            name=name,
            source=ends.source,
            target=ends.target,
            weights=weights,
            weight_exponent=exponent,
            stride=read.stride,
            padding=read.padding,
            dilation=read.dilation,
            groups=read.groups,
        )
        if as_images:
            projections.append(convolution)
            continue
        synapses = convolution_matrix(convolution, read.input_shape).tocoo()
        projections.append(
            SparseProjection(
                name=name,
                source=ends.source,
                target=ends.target,
                pre=ends.pre[_lava_positions(read.input_shape)[synapses.col]],
                post=ends.post[_lava_positions(read.output_shape)[synapses.row]],
                weights=synapses.data,
                weight_exponent=exponent,
            )
        )
    return projections


def _reversed(shape: tuple[int, ...]) -> tuple[int, int, int]:
    width, height, channels = (int(size) for size in shape)
    return channels, height, width


def _lava_positions(shape: tuple[int, int, int]) -> np.ndarray:
    """Flat position in Lava's order of each element of ``(channels, height, width)``."""
    return np.arange(math.prod(shape)).reshape(shape[::-1]).transpose(2, 1, 0).reshape(-1)


def _parts(weights: np.ndarray, where: str) -> list[tuple[np.ndarray, int]]:
    """Kernels of 9 bits that sum to the given one."""
    for exponent in range(8):
        mantissas = weights >> exponent
        if (mantissas << exponent != weights).any():
            break
        if mantissas.min() >= WEIGHT_LOW and mantissas.max() <= WEIGHT_HIGH:
            return [(mantissas, exponent)]
    low = weights & ((1 << LOW_BITS) - 1)
    high = weights >> LOW_BITS
    if high.min() < WEIGHT_LOW or high.max() > WEIGHT_HIGH:
        raise ConversionError(
            f"{where}.weight: {int(weights.flat[np.abs(weights).argmax()])};"
            f" allowed {WEIGHT_LOW << LOW_BITS}..{((WEIGHT_HIGH + 1) << LOW_BITS) - 1}"
        )
    return [(low, 0), (high, LOW_BITS)]
