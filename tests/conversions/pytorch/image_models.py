"""Models that are given an image and repeat it in every step, as tutorials write them."""

import warnings

import snntorch as snn
import torch
from spikingjelly.activation_based import functional, layer, neuron, surrogate
from torch import nn

with warnings.catch_warnings():  # Norse compiles some functions in a way PyTorch gives up
    warnings.filterwarnings("ignore", "`torch.jit.script` is deprecated", DeprecationWarning)
    import norse.torch as norse

STEPS = 6


class SnnTorchImage(nn.Module):
    """The image is given to fc1 in every step; potentials are trained, spikes decide."""

    def __init__(self):
        super().__init__()
        self.fc1, self.lif1 = nn.Linear(64, 80), snn.Leaky(beta=0.95)
        self.fc2, self.lif2 = nn.Linear(80, 10), snn.Leaky(beta=0.95)

    def forward(self, image):
        mem1, mem2 = self.lif1.init_leaky(), self.lif2.init_leaky()
        spikes, potentials = [], []
        for _ in range(STEPS):
            spk1, mem1 = self.lif1(self.fc1(image.flatten(1)), mem1)
            spk2, mem2 = self.lif2(self.fc2(spk1), mem2)
            spikes.append(spk2)
            potentials.append(mem2)
        return torch.stack(spikes), torch.stack(potentials)


class SpikingJellyImage(nn.Module):
    """A convolution of the repeated image, several steps at a call."""

    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(
            layer.Conv2d(1, 8, kernel_size=3, padding=1, bias=False),
            layer.BatchNorm2d(8),
            neuron.LIFNode(surrogate_function=surrogate.ATan()),
            layer.MaxPool2d(2, 2),
            layer.Flatten(),
            layer.Linear(8 * 4 * 4, 10, bias=False),
            neuron.IFNode(surrogate_function=surrogate.ATan()),
        )
        functional.set_step_mode(self, "m")

    def forward(self, image):
        return self.net(image.unsqueeze(0).repeat(STEPS, 1, 1, 1, 1)).mean(0)


class SpikingJellyOnce(nn.Module):
    """The convolution is computed once, outside of the loop."""

    def __init__(self):
        super().__init__()
        self.conv, self.fire = nn.Conv2d(1, 4, 3, padding=1), neuron.IFNode()
        self.read = nn.Sequential(nn.Flatten(), nn.Linear(4 * 64, 10), neuron.LIFNode(tau=2.0))

    def forward(self, image):
        currents = self.conv(image)
        return sum(self.read(self.fire(currents)) for _ in range(STEPS)) / STEPS


class NorseImage(nn.Module):
    """Cells with their states, and a readout's potentials."""

    def __init__(self):
        super().__init__()
        self.fc, self.lif = nn.Linear(64, 60), norse.LIFCell()
        self.out = norse.LILinearCell(60, 10)

    def forward(self, image):
        first = second = None
        made = []
        for _ in range(2 * STEPS):
            spikes, first = self.lif(self.fc(image.flatten(1)), first)
            potential, second = self.out(spikes, second)
            made.append(potential)
        return torch.stack(made).mean(0)
