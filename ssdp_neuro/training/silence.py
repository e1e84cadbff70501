"""Networks that cannot fire, or do not: nothing can be learned from silence."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from hw_models import InputError
from ssdp_neuro.training.layers.delays import DelayedLinear
from ssdp_neuro.training.layers.neurons import CubaLif
from ssdp_neuro.training.networks.spiking_network import SpikingNetwork
from ssdp_neuro.training.networks.transformer import TokenLif

NEURONS = (CubaLif, TokenLif)


class SilenceWarning(UserWarning):
    """A network's output never fired, so that nothing was learned."""


def refuse_too_few_steps(where: str, model: nn.Module, n_steps: int) -> None:
    """Refuse samples that end before their first spike can reach the output.

    Parameters
    ----------
    where
        What the steps are called, for the message.
    model
        Of a :class:`SpikingNetwork` the latencies and shortest delays are known; nothing is
        known of others.
    n_steps
        Of a sample.

    Raises
    ------
    InputError
    """
    if not isinstance(model, SpikingNetwork):
        return
    layers = [module for module in model.children() if isinstance(module, CubaLif)]
    delays = [m for m in model.children() if isinstance(m, DelayedLinear)]
    shortest = [0 if d.learned else int(d.delays.min()) for d in delays]  # learned ones may shrink
    way = sum(layer.latency for layer in layers) + sum(shortest)
    if n_steps <= way:
        raise InputError(
            f"{where}: {n_steps}; {len(layers)} layers pass on nothing in the first {way} steps,"
            f" so the output cannot fire; {way + 1} are needed, and better some more"
        )


def first_silent_layer(model: nn.Module, spikes: Tensor) -> str | None:
    """Name of the first layer of neurons that does not fire; ``"input"`` if that is silent.

    None if all fire, or none is known. The model is in evaluation mode meanwhile.

    Parameters
    ----------
    model
        Its modules of this package's neurons are looked at.
    spikes : shape (B, T, *input_shape)
    """
    if not bool(spikes.any()):
        return "input"
    fired: dict[str, bool] = {}

    def look_at(name: str) -> Any:
        def note(module: nn.Module, given: Any, made: Tensor) -> None:
            fired[name] = fired.get(name, False) or bool(made.any())

        return note

    known = [(name, m) for name, m in model.named_modules() if isinstance(m, NEURONS)]
    hooks = [module.register_forward_hook(look_at(name)) for name, module in known]
    was_training = model.training
    try:
        with torch.no_grad():
            model.eval()(spikes)
    finally:
        model.train(was_training)
        for hook in hooks:
            hook.remove()
    return next((name for name, value in fired.items() if not value), None)


def silence_message(layer: str | None) -> str:
    """Why nothing can be learned, and what may help."""
    if layer == "input":
        return "no output neuron fired: the samples looked at have no spike"
    which = "" if layer is None else f"; the first silent layer is {layer!r}"
    return (
        f"no output neuron fired in any training sample, so nothing was learned{which}. A lower"
        " threshold, a higher gain or more steps may help"
    )
