"""What a class is taken of: an output without what leaves open only which score is largest."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from conversions.decision_rule import Reduction, Squash
from conversions.pytorch.trace.tape import Tape
from conversions.pytorch.trace.values import (
    Chosen,
    Combination,
    Greatest,
    Squashed,
    Total,
    Value,
)
from conversions.quantization import ReadoutDecision


class Looks(NamedTuple):
    """Cells of linear scores ``(L, K)``, and what makes one of them.

    ``up_to_scale`` says that an increasing function of the scores was left out.
    """

    cells: np.ndarray
    squash: Squash | None = None
    reduction: Reduction | None = None
    chosen: bool = False
    up_to_scale: bool = False


def looks_of(tape: Tape, cells: np.ndarray, over_steps: ReadoutDecision) -> Looks:
    """Go back from an output ``(T or 1, K)`` over what does not change which is largest."""
    looks = Looks(cells[-1:] if over_steps is ReadoutDecision.LAST else cells)
    while True:
        given = _unwrapped(tape, looks)
        if given is None:
            return looks
        looks = given


def _unwrapped(tape: Tape, looks: Looks) -> Looks | None:
    values = [_only(tape, row) for row in looks.cells]
    if all(isinstance(value, Squashed) for value in values):
        return _unsquashed(looks, values)  # type: ignore[arg-type]
    if looks.reduction is not Reduction.SUM and (
        len(values) == 1 or looks.reduction is Reduction.LARGEST
    ):
        rows = [
            value.given[row - value.start].T if isinstance(value, Greatest) else row[None]
            for value, row in zip(values, looks.cells, strict=True)
        ]
        if any(isinstance(value, Greatest) for value in values):
            return looks._replace(cells=np.concatenate(rows), reduction=Reduction.LARGEST)
    value = values[0]
    if value is None or len(values) > 1 or looks.reduction is not None:
        return None
    local = looks.cells[0] - value.start
    if isinstance(value, Chosen) and len(local) == 1 and not looks.chosen:
        return looks._replace(cells=value.given[local], chosen=True)
    if isinstance(value, Total) and value.factor > 0 and _is_nonlinear(tape, value.given[local]):
        cells = value.given[local].T
        return looks._replace(cells=cells, reduction=Reduction.SUM, up_to_scale=True)
    if isinstance(value, Combination) and len(value.parts) == 1:
        factor, given = value.parts[0]
        increasing = np.ndim(factor) == np.ndim(value.constant) == 0 and float(factor) > 0
        if increasing and _is_nonlinear(tape, given[local]):
            return looks._replace(cells=given[local][None], up_to_scale=True)
    return None


def _unsquashed(looks: Looks, values: list[Squashed]) -> Looks | None:
    """Without a function of the scores; it is kept where scores of steps are made one later."""
    several = len(values) > 1 or looks.reduction is not None
    operation = values[0].operation
    if any(value.operation != operation for value in values) or looks.squash is not None:
        return None
    rows = []
    for value, row in zip(values, looks.cells, strict=True):
        local = row - value.start
        if value.group is not None and len(local) != np.count_nonzero(
            value.group == value.group[local[0]]
        ):
            return None
        if value.group is not None and (value.group[local] != value.group[local[0]]).any():
            return None
        rows.append(value.given[local])
    if several and looks.reduction is not Reduction.LARGEST:
        return looks._replace(cells=np.stack(rows), squash=Squash(operation))
    if several and operation.endswith("softmax"):
        return looks._replace(cells=np.stack(rows), squash=Squash(operation))
    return looks._replace(cells=np.stack(rows), up_to_scale=True)


def _is_nonlinear(tape: Tape, cells: np.ndarray) -> bool:
    value = _only(tape, cells)
    if isinstance(value, Combination) and len(value.parts) == 1:
        return _is_nonlinear(tape, value.parts[0][1][cells - value.start])
    return isinstance(value, (Squashed, Greatest))


def _only(tape: Tape, cells: np.ndarray) -> Value | None:
    """The value that all cells belong to; of several, None. Cells of steps may be apart."""
    values = [value for value, _ in tape.values_of(np.unique(cells))]
    return values[0] if len(values) == 1 else None
