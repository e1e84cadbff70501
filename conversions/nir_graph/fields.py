"""Fields of a node as checked numbers, with errors that name the node."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from conversions.nir_graph.records import NirNode
from hw_models import ConversionError


def reals(path: str, node: NirNode, name: str, default: float | None = None) -> np.ndarray:
    """A field as float64, of the shape it has in the graph.

    Raises
    ------
    ConversionError
        If it is missing, not numeric or not finite.
    """
    value = node.fields.get(name)
    if value is None:
        if default is None:
            raise ConversionError(f"{path} ({node.kind}): {name!r} is missing")
        return np.asarray(default, dtype=np.float64)
    array = np.asarray(value)
    if array.dtype.kind not in "biuf" or array.size == 0:
        raise ConversionError(
            f"{path} ({node.kind}).{name}: {array.dtype} of shape {array.shape}; numbers are needed"
        )
    if not np.isfinite(array).all():
        raise ConversionError(f"{path} ({node.kind}).{name}: a value is not finite")
    return array.astype(np.float64)


def integers(path: str, node: NirNode, name: str, n: int, default: int | None = None) -> Any:
    """A field as ``n`` integers (one is taken for all); a tuple."""
    if node.fields.get(name) is None and default is not None:
        return (default,) * n
    array = reals(path, node, name).reshape(-1)
    if array.size not in (1, n) or (array != np.rint(array)).any():
        raise ConversionError(
            f"{path} ({node.kind}).{name}: {array.tolist()}; {n} integers are needed"
        )
    return tuple(int(value) for value in np.broadcast_to(array, (n,)))


def shape_field(path: str, node: NirNode) -> tuple[int, ...] | None:
    """The shape that an Input, Output or Flatten declares; None if it doesn't."""
    value = node.fields.get("shape")
    if value is None:
        return None
    array = np.asarray(value)
    if array.size == 0 or array.dtype.kind not in "iu" or (array < 1).any():
        return None
    return tuple(int(size) for size in array.reshape(-1))


def spread(path: str, values: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Values of a node as one number for all, or one per neuron (flat, C order).

    Raises
    ------
    ConversionError
        If they fit the shape neither as they are nor flat nor by broadcasting.
    """
    flat = values.reshape(-1)
    if flat.size in (1, math.prod(shape)) and (flat == flat[0]).all():
        return flat[:1]
    if flat.size == math.prod(shape):
        return flat
    try:
        return np.broadcast_to(values, shape).reshape(-1)
    except ValueError:
        raise ConversionError(
            f"{path}: parameters of shape {values.shape} for neurons of shape {shape}"
        ) from None
