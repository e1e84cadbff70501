"""A constant input to the membrane potential: learned in real numbers, rounded for the chip."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from hw_models.arithmetic import ALIGN_SHIFT
from hw_models.bias_register import bias_limits, nearest_bias
from hw_models.chips import LOIHI2
from hw_models.weight_grid import WeightGrid
from ssdp_neuro.training.layers.fake_quant import instead_through


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

    def on_chip(self, grid: WeightGrid) -> tuple[np.ndarray, np.ndarray]:
        """Mantissas and exponents of the register, int64 of the shape of the values.

        The nearest ones, as the converter has them; what is too large saturates.
        """
        top, exponent_high = bias_limits(LOIHI2)
        most = float(top << exponent_high)
        values = self.value.detach().cpu().double().numpy() * grid.scale * 2**ALIGN_SHIFT
        return nearest_bias(np.asarray(values).clip(-most, most), top)

    def felt(self, grid: WeightGrid | None) -> Tensor:
        """In the unit of the state: as it is, or float64 integers straight through the rounding."""
        if grid is None:
            return self.value
        mantissa, exponent = self.on_chip(grid)
        units = self.value.double() * (grid.scale * 2**ALIGN_SHIFT)
        whole = np.ldexp(mantissa.astype(np.float64), exponent)
        return instead_through(units, torch.as_tensor(whole).to(units))
