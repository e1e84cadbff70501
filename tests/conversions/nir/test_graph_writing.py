"""Networks written as NIR graphs and read back."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conversions.linear_maps.synapse_list import synapses
from conversions.nir import (
    NORSE,
    SINABS,
    SINABS_UNSCALED,
    SNNTORCH,
    Discretization,
    InputScale,
    SpikeReset,
    from_nir,
    nir_to_real,
    real_to_nir,
    to_nir,
)
from conversions.nir.export_records import real_map
from conversions.nir.metadata import FACTS, NETWORK, facts_in
from conversions.real_network import (
    NeuronDynamics,
    RealConv,
    RealDense,
    RealInput,
    RealNetwork,
    RealNeurons,
    RealProjection,
    RealReset,
    RealSparse,
)
from conversions.real_network.simulator import simulate_real
from hw_models import (
    ConversionError,
    DenseProjection,
    FixedPointNetwork,
    InputPopulation,
    LearningRule,
    LifPopulation,
    NetworkFileError,
    ResetMode,
    TraceConfiguration,
    same_record,
)
from ssdp_neuro import simulate
from tests.hw_models.stored_networks import RULE
from tests.strategies import networks


def synapses_of(network, shifts=None):
    """``(source, target, pre, post, steps, weight)`` of all that have a weight, sorted.

    Of integers with the shifts of their graph: in the time of the graph.
    """
    found = []
    for p in network.projections:
        if shifts is None:
            linear, latency = p.map, p.latency
        else:
            linear = real_map(p, network)
            latency = 1 + shifts.get(p.source, 0) - shifts.get(p.target, 0)
        pre, post, weights = synapses(linear, network.population(p.source).shape)
        delays = getattr(p, "delays", None)
        steps = np.full(pre.shape, latency) if delays is None else latency + delays.ravel()
        ends = [(p.source, p.target)] * pre.size
        rows = zip(ends, pre.tolist(), post.tolist(), steps.tolist(), weights.tolist(), strict=True)
        found += [row for row in rows if row[-1] != 0]
    return sorted(found)


@settings(max_examples=30, deadline=None)
@given(networks(), st.booleans(), st.booleans(), st.sampled_from((SNNTORCH, NORSE, SINABS)))
def test_to_nir__gives_back_every_network_value_for_value(network, keep, unit, how):
    graph = to_nir(network, keep_latency=keep, unit_resistance=unit, discretization=how)
    found, report = from_nir(graph)
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
    ).network  # names are those of the nodes, and here the same
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


def small(**fields):
    """Two layers; plain unless fields of its first say otherwise."""
    rng = np.random.default_rng(0)
    hidden = {"current_decay": 4095, "voltage_decay": 1024, "threshold": 100, **fields}
    return FixedPointNetwork(
        populations=[
            InputPopulation(name="in", shape=(8,)),
            LifPopulation(name="hidden", shape=(6,), **hidden),
            LifPopulation(name="out", shape=(3,), current_decay=4095, voltage_decay=2048,
                          threshold=61, reset=hidden.get("reset", ResetMode.ZERO)),
        ],
        projections=[
            DenseProjection(source="in", target="hidden", weights=rng.integers(-90, 120, (6, 8))),
            DenseProjection(source="hidden", target="out", weights=rng.integers(-90, 120, (3, 6))),
        ],
    )  # fmt: skip


def test_to_nir__integers_survive_a_file(tmp_path):
    network = small(bias_mantissa=-77, bias_exponent=-3, refractory=4, reset_interval=9)
    to_nir(network, tmp_path / "net.nir")
    assert same_record(from_nir(tmp_path / "net.nir")[0], network)


def test_to_nir__delayed_synapses_without_weight_keep_their_edge():
    network = small()
    silent = dataclasses.replace(
        network.projections[0],
        weights=np.zeros((6, 8), dtype=np.int16),
        delays=np.full((6, 8), 2),
    )
    graph = to_nir(network.replace(silent))
    assert same_record(from_nir(graph)[0], network.replace(silent))
    graph.metadata.clear()
    real = nir_to_real(graph, dt=1e-4, reset=SpikeReset.ZERO).network
    assert [(p.source, p.target) for p in real.projections] == [
        ("in_", "hidden"),
        ("hidden", "out"),
    ]


@pytest.mark.parametrize(
    "fields",
    [
        {"plasticity": RULE},
        {
            "plasticity": LearningRule(
                dw="2^-2 * y0 * x1 - u0 * w", x1=TraceConfiguration(16.5, 9), epoch=3
            ),
            "tag_1": np.full((6, 8), -9),
        },
    ],
)
def test_to_nir__plastic_synapses_survive_in_the_metadata(fields):
    network = small()
    plastic = dataclasses.replace(
        network.projections[0], weights=abs(network.projections[0].weights) // 2, **fields
    )
    graph = to_nir(network.replace(plastic))
    assert same_record(from_nir(graph)[0], network.replace(plastic))
    assert any("change by a rule" in loss for loss in facts_in(graph.metadata).losses)


def test_to_nir__keeps_where_neurons_begin_in_the_metadata():
    network = small()
    begun = dataclasses.replace(network.neurons[0], u=-70, v=1234)
    graph = to_nir(network.replace(begun))
    assert same_record(from_nir(graph)[0], network.replace(begun))
    losses = facts_in(graph.metadata).losses
    assert f"{begun.name}: begins from a current or potential of its own, not from 0" in losses


def test_from_nir__refuses_integers_that_the_graph_no_longer_says():
    for change, message in (
        (lambda g: g.nodes["hidden"].v_threshold.fill(7.0), "hidden.v_threshold: not what"),
        (lambda g: g.nodes["in_to_hidden"].weight.fill(7.0), "in_to_hidden.weight: not what"),
        (
            lambda g: g.edges.remove(("in_to_hidden", "hidden")),
            "edge in_to_hidden -> hidden is gone",
        ),
        (lambda g: g.nodes.pop("output"), "'output'"),
    ):
        graph = to_nir(small())
        change(graph)
        with pytest.raises(ConversionError, match=message):
            from_nir(graph)


def test_from_nir__arguments_ask_for_the_values_of_the_graph():
    graph = to_nir(small())
    network, report = from_nir(graph, reset=SpikeReset.SUBTRACT)
    assert network.population("hidden").reset is ResetMode.SUBTRACT
    assert len(report.layers) == 2


def test_from_nir__damaged_metadata_are_an_error():
    graph = to_nir(small())
    graph.metadata[NETWORK] = graph.metadata[NETWORK][:-200]
    with pytest.raises(NetworkFileError, match="metadata ssdp_neuro_network"):
        from_nir(graph)
    graph = to_nir(small())
    for text in ("{", "[]", "{}", graph.metadata[FACTS].replace('"version": 1', '"version": 2')):
        graph.metadata[FACTS] = text
        with pytest.raises(ConversionError, match=r"metadata ssdp_neuro: (damaged|version 2)"):
            from_nir(graph)


def real_network():
    """Everything that a real network may have, with values that are no integers."""
    rng = np.random.default_rng(4)
    some = {"voltage_kept": 0.9, "threshold": 1.25, "gain": 0.3}
    return RealNetwork(
        populations=[
            RealInput(name="in", shape=(1, 4, 4)),
            RealNeurons(name="conv", shape=(2, 4, 4), dynamics=NeuronDynamics(
                **some, current_bias=np.repeat(rng.normal(size=2), 16),
                fires_at_threshold=True, reset=RealReset.DELAYED_SUBTRACT)),
            RealNeurons(name="dense", shape=(5,), dynamics=NeuronDynamics(
                **{**some, "voltage_kept": rng.random(5)}, current_kept=0.7, refractory=3,
                bias=rng.normal(size=5), current_bias=rng.normal(size=5))),
            RealNeurons(name="out", shape=(3,), dynamics=NeuronDynamics(
                voltage_kept=1.0, threshold=np.inf)),
        ],
        projections=[
            RealProjection(source="in", target="conv",
                           map=RealConv(weights=rng.normal(size=(2, 1, 3, 3)), padding=1)),
            RealProjection(source="conv", target="dense",
                           map=RealDense(weights=rng.normal(size=(5, 32))),
                           delays=rng.integers(0, 3, (5, 32))),
            RealProjection(source="dense", target="dense", latency=2,
                           map=RealSparse(pre=[0, 1], post=[1, 4], weights=[0.3, -0.7])),
            RealProjection(source="dense", target="out", latency=1,
                           map=RealDense(weights=rng.normal(size=(3, 5)))),
        ],
    )  # fmt: skip


def test_real_to_nir__gives_back_weights_biases_delays_and_edges():
    network = real_network()
    found = nir_to_real(real_to_nir(network)).network
    assert synapses_of(found) == synapses_of(network)
    for neurons in network.neurons:
        one, other = neurons.dynamics, found.population(neurons.name).dynamics
        for name in ("reset", "refractory", "fires_at_threshold", "is_readout"):
            assert getattr(one, name) == getattr(other, name)
        for name in ("voltage_kept", "current_kept", "gain", "current_bias", "bias", "threshold"):
            pair = np.broadcast_arrays(getattr(one, name), getattr(other, name))
            np.testing.assert_allclose(*pair, rtol=1e-12, atol=1e-15)
    spikes = np.random.default_rng(1).random((3, 30, 16)) < 0.4
    runs = [simulate_real(each, spikes) for each in (network, found)]
    for name, fired in runs[0].spikes.items():
        assert 0 < fired.mean() < 1 or name == "out"
        assert fired.tolist() == runs[1].spikes[name].tolist()


def frames(spikes, step):
    import torch

    return torch.tensor(spikes[:, step], dtype=torch.float32)


def run_stepwise(model, spikes):
    state, made = None, []
    for step in range(spikes.shape[1]):
        out, state = model(frames(spikes, step), state)
        made.append(out.detach().numpy() > 0)
    return np.stack(made, 1)


def ours(network, spikes):
    """Output of the network in the time of its graph: two layers behind."""
    given = np.pad(spikes, [(0, 0), (0, 2), (0, 0)])
    return simulate(network, given, n_steps=given.shape[1]).raster("out")[:, 2:]


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")
@pytest.mark.parametrize("current_decay", [4095, 2047])
def test_to_nir__snntorch_and_norse_load_it_and_spike_alike(current_decay):
    import norse.torch as norse
    from snntorch.import_nir import import_from_nir

    network = small(current_decay=current_decay)
    spikes = np.random.default_rng(2).random((4, 20, 8)) < 0.4
    expected = ours(network, spikes)
    assert 0.1 < expected.mean() < 0.95
    loaded = import_from_nir(to_nir(network))
    assert run_stepwise(loaded, spikes).tolist() == expected.tolist()
    how = Discretization(dt=1e-3, integrator_scale=InputScale.ONE)
    loaded = norse.from_nir(to_nir(network, discretization=how, unit_resistance=True))
    assert run_stepwise(loaded, spikes).tolist() == expected.tolist()


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")
def test_to_nir__sinabs_loads_it_and_spikes_alike():
    import sinabs.layers as sl
    import sinabs.nir
    import torch
    from sinabs.activation import SingleSpike

    network = small(reset=ResetMode.SUBTRACT)
    spikes = np.random.default_rng(2).random((4, 20, 8)) < 0.4
    loaded = sinabs.nir.from_nir(to_nir(network, discretization=SINABS_UNSCALED), num_timesteps=20)
    for module in loaded.modules():
        if isinstance(module, sl.LIF):
            module.spike_fn = SingleSpike  # more than one a step is not for the chip
    made = loaded(torch.tensor(spikes.reshape(80, 8), dtype=torch.float32))
    made = made[0] if isinstance(made, tuple) else made
    found = made.detach().numpy().reshape(4, 20, 3) > 0
    assert found.tolist() == ours(network, spikes).tolist()
