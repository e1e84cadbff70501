"""Small convolutional architecture, every layer of which fits the chip."""

from __future__ import annotations

import math
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
def convolutional(
    input_shape: Sequence[int],
    channels: Sequence[int],
    n_classes: int,
    *,
    kernel_size: int = 3,
    stride: int = 2,
    seed: int = 0,
    gain: float = 1.5,
    **neurons: Any,
) -> SpikingNetwork:
    """Convolutions with CubaLif, each ``stride`` times smaller, then one Linear with CubaLif.

    Parameters
    ----------
    input_shape
        ``(channels, height, width)`` of one step's spikes.
    channels
        Of each convolution.
    n_classes
        Neurons of the output.
    kernel_size, stride
        Of every convolution; the padding is ``kernel_size // 2``.
    seed
        Of the initial weights; the random state of PyTorch is left as it is.
    gain
        The initial weights have a standard deviation of ``gain * n_inputs**-0.5``.
    **neurons
        Settings of every CubaLif.

    Returns
    -------
    SpikingNetwork
        Its neurons are named ``maps1``, ``maps2``, ... and ``output``.

    Raises
    ------
    ShapeError
        If the input has no three sizes, or is smaller than the strides make of it.

    Examples
    --------
    >>> model = convolutional((1, 28, 28), (16, 32), 10, current_decay=4095, voltage_decay=256)
    >>> [name for name, _ in model.named_children()]
    ['to_maps1', 'maps1', 'to_maps2', 'maps2', 'flatten', 'to_output', 'output']
    """
    if len(input_shape) != 3:
        raise ShapeError(
            f"convolutional.input_shape: {tuple(input_shape)}; (channels, height, width) is needed"
        )
    before, *size = (integer("convolutional.input_shape", n, 1, 2**24) for n in input_shape)
    generator = torch.Generator().manual_seed(seed)
    modules: OrderedDict[str, nn.Module] = OrderedDict()
    for number, n_maps in enumerate(channels, 1):
        conv = nn.utils.skip_init(
            nn.Conv2d, before, n_maps, kernel_size, stride=stride,
            padding=kernel_size // 2, bias=False,
        )  # fmt: skip
        size = [(n + 2 * (kernel_size // 2) - kernel_size) // stride + 1 for n in size]
        if min(size) < 1:
            raise ShapeError(
                f"convolutional: nothing is left of {tuple(input_shape)} at maps{number}"
            )
        modules[f"to_maps{number}"] = conv
        modules[f"maps{number}"] = CubaLif(**neurons)
        before = n_maps
    modules["flatten"] = nn.Flatten()
    n_features = before * math.prod(size)
    modules["to_output"] = nn.utils.skip_init(nn.Linear, n_features, n_classes, bias=False)
    modules["output"] = CubaLif(**neurons)
    with torch.no_grad():
        for synapses in modules.values():
            if isinstance(synapses, nn.Conv2d | nn.Linear):
                deviation = gain * synapses.weight[0].numel() ** -0.5
                synapses.weight.normal_(0.0, deviation, generator=generator)
    return SpikingNetwork(modules, input_shape=tuple(input_shape))
