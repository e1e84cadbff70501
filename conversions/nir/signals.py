"""What the nodes of a graph send on, followed from population to population."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from conversions.linear_maps.map_kinds import Identity
from conversions.nir.graph_records import NirRecord, shape_field
from conversions.nir.linear_nodes import NodeContext, Signal, SignalTerm, linear_signal
from conversions.nir.neuron_nodes import NEURONS, own_shape
from hw_models import ConversionError


class Signals:
    """The signals of a graph.

    Parameters
    ----------
    record
        Flat, its nodes in order.
    chain
        What linear nodes are composed by.

    Attributes
    ----------
    nodes, before, after
        Nodes by name, and the names of those that feed each and that it feeds.
    shapes
        Of the populations, as far as they are known.
    """

    def __init__(self, record: NirRecord, chain: NodeContext) -> None:
        self.nodes: dict[str, Any] = dict(record.nodes)
        self.before: dict[str, list[str]] = {name: [] for name in self.nodes}
        self.after: dict[str, list[str]] = {name: [] for name in self.nodes}
        for source, target in record.edges:
            self.before[target].append(source)
            self.after[source].append(target)
        self.chain = chain
        self.shapes: dict[str, tuple[int, ...]] = {}
        self._sent: dict[str, Signal | None] = {}

    def follow_anew(self) -> None:
        """Forget what nodes send on, as when more shapes are known."""
        self._sent = {}

    def shape_before(self, name: str) -> tuple[int, ...] | None:
        """Shape of what arrives at a node; None while nothing of it is known."""
        for source in self.before[name]:
            signal = self._signal(source, with_terms=False)
            if signal is not None:
                return signal.shape
        return None

    def summed(self, name: str, *, with_terms: bool = True) -> Signal | None:
        """What arrives at a node, added up; None if nothing does, or its shape is not known.

        Raises
        ------
        ConversionError
            If what arrives differs in size, or comes from a loop without neurons.
        """
        total: Signal | None = None
        for source in self.before[name]:
            signal = self._signal(source, with_terms=with_terms)
            if signal is _UNFINISHED:
                raise ConversionError(f"{source} -> {name}: a loop without neurons in it")
            if signal is None:
                continue
            if total is None:
                total = signal
                continue
            if signal.size != total.size:
                raise ConversionError(
                    f"{name}: what arrives from {source} has shape {signal.shape}, from before"
                    f" {total.shape}"
                )
            total = Signal(
                total.shape, total.terms + signal.terms, total.constant + signal.constant
            )
        return total

    def arriving(self, name: str) -> Signal:
        """What arrives at a population, in its shape.

        Raises
        ------
        ConversionError
            If that is of another size.
        """
        shape = self.shapes[name]
        size = math.prod(shape)
        signal = self.summed(name)
        if signal is None:
            return Signal(shape, (), np.zeros(size))
        if signal.size != size:
            raise ConversionError(
                f"{name} ({self.nodes[name].kind}): shape {signal.shape} arrives; its own is"
                f" {shape}"
            )
        return replace(signal, shape=shape)

    def _signal(self, name: str, *, with_terms: bool) -> Signal | None:
        """What a node sends on; None while the shape of a population before it is not known."""
        if name in self._sent:
            return self._sent[name]
        node = self.nodes[name]
        if node.kind in (*NEURONS, "Input"):
            if name not in self.shapes:
                return None
            shape = self.shapes[name]
            terms = (SignalTerm(name, shape, Identity(math.prod(shape))),) if with_terms else ()
            return Signal(shape, terms, np.zeros(math.prod(shape)))
        self._sent[name] = _UNFINISHED
        summed = self.summed(name, with_terms=with_terms)
        done = None if summed is None else linear_signal(name, node, summed, self.chain)
        self._sent[name] = done
        return done


_UNFINISHED = Signal((), (), np.zeros(0))


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
