"""What spikes become at the other end of a projection, in real numbers."""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from conversions.real_network.network import RealNetwork
from conversions.real_network.projections import LinearMap, RealConv, RealDense, RealProjection

LARGEST_WINDOWS = 2**24  # values unfolded at a time by a convolution


def delivered(linear: LinearMap, spikes: Any, shape: tuple[int, ...], n_post: int) -> np.ndarray:
    """What spike vectors become.

    Parameters
    ----------
    linear
        The map.
    spikes : bool or 0/1, shape (M, n_pre)
        Of the source, flat.
    shape
        Of the source.
    n_post
        Neurons of the target.

    Returns
    -------
    float64, shape (M, n_post)
    """
    given = np.asarray(spikes, dtype=np.float64)
    if isinstance(linear, RealDense):
        return given @ linear.weights.T
    if isinstance(linear, RealConv):
        return _convolved(linear, given.reshape(-1, *shape))
    made = np.zeros((len(given), n_post))
    order = np.argsort(linear.post, kind="stable")
    reached, first = np.unique(linear.post[order], return_index=True)
    if reached.size:
        sent = given[:, linear.pre[order]] * linear.weights[order]
        made[:, reached] = np.add.reduceat(sent, first, axis=1)
    return made


@dataclass(frozen=True)
class Wire:
    """A projection made ready to deliver, step by step."""

    projection: RealProjection
    parts: tuple[tuple[int, LinearMap], ...]
    shape: tuple[int, ...]
    n_post: int

    @classmethod
    def of(cls, network: RealNetwork, projection: RealProjection) -> Wire:
        """The wire of one of a network's projections."""
        source, target = (network.population(e) for e in (projection.source, projection.target))
        return cls(projection, tuple(by_delay(projection)), source.shape, target.n_neurons)

    def arrivals(self, spikes: np.ndarray, step: int) -> np.ndarray:
        """What arrives in a step, float64 ``(B, n_post)``.

        Parameters
        ----------
        spikes : bool, shape (B, T, n_pre)
            Of the source, from its first step on.
        step
            Of the arrival; latency and delays say how old the spikes are.
        """
        made = np.zeros((len(spikes), self.n_post))
        for delay, linear in self.parts:
            sent = step - self.projection.latency - delay
            if sent >= 0:
                made += delivered(linear, spikes[:, sent], self.shape, self.n_post)
        power = self.projection.power
        return np.ldexp(made, power) if power else made


def by_delay(projection: RealProjection) -> list[tuple[int, LinearMap]]:
    """The map as a sum of maps that have one delay each, smallest first."""
    delays, linear = projection.delays, projection.map
    if delays is None or isinstance(linear, RealConv):
        return [(0, linear)]
    if isinstance(linear, RealDense):
        return [
            (int(delay), RealDense(weights=np.where(delays == delay, linear.weights, 0.0)))
            for delay in np.unique(delays)
        ]
    return [
        (
            int(delay),
            type(linear)(
                pre=linear.pre[delays == delay],
                post=linear.post[delays == delay],
                weights=linear.weights[delays == delay],
            ),
        )
        for delay in np.unique(delays)
    ]


class Distinct(NamedTuple):
    """A convolution with every channel once, and which of its channels each one was.

    ``columns`` says which input channels of the weights were kept.
    """

    conv: RealConv
    given: np.ndarray
    made: np.ndarray
    columns: np.ndarray


@functools.lru_cache(maxsize=16)
def distinct_channels(conv: RealConv) -> Distinct:
    """Copies of neurons are channels with the same weights: once is enough.

    What a source's equal channels send may be summed first. Groups are left alone.
    """
    weights = conv.weights
    channels_out, channels_in = len(weights), weights.shape[1]
    everyone = np.arange(channels_out), np.arange(channels_in)
    if conv.groups > 1:
        return Distinct(conv, np.arange(channels_in * conv.groups), *everyone)
    rows, made = _first_of_each(weights.reshape(channels_out, -1))
    columns, given = _first_of_each(weights[rows].swapaxes(0, 1).reshape(channels_in, -1))
    if len(rows) == channels_out and len(columns) == channels_in:
        return Distinct(conv, everyone[1], *everyone)
    few = replace(conv, weights=weights[rows][:, columns])
    return Distinct(few, given, made, columns)


def _first_of_each(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    _, first, place = np.unique(rows, axis=0, return_index=True, return_inverse=True)
    return first, place.reshape(-1)


def summed_by(places: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Sums of the columns of ``(M, C, ...)`` that have the same place, ``(M, places, ...)``."""
    if (places == np.arange(len(places))).all():
        return values
    n_places = int(places.max()) + 1
    if n_places == len(places):  # a permutation: nothing is summed
        return values[:, np.argsort(places)]
    one_hot = (np.arange(n_places)[:, None] == places).astype(np.float64)
    flat = values.reshape(*values.shape[:2], -1)
    return (one_hot @ flat).reshape(len(values), -1, *values.shape[2:])


def _convolved(repeated: RealConv, images: np.ndarray) -> np.ndarray:
    """Cross-correlation of ``(M, C, H, W)``, flat per image; unfolded, some images at a time."""
    conv, given, distinct, _ = distinct_channels(repeated)
    images = summed_by(given, images)
    channels_out, per_group, *kernel = conv.weights.shape
    _, rows, columns = conv.output_shape(images.shape[1:])
    windows = per_group * conv.groups * rows * columns * kernel[0] * kernel[1]
    at_once = max(1, LARGEST_WINDOWS // windows)
    made = np.empty((len(images), channels_out, rows * columns))
    weights = conv.weights.reshape(conv.groups, channels_out // conv.groups, -1)
    for start in range(0, len(images), at_once):
        part = images[start : start + at_once]
        taps = unfolded(conv, part, rows, columns)
        grouped = taps.reshape(len(part), conv.groups, -1, rows * columns)
        made[start : start + at_once] = (weights @ grouped).reshape(len(part), channels_out, -1)
    return made[:, distinct].reshape(len(images), -1)


def unfolded(conv: RealConv, images: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """Pixels under each tap: ``(M, C, kernel rows, kernel columns, rows, columns)``."""
    (pad_rows, pad_columns), (down, right) = conv.padding, conv.stride
    padded = np.pad(images, ((0, 0), (0, 0), (pad_rows,) * 2, (pad_columns,) * 2))
    kernel = conv.weights.shape[2:]
    taps = np.empty((*images.shape[:2], *kernel, rows, columns))
    for i in range(kernel[0]):
        for j in range(kernel[1]):
            top, left = i * conv.dilation[0], j * conv.dilation[1]
            taps[:, :, i, j] = padded[
                :,
                :,
                top : top + down * (rows - 1) + 1 : down,
                left : left + right * (columns - 1) + 1 : right,
            ]
    return taps
