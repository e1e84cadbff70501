"""A NIR graph as a network in real numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from conversions.linear_maps.algebra import real, sparse
from conversions.linear_maps.map_kinds import Conv, Dense, Identity, Map
from conversions.nir.convention import Convention
from conversions.nir.graph_records import NirNode, NirRecord, flattened, spread
from conversions.nir.linear_nodes import NodeContext, Signal, SignalTerm
from conversions.nir.neuron_nodes import NEED_RESET, NEURONS, READOUTS, dynamics_of
from conversions.nir.signals import Signals, find_shapes
from conversions.nir.spike_reset import SpikeReset
from conversions.nir.topology import check_kinds, in_order, loop_steps, merged_thresholds
from conversions.real_network import (
    NeuronDynamics,
    RealConv,
    RealDense,
    RealInput,
    RealNetwork,
    RealNeurons,
    RealProjection,
    RealSparse,
)
from hw_models import ConversionError, SsdpError

DENSE_SHARE = 0.5  # of all pairs that must have a synapse for a matrix


def projections_of(
    terms: Sequence[SignalTerm], target: str, n_post: int | None, extra: int
) -> list[RealProjection]:
    """Projections that carry terms of one source.

    Parameters
    ----------
    terms
        All of the same source.
    target
        Name of the population where they end.
    n_post
        Its number of neurons; None if that is what the maps make.
    extra
        Steps that each takes besides its own latency.

    Notes
    -----
    Terms of different latency that share no synapse are the groups of one projection with a
    delay for each synapse, and are put together again.
    """
    source = terms[0].source
    merged = _merged(terms, n_post)
    if merged is not None:
        linear, delays, latency = merged
        return [
            RealProjection(
                source=source, target=target, map=linear, latency=latency + extra, delays=delays
            )
        ]
    return [
        RealProjection(
            source=source,
            target=target,
            map=_record(term),
            latency=term.latency + extra,
            name=f"{source}->{target}" + (f" {place + 1}" if place else ""),
        )
        for place, term in enumerate(terms)
    ]


def _record(term: SignalTerm) -> RealConv | RealDense | RealSparse:
    linear: Map = term.map
    if isinstance(linear, Conv):
        return real(linear, linear.in_shape, linear.out_shape)
    if isinstance(linear, Dense):
        return RealDense(weights=linear.weights)
    return real(linear, (), (), as_list=True)


def _merged(
    terms: Sequence[SignalTerm], n_post: int | None
) -> tuple[RealDense | RealSparse, np.ndarray, int] | None:
    latencies = [term.latency for term in terms]
    if len(set(latencies)) == 1 or any(isinstance(term.map, Conv) for term in terms):
        return None
    lists = [sparse(term.map) for term in terms]
    present = [part.weights != 0 for part in lists]
    pre = np.concatenate([part.pre[keep] for part, keep in zip(lists, present, strict=True)])
    post = np.concatenate([part.post[keep] for part, keep in zip(lists, present, strict=True)])
    weights = np.concatenate(
        [part.weights[keep] for part, keep in zip(lists, present, strict=True)]
    )
    late = np.repeat(latencies, [int(keep.sum()) for keep in present])
    if np.unique(pre << 32 | post).size < pre.size:
        return None  # a pair is connected twice
    least = int(late.min(initial=min(latencies)))
    n_pre = math.prod(terms[0].source_shape)
    if n_post is not None and pre.size > DENSE_SHARE * n_pre * n_post:
        matrix = np.zeros((n_post, n_pre))
        delays = np.zeros((n_post, n_pre), dtype=np.int64)
        matrix[post, pre], delays[post, pre] = weights, late - least
        return RealDense(weights=matrix), delays, least
    listed = RealSparse(pre=pre, post=post, weights=weights)
    return listed, late - least, least


@dataclass(frozen=True, eq=False)
class NirReading:
    """A graph, understood: the network and what it cannot keep, in sentences."""

    network: RealNetwork
    notes: tuple[str, ...]


def read_real(record: NirRecord, convention: Convention) -> NirReading:
    """Read a graph.

    Raises
    ------
    ConversionError
        If a node or its setting is not supported, with its path and what is; or if NIR leaves
        something open that the convention does not say.
    """
    flat, merged = merged_thresholds(flattened(record))
    check_kinds(flat)
    try:
        return _Reader(in_order(flat), convention, merged).reading()
    except ConversionError:
        raise
    except SsdpError as error:  # of the records of a network, which name their part of it
        raise ConversionError(str(error)) from None


class _Reader:
    """One pass over one graph."""

    def __init__(self, record: NirRecord, convention: Convention, merged: frozenset[str]) -> None:
        self.convention = convention
        self.merged = merged
        self.notes: list[str] = []
        how = convention.discretization
        chain = NodeContext(None if how is None else how.dt, self.notes)
        self.signals = Signals(record, chain)
        self.nodes, self.shapes = self.signals.nodes, self.signals.shapes

    def reading(self) -> NirReading:
        self.convention.refuse_open(self.nodes, self.merged)
        find_shapes(self.signals, self.convention.input_shape)
        populations: list[Any] = []
        terms: dict[str, tuple[SignalTerm, ...]] = {}
        for name, node in self.nodes.items():
            if node.kind == "Input":
                populations.append(RealInput(name=name, shape=self.shapes[name]))
            elif node.kind in NEURONS:
                signal = self._as_images(name, self.signals.arriving(name))
                populations.append(self._neurons(name, node, signal))
                terms[name] = signal.terms
            elif node.kind == "Output":
                self._output(name, populations, terms)
        network = RealNetwork(populations=populations, projections=self._projections(terms))
        network = self.convention.renamed(network)
        return NirReading(network, tuple(dict.fromkeys(self.notes)))

    def _as_images(self, name: str, signal: Signal) -> Signal:
        """Let convolutions stay ones: a population after Flatten takes their shape again."""
        made = {term.map.out_shape for term in signal.terms if isinstance(term.map, Conv)}
        if made and len(self.shapes[name]) != 3:
            self.shapes[name] = min(made)
        shape = self.shapes[name]
        if made <= {shape}:
            return signal
        terms = tuple(
            replace(term, map=sparse(term.map))
            if isinstance(term.map, Conv) and term.map.out_shape != shape
            else term
            for term in signal.terms
        )
        return replace(signal, terms=terms)

    def _neurons(self, name: str, node: NirNode, signal: Signal) -> RealNeurons:
        if node.kind in READOUTS:
            for target in self.signals.after[name]:
                if self.nodes[target].kind not in ("Output", "Relay"):
                    raise ConversionError(
                        f"{name} ({node.kind}): its potential goes to {target}"
                        f" ({self.nodes[target].kind}); on the chip only spikes are sent, so it"
                        " can lead to an Output or a Threshold alone"
                    )
        reset = SpikeReset.NONE if name in self.merged else self.convention.reset_of(name)
        how = self.convention.discretization
        dynamics, notes = dynamics_of(name, node, self.shapes[name], how, reset)
        self.notes += notes
        known = self.convention.neurons.get(name)
        if known is not None and node.kind in NEED_RESET:
            dynamics = replace(
                dynamics,
                refractory=known.refractory,
                fires_at_threshold=known.fires_at_threshold,
            )
        constant = signal.constant
        if constant.any():
            dynamics = replace(dynamics, current_bias=spread(name, constant, signal.shape))
        return RealNeurons(name=name, shape=self.shapes[name], dynamics=dynamics)

    def _output(
        self, name: str, populations: list[Any], terms: dict[str, tuple[SignalTerm, ...]]
    ) -> None:
        """Add a readout without memory where an output is not that of a population."""
        signal = self.signals.summed(name)
        if signal is None:
            return
        alone = len(signal.terms) == 1 and isinstance(signal.terms[0].map, Identity)
        if alone and not signal.terms[0].latency and not signal.constant.any():
            return
        dynamics = NeuronDynamics(
            voltage_kept=0.0, threshold=math.inf, current_bias=signal.constant
        )
        populations.append(RealNeurons(name=name, shape=signal.shape, dynamics=dynamics))
        terms[name] = signal.terms
        self.notes.append(
            f"{name}: what comes out is no population; a readout without memory gives it as its"
            " potential"
        )

    def _projections(self, terms: dict[str, tuple[SignalTerm, ...]]) -> list[Any]:
        latencies: dict[tuple[str, str], tuple[int, ...]] = {}
        for target, arriving in terms.items():
            for term in arriving:
                pair = (term.source, target)
                latencies[pair] = (*latencies.get(pair, ()), term.latency)
        names = {name for pair in latencies for name in pair}
        extra = loop_steps(names, latencies, self.convention.recurrent_latency)
        made = []
        for target, arriving in terms.items():
            for source in dict.fromkeys(term.source for term in arriving):
                own = [term for term in arriving if term.source == source]
                n_post = math.prod(self.shapes.get(target, ())) if target in self.shapes else None
                try:
                    made += projections_of(own, target, n_post, extra.get((source, target), 0))
                except SsdpError as error:
                    raise ConversionError(f"{source} -> {target}: {error}") from None
        return made
