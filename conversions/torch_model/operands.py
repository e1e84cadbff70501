"""What an operation is given: cells, or numbers that depend on no spike."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from conversions.torch_model.tape import Tape
from conversions.torch_model.values import Constants, Opaque, Spikes

Handler = Callable[..., "Tensor | None"]
"""``(tape, out, *args, **kwargs) -> cells of out``; None if it can't be followed."""


def opaque(tape: Tape, tensor: Tensor, operation: str, given: list[Tensor]) -> Tensor:
    """Cells of something that is not followed."""
    flat = np.unique(np.concatenate([c.reshape(-1).numpy() for c in given] or [np.zeros(0)]))
    cells = tape.add(Opaque, tensor.numel(), operation=operation, given=flat.astype(np.int64))
    return torch.from_numpy(cells).reshape(tensor.shape)


def unchanged_spikes(tape: Tape, out: Tensor, given: Any) -> Tensor | None:
    """Of an operation on spikes that leaves 0 and 1 as they are."""
    cells = tape.cells(given) if isinstance(given, Tensor) else None
    if cells is None or out.shape != given.shape or not tape.all_are((Spikes,), cells):
        return None
    values = given.to(torch.float64)
    both = bool((values == 0).any()) and bool((values == 1).any())
    same = torch.equal(values, out.to(torch.float64))
    return cells.clone() if both and same else None


def operand(tape: Tape, given: Any) -> tuple[Tensor | None, np.ndarray]:
    """Cells of an operand, or the numbers of one that depends on no spike."""
    if not isinstance(given, Tensor):
        return None, np.float64(given)
    cells = tape.cells(given)
    if cells is None:
        return None, given.detach().to(torch.float64).numpy()
    if tape.all_are((Constants,), cells):
        return None, tape.numbers(cells)
    return cells, np.zeros(())
