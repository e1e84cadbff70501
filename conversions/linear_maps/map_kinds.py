"""Kinds of linear maps between flattened populations."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from hashlib import blake2b
from typing import Any

import numpy as np

from conversions.real_network import RealConv
from hw_models import ConversionError

ENTRY_LIMIT = 2**25
"""Most synapses of a map that is not a convolution; 256 MiB of float64."""


@dataclass(frozen=True, eq=False)
class Identity:
    """Each of ``size`` neurons to its counterpart."""

    size: int

    @property
    def n_post(self) -> int:
        """Rows."""
        return self.size


@dataclass(frozen=True, eq=False)
class Dense:
    """float64 ``(n_post, n_pre)``."""

    weights: np.ndarray

    @property
    def n_post(self) -> int:
        """Rows."""
        return len(self.weights)


@dataclass(frozen=True, eq=False)
class Sparse:
    """Listed synapses, each pair once; ``shape`` is ``(n_post, n_pre)``."""

    post: np.ndarray
    pre: np.ndarray
    weights: np.ndarray
    shape: tuple[int, int]

    @property
    def n_post(self) -> int:
        """Rows."""
        return self.shape[0]


@dataclass(frozen=True, eq=False)
class Conv:
    """A :class:`RealConv` from ``in_shape`` to ``out_shape``, each ``(C, H, W)``."""

    kernel: RealConv
    in_shape: tuple[int, int, int]
    out_shape: tuple[int, int, int]

    @property
    def n_post(self) -> int:
        """Rows."""
        return math.prod(self.out_shape)


Map = Identity | Dense | Sparse | Conv


def conv(kernel: RealConv, in_shape: tuple[int, ...]) -> Conv:
    """A convolution of an image of that shape."""
    channels, rows, columns = in_shape
    return Conv(kernel, (channels, rows, columns), kernel.output_shape(in_shape))


def n_pre(linear: Map) -> int:
    """Columns of a map."""
    if isinstance(linear, Identity):
        return linear.size
    if isinstance(linear, Dense):
        return int(linear.weights.shape[1])
    if isinstance(linear, Sparse):
        return linear.shape[1]
    return math.prod(linear.in_shape)


def fingerprint(linear: Map) -> tuple[object, ...]:
    """Equal for equal maps; arrays count by their digests."""
    record: Any = linear.kernel if isinstance(linear, Conv) else linear
    parts: list[object] = [type(linear).__name__, getattr(linear, "in_shape", None)]
    for field in fields(record):
        part = getattr(record, field.name)
        if isinstance(part, np.ndarray):
            part = (part.shape, blake2b(np.ascontiguousarray(part).data).digest())
        parts.append(part)
    return tuple(parts)


def check_size(entries: int) -> None:
    """Refuse a list of synapses or a matrix that is too large; ConversionError."""
    if entries > ENTRY_LIMIT:
        raise ConversionError(
            f"a chain of layers between two populations is a map of {entries} synapses that is"
            f" not a convolution; supported are up to {ENTRY_LIMIT}"
        )
