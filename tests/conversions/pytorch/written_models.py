"""One small model, or a few, for each way of writing a spiking network."""

import numpy as np
import snntorch as snn
import torch
import torch.nn.functional as nnf
from spikingjelly.activation_based import functional, layer, neuron
from torch import nn

from ssdp_neuro.training import CubaLif, DelayedLinear, SpikingNetwork


def leaky(**settings):
    return snn.Leaky(beta=0.9, threshold=0.3, init_hidden=True, **settings)


class Loop(nn.Module):
    """A loop over time with the states in the user's hands, time first or second."""

    def __init__(self, time=0):
        super().__init__()
        self.time = time
        self.fc1 = nn.Linear(12, 16)
        self.lif1 = snn.Leaky(beta=0.9, threshold=0.3)
        self.fc2 = nn.Linear(16, 4)
        self.lif2 = snn.Synaptic(alpha=0.5, beta=0.8, threshold=0.3)

    def forward(self, x):
        mem1, (syn, mem2) = self.lif1.reset_mem(), self.lif2.reset_mem()
        spikes, potentials = [], []
        for step in x.unbind(self.time):
            spk1, mem1 = self.lif1(self.fc1(step), mem1)
            spk2, syn, mem2 = self.lif2(self.fc2(spk1), syn, mem2)
            spikes.append(spk2)
            potentials.append(mem2)
        return torch.stack(spikes), torch.stack(potentials)


class Recurrence(nn.Module):
    """Own spikes of one and two steps ago, and an output that is written in place."""

    def __init__(self):
        super().__init__()
        self.fc1, self.rec, self.lif = nn.Linear(12, 6), nn.Linear(6, 6), leaky()

    def forward(self, x):
        out = torch.zeros(len(x), x.shape[1], 6)
        before = earlier = torch.zeros_like(x[0, :, :6])
        for step in range(len(x)):
            current = self.fc1(x[step])
            current += self.rec(before)
            out[step] = self.lif(current - 0.5 * earlier)
            before, earlier = out[step], before
        return out


class OneStep(nn.Module):
    """One step at a call: convolutions, BatchNorm, pooling, a residual sum."""

    def __init__(self):
        super().__init__()
        self.conv1, self.norm = nn.Conv2d(2, 4, 3, padding=1), nn.BatchNorm2d(4)
        self.norm.running_mean.normal_()
        self.norm.running_var.uniform_(0.5, 2)
        nn.init.normal_(self.norm.weight)
        nn.init.normal_(self.norm.bias)
        self.lif1, self.pool = leaky(), nn.AvgPool2d(2)
        self.conv2, self.lif2 = nn.Conv2d(4, 4, 3, padding=1, bias=False), leaky()
        self.fc, self.lif3 = nn.Linear(64, 5), leaky()

    def forward(self, x):
        one = self.pool(self.lif1(self.norm(self.conv1(x))))
        two = self.lif2(self.conv2(one) + one)
        return self.lif3(self.fc((two + one).flatten(1)))


class MergedSteps(nn.Module):
    """``(B, T, C, H, W)``: batch and time as one for the convolution, apart for the neurons."""

    def __init__(self):
        super().__init__()
        self.conv, self.lif1 = nn.Conv2d(2, 4, 3, padding=1), leaky()
        self.fc, self.lif2 = nn.Linear(4 * 36, 5), leaky()

    def forward(self, x):
        current = self.conv(x.flatten(0, 1)).unflatten(0, x.shape[:2])
        spikes = torch.stack([self.lif1(step) for step in current.unbind(1)], 1)
        current = self.fc(spikes.flatten(2))
        return torch.stack([self.lif2(step) for step in current.unbind(1)], 1).sum(1)


class Functional(nn.Module):
    """Parameters and functions in the place of layers, and two branches side by side."""

    def __init__(self):
        super().__init__()
        self.kernel = nn.Parameter(torch.randn(3, 1, 3, 3))
        self.weight = nn.Parameter(torch.randn(18, 5))
        self.lif1, self.lif2, self.lif3 = leaky(), leaky(), leaky()

    def forward(self, x):
        one = self.lif1(nnf.conv2d(x, self.kernel, stride=2, padding=1))
        two = self.lif2((1 - 2 * x[:, 0].reshape(len(x), -1)) / 3)
        both = torch.cat([nnf.avg_pool2d(one, 2).flatten(1), two[:, ::5], two[:, :7]], 1)
        return self.lif3(torch.einsum("bi,io->bo", both, self.weight) * 0.5 + 0.1)


class InferenceMode(nn.Module):
    """Without gradients, time last, outputs by name."""

    def __init__(self):
        super().__init__()
        self.fc, self.lif = nn.Linear(12, 6), leaky()

    @torch.inference_mode()
    def forward(self, x):
        spikes = torch.stack([self.lif(self.fc(x[..., step])) for step in range(x.shape[-1])], -1)
        return {"spikes": spikes, "too many": (spikes.mean() - 0.1) ** 2}


class Readout(nn.Module):
    """A Linear at the end, with no neurons after it."""

    def __init__(self, kind):
        super().__init__()
        self.kind = kind
        self.fc1, self.lif, self.fc2 = nn.Linear(12, 16), leaky(), nn.Linear(16, 4)
        nn.init.normal_(self.fc2.weight)

    def forward(self, x):
        spikes = torch.stack([self.lif(self.fc1(step)) for step in x])
        if self.kind == "mean":
            return self.fc2(spikes).mean(0)
        if self.kind == "of the rate":
            return self.fc2(spikes.mean(0))
        if self.kind == "last":
            return self.fc2(spikes[-1])
        if self.kind == "classes":
            return self.fc2(spikes).sum(0).softmax(1)
        return self.fc2(spikes)


def spikingjelly(mode):
    net = nn.Sequential(
        layer.Conv2d(2, 4, 3, padding=1, bias=False),
        layer.BatchNorm2d(4),
        neuron.IFNode(v_threshold=0.4),
        layer.MaxPool2d(2),
        layer.Conv2d(4, 4, 3, padding=1),
        neuron.LIFNode(tau=2.0, v_threshold=0.2),
        layer.Flatten(),
        layer.Dropout(0.5),
        layer.Linear(36, 5),
        neuron.ParametricLIFNode(v_threshold=0.1, v_reset=None),
    )
    functional.set_step_mode(net, mode)
    return net


def own_delays():
    neuron_settings = {"current_decay": 1000, "voltage_decay": 300, "threshold": 0.5}
    axons = torch.arange(8).remainder(3).numpy()
    synapses = torch.arange(80).remainder(4).reshape(8, 10).numpy()
    return SpikingNetwork(
        nn.Linear(12, 10),
        CubaLif(**neuron_settings),
        DelayedLinear(10, 8, delays=synapses),
        CubaLif(**neuron_settings, refractory=2),
        DelayedLinear(8, 6, delays=axons),
        CubaLif(**neuron_settings, recurrent=nn.Linear(6, 6, bias=False), bias=0.1),
    )


MODELS = {
    "sequence of one step": (
        lambda: nn.Sequential(nn.Linear(12, 20), leaky(), nn.Linear(20, 5), leaky(output=True)),
        (12,),
    ),
    "loop, time first": (Loop, (12,)),
    "loop, time second": (lambda: Loop(1), (12,)),
    "recurrence": (Recurrence, (12,)),
    "one step": (OneStep, (2, 8, 8)),
    "merged steps": (MergedSteps, (2, 6, 6)),
    "functional": (Functional, (1, 6, 6)),
    "inference mode, time last": (InferenceMode, (12,)),
    "double precision": (lambda: nn.Sequential(nn.Linear(12, 6), leaky()).double(), (12,)),
    "half precision": (lambda: nn.Sequential(nn.Linear(12, 6), leaky()).bfloat16(), (12,)),
    "mean of a readout": (lambda: Readout("mean"), (12,)),
    "readout of the rate": (lambda: Readout("of the rate"), (12,)),
    "readout in every step": (lambda: Readout("all"), (12,)),
    "whole samples at a call": (lambda: spikingjelly("m"), (2, 6, 6)),
    "steps and maxima": (lambda: spikingjelly("s"), (2, 6, 6)),
    "delays": (own_delays, (12,)),
    "one dimension": (
        lambda: nn.Sequential(
            nn.Conv1d(3, 5, 3, padding=1),
            nn.BatchNorm1d(5),
            leaky(),
            nn.MaxPool1d(2),
            nn.Conv1d(5, 4, 3),
            leaky(),
            nn.AvgPool1d(2),
            nn.Flatten(),
            nn.Linear(12, 4),
            leaky(),
        ),
        (3, 16),
    ),
    "unusual borders": (
        lambda: nn.Sequential(
            nn.Conv2d(2, 4, 3, padding=1, padding_mode="circular"),
            leaky(),
            nn.AdaptiveAvgPool2d(3),
            nn.Conv2d(4, 4, 3, padding=2, dilation=2, groups=2),
            leaky(),
            nn.ConvTranspose2d(4, 2, 2, stride=2),
            leaky(),
            nn.AvgPool2d(3, 2, 1, count_include_pad=False),
            nn.Upsample(scale_factor=2),
            nn.ZeroPad2d(1),
            nn.Conv2d(2, 3, 3, stride=2),
            leaky(),
        ),
        (2, 8, 8),
    ),
}


def spikes_for(shape, *, samples=5, steps=12, rate=0.5):
    """Random input of a model."""
    return np.random.default_rng(0).random((samples, steps, *shape)) < rate
