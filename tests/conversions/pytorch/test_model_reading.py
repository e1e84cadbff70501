import copy

import numpy as np
import pytest
import torch
from torch import nn

from conversions import TimeAxis, from_torch, verify
from conversions.pytorch.network.model_reading import read_model
from conversions.real_network import RealConv, RealDense, RealSparse
from conversions.real_network.simulator import simulate_real
from hw_models import ConversionError
from tests.conversions.pytorch.written_models import (
    MODELS,
    Loop,
    OneStep,
    Readout,
    Recurrence,
    leaky,
    own_delays,
    spikes_for,
)


def projections(network):
    return [(p.source, p.target, type(p.map), p.latency) for p in network.projections]


@pytest.mark.parametrize("name", MODELS)
def test_read_model__what_was_read_spikes_as_the_model(name):
    torch.manual_seed(0)
    build, shape = MODELS[name]
    spikes = spikes_for(shape)
    found = read_model(build(), spikes=spikes)
    run = simulate_real(found.network, spikes)
    for population, sent in found.sent.items():
        assert sent.any(), population
        assert not sent.all(), population
        assert (run.spikes[population] == (sent != 0)).all(), population


def test_read_model__recurrence_has_the_latency_it_was_written_with():
    found = read_model(Recurrence(), spikes=spikes_for((12,)))
    assert projections(found.network) == [
        ("input", "lif", RealDense, 0),
        ("lif", "lif", RealDense, 1),
        ("lif", "lif", RealSparse, 2),
    ]
    assert [p.name for p in found.network.projections] == ["fc1", "rec", "lif->lif"]


def test_read_model__convolutions_stay_convolutions():
    model = OneStep()
    found = read_model(model, spikes=spikes_for((2, 8, 8)))
    assert projections(found.network) == [
        ("input", "lif1", RealConv, 0),
        ("lif1", "lif2", RealConv, 0),
        ("lif1", "lif2", RealConv, 0),
        ("lif2", "lif3", RealDense, 0),
        ("lif1", "lif3", RealDense, 0),
    ]
    kernel = found.network.into("lif2")[0].map
    assert (kernel.weights.shape, kernel.stride, kernel.padding) == ((4, 4, 6, 6), (2, 2), (2, 2))
    expected = model.conv2.weight.detach().double().numpy()
    assert np.allclose(kernel.weights[:, :, ::2, ::2], expected / 4, rtol=1e-12)
    assert [p.shape for p in found.network.neurons] == [(4, 8, 8), (4, 4, 4), (5,)]


def test_read_model__a_bias_behind_a_border_differs_by_position():
    torch.manual_seed(0)
    model = nn.Sequential(nn.BatchNorm2d(1), nn.Conv2d(1, 1, 3, padding=1), leaky())
    model[0].running_mean.fill_(2.0)
    found = read_model(model, spikes=spikes_for((1, 4, 4)))
    bias = found.network.population("2").dynamics.current_bias.reshape(4, 4)
    assert bias[0, 0] != bias[1, 1]
    assert bias[1, 1] == bias[2, 2]


def test_read_model__delays_are_those_of_the_synapses():
    found = read_model(own_delays(), spikes=spikes_for((12,)))
    synapses = next(p for p in found.network.projections if p.name == "2")
    assert sorted(set(synapses.delays.tolist())) == [0, 1, 2, 3]
    expected = torch.arange(80).remainder(4).reshape(8, 10).numpy()
    assert (synapses.delays == expected[synapses.map.post, synapses.map.pre]).all()


@pytest.mark.parametrize("kind", ["mean", "of the rate", "all", "classes", "last"])
def test_read_model__a_readout_decides_as_the_model(kind):
    torch.manual_seed(0)
    model, spikes = Readout(kind), spikes_for((12,), samples=30)
    found = read_model(model, spikes=spikes)
    potentials = simulate_real(found.network, spikes).potentials["readout"]
    with torch.no_grad():
        out = model(torch.tensor(spikes.swapaxes(0, 1), dtype=torch.float32))
    own = (out.mean(0) if kind == "all" else out).argmax(1).numpy()
    assert (found.decision.decide_by({("readout", "v"): potentials}) == own).all()
    assert (found.decided == own).all()
    assert len(set(own.tolist())) > 1
    assert any("no neurons come after it" in note for note in found.notes)


def test_read_model__leaves_a_model_in_a_graph_of_gradients_as_it_is():
    model = Loop()
    model.train()
    model(torch.ones(3, 2, 12))[1].sum().backward()
    assert model.lif1.mem.grad_fn is not None
    potential, weights = model.lif1.mem.detach().clone(), copy.deepcopy(model.state_dict())
    read_model(model, input_shape=(12,))
    assert model.training
    assert torch.equal(model.lif1.mem, potential)
    assert all(torch.equal(value, weights[key]) for key, value in model.state_dict().items())


def test_read_model__starts_from_rest_whatever_ran_before():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(12, 8), leaky())
    spikes = spikes_for((12,))
    fresh = read_model(model, spikes=spikes).sent["1"]
    with torch.no_grad():
        model(torch.ones(5, 12))
    assert (read_model(model, spikes=spikes).sent["1"] == fresh).all()


def test_from_torch__asks_for_the_place_of_time_when_several_fit():
    model = nn.Sequential(nn.Linear(12, 8, bias=False), leaky())
    nn.init.zeros_(model[0].weight)

    class Either(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = model

        def forward(self, x):
            if x.ndim == 2:
                return self.net(x)
            return torch.stack([self.net(step) for step in x])

    with pytest.raises(ConversionError, match=r"several ways: one call a step.*set|say which"):
        read_model(Either(), input_shape=(12,))
    assert (
        read_model(Either(), input_shape=(12,), time_axis=TimeAxis.FIRST).sent["net.1"].any() == 0
    )


def test_from_torch__takes_a_way_to_call_the_model():
    class Stepwise(Loop):
        def forward(self, step, states):
            spk, mem = self.lif1(self.fc1(step), states)
            return spk, mem

    def run(model, spikes):
        mem, out = model.lif1.reset_mem(), []
        for step in spikes.unbind(1):
            spk, mem = model(step, mem)
            out.append(spk)
        return out

    found = read_model(Stepwise(), spikes=spikes_for((12,)), run=run)
    assert projections(found.network) == [("input", "lif1", RealDense, 0)]


def test_from_torch__a_model_may_have_its_number_of_steps_built_in():
    class Fixed(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc, self.lif = nn.Linear(12, 3), leaky()

        def forward(self, x):
            return [self.lif(self.fc(x[step])) for step in range(20)]

    network, _ = from_torch(Fixed(), n_steps=20)
    assert [p.name for p in network.populations][-1] == "lif"
    assert from_torch(Fixed(), calibration=spikes_for((12,), steps=20))[1].n_samples == 5
    with pytest.raises(ConversionError, match="n_steps"):
        from_torch(Fixed())


@pytest.mark.kernel
@pytest.mark.lava
@pytest.mark.parametrize("name", ["recurrence", "functional", "steps and maxima"])
def test_from_torch__the_chip_spikes_the_same_on_lava(name):
    torch.manual_seed(0)
    build, shape = MODELS[name]
    spikes = spikes_for(shape, samples=2)
    network, report = from_torch(build(), calibration=spikes)
    later = [(0, 0), (0, max(report.shifts.values()))] + [(0, 0)] * len(shape)
    padded = np.pad(spikes, later)
    assert verify(network, padded, n_steps=padded.shape[1]).equal
    assert min(layer.spike_agreement for layer in report.layers) > 0.5
