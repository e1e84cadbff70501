"""NIR graphs read into real networks."""

import nir
import numpy as np
import pytest

from conversions.nir import SNNTORCH, SpikeReset
from conversions.nir.nir_conversion import nir_to_real
from conversions.real_network import RealConv, RealDense
from conversions.real_network.simulator import simulate_real
from hw_models import ConversionError, same_record
from tests.conversions.nir.graphs import chain, graph, li, lif

RNG = np.random.default_rng(5)
WEIGHTS, BIAS = RNG.normal(size=(4, 8)), RNG.normal(size=4)
RECURRENT = RNG.normal(size=(4, 4))


def recurrent():
    nodes = {
        "in": nir.Input(np.array([8])),
        "fc": nir.Affine(WEIGHTS, BIAS),
        "hidden": lif(4),
        "again": nir.Linear(RECURRENT),
        "out": li(4),
        "end": nir.Output(np.array([4])),
    }
    edges = [("in", "fc"), ("fc", "hidden"), ("hidden", "again"), ("again", "hidden")]
    return graph(nodes, [*edges, ("hidden", "out"), ("out", "end")])


def test_nir_to_real__computes_the_equations_of_the_graph():
    network = nir_to_real(recurrent(), dt=1e-4, reset=SpikeReset.SUBTRACT).network
    spikes = RNG.random((3, 30, 8)) < 0.3
    run = simulate_real(network, spikes)
    v, z, out = np.zeros((3, 4)), np.zeros((3, 4)), np.zeros((3, 4))
    for t in range(30):
        v = 0.9 * v + spikes[:, t] @ WEIGHTS.T + BIAS + z @ RECURRENT.T
        z = (v > 1.0).astype(float)
        v = v - z
        out = 0.9 * out + 0.1 * z
        assert run.spikes["hidden"][:, t].tolist() == (z > 0).tolist()
        np.testing.assert_allclose(run.potentials["out"][:, t], out, rtol=0, atol=1e-12)
    assert 0 < run.spikes["hidden"].mean() < 1


def test_nir_to_real__a_file_and_its_graph_are_one_network(tmp_path):
    path = tmp_path / "net.nir"
    nir.write(path, recurrent())
    how = {"discretization": SNNTORCH, "reset": SpikeReset.ZERO}
    from_file = nir_to_real(path, **how).network
    assert same_record(from_file, nir_to_real(recurrent(), **how).network)
    assert [p.name for p in from_file.projections] == [
        "in->hidden",
        "hidden->hidden",
        "hidden->out",
    ]
    assert [p.latency for p in from_file.projections] == [0, 1, 0]


def test_nir_to_real__pooling_and_convolution_make_one_map():
    conv = nir.Conv2d(
        input_shape=(4, 4),
        weight=RNG.normal(size=(2, 1, 3, 3)),
        stride=1,
        padding=1,
        dilation=1,
        groups=1,
        bias=np.array([0.5, -0.5]),
    )
    pool = nir.SumPool2d(np.array([2, 2]), np.array([2, 2]), np.array([0, 0]))
    nodes = [
        ("in", nir.Input(np.array([1, 8, 8]))),
        ("pool", pool),
        ("conv", conv),
        ("out", lif((2, 4, 4))),
        ("end", nir.Output(np.array([2, 4, 4]))),
    ]
    network = nir_to_real(chain(*nodes), dt=1e-4, reset=SpikeReset.ZERO).network
    (projection,) = network.projections
    assert isinstance(projection.map, RealConv)
    assert network.population("out").dynamics.current_bias.tolist() == [0.5] * 16 + [-0.5] * 16


def test_nir_to_real__asks_for_what_nir_does_not_say():
    with pytest.raises(ConversionError, match="NIR has no time step"):
        nir_to_real(recurrent(), reset=SpikeReset.ZERO)
    with pytest.raises(ConversionError, match=r"hidden \(LIF\): NIR does not say whether a spike"):
        nir_to_real(recurrent(), dt=1e-4)


def test_nir_to_real__names_a_node_without_meaning_here():
    plain = recurrent()
    plain.nodes["again"] = type("Softmax", (nir.Linear,), {})(RECURRENT)
    with pytest.raises(ConversionError, match=r"again: Softmax is not supported; supported are"):
        nir_to_real(plain, dt=1e-4, reset=SpikeReset.ZERO)


def test_nir_to_real__dense_maps_in_a_row_are_multiplied():
    nodes = [
        ("in", nir.Input(np.array([8]))),
        ("a", nir.Affine(WEIGHTS, BIAS)),
        ("b", nir.Scale(np.array([1.0, 2.0, 3.0, 4.0]))),
        ("c", nir.Linear(RECURRENT)),
        ("out", lif(4)),
        ("end", nir.Output(np.array([4]))),
    ]
    network = nir_to_real(chain(*nodes), dt=1e-4, reset=SpikeReset.ZERO).network
    (projection,) = network.projections
    assert isinstance(projection.map, RealDense)
    scale = np.diag([1.0, 2.0, 3.0, 4.0])
    np.testing.assert_allclose(projection.map.weights, RECURRENT @ scale @ WEIGHTS, atol=1e-12)
    bias = network.population("out").dynamics.current_bias
    np.testing.assert_allclose(bias, RECURRENT @ scale @ BIAS, atol=1e-12)
