"""Decays on the chip's grid of 12 bits: given once, or learned."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from hw_models import FixedFormat, Overflow, RangeError
from hw_models.arithmetic import DECAY_BITS, DECAY_UNITY
from hw_models.arrays import integer_array
from ssdp_neuro.training.layers.fake_quant import encode_through

REGISTER = FixedFormat(bits=DECAY_BITS, signed=False, overflow=Overflow.SATURATE)


class Decay(nn.Module):
    """How much of a state is lost in a step, an integer in 1/4096, per layer or per neuron.

    A learned one is ``4095 * sigmoid(parameter)``, so it cannot leave its range, rounded by
    the register itself; the gradient goes straight through the rounding.

    Parameters
    ----------
    where
        Name for errors.
    codes
        0..4095: one integer, or an array that broadcasts to the shape of the neurons.
    learned
        Whether training moves it.
    added
        What the chip adds before it decays: 1 for the current, 0 for the membrane potential.
    """

    given: Tensor

    def __init__(self, where: str, codes: Any, *, learned: bool, added: int) -> None:
        super().__init__()
        given = torch.from_numpy(integer_array(where, codes, 0, REGISTER.high, np.int64).copy())
        self.learned, self.added = learned, added
        if learned:
            share = given.double().clamp(0.25, REGISTER.high - 0.25) / REGISTER.high
            self.logit = nn.Parameter(share.logit().float())
        else:
            self.register_buffer("given", given, persistent=False)

    @property
    def shape(self) -> torch.Size:
        """Of the codes."""
        return self.logit.shape if self.learned else self.given.shape

    def codes(self) -> Tensor:
        """Integers as float64; differentiable if learned."""
        if not self.learned:
            return self.given.double()
        return encode_through(REGISTER.high * self.logit.double().sigmoid(), REGISTER)

    def integers(self) -> int | np.ndarray:
        """What the chip is given: an int, or int64 of the shape of the codes."""
        codes = self.codes().detach().cpu().numpy().astype(np.int64)
        return int(codes) if codes.ndim == 0 else codes

    def kept(self) -> Tensor:
        """Share that remains after a step, float64: a multiple of 1/4096, exact in float32."""
        return 1.0 - (self.codes() + self.added) / DECAY_UNITY

    def settings(self) -> str:
        """As the representation of the neurons shows it."""
        codes = self.integers()
        text = str(codes) if isinstance(codes, int) else f"{codes.min()}..{codes.max()}"
        return text + (" (learned)" if self.learned else "")


def decay_of(time_constant: Any, *, added: int = 0) -> Any:
    """The integer decay nearest to ``exp(-1 / time_constant)`` kept per step.

    Parameters
    ----------
    time_constant
        In steps, positive; one number or an array. ``inf`` does not leak.
    added
        1 for a current, 0 for a membrane potential.

    Raises
    ------
    RangeError
        If a time constant is not positive.

    Examples
    --------
    >>> decay_of(10.0), decay_of(float("inf"))
    (390, 0)
    """
    constants = np.asarray(time_constant, dtype=np.float64)
    if constants.dtype.kind != "f" or not (constants > 0).all():
        raise RangeError(f"time constant {time_constant}; positive numbers of steps are needed")
    codes = REGISTER.encode((1.0 - np.exp(-1.0 / constants)) * DECAY_UNITY - added)
    return int(codes) if np.ndim(codes) == 0 else codes
