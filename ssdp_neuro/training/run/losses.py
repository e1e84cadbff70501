"""What a network's output is worth: scores of the classes, losses and decisions."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from hw_models import ShapeError
from ssdp_neuro.decision import decide
from ssdp_neuro.training.run.choices import LossKind


def class_scores(output: Tensor, kind: LossKind, spike_weight: float = 1.0) -> Tensor:
    """Scores ``(B, classes)``, float32, of spikes ``(B, T, ...)`` or of scores as they are.

    Raises
    ------
    ShapeError
        If the output is something else.

    Notes
    -----
    For the latency a spike in step ``t`` of ``T`` weighs ``2 (T - t) / (T + 1)``: 1 on average.
    All spikes weigh ``spike_weight`` times that.
    """
    if not isinstance(output, Tensor) or output.ndim < 2:
        found = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
        raise ShapeError(
            f"the model gave {found}; a tensor (B, T, classes) or (B, classes) is needed"
        )
    if output.ndim == 2:
        return output.float()
    fired = output.float().flatten(2) * spike_weight
    if kind is LossKind.COUNTS:
        return fired.sum(1)
    n_steps = fired.shape[1]
    weights = torch.arange(n_steps, 0, -1, device=fired.device) * (2.0 / (n_steps + 1))
    return (fired * weights[:, None]).sum(1)


def sample_losses(scores: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy of each sample, ``(B,)``."""
    return functional.cross_entropy(scores, labels, reduction="none")


def sample_weights(labels: np.ndarray, n_classes: int, balance: float) -> Tensor | None:
    """What a sample of each class counts in the loss, float32 ``(n_classes,)``, 1 on average.

    Parameters
    ----------
    labels : integers, shape (N,)
        Of the training samples.
    n_classes
        Labels are below it.
    balance
        Power of how rare a class is, 0..1; None comes back for 0.
    """
    if not balance:
        return None
    counts = np.bincount(labels, minlength=n_classes)
    weights = (len(labels) / np.maximum(counts, 1)) ** balance
    return torch.from_numpy(weights / weights[labels].mean()).float()


def decisions(output: Tensor) -> np.ndarray:
    """Class of each sample, int64 ``(B,)``; spikes are decided on as the chip's are.

    Of real numbers ``(B, T, classes)`` the sum over the steps decides.
    """
    if output.ndim == 2:
        return output.argmax(1).cpu().numpy()
    if not bool(((output == 0) | (output == 1)).all()):
        return output.float().flatten(2).sum(1).argmax(1).cpu().numpy()
    return decide(output.flatten(2).cpu().numpy())
