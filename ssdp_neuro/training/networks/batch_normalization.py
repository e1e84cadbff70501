"""Batch normalisation of what hidden neurons are given, as long as weights are real numbers.

It lies beside the network, which then learns several times faster, by rates above all; see
``docs/explanation/tried.md``. On the chip there is none: :meth:`BatchNormalization.fold_into` puts
it into weights and biases.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from hw_models import ConversionError, InputError
from ssdp_neuro.training.networks.stages import SYNAPSES, Stage, stages


class BatchNormalization(nn.Module):
    """One normalisation for each hidden layer of a network, by the layer's name.

    A feature, or a channel, of what synapses bring in all steps of a batch gets the mean 0 and a
    deviation that is learned, the neurons' threshold to begin with. The neurons' own biases come
    on top. What the output is given, the classes' scores, is only divided by a number.

    Parameters
    ----------
    model
        Linear or Conv2d, each with neurons after it, of which the hidden ones have a bias for
        each feature or channel.
    output_divisor
        What output weights are divided by. Where a spike weighs much in the loss, the output
        would otherwise learn so many times faster than the rest.

    Raises
    ------
    InputError
        If the model is another, or neurons have no bias that the mean can be folded into; names
        them.
    """

    def __init__(self, model: nn.Module, output_divisor: float = 1.0) -> None:
        super().__init__()
        self.output_divisor = output_divisor
        *hidden, _ = _stages(model)
        for stage in hidden:
            n_features = len(_weight(stage))
            _bias(stage)
            kind = nn.BatchNorm2d if isinstance(stage.synapses, nn.Conv2d) else nn.BatchNorm1d
            norm = kind(n_features)
            norm.register_parameter("bias", None)
            nn.init.constant_(norm.weight, stage.neurons.threshold)
            self.add_module(stage.neurons_path, norm)

    @contextlib.contextmanager
    def within(self, model: nn.Module) -> Iterator[None]:
        """Normalise in passes through a model, of the layers that this was made for."""
        *hidden, output = _stages(model)
        given: list[tuple[Stage, Callable[[Tensor], Tensor]]] = [
            (stage, self.get_submodule(stage.neurons_path)) for stage in hidden
        ]
        given.append((output, lambda drive: drive / self.output_divisor))
        hooks = []
        try:
            for stage, function in given:
                hooks.append(stage.synapses.register_forward_hook(_through(function)))
            yield
        finally:
            for hook in hooks:
                hook.remove()

    def fold_into(self, model: nn.Module) -> None:
        """Put factors and means, by the running statistics, into weights and biases.

        Mutates
        -------
        model
            Without this module it then gives what it gave with it in evaluation.
        """
        *hidden, output = _stages(model)
        with torch.no_grad():
            _weight(output).div_(self.output_divisor)
            for stage in hidden:
                norm: Any = self.get_submodule(stage.neurons_path)
                weight, bias = _weight(stage), _bias(stage)
                factor = norm.weight * torch.rsqrt(norm.running_var + norm.eps)
                weight *= factor.reshape(-1, *(1,) * (weight.ndim - 1))
                bias -= (norm.running_mean * factor).reshape(bias.shape)


def _through(function: Callable[[Tensor], Tensor]) -> Any:
    return lambda _, __, drive: function(drive)


def _stages(model: Any) -> list[Stage]:
    try:
        found = stages(model)
    except (ConversionError, AttributeError) as error:
        raise InputError(f"batch_norm: {error}") from None
    for stage in found:
        if type(stage.synapses) not in SYNAPSES:
            path, kind = stage.synapses_path, type(stage.synapses).__name__
            raise InputError(f"batch_norm: {path}: {kind}; Linear or Conv2d is needed")
    return found


def _weight(stage: Stage) -> Tensor:
    weight: Any = stage.synapses.weight
    return weight


def _bias(stage: Stage) -> Tensor:
    """Of the stage's neurons, one for each feature or channel."""
    bias, n_features = stage.neurons.bias, len(_weight(stage))
    if bias is None or bias.value.numel() != n_features:
        found = "none" if bias is None else f"of shape {tuple(bias.value.shape)}"
        raise InputError(
            f"batch_norm: {stage.neurons_path}.bias: {found}; one for each of {n_features} features"
            " or channels is needed, into which the mean is folded: bias = true"
        )
    return bias.value
