"""Networks by the settings of a config."""

from __future__ import annotations

import math
from collections import OrderedDict
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import nn

from ssdp_neuro.training.layers.adaptation import Adaptation
from ssdp_neuro.training.layers.delays import DelayedLinear
from ssdp_neuro.training.layers.membrane_bias import MembraneBias
from ssdp_neuro.training.layers.neurons import CubaLif
from ssdp_neuro.training.layers.surrogate import (
    ArcTangent,
    Boxcar,
    FastSigmoid,
    MultiGaussian,
    Surrogate,
    Triangular,
)
from ssdp_neuro.training.networks.convolutional import convolutional
from ssdp_neuro.training.networks.feed_forward import feed_forward
from ssdp_neuro.training.networks.recurrent import recurrent
from ssdp_neuro.training.networks.spiking_network import SpikingNetwork
from ssdp_neuro.training.networks.stages import stages, weight_of
from ssdp_neuro.training.networks.transformer import SpikingTransformer, TokenLif
from ssdp_neuro.training.run.choices import DelayKind, ModelKind, SurrogateKind
from ssdp_neuro.training.run.settings.model import ModelSettings
from ssdp_neuro.training.torch_settings import usual_torch

SURROGATES: dict[SurrogateKind, Any] = {
    SurrogateKind.FAST_SIGMOID: FastSigmoid,
    SurrogateKind.ARC_TANGENT: ArcTangent,
    SurrogateKind.BOXCAR: Boxcar,
    SurrogateKind.TRIANGULAR: Triangular,
    SurrogateKind.MULTI_GAUSSIAN: MultiGaussian,
}
DELAY_STREAM = 1  # of random numbers
GAIN, CONVOLUTIONAL_GAIN = 1.0, 1.5


@usual_torch()
def make_model(
    settings: ModelSettings, input_shape: tuple[int, ...], n_classes: int, seed: int
) -> nn.Module:
    """The network that the settings name, for spikes ``(B, T, *input_shape)``.

    The random state of PyTorch is left as it is.

    Raises
    ------
    ShapeError
        If the architecture does not fit the input.
    """
    model = MAKERS[settings.kind](settings, input_shape, n_classes, seed)
    if settings.learned_delays is not DelayKind.NONE:
        _give_delays(model, settings, seed)
    if settings.bias:
        _give_biases(model)
    if settings.adaptation:
        hidden = [module for module in model.children() if isinstance(module, CubaLif)][:-1]
        rises = Adaptation(kept=settings.adaptation_kept, strength=settings.adaptation)
        for neurons in hidden:
            neurons.adaptation = rises
    return model


def _give_delays(model: nn.Sequential, settings: ModelSettings, seed: int) -> None:
    """Learned ones to all synapses between layers, evenly drawn to begin with."""
    random = np.random.Generator(np.random.Philox(key=[seed, DELAY_STREAM]))
    for name, linear in list(model.named_children()):
        if not isinstance(linear, nn.Linear):
            continue
        per_axon = settings.learned_delays is DelayKind.PER_AXON
        shape = (1 if per_axon else linear.out_features, linear.in_features)
        with torch.random.fork_rng(devices=[]):  # weights are drawn, and thrown away
            delayed = DelayedLinear(
                linear.in_features,
                linear.out_features,
                delays=random.uniform(0, settings.longest_delay, shape),
                learned=True,
                longest=settings.longest_delay,
                window=settings.delay_window,
            )
        delayed.weight = linear.weight
        setattr(model, name, delayed)


def _give_biases(model: nn.Sequential) -> None:
    """One for each neuron, or for each channel of a convolution; 0 to begin with."""
    for stage in stages(model):
        n_post, _, *kernel = weight_of(stage.synapses).shape
        stage.neurons.bias = MembraneBias(np.zeros((n_post, *(1 for _ in kernel))))


def _surrogate(settings: ModelSettings) -> Surrogate:
    kind = SURROGATES[settings.surrogate]
    return kind() if settings.sharpness is None else kind(settings.sharpness)


def _neurons(settings: ModelSettings) -> dict[str, Any]:
    return {
        "current_decay": settings.current_decay,
        "voltage_decay": settings.voltage_decay,
        "threshold": settings.threshold,
        "reset": settings.reset,
        "refractory": settings.refractory,
        "latency": settings.latency,
        "learn_current_decay": settings.learn_decays,
        "learn_voltage_decay": settings.learn_decays,
        "surrogate": _surrogate(settings),
    }


def _chain(
    settings: ModelSettings, input_shape: tuple[int, ...], n_classes: int, seed: int
) -> nn.Module:
    """Linear layers, recurrent or not, of an input of any shape."""
    sizes = (math.prod(input_shape), *settings.hidden, n_classes)
    common = {"seed": seed, "gain": settings.gain or GAIN, **_neurons(settings)}
    if settings.kind is ModelKind.RECURRENT:
        made = recurrent(sizes, recurrent_gain=settings.recurrent_gain, **common)
    else:
        made = feed_forward(sizes, **common)
    if len(input_shape) == 1:
        return made
    layers = OrderedDict([("flatten", nn.Flatten()), *made.named_children()])
    return SpikingNetwork(layers, input_shape=input_shape)


def _convolutional(
    settings: ModelSettings, input_shape: tuple[int, ...], n_classes: int, seed: int
) -> nn.Module:
    return convolutional(
        input_shape,
        settings.hidden,
        n_classes,
        kernel_size=settings.kernel_size,
        stride=settings.stride,
        seed=seed,
        gain=settings.gain or CONVOLUTIONAL_GAIN,
        **_neurons(settings),
    )


def _transformer(
    settings: ModelSettings, input_shape: tuple[int, ...], n_classes: int, seed: int
) -> nn.Module:
    return SpikingTransformer(
        input_shape,
        n_classes,
        channels=settings.hidden[0],
        blocks=settings.blocks,
        patch=settings.patch,
        seed=seed,
        lif=partial(TokenLif, surrogate=_surrogate(settings)),  # type: ignore[arg-type]
    )


MAKERS: dict[ModelKind, Any] = {
    ModelKind.FEED_FORWARD: _chain,
    ModelKind.RECURRENT: _chain,
    ModelKind.CONVOLUTIONAL: _convolutional,
    ModelKind.TRANSFORMER: _transformer,
}
