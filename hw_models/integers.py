"""Checked integer fields: what a record accepts, and the error when it doesn't."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from hw_models.errors import RangeError, ShapeError, TypeMismatchError

INDEX_HIGH = 2**31 - 1  # flat neuron indices are int32


def integer(where: str, value: Any, low: int, high: int) -> int:
    """One integer inside ``[low, high]``.

    Raises
    ------
    TypeMismatchError
        If ``value`` is not an integer (booleans and floats are not).
    RangeError
        If it is outside the range.
    """
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value[()]
    if isinstance(value, (bool, np.bool_)):
        raise TypeMismatchError(f"{where}: {value!r} is a boolean; an integer is needed")
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeMismatchError(
            f"{where}: {value!r} is {type(value).__name__}; an integer is needed"
        ) from None
    if not low <= number <= high:
        raise RangeError(f"{where}: {number}; allowed {low}..{high}")
    return number


def _array(where: str, values: Any) -> np.ndarray:
    try:
        return np.asarray(values)
    except ValueError:
        raise ShapeError(f"{where}: rows of different lengths; a regular array is needed") from None


def integer_array(where: str, values: Any, low: int, high: int, dtype: Any) -> np.ndarray:
    """A read-only, contiguous copy of integers, all inside ``[low, high]``.

    Raises
    ------
    TypeMismatchError
        If the array's dtype is not an integer type (NaN and floats are refused, not rounded).
    RangeError
        If a value is outside the range; names the first offender and its index.
    """
    array = _array(where, values)
    if array.size == 0:
        array = array.astype(dtype)
    if array.dtype.kind not in "iu":
        raise TypeMismatchError(f"{where}: dtype {array.dtype}; integers are needed")
    outside = (array < low) | (array > high)
    if outside.any():
        index = tuple(int(i) for i in np.argwhere(outside)[0])
        raise RangeError(
            f"{where}: value {int(array[index])} at index {index}; allowed {low}..{high}"
        )
    frozen = np.array(array, dtype=dtype, order="C")
    frozen.flags.writeable = False
    return frozen


def per_neuron(where: str, values: Any, shape: tuple[int, ...], low: int, high: int) -> np.ndarray:
    """One integer for all neurons, shape ``(1,)``, or one for each, shape ``(n_neurons,)``."""
    array = _array(where, values)
    n_neurons = int(np.prod(shape))
    if array.ndim > 0 and array.shape not in {shape, (n_neurons,), (1,)}:
        raise ShapeError(f"{where}: shape {array.shape}; allowed () or {shape}")
    if array.ndim == 0:
        integer(where, array[()], low, high)
    return integer_array(where, array.reshape(-1), low, high, np.int32)


def shape_of(where: str, value: Any) -> tuple[int, ...]:
    """A population shape: one to four positive integers, together at most ``2**31 - 1``."""
    sizes = value if isinstance(value, (tuple, list)) else (value,)
    if not 1 <= len(sizes) <= 4:
        raise ShapeError(f"{where}: {value!r}; one to four sizes are needed")
    shape = tuple(integer(where, size, 1, INDEX_HIGH) for size in sizes)
    if math.prod(shape) > INDEX_HIGH:
        raise RangeError(f"{where}: {shape} is {math.prod(shape)} neurons; allowed 1..{INDEX_HIGH}")
    return shape


def pair_of(where: str, value: Any, low: int, high: int) -> tuple[int, int]:
    """``n`` or ``(n_rows, n_columns)`` as a pair."""
    if isinstance(value, (tuple, list)):
        if len(value) != 2:
            raise ShapeError(f"{where}: {value!r}; one integer or two are needed")
        return integer(where, value[0], low, high), integer(where, value[1], low, high)
    number = integer(where, value, low, high)
    return number, number


def name_of(where: str, value: Any) -> str:
    """A name: a non-empty string without a slash (names are groups in a network file)."""
    if not isinstance(value, str):
        raise TypeMismatchError(f"{where}: {value!r} is {type(value).__name__}; a string is needed")
    if not value or "/" in value or value == ".":
        raise RangeError(f"{where}: {value!r}; a non-empty name without '/' is needed")
    return value
