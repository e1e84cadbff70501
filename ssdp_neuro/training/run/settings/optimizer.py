"""Section ``[optimizer]``: the optimizer and its learning rate."""

from __future__ import annotations

from dataclasses import dataclass

from hw_models.choices import member
from hw_models.integers import integer
from ssdp_neuro.training.run.choices import OptimizerKind, ScheduleKind
from ssdp_neuro.training.run.settings.real_number import number

LARGEST_RATE = 1e30  # PyTorch's optimizers divide it by small numbers, in float32


@dataclass(frozen=True, kw_only=True)
class OptimizerSettings:
    """The optimizer and the course of its learning rate.

    Parameters
    ----------
    kind
        Optimizer.
    learning_rate
        At its peak, positive, to 1e30.
    weight_decay
        From 0; decoupled with adamw.
    delay_rate
        Of learned delays, in multiples of learning_rate, from 0 (they stay as they began).
    momentum
        Of sgd, 0 to below 1.
    clip_norm
        Largest norm of the gradient of all weights, positive; no limit if left out.
    schedule
        Course of the learning rate: constant; cosine (down to final_share); one-cycle (up
        over 30 % of the steps, then down); plateau (cut when validation no longer gains).
    warm_up_steps
        Steps over which the rate rises from 0; not used by one-cycle, which has its own.
    final_share
        Of the peak, what is left at the end of cosine and one-cycle, 0..1.
    plateau_factor
        What a plateau multiplies the rate by, above 0, below 1.
    plateau_patience
        Epochs without a gain that make a plateau.
    """

    kind: OptimizerKind = OptimizerKind.ADAMW
    learning_rate: float = 4e-3
    weight_decay: float = 0.01
    delay_rate: float = 50.0
    momentum: float = 0.9
    clip_norm: float | None = 1.0
    schedule: ScheduleKind = ScheduleKind.ONE_CYCLE
    warm_up_steps: int = 0
    final_share: float = 1e-3
    plateau_factor: float = 0.5
    plateau_patience: int = 3

    def __post_init__(self) -> None:
        member("[optimizer] kind", self.kind, OptimizerKind)
        member("[optimizer] schedule", self.schedule, ScheduleKind)
        number("[optimizer] learning_rate", self.learning_rate, above=0, most=LARGEST_RATE)
        number("[optimizer] weight_decay", self.weight_decay, least=0)
        number("[optimizer] delay_rate", self.delay_rate, least=0, most=LARGEST_RATE)
        number("[optimizer] momentum", self.momentum, least=0, below=1)
        if self.clip_norm is not None:
            number("[optimizer] clip_norm", self.clip_norm, above=0)
        integer("[optimizer] warm_up_steps", self.warm_up_steps, 0, 2**63 - 1)
        number("[optimizer] final_share", self.final_share, least=0, most=1)
        number("[optimizer] plateau_factor", self.plateau_factor, above=0, below=1)
        integer("[optimizer] plateau_patience", self.plateau_patience, 1, 2**31 - 1)
