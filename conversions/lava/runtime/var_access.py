"""Reading and writing a Var of a model, as Lava's runtime hands it out."""

from __future__ import annotations

from typing import Any

import numpy as np
from lava.utils.sparse import find
from scipy.sparse import csr_matrix

from hw_models.errors import InputError, ShapeError


def read_var(model: Any, name: str, shape: tuple[int, ...]) -> np.ndarray:
    """The value of a Var as float64: ``shape``, or the entries of a sparse matrix or a text."""
    value = getattr(model, name)
    if isinstance(value, str):
        return np.array(list(value.encode("ascii")), dtype=np.float64)
    if isinstance(value, csr_matrix):
        return np.asarray(find(value, explicit_zeros=True)[2], dtype=np.float64)
    values = np.asarray(value, dtype=np.float64)
    if values.size == int(np.prod(shape)):
        return values.reshape(shape).copy()
    if values.size == 1:
        buffer = np.zeros(int(np.prod(shape)))  # Lava hands out one number of a scalar
        buffer[0] = values.item()
        return buffer.reshape(shape)
    raise ShapeError(f"Var {name!r} has shape {shape}, but the model holds {values.shape}")


def write_var(model: Any, name: str, value: Any) -> None:
    """Set a Var; the model is told by its ``on_var_update``."""
    held = getattr(model, name)
    values = np.asarray(value)
    if isinstance(held, str):
        setattr(model, name, bytes(values.astype(int).tolist()).decode("ascii"))
    elif isinstance(held, csr_matrix):
        places, sources, _ = find(held, explicit_zeros=True)
        _check_size(name, values, len(places))
        entries = values.reshape(-1).astype(np.float64)
        setattr(model, name, csr_matrix((entries, (places, sources)), held.shape))
    elif isinstance(held, np.ndarray):
        _check_size(name, values, held.size)
        held[...] = values.reshape(held.shape)
    elif isinstance(held, int | float | np.generic):
        _check_size(name, values, 1)
        setattr(model, name, _scalar(held, values.reshape(-1)[0]))
    else:
        raise InputError(f"Var {name!r} is a {type(held).__name__}, which cannot be set")
    model.on_var_update()


def _scalar(held: Any, value: Any) -> Any:
    if isinstance(held, np.generic):
        return np.asarray(value).astype(held.dtype)[()]
    if isinstance(held, int) and float(value).is_integer():
        return type(held)(value)
    return float(value)


def _check_size(name: str, values: np.ndarray, size: int) -> None:
    if values.size != size:
        raise ShapeError(f"Var {name!r} holds {size} values, got {values.size}")
