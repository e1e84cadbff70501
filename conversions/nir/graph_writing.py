"""Networks as NIR graphs: ``to_nir`` of integers, ``real_to_nir`` of real numbers."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

from conversions.nir.discretization import Discretization
from conversions.nir.export import Drawing
from conversions.nir.export_records import DrawnNeurons, DrawnSynapses, neurons_in_units, real_map
from conversions.nir.files import graph_of, write_graph
from conversions.nir.graph_records import NirRecord
from conversions.nir.metadata import FACTS, NETWORK, Facts, NeuronFacts, network_bytes
from conversions.nir.spike_reset import SpikeReset
from conversions.nir.topology import components
from conversions.real_network import RealNetwork, RealProjection
from conversions.real_network.projections import LinearMap
from hw_models import FixedPointNetwork, TypeMismatchError
from hw_models.errors import brief
from hw_models.projections import Projection


def shifts_of(network: FixedPointNetwork) -> dict[str, int]:
    """Steps that each population is behind the input, by the fastest way."""
    shifts = {population.name: 0 for population in network.inputs}
    for _ in network.populations:
        for p in network.projections:
            if p.source in shifts:
                found = shifts[p.source] + 1 + _least_delay(p)
                shifts[p.target] = min(found, shifts.get(p.target, found))
    latest = max(shifts.values(), default=0)
    return {p.name: shifts.get(p.name, latest) for p in network.populations}


def feedback_of(
    populations: Iterable[Any],
    projections: Iterable[RealProjection | Projection],
    ways: Mapping[str, int],
) -> dict[tuple[str, str], int]:
    """The step that connections within a loop take without a Delay for it."""
    fastest: dict[tuple[str, str], int] = {}
    for p in projections:
        pair, steps = (p.source, p.target), ways[p.name] + _least_delay(p)
        fastest[pair] = min(steps, fastest.get(pair, steps))
    number = components((p.name for p in populations), fastest)
    return {
        pair: min(steps, 1) for pair, steps in fastest.items() if number[pair[0]] == number[pair[1]]
    }


def _least_delay(projection: Any) -> int:
    delays = getattr(projection, "delays", None)
    return 0 if delays is None or not delays.size else int(delays.min())


DEFAULT = Discretization(dt=1e-4)  # what most readers of NIR take for granted


def to_nir(
    network: FixedPointNetwork,
    path: str | os.PathLike[str] | None = None,
    *,
    discretization: Discretization = DEFAULT,
    keep_latency: bool = False,
    unit_resistance: bool = False,
) -> Any:
    """Write a network of integers as a NIR graph.

    The graph's values are the integers in units of a weight. What NIR cannot say (resets,
    refractory steps, exponents, plasticity) is in its metadata, with which
    :func:`conversions.from_nir` gives back the same network, value for value.

    Parameters
    ----------
    network
        What to write.
    path
        File that is written too, replaced if it exists, whole or not at all.
    discretization
        By which the graph is to be read; time constants are chosen so that it gives the
        network's decays.
    keep_latency
        Whether the step that every connection of the chip takes is written as a Delay. If
        not, layers follow each other within a step as in other frameworks, and only the
        delays that differ between paths are written; a layer with biases has then run some
        steps longer when its first input arrives on the chip.
    unit_resistance
        Whether every ``r`` is one, with thresholds scaled instead; for readers that take no
        other, as Norse's.

    Returns
    -------
    nir.NIRGraph

    Raises
    ------
    ConversionError
        If a matrix without entries for most synapses would be too large for NIR, which has
        only dense ones.
    MissingExtraError
        If ``nir`` is not installed.
    NetworkFileError
        If the file cannot be written.

    Notes
    -----
    What others' readers take for granted, in their latest releases: snnTorch and SpikingJelly
    the default discretization; Norse ``Discretization(dt=1e-3, integrator_scale=InputScale.ONE)``
    and ``unit_resistance``; Sinabs ``SINABS_UNSCALED`` and reset by subtraction.
    """
    if not isinstance(network, FixedPointNetwork):
        raise TypeMismatchError(f"to_nir: {brief(network)}; a FixedPointNetwork is needed")
    record, facts = record_of_network(
        network, discretization, keep_latency=keep_latency, unit_resistance=unit_resistance
    )
    metadata = {FACTS: facts.to_json(), NETWORK: network_bytes(network)}
    graph = graph_of(NirRecord(record.nodes, record.edges, metadata))
    if path is not None:
        write_graph(graph, path)
    return graph


def real_to_nir(network: RealNetwork, *, discretization: Discretization = DEFAULT) -> Any:
    """Write a network in real numbers as a NIR graph; arguments as of :func:`to_nir`.

    Biases of the potential are brought by the layers before it where the current has no
    memory; weights, delays and edges are those of the network.
    """
    if not isinstance(network, RealNetwork):
        raise TypeMismatchError(f"real_to_nir: {brief(network)}; a RealNetwork is needed")
    own = {neurons.name: neurons.dynamics.latency for neurons in network.neurons}
    ways = {p.name: p.latency + own[p.target] for p in network.projections}
    wires = [
        (projection, projection.map, ways[projection.name]) for projection in network.projections
    ]
    neurons = [DrawnNeurons.of_real(neurons) for neurons in network.neurons]
    feedback = feedback_of(network.populations, network.projections, ways)
    drawing = Drawing(discretization)
    record = drawing.draw(network.inputs, neurons, _synapses(wires, feedback))
    facts = Facts(
        discretization=discretization,
        neurons={
            drawing.node_of[n.name]: NeuronFacts(
                reset=SpikeReset[n.dynamics.reset.name],
                refractory=n.dynamics.refractory,
                fires_at_threshold=n.dynamics.fires_at_threshold,
            )
            for n in network.neurons
        },
        names={node: name for name, node in drawing.node_of.items()},
        recurrent_latency=_by_node(feedback, drawing.node_of),
        losses=tuple(_rises(n.name) for n in network.neurons if n.dynamics.adapts),
    )
    return graph_of(NirRecord(record.nodes, record.edges, {FACTS: facts.to_json()}))


def record_of_network(
    network: FixedPointNetwork,
    discretization: Discretization,
    *,
    keep_latency: bool,
    unit_resistance: bool,
) -> tuple[NirRecord, Facts]:
    """The graph of a network of integers, without metadata, and what goes into that."""
    shifts = {} if keep_latency else shifts_of(network)
    ways = {
        p.name: 1 + shifts.get(p.source, 0) - shifts.get(p.target, 0) for p in network.projections
    }
    feedback = feedback_of(network.populations, network.projections, ways)
    wires = [(p, real_map(p, network), ways[p.name]) for p in network.projections]
    drawing = Drawing(discretization, unit_resistance)
    neurons = [neurons_in_units(neurons) for neurons in network.neurons]
    record = drawing.draw(network.inputs, neurons, _synapses(wires, feedback))
    facts = Facts(
        discretization=discretization,
        neurons={
            drawing.node_of[n.name]: NeuronFacts(
                reset=SpikeReset[n.reset.name],
                refractory=n.refractory,
            )
            for n in network.neurons
        },
        names={node: name for name, node in drawing.node_of.items()},
        recurrent_latency=_by_node(feedback, drawing.node_of),
        keep_latency=keep_latency,
        unit_resistance=unit_resistance,
        shifts={drawing.node_of[name]: shift for name, shift in shifts.items() if shift},
        losses=tuple(_losses(network)),
    )
    return record, facts


def _synapses(
    wires: Iterable[tuple[Any, LinearMap, int]], feedback: Mapping[tuple[str, str], int]
) -> list[DrawnSynapses]:
    return [
        DrawnSynapses(
            name=p.name,
            source=p.source,
            target=p.target,
            map=linear,
            steps=steps - feedback.get((p.source, p.target), 0),
            delays=getattr(p, "delays", None),
        )
        for p, linear, steps in wires
    ]


def _by_node(
    feedback: Mapping[tuple[str, str], int], node_of: Mapping[str, str]
) -> dict[tuple[str, str], int]:
    return {(node_of[a], node_of[b]): steps for (a, b), steps in feedback.items()}


def _rises(name: str) -> str:
    return f"{name}: a spike raises the threshold, which then falls back"


def _losses(network: FixedPointNetwork) -> Iterable[str]:
    yield (
        "What arrives is rounded down, decays round toward zero and registers wrap or saturate"
        " at 24 bits on the chip"
    )
    for neurons in network.neurons:
        if neurons.refractory:
            yield f"{neurons.name}: refractory for {neurons.refractory} steps"
        if neurons.adapts:
            yield _rises(neurons.name)
        if neurons.reset_interval:
            yield f"{neurons.name}: cleared every {neurons.reset_interval} steps"
        if neurons.u.any() or neurons.v.any():
            yield f"{neurons.name}: begins from a current or potential of its own, not from 0"
    for projection in network.projections:
        if getattr(projection, "plasticity", None) is not None:
            yield f"{projection.name}: its weights change by a rule"
