"""Small recurrent networks as users of three frameworks write them: 48 inputs, 10 classes."""

from __future__ import annotations

import warnings

import snntorch as snn
import torch
from snntorch import surrogate as snn_surrogate
from spikingjelly.activation_based import functional, layer, neuron
from spikingjelly.activation_based import surrogate as jelly_surrogate
from torch import Tensor, nn

with warnings.catch_warnings():  # Norse compiles some functions in a way PyTorch gives up
    warnings.filterwarnings("ignore", "`torch.jit.script` is deprecated", DeprecationWarning)
    import norse.torch as norse

N_IN, N_HIDDEN, N_OUT = 48, 40, 10


class SnnTorchNet(nn.Module):
    """Currents with memory, a recurrent layer that is reset by subtraction."""

    def __init__(self) -> None:
        super().__init__()
        step = snn_surrogate.fast_sigmoid(slope=5)
        self.fc1 = nn.Linear(N_IN, N_HIDDEN)
        self.lif1 = snn.RSynaptic(
            alpha=0.6,
            beta=0.9,
            linear_features=N_HIDDEN,
            init_hidden=True,
            spike_grad=step,
            reset_mechanism="subtract",
        )
        self.fc2 = nn.Linear(N_HIDDEN, N_OUT)
        self.lif2 = snn.Leaky(beta=0.9, init_hidden=True, output=True, spike_grad=step)

    def forward(self, spikes: Tensor) -> Tensor:
        """``(B, T, 48)`` in, ``(B, T, 10)`` out."""
        self.lif1.reset_mem()
        self.lif2.reset_mem()
        made = [self.lif2(self.fc2(self.lif1(self.fc1(step)))) for step in spikes.transpose(0, 1)]
        return torch.stack([fired for fired, _ in made], 1)


class SpikingJellyNet(nn.Module):
    """A container that feeds the spikes of the step before back, hard resets."""

    def __init__(self) -> None:
        super().__init__()
        step = jelly_surrogate.ATan()
        self.net = nn.Sequential(
            layer.Linear(N_IN, N_HIDDEN),
            layer.LinearRecurrentContainer(
                neuron.LIFNode(tau=8.0, decay_input=False, surrogate_function=step),
                N_HIDDEN,
                N_HIDDEN,
            ),
            layer.Linear(N_HIDDEN, N_OUT),
            neuron.LIFNode(tau=8.0, decay_input=False, surrogate_function=step),
        )
        for module in self.net:
            module.step_mode = "m"

    def forward(self, spikes: Tensor) -> Tensor:
        """``(B, T, 48)`` in, ``(B, T, 10)`` out."""
        functional.reset_net(self.net)
        return self.net(spikes.transpose(0, 1)).transpose(0, 1)


class NorseNet(nn.Module):
    """Norse's recurrent neurons with currents of their own, and spiking outputs."""

    def __init__(self) -> None:
        super().__init__()
        self.net = norse.SequentialState(
            norse.LIFRecurrent(N_IN, N_HIDDEN, p=norse.LIFParameters(v_th=torch.tensor(0.5))),
            nn.Linear(N_HIDDEN, N_OUT),
            norse.LIF(p=norse.LIFParameters(v_th=torch.tensor(0.5))),
        )

    def forward(self, spikes: Tensor) -> Tensor:
        """``(B, T, 48)`` in, ``(B, T, 10)`` out."""
        return self.net(spikes.transpose(0, 1))[0].transpose(0, 1)


MODELS = {"snnTorch": SnnTorchNet, "SpikingJelly": SpikingJellyNet, "Norse": NorseNet}
