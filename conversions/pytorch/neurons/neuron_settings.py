"""Settings of a framework's neurons, as numbers and flags, checked where they are read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

from conversions.pytorch.neurons.neuron_reading import NeuronReader, NeuronReading
from conversions.real_network import NeuronDynamics
from hw_models import ConversionError, RangeError


class OneToOne(nn.Module):
    """Multiply every input by its own weight.

    Parameters
    ----------
    weights : float32, shape (), or one that broadcasts to the input without its batch
    """

    weights: torch.Tensor

    def __init__(self, weights: torch.Tensor | float) -> None:
        super().__init__()
        self.register_buffer("weights", torch.as_tensor(weights).detach())

    def forward(self, given: torch.Tensor) -> torch.Tensor:
        """``weights * given``."""
        return self.weights * given


_PROBES = (-100.0, -1.0, -(2.0**-20), 0.0, 2.0**-20, 1.0, 100.0)


def numbers(value: Any, shape: tuple[int, ...], where: str) -> np.ndarray:
    """A setting that is one number, or one for each neuron.

    Parameters
    ----------
    value : number or tensor, of any shape that PyTorch broadcasts to ``shape``
    shape
        Of the neurons, without batch and time.
    where
        Path and name of the setting, for errors.

    Returns
    -------
    float64, shape () or (N,)

    Raises
    ------
    ConversionError
        If the tensor does not fit the neurons.
    """
    array = torch.as_tensor(value).detach().cpu().double().numpy()
    if array.size == 1:
        return array.reshape(())
    try:
        return np.broadcast_to(array, shape).reshape(-1)
    except ValueError:
        raise ConversionError(
            f"{where}: shape {array.shape}; supported is one number or one for each neuron of"
            f" {shape}"
        ) from None


def fires_at_zero(firing: Callable[[torch.Tensor], torch.Tensor], where: str) -> bool:
    """Whether a spike function fires at zero; it is called, its name is not trusted.

    Raises
    ------
    ConversionError
        If it is not a step from 0 to 1 at zero (graded, smooth or random spikes).
    """
    given = torch.tensor(_PROBES).repeat(64)
    with torch.no_grad():
        fired = firing(given)
    at_zero = bool(fired[_PROBES.index(0.0)] != 0)
    if not torch.equal(fired, ((given > 0) | ((given == 0) & at_zero)).to(fired.dtype)):
        raise ConversionError(
            f"{where}: not a step from 0 to 1 at the threshold; supported are spike functions"
            " whose forward pass is one"
        )
    return at_zero


def dynamics(path: str, **settings: Any) -> NeuronDynamics:
    """:class:`NeuronDynamics`; ConversionError with the path if a value is out of its range."""
    try:
        return NeuronDynamics(**settings)
    except RangeError as error:
        raise ConversionError(f"{path}: {error}") from error


def refused(reason: str) -> NeuronReader:
    """A reader that says why a neuron is not converted."""

    def read(module: nn.Module, path: str, shape: tuple[int, ...]) -> NeuronReading:
        raise ConversionError(f"{path}: {type(module).__name__}; {reason}")

    return read
