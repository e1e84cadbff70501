"""Networks by the settings of a config."""

from __future__ import annotations

import math
from collections import OrderedDict
from typing import Any

import torch
from torch import nn

from ssdp_neuro.training.feed_forward import feed_forward
from ssdp_neuro.training.network import SpikingNetwork
from ssdp_neuro.training.run.settings import ModelKind, ModelSettings, SurrogateKind
from ssdp_neuro.training.surrogate import ArcTangent, Boxcar, FastSigmoid, Surrogate

SURROGATES: dict[SurrogateKind, Any] = {
    SurrogateKind.FAST_SIGMOID: FastSigmoid,
    SurrogateKind.ARC_TANGENT: ArcTangent,
    SurrogateKind.BOXCAR: Boxcar,
}


def make_model(
    settings: ModelSettings, input_shape: tuple[int, ...], n_classes: int, seed: int
) -> nn.Module:
    """The network that the settings name, for spikes ``(B, T, *input_shape)``.

    The random state of PyTorch is left as it is.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return MAKERS[settings.kind](settings, input_shape, n_classes, seed)


def _surrogate(settings: ModelSettings) -> Surrogate:
    kind = SURROGATES[settings.surrogate]
    return kind() if settings.sharpness is None else kind(settings.sharpness)


def _neurons(settings: ModelSettings) -> dict[str, Any]:
    return {
        "current_decay": settings.current_decay,
        "voltage_decay": settings.voltage_decay,
        "threshold": settings.threshold,
        "reset": settings.reset,
        "surrogate": _surrogate(settings),
    }


def _feed_forward(
    settings: ModelSettings, input_shape: tuple[int, ...], n_classes: int, seed: int
) -> nn.Module:
    made = feed_forward(
        (math.prod(input_shape), *settings.hidden, n_classes),
        seed=seed,
        gain=settings.gain,
        **_neurons(settings),
    )
    if len(input_shape) == 1:
        return made
    layers = OrderedDict([("flatten", nn.Flatten()), *made.named_children()])
    return SpikingNetwork(layers, input_shape=input_shape)


MAKERS: dict[ModelKind, Any] = {ModelKind.FEED_FORWARD: _feed_forward}
