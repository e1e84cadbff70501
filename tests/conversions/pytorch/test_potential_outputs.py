import numpy as np
import pytest
import snntorch as snn
import torch
from torch import nn

from conversions.pytorch.model_conversion import from_torch
from conversions.pytorch.network.model_reading import read_model
from conversions.real_network.simulator import simulate_real

SPIKES = np.random.default_rng(0).random((12, 9, 20)) < 0.4


class Net(nn.Module):
    """Two layers; returns the spikes of the second, its potentials, or their sum."""

    def __init__(self, returned, **settings):
        super().__init__()
        torch.manual_seed(0)
        self.fc1, self.lif1 = nn.Linear(20, 15), snn.Leaky(beta=0.75, threshold=0.25)
        self.fc2, self.lif2 = nn.Linear(15, 5), snn.Leaky(beta=0.5, **settings)
        self.returned = returned

    def forward(self, x):
        mem1, mem2 = self.lif1.init_leaky(), self.lif2.init_leaky()
        spikes, potentials = [], []
        for step in x:
            spk, mem1 = self.lif1(self.fc1(step), mem1)
            spk, mem2 = self.lif2(self.fc2(spk), mem2)
            spikes.append(spk)
            potentials.append(mem2)
        spikes, potentials = torch.stack(spikes), torch.stack(potentials)
        return {
            "spikes": spikes,
            "potentials": potentials,
            "their mean": potentials.mean(0).softmax(-1),
            "both": (spikes, potentials),
        }[self.returned]


@pytest.mark.parametrize("returned", ["potentials", "their mean"])
def test_read_model__returned_potentials_without_a_reset_are_a_readout(returned):
    model = Net(returned, threshold=0.1, reset_mechanism="none")
    found = read_model(model, spikes=SPIKES)
    assert (
        "lif2: the model decides by its potential and not its spikes, so it is a readout that"
        in (" ".join(found.notes))
    )
    assert found.network.population("lif2").dynamics.is_readout
    potentials = simulate_real(found.network, SPIKES).potentials["lif2"]
    with torch.no_grad():
        model.returned = "potentials"
        own = model(torch.tensor(SPIKES, dtype=torch.float32).transpose(0, 1)).transpose(0, 1)
        assert own.max() > 0.1  # neurons would fire
    np.testing.assert_allclose(potentials, own.numpy(), atol=1e-5)


def test_read_model__neurons_that_never_fire_are_a_readout_and_it_is_said():
    found = read_model(Net("potentials", threshold=1e9), spikes=SPIKES)
    assert found.network.population("lif2").dynamics.is_readout
    assert "as none fired on the samples" in " ".join(found.notes)


@pytest.mark.parametrize("returned", ["spikes", "both"])
def test_read_model__returned_spikes_are_spikes(returned):
    found = read_model(Net(returned, threshold=0.1), spikes=SPIKES)
    assert not found.network.population("lif2").dynamics.is_readout
    assert not found.notes


@pytest.mark.kernel
@pytest.mark.parametrize("returned", ["potentials", "their mean"])
def test_read_model__a_readout_beside_neurons_that_fire_has_their_potential(returned):
    model = Net(returned, threshold=0.1)
    found = read_model(model, spikes=SPIKES)
    assert not found.network.population("lif2").dynamics.is_readout
    run = simulate_real(found.network, SPIKES)
    model.returned = "both"
    with torch.no_grad():
        own = model(torch.tensor(SPIKES, dtype=torch.float32).transpose(0, 1))
    spikes, potentials = (values.transpose(0, 1).numpy() for values in own)
    np.testing.assert_array_equal(run.spikes["lif2"], spikes != 0)
    np.testing.assert_allclose(run.potentials["lif2 potential"], potentials, atol=1e-5)
    model.returned = returned
    _, report = from_torch(model, calibration=(SPIKES, potentials.mean(1).argmax(1)))
    assert report.accuracy_before == 1.0
    assert report.accuracy_after > 0.8


def test_read_model__potentials_of_hidden_neurons_are_no_decision():
    """Behind a maximum of their spikes they are heard, too."""

    class Hidden(nn.Module):
        def __init__(self):
            super().__init__()
            self.one, self.two = snn.Leaky(beta=0.5), snn.Leaky(beta=0.5)

        def forward(self, x):
            mem1, mem2, made = self.one.init_leaky(), self.two.init_leaky(), []
            for step in x:
                spk, mem1 = self.one(4 * step, mem1)
                spk, mem2 = self.two(nn.functional.max_pool1d(spk[:, None], 2)[:, 0], mem2)
                made.append(spk)
            return torch.stack(made), mem1

    found = read_model(Hidden(), spikes=SPIKES)
    assert [p.name for p in found.network.populations][1] == "one"
    assert not any("decides by" in note for note in found.notes)
