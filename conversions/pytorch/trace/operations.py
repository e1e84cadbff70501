"""What PyTorch's operations do to cells: a table from name to function.

Names are those of ATen, to which every way of writing an operation comes down.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor
from torch.utils._pytree import tree_flatten

from conversions.pytorch.trace.aten_deciding import DECIDING
from conversions.pytorch.trace.aten_elementwise import ELEMENTWISE
from conversions.pytorch.trace.aten_linear import SYNAPSES
from conversions.pytorch.trace.aten_movement import MOVING
from conversions.pytorch.trace.tape import Handler, Tape, opaque, unchanged_spikes

HANDLERS: dict[str, Handler] = {**MOVING, **ELEMENTWISE, **SYNAPSES, **DECIDING}


def prepare(tape: Tape, func: Any, args: Any, kwargs: Any) -> None:
    """Before an operation writes something traced over numbers that are not, remember these."""
    if not func._schema.is_mutable or not args or not isinstance(args[0], Tensor):
        return
    given = [a for a in tree_flatten((args, kwargs))[0] if isinstance(a, Tensor)]
    if tape.cells(args[0]) is None and any(tape.cells(a) is not None for a in given):
        tape.write(args[0], tape.constants(args[0]))


def follow(tape: Tape, func: Any, args: Any, kwargs: Any, out: Any) -> None:
    """Record what an operation made, if it was given anything traced.

    Parameters
    ----------
    func
        The ATen operation, which has run.
    out
        What it returned.
    """
    places = [a.name for a in func._schema.arguments if a.is_out and a.name in kwargs]
    written = [t for t in tree_flatten([kwargs[p] for p in places])[0] if isinstance(t, Tensor)]
    kwargs = {key: value for key, value in kwargs.items() if key not in places}
    given = [a for a in tree_flatten((args, kwargs))[0] if isinstance(a, Tensor)]
    traced = [c for c in (tape.cells(tensor) for tensor in given) if c is not None]
    if not traced:
        for tensor in written:  # what was traced there is gone
            if tape.cells(tensor) is not None:
                tape.write(tensor, tape.constants(tensor))
        return
    name = func._schema.name.removeprefix("aten::")
    if name in ("_local_scalar_dense", "is_nonzero", "equal"):
        tape.read_by_python.add(tape.path)
    if written:
        made = written
    elif func._schema.is_mutable and name.endswith("_"):
        made = [args[0]]
        name = name[:-1]
    else:
        flat = [t for t in tree_flatten(out)[0] if isinstance(t, Tensor)]
        made = [t for t in flat if t.numel() and tape.cells(t) is None]
        if not made:
            return  # a view: it shares its memory's cells
    cells: Any = None
    handler = HANDLERS.get(name)
    if handler is not None:
        cells = handler(tape, made[0], *args, **kwargs)
    elif len(traced) == 1 and len(made) == 1:
        cells = unchanged_spikes(tape, made[0], args[0])
    known = cells if isinstance(cells, tuple) else (cells,) if cells is not None else ()
    for tensor, one in zip(made, known, strict=False):
        tape.write(tensor, one)
    made = made[len(known) :]
    for tensor in made:
        tape.write(tensor, opaque(tape, tensor, name, traced))
