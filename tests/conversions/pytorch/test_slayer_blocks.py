"""Blocks of lava-dl's SLAYER, trained on digits or drawn at random, against the engine."""

import numpy as np
import pytest
import torch

from conversions import TimeAxis
from conversions.conversion_report import GridChoice
from conversions.pytorch.model_conversion import from_torch
from hw_models import LOIHI2, ConversionError, check
from ssdp_neuro import simulate
from tests.conversions.netx import slayer_models
from tests.conversions.netx.slayer_models import (
    N_STEPS,
    NEURON,
    Net,
    block,
    digits,
    slayer,
    trained,
)

SAMPLES = 6


def run(model, spikes):
    return model(model.laid_out(spikes))


def drawn(seed, *blocks, image=False):
    """A model with its random weights; what it normalizes by comes from the digits."""
    torch.manual_seed(seed)
    model = Net(*(one() for one in blocks), image=image)
    with torch.no_grad():
        for _ in range(25):
            model.each(digits()[0][:32])
    return model.eval()


def check_spikes(model):
    """Every neuron sends the same in SLAYER and in the engine, one step later there."""
    spikes = digits()[0][-SAMPLES:]
    network, report = from_torch(model, calibration=spikes, run=run)
    longer = np.concatenate([spikes, np.zeros_like(spikes[:, :1])], axis=1)
    result = simulate(network, longer, n_steps=N_STEPS + 1)
    sent = model.sent(spikes)
    assert len(sent) == len(network.neurons)
    for population, expected in zip(network.neurons, sent, strict=True):
        assert expected.any()
        assert (result.raster(population.name)[:, 1:] == expected).all()
        assert report.shifts[population.name] == 1
    assert [layer.spike_agreement for layer in report.layers] == [1.0] * len(report.layers)
    assert {layer.choice for layer in report.layers} == {GridChoice.TRAINED}
    assert check(network, LOIHI2) == ()
    return network, report


@pytest.mark.parametrize("name", slayer_models.MODELS)
def test_from_torch__trained_blocks_spike_as_in_slayer(name):
    check_spikes(trained(name))


SCALED = {**NEURON, "current_decay": 1.0, "norm": slayer.neuron.norm.WgtScaleBatchNorm}
DRAWN = {
    "pool": ([
        lambda: block.Conv(NEURON, 1, 3, 3, weight_scale=4),
        lambda: block.Pool(NEURON, 2, weight_scale=1.1, delay=True),
        lambda: block.Flatten(),
        lambda: block.Dense(NEURON, 27, 5, weight_scale=3),
    ], True),
    "delays of channels": ([
        lambda: block.Conv(NEURON, 1, 3, 3, weight_scale=4, delay=True),
        lambda: block.Conv(NEURON, 3, 2, 3, weight_scale=4),
    ], True),
    "winners take all": ([
        lambda: block.KWTA(dict(NEURON), 64, 10, 3, weight_scale=2),
        lambda: block.Dense(NEURON, 10, 5, weight_scale=3),
    ], False),
    "scaled by a power of two": ([
        lambda: block.Dense(SCALED, 64, 10),
        lambda: block.Dense(NEURON, 10, 5, weight_scale=3),
    ], False),
    "masked": ([
        lambda: block.Dense(NEURON, 64, 10, weight_scale=3, mask=torch.rand(10, 64) < 0.5),
    ], False),
    "input block": ([
        lambda: block.Input(delay_shift=False),
        lambda: block.Dense(NEURON, 64, 10, weight_scale=3, delay_shift=False),
    ], False),
}  # fmt: skip


@pytest.mark.parametrize("name", DRAWN)
def test_from_torch__blocks_spike_as_in_slayer(name):
    blocks, image = DRAWN[name]
    network, _ = check_spikes(drawn(3, *blocks, image=image))
    if name == "scaled by a power of two":
        assert network.projections[0].weight_exponent > 0


@pytest.mark.parametrize("seed", range(5))
def test_from_torch__any_decay_and_threshold(seed):
    rng = np.random.default_rng(seed)
    neuron = {
        "threshold": rng.uniform(0.1, 6),
        "current_decay": rng.uniform(0.001, 1),
        "voltage_decay": rng.uniform(0, 0.99),
    }
    own = {**neuron, "shared_param": False, "current_decay": (0.1, 0.9)}
    check_spikes(
        drawn(
            seed,
            lambda: block.Dense(neuron, 64, 20, weight_scale=8),
            lambda: block.Dense(own, 20, 9, weight_scale=8),
        )
    )


@pytest.mark.parametrize("has_dynamics", [True, False])
def test_from_torch__an_affine_block_is_a_readout(has_dynamics):
    model = drawn(
        4,
        lambda: block.Dense(NEURON, 64, 20, weight_scale=3),
        lambda: block.Affine(NEURON, 20, 5, weight_scale=3, dynamics=has_dynamics),
    )
    spikes = digits()[0][-SAMPLES:]
    network, _ = from_torch(model, calibration=spikes, run=run)
    model.rest()
    with torch.no_grad():
        made = run(model, spikes).movedim(-1, 1).double().numpy()
    longer = np.concatenate([spikes, np.zeros_like(spikes[:, :1])], axis=1)
    readout = network.populations[-1].name
    result = simulate(network, longer, n_steps=N_STEPS + 1, probes=[(readout, "v")])
    assert made.any()
    difference = np.abs(result.probe(readout, "v")[:, 1:] - made * 64 * 64)
    if has_dynamics:
        assert (difference == 0).all()
    else:  # the chip's potential keeps 1/4096
        before = np.abs(made[:, :-1]) * 64 * 64 + 1
        assert (difference[:, 1:] <= before / 4096).all()
    assert not result.raster(readout).any()


def test_from_torch__finds_out_that_time_is_last():
    model = drawn(5, lambda: block.Dense(NEURON, 64, 10, weight_scale=3))
    network, _ = from_torch(model, input_shape=(64,), time_axis=TimeAxis.LAST)
    again, _ = from_torch(model, input_shape=(64,))
    assert (network.projections[0].weights == again.projections[0].weights).all()
    assert network.populations[1].name == "blocks.0.neuron"


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        (lambda: block.Dense({**NEURON, "graded_spike": True}, 64, 3), "neuron.graded_spike"),
        (lambda: block.Dense({**NEURON, "threshold": 64.0}, 64, 3), "63.98"),
        (lambda: block.Dense({**NEURON, "norm": torch.nn.Identity}, 64, 3), "norm: Identity"),
        (
            lambda: slayer.block.alif.Dense(
                {**NEURON, "threshold_decay": 0.1, "threshold_step": 0.1, "refractory_decay": 0.1},
                64,
                3,
            ),
            "blocks.0.neuron: Neuron; supported are the blocks of slayer.block.cuba",
        ),
    ],
)
def test_from_torch__refuses_other_neurons(changed, words):
    with pytest.raises(ConversionError) as refused:
        from_torch(Net(changed()), input_shape=(64,), run=run)
    assert words in str(refused.value)
