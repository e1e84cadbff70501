"""Sums, factors and other linear operations on each element, and sums of elements."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import torch
from torch import Tensor

from conversions.linear_maps.map_kinds import Sparse
from conversions.pytorch.trace.tape import Handler, Tape, operand, unchanged_spikes
from conversions.pytorch.trace.values import Combination, Mapped, Total


def _combined(
    tape: Tape, out: Tensor, parts: list[tuple[Any, Tensor]], constant: Any = 0.0
) -> Tensor:
    """Cells of a sum of factor times cells plus a constant, all broadcast to ``out``."""

    def flat(number: Any) -> Any:
        array = np.asarray(number, dtype=np.float64)
        if array.size == 1:
            return float(array.reshape(()))
        return np.broadcast_to(array, out.shape).reshape(-1)

    flat_parts = tuple(
        (flat(factor), cells.expand(out.shape).reshape(-1).numpy().copy())
        for factor, cells in parts
    )
    made = tape.add(Combination, out.numel(), parts=flat_parts, constant=flat(constant))
    return torch.from_numpy(made).reshape(out.shape)


def _added(tape: Tape, out: Tensor, one: Any, other: Any, alpha: float = 1, sign: int = 1) -> Any:
    parts: list[tuple[Any, Tensor]] = []
    constant: Any = 0.0
    for factor, given in ((1.0, one), (float(alpha * sign), other)):
        cells, numbers = operand(tape, given)
        if cells is None:
            constant = constant + factor * numbers
        else:
            parts.append((factor, cells))
    return _combined(tape, out, parts, constant)


def _subtracted(tape: Tape, out: Tensor, one: Any, other: Any, alpha: float = 1) -> Any:
    return _added(tape, out, one, other, alpha, -1)


def _subtracted_from(tape: Tape, out: Tensor, one: Any, other: Any, alpha: float = 1) -> Any:
    if alpha != 1:
        return None
    return _added(tape, out, other, one, 1, -1)


def _times(tape: Tape, out: Tensor, one: Any, other: Any) -> Tensor | None:
    (cells, numbers), (others, factor) = operand(tape, one), operand(tape, other)
    if cells is not None and others is not None:
        return None
    if cells is not None:
        return _combined(tape, out, [(factor, cells)])
    return _combined(tape, out, [(numbers, others)] if others is not None else [], numbers * factor)


def _divided(tape: Tape, out: Tensor, one: Any, other: Any, **kwargs: Any) -> Tensor | None:
    (cells, _), (others, factor) = operand(tape, one), operand(tape, other)
    if cells is None or others is not None or kwargs.get("rounding_mode") is not None:
        return None
    return _combined(tape, out, [(1.0 / factor, cells)])


def _between(tape: Tape, out: Tensor, start: Tensor, end: Tensor, weight: Any) -> Tensor | None:
    """``torch.lerp``, as of running averages."""
    of_weight, factor = operand(tape, weight)
    if of_weight is not None:
        return None
    parts: list[tuple[Any, Tensor]] = []
    constant: Any = 0.0
    for share, given in ((1.0 - factor, start), (factor, end)):
        cells, numbers = operand(tape, given)
        if cells is None:
            constant = constant + share * numbers
        else:
            parts.append((share, cells))
    return _combined(tape, out, parts, constant)


def _negated(tape: Tape, out: Tensor, given: Tensor) -> Tensor | None:
    cells = tape.cells(given)
    return None if cells is None else _combined(tape, out, [(-1.0, cells)])


def _normalized(
    tape: Tape,
    out: Tensor,
    given: Tensor,
    weight: Any,
    bias: Any,
    mean: Any,
    variance: Any,
    *rest: Any,
) -> Tensor | None:
    """BatchNorm by its running statistics: a factor and a constant for each channel."""
    *training, _, eps = rest
    cells = tape.cells(given)
    if cells is None or any(training) or not isinstance(mean, Tensor) or variance is None:
        return None
    parameters = [t for t in (weight, bias, mean, variance) if t is not None]
    if any(tape.cells(t) is not None for t in parameters):
        return None
    shape = (1, -1) + (1,) * (given.ndim - 2)
    numbers = [
        np.float64(default) if t is None else t.detach().double().numpy().reshape(shape)
        for t, default in ((weight, 1.0), (bias, 0.0), (mean, 0.0), (variance, 1.0))
    ]
    factor = numbers[0] / np.sqrt(numbers[3] + eps)
    return _combined(tape, out, [(factor, cells)], numbers[1] - factor * numbers[2])


def _summed(
    tape: Tape,
    out: Tensor,
    given: Tensor,
    dim: Any = None,
    keepdim: bool = False,
    *,
    dtype: Any = None,
    mean: bool = False,
) -> Tensor | None:
    cells = tape.cells(given)
    if cells is None:
        return None
    axes = range(given.ndim) if not dim and dim != 0 else ([dim] if isinstance(dim, int) else dim)
    gone = sorted(axis % given.ndim for axis in axes)
    kept = [axis for axis in range(given.ndim) if axis not in gone]
    rows = cells.permute(*kept, *gone).reshape(out.numel(), -1).numpy().copy()
    factor = 1.0 / rows.shape[1] if mean else 1.0
    made = tape.add(Total, out.numel(), given=rows, factor=factor)
    return torch.from_numpy(made).reshape(out.shape)


def _accumulated(tape: Tape, out: Tensor, given: Tensor, dim: int, **kw: Any) -> Tensor | None:
    """Sums of all up to each along an axis."""
    cells = tape.cells(given)
    if cells is None or given.ndim == 0:
        return None
    rows = cells.movedim(dim, -1)
    size = rows.shape[-1]
    later, earlier = np.tril_indices(size)
    upto = Sparse(later, earlier, np.ones(len(later)), (size, size))
    made = tape.add(
        Mapped,
        out.numel(),
        given=rows.reshape(-1, size).numpy().copy(),
        map=tape.known(upto),
        bias=0.0,
        is_synapses=False,
    )
    return torch.from_numpy(made).reshape(rows.shape).movedim(-1, dim)


def _power(tape: Tape, out: Tensor, given: Tensor, exponent: Any) -> Tensor | None:
    cells = tape.cells(given)
    if cells is None or not isinstance(exponent, (int, float)):
        return None
    if exponent == 1:
        return cells.clone()
    return unchanged_spikes(tape, out, given) if exponent > 0 else None


ELEMENTWISE: dict[str, Handler] = {
    "add": _added,
    "sub": _subtracted,
    "rsub": _subtracted_from,
    "mul": _times,
    "div": _divided,
    "neg": _negated,
    "lerp": _between,
    "pow": _power,
    "native_batch_norm": _normalized,
    "_native_batch_norm_legit": _normalized,
    "_native_batch_norm_legit_no_training": _normalized,
    "cudnn_batch_norm": _normalized,
    "cumsum": _accumulated,
    "sum": _summed,
    "mean": functools.partial(_summed, mean=True),
}
"""By name of the operation."""
