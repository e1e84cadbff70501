"""Lava's Conv as a compiled loop over the pixels that are not 0, in both number worlds."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from lava.proc.conv.utils import conv
from scipy import signal

from conversions.lava.runtime.fast_delays import hears
from conversions.lava.runtime.stored_weights import Stored
from ssdp_neuro.engine.kernels.lava_convolution import convolve, convolve_whole

LARGEST_EXACT = 2.0**53  # whole sums below it are exact in float64
GEOMETRY = ("kernel_size", "stride", "padding", "dilation", "groups")


class ConvTable(NamedTuple):
    """A convolution as :func:`.lava_convolution.convolve` wants it."""

    shape: np.ndarray  # int64 (15,), by the names there
    weights: np.ndarray  # float64 (kernel_x, kernel_y, channels, channels_out // groups), flat


class ConvScratch(NamedTuple):
    """Room for one step of any of the convolutions that it was made for."""

    starts: np.ndarray
    channels: np.ndarray
    heights: np.ndarray
    hits: np.ndarray
    is_hit: np.ndarray
    sums: np.ndarray

    @classmethod
    def of(cls, tables: list[ConvTable]) -> ConvScratch:
        """As large as the largest of these needs it."""
        sizes = [np.zeros(4, np.int64)]
        for table in tables:
            width, height, channels = (int(each) for each in table.shape[:3])
            each = int(table.shape[5] // table.shape[14])
            sizes.append(
                np.array([width * height + 1, width * height * channels, channels, channels * each])
            )
        n_starts, n_numbers, n_channels, n_sums = (int(each) for each in np.max(sizes, axis=0))
        return cls(
            np.zeros(n_starts, np.int64),
            np.zeros(n_numbers, np.int64),
            np.zeros(n_numbers),
            np.zeros(n_channels, np.int64),
            np.zeros(2 * n_channels, np.bool_),
            np.zeros(2 * n_sums),
        )


def conv_table(model: Any) -> ConvTable | None:
    """Of a model of Lava's; None of one that the loop does not hold."""
    weights = model.weight
    parts = [np.asarray(getattr(model, name)).astype(int).reshape(-1).tolist() for name in GEOMETRY]
    (kernel, stride, padding, dilation, (groups, *_)) = parts
    width, height, channels = model.s_in._shape
    shape_out = tuple(model.a_out._shape)
    spans = [size - 1 for size in kernel]
    fits = (
        type(weights) is np.ndarray
        and weights.ndim == 4
        and np.isfinite(weights).all()
        and tuple(weights.shape[1:3]) == tuple(kernel)
        and min(*stride, *dilation, groups) > 0
        and min(padding) >= 0
        and channels == weights.shape[3] * groups
        and weights.shape[0] % groups == 0
        and shape_out
        == (
            (width + 2 * padding[0] - dilation[0] * spans[0] - 1) // stride[0] + 1,
            (height + 2 * padding[1] - dilation[1] * spans[1] - 1) // stride[1] + 1,
            weights.shape[0],
        )
    )
    if not fits:
        return None
    shape = (width, height, channels, *shape_out, *kernel, *stride, *padding, *dilation, groups)
    by_group = weights.reshape(groups, -1, *weights.shape[1:])  # (g, out, x, y, in)
    taps = by_group.transpose(2, 3, 0, 4, 1).astype(np.float64)
    return ConvTable(np.array(shape, np.int64), np.ascontiguousarray(taps).reshape(-1))


@cache
def adds_in_order(is_graded: bool) -> bool:
    """Whether SciPy rounds every sum here as the loop does, and of graded images every product.

    One that was compiled to fuse them gives other last bits.
    """
    rng = np.random.default_rng(0)
    image: Any = rng.normal(size=(9, 10, 3))
    kernel = rng.normal(size=(2, 3, 6, 3))
    if not is_graded:
        image = (image > 0) * 1.0
    shape = (9, 10, 3, 7, 5, 2, 3, 6, 1, 1, 0, 0, 1, 1, 1)
    weights = np.ascontiguousarray(kernel.transpose(1, 2, 3, 0)).reshape(-1)
    table = ConvTable(np.array(shape, np.int64), weights)
    total = np.empty(7 * 5 * 2)
    convolve(*table, image.reshape(-1), *ConvScratch.of([table]), total)
    expected = np.zeros((7, 5, 2))
    for k in range(2):
        for c in range(3):
            expected[..., k] += signal.convolve2d(image[..., c], kernel[k, ..., c], mode="valid")
    return bool((total.reshape(7, 5, 2) == expected).all())


def fast_convolution(model: Any, by_lava: Callable[..., Any]) -> Callable[..., None]:
    """In the place of a model's ``run_spk``."""
    stored = Stored(model, lambda *_: _ready(model), ("weight", *GEOMETRY))

    def run_spk() -> None:
        is_graded = model.num_message_bits.item() > 0
        is_whole = model.weight.dtype.kind == "i"
        is_alike = is_whole or adds_in_order(is_graded)
        if model.a_buf is None or not (is_alike and stored.are_usable(None)):
            by_lava()
            return
        model.a_out.send(model.a_buf)
        spikes = model.s_in.recv()
        if not is_graded:
            spikes = spikes.astype(bool)
        table, scratch, largest = stored.made
        image = np.ascontiguousarray(spikes, dtype=np.float64).reshape(-1)
        total = np.empty(model.a_out._shape)
        if is_whole and np.abs(image).max() * largest < LARGEST_EXACT:
            convolve_whole(*table, image, total.reshape(-1))
        elif np.isfinite(image).all():
            convolve(*table, image, *scratch, total.reshape(-1))
        else:
            parts = [getattr(model, name) for name in GEOMETRY[:-1]]
            total = conv(spikes, model.weight, *parts, model.groups[0])
        model.a_buf = model.clamp_precision(total.astype(model.weight.dtype))

    return run_spk


def _ready(model: Any) -> tuple[ConvTable, ConvScratch, float] | None:
    table = conv_table(model)
    if table is None or not hears(model, "biuf", 8):
        return None
    return table, ConvScratch.of([table]), float(np.abs(table.weights).sum())
