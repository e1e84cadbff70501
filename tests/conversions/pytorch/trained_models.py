"""Small networks of each framework, written and trained as its tutorials do, on real digits."""

import functools
import warnings
from types import SimpleNamespace

import numpy as np
import sinabs.layers as sl
import snntorch as snn
import torch
from snntorch import functional as snn_functional
from snntorch import surrogate as snn_surrogate
from spikingjelly.activation_based import functional, layer, neuron, surrogate
from torch import nn

from tests.digits_parts import digits_parts

with warnings.catch_warnings():  # Norse compiles some functions in a way PyTorch gives up
    warnings.filterwarnings("ignore", "`torch.jit.script` is deprecated", DeprecationWarning)
    import norse.torch as norse

N_STEPS = 8


@functools.cache
def digits():
    """Spikes (B, T, 64) of brightness as a rate, and labels, to learn from and held out."""
    split = digits_parts()
    generator = np.random.default_rng(0)
    parts = {}
    for name, part in (("train", split.train), ("held_out", split.held_out)):
        rates = part.images.reshape(len(part), 1, 64)
        spikes = generator.random((len(part), N_STEPS, 64)) < rates
        parts[name] = SimpleNamespace(spikes=spikes, labels=part.labels)
    return parts


def train(model, loss_of, *, epochs=10, batch=64, rate=1e-2):
    """``loss_of(model, spikes (B, T, 64), labels)`` is minimized; the trained model."""
    data = digits()["train"]
    spikes = torch.tensor(data.spikes, dtype=torch.float32)
    labels = torch.tensor(data.labels)
    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    for _ in range(epochs):
        for chosen in torch.randperm(len(labels)).split(batch):
            if len(chosen) < batch:
                continue
            optimizer.zero_grad()
            loss_of(model, spikes[chosen], labels[chosen]).backward()
            optimizer.step()
    return model.eval()


class SnnTorchNet(nn.Module):
    """Two layers and a loop over time, with the potentials held by the caller."""

    def __init__(self):
        super().__init__()
        step = snn_surrogate.fast_sigmoid(slope=25)
        self.fc1 = nn.Linear(64, 48)
        self.lif1 = snn.Leaky(beta=0.9, spike_grad=step)
        self.fc2 = nn.Linear(48, 10)
        self.lif2 = snn.Leaky(beta=0.9, spike_grad=step)

    def forward(self, x):
        mem1, mem2 = self.lif1.init_leaky(), self.lif2.init_leaky()
        spikes, potentials = [], []
        for step in range(x.shape[0]):
            spk1, mem1 = self.lif1(self.fc1(x[step]), mem1)
            spk2, mem2 = self.lif2(self.fc2(spk1), mem2)
            spikes.append(spk2)
            potentials.append(mem2)
        return torch.stack(spikes), torch.stack(potentials)


class SnnTorchRecurrentNet(nn.Module):
    """Hidden states, currents with memory and a recurrent layer, reset to zero."""

    def __init__(self):
        super().__init__()
        step = snn_surrogate.atan()
        self.fc1 = nn.Linear(64, 40)
        self.lif1 = snn.RSynaptic(
            alpha=0.6, beta=0.8, linear_features=40, init_hidden=True, spike_grad=step,
            reset_mechanism="zero",
        )  # fmt: skip
        self.fc2 = nn.Linear(40, 10)
        self.lif2 = snn.Leaky(
            beta=torch.full((10,), 0.8), learn_beta=True, init_hidden=True, output=True,
            spike_grad=step, reset_mechanism="zero",
        )  # fmt: skip

    def forward(self, x):
        self.lif1.reset_mem()
        self.lif2.reset_mem()
        made = [self.lif2(self.fc2(self.lif1(self.fc1(step)))) for step in x]
        return torch.stack([spikes for spikes, _ in made])


def snntorch_model():
    loss = snn_functional.ce_rate_loss()
    return train(SnnTorchNet(), lambda model, x, labels: loss(model(x.transpose(0, 1))[0], labels))


def snntorch_recurrent_model():
    loss = snn_functional.ce_rate_loss()
    return train(
        SnnTorchRecurrentNet(), lambda model, x, labels: loss(model(x.transpose(0, 1)), labels)
    )


def spikingjelly_loss(model, x, labels):
    functional.reset_net(model)
    rate = model(x.transpose(0, 1)).mean(0)
    return nn.functional.mse_loss(rate, nn.functional.one_hot(labels, 10).float())


def spikingjelly_model():
    """Multi-step layers, inputs that decay and a hard reset."""
    model = nn.Sequential(
        layer.Linear(64, 48, bias=False),
        neuron.LIFNode(tau=2.0, surrogate_function=surrogate.ATan()),
        layer.Linear(48, 10, bias=False),
        neuron.ParametricLIFNode(v_reset=None, surrogate_function=surrogate.ATan()),
    )
    functional.set_step_mode(model, "m")
    return train(model, spikingjelly_loss)


class SpikingJellyConvNet(nn.Module):
    """A convolutional network as in the tutorial on clothes, for 8 x 8 images."""

    def __init__(self):
        super().__init__()
        self.conv_fc = nn.Sequential(
            layer.Conv2d(1, 8, kernel_size=3, padding=1, bias=False),
            layer.BatchNorm2d(8),
            neuron.IFNode(surrogate_function=surrogate.ATan()),
            layer.MaxPool2d(2, 2),
            layer.Flatten(),
            layer.Linear(8 * 4 * 4, 10, bias=False),
            neuron.IFNode(surrogate_function=surrogate.ATan()),
        )
        functional.set_step_mode(self, "m")

    def forward(self, x):
        return self.conv_fc(x.reshape(*x.shape[:2], 1, 8, 8))


def spikingjelly_conv_model():
    return train(SpikingJellyConvNet(), spikingjelly_loss, epochs=4)


def norse_loss(model, x, labels):
    voltages, _ = model(x.transpose(0, 1))
    return nn.functional.cross_entropy(voltages.mean(0), labels)


def norse_model():
    """A readout's potentials decide, of neurons with Norse's own constants."""
    return train(
        norse.SequentialState(
            nn.Linear(64, 48, bias=False), norse.LIF(), nn.Linear(48, 10, bias=False), norse.LI()
        ),
        norse_loss,
    )


def norse_recurrent_model():
    parameters = norse.LIFParameters(v_th=torch.tensor(0.5))
    return train(
        norse.SequentialState(
            norse.LIFRecurrent(64, 40, p=parameters), nn.Linear(40, 10), norse.LI()
        ),
        norse_loss,
    )


def sinabs_loss(model, x, labels):
    """Squeezed: samples and steps share the first axis."""
    for module in model.modules():
        if isinstance(module, sl.StatefulLayer):
            module.reset_states()
            module.zero_grad()
    made = model(x.reshape(-1, 1, 8, 8))
    return nn.functional.cross_entropy(made.reshape(-1, N_STEPS, 10).sum(1), labels)


def sinabs_model():
    """Convolution, sum of windows and integrators with a lower bound, as for Speck.

    They may send several spikes in a step, as Sinabs' neurons do unless they are told not to.
    """
    settings = {"num_timesteps": N_STEPS, "min_v_mem": -1.0}
    return train(
        nn.Sequential(
            nn.Conv2d(1, 8, 3, padding=1, bias=False),
            sl.IAFSqueeze(**settings),
            sl.SumPool2d(2),
            nn.Flatten(),
            nn.Linear(8 * 4 * 4, 10, bias=False),
            sl.IAFSqueeze(**settings),
        ),
        sinabs_loss,
        epochs=4,
    )


MODELS = {
    "snnTorch": snntorch_model,
    "snnTorch recurrent": snntorch_recurrent_model,
    "SpikingJelly": spikingjelly_model,
    "SpikingJelly convolution": spikingjelly_conv_model,
    "Norse": norse_model,
    "Norse recurrent": norse_recurrent_model,
    "Sinabs": sinabs_model,
}


@functools.cache
def trained(name):
    """The model of that name."""
    torch.manual_seed(0)
    return MODELS[name]()


def outcome(name, model, spikes):
    """Classes int64 (B,) that a model gives spikes (B, T, 64), as its framework decides."""
    with torch.no_grad():
        if name == "Sinabs":
            for module in model.modules():
                if isinstance(module, sl.StatefulLayer):
                    module.reset_states()
            made = model(spikes.reshape(-1, 1, 8, 8)).reshape(-1, N_STEPS, 10).sum(1)
        else:
            functional.reset_net(model)
            made = model(spikes.transpose(0, 1))
            made = (made[0] if isinstance(made, tuple) else made).sum(0)
    return made.argmax(1).numpy()
