"""Weights with exponents that netx cannot hold are written in larger units, and it is said."""

import numpy as np
import pytest
import torch
from torch import nn

from conversions import from_netx, from_torch, to_netx
from conversions.netx.exponent_folding import folded
from hw_models import DenseProjection, FixedPointNetwork, InputPopulation, LifPopulation
from ssdp_neuro import simulate
from ssdp_neuro.training import CubaLif

SPIKES = np.random.default_rng(0).random((20, 25, 20)) < 0.3


@pytest.mark.kernel
def test_to_netx__writes_a_converted_model_in_larger_units(tmp_path):
    torch.manual_seed(0)
    neuron = {"current_decay": 1024, "voltage_decay": 400}
    model = nn.Sequential(
        nn.Linear(20, 30, bias=False), CubaLif(**neuron), nn.Linear(30, 6, bias=False),
        CubaLif(**neuron),
    )  # fmt: skip
    network, _ = from_torch(model, calibration=SPIKES)
    assert all(projection.weight_exponent > 0 for projection in network.projections)
    notes = to_netx(network, tmp_path / "net.net")
    assert sum("counts in units of" in note for note in notes) == 2
    back, _ = from_netx(tmp_path / "net.net")
    expected, _ = folded(network)
    for projection in expected.projections:
        loaded = back.projection(projection.name)
        assert (loaded.weights == projection.weights).all()
        assert loaded.weight_exponent == 0
    steps = SPIKES.shape[1]
    for population in network.neurons:
        before, after = (
            simulate(one, SPIKES, n_steps=steps).raster(population.name) for one in (network, back)
        )
        assert before.any()
        assert (before != after).sum() <= 0.05 * before.sum()


def test_folded__without_decays_every_spike_is_the_same():
    """Then nothing is rounded but the threshold, which here is whole."""
    source = InputPopulation(name="a", shape=(20,))
    cell = LifPopulation(name="b", shape=(5,), current_decay=4095, voltage_decay=0, threshold=800)
    weights = np.random.default_rng(1).integers(-120, 127, (5, 20)) * 2
    network = FixedPointNetwork(
        populations=[source, cell],
        projections=[DenseProjection(source="a", target="b", weights=weights, weight_exponent=3)],
    )
    made, (note,) = folded(network)
    assert made.population("b").threshold.tolist() == [100]
    assert "units of 8: the threshold 800 is written as 100 (moved by 0 of it)" in note
    one, other = (simulate(net, SPIKES, n_steps=25).raster("b") for net in (network, made))
    assert one.any()
    assert (one == other).all()


def test_folded__leaves_what_netx_can_hold():
    source = InputPopulation(name="a", shape=(2,))
    cell = LifPopulation(name="b", shape=(1,), current_decay=0, voltage_decay=0, threshold=9)
    small = DenseProjection(source="a", target="b", weights=[[10, -12]], weight_exponent=2)
    network = FixedPointNetwork(populations=[source, cell], projections=[small])
    assert folded(network) == (network, [])
