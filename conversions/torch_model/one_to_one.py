"""Synapses from each neuron to its counterpart alone, as a module."""

from __future__ import annotations

import torch
from torch import nn


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
