"""A convolutional residual network with BatchNorm and pooling, trained on real digits."""

import numpy as np
import pytest
import snntorch as snn
import torch
from snntorch import surrogate
from torch import nn
from torch.nn import functional

from conversions import from_torch
from conversions.pytorch.network.model_reading import read_model
from conversions.quantization import ReadoutDecision
from conversions.real_network.simulator import simulate_real
from ssdp_neuro import simulate
from tests.digits_parts import digits_parts

N_STEPS = 6
POINT = 0.01


def spikes_of(part, seed):
    rates = part.images.reshape(len(part), 1, 1, 8, 8)
    return np.random.default_rng(seed).random((len(part), N_STEPS, 1, 8, 8)) < rates


def leaky():
    return snn.Leaky(beta=0.8, spike_grad=surrogate.fast_sigmoid(slope=25))


class ResidualNet(nn.Module):
    """Samples first, a loop over time, two branches to the same neurons, a Linear at the end."""

    def __init__(self):
        super().__init__()
        self.stem, self.stem_norm = nn.Conv2d(1, 6, 3, padding=1), nn.BatchNorm2d(6)
        self.conv, self.norm = nn.Conv2d(6, 6, 3, padding=1, bias=False), nn.BatchNorm2d(6)
        self.lif1, self.lif2, self.pool = leaky(), leaky(), nn.AvgPool2d(2)
        self.fc = nn.Linear(96, 10)

    def forward(self, x):
        mem1, mem2 = self.lif1.reset_mem(), self.lif2.reset_mem()
        votes = []
        for step in x.unbind(1):
            one, mem1 = self.lif1(self.stem_norm(self.stem(step)), mem1)
            small = self.pool(one)
            two, mem2 = self.lif2(self.norm(self.conv(small)) + small, mem2)
            votes.append(self.fc(two.flatten(1)))
        return torch.stack(votes).mean(0)


def trained():
    torch.manual_seed(0)
    model, split = ResidualNet(), digits_parts()
    spikes = torch.tensor(spikes_of(split.train, 0), dtype=torch.float32)
    labels = torch.tensor(split.train.labels)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(3):
        for chosen in torch.randperm(len(labels)).split(100):
            optimizer.zero_grad()
            functional.cross_entropy(model(spikes[chosen]), labels[chosen]).backward()
            optimizer.step()
    return model, split


@pytest.mark.kernel
def test_from_torch__a_trained_residual_network_keeps_its_accuracy():
    model, split = trained()
    known, held_out = spikes_of(split.train, 0)[:256], spikes_of(split.held_out, 1)
    with torch.no_grad():
        own = model.eval()(torch.tensor(held_out, dtype=torch.float32)).argmax(1).numpy()
    before = (own == split.held_out.labels).mean()
    assert before > 0.85
    found = read_model(model, spikes=held_out)
    real = simulate_real(found.network, held_out)
    for name, sent in found.sent.items():  # ties of float32 may fall the other way in float64
        assert (real.spikes[name] != (sent != 0)).mean() < 1e-4, name
    assert (ReadoutDecision.MEAN.decide(real.potentials["readout"]) == own).mean() > 0.99

    network, report = from_torch(model, calibration=(known, split.train.labels[:256]))
    late = report.shifts["readout"]
    given = np.pad(held_out, [(0, 0), (0, late), (0, 0), (0, 0), (0, 0)])
    run = simulate(network, given, n_steps=N_STEPS + late, probes=[("readout", "v")])
    chosen = ReadoutDecision.MEAN.decide(run.probe("readout", "v")[:, late:])
    assert (chosen == split.held_out.labels).mean() > before - POINT
    assert report.accuracy_after > report.accuracy_before - POINT
    spiking = [layer for layer in report.layers if layer.population != "readout"]
    assert min(layer.spike_agreement for layer in spiking) > 0.95
