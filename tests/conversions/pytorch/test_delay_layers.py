"""Delay layers of other frameworks: read, and every spike as the framework's own run has it."""

import numpy as np
import pytest
import torch
from DCLS.construct.modules import Dcls1d
from spikingjelly.activation_based import functional, layer, neuron
from torch import nn

from conversions import TimeAxis, from_torch
from conversions.pytorch.network.model_reading import read_model
from conversions.real_network.delivery import by_delay, delivered
from conversions.real_network.simulator import simulate_real
from ssdp_neuro import simulate

STEPS, LONGEST = 24, 7


def lif(mode):
    return neuron.LIFNode(tau=2.0, v_threshold=0.25, step_mode=mode)


def sixteenths(model):
    """Weights that the chip has exactly, so that no rounding explains a difference."""
    for parameter in model.parameters():
        parameter.requires_grad_(False)
        if parameter.ndim > 1 and parameter.shape[-1] != 1:
            parameter.copy_(torch.randint(-3, 9, parameter.shape) / 16)
    return model


def spikingjelly(mode):
    layers = nn.Sequential(
        layer.Linear(12, 10, bias=False, step_mode=mode),
        lif(mode),
        layer.Delay(3, step_mode=mode),
        layer.Linear(10, 5, bias=False, step_mode=mode),
        lif(mode),
    )
    return sixteenths(layers)


class Dilated(nn.Module):
    """Time first; DCLS learns places of a kernel over time, the last one being now."""

    def __init__(self, version, count=1, width=0.0, share=0.0):
        super().__init__()
        self.places = Dcls1d(
            12,
            10,
            kernel_count=count,
            dilated_kernel_size=LONGEST + 1,
            bias=False,
            version=version,
        )
        with torch.no_grad():
            whole = torch.randint(-(LONGEST + 1) // 2, (LONGEST + 1) // 2, self.places.P.shape)
            self.places.P.copy_(whole + share)
            if self.places.SIG is not None:
                self.places.SIG.fill_(width)
            self.places.weight.copy_(torch.randint(-3, 7, self.places.weight.shape) / 16)

    def forward(self, spikes):
        padded = nn.functional.pad(spikes.permute(1, 2, 0), (LONGEST, 0))
        return self.places(padded).permute(2, 0, 1)


def dilated(version, **spread):
    tail = sixteenths(layer.Linear(10, 5, bias=False, step_mode="m"))
    return nn.Sequential(Dilated(version, **spread), lif("m"), tail, lif("m"))


@pytest.mark.parametrize(
    ("make", "time_axis", "delays"),
    [
        (lambda: spikingjelly("m"), TimeAxis.FIRST, {"3": 1}),
        (lambda: spikingjelly("s"), TimeAxis.STEP, {"3": 1}),
        (lambda: dilated("v0"), TimeAxis.FIRST, {"0.places": LONGEST}),
        (lambda: dilated("v1"), TimeAxis.FIRST, {"0.places": LONGEST}),
        (lambda: dilated("max"), TimeAxis.FIRST, {"0.places": LONGEST}),
    ],
)
def test_delay_layers__every_spike_is_the_frameworks_own(make, time_axis, delays):
    torch.manual_seed(0)
    model = make()
    spikes = np.random.default_rng(1).random((5, STEPS, 12)) < 0.3
    network, report = from_torch(model, input_shape=(12,), n_steps=STEPS, time_axis=time_axis)
    found = {p.name: p.delays for p in network.projections if p.delays is not None}
    longest = {name: int(d.max()) for name, d in found.items()}
    assert longest == delays
    functional.reset_net(model)
    given = torch.tensor(spikes, dtype=torch.float32).transpose(0, 1)
    stepped = time_axis is TimeAxis.STEP
    whole = torch.stack([model(now) for now in given]) if stepped else model(given)
    own = whole.detach().transpose(0, 1).numpy() != 0
    last = network.neurons[-1].name
    shift = report.shifts[last]
    padded = np.concatenate([spikes, np.zeros_like(spikes[:, :shift])], axis=1)
    run = simulate(network, padded, STEPS + shift)
    assert own.sum() > 20
    assert run.raster(last)[:, shift:].tolist() == own.tolist()


@pytest.mark.parametrize(
    ("version", "spread"),
    [
        ("v1", {"share": 0.25}),
        ("max", {"share": 0.25, "width": 0.5, "count": 2}),
        ("gauss", {"width": 0.23}),
        ("gauss", {"share": 0.25, "width": 0.5, "count": 2}),
    ],
)
def test_dcls__spread_over_several_steps_is_read_as_its_own_kernel(version, spread):
    """A weight that lies in several steps is as many synapses, each with its share, exactly."""
    torch.manual_seed(0)
    model = dilated(version, **spread).double()  # in single precision a sum may miss the threshold
    spikes = np.random.default_rng(1).random((5, STEPS, 12)) < 0.3
    network = read_model(model, input_shape=(12,), n_steps=STEPS, time_axis=TimeAxis.FIRST).network
    found = np.zeros((LONGEST + 1, 10, 12))
    for projection in network.projections:
        if projection.source == "input":
            for delay, part in by_delay(projection):
                each = delivered(part, np.eye(12, dtype=bool), (12,), 10)
                found[delay + projection.latency] += each.T
    places = model[0].places
    kernel = places.DCK(places.weight, places.P, places.SIG).detach().numpy()
    assert ((kernel != 0).sum(-1) > 1).mean() > 0.5
    assert np.array_equal(found, kernel.transpose(2, 0, 1)[::-1])
    functional.reset_net(model)
    own = model(torch.tensor(spikes, dtype=torch.float64).transpose(0, 1)) != 0
    assert own.sum() > 20
    run = simulate_real(network, spikes)
    assert np.array_equal(run.spikes[network.neurons[-1].name], own.transpose(0, 1).numpy())
