"""Checked fields of one value: integers, shapes and names; arrays are those of ``arrays``."""

from __future__ import annotations

import math
import operator
import sys
from typing import Any

import numpy as np

from hw_models.errors import RangeError, ShapeError, TypeMismatchError, brief

MOST_REAL = sys.float_info.max
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
            f"{where}: {brief(value)} is {type(value).__name__}; an integer is needed"
        ) from None
    if not low <= number <= high:
        raise RangeError(f"{where}: {brief(number)}; allowed {low}..{high}")
    return number


def real(where: str, value: float) -> float:
    """A number as a float; RangeError for an integer beyond every float."""
    try:
        return float(value)
    except OverflowError:
        raise RangeError(f"{where}: {brief(value)}; allowed up to {MOST_REAL:.3g}") from None


def shape_of(where: str, value: Any) -> tuple[int, ...]:
    """A population shape: one to four positive integers, together at most ``2**31 - 1``."""
    sizes = value if isinstance(value, (tuple, list)) else (value,)
    if not 1 <= len(sizes) <= 4:
        raise ShapeError(f"{where}: {brief(value)}; one to four sizes are needed")
    shape = tuple(integer(where, size, 1, INDEX_HIGH) for size in sizes)
    if math.prod(shape) > INDEX_HIGH:
        raise RangeError(f"{where}: {shape} is {math.prod(shape)} neurons; allowed 1..{INDEX_HIGH}")
    return shape


def pair_of(where: str, value: Any, low: int, high: int) -> tuple[int, int]:
    """``n`` or ``(n_rows, n_columns)`` as a pair."""
    if isinstance(value, (tuple, list)):
        if len(value) != 2:
            raise ShapeError(f"{where}: {brief(value)}; one integer or two are needed")
        return integer(where, value[0], low, high), integer(where, value[1], low, high)
    number = integer(where, value, low, high)
    return number, number


def name_of(where: str, value: Any) -> str:
    """A name: a non-empty string without a slash (names are groups in a network file)."""
    if not isinstance(value, str):
        raise TypeMismatchError(
            f"{where}: {brief(value)} is {type(value).__name__}; a string is needed"
        )
    if not value or "/" in value or value == ".":
        raise RangeError(f"{where}: {value!r}; a non-empty name without '/' is needed")
    return value
