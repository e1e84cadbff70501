"""One code for NumPy arrays and PyTorch tensors, without importing PyTorch."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from hw_models import RangeError, ShapeError, TypeMismatchError
from hw_models.arrays import plain_array


def is_tensor(value: Any) -> bool:
    """Whether it is a tensor of PyTorch, which then is loaded already."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def functions_of(value: Any) -> Any:
    """The module whose functions take this array: ``torch`` or ``numpy``."""
    return sys.modules["torch"] if is_tensor(value) else np


def real_values(where: str, value: Any, n_axes: int = 0) -> Any:
    """Finite real numbers with at least ``n_axes`` axes; a tensor stays one, the rest is float64.

    Raises
    ------
    TypeMismatchError, RangeError, ShapeError
    """
    if is_tensor(value):
        if not value.dtype.is_floating_point:
            raise TypeMismatchError(f"{where}: {value.dtype}; a floating-point tensor is needed")
        array = value
    else:
        plain = plain_array(where, value)
        if plain.dtype.kind not in "biuf":
            raise TypeMismatchError(f"{where}: dtype {plain.dtype}; real numbers are needed")
        array = plain.astype(np.float64)
    if array.ndim < n_axes:
        raise ShapeError(f"{where}: shape {tuple(array.shape)}; at least {n_axes} axes are needed")
    if not bool(functions_of(array).isfinite(array).all()):
        raise RangeError(f"{where}: not finite everywhere")
    return array


def spike_values(where: str, value: Any, n_axes: int = 2) -> Any:
    """The same, zeros and ones only."""
    array = real_values(where, value, n_axes)
    if not bool(((array == 0) | (array == 1)).all()):
        raise RangeError(f"{where}: values beside 0 and 1")
    return array


def same_kind(where: str, value: Any, other: Any) -> None:
    """Refuse a tensor beside an array, and two tensors of different types.

    Raises
    ------
    TypeMismatchError
    """
    if is_tensor(value) != is_tensor(other) or value.dtype != other.dtype:
        kinds = [f"{type(array).__name__} of {array.dtype}" for array in (value, other)]
        raise TypeMismatchError(f"{where}: {kinds[0]} beside {kinds[1]}; one kind is needed")


def zeros(like: Any, *shape: int) -> Any:
    """Zeros of a shape, of the kind, type and device of an array."""
    if is_tensor(like):
        return like.new_zeros(shape)
    return np.zeros(shape, dtype=like.dtype)


def as_type_of(flags: Any, like: Any) -> Any:
    """Booleans as zeros and ones of the type of another array."""
    return flags.to(like.dtype) if is_tensor(flags) else flags.astype(like.dtype)


def stacked(steps: list[Any]) -> Any:
    """Steps, one after the other, along the last axis but one."""
    return functions_of(steps[0]).stack(steps, -2)
