"""Every primitive of NIR on its own, against what it means."""

import nir
import numpy as np
import pytest

from conversions.nir import (
    NORSE,
    SINABS,
    SINABS_UNSCALED,
    SPIKINGJELLY,
    Discretization,
    InputScale,
    Method,
    SpikeReset,
    nir_to_real,
)
from conversions.nir.convention import Convention
from conversions.nir.graph_reading import read_real
from conversions.nir.graph_records import NirNode, NirRecord
from conversions.real_network import RealReset
from conversions.real_network.delivery import delivered
from conversions.real_network.simulator import simulate_real
from hw_models import ConversionError
from tests.conversions.nir.graphs import chain, graph, li, lif

RNG = np.random.default_rng(11)
SPIKES = RNG.random((2, 25, 6)) < 0.4


def inputs(*shape):
    return ("in", nir.Input(np.array(shape)))


def outputs(*shape):
    return ("end", nir.Output(np.array(shape)))


def read(*nodes, reset=SpikeReset.ZERO, dt=1e-4, **how):
    return nir_to_real(chain(*nodes), reset=reset, dt=dt, **how).network


def full(n, **values):
    return {name: np.full(n, value) for name, value in values.items()}


@pytest.mark.parametrize(("at_leak", "start"), [(False, -0.2), (True, 0.1)])
def test_lif__reset_value_and_leak_are_those_of_the_equation(at_leak, start):
    """v_reset as the origin of the potential: the same spikes as the equation itself."""
    weights = RNG.normal(size=(3, 6))
    node = lif(3, kept=0.8, v_leak=0.1)
    fields = {name: getattr(node, name) for name in ("tau", "r", "v_leak", "v_threshold")}
    record = NirRecord(
        {
            "in": NirNode("Input", {"shape": np.array([6])}),
            "fc": NirNode("Linear", {"weight": weights}),
            "lif": NirNode("LIF", {**fields, "v_reset": np.full(3, -0.2)}),
            "end": NirNode("Output", {"shape": np.array([3])}),
        },
        (("in", "fc"), ("fc", "lif"), ("lif", "end")),
    )
    how = Convention(Discretization(dt=1e-4, starts_at_leak=at_leak), SpikeReset.ZERO)
    reading = read_real(record, how)
    assert any("starts from v_reset" in note for note in reading.notes) is not at_leak
    spikes = simulate_real(reading.network, SPIKES).spikes["lif"]
    v = np.full((2, 3), start)
    for t in range(25):
        v = v + 0.2 * (0.1 - v) + SPIKES[:, t] @ weights.T
        z = v > 1.0
        assert spikes[:, t].tolist() == z.tolist()
        v = np.where(z, -0.2, v)
    assert spikes.any()
    with pytest.raises(ConversionError, match=r"lif \(LIF\): v_reset is -0.2, but the reset given"):
        read_real(record, Convention(Discretization(dt=1e-4), SpikeReset.SUBTRACT))


@pytest.mark.parametrize(
    ("how", "kept", "gain"),
    [
        (Discretization(dt=0.5), 0.75, 0.25 * 3),
        (Discretization(dt=0.5, method=Method.EXPONENTIAL), np.exp(-0.25), -np.expm1(-0.25) * 3),
        (Discretization(dt=0.5, neuron_scale=InputScale.ONE), 0.75, 3.0),
        (SINABS, np.exp(-0.5), -np.expm1(-0.5) * 3),
        (SINABS_UNSCALED, np.exp(-0.5), 3.0),
    ],
)
def test_lif__time_constants_become_steps_by_the_method_given(how, kept, gain):
    node = nir.LIF(**full(2, tau=2.0, r=3.0, v_leak=0.0, v_threshold=1.0))
    network = read(inputs(2), ("lif", node), outputs(2), discretization=how, dt=None)
    dynamics = network.population("lif").dynamics
    np.testing.assert_allclose([*dynamics.voltage_kept, *dynamics.gain], [kept, gain], rtol=1e-14)
    assert dynamics.fires_at_threshold is how.fires_at_threshold


def test_cuba_lif__current_of_norse_jumps_and_that_of_nir_is_scaled():
    values = full(2, tau_mem=1e-5, tau_syn=5e-6, r=1.0, v_leak=0.0, v_threshold=1.0)
    node = nir.CubaLIF(**values, w_in=np.full(2, 2.0))
    norse = read(inputs(2), ("n", node), outputs(2), discretization=NORSE, dt=None)
    plain = read(inputs(2), ("n", node), outputs(2), dt=1e-6)
    for network, gain in ((norse, 2.0 * 0.1), (plain, 2.0 * 0.1 * 0.2)):
        dynamics = network.population("n").dynamics
        found = [dynamics.voltage_kept[0], dynamics.current_kept[0], dynamics.gain[0]]
        np.testing.assert_allclose(found, [0.9, 0.8, gain], rtol=1e-12)


def test_integrators__keep_everything():
    node = nir.IF(**full(2, r=1e4, v_threshold=2.0))
    dynamics = read(inputs(2), ("if", node), outputs(2)).population("if").dynamics
    assert dynamics.voltage_kept.tolist() == [1.0]
    np.testing.assert_allclose(dynamics.gain, 1.0, rtol=1e-14)
    readout = read(inputs(2), ("i", nir.I(np.full(2, 1e4))), outputs(2)).population("i").dynamics
    assert readout.is_readout
    assert readout.voltage_kept.tolist() == [1.0]


def test_cuba_li__is_a_readout_with_a_current():
    values = full(2, tau_mem=1e-3, tau_syn=5e-4, r=1.0, v_leak=0.0, w_in=1.0)
    record = NirRecord(
        {"in": NirNode("Input", {"shape": np.array([2])}), "out": NirNode("CubaLI", values),
         "end": NirNode("Output", {"shape": np.array([2])})},
        (("in", "out"), ("out", "end")),
    )  # fmt: skip
    network = read_real(record, Convention(Discretization(dt=1e-4))).network
    dynamics = network.population("out").dynamics
    assert dynamics.is_readout
    np.testing.assert_allclose([*dynamics.voltage_kept, *dynamics.current_kept], [0.9, 0.8])


def test_threshold__is_a_neuron_without_memory():
    nodes = inputs(3), ("fc", nir.Linear(np.eye(3) * 0.7)), ("z", nir.Threshold(np.full(3, 0.5)))
    network = nir_to_real(chain(*nodes, outputs(3))).network
    given = SPIKES[..., :3]
    assert simulate_real(network, given).spikes["z"].tolist() == given.tolist()


def test_threshold__after_a_leaky_integrator_is_a_neuron_without_reset():
    nodes = inputs(3), ("v", li(3)), ("z", nir.Threshold(np.full(3, 0.25))), outputs(3)
    network = nir_to_real(chain(*nodes), dt=1e-4).network
    (neurons,) = network.neurons
    assert (neurons.name, neurons.dynamics.reset) == ("z", RealReset.NONE)
    given = np.ones((1, 8, 3), dtype=bool)
    v = 1 - 0.9 ** np.arange(1, 9)
    assert simulate_real(network, given).spikes["z"][0, :, 0].tolist() == (v > 0.25).tolist()


def test_li__before_anything_but_an_output_is_refused():
    nodes = inputs(3), ("v", li(3)), ("fc", nir.Linear(np.eye(3))), ("w", li(3)), outputs(3)
    with pytest.raises(ConversionError, match=r"v \(LI\): its potential goes to fc \(Linear\)"):
        read(*nodes)


def test_delay__of_one_length_is_a_latency_and_of_several_the_synapses_own():
    steps = np.array([0, 2, 2, 5, 0, 1])
    weights = RNG.normal(size=(3, 6))
    for delay in (steps, np.full(6, 3)):
        nodes = inputs(6), ("wait", nir.Delay(delay * 1e-4)), ("fc", nir.Linear(weights))
        network = read(*nodes, ("out", lif(3, kept=0.0)), outputs(3), reset=SpikeReset.NONE)
        late = np.zeros(SPIKES.shape)
        for n, d in enumerate(delay):
            late[:, d:, n] = SPIKES[:, : 25 - d, n]
        (projection,) = network.projections
        assert (projection.delays is None) == (delay is not steps)
        spikes = simulate_real(network, SPIKES).spikes["out"]
        assert spikes.tolist() == (late @ weights.T > 1.0).tolist()


def test_delay__behind_the_weights_delays_what_arrives():
    steps = np.array([0, 2, 4])
    weights = RNG.normal(size=(3, 6))
    nodes = inputs(6), ("fc", nir.Linear(weights)), ("wait", nir.Delay(steps * 1e-4))
    network = read(*nodes, ("out", lif(3, kept=0.0)), outputs(3), reset=SpikeReset.NONE)
    made = np.zeros((2, 25, 3))
    for n, d in enumerate(steps):
        made[:, d:, n] = (SPIKES @ weights.T)[:, : 25 - d, n]
    assert simulate_real(network, SPIKES).spikes["out"].tolist() == (made > 1.0).tolist()


def test_delay__between_two_steps_is_refused():
    nodes = inputs(2), ("wait", nir.Delay(np.array([1e-4, 1.5e-4]))), ("out", lif(2)), outputs(2)
    with pytest.raises(ConversionError, match=r"wait \(Delay\): 1.5 steps of 0.0001"):
        read(*nodes)


@pytest.mark.parametrize("padding", [0, 2, "same", "valid"])
def test_conv1d__is_that_of_pytorch(padding):
    import torch

    weights, bias = RNG.normal(size=(4, 2, 3)), RNG.normal(size=4)
    conv = nir.Conv1d(None, weights, 1, padding, 2, 1, bias)
    nodes = inputs(2, 9), ("conv", conv), ("flat", nir.Flatten(np.array([4, 9]), 0))
    n_out = {0: 5, 2: 9, "same": 9, "valid": 5}[padding]
    network = read(*nodes, ("out", lif(4 * n_out)), outputs(4 * n_out))
    (projection,), neurons = network.projections, network.neurons[0]
    values = RNG.normal(size=(2, 9))
    expected = torch.nn.functional.conv1d(
        torch.from_numpy(values)[None], torch.from_numpy(weights), torch.from_numpy(bias),
        padding=padding, dilation=2,
    )[0].numpy()  # fmt: skip
    shape = network.population("in").shape
    made = delivered(projection.map, values.reshape(1, -1), shape, 4 * n_out)[0]
    found = made + neurons.dynamics.current_bias
    np.testing.assert_allclose(found, expected.ravel(), atol=1e-12)


@pytest.mark.parametrize("kind", ["AvgPool2d", "SumPool2d"])
def test_pooling__averages_or_sums(kind):
    pool = getattr(nir, kind)(np.array([2, 2]), np.array([2, 2]), np.array([1, 1]))
    network = read(inputs(3, 4, 4), ("pool", pool), ("out", lif((3, 3, 3))), outputs(3, 3, 3))
    values = np.ones((3, 4, 4))
    made = delivered(network.projections[0].map, values.reshape(1, -1), values.shape, 27).reshape(
        3, 3, 3
    )
    corner, middle = (0.25, 1.0) if kind == "AvgPool2d" else (1.0, 4.0)
    assert (made[0, 0, 0], made[0, 1, 1]) == (corner, middle)


def test_graph__inside_a_graph_is_flattened():
    inner = graph(
        {"input": nir.Input(np.array([3])), "lif": lif(3), "w": nir.Linear(np.eye(3) * -0.5),
         "output": nir.Output(np.array([3]))},
        [("input", "lif"), ("lif", "w"), ("w", "lif"), ("lif", "output")],
    )  # fmt: skip
    network = read(inputs(3), ("rnn", inner), ("out", lif(3)), outputs(3))
    assert [neurons.name for neurons in network.neurons] == ["rnn.lif", "out"]
    found = {projection.name: projection.latency for projection in network.projections}
    assert found == {"in->rnn.lif": 0, "rnn.lif->rnn.lif": 1, "rnn.lif->out": 0}


def loop(delay=None):
    nodes = {"in": nir.Input(np.array([2])), "a": lif(2), "b": lif(2),
             "back": nir.Linear(np.eye(2)), "end": nir.Output(np.array([2]))}  # fmt: skip
    edges = [("in", "a"), ("a", "b"), ("b", "back"), ("back", "a"), ("b", "end")]
    if delay:
        nodes["wait"] = nir.Delay(np.full(2, delay * 1e-4))
        edges = [*edges[:3], ("back", "wait"), ("wait", "a"), edges[4]]
    return graph(nodes, edges)


def test_loop__over_two_populations_asks_for_its_steps():
    how = {"dt": 1e-4, "reset": SpikeReset.ZERO}
    with pytest.raises(ConversionError, match=r"Give recurrent_latency.*\('b', 'a'\)"):
        nir_to_real(loop(), **how)
    with pytest.raises(ConversionError, match="loop that takes no step"):
        nir_to_real(loop(), recurrent_latency={("b", "a"): 0}, **how)
    with pytest.raises(ConversionError, match=r"\('in', 'a'\) is not in a loop"):
        nir_to_real(loop(), recurrent_latency={("in", "a"): 1}, **how)
    for delay, steps, expected in ((None, 1, 1), (3, 0, 3), (3, 1, 4)):
        network = nir_to_real(loop(delay), recurrent_latency={("b", "a"): steps}, **how).network
        latencies = {p.name: p.latency for p in network.projections}
        assert latencies == {"in->a": 0, "a->b": 0, "b->a": expected}


def test_input__with_an_axis_of_samples_loses_it_or_asks():
    nodes = ("fc", nir.Linear(np.eye(3))), ("out", lif(3)), outputs(1, 3)
    reading = nir_to_real(chain(inputs(1, 3), *nodes), dt=1e-4, reset=SpikeReset.ZERO)
    assert reading.network.inputs[0].shape == (3,)
    assert "the first axis" in reading.notes[0]
    with pytest.raises(ConversionError, match="give input_shape"):
        read(inputs(5, 3), *nodes)
    assert read(inputs(5, 3), *nodes, input_shape=(3,)).inputs[0].shape == (3,)


def test_output__of_a_linear_node_becomes_a_readout_without_memory():
    nodes = inputs(6), ("hidden", lif(6)), ("fc", nir.Affine(np.ones((2, 6)), np.array([1.0, 2.0])))
    network = read(*nodes, outputs(2))
    run = simulate_real(network, SPIKES)
    expected = run.spikes["hidden"].sum(2)[..., None] + np.array([1.0, 2.0])
    assert run.potentials["end"].tolist() == expected.tolist()


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        ([inputs(4), ("fc", nir.Linear(np.eye(3))), ("out", lif(3))], r"fc \(Linear\).weight"),
        ([inputs(4), ("c", nir.Conv2d(None, np.ones((1, 1, 2, 2)), 1, 0, 1, 1, np.zeros(1))),
          ("out", lif(3))], r"c \(Conv2d\): a signal of shape \(4,\)"),
        ([inputs(2), ("out", nir.LIF(**full(2, tau=1e-5, r=1.0, v_leak=0.0, v_threshold=1.0)))],
         r"out \(LIF\).tau: 1e-05 with a time step of 0.0001"),
        ([inputs(2), ("out", lif(2, threshold=-1.0))], r"out \(LIF\): NeuronDynamics.threshold"),
        ([inputs(2), ("out", lif(2, r=-1.0))], r"out \(LIF\): NeuronDynamics.gain"),
        ([inputs(2), ("s", nir.Scale(np.ones(3))), ("out", lif(2))], r"s \(Scale\).scale"),
        ([inputs(2), ("out", lif(2, r=np.nan))], r"out \(LIF\).r: a value is not finite"),
        ([inputs(2), ("out", lif(3))], r"out: parameters of shape \(3,\)|own is"),
    ],
)  # fmt: skip
def test_nir_to_real__says_which_node_does_not_fit(nodes, message):
    with pytest.raises(ConversionError, match=message):
        read(*nodes, outputs(2))


def test_nir_to_real__edges_must_make_sense():
    plain = chain(inputs(2), ("out", lif(2)), outputs(2))
    plain.edges.append(("in", "nobody"))
    with pytest.raises(ConversionError, match="'nobody'"):
        nir_to_real(plain, discretization=SPIKINGJELLY, reset=SpikeReset.ZERO)
    plain.edges[-1] = ("in", "out")
    with pytest.raises(ConversionError, match="in -> out: is there twice"):
        nir_to_real(plain, discretization=SPIKINGJELLY, reset=SpikeReset.ZERO)
    nodes = {"a": nir.Linear(np.eye(2)), "b": nir.Linear(np.eye(2)), **plain.nodes}
    edges = [("in", "a"), ("a", "b"), ("b", "a"), ("b", "out"), ("out", "end")]
    with pytest.raises(ConversionError, match="a loop without neurons"):
        nir_to_real(graph(nodes, edges), discretization=SPIKINGJELLY, reset=SpikeReset.ZERO)


def test_delay__after_a_delay_adds_up():
    waits = [("a", nir.Delay(np.full(2, 2e-4))), ("b", nir.Delay(np.array([1e-4, 3e-4])))]
    network = read(inputs(2), *waits, ("out", lif(2)), outputs(2))
    (projection,) = network.projections
    late = projection.latency + projection.delays
    assert (np.diag(late) if late.ndim == 2 else late).tolist() == [3, 5]
