"""Initial values of Vars as Lava's fixed-point models load them, and what that changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from lava.magma.core.process.process import AbstractProcess

from conversions.lava.reading.walk import label
from hw_models.errors import ConversionError


def loaded(process: AbstractProcess, field: str, dtype: Any) -> tuple[np.ndarray, list[str]]:
    """A Var as the array of its ProcessModel: floats cut off, integers wrapped.

    Returns
    -------
    array of that dtype in the Var's shape, and a note if values were changed

    Raises
    ------
    ConversionError
        If Lava could not load it.
    """
    variable = getattr(process, field)
    where = f"{label(process)}.{field}"
    given = check_numbers(where, variable.init)
    if given.ndim == 0 and not fits(given, dtype):
        raise ConversionError(f"{where}: {given}; {np.dtype(dtype).name} is what Lava keeps it in")
    array = np.empty(variable.shape, dtype)
    try:
        array[...] = given
    except ValueError as error:
        raise ConversionError(f"{where}: Lava cannot load it: {error}") from error
    return array, change_note(where, given, array, f"kept as {np.dtype(dtype).name}")


def check_numbers(where: str, value: Any) -> np.ndarray:
    """A value as a numeric array; floats must be finite and inside 32 bits."""
    array = np.asarray(value)
    if array.dtype.kind not in "biuf":
        raise ConversionError(f"{where}: dtype {array.dtype}; numbers are needed")
    if array.dtype.kind == "f" and not (np.isfinite(array).all() and fits(array, np.int32)):
        raise ConversionError(f"{where}: a value is not finite or beyond 32 bits")
    return array


def fits(array: np.ndarray, dtype: Any) -> bool:
    """Whether all values are inside the range of an integer dtype."""
    limits = np.iinfo(dtype)
    return bool(((array >= limits.min) & (array <= limits.max)).all())


def change_note(
    where: str, before: np.ndarray, after: np.ndarray, reason: str, places: Any = None
) -> list[str]:
    """One sentence if values differ, else none; ``places`` are the indices of listed values."""
    before = np.broadcast_to(before, after.shape)
    changed = before != after
    if not changed.any():
        return []
    index = tuple(int(i) for i in np.argwhere(changed)[0])
    place = index if places is None else tuple(int(i) for i in places[index[0]])
    first = f"the first at {place}: {before[index]} -> {after[index]}"
    largest = np.abs(after.astype(np.float64) - before).max()
    return [
        f"{where}: Lava changes {int(changed.sum())} of {changed.size} values on load"
        f" ({reason}), by up to {largest:g}; {first}"
    ]


def register(
    process: AbstractProcess,
    field: str,
    in_lava: Callable[[Any], Any],
    low: int,
    high: int,
) -> np.ndarray:
    """A parameter that Lava's model takes as it is given, without a cast or a check.

    Parameters
    ----------
    process, field
        The Var.
    in_lava
        What the model computes of it; must come out the same in the value's own type as
        in wide integers.
    low, high
        What a network can hold.

    Returns
    -------
    int64, ``()`` or the shape of ``process.s_out``
    """
    where = f"{label(process)}.{field}"
    given = getattr(process, field).init
    wanted = f"; an integer {low}..{high} is needed"
    if isinstance(given, (bool, np.bool_)) or not isinstance(given, (int, np.integer, np.ndarray)):
        raise ConversionError(f"{where}: {given!r}{_float_hint(given)}{wanted}")
    array = np.asarray(given)
    if array.dtype.kind not in "iu":
        raise ConversionError(f"{where}: dtype {array.dtype}{_float_hint(given)}{wanted}")
    outside = (array < low) | (array > high)
    if outside.any():
        raise ConversionError(f"{where}: {int(array[outside].flat[0])}{wanted}")
    wide = array.astype(np.int64)
    try:
        narrow = np.asarray(in_lava(given))
    except (OverflowError, TypeError) as error:
        raise ConversionError(f"{where}: Lava's model cannot compute with it: {error}") from error
    if narrow.dtype.kind not in "iu" or not np.array_equal(narrow, in_lava(wide)):
        raise ConversionError(
            f"{where}: dtype {array.dtype}; Lava's model computes in it and leaves its range;"
            " int32 is wide enough"
        )
    shape = process.s_out.shape
    try:
        return wide.reshape(()) if wide.size == 1 else np.broadcast_to(wide, shape)
    except ValueError:
        raise ConversionError(
            f"{where}: shape {wide.shape}; () or the neurons' {shape} is needed"
        ) from None


def _float_hint(value: Any) -> str:
    if np.asarray(value).dtype.kind != "f":
        return ""
    return ", which only Lava's floating-point model can take: its fixed-point model fails on it"
