"""A threshold that rises with every spike, in training."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from hw_models import RangeError


@dataclass(frozen=True, kw_only=True)
class Adaptation:
    """What a neuron's spikes do to its threshold (ALIF, Bellec et al., NeurIPS 2018).

    With ``a`` in thresholds, ``a <- kept * a + strength * spike``, felt from the next step
    on: a neuron fires where ``v > threshold * (1 + a)``. The reset is by the threshold at
    rest. Conversions refuse it; a :class:`hw_models.LifPopulation` with ``threshold_decay`` of
    ``4096 (1 - kept)`` and ``threshold_rise`` of ``threshold * strength / kept`` is the same
    neuron in integers.

    Parameters
    ----------
    kept
        Share of the rise that remains after a step, in [0, 1).
    strength
        Rise by one spike, in thresholds; positive.
    """

    kept: float = 0.97
    strength: float = 0.2

    def __post_init__(self) -> None:
        if not 0 <= self.kept < 1:
            raise RangeError(f"Adaptation.kept: {self.kept}; allowed 0 to below 1")
        if not 0 < self.strength < float("inf"):
            raise RangeError(f"Adaptation.strength: {self.strength}; a positive number is needed")

    def after(self, adapted: Tensor | None, fired: Tensor) -> Tensor:
        """The rise after the spikes of a step; None before the first one."""
        before = torch.zeros_like(fired) if adapted is None else adapted
        return self.kept * before + self.strength * fired
