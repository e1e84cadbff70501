"""Operations that only move numbers: what they do to numbers they do to cells."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as nnf
from torch import Tensor
from torch.utils._pytree import tree_map

from conversions.pytorch.trace.tape import Handler, Tape, unchanged_spikes

aten = torch.ops.aten


def _moved(func: Callable[..., Tensor], *positions: int) -> Handler:
    """An operation that only moves numbers, done to the cells in its data arguments."""

    def handler(tape: Tape, out: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        def of(tensor: Any) -> Any:
            if not isinstance(tensor, Tensor):
                return tensor
            cells = tape.cells(tensor)
            return tape.constants(tensor) if cells is None else cells

        swapped = [tree_map(of, a) if i in positions else a for i, a in enumerate(args)]
        return func(*swapped, **kwargs)

    return handler


def _copied(tape: Tape, out: Tensor, given: Tensor, **kwargs: Any) -> Tensor | None:
    """A copy, perhaps of another type; rounded to whole numbers it's only a copy for spikes."""
    cells = tape.cells(given)
    if cells is not None and not out.dtype.is_floating_point and given.dtype.is_floating_point:
        return unchanged_spikes(tape, out, given)
    return None if cells is None else cells.clone()


def _written(tape: Tape, out: Tensor, target: Tensor, source: Tensor, *rest: Any) -> Tensor:
    cells = tape.cells(source)
    return tape.constants(source) if cells is None else cells


def _filled(tape: Tape, out: Tensor, given: Tensor, value: Any = 0) -> Tensor:
    cells = tape.cells(value) if isinstance(value, Tensor) else None
    return tape.constants(out) if cells is None else cells


def _fresh(tape: Tape, out: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """Only the shape of what was given counts."""
    return tape.constants(out)


def _padded(
    tape: Tape, out: Tensor, given: Tensor, pad: list[int], value: float = 0
) -> Tensor | None:
    cells = tape.cells(given)
    if cells is None:
        return None
    edge = tape.constants(torch.tensor(float(value)))
    return torch.constant_pad_nd(cells, pad, int(edge))


def _masked(tape: Tape, out: Tensor, given: Tensor, mask: Tensor, value: Any) -> Tensor | None:
    if tape.cells(mask) is not None:
        return None
    return _moved(torch.where, 1, 2)(tape, out, mask, torch.as_tensor(value), given)


def _where(tape: Tape, out: Tensor, condition: Tensor, *args: Tensor) -> Tensor | None:
    if tape.cells(condition) is not None or len(args) != 2:
        return None
    return _moved(torch.where, 1, 2)(tape, out, condition, *args)


def _indexed(tape: Tape, out: Tensor, given: Tensor, indices: list[Any]) -> Tensor | None:
    if tape.cells(given) is None or any(
        isinstance(i, Tensor) and tape.cells(i) is not None for i in indices
    ):
        return None
    return _moved(torch.ops.aten.index, 0)(tape, out, given, indices)


def _gathered(
    tape: Tape, out: Tensor, given: Tensor, dim: int, index: Tensor, **kwargs: Any
) -> Tensor | None:
    cells = tape.cells(given)
    if cells is None or tape.cells(index) is not None:
        return None
    return torch.gather(cells, dim, index)


def _put(
    tape: Tape, out: Tensor, given: Tensor, indices: Any, values: Tensor, accumulate: bool = False
) -> Tensor | None:
    cells = tape.cells(given)
    known = [i for i in indices if isinstance(i, Tensor)]
    if cells is None or accumulate or any(tape.cells(i) is not None for i in known):
        return None
    added = tape.cells(values)
    added = tape.constants(values) if added is None else added
    return torch.ops.aten.index_put(cells, indices, added)


def _repeated_pixels(tape: Tape, out: Tensor, given: Tensor, *args: Any, **kw: Any) -> Any:
    cells = tape.cells(given)
    if cells is None:
        return None
    index = torch.arange(given[0].numel(), dtype=torch.float64).reshape(1, *given.shape[1:])
    moved = nnf.interpolate(index, size=out.shape[2:], mode="nearest").long().reshape(-1)
    return cells.reshape(len(cells), -1)[:, moved].reshape(out.shape)


MOVING: dict[str, Handler] = {
    "clone": _copied,
    "_to_copy": _copied,
    "contiguous": _copied,
    "copy": _written,
    "fill": _filled,
    "zero": _filled,
    "zeros_like": _fresh,
    "ones_like": _fresh,
    "full_like": _fresh,
    "empty_like": _fresh,
    "new_zeros": _fresh,
    "new_ones": _fresh,
    "new_full": _fresh,
    "new_empty": _fresh,
    "cat": _moved(torch.cat, 0),
    "stack": _moved(torch.stack, 0),
    "flip": _moved(torch.flip, 0),
    "roll": _moved(torch.roll, 0),
    "repeat": _moved(aten.repeat, 0),
    "_reshape_copy": _moved(aten._reshape_copy, 0),
    "index_select": _moved(torch.index_select, 0),
    "index": _indexed,
    "gather": _gathered,
    "index_put": _put,
    "_index_put_impl": _put,
    "where": _where,
    "masked_fill": _masked,
    "constant_pad_nd": _padded,
    "upsample_nearest1d": _repeated_pixels,
    "upsample_nearest2d": _repeated_pixels,
}
"""By name of the operation."""
