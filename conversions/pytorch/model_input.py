"""What a model is run on, and the ways to give it that."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from conversions.pytorch.calling import call
from conversions.pytorch.neurons.neuron_reading import TimeAxis
from conversions.pytorch.trace.tracing import Run
from conversions.real_network.bit_planes import BitPlanes
from hw_models import InputError


class ModelInput(NamedTuple):
    """Of one step: its shape; real values if there are planes, else spikes.

    ``static`` says whether values are the same in every step, None if that is not known.
    """

    shape: tuple[int, ...]
    planes: BitPlanes | None
    static: bool | None

    def drawn(self, n_samples: int, n_steps: int) -> np.ndarray:
        """Random spikes, or values on their levels, ``(B, T, *shape)``."""
        drawn = np.random.default_rng(0).random((n_samples, n_steps, *self.shape))
        if self.planes is None:
            return drawn < 0.5
        low, high = self.planes.bounds
        values = self.planes.rounded(low + (high - low) * drawn)
        return np.broadcast_to(values[:, :1], values.shape) if self.static else values

    def traced(self, n_samples: int, n_steps: int) -> Tensor:
        """Random numbers to follow a run with, no values of which happen to be 0 or 1."""
        sizes = (n_samples, n_steps, *self.shape)
        drawn = torch.rand(sizes, generator=torch.Generator().manual_seed(1))
        if self.planes is None:
            return drawn < 0.5
        low, high = self.planes.bounds
        return low + (high - low) * (drawn[:, :1].expand_as(drawn) if self.static else drawn)


def ways_to_call(given: ModelInput, time_axis: TimeAxis | None) -> dict[str, tuple[Run, bool]]:
    """Ways to call a model by their names, and whether its input is static then.

    Raises
    ------
    InputError
        If the one that is asked for does not fit the input.
    """
    may_be_static = given.planes is not None and given.static is not False
    axes: list[TimeAxis] = [TimeAxis.STATIC] if may_be_static else []  # refuses most clearly
    axes += [axis for axis in TimeAxis if axis is not TimeAxis.STATIC]
    if time_axis is TimeAxis.STATIC and not may_be_static:
        raise InputError(
            f"time_axis: {time_axis}; what does not change is real values (B, *input_shape) with"
            " real_input, spikes are given for every step"
        )
    if time_axis is not None:
        axes = [time_axis]
    return {axis.value: (_calling(axis), axis is TimeAxis.STATIC) for axis in axes}


def _calling(axis: TimeAxis) -> Run:
    def run(model: nn.Module, spikes: Tensor) -> Any:
        return call(model, spikes, axis)

    return run
