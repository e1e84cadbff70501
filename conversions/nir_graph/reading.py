"""A NIR graph as a network in real numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from conversions.linear_maps import synapses
from conversions.nir_graph.convention import Convention
from conversions.nir_graph.fields import shape_field, spread
from conversions.nir_graph.linear_nodes import Chain, Signal, Term, linear_signal
from conversions.nir_graph.neurons import (
    NEED_RESET,
    NEURONS,
    READOUTS,
    dynamics_of,
    own_shape,
)
from conversions.nir_graph.parallel_terms import projections_of
from conversions.nir_graph.records import NirNode, NirRecord, flattened
from conversions.nir_graph.spike_reset import SpikeReset
from conversions.nir_graph.topology import check_kinds, in_order, loop_steps, merged_thresholds
from conversions.real_network import (
    NeuronDynamics,
    RealConv,
    RealInput,
    RealNetwork,
    RealNeurons,
    RealSparse,
)
from hw_models import ConversionError, SsdpError

TIMED = ("LIF", "CubaLIF", "IF", "LI", "CubaLI", "I", "Delay")


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
        self.nodes: dict[str, Any] = dict(record.nodes)
        self.before: dict[str, list[str]] = {name: [] for name in self.nodes}
        self.after: dict[str, list[str]] = {name: [] for name in self.nodes}
        for source, target in record.edges:
            self.before[target].append(source)
            self.after[source].append(target)
        self.convention = convention
        self.merged = merged
        self.notes: list[str] = []
        how = convention.discretization
        self.chain = Chain(None if how is None else how.dt, self.notes)
        self.shapes: dict[str, tuple[int, ...]] = {}
        self.signals: dict[str, Signal | None] = {}

    def reading(self) -> NirReading:
        self._ask()
        self._find_shapes()
        self.signals = {}
        populations: list[Any] = []
        terms: dict[str, tuple[Term, ...]] = {}
        for name, node in self.nodes.items():
            if node.kind == "Input":
                populations.append(RealInput(name=name, shape=self.shapes[name]))
            elif node.kind in NEURONS:
                signal = self._as_images(name, self._arriving(name, self.shapes[name]))
                populations.append(self._neurons(name, node, signal))
                terms[name] = signal.terms
            elif node.kind == "Output":
                self._output(name, populations, terms)
        network = RealNetwork(populations=populations, projections=self._projections(terms))
        network = self.convention.renamed(network)
        return NirReading(network, tuple(dict.fromkeys(self.notes)))

    def _ask(self) -> None:
        """Refuse at once what would have to be guessed."""
        timed = [name for name, node in self.nodes.items() if node.kind in TIMED]
        if timed and self.convention.discretization is None:
            raise ConversionError(
                f"{timed[0]} ({self.nodes[timed[0]].kind}): NIR has no time step. Give dt (of"
                " Euler's method) or the discretization of the framework that wrote the graph:"
                " SNNTORCH, SPIKINGJELLY, NORSE, SINABS, SINABS_UNSCALED or your own"
            )
        spiking = [name for name, node in self.nodes.items() if node.kind in NEED_RESET]
        if isinstance(self.convention.reset, Mapping):
            known = set(spiking) | set(self.convention.neurons)
            unknown = sorted(set(self.convention.reset) - known)
            if unknown:
                raise ConversionError(
                    f"reset: {unknown[0]!r} is no spiking node; these are {', '.join(spiking)}"
                )
        for name in spiking:
            if name not in self.merged and self.convention.reset_of(name) is None:
                raise ConversionError(
                    f"{name} ({self.nodes[name].kind}): NIR does not say whether a spike sets"
                    " the potential to v_reset or subtracts the threshold (writers put v_reset"
                    " = 0 for either). Give reset: SpikeReset.ZERO, SUBTRACT, DELAYED_ZERO,"
                    " DELAYED_SUBTRACT or NONE, or a mapping from node names to them"
                )

    def _find_shapes(self) -> None:
        rows = any(node.kind == "Conv1d" for node in self.nodes.values())

        def kept(name: str, shape: tuple[int, ...]) -> None:
            wide = (shape[0], 1, shape[1]) if rows and len(shape) == 2 else shape
            self.shapes[name] = tuple(int(size) for size in wide)

        for name, node in self.nodes.items():
            if node.kind == "Input":
                kept(name, self._input_shape(name, node))
        waiting = [name for name, node in self.nodes.items() if node.kind in NEURONS]
        while waiting:
            self.signals = {}
            found = [(name, self._incoming_shape(name)) for name in waiting]
            known = [(name, shape) for name, shape in found if shape is not None]
            if not known:  # only loops lead here: what the parameters say
                full = [(name, own_shape(self.nodes[name])) for name in waiting]
                known = [(name, shape) for name, shape in full if shape is not None][:1]
            if not known:
                raise ConversionError(f"{waiting[0]}: its shape is not known; nothing leads to it")
            for name, shape in known:
                own = own_shape(self.nodes[name])
                same = own is not None and math.prod(own) == math.prod(shape)
                kept(name, own if own is not None and same and len(own) > len(shape) else shape)
            waiting = [name for name in waiting if name not in self.shapes]

    def _input_shape(self, name: str, node: NirNode) -> tuple[int, ...]:
        given = self.convention.input_shape
        if isinstance(given, Mapping):
            given = given.get(name)
        shape = tuple(given) if given is not None else shape_field(name, node)
        if shape is None:
            raise ConversionError(f"{name} (Input): no shape in the graph; give input_shape")
        if given is None and len(shape) > 1 and shape[0] == 1 and self._takes_flat(name, shape):
            shape = shape[1:]
            self.notes.append(f"{name}: the first axis of size 1 is that of samples")
        return shape

    def _takes_flat(self, name: str, shape: tuple[int, ...]) -> bool:
        """Whether a first axis of size 1 is one too many for what follows."""
        kinds = {self.nodes[target].kind for target in self.after[name]}
        needed = {"Conv2d": 3, "Conv1d": 2, "SumPool2d": 3, "AvgPool2d": 3}
        axes = [needed.get(kind, 1 if kind in ("Linear", "Affine") else 0) for kind in kinds]
        return max(axes, default=0) > 0 and len(shape) == max(axes) + 1

    def _incoming_shape(self, name: str) -> tuple[int, ...] | None:
        for source in self.before[name]:
            signal = self._signal(source, with_terms=False)
            if signal is not None:
                return signal.shape
        return None

    def _signal(self, name: str, *, with_terms: bool = True) -> Signal | None:
        """What a node sends on; None while the shape of a population before it is not known."""
        if name in self.signals:
            return self.signals[name]
        node = self.nodes[name]
        if node.kind in (*NEURONS, "Input"):
            if name not in self.shapes:
                return None
            shape = self.shapes[name]
            terms = (Term(name, shape),) if with_terms else ()
            return Signal(shape, terms, np.zeros(math.prod(shape)))
        self.signals[name] = _UNFINISHED
        summed = self._sum(name, with_terms=with_terms)
        done = None if summed is None else linear_signal(name, node, summed, self.chain)
        self.signals[name] = done
        return done

    def _sum(self, name: str, *, with_terms: bool) -> Signal | None:
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

    def _arriving(self, name: str, shape: tuple[int, ...]) -> Signal:
        size = math.prod(shape)
        signal = self._sum(name, with_terms=True)
        if signal is None:
            return Signal(shape, (), np.zeros(size))
        if signal.size != size:
            raise ConversionError(
                f"{name} ({self.nodes[name].kind}): shape {signal.shape} arrives; its own is"
                f" {shape}"
            )
        return replace(signal, shape=shape)

    def _as_images(self, name: str, signal: Signal) -> Signal:
        """Let convolutions stay ones: a population after Flatten takes their shape again."""
        made = {
            term.map.output_shape(term.source_shape)
            for term in signal.terms
            if isinstance(term.map, RealConv)
        }
        if made and len(self.shapes[name]) != 3:
            self.shapes[name] = min(made)
        shape = self.shapes[name]
        if made <= {shape}:
            return signal
        terms = tuple(
            replace(term, map=RealSparse(**synapses(term.map, term.source_shape)._asdict()))
            if isinstance(term.map, RealConv) and term.map.output_shape(term.source_shape) != shape
            else term
            for term in signal.terms
        )
        return replace(signal, terms=terms)

    def _neurons(self, name: str, node: NirNode, signal: Signal) -> RealNeurons:
        if node.kind in READOUTS:
            for target in self.after[name]:
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
        self, name: str, populations: list[Any], terms: dict[str, tuple[Term, ...]]
    ) -> None:
        """Add a readout without memory where an output is not that of a population."""
        signal = self._sum(name, with_terms=True)
        if signal is None:
            return
        alone = len(signal.terms) == 1 and signal.terms[0].map is None
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

    def _projections(self, terms: dict[str, tuple[Term, ...]]) -> list[Any]:
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


_UNFINISHED = Signal((), (), np.zeros(0))
