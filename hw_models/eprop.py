"""Parameters of integer e-prop on a projection: what the chip keeps and how it rounds.

In every step a source ``i`` has a trace ``m`` of what it sent, a target ``j`` a pseudo-derivative
``psi`` of its spike by its membrane potential and a learning signal ``L``, and

    product = -L[j] * psi[j] * m[i]
    weight <- saturate(weight + floor((product + bits) / 2**shift), weight_low, weight_high)

with ``shift`` random bits. Nothing is kept for a synapse but its weight; with time stamps, sources
and targets keep one each.
docs/explanation/integer_eprop.md has the order of steps.

References
----------
e-prop: Bellec et al., Nat. Commun. 11, 2020. Time stamps and the refractory constant:
after Traub et al., arXiv 2006.09988.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any

import numpy as np

from hw_models.arrays import integer_array
from hw_models.choices import member
from hw_models.errors import InputError, RangeError, ShapeError, TypeMismatchError
from hw_models.integers import integer
from hw_models.populations import LifPopulation, ResetMode
from hw_models.records import FrozenRecord

SIGNAL_HIGH = 255
MOST_STEPS = 2**32  # of a network's life: a word of the key of the rounding
PSI_BITS, RESTING_BITS, SIGNAL_BITS, STAMP_BITS = 5, 6, 9, 8


class ResetEligibility(enum.Enum):
    """What a reset of the membrane does to the eligibility of its synapses."""

    NONE = "none"  # nothing: a trace for each source, O(neurons)
    EXACT = "exact"  # clears it, as the membrane's derivative does: O(synapses)
    TIME_STAMP = "time-stamp"  # counts only a source's last spike, if after it: O(neurons)


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class EpropParams(FrozenRecord):
    """Integer e-prop of one dense or sparse projection; see the module for the equation.

    Through a synapse with a delay ``d``, what a source sent is felt ``d`` steps later, by weight
    and rule alike: its trace is that of ``d`` steps before.

    The population to which a rule without ``feedback`` leads is *taught*: a network has one. A
    neuron's error is the trace of its own spikes less ``wanted`` if it is the sample's label, and
    that is its learning signal. With ``feedback`` the learning signal of a target is
    ``floor(feedback @ error / 2**feedback_shift)``, saturated to -255..255.

    Parameters
    ----------
    shift
        Right shift of signal x pseudo-derivative x trace, 0..31.
    psi_levels
        Levels of the pseudo-derivative above 0, and its value at the threshold, 1..15.
    psi_shift
        It falls by one for each ``2**psi_shift`` between the membrane potential, on the membrane's
        scale, and the threshold; 0..30.
    psi_refractory
        Its value in the refractory period, ``-psi_levels``..0.
    reset_eligibility
        ``NONE``, or ``TIME_STAMP``: only the last spike of a source counts, and only if it
        arrived after the target's last reset. Resets are in the step after a spike and, for what
        came in while the membrane was held, in the step after its refractory period. So with a
        negative ``psi_refractory`` what arrives in this period counts against its weight, and
        nothing else does. It needs targets whose spikes reset to zero.
    decay_shift
        Traces lose a part of ``2**-decay_shift``, rounded up, in a step; 1..7.
    trace_bits
        Width of a trace, 4..8.
    impulse
        What a spike adds to a trace, or sets it to with time stamps; 1..2**trace_bits - 1. A trace
        of errors always adds.
    weight_low, weight_high
        Saturation of the weight mantissa, -128..127.
    wanted
        Without feedback: trace that the neuron of the label should have, 0..2**trace_bits - 1.
    feedback
        Weights -128..127 from the taught neurons to the targets, ``(n_post, n_taught)``; None if
        the projection leads to the taught population.
    feedback_shift
        0..20; 0 without feedback.

    Raises
    ------
    RangeError, ShapeError, TypeMismatchError
    """

    shift: int
    psi_levels: int = 4
    psi_shift: int = 11
    psi_refractory: int = 0
    reset_eligibility: ResetEligibility = ResetEligibility.NONE
    decay_shift: int = 3
    trace_bits: int = 8
    impulse: int = 32
    weight_low: int = -128
    weight_high: int = 127
    wanted: int = 0
    feedback: Any = None
    feedback_shift: int = 0

    def __post_init__(self) -> None:
        put = object.__setattr__
        where = "EpropParams"
        for field, low, high in (("psi_levels", 1, 15), ("trace_bits", 4, 8)):
            put(self, field, integer(f"{where}.{field}", getattr(self, field), low, high))
        member(f"{where}.reset_eligibility", self.reset_eligibility, ResetEligibility)
        if self.reset_eligibility is ResetEligibility.EXACT:
            raise TypeMismatchError(
                f"{where}.reset_eligibility: EXACT keeps a number for each synapse;"
                " allowed NONE and TIME_STAMP"
            )
        is_taught = self.feedback is None
        for field, low, high in (
            ("shift", 0, 31),
            ("psi_shift", 0, 30),
            ("psi_refractory", -self.psi_levels, 0),
            ("decay_shift", 1, 7),
            ("impulse", 1, self.trace_high),
            ("weight_low", -128, 127),
            ("weight_high", -128, 127),
            ("wanted", 0, self.trace_high if is_taught else 0),
            ("feedback_shift", 0, 0 if is_taught else 20),
        ):
            put(self, field, integer(f"{where}.{field}", getattr(self, field), low, high))
        if self.weight_low > self.weight_high:
            raise RangeError(
                f"{where}.weight_low: {self.weight_low}; allowed up to weight_high"
                f" = {self.weight_high}"
            )
        if not is_taught:
            feedback = integer_array(f"{where}.feedback", self.feedback, -128, 127, np.int8)
            if feedback.ndim != 2:
                raise ShapeError(
                    f"{where}.feedback: shape {feedback.shape}; (n_post, n_taught) is needed"
                )
            put(self, "feedback", feedback)

    @property
    def trace_high(self) -> int:
        """Highest value of a trace."""
        return (1 << self.trace_bits) - 1

    @property
    def stamped(self) -> bool:
        """Whether only a source's last spike counts, and only after the last reset."""
        return self.reset_eligibility is ResetEligibility.TIME_STAMP

    def state_bits(self, n_pre: int, n_post: int, longest_delay: int = 0) -> int:
        """Bits kept beside the weights; synapses have none, sources a trace for each delay."""
        of_target = PSI_BITS + RESTING_BITS + SIGNAL_BITS
        if self.feedback is None:
            of_target += self.trace_bits
        stamp = STAMP_BITS if self.stamped else 0
        of_source = (self.trace_bits + stamp) * (longest_delay + 1) + 1
        return n_pre * of_source + n_post * (of_target + stamp)


def taught_population(network: Any) -> LifPopulation:
    """The population that a network's rules of e-prop teach.

    Raises
    ------
    InputError
        If there is none, or several, or its rules make different errors of it.
    ShapeError
        If feedback does not come from as many neurons.
    TypeMismatchError
        If a target has a periodic reset, which ends refractory periods unseen by the rule, or a
        reset by subtraction beside time stamps.
    """
    learned = [p for p in network.projections if isinstance(_rule(p), EpropParams)]
    direct = [p for p in learned if _rule(p).feedback is None]
    names = sorted({p.target for p in direct})
    if len(names) != 1:
        raise InputError(
            f"e-prop: rules without feedback lead to {names}; one population is taught"
        )
    taught: LifPopulation = network.population(names[0])
    fields = ("decay_shift", "trace_bits", "impulse", "wanted")
    if len({tuple(getattr(_rule(p), field) for field in fields) for p in direct}) > 1:
        raise InputError(f"{names[0]}: rules that teach it differ in one of {', '.join(fields)}")
    for projection in learned:
        target, rule = network.population(projection.target), _rule(projection)
        if target.reset_interval:
            raise TypeMismatchError(
                f"{projection.name}.plasticity: e-prop of {target.name!r}, which has"
                f" reset_interval {target.reset_interval}; allowed is 0"
            )
        if rule.stamped and target.reset is not ResetMode.ZERO:
            raise TypeMismatchError(
                f"{projection.name}.plasticity.reset_eligibility: TIME_STAMP of {target.name!r},"
                " whose reset by subtraction leaves the eligibility as it is; allowed is NONE"
            )
        if rule.feedback is not None and rule.feedback.shape[1] != taught.n_neurons:
            raise ShapeError(
                f"{projection.name}.plasticity.feedback: shape {rule.feedback.shape};"
                f" {taught.n_neurons} taught neurons in {taught.name!r}"
            )
        if rule.feedback is not None and rule.feedback.shape[0] != target.n_neurons:
            raise ShapeError(
                f"{projection.name}.plasticity.feedback: shape {rule.feedback.shape};"
                f" {target.n_neurons} rows are needed"
            )
    return taught


def error_rule(network: Any) -> EpropParams:
    """The rule that says what the taught population's error is."""
    taught = taught_population(network).name
    return next(
        _rule(p)
        for p in network.projections
        if p.target == taught and isinstance(_rule(p), EpropParams) and _rule(p).feedback is None
    )


def _rule(projection: Any) -> Any:
    return getattr(projection, "plasticity", None)
