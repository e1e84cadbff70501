"""Recurrent architecture: hidden layers that hear their own spikes one step later."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from ssdp_neuro.training.layers.neurons import CubaLif
from ssdp_neuro.training.networks.feed_forward import feed_forward
from ssdp_neuro.training.networks.spiking_network import SpikingNetwork
from ssdp_neuro.training.torch_settings import usual_torch


@usual_torch()
def recurrent(
    sizes: Sequence[int],
    *,
    seed: int = 0,
    gain: float = 0.6,
    recurrent_gain: float = 0.2,
    **neurons: Any,
) -> SpikingNetwork:
    """A chain of Linear and CubaLif, all but the last with recurrent synapses.

    With one hidden layer it is the network of the SSDP paper (784, 1024, 10).

    Parameters
    ----------
    sizes
        Inputs, then neurons of each layer; the last ones are the classes.
    seed
        Of the initial weights; the random state of PyTorch is left as it is.
    gain
        The initial weights have a standard deviation of ``gain * n_inputs**-0.5``.
    recurrent_gain
        The same of the recurrent ones.
    **neurons
        Settings of every CubaLif.

    Returns
    -------
    SpikingNetwork
        With names as :func:`feed_forward` gives them.

    Examples
    --------
    >>> model = recurrent((64, 32, 10), current_decay=1023, voltage_decay=256)
    >>> model.hidden.recurrent
    Linear(in_features=32, out_features=32, bias=False)
    """
    model = feed_forward(sizes, seed=seed, gain=gain, **neurons)
    generator = torch.Generator().manual_seed(seed + 1)
    hidden = [module for module in model.children() if isinstance(module, CubaLif)][:-1]
    for layer, size in zip(hidden, sizes[1:], strict=False):
        own = nn.utils.skip_init(nn.Linear, size, size, bias=False)
        with torch.no_grad():
            own.weight.normal_(0.0, recurrent_gain * size**-0.5, generator=generator)
        layer.recurrent = own
    return model
