"""A constant input to the membrane potential: learned in real numbers, rounded for the chip."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from hw_models import RangeError
from hw_models.arithmetic import ALIGN_SHIFT
from hw_models.bias_register import bias_limits
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

    def felt(self, grid: WeightGrid | None) -> Tensor:
        """In the unit of the state: as it is, or float64 integers straight through the rounding.

        Raises
        ------
        RangeError
            If a bias on a CPU is not finite, and there is a grid. On a GPU and under
            ``torch.compile`` nobody waits to look: it stays no number, and so does the gradient,
            which training then refuses.
        """
        if grid is None:
            return self.value
        units = self.value.double() * (grid.scale * 2**ALIGN_SHIFT)
        return instead_through(units, in_register(units.detach(), grid.bias_bits))


def in_register(units: Tensor, bits: tuple[int, int]) -> Tensor:
    """What a register holds for biases: the numbers of ``nearest_bias``, on their own device.

    Parameters
    ----------
    units
        Biases in units of the state, float64, any shape; what is too large saturates.
    bits
        Of the register, see :func:`hw_models.bias_register.bias_limits`.

    Returns
    -------
    integers as floats, shape and dtype of ``units``

    Raises
    ------
    RangeError
        If a value on a CPU is not finite; elsewhere it becomes no number.
    """
    top, exponent_high = bias_limits(bits)
    most = float(top << exponent_high)
    looks = units.device.type == "cpu" and not torch.compiler.is_compiling()
    if looks and not bool(torch.isfinite(units).all()):
        raise RangeError("CubaLif.bias: a bias is not finite")
    inside = units.clamp(-most, most)
    fraction, power = torch.frexp((inside.abs() / (top + 0.5)).clamp(min=1.0))
    exponent = power - (fraction == 0.5).to(power.dtype)  # of the next power of two
    rounded = torch.ldexp(inside, -exponent).round()
    exponent = exponent + (rounded.abs() > top).to(exponent.dtype)
    held = torch.ldexp(torch.ldexp(inside, -exponent).round(), exponent)
    return held + (units - units)  # 0 where it is finite
