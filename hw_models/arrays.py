"""The border: arrays from outside, made what records and compiled kernels may rely on.

A compiled loop believes an array's type: a bool is a byte of 0 or 1, an index is below the
size, rows lie one after the other, bytes are in the machine's order. NumPy promises none of
it: a view makes any byte a bool, an axis may run backwards, a file may hold the bytes of
another machine. So every array of a caller goes through one of these functions, once, and
what lies behind them is given nothing else. What they return has a fixed dtype, native byte
order and C order, and shares no memory with what was given where it is kept.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from hw_models.errors import InputError, RangeError, ShapeError, TypeMismatchError
from hw_models.integers import integer


class HandedOver(np.ndarray):
    """An array that its maker has given away: a record may keep it and needs no copy.

    Made by ``array.view(HandedOver)``, of a fresh array that nobody else has.
    """


def plain_array(where: str, values: Any) -> np.ndarray:
    """An array with the values that it claims to have, as NumPy itself would have made it.

    Parameters
    ----------
    where
        Begins the message of an error.
    values
        An array, a tensor of another library on the CPU, or nested sequences.

    Returns
    -------
    ndarray
        Native byte order, bools of bytes 0 and 1 (every other byte means true, as it does in
        NumPy), no subclass but :class:`HandedOver`. The given array itself where it is so already.

    Raises
    ------
    ShapeError
        If rows have different lengths.
    TypeMismatchError
        If values are masked (they would come back), or it cannot be read as an array.
    """
    masked = sys.modules.get("numpy.ma")  # who has not imported it, which takes long, has none
    if masked is not None and masked.is_masked(values):
        raise TypeMismatchError(f"{where}: masked values; give what they are, see filled()")
    try:
        array = values if type(values) is HandedOver else np.asarray(values)
    except ValueError:
        raise ShapeError(f"{where}: rows of different lengths; a regular array is needed") from None
    except (TypeError, RuntimeError, BufferError) as error:  # a tensor on a GPU, or with a gradient
        raise TypeMismatchError(
            f"{where}: {type(values).__name__} cannot be read as an array: {error}"
        ) from None
    if array.dtype.kind == "b":
        as_bytes = array.view(np.uint8)
        return as_bytes != 0 if as_bytes.max(initial=0) > 1 else array
    if not array.dtype.isnative and array.dtype.names is None:
        return array.astype(array.dtype.newbyteorder("="))
    return array


def checked_integers(where: str, values: Any, low: int, high: int) -> np.ndarray:
    """Integers, all inside ``[low, high]``; the given array itself where it is plain.

    Raises
    ------
    TypeMismatchError
        If the array's dtype is not an integer type (NaN and floats are refused, not rounded).
    RangeError
        If a value is outside the range; names the first offender and its index.
    """
    array = plain_array(where, values)
    if array.size == 0 and array.dtype.kind in "bf":  # NumPy makes floats of an empty list
        array = np.zeros(array.shape, dtype=np.int64)
    if array.dtype.kind not in "iu":
        raise TypeMismatchError(f"{where}: dtype {array.dtype}; integers are needed")
    if array.size and (array.min() < low or array.max() > high):
        index = _first((array < low) | (array > high))
        raise RangeError(
            f"{where}: value {int(array[index])} at index {index}; allowed {low}..{high}"
        )
    return array


def frozen_array(array: np.ndarray, dtype: Any) -> np.ndarray:
    """A read-only copy, in C order; of a :class:`HandedOver` array that fits, the array itself."""
    kept = isinstance(array, HandedOver) and array.dtype == dtype and array.flags.c_contiguous
    frozen = array.view(np.ndarray) if kept else np.array(array, dtype=dtype, order="C")
    frozen.flags.writeable = False
    return frozen


def integer_array(where: str, values: Any, low: int, high: int, dtype: Any) -> np.ndarray:
    """A read-only copy of integers, all inside ``[low, high]``; errors of `checked_integers`."""
    return frozen_array(checked_integers(where, values, low, high), dtype)


def per_neuron(where: str, values: Any, shape: tuple[int, ...], low: int, high: int) -> np.ndarray:
    """One integer for all neurons, shape ``(1,)``, or one for each, shape ``(n_neurons,)``."""
    array = plain_array(where, values)
    n_neurons = int(np.prod(shape))
    if array.ndim > 0 and array.shape not in {shape, (n_neurons,), (1,)}:
        raise ShapeError(f"{where}: shape {array.shape}; allowed () or {shape}")
    if array.ndim == 0:
        integer(where, array[()], low, high)
    return integer_array(where, array.reshape(-1), low, high, np.int32)


def flag_array(where: str, values: Any) -> np.ndarray:
    """Booleans, as a copy whose bytes are 0 and 1.

    Raises
    ------
    TypeMismatchError
        If the dtype is another one; integers are not asked whether they are 0.
    """
    array = plain_array(where, values)
    if array.dtype.kind != "b":
        raise TypeMismatchError(f"{where}: dtype {array.dtype}; booleans are needed")
    return np.array(array, order="C")


def spike_array(where: str, values: Any) -> np.ndarray:
    """Spikes as bool of the same shape in C order, from bool or exact zeros and ones.

    Raises
    ------
    InputError
        If the dtype is no bool, integer or float, or a value is neither 0 nor 1; names the
        first such value and its index.
    """
    array = plain_array(where, values)
    if array.dtype.kind not in "biuf":
        raise InputError(f"{where}: spikes of dtype {array.dtype}; bool or 0 and 1 are needed")
    if array.dtype.kind == "b":
        return np.ascontiguousarray(array).reshape(array.shape)
    fired = np.asarray(array == 1, order="C")
    bad = ~fired & (array != 0)  # not a number is neither
    if bad.any():
        index = _first(bad)
        raise InputError(f"{where}: value {array[index]} at index {index}; allowed 0 and 1")
    return fired


def batch_first_hint(shape: tuple[int, ...], n_labels: int) -> str:
    """What to add to a message if spikes ``(T, B, ...)`` came with ``B`` labels; else nothing."""
    if len(shape) < 2 or shape[1] != n_labels or shape[0] == n_labels:
        return ""
    return f"; they look like (T, B, ...), and batch first is needed: {n_labels} samples come first"


def _first(where_true: np.ndarray) -> tuple[int, ...]:
    return tuple(int(i) for i in np.unravel_index(int(np.argmax(where_true)), where_true.shape))
