import numpy as np
import pytest
import torch
from torch import nn

import conversions
from conversions import TimeAxis, from_torch
from conversions.pytorch.network.model_reading import read_model
from conversions.real_network.simulator import simulate_real
from hw_models import ConversionError
from tests.conversions.pytorch.written_models import leaky, spikes_for


class Squarer(nn.Module):
    """A neuron nobody knows: no memory, fires above one half."""

    def forward(self, x):
        return (x > 0.5).float()


class Doubled(nn.Module):
    """Linear, but written with what looks like it is not."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(8, 12))

    def forward(self, x):
        positive = torch.relu(x @ self.weight.T)
        return positive - torch.relu(-(x @ self.weight.T))


@pytest.fixture
def registry(monkeypatch):
    from conversions.pytorch.neurons import registry

    monkeypatch.setattr(registry, "_neurons", {})
    monkeypatch.setattr(registry, "_synapses", {})


def reading(**settings):
    from conversions.pytorch.neurons.reading import NeuronReading
    from conversions.real_network import NeuronDynamics

    dynamics = NeuronDynamics(**{"voltage_kept": 0.0, "threshold": 0.5, **settings})
    return lambda module, path, shape: NeuronReading(dynamics=dynamics, time_axis=TimeAxis.STEP)


@pytest.mark.usefixtures("registry")
def test_register_neuron__teaches_a_neuron_and_tests_its_reader():
    model = nn.Sequential(nn.Linear(12, 8), Squarer(), nn.Linear(8, 3), Squarer())
    with pytest.raises(ConversionError, match="no layer of neurons is known"):
        from_torch(model)
    conversions.register_neuron(Squarer, reading())
    spikes = spikes_for((12,))
    found = read_model(model, spikes=spikes)
    assert (simulate_real(found.network, spikes).spikes["3"] == found.sent["3"]).all()
    conversions.register_neuron(Squarer, reading(voltage_kept=0.9))
    with pytest.raises(ConversionError, match="send other spikes than its reader"):
        from_torch(model)


@pytest.mark.usefixtures("registry")
def test_register_synapse__teaches_a_layer_and_tests_its_converter():
    torch.manual_seed(0)
    model = nn.Sequential(Doubled(), leaky())
    spikes = spikes_for((12,))
    with pytest.raises(ConversionError, match=r"0 \(Doubled\): relu"):
        read_model(model, spikes=spikes)

    def as_linear(module, path, factor=1.0):
        linear = nn.Linear(12, 8, bias=False)
        linear.weight = nn.Parameter(factor * module.weight.detach())
        return linear

    conversions.register_synapse(Doubled, as_linear)
    found = read_model(model, spikes=spikes)
    weights = found.network.projections[0].map.weights
    assert np.allclose(weights, model[0].weight.detach().numpy(), rtol=1e-6)
    conversions.register_synapse(Doubled, lambda module, path: as_linear(module, path, 2.0))
    with pytest.raises(ConversionError, match="0: the converter of Doubled gives a layer that"):
        read_model(model, spikes=spikes)
