"""Optimizers by name, and the learning rate as a function of the step."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import nn

from hw_models import InputError
from ssdp_neuro.training.layers.delays import DelayedLinear
from ssdp_neuro.training.run.choices import OptimizerKind, ScheduleKind
from ssdp_neuro.training.run.settings.optimizer import OptimizerSettings

RATE_FACTOR = "rate_factor"  # of a group of parameters, 1 if it has none
CYCLE_START = 1 / 25  # share of the peak at which one cycle begins
CYCLE_RISE = 0.3  # share of the steps


def make_optimizer(model: nn.Module, settings: OptimizerSettings) -> torch.optim.Optimizer:
    """The optimizer that the settings name, over all parameters of a model.

    Learned delays are a group of their own, with a rate of ``delay_rate`` times that of the
    others, and do not decay.

    Raises
    ------
    InputError
        If there are none.
    """
    delays = [m.delay for m in model.modules() if isinstance(m, DelayedLinear) and m.learned]
    places = {id(delay) for delay in delays}
    others = [parameter for parameter in model.parameters() if id(parameter) not in places]
    parameters: list[dict[str, Any]] = [{"params": others}] if others else []
    if not parameters:
        raise InputError("the model has no parameters to train")
    if delays:
        factor = {RATE_FACTOR: settings.delay_rate, "weight_decay": 0.0}
        parameters.append({"params": delays, **factor})
    common: dict[str, Any] = {"lr": settings.learning_rate, "weight_decay": settings.weight_decay}
    if settings.kind is OptimizerKind.SGD:
        return torch.optim.SGD(parameters, momentum=settings.momentum, **common)
    if settings.kind is OptimizerKind.ADAM:
        return torch.optim.Adam(parameters, **common)
    return torch.optim.AdamW(parameters, **common)


def learning_rate(settings: OptimizerSettings, step: int, n_steps: int) -> float:
    """The rate of a step, without the cuts of a plateau.

    Parameters
    ----------
    settings
        Of the optimizer.
    step
        From 0.
    n_steps
        Of the whole run.

    Examples
    --------
    >>> settings = OptimizerSettings(learning_rate=1.0, schedule=ScheduleKind.COSINE)
    >>> [round(learning_rate(settings, step, 5), 3) for step in range(5)]
    [1.0, 0.854, 0.5, 0.147, 0.001]
    """
    peak, last = settings.learning_rate, settings.final_share
    if settings.schedule is ScheduleKind.ONE_CYCLE:
        top = CYCLE_RISE * (n_steps - 1)
        if step < top:
            return peak * _between(CYCLE_START, 1.0, step / top)
        return peak * _between(1.0, last, (step - top) / max(n_steps - 1 - top, 1))
    warm = settings.warm_up_steps
    if step < warm:
        return peak * (step + 1) / (warm + 1)
    if settings.schedule is ScheduleKind.COSINE:
        return peak * _between(1.0, last, (step - warm) / max(n_steps - 1 - warm, 1))
    return peak


def _between(start: float, end: float, share: float) -> float:
    """From start to end on half a cosine."""
    return end + (start - end) * 0.5 * (1.0 + math.cos(math.pi * min(share, 1.0)))
