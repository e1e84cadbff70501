"""The chip's neuron in PyTorch: current-based LIF, in real numbers or in its integers."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

from hw_models import RangeError, ResetMode, ShapeError, TypeMismatchError
from hw_models.arithmetic import ALIGN_SHIFT, DECAY_UNITY, STATE_LIMIT
from hw_models.integers import integer
from hw_models.weight_grid import WeightGrid
from ssdp_neuro.training.fake_quant import truncate_through
from ssdp_neuro.training.surrogate import FastSigmoid, Surrogate, spike


class LifState(NamedTuple):
    """Current and membrane potential, each ``(B, ...)``, after a step."""

    current: Tensor
    voltage: Tensor


class CubaLif(nn.Module):
    """Current-based leaky integrate-and-fire, one step late, with decays on the chip's grid.

    What is given for step ``t`` arrives in step ``t + 1``, as a connection of the chip
    delivers it, so a chain of layers has the chip's timing. With ``x`` what arrives:

        u <- u * (1 - (current_decay + 1) / 4096) + x
        v <- v * (1 - voltage_decay / 4096) + u
        spike where v > threshold; then v <- 0 (or v - threshold); u stays

    Once :attr:`grid` is set (:func:`ssdp_neuro.training.quantize` does), it expects whole
    units of synaptic input and runs in the integers of :class:`hw_models.LifPopulation`,
    exactly: truncating decays, 24-bit registers. Gradients then pass straight through the
    rounding. Only the 32-bit wrap of sums beyond 2**31 is left out.

    Parameters
    ----------
    current_decay
        ``du``, 0..4095: 4095 is memoryless.
    voltage_decay
        ``dv``, 0..4095: 0 does not leak.
    threshold
        Positive, in the unit of the weights.
    reset
        To zero or by subtraction.
    surrogate
        Slope that stands in for the step's when going back.

    Raises
    ------
    RangeError, TypeMismatchError
        If a parameter does not fit.

    Examples
    --------
    >>> neuron = CubaLif(current_decay=4095, voltage_decay=0, threshold=1.0)
    >>> currents = torch.tensor([0.6, 0.6, 0.6, 0.0]).reshape(1, 4, 1)
    >>> neuron(currents).flatten().tolist()
    [0.0, 0.0, 1.0, 0.0]
    """

    def __init__(
        self,
        *,
        current_decay: int,
        voltage_decay: int,
        threshold: float = 1.0,
        reset: ResetMode = ResetMode.ZERO,
        surrogate: Surrogate | None = None,
    ) -> None:
        super().__init__()
        self.current_decay = integer("CubaLif.current_decay", current_decay, 0, DECAY_UNITY - 1)
        self.voltage_decay = integer("CubaLif.voltage_decay", voltage_decay, 0, DECAY_UNITY - 1)
        if not (math.isfinite(threshold) and threshold > 0):
            raise RangeError(f"CubaLif.threshold: {threshold}; a positive number is needed")
        self.threshold = float(threshold)
        if not isinstance(reset, ResetMode):
            raise TypeMismatchError(f"CubaLif.reset: {reset!r}; a ResetMode is needed")
        self.reset = reset
        self.surrogate = surrogate or FastSigmoid()
        self.grid: WeightGrid | None = None

    @property
    def current_kept(self) -> float:
        """Share of the current that remains after a step."""
        return 1.0 - (self.current_decay + 1) / DECAY_UNITY

    @property
    def voltage_kept(self) -> float:
        """Share of the membrane potential that remains after a step."""
        return 1.0 - self.voltage_decay / DECAY_UNITY

    def extra_repr(self) -> str:
        """What ``print(model)`` shows."""
        return (
            f"current_decay={self.current_decay}, voltage_decay={self.voltage_decay},"
            f" threshold={self.threshold}, reset={self.reset.name}"
        )

    def forward(self, currents: Tensor) -> Tensor:
        """Spikes of a whole sample.

        Parameters
        ----------
        currents : float, shape (B, T, ...)
            What each step's spikes send, in the unit of the threshold; in whole units
            of synaptic input if there is a grid.

        Returns
        -------
        0 and 1, same shape and dtype
        """
        if currents.ndim < 3:
            raise ShapeError(f"CubaLif: currents of shape {tuple(currents.shape)}; (B, T, ...)")
        step, arriving = self._real_step, currents
        if self.grid is not None:
            step = self._integer_step
            arriving = currents.double()
        rest = torch.zeros_like(arriving[:, 0])
        state = LifState(rest, rest)
        spikes = [rest]  # nothing has arrived yet in step 0
        for x in arriving[:, :-1].unbind(1):
            fired, state = step(x, state)
            spikes.append(fired)
        return torch.stack(spikes, dim=1).to(currents.dtype)

    def _real_step(self, x: Tensor, state: LifState) -> tuple[Tensor, LifState]:
        current = state.current * self.current_kept + x
        voltage = state.voltage * self.voltage_kept + current
        return self._fire(current, voltage, self.threshold)

    def _integer_step(self, x: Tensor, state: LifState) -> tuple[Tensor, LifState]:
        """The step of hw_models/populations.py; float64 holds all of its integers."""
        assert self.grid is not None
        current = truncate_through(state.current * self.current_kept) + x * 2.0**ALIGN_SHIFT
        span = 2.0 * STATE_LIMIT
        current = torch.where(current > STATE_LIMIT, current - span, current)
        current = torch.where(current <= -STATE_LIMIT, current + span, current)
        voltage = truncate_through(state.voltage * self.voltage_kept) + current
        voltage = voltage.clamp(-(STATE_LIMIT - 1), STATE_LIMIT - 1)
        return self._fire(current, voltage, float(self.grid.threshold << ALIGN_SHIFT))

    def _fire(self, current: Tensor, voltage: Tensor, threshold: float) -> tuple[Tensor, LifState]:
        fired = spike((voltage - threshold) / threshold, self.surrogate)
        if self.reset is ResetMode.ZERO:
            voltage = voltage * (1.0 - fired)
        else:
            voltage = voltage - threshold * fired
        return fired, LifState(current, voltage)
