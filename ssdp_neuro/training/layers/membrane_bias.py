"""A constant input to the membrane potential: learned in real numbers, rounded for the chip."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from hw_models import FixedFormat, Overflow
from hw_models.arithmetic import ALIGN_SHIFT
from hw_models.weight_grid import WeightGrid
from ssdp_neuro.training.layers.fake_quant import encode_through

MANTISSA_BITS = 16
LARGEST_EXPONENT = 15


class MembraneBias(nn.Module):
    """What is added to the membrane potential in every step, per layer or per neuron.

    Parameters
    ----------
    values
        To begin with, in the unit of the weights: one number, or an array that broadcasts
        to the shape of the neurons.
    """

    def __init__(self, values: Any) -> None:
        super().__init__()
        self.value = nn.Parameter(torch.as_tensor(np.asarray(values, dtype=np.float32)).clone())

    def register(self, grid: WeightGrid) -> FixedFormat:
        """The finest mantissa of the chip that holds all values, in units of the state."""
        largest = float(self.value.detach().abs().max()) * grid.scale * 2**ALIGN_SHIFT
        exponent = 0
        while exponent < LARGEST_EXPONENT and largest >= 2.0 ** (MANTISSA_BITS - 1 + exponent) - 1:
            exponent += 1
        return FixedFormat(bits=MANTISSA_BITS, exponent=exponent, overflow=Overflow.SATURATE)

    def on_chip(self, grid: WeightGrid) -> tuple[np.ndarray, int]:
        """Mantissas, int64 of the shape of the values, and their exponent."""
        register = self.register(grid)
        values = self.value.detach().cpu().double().numpy() * grid.scale * 2**ALIGN_SHIFT
        return np.asarray(register.encode(values)), register.exponent

    def felt(self, grid: WeightGrid | None) -> Tensor:
        """In the unit of the state: as it is, or float64 integers straight through the rounding."""
        if grid is None:
            return self.value
        register = self.register(grid)
        units = self.value.double() * (grid.scale * 2**ALIGN_SHIFT)
        return encode_through(units, register) * 2.0**register.exponent
