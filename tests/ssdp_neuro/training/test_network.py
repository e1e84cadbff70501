import copy

import numpy as np
import pytest
import torch
from torch import nn

from hw_models import ConversionError, ShapeError
from hw_models.weight_grid import WeightGrid
from ssdp_neuro.decision import decide
from ssdp_neuro.training import CubaLif, SpikingNetwork, quantize, stages
from ssdp_neuro.training.network import weight_of
from tests.ssdp_neuro.training.models import conv_model, dense_model

NEURON = {"current_decay": 1023, "voltage_decay": 256}


def spikes_for(model, *, seed=0, samples=4, steps=12):
    shape = (samples, steps, *model.input_shape)
    return torch.tensor(np.random.default_rng(seed).random(shape) < 0.4, dtype=torch.float32)


def test_spiking_network__records_what_forward_returns():
    model = conv_model()
    spikes = spikes_for(model)
    recorded = model.record(spikes)
    assert list(recorded) == ["maps", "output"]
    assert recorded["maps"].shape == (4, 12, 3, 3, 3)
    assert recorded["output"].sum() > 0
    assert torch.equal(recorded["output"], model(spikes))


def test_spiking_network__first_output_is_as_late_as_there_are_layers():
    model = dense_model((3, 3, 3), gain=0.0)
    for stage in stages(model):
        nn.init.constant_(stage.synapses.weight, 2.0)
    fired = model(torch.ones(1, 6, 3))
    assert fired[0, :, 0].tolist() == [0, 0, 1, 1, 1, 1]


def test_spiking_network__decides_as_decide_does_and_stays_in_its_mode():
    model = dense_model()
    model.train()
    spikes = spikes_for(model)
    assert model.decide(spikes.numpy()).tolist() == decide(model(spikes).detach()).tolist()
    assert model.training


def test_spiking_network__needs_an_input_shape_unless_linear_leads():
    with pytest.raises(ShapeError, match="input_shape"):
        SpikingNetwork(nn.Flatten(), nn.Linear(4, 2, bias=False), CubaLif(**NEURON))


def test_spiking_network__refuses_spikes_of_another_shape():
    with pytest.raises(ShapeError, match=r"\(B, T, 12\)"):
        dense_model()(torch.zeros(2, 5, 11))


@pytest.mark.parametrize(
    ("modules", "message"),
    [
        ([nn.Linear(2, 2), nn.Linear(2, 2), CubaLif(**NEURON)], "1: no CubaLif between"),
        ([nn.Linear(2, 2), CubaLif(**NEURON), CubaLif(**NEURON)], "2: CubaLif without"),
        ([nn.Linear(2, 2), CubaLif(**NEURON), nn.Linear(2, 2)], "2: no CubaLif after"),
        ([nn.Linear(2, 2), nn.ReLU(), CubaLif(**NEURON)], "1: ReLU; supported are Linear"),
        ([nn.Flatten()], "no CubaLif"),
    ],
)
def test_stages__refuses_what_does_not_alternate(modules, message):
    with pytest.raises(ConversionError, match=message):
        stages(nn.Sequential(*modules))


def test_quantize__weights_are_what_the_grid_delivers():
    model = dense_model()
    real = weight_of(model.to_hidden)
    grids = quantize(model)
    delivered = model.to_hidden.weight.detach().numpy().astype(int)
    assert delivered.tolist() == grids["hidden"].integers(real).tolist()
    assert weight_of(model.to_hidden).tolist() == real.tolist()


def test_quantize__takes_given_grids_and_can_be_repeated():
    model = dense_model()
    given = {"output": WeightGrid(weight_exponent=2, threshold=300)}
    real = weight_of(model.to_output)
    for _ in range(2):
        used = quantize(model, given)
        assert used["output"] == given["output"] == model.output.grid
        assert set(used) == {"hidden", "output"}
    assert weight_of(model.to_output).tolist() == real.tolist()


def test_quantize__lets_gradients_reach_the_real_weights():
    model = dense_model()
    quantize(model)
    model(spikes_for(model)).sum().backward()
    gradient = model.to_hidden.parametrizations.weight.original.grad
    assert gradient.abs().sum() > 0


def test_quantize__changes_little_at_eight_bits():
    model = dense_model((30, 40, 10), gain=2.0)
    spikes = spikes_for(model, samples=20, steps=20)
    real = model(spikes).detach()
    quantize(model)
    assert real.sum() > 100
    assert (model(spikes) != real).double().mean() < 0.05  # unrelated spikes: about 0.4


def test_quantize__a_copy_keeps_its_own_grid():
    model = dense_model()
    quantize(model)
    before = model.to_hidden.weight.detach().clone()
    other = copy.deepcopy(model)
    quantize(other, {"hidden": WeightGrid(weight_exponent=0, threshold=7)})
    assert torch.equal(model.to_hidden.weight, before)
    assert (other.to_hidden.weight.detach() != before).any()


def test_quantize__weight_gradients_are_those_of_the_real_model():
    # a long way from the threshold, so that no spike differs and the slopes are alike
    real, quantized = (dense_model((8, 4), gain=0.05) for _ in range(2))
    quantize(quantized)
    spikes = spikes_for(real)
    for model in (real, quantized):
        model(spikes).sum().backward()
    expected = real.to_output.weight.grad
    found = quantized.to_output.parametrizations.weight.original.grad
    assert expected.abs().min() > 0
    assert torch.allclose(found, expected, rtol=0.02)
