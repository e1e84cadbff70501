"""A network in integers as a module: its spikes are the engine's, and training moves it."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings

from hw_models import (
    DenseProjection,
    FixedPointNetwork,
    InputError,
    InputPopulation,
    LifPopulation,
    RangeError,
    ShapeError,
    SparseProjection,
    UnknownNameError,
    same_record,
)
from ssdp_neuro import simulate
from ssdp_neuro.training import IntegerNetwork
from tests.strategies import cases


def network_of(weights, **settings):
    weights = np.asarray(weights)
    neurons = {"current_decay": 4095, "voltage_decay": 512, "threshold": 100, **settings}
    return FixedPointNetwork(
        populations=[
            InputPopulation(name="pixels", shape=(weights.shape[1],)),
            LifPopulation(name="out.put", shape=(weights.shape[0],), **neurons),
        ],
        projections=[DenseProjection(source="pixels", target="out.put", weights=weights)],
    )


@settings(max_examples=150, deadline=None)
@given(cases())
def test_spikes__are_the_engines_of_any_network(case):
    network, spikes, n_steps = case
    if not spikes:
        return
    model = IntegerNetwork(network, output=network.neurons[0].name)
    model.requires_grad_(len(network.neurons) % 2 == 0)  # the fused pass differs with gradients
    fired = model.all_spikes({name: torch.tensor(each).float() for name, each in spikes.items()})
    result = simulate(network, spikes, n_steps)
    for population in network.populations:
        raster = fired[population.name].detach().numpy().astype(bool)
        assert raster.tolist() == result.raster(population.name).tolist()


@settings(max_examples=100, deadline=None)
@given(cases())
def test_to_network__gives_back_what_was_given(case):
    network, _, _ = case
    assert same_record(
        IntegerNetwork(network, output=network.neurons[0].name).to_network(), network
    )


def test_large_list__is_multiplied_as_a_list():
    rng = np.random.default_rng(0)
    n_pre, n_post, n = 5000, 4000, 20000
    places = rng.choice(n_pre * n_post, n, replace=False)
    network = FixedPointNetwork(
        populations=[
            InputPopulation(name="in", shape=(n_pre,)),
            LifPopulation(
                name="out", shape=(n_post,), current_decay=0, voltage_decay=9, threshold=99
            ),
        ],
        projections=[
            SparseProjection(
                source="in",
                target="out",
                pre=places // n_post,
                post=places % n_post,
                weights=rng.integers(-255, 256, n),
                weight_exponent=-1,
                delays=rng.integers(0, 3, n),
            )
        ],
    )
    spikes = rng.random((2, 8, n_pre)) < 0.3
    fired = IntegerNetwork(network)(torch.tensor(spikes).float())
    fired.sum().backward()
    expected = simulate(network, {"in": spikes}, 8).raster("out")
    assert expected.any()
    assert fired.detach().numpy().astype(bool).tolist() == expected.tolist()


@pytest.mark.parametrize(
    ("weights", "low", "high", "step"),
    [
        ([[4, -6]], -256, 254, 2),
        ([[5, 0]], 0, 255, 1),
        ([[-5, 0]], -255, 0, 1),
        ([[5, -6]], -256, 255, 1),
    ],
)
def test_weights__stay_in_the_format_they_have(weights, low, high, step):
    model, sign = IntegerNetwork(network_of(weights)), -1 if high == 0 else 1
    for far in (-9.0, 9.0):
        with torch.no_grad():
            model.synapses[0].weight[...] = torch.tensor([[far, 0.0733 * sign]])
        learned = model.to_network().projections[0].weights
        assert learned[0, 0] == (low if far < 0 else high)
        assert learned[0, 1] == sign * (8 if step == 2 else 7)


def test_gradient__is_that_of_the_real_sum():
    """One neuron, one step: threshold 100, one spike of weight 90 lies 0.1 thresholds below."""
    model = IntegerNetwork(network_of([[90]], voltage_decay=0))
    fired = model(torch.tensor([[[1.0], [0.0]]]))
    fired.sum().backward()
    slope = 1 / (1 + 5 * 0.1) ** 2  # FastSigmoid, sharpness 5
    assert model.synapses[0].weight.grad.item() == pytest.approx(slope, rel=1e-6)


def test_training__wins_back_what_coarse_weights_lost():
    rng = np.random.default_rng(1)
    prototypes = rng.random((4, 40)) < 0.3
    labels = torch.tensor(np.arange(200) % 4)
    noise = rng.random((200, 12, 40)) < 0.08
    spikes = torch.tensor(
        (prototypes[labels.numpy()][:, None] & (rng.random(noise.shape) < 0.3)) | noise
    )
    network = network_of(rng.integers(-9, 10, (4, 40)) * 2, bias_mantissa=640)
    model = IntegerNetwork(network)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    for _ in range(40):
        optimizer.zero_grad()
        counts = model(spikes.float()).sum(1)
        torch.nn.functional.cross_entropy(counts, labels).backward()
        optimizer.step()
    learned = model.to_network()
    decided = [
        simulate(each, {"pixels": spikes.numpy()}, 12).spike_counts("out.put").argmax(1)
        for each in (network, learned)
    ]
    before, after = (float((each == labels.numpy()).mean()) for each in decided)
    assert before < 0.6
    assert after > 0.9
    assert not same_record(learned.neurons[0], network.neurons[0])  # the bias moved, too


def test_wrong_input__is_named():
    model = IntegerNetwork(network_of([[2, 4]]))
    with pytest.raises(ShapeError, match=r"\(B, T, 2\)"):
        model(torch.zeros(1, 3, 5))
    with pytest.raises(InputError, match="0 or 1"):
        model(torch.full((1, 3, 2), 0.5))
    with pytest.raises(UnknownNameError, match="'other'"):
        model({"other": torch.zeros(1, 3, 2)})
    with pytest.raises(UnknownNameError, match="there are"):
        IntegerNetwork(network_of([[2, 4]]), output="pixels")
    with torch.no_grad():
        model.synapses[0].weight[0, 0] = torch.nan
    with pytest.raises(RangeError, match="not finite"):
        model.to_network()
