"""Shapes of a graph's populations: from what feeds them, or from their own parameters."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from conversions.nir_graph.fields import shape_field
from conversions.nir_graph.neurons import NEURONS, own_shape
from conversions.nir_graph.signals import Signals
from hw_models import ConversionError


def find_shapes(signals: Signals, input_shape: Any) -> None:
    """Find the shape of every population.

    Parameters
    ----------
    signals
        Of the graph.
    input_shape
        What the caller says: None, one shape, or a mapping from inputs to shapes.

    Raises
    ------
    ConversionError
        If a shape is not known.

    Mutates
    -------
    shapes and notes of the signals
    """
    nodes = signals.nodes
    rows = any(node.kind == "Conv1d" for node in nodes.values())

    def keep(name: str, shape: tuple[int, ...]) -> None:
        wide = (shape[0], 1, shape[1]) if rows and len(shape) == 2 else shape
        signals.shapes[name] = tuple(int(size) for size in wide)

    for name, node in nodes.items():
        if node.kind == "Input":
            keep(name, _of_input(signals, name, input_shape))
    waiting = [name for name, node in nodes.items() if node.kind in NEURONS]
    while waiting:
        signals.follow_anew()
        found = [(name, signals.shape_before(name)) for name in waiting]
        known = [(name, shape) for name, shape in found if shape is not None]
        if not known:  # only loops lead here: what the parameters say
            full = [(name, own_shape(nodes[name])) for name in waiting]
            known = [(name, shape) for name, shape in full if shape is not None][:1]
        if not known:
            raise ConversionError(f"{waiting[0]}: its shape is not known; nothing leads to it")
        for name, shape in known:
            own = own_shape(nodes[name])
            same = own is not None and math.prod(own) == math.prod(shape)
            keep(name, own if own is not None and same and len(own) > len(shape) else shape)
        waiting = [name for name in waiting if name not in signals.shapes]
    signals.follow_anew()


def _of_input(signals: Signals, name: str, given: Any) -> tuple[int, ...]:
    if isinstance(given, Mapping):
        given = given.get(name)
    shape = tuple(given) if given is not None else shape_field(name, signals.nodes[name])
    if shape is None:
        raise ConversionError(f"{name} (Input): no shape in the graph; give input_shape")
    if given is None and len(shape) > 1 and shape[0] == 1 and _takes_flat(signals, name, shape):
        shape = shape[1:]
        signals.chain.notes.append(f"{name}: the first axis of size 1 is that of samples")
    return shape


def _takes_flat(signals: Signals, name: str, shape: tuple[int, ...]) -> bool:
    """Whether a first axis of size 1 is one too many for what follows."""
    kinds = {signals.nodes[target].kind for target in signals.after[name]}
    needed = {"Conv2d": 3, "Conv1d": 2, "SumPool2d": 3, "AvgPool2d": 3}
    axes = [needed.get(kind, 1 if kind in ("Linear", "Affine") else 0) for kind in kinds]
    return max(axes, default=0) > 0 and len(shape) == max(axes) + 1
