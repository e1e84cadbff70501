"""What a reader of a NIR graph has to be told, by its caller or by the graph's metadata."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from conversions.nir.discretization import Discretization
from conversions.nir.graph_records import NirNode
from conversions.nir.metadata import Facts, NeuronFacts
from conversions.nir.neuron_nodes import NEED_RESET, TIMED
from conversions.nir.spike_reset import SpikeReset
from conversions.real_network import RealNetwork
from hw_models import ConversionError


@dataclass(frozen=True, eq=False)
class Convention:
    """What NIR leaves open; see :func:`conversions.from_nir`.

    ``neurons`` and ``names`` (of populations, by node) are what the graph's metadata say.
    """

    discretization: Discretization | None = None
    reset: SpikeReset | Mapping[str, SpikeReset] | None = None
    recurrent_latency: Any = None
    input_shape: Any = None
    neurons: Mapping[str, NeuronFacts] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)

    @property
    def says_nothing(self) -> bool:
        """Whether all is left to what the graph says."""
        given = (self.discretization, self.reset, self.recurrent_latency, self.input_shape)
        return all(value is None for value in given)

    def reset_of(self, name: str) -> SpikeReset | None:
        """What the spikes of a node do, if that is said."""
        return self.reset.get(name) if isinstance(self.reset, Mapping) else self.reset

    def refuse_open(self, nodes: Mapping[str, NirNode], merged: Container[str]) -> None:
        """Refuse what would have to be guessed.

        Parameters
        ----------
        nodes
            Of the graph, by name.
        merged
            Names of neurons that are never reset.

        Raises
        ------
        ConversionError
            Says what is open, and what to give.
        """
        timed = [name for name, node in nodes.items() if node.kind in TIMED]
        if timed and self.discretization is None:
            raise ConversionError(
                f"{timed[0]} ({nodes[timed[0]].kind}): NIR has no time step. Give dt (of"
                " Euler's method) or the discretization of the framework that wrote the graph:"
                " SNNTORCH, SPIKINGJELLY, NORSE, SINABS, SINABS_UNSCALED (of the package"
                " conversions) or your own"
            )
        spiking = [name for name, node in nodes.items() if node.kind in NEED_RESET]
        if isinstance(self.reset, Mapping):
            known = set(spiking) | set(self.neurons)
            unknown = sorted(set(self.reset) - known)
            if unknown:
                raise ConversionError(
                    f"reset: {unknown[0]!r} is no spiking node; these are {', '.join(spiking)}"
                )
        for name in spiking:
            if name not in merged and self.reset_of(name) is None:
                raise ConversionError(
                    f"{name} ({nodes[name].kind}): NIR does not say whether a spike sets"
                    " the potential to v_reset or subtracts the threshold (writers put v_reset"
                    " = 0 for either). Give reset: conversions.SpikeReset.ZERO, SUBTRACT,"
                    " DELAYED_ZERO, DELAYED_SUBTRACT or NONE, or a mapping from node names to them"
                )

    def with_facts(self, facts: Facts | None) -> Convention:
        """With what the writer of the graph knew in the place of what is not given."""
        if facts is None:
            return self
        neurons = {} if self.reset is not None else facts.neurons
        steps = dict(facts.recurrent_latency)
        given = self.recurrent_latency
        return Convention(
            discretization=self.discretization or facts.discretization,
            reset={node: known.reset for node, known in neurons.items()} or self.reset,
            recurrent_latency=steps if given is None else given,
            input_shape=self.input_shape,
            neurons=neurons,
            names=facts.names,
        )

    def renamed(self, network: RealNetwork) -> RealNetwork:
        """The network with the names its populations had before they were nodes."""
        names = {p.name: self.names.get(p.name, p.name) for p in network.populations}
        if names.keys() == set(names.values()) or len(set(names.values())) < len(names):
            return network
        populations = [replace(p, name=names[p.name]) for p in network.populations]
        projections = []
        for p in network.projections:
            source, target = names[p.source], names[p.target]
            name = p.name.replace(f"{p.source}->{p.target}", f"{source}->{target}")
            projections.append(replace(p, source=source, target=target, name=name))
        return RealNetwork(populations=populations, projections=projections)
