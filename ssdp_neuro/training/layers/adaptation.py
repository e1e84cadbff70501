"""A threshold that rises with every spike, in training."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from hw_models import RangeError
from hw_models.arithmetic import ALIGN_SHIFT, DECAY_UNITY, STATE_LIMIT
from hw_models.rise_register import nearest_rise
from ssdp_neuro.training.layers.fake_quant import truncate_through


@dataclass(frozen=True, kw_only=True)
class Adaptation:
    """What a neuron's spikes do to its threshold (ALIF, Bellec et al., NeurIPS 2018).

    With ``a`` in thresholds, ``a <- kept * a + strength * spike``, felt from the next step
    on: a neuron fires where ``v > threshold * (1 + a)``. The reset is by the threshold at
    rest. In integers a :class:`hw_models.LifPopulation` with the nearest ``threshold_decay`` to
    ``4096 (1 - kept)`` and ``threshold_rise`` to ``threshold * strength / kept`` is the same
    neuron; its reset is by the threshold at rest, too.

    Parameters
    ----------
    kept
        Share of the rise that remains after a step, in [0, 1); in integers the nearest of 12
        bits, which may be neither 0 nor 1.
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

    def registers(self, threshold: int) -> tuple[int, int]:
        """``threshold_rise`` and ``threshold_decay`` beside a threshold's register.

        Raises
        ------
        RangeError
            If the nearest do not fit, or are none at all.
        """
        rise, decay = nearest_rise(self.strength * threshold, self.kept)
        return int(rise), int(decay)

    def after_on_chip(self, adapted: Tensor | None, fired: Tensor, threshold: int) -> Tensor:
        """The rise after the spikes of a step and its decay, as integer neurons have it.

        Parameters
        ----------
        adapted : float64, shape (B, ...)
            In the unit of the membrane potential; None before the first step.
        fired : 0 and 1, shape (B, ...)
        threshold
            Of the register.
        """
        rise, decay = self.registers(threshold)
        added = float(rise << ALIGN_SHIFT) * fired.double()
        risen = added if adapted is None else adapted + added
        kept = (DECAY_UNITY - decay) / DECAY_UNITY
        return truncate_through(risen.clamp(max=STATE_LIMIT - 1) * kept)
