"""What e-prop keeps of one matrix of weights: traces of its sources, and eligibility of synapses.

With ``x`` what a source sends, felt by a :class:`CubaLif`, spikes held fixed:

    c   <- current_kept c + x                          a number of a source
    eps <- voltage_kept eps + c                        the derivative of v by the weight
    e   =  psi (eps - threshold eps_a)                 credit of the step
    eps_a <- kept eps_a + strength slope (eps - threshold eps_a)

``eps_a``, the derivative of the rise of an adaptive threshold (Bellec et al., Nat. Commun. 11,
2020), belongs to a synapse and a sample; without adaptation there is none. ``slope`` is the
surrogate's, 0 while a neuron rests, and ``psi`` the same but for ``psi_refractory`` while it rests.
A reset to zero clears ``eps`` too, and so does the end of the refractory period: with EXACT
``eps`` is then of a synapse, with TIME_STAMP of a source's last spike if that came after the
reset, and with NONE a reset leaves it as it is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor

from hw_models import RangeError
from hw_models.choices import member
from hw_models.eprop import ResetEligibility
from ssdp_neuro.training.layers.adaptation import Adaptation


@dataclass(frozen=True, kw_only=True)
class ResetCredit:
    """What resets and refractory periods do to eligibility, as :class:`rules.eprop.StdpLif` has it.

    Parameters
    ----------
    eligibility
        What a reset does to the eligibility of a synapse. NONE takes a number for each source, the
        others one for each synapse and sample while they are used (TIME_STAMP keeps none of them).
    psi_refractory
        Pseudo-derivative in refractory periods, in thresholds as the surrogate's slope is, 0 or
        negative.

    Raises
    ------
    RangeError, TypeMismatchError
    """

    eligibility: ResetEligibility = ResetEligibility.NONE
    psi_refractory: float = 0.0

    def __post_init__(self) -> None:
        member("ResetCredit.eligibility", self.eligibility, ResetEligibility)
        if not (math.isfinite(self.psi_refractory) and self.psi_refractory <= 0):
            raise RangeError(
                f"ResetCredit.psi_refractory: {self.psi_refractory}; allowed finite numbers to 0"
            )


class SynapticTrace(NamedTuple):
    """Of every source after a step, ``(B, n_pre)``."""

    current: Tensor
    voltage: Tensor
    age: Tensor  # steps since its last spike


class TargetStep(NamedTuple):
    """What a layer's neurons leave for learning in a step, each ``(B, n_post)``.

    ``eps <- held eps + let_in c`` of a synapse, where a reset matters; ``since_reset`` is in steps.
    """

    slope: Tensor
    psi: Tensor
    held: Tensor
    let_in: Tensor
    since_reset: Tensor


class FilteredSource:
    """Two filters in a row of what arrives from each source."""

    def __init__(self, rest: Tensor, *, stamped: bool) -> None:
        self.stamped = stamped
        self.current = self.voltage = rest
        self.age = torch.full_like(rest, torch.inf)

    def hear(self, felt: Tensor, current_kept: Tensor, voltage_kept: Tensor) -> SynapticTrace:
        """Traces after a step in which ``felt`` arrives; of the last spike alone if stamped."""
        self.current = current_kept * self.current + felt
        self.voltage = voltage_kept * self.voltage + self.current
        if self.stamped:
            spiked = felt != 0
            self.current = torch.where(spiked, felt, self.current)
            self.voltage = torch.where(spiked, felt, self.voltage)
            self.age = torch.where(spiked, 0.0, self.age + 1.0)
        return SynapticTrace(self.current, self.voltage, self.age)


class Eligibility:
    """The gradient of one matrix of weights, added up step by step.

    Parameters
    ----------
    like : shape (n_post, n_pre)
        The weights.
    threshold
        At rest.
    adaptation
        Of the neurons; None for none.
    reset
        What a reset does to ``eps``.
    """

    def __init__(
        self,
        like: Tensor,
        threshold: float,
        adaptation: Adaptation | None,
        reset: ResetEligibility,
    ) -> None:
        self.total, self.reset = torch.zeros_like(like), reset
        self.threshold, self.adaptation = threshold, adaptation
        self._by_voltage: Any = 0.0  # of synapses, where a reset clears it
        self._by_rise: Any = 0.0

    def learn(self, signal: Tensor, target: TargetStep, source: SynapticTrace) -> None:
        """Add a step.

        Parameters
        ----------
        signal : shape (B, n_post)
            Derivative of the error by the spikes of the step.
        target, source
            Of the step; steps come in order, from the first on.

        Mutates
        -------
        total, and the eligibility of synapses
        """
        if self.reset is ResetEligibility.NONE and self.adaptation is None:
            self.total += (signal * target.psi).T @ source.voltage
            return
        by_voltage = self._voltage(target, source)
        by_state = by_voltage - self.threshold * self._by_rise
        # one number of a synapse is made of all samples at once
        self.total += torch.einsum("bi,bij->ij", signal * target.psi, by_state)
        if self.adaptation is not None:
            kept, strength = self.adaptation.kept, self.adaptation.strength
            self._by_rise = kept * self._by_rise + strength * target.slope[..., None] * by_state

    def _voltage(self, target: TargetStep, source: SynapticTrace) -> Tensor:
        """``eps`` of every synapse, ``(B, n_post, n_pre)``."""
        if self.reset is ResetEligibility.EXACT:
            arriving = target.let_in[..., None] * source.current[:, None]
            self._by_voltage = target.held[..., None] * self._by_voltage + arriving
            return self._by_voltage
        by_voltage = source.voltage[:, None].expand(-1, target.psi.shape[1], -1)
        if self.reset is ResetEligibility.TIME_STAMP:
            by_voltage = by_voltage * (source.age[:, None] <= target.since_reset[..., None])
        return by_voltage
