"""The plain architecture: fully connected layers of spiking neurons."""

from __future__ import annotations

import itertools
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from hw_models import ShapeError
from hw_models.integers import integer
from ssdp_neuro.training.layers.neurons import CubaLif
from ssdp_neuro.training.networks.spiking_network import SpikingNetwork
from ssdp_neuro.training.torch_settings import usual_torch


@usual_torch()
def feed_forward(
    sizes: Sequence[int], *, seed: int = 0, gain: float = 0.6, **neurons: Any
) -> SpikingNetwork:
    """A chain of Linear and CubaLif.

    Parameters
    ----------
    sizes
        Inputs, then neurons of each layer; the last ones are the classes.
    seed
        Of the initial weights; the random state of PyTorch is left as it is.
    gain
        The initial weights have a standard deviation of ``gain * n_inputs**-0.5``.
    **neurons
        Settings of every CubaLif.

    Returns
    -------
    SpikingNetwork
        Its neurons are named ``hidden`` (``hidden1``, ``hidden2``, ... if there are
        several such layers) and ``output``.

    Examples
    --------
    >>> model = feed_forward((64, 32, 10), current_decay=1023, voltage_decay=256)
    >>> [name for name, _ in model.named_children()]
    ['to_hidden', 'hidden', 'to_output', 'output']
    """
    sizes = [integer("feed_forward.sizes", size, 1, 2**31 - 1) for size in sizes]
    if len(sizes) < 2:
        raise ShapeError(f"feed_forward.sizes: {sizes}; inputs and at least one layer are needed")
    hidden = len(sizes) - 2
    names = [f"hidden{layer + 1}" for layer in range(hidden)] if hidden > 1 else ["hidden"] * hidden
    generator = torch.Generator().manual_seed(seed)
    modules: OrderedDict[str, nn.Module] = OrderedDict()
    for name, (n_in, n_out) in zip([*names, "output"], itertools.pairwise(sizes), strict=True):
        linear = nn.utils.skip_init(nn.Linear, n_in, n_out, bias=False)
        with torch.no_grad():
            linear.weight.normal_(0.0, gain * n_in**-0.5, generator=generator)
        modules[f"to_{name}"] = linear
        modules[name] = CubaLif(**neurons)
    return SpikingNetwork(modules)
