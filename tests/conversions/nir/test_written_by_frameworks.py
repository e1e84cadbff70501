"""Networks that frameworks' own writers exported: the same spikes, the same decisions."""

from pathlib import Path

import numpy as np
import pytest

from conversions import Calibration
from conversions.nir import (
    NORSE,
    SINABS,
    SNNTORCH,
    SPIKINGJELLY,
    SpikeReset,
    from_nir,
    nir_to_real,
)
from conversions.real_network.simulator import simulate_real
from ssdp_neuro import simulate

WRITTEN = Path(__file__).parent / "written"
N_STEPS = 8
POINT = 0.01 + 1e-9

HOW = {
    "snntorch_dense": (SNNTORCH, SpikeReset.DELAYED_SUBTRACT),
    "snntorch_zero": (SNNTORCH, {"1": SpikeReset.DELAYED_ZERO, "3": SpikeReset.ZERO}),
    "snntorch_recurrent": (SNNTORCH, SpikeReset.DELAYED_SUBTRACT),
    "snntorch_conv": (SNNTORCH, SpikeReset.DELAYED_SUBTRACT),
    "spikingjelly_dense": (SPIKINGJELLY, SpikeReset.ZERO),
    "spikingjelly_conv": (SPIKINGJELLY, SpikeReset.ZERO),
    "norse_box": (NORSE, SpikeReset.ZERO),
    "norse_current": (NORSE, SpikeReset.ZERO),
    "sinabs_leaky": (SINABS, SpikeReset.ZERO),
}


def recorded(name, network):
    """Spikes of the input, labels, and what the source computed, unpacked."""
    with np.load(WRITTEN / f"{name}.npz") as arrays:
        labels = arrays["labels"]
        made = {}
        for node in arrays.files:
            if node in ("labels", "potentials"):
                continue
            population = network.inputs[0] if node == "inputs" else network.population(node)
            shape = (len(labels), N_STEPS, population.n_neurons)
            bits = np.unpackbits(arrays[node])[: np.prod(shape)]
            made[node] = bits.reshape(shape).astype(bool)
        potentials = arrays["potentials"] if "potentials" in arrays.files else None
    return made.pop("inputs"), labels, made, potentials


@pytest.mark.parametrize("name", HOW)
def test_nir_to_real__spikes_as_the_framework_that_wrote_the_graph(name):
    discretization, reset = HOW[name]
    network = nir_to_real(
        WRITTEN / f"{name}.nir", discretization=discretization, reset=reset
    ).network
    inputs, _, expected, potentials = recorded(name, network)
    run = simulate_real(network, inputs)
    for node, spikes in expected.items():
        assert 0.01 < spikes.mean() < 0.9
        assert (run.spikes[node] != spikes).sum() == 0
    if potentials is not None:
        (found,) = run.potentials.values()
        np.testing.assert_allclose(found, potentials, rtol=0, atol=1e-5 * abs(potentials).max())


@pytest.mark.parametrize("name", HOW)
def test_from_nir__keeps_the_decisions_of_the_framework_that_wrote_the_graph(name):
    discretization, reset = HOW[name]
    how = {"discretization": discretization, "reset": reset}
    path = WRITTEN / f"{name}.nir"
    real = nir_to_real(path, **how).network
    inputs, labels, expected, potentials = recorded(name, real)
    network, report = from_nir(path, calibration=Calibration(spikes=inputs, labels=labels), **how)
    assert report.accuracy_after >= report.accuracy_before - POINT
    output = real.neurons[-1].name
    first = report.shifts[output]
    given = np.pad(inputs, [(0, 0), (0, first), (0, 0)])
    if potentials is None:
        source = expected[output].sum(1)
        run = simulate(network, given, n_steps=given.shape[1])
        made = run.raster(output)[:, first:].sum(1)
    else:
        source = potentials.mean(1)
        run = simulate(network, given, n_steps=given.shape[1], probes=[(output, "v")])
        made = run.probe(output, "v")[:, first:].mean(1)
    own = (source.argmax(1) == labels).mean()
    assert own > 0.8
    assert (made.argmax(1) == labels).mean() >= own - POINT
    assert (made.argmax(1) == source.argmax(1)).mean() > 0.97


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_nir_to_real__spikes_as_sinabs_by_its_graph_in_memory():
    from tests.conversions.nir.written.make import computed, sinabs

    ((_, graph, run, model),) = sinabs("sinabs_conv", epochs=0)
    assert {type(node).__name__ for node in graph.nodes.values()} >= {"Conv2d", "SumPool2d", "IF"}
    network = nir_to_real(graph, discretization=SINABS, reset=SpikeReset.SUBTRACT).network
    spikes, _, expected = computed(run, model)
    found = simulate_real(network, spikes.reshape(*spikes.shape[:2], 1, 8, 8)).spikes
    for node, values in expected.items():
        spikes = values.numpy().reshape(found[node].shape) > 0
        assert 0.01 < spikes.mean() < 0.9
        assert (found[node] != spikes).sum() == 0


def test_nir_to_real__another_reset_gives_other_spikes():
    path = WRITTEN / "snntorch_dense.nir"
    right = nir_to_real(path, discretization=SNNTORCH, reset=SpikeReset.DELAYED_SUBTRACT).network
    wrong = nir_to_real(path, discretization=SNNTORCH, reset=SpikeReset.ZERO).network
    inputs, *_ = recorded("snntorch_dense", right)
    assert (
        simulate_real(right, inputs).spikes["1"] != simulate_real(wrong, inputs).spikes["1"]
    ).any()
