"""Neurons whose eligibility e-prop needs: their constants, checked at the door.

References
----------
LIF, ALIF: Bellec et al., Nat. Commun. 11, 2020. STDP-LIF, Izhikevich: Traub et al., arXiv
2006.09988. The neuron itself: Izhikevich, IEEE Trans. Neural Netw. 14(6), 2003.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from hw_models import RangeError, TypeMismatchError
from hw_models.choices import member
from hw_models.eprop import ResetEligibility
from hw_models.errors import brief
from hw_models.integers import integer

LONGEST_REFRACTORY = 2**20


@dataclass(frozen=True, kw_only=True)
class SoftResetLif:
    """Leaky integrate-and-fire that loses its threshold with a spike.

        v <- alpha v + w x - threshold z;  spike where v >= threshold, ``refractory`` steps apart

    Parameters
    ----------
    alpha
        Share of the membrane potential that remains after a step, 0 to below 1.
    threshold
        Positive, in the unit of the weights.
    gamma
        Height of the pseudo-derivative, in thresholds; positive.
    refractory
        Steps after a spike in which no other is sent and the pseudo-derivative is 0; the
        membrane goes on.

    Raises
    ------
    RangeError, TypeMismatchError
    """

    alpha: float = 0.9
    threshold: float = 1.0
    gamma: float = 0.3
    refractory: int = 0

    def __post_init__(self) -> None:
        _check_leaky(self)


@dataclass(frozen=True, kw_only=True)
class AdaptiveLif(SoftResetLif):
    """The same with a threshold that rises with every spike and falls back.

        a <- rho a + z (of the step before);  spike where v >= threshold + beta a

    Parameters
    ----------
    rho
        Share of the adaptation that remains after a step, 0 to below 1.
    beta
        Rise of the threshold with a spike, >= 0.
    """

    rho: float = 0.99
    beta: float = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        _number(self, "rho", least=0, below=1)
        _number(self, "beta", least=0)


@dataclass(frozen=True, kw_only=True)
class StdpLif:
    """Leaky integrate-and-fire that is cleared with a spike and again after its refractory period.

        v <- alpha v (1 - z of the step before - z of refractory + 1 steps before) + w x

    Parameters
    ----------
    alpha, threshold, gamma, refractory
        As for :class:`SoftResetLif`.
    psi_refractory
        Pseudo-derivative in the refractory period, 0 or negative. No derivative of anything: it
        makes sources that fire after the neuron count against it. Public code after the paper has
        ``-gamma``; with an error that can be positive in the period, less than ``-gamma / 2``
        can run away, and ``-gamma / 3`` did not in what was tried.
    reset_eligibility
        What the two resets do to the eligibility.
    """

    alpha: float = 0.9
    threshold: float = 1.0
    gamma: float = 0.3
    refractory: int = 5
    psi_refractory: float = 0.0
    reset_eligibility: ResetEligibility = ResetEligibility.EXACT

    def __post_init__(self) -> None:
        _check_leaky(self)
        _number(self, "psi_refractory", most=0)
        member("StdpLif.reset_eligibility", self.reset_eligibility, ResetEligibility)


@dataclass(frozen=True, kw_only=True)
class IzhikevichNeuron:
    """Izhikevich's neuron by Euler steps; a reset is felt at the begin of the next step.

        v <- v + dt (0.04 v^2 + 5 v + 140 - u + w x);  u <- u + dt a (b v - u)
        spike where v >= peak; then v <- c, u <- u + d

    Its eligibility is experimental: under tonic firing it grows 2 to 4 times with every spike, so
    it needs a bound.

    Parameters
    ----------
    a, b, c, d
        Of the paper; as given, regular spiking.
    dt
        Length of a step, ms; positive.
    peak
        Where the neuron fires, mV; above ``c``.
    gamma
        Pseudo-derivative at the peak; positive.
    clamp
        Bound of both parts of the eligibility, positive; ``math.inf`` lets it grow. Without one
        there is no eligibility.
    """

    a: float = 0.02
    b: float = 0.2
    c: float = -65.0
    d: float = 8.0
    dt: float = 0.5
    peak: float = 30.0
    gamma: float = 0.3
    clamp: float | None = None

    def __post_init__(self) -> None:
        for field in ("a", "b", "c", "d"):
            _number(self, field)
        _number(self, "dt", above=0)
        _number(self, "gamma", above=0)
        _number(self, "peak", above=self.c)
        if self.clamp is not None and self.clamp != math.inf:
            _number(self, "clamp", above=0)


LeakyNeuron = SoftResetLif | AdaptiveLif | StdpLif
SpikingNeuron = LeakyNeuron | IzhikevichNeuron


def _check_leaky(neuron: Any) -> None:
    _number(neuron, "alpha", least=0, below=1)
    _number(neuron, "threshold", above=0)
    _number(neuron, "gamma", above=0)
    where = f"{type(neuron).__name__}.refractory"
    steps = integer(where, neuron.refractory, 0, LONGEST_REFRACTORY)
    object.__setattr__(neuron, "refractory", steps)


def _number(
    record: Any,
    field: str,
    *,
    least: float = -math.inf,
    most: float = math.inf,
    above: float = -math.inf,
    below: float = math.inf,
) -> None:
    """Check one real field, and keep it as a float."""
    where, value = f"{type(record).__name__}.{field}", getattr(record, field)
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise TypeMismatchError(f"{where}: {brief(value)}; a number is needed")
    if not (math.isfinite(value) and least <= value <= most and above < value < below):
        bounds = {">=": least, "<=": most, ">": above, "<": below}
        allowed = " and ".join(f"{sign} {b}" for sign, b in bounds.items() if math.isfinite(b))
        raise RangeError(f"{where}: {value}; allowed finite numbers {allowed}".rstrip())
    object.__setattr__(record, field, float(value))
