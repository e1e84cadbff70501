"""What the nodes of a graph send on, followed from population to population."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from conversions.nir_graph.linear_nodes import Chain, linear_signal
from conversions.nir_graph.neurons import NEURONS
from conversions.nir_graph.records import NirRecord
from conversions.nir_graph.terms import Signal, Term
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

    def __init__(self, record: NirRecord, chain: Chain) -> None:
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
            terms = (Term(name, shape),) if with_terms else ()
            return Signal(shape, terms, np.zeros(math.prod(shape)))
        self._sent[name] = _UNFINISHED
        summed = self.summed(name, with_terms=with_terms)
        done = None if summed is None else linear_signal(name, node, summed, self.chain)
        self._sent[name] = done
        return done


_UNFINISHED = Signal((), (), np.zeros(0))
