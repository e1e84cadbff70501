"""Ready rules of the chip's learning engine: functions that return a :class:`LearningRule`.

Scales are exact: a mantissa 0..7 times a power of two, 2^-7..2^8. Others are refused with the
nearest one named, where Lava's ready rules round them without a word (0.7 to 0.5, 1.5 to 2).
Everything else of a rule (``sign_mode``, ``random_stream``, ``seed``, ``epoch`` where it is not
fixed) passes through. A product of two traces is 8 times smaller on the chip than on paper, one
of a tag and a trace 32 times: see docs/explanation/learning_engine.md.
"""

from __future__ import annotations

from typing import Any

from hw_models import LearningRule, LearningRuleError, PostTraces, RangeError, TraceConfiguration
from hw_models.errors import brief
from hw_models.integers import integer

# decays and impulses of two traces whose difference is closest to a Gaussian of this width
SYNCHRONY_WINDOWS = {
    1: (0.61, 0.30, 127, 110),
    2: (1.25, 0.76, 127, 112),
    4: (2.53, 1.40, 127, 110),
}


def pair_stdp(
    potentiation: float,
    depression: float,
    tau_plus: float,
    tau_minus: float,
    impulse: float = 64,
    **others: Any,
) -> LearningRule:
    """Pair STDP: a source's trace adds at a target's spike, a target's subtracts at a source's.

    Parameters
    ----------
    potentiation, depression
        Change of the weight per unit of a trace.
    tau_plus, tau_minus
        Time constants of the source's and of the target's trace, in steps.
    impulse
        Of both traces.
    others
        Fields of :class:`LearningRule`.

    Raises
    ------
    LearningRuleError
        If a scale is not exact.

    Examples
    --------
    >>> pair_stdp(potentiation=0.25, depression=0.375, tau_plus=10, tau_minus=20).equation("dw")
    '2^-2 * y0 * x1 - 3 * 2^-3 * x0 * y1'
    """
    return LearningRule(
        dw=f"{_scale('potentiation', potentiation)} * y0 * x1"
        f" - {_scale('depression', depression)} * x0 * y1",
        x1=TraceConfiguration(impulse, tau_plus),
        y1=TraceConfiguration(impulse, tau_minus),
        **others,
    )


def triplet_stdp(
    pair_potentiation: float,
    triplet_potentiation: float,
    depression: float,
    tau_plus: float,
    tau_minus: float,
    tau_slow: float,
    impulse: int = 64,
    slow_impulse: int = 32,
    **others: Any,
) -> LearningRule:
    """Triplet STDP in its minimal form: potentiation grows with the target's earlier spikes.

    At a target's spike the weight rises by ``x1 * (pair + triplet * y2 / 8)``, y2 the slow trace
    of the target without that spike (the chip reads it with its impulse, which is subtracted);
    at a source's spike it falls by ``depression * y1``. Exact while y2 does not saturate.

    Parameters
    ----------
    pair_potentiation, triplet_potentiation, depression
        Scales; of the triplet's product, an eighth acts.
    tau_plus, tau_minus, tau_slow
        Time constants of x1, y1 and y2, in steps.
    impulse, slow_impulse
        Of x1 and y1; of y2, a whole number 0..127.
    others
        Fields of :class:`LearningRule`.

    References
    ----------
    Pfister and Gerstner, J. Neurosci. 26(38), 2006.
    """
    slow = integer("triplet_stdp: slow_impulse", slow_impulse, 0, 127)
    return LearningRule(
        dw=f"{_scale('pair_potentiation', pair_potentiation)} * y0 * x1"
        f" + {_scale('triplet_potentiation', triplet_potentiation)} * y0 * x1 * (y2 - {slow})"
        f" - {_scale('depression', depression)} * x0 * y1",
        x1=TraceConfiguration(impulse, tau_plus),
        y1=TraceConfiguration(impulse, tau_minus),
        y2=TraceConfiguration(slow, tau_slow),
        **others,
    )


def reward_modulated_stdp(
    potentiation: float,
    depression: float,
    tag_decay: float,
    learning_rate: float,
    tau_plus: float,
    impulse: float = 64,
    decimation: int = 0,
    **others: Any,
) -> LearningRule:
    """Reward-modulated STDP: pairs write a tag that fades; a reward makes weights of tags.

    The form of Lava's ``RewardModulatedSTDP``, three factors: the target sends its own trace as
    y1 and the reward as y2, in every step.

    Parameters
    ----------
    potentiation, depression
        Change of the tag per unit of the source's trace x1, and of y1.
    tag_decay
        Part of the tag that an update takes away, above 0 and up to 1.
    learning_rate
        Change of the weight per tag and reward; a 32nd of it acts.
    tau_plus, impulse
        Of the source's trace.
    decimation
        Tags fade, and rewards act, in every ``2**decimation``-th epoch, 0..9.
    others
        Fields of :class:`LearningRule`.

    References
    ----------
    Fremaux and Gerstner, Front. Neural Circuits 9, 2016.
    """
    if not 0 < tag_decay <= 1:
        raise RangeError(f"reward_modulated_stdp: tag_decay: {tag_decay}; allowed above 0 up to 1")
    due = f"u{integer('reward_modulated_stdp: decimation', decimation, 0, 9)}"
    return LearningRule(
        dw=f"{_scale('learning_rate', learning_rate)} * {due} * t * y2",
        dt=f"{_scale('potentiation', potentiation)} * y0 * x1"
        f" - {_scale('depression', depression)} * x0 * y1"
        f" - {_scale('tag_decay', tag_decay)} * {due} * t",
        x1=TraceConfiguration(impulse, tau_plus),
        post_traces=PostTraces.SENT,
        **others,
    )


def synchrony_window(width: int, scale: float = 0.125, **others: Any) -> LearningRule:
    """The Gaussian window of synchrony, by the difference of two traces on either side.

    An approximation: within 2 to 6 % of the peak for one spike of each neuron. With several
    spikes of a neuron in a sample it is not the rule of first spikes (SSDP, DA-SSDP): their
    correlation falls with the rate, from 0.77 at 2 % to 0.02 at 15 % (width 1, 16 steps). There is
    no event for neurons that stay silent, and traces must fade between samples.

    Parameters
    ----------
    width
        Standard deviation in steps: 1, 2 or 4.
    scale
        Change of the weight per unit of a trace, up to 1: the peak, both neurons in one step, is
        ``2 * scale * 17`` (width 2: 15). More than 1 saturates a product, and the peak is lost.
    others
        Fields of :class:`LearningRule`; the epoch is one step.
    """
    if width not in SYNCHRONY_WINDOWS:
        raise RangeError(f"synchrony_window: width: {brief(width)}; allowed 1, 2 and 4")
    if not 0 < scale <= 1:
        raise RangeError(f"synchrony_window: scale: {brief(scale)}; allowed above 0 up to 1")
    tau_slow, tau_fast, impulse_slow, impulse_fast = SYNCHRONY_WINDOWS[width]
    slow = TraceConfiguration(impulse_slow, tau_slow)
    fast = TraceConfiguration(impulse_fast, tau_fast)
    text = _scale("scale", scale)
    return LearningRule(
        dw=f"{text} * y0 * x1 - {text} * y0 * x2 + {text} * x0 * y1 - {text} * x0 * y2",
        x1=slow,
        x2=fast,
        y1=slow,
        y2=fast,
        epoch=1,
        **others,
    )


def eprop_in_three_factors(
    eligibility: float,
    fading: float,
    learning_rate: float,
    tau_membrane: float,
    impulse: float = 64,
    **others: Any,
) -> LearningRule:
    """e-prop of LIF neurons: an eligibility in the tag, and a learning signal as third factor.

    In every epoch the tag rises by the source's trace, filtered as the membrane filters spikes,
    times the pseudo-derivative, which the target sends as y1; it fades, as the readout's filter
    does; the weight rises by the tag times y2 and falls by the tag times y3, the positive and
    the negative part of the learning signal, which the target sends too.

    Parameters
    ----------
    eligibility
        Change of the tag per trace and pseudo-derivative; an eighth of it acts.
    fading
        Part of the tag that an epoch takes away, above 0 and up to 1.
    learning_rate
        Change of the weight per tag and learning signal; a 32nd of it acts.
    tau_membrane, impulse
        Time constant of the source's trace in steps, and what a spike adds to it.
    others
        Fields of :class:`LearningRule`; the epoch is one step.

    References
    ----------
    Bellec et al., Nat. Commun. 11, 2020. For the engine's own integer form, without a tag for
    each synapse, see :class:`hw_models.EpropParams`.
    """
    if not 0 < fading <= 1:
        raise RangeError(f"eprop_in_three_factors: fading: {fading}; allowed above 0 up to 1")
    rate = _scale("learning_rate", learning_rate)
    return LearningRule(
        dw=f"{rate} * u0 * t * y2 - {rate} * u0 * t * y3",
        dt=f"{_scale('eligibility', eligibility)} * u0 * x1 * y1"
        f" - {_scale('fading', fading)} * u0 * t",
        x1=TraceConfiguration(impulse, tau_membrane),
        post_traces=PostTraces.SENT,
        epoch=1,
        **others,
    )


def homeostasis(
    rise: float, fall: float, tau: float, impulse: float = 16, decimation: int = 4, **others: Any
) -> LearningRule:
    """Weights of a target that fires too little rise, those of one that fires too much fall.

    In every ``2**decimation``-th epoch each weight rises by ``rise`` and falls by ``fall * y1``,
    y1 the target's running rate: it rests where y1 is ``rise / fall``. The same two products can
    stand in another rule, whose y1 has such a time constant.

    Parameters
    ----------
    rise
        Change of the weight.
    fall
        Change of the weight per unit of the trace.
    tau, impulse
        Time constant of y1, in steps, and what a spike adds to it: its mean is about
        ``impulse * tau`` times the spikes per step; it cannot be above 127.
    decimation
        0..9.
    others
        Fields of :class:`LearningRule`.
    """
    due = f"u{integer('homeostasis: decimation', decimation, 0, 9)}"
    return LearningRule(
        dw=f"{_scale('rise', rise)} * {due} - {_scale('fall', fall)} * {due} * y1",
        y1=TraceConfiguration(impulse, tau),
        **others,
    )


def _scale(name: str, value: float) -> str:
    """A scale as text; its exactness is judged where the equation is read."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 2048:
        raise LearningRuleError(f"{name}: {brief(value)}; a number 0..1792 is needed")
    exact = f"{float(value)!r}"
    if "e" in exact:
        raise LearningRuleError(f"{name}: {exact}; the smallest scale but 0 is 2^-7 = 0.0078125")
    return exact
