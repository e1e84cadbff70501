"""Nested state of modules and optimizers as tensors by name and plain JSON; no pickle."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from hw_models import NetworkFileError

TENSOR, PAIRS, LIST, TUPLE, NUMBER = "tensor", "pairs", "list", "tuple", "number"


def take_apart(value: Any, name: str, tensors: dict[str, Tensor]) -> Any:
    """What JSON can hold of a nested value; its tensors are put into ``tensors``.

    Parameters
    ----------
    value
        Tensors, numbers, text, ``None``, and lists, tuples and dicts of those.
    name
        Of the value: first part of the tensors' names.
    tensors
        Receives copies on the CPU.

    Raises
    ------
    NetworkFileError
        If it holds anything else; names the place.

    Mutates
    -------
    tensors
    """
    if isinstance(value, Tensor):
        while name in tensors:  # keys may hold dots
            name += "@"
        # a copy: tensors that share memory cannot be stored side by side
        tensors[name] = value.detach().cpu().clone(memory_format=torch.contiguous_format)
        return {TENSOR: name}
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {NUMBER: repr(value)}
    if isinstance(value, dict):
        pairs = []
        for key, item in value.items():
            if not isinstance(key, (str, int)) or isinstance(key, bool):
                raise NetworkFileError(f"{name}: key {key!r}; text or an integer is needed")
            inner = f"{name}.{key}" if isinstance(key, str) else f"{name}.#{key}"
            pairs.append([key, take_apart(item, inner, tensors)])
        return {PAIRS: pairs}
    if isinstance(value, (list, tuple)):
        kind = TUPLE if isinstance(value, tuple) else LIST
        return {kind: [take_apart(x, f"{name}.{i}", tensors) for i, x in enumerate(value)]}
    raise NetworkFileError(f"{name}: {type(value).__name__} cannot be stored")


def put_together(tree: Any, tensors: dict[str, Tensor]) -> Any:
    """The value that :func:`take_apart` took apart.

    Raises
    ------
    NetworkFileError
        If it refers to a tensor that is not there, or is no such tree.
    """
    if not isinstance(tree, dict):
        return tree
    ((kind, inner),) = tree.items()
    if kind == TENSOR:
        if inner not in tensors:
            raise NetworkFileError(f"tensor {inner!r} is missing")
        return tensors[inner]
    if kind == NUMBER:
        return float(inner)
    if kind == PAIRS:
        return {key: put_together(item, tensors) for key, item in inner}
    if kind in (LIST, TUPLE):
        items = [put_together(item, tensors) for item in inner]
        return tuple(items) if kind == TUPLE else items
    raise NetworkFileError(f"unknown part {kind!r}")
