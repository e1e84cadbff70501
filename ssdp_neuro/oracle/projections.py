"""What arrives through one projection in one step, and how many synapses a spike has there.

Everything is dense: one matrix or one explicit loop over kernel positions for each
projection, multiplied with the spikes of the whole population.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from hw_models import ConvProjection, DenseProjection, PoolProjection, SparseProjection


class DenseArrival:
    """A projection as one dense matrix ``(n_pre, n_post)`` for each delay it has."""

    def __init__(self, projection: DenseProjection | SparseProjection, n_pre: int, n_post: int):
        weights = np.zeros((n_pre, n_post), dtype=np.int64)
        delays = np.zeros((n_pre, n_post), dtype=np.int64)
        exists = np.zeros((n_pre, n_post), dtype=bool)
        if isinstance(projection, DenseProjection):
            weights[...] = projection.weights.T
            exists[...] = True
            if projection.delays is not None:
                delays[...] = projection.delays.T
        else:
            weights[projection.pre, projection.post] = projection.weights
            exists[projection.pre, projection.post] = True
            if projection.delays is not None:
                delays[projection.pre, projection.post] = projection.delays
        self.n_post = n_post
        self.exponent = projection.weight_exponent
        self.fan_out = exists.sum(axis=1)
        self.bins = {
            # float64 holds these integer sums exactly (below 2**53) and is fast at products
            int(delay): np.where(exists & (delays == delay), weights, 0).astype(np.float64)
            for delay in np.unique(delays[exists])
        }

    def arriving(self, raster: np.ndarray, step: int) -> np.ndarray:
        """Input of the target in ``step``: int64 ``(B, n_post)``; one floor for each delay."""
        total = np.zeros((raster.shape[0], self.n_post), dtype=np.int64)
        for delay, weights in self.bins.items():
            sent = step - 1 - delay
            if sent >= 0:
                sums = raster[:, sent].astype(np.float64) @ weights
                total += scaled(sums.astype(np.int64), self.exponent)
        return total


class ConvArrival:
    """A convolution, or a sum pooling, as a loop over the positions of its kernel."""

    def __init__(self, projection: ConvProjection | PoolProjection, source: Any, target: Any):
        self.source_shape, self.target_shape = source.shape, target.shape
        channels = source.shape[0]
        if isinstance(projection, PoolProjection):
            self.kernel = np.full((channels, 1, *projection.kernel_size), projection.weight)
            self.dilation, self.groups = (1, 1), channels
        else:
            self.kernel = projection.weights
            self.dilation, self.groups = projection.dilation, projection.groups
        self.kernel = self.kernel.astype(np.int64)
        self.stride, self.padding = projection.stride, projection.padding
        self.exponent = projection.weight_exponent
        per_tap = self.kernel.shape[0] // self.groups
        taps = np.zeros((1, *self._padded_shape()), dtype=np.int64)
        for row, column in np.ndindex(*self.kernel.shape[2:]):
            self._window(taps, row, column)[...] += per_tap
        self.fan_out = self._inside(taps).reshape(-1)

    def arriving(self, raster: np.ndarray, step: int) -> np.ndarray:
        """Input of the target in ``step``: int64 ``(B, n_post)``."""
        if step == 0:
            return np.zeros((raster.shape[0], int(np.prod(self.target_shape))), dtype=np.int64)
        spikes = raster[:, step - 1].reshape(-1, *self.source_shape)
        image = np.zeros((spikes.shape[0], *self._padded_shape()), dtype=np.int64)
        self._inside(image)[...] = spikes
        sums = np.zeros((spikes.shape[0], *self.target_shape), dtype=np.int64)
        n_out = self.kernel.shape[0] // self.groups
        n_in = self.kernel.shape[1]
        for row, column in np.ndindex(*self.kernel.shape[2:]):
            window = self._window(image, row, column)
            for out in range(self.kernel.shape[0]):
                first = (out // n_out) * n_in
                for channel in range(n_in):
                    weight = self.kernel[out, channel, row, column]
                    sums[:, out] += weight * window[:, first + channel]
        return scaled(sums, self.exponent).reshape(spikes.shape[0], -1)

    def _padded_shape(self) -> tuple[int, int, int]:
        channels, height, width = self.source_shape
        return channels, height + 2 * self.padding[0], width + 2 * self.padding[1]

    def _inside(self, image: np.ndarray) -> np.ndarray:
        """The part of a padded image that is not padding."""
        (top, left), (_, height, width) = self.padding, self.source_shape
        return image[:, :, top : top + height, left : left + width]

    def _window(self, image: np.ndarray, row: int, column: int) -> np.ndarray:
        """The padded pixels that meet kernel position (row, column), one per output pixel."""
        top, left = row * self.dilation[0], column * self.dilation[1]
        _, height, width = self.target_shape
        return image[
            :,
            :,
            top : top + self.stride[0] * height : self.stride[0],
            left : left + self.stride[1] * width : self.stride[1],
        ]


def scaled(sums: np.ndarray, exponent: int) -> np.ndarray:
    """``floor(sums * 2**exponent)``, in integers."""
    return sums * 2**exponent if exponent >= 0 else sums // 2**-exponent


def arrival_of(projection: Any, source: Any, target: Any) -> DenseArrival | ConvArrival:
    """The dense form of any projection."""
    if isinstance(projection, (DenseProjection, SparseProjection)):
        return DenseArrival(projection, source.n_neurons, target.n_neurons)
    return ConvArrival(projection, source, target)
