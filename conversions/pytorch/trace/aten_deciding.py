"""Maxima and increasing functions, which may stand between scores and a class."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import torch
from torch import Tensor

from conversions.pytorch.trace.tape import Handler, Tape
from conversions.pytorch.trace.values import Chosen, Greatest, Squashed


def rows_of(cells: Tensor, dim: Any, n_rows: int) -> np.ndarray:
    """Cells ``(n_rows, n)`` that are reduced to one each; by default all to one."""
    axes = range(cells.ndim) if dim is None or dim == [] else dim
    gone = sorted(axis % cells.ndim for axis in ([axes] if isinstance(axes, int) else axes))
    kept = [axis for axis in range(cells.ndim) if axis not in gone]
    return cells.permute(*kept, *gone).reshape(n_rows, -1).numpy().copy()


def _squashed(
    tape: Tape, out: Tensor, given: Tensor, dim: Any = None, *rest: Any, operation: str
) -> Tensor | None:
    cells = tape.cells(given)
    if cells is None:
        return None
    group = None
    if operation.endswith("softmax"):
        shape = list(given.shape)
        shape[dim] = 1
        numbers = torch.arange(given.numel() // given.shape[dim]).reshape(shape)
        group = numbers.expand(given.shape).reshape(-1).numpy().copy()
    made = tape.add(
        Squashed,
        out.numel(),
        operation=operation,
        given=cells.reshape(-1).numpy().copy(),
        group=group,
    )
    return torch.from_numpy(made).reshape(out.shape)


def _greatest(
    tape: Tape, out: Tensor, given: Tensor, dim: Any = None, keepdim: bool = False
) -> Tensor | tuple[Tensor, ...] | None:
    """``amax``, and ``max`` of a whole tensor or of an axis: then with the places."""
    cells = tape.cells(given)
    if isinstance(dim, Tensor):
        return _greater(tape, out, given, dim)
    if cells is None:
        return None
    rows = rows_of(cells, dim, out.numel())
    largest, place = (
        torch.from_numpy(tape.add(kind, len(rows), operation="max", given=rows)).reshape(out.shape)
        for kind in (Greatest, Chosen)
    )
    return (largest, place)


def _greater(tape: Tape, out: Tensor, one: Tensor, other: Tensor) -> Tensor | None:
    """The larger of two, element by element."""
    pair = []
    for given in (one, other):
        cells = tape.cells(given)
        cells = tape.constants(given) if cells is None else cells
        pair.append(cells.expand(out.shape).reshape(-1))
    rows = torch.stack(pair, 1).numpy().copy()
    made = tape.add(Greatest, len(rows), operation="maximum", given=rows)
    return torch.from_numpy(made).reshape(out.shape)


def _chosen(
    tape: Tape, out: Tensor, given: Tensor, dim: Any = None, keepdim: bool = False
) -> Tensor | None:
    cells = tape.cells(given)
    if cells is None or dim is None:
        return None
    rows = rows_of(cells, dim, out.numel())
    made = tape.add(Chosen, len(rows), operation="argmax", given=rows)
    return torch.from_numpy(made).reshape(out.shape)


DECIDING: dict[str, Handler] = {
    **{
        name: functools.partial(_squashed, operation=name.removeprefix("_"))
        for name in ("_softmax", "_log_softmax", "sigmoid", "tanh", "exp")
    },
    "max": _greatest,
    "amax": _greatest,
    "maximum": _greater,
    "argmax": _chosen,
}
"""By name of the operation."""
