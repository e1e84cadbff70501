"""Losses, gradients and weights that are no longer numbers end a run, with what to do about it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import nn

from ssdp_neuro.training.run.errors import TrainingError
from ssdp_neuro.training.run.run_folder import BEST, RunFolder


@dataclass(frozen=True, kw_only=True)
class Whereabouts:
    """Where a run is, for a message.

    Parameters
    ----------
    step, epoch
        Of the optimizer, from 0.
    learning_rate
        Of the last step.
    has_rule
        Whether a rule changes weights as well.
    folder
        Of the run, or ``None``.
    """

    step: int
    epoch: int
    learning_rate: float
    has_rule: bool
    folder: RunFolder | None


def refuse_not_finite(what: str, value: float, where: Whereabouts) -> None:
    """Refuse to go on with a value that is no number.

    Raises
    ------
    TrainingError
        Says where the run is, what may help, and which checkpoint is left.
    """
    if not math.isfinite(value):
        raise TrainingError(f"the {what} became {value} {_advice(where)}")


def refuse_weights_not_finite(model: nn.Module, where: Whereabouts) -> None:
    """Refuse to store a model with tensors that are no numbers.

    Raises
    ------
    TrainingError
        Names the first tensor, and says as much.
    """
    for name, value in model.state_dict().items():
        if not isinstance(value, torch.Tensor) or not value.is_floating_point():
            continue
        if not bool(torch.isfinite(value).all()):
            raise TrainingError(f"{name} is no longer finite everywhere {_advice(where)}")


def _advice(where: Whereabouts) -> str:
    weaker = ", or [rule] a_plus" if where.has_rule else ""
    text = (
        f"at step {where.step} (epoch {where.epoch}), with a learning rate of"
        f" {where.learning_rate:.3g}. Lower [optimizer] learning_rate, or clip_norm{weaker}, or"
        " give it more warm_up_steps."
    )
    if where.folder is None:
        return text
    if (where.folder.path / BEST).exists():
        text += f" A new run can begin with {where.folder.path / BEST} by [model] start_from."
    steps = where.folder.steps()
    if steps:
        text += f" The last checkpoint, of step {steps[-1]}, is as it was."
    return text
