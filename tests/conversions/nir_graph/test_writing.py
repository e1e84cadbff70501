"""Networks written as NIR graphs and read back."""

import dataclasses

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from conversions.linear_maps import synapses
from conversions.nir_graph import from_nir, nir_to_real, to_nir
from conversions.nir_graph.metadata import facts_in
from hw_models import same_record
from tests.strategies import networks


def synapses_of(network, shifts=None):
    """``(source, target, pre, post, steps, weight)`` of all that have a weight, sorted.

    Of integers with the shifts of their graph: in the time of the graph.
    """
    found = []
    for p in network.projections:
        linear, latency = p, 0
        if shifts is not None:
            from conversions.nir_graph.writing import _real_map

            linear = _real_map(p, network)
            latency = 1 + shifts.get(p.source, 0) - shifts.get(p.target, 0)
        else:
            linear, latency = p.map, p.latency
        pre, post, weights = synapses(linear, network.population(p.source).shape)
        delays = getattr(p, "delays", None)
        steps = np.full(pre.shape, latency) if delays is None else latency + delays.ravel()
        ends = [(p.source, p.target)] * pre.size
        rows = zip(ends, pre.tolist(), post.tolist(), steps.tolist(), weights.tolist(), strict=True)
        found += [row for row in rows if row[-1] != 0]
    return sorted(found)


@settings(max_examples=30, deadline=None)
@given(networks(), st.booleans())
def test_to_nir__gives_back_every_network_value_for_value(network, keep_latency):
    found, report = from_nir(to_nir(network, keep_latency=keep_latency))
    assert same_record(found, network)
    assert report.layers == ()


@settings(max_examples=30, deadline=None)
@given(networks(crowd=False), st.booleans())
def test_to_nir__the_graph_alone_has_all_weights_biases_delays_and_edges(network, keep_latency):
    positive = [
        dataclasses.replace(neurons, threshold=np.maximum(neurons.threshold, 1))
        for neurons in network.neurons
    ]
    network = network.replace(*positive)
    graph = to_nir(network, keep_latency=keep_latency)
    facts = facts_in(graph.metadata)
    graph.metadata.clear()
    real = nir_to_real(
        graph,
        dt=1e-4,
        reset={node: known.reset for node, known in facts.neurons.items()},
        recurrent_latency=facts.recurrent_latency,
    ).network
    assert synapses_of(real) == synapses_of(network, facts.shifts)
    for neurons in network.neurons:
        dynamics = real.population(neurons.name).dynamics
        bias = dynamics.bias + dynamics.gain * dynamics.current_bias
        for found, expected in (
            (dynamics.threshold, neurons.threshold),
            (dynamics.gain, 1.0),
            (dynamics.voltage_kept, (4096 - neurons.voltage_decay) / 4096),
            (dynamics.current_kept, (4095 - neurons.current_decay) / 4096),
            (bias, neurons.bias / 64),
        ):
            each = [np.broadcast_to(values, (neurons.n_neurons,)) for values in (found, expected)]
            np.testing.assert_allclose(*each, rtol=1e-12, atol=1e-14)
