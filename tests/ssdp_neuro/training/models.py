"""Small spiking networks for the tests of training and conversion."""

from collections import OrderedDict

import numpy as np
import torch
from torch import nn

from hw_models import ResetMode
from ssdp_neuro.training import CubaLif, SpikingNetwork, feed_forward


def dense_model(sizes=(12, 9, 4), *, gain=1.5, **settings):
    """A chain of Linear and CubaLif; neurons named hidden (or hidden1, ...) and output."""
    return feed_forward(
        sizes, gain=gain, **{"current_decay": 1023, "voltage_decay": 256, **settings}
    )


def conv_model(*, seed=0, **neuron):
    """Conv2d, CubaLif, Flatten, Linear, CubaLif over (2, 6, 6)."""
    settings = {"current_decay": 2047, "voltage_decay": 100, "threshold": 0.4, **neuron}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return SpikingNetwork(
            OrderedDict(
                kernels=nn.Conv2d(2, 3, 3, stride=2, padding=1, bias=False),
                maps=CubaLif(**settings, reset=ResetMode.SUBTRACT),
                flatten=nn.Flatten(),
                synapses=nn.Linear(27, 5, bias=False),
                output=CubaLif(**settings),
            ),
            input_shape=(2, 6, 6),
        )


def spikes_for(model, *, seed=0, samples=4, steps=12):
    """Random spikes ``(samples, steps, *input_shape)`` that fit a model."""
    shape = (samples, steps, *model.input_shape)
    return torch.tensor(np.random.default_rng(seed).random(shape) < 0.4, dtype=torch.float32)
