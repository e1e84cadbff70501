"""State of a layer of neurons, and how a step's input moves it before anything fires."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from hw_models.arithmetic import ALIGN_SHIFT, STATE_LIMIT
from ssdp_neuro.training.layers.fake_quant import truncate_through


class LifState(NamedTuple):
    """A layer of neurons after a step; every tensor ``(B, ...)``.

    ``sent`` is what was given for that step, ``resting`` the refractory steps left, and
    ``adapted`` by how much earlier spikes have raised the threshold, ``heard`` the own spikes
    still under way; None if there are none.
    """

    current: Tensor
    voltage: Tensor
    fired: Tensor
    sent: Tensor | None = None
    resting: Tensor | None = None
    adapted: Tensor | None = None
    heard: Tensor | None = None


def integrated(
    state: LifState, felt: Tensor, current_kept: Tensor, voltage_kept: Tensor, bias: Tensor | None
) -> tuple[Tensor, Tensor]:
    """Current and membrane potential of the next step, in real numbers of ``felt``'s dtype.

    Parameters
    ----------
    state
        After the step before.
    felt : shape (B, ...)
        What arrives, in the unit of the threshold.
    current_kept, voltage_kept : broadcast to the neurons
        Shares that remain after a step.
    bias
        Added to the membrane potential; None for none.
    """
    current = state.current * current_kept.to(felt) + felt
    voltage = state.voltage * voltage_kept.to(felt) + current
    return current, voltage if bias is None else voltage + bias


def integrated_on_chip(
    state: LifState, felt: Tensor, current_kept: Tensor, voltage_kept: Tensor, bias: Tensor | None
) -> tuple[Tensor, Tensor]:
    """The same in the chip's integers, as hw_models/populations.py has them.

    ``felt`` is in whole units of synaptic input; float64 holds all integers of the state.
    """
    current = truncate_through(state.current * current_kept) + felt.double() * 2.0**ALIGN_SHIFT
    span = 2.0 * STATE_LIMIT
    current = torch.where(current > STATE_LIMIT, current - span, current)
    current = torch.where(current <= -STATE_LIMIT, current + span, current)
    voltage = truncate_through(state.voltage * voltage_kept) + current
    voltage = voltage if bias is None else voltage + bias
    return current, voltage.clamp(-(STATE_LIMIT - 1), STATE_LIMIT - 1)
