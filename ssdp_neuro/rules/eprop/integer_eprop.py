"""e-prop in integers, with state of neurons only, by docs/explanation/integer_eprop.md.

A layer of neurons is stepped by :func:`eprop_step`, its weights by :func:`eprop_update`, which
takes the learning signal of the same step. Nothing is kept for a synapse but its weight.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from hw_models import RangeError, ResetMode, ShapeError, TypeMismatchError
from hw_models.arithmetic import saturate, shift_stochastic
from hw_models.arrays import integer_array, spike_array
from hw_models.choices import member
from hw_models.integers import integer
from hw_models.random_bits import random_bits
from ssdp_neuro.rules.eprop.spiking_neurons import ResetEligibility

VOLTAGE_LOW, VOLTAGE_HIGH = -(2**15), 2**15 - 1
SIGNAL_HIGH = 255
OLDEST = 255  # ages count no further; every trace has gone before


@dataclass(frozen=True, kw_only=True)
class IntegerEprop:
    """Constants of a layer and of its rule.

    Parameters
    ----------
    threshold
        Of the potential, 1..2**14; reached is enough.
    weight_shift
        A weight counts ``2**weight_shift`` in the potential, 0..8.
    decay_shift
        Potential and traces lose a part of ``2**-decay_shift``, rounded up, in a step; 1..7.
    reset
        ``SUBTRACT`` the threshold, or to ``ZERO``: then also when the refractory period ends.
    refractory
        Steps after a spike without another, 0..63.
    psi_levels
        Levels of the pseudo-derivative above 0, and its value at the threshold, 1..15.
    psi_refractory
        Its value in the refractory period, ``-psi_levels``..0.
    reset_eligibility
        ``NONE`` or ``TIME_STAMP``; the latter with a reset to zero only.
    trace_bits
        Width of a trace, 4..8.
    impulse
        What a spike adds to a trace, or sets it to with time stamps; 1..2**trace_bits - 1.
    shift
        Right shift of signal x pseudo-derivative x trace, 0..31.
    weight_low, weight_high
        Saturation of a weight, -128..127.

    Raises
    ------
    RangeError, TypeMismatchError
    """

    threshold: int = 1024
    weight_shift: int = 3
    decay_shift: int = 3
    reset: ResetMode = ResetMode.ZERO
    refractory: int = 5
    psi_levels: int = 4
    psi_refractory: int = 0
    reset_eligibility: ResetEligibility = ResetEligibility.TIME_STAMP
    trace_bits: int = 8
    impulse: int = 64
    shift: int = 14
    weight_low: int = -128
    weight_high: int = 127

    def __post_init__(self) -> None:
        member("IntegerEprop.reset", self.reset, ResetMode)
        member("IntegerEprop.reset_eligibility", self.reset_eligibility, ResetEligibility)
        for field, low, high in (
            ("threshold", 1, 2**14),
            ("weight_shift", 0, 8),
            ("decay_shift", 1, 7),
            ("refractory", 0, 63),
            ("psi_levels", 1, 15),
            ("psi_refractory", -self.psi_levels if isinstance(self.psi_levels, int) else 0, 0),
            ("trace_bits", 4, 8),
            ("shift", 0, 31),
            ("weight_low", -128, 127),
            ("weight_high", -128, 127),
        ):
            value = integer(f"IntegerEprop.{field}", getattr(self, field), low, high)
            object.__setattr__(self, field, value)
        impulse = integer("IntegerEprop.impulse", self.impulse, 1, self.trace_high)
        object.__setattr__(self, "impulse", impulse)
        if self.weight_low > self.weight_high:
            raise RangeError(
                f"IntegerEprop.weight_low: {self.weight_low}; allowed up to {self.weight_high}"
            )
        if self.reset_eligibility is ResetEligibility.EXACT:
            raise TypeMismatchError(
                "IntegerEprop.reset_eligibility: EXACT keeps a number for each synapse;"
                " allowed NONE and TIME_STAMP"
            )
        if self.stamped and self.reset is not ResetMode.ZERO:
            raise TypeMismatchError(
                "IntegerEprop.reset_eligibility: TIME_STAMP with a reset by subtraction, which"
                " leaves the eligibility as it is; allowed NONE"
            )

    @property
    def trace_high(self) -> int:
        """Highest value of a trace."""
        return (1 << self.trace_bits) - 1

    @property
    def stamped(self) -> bool:
        """Whether only a source's last spike counts, and only after the last reset."""
        return self.reset_eligibility is ResetEligibility.TIME_STAMP


class EpropState(NamedTuple):
    """All that a layer keeps between steps; 5 bytes of a target, 2 of a source.

    ``voltage`` int16, ``resting`` (steps that remain), ``since_reset`` uint8 and ``psi`` int8 are
    ``(n_post,)``, ``trace`` and ``age`` (steps since the last spike) uint8 ``(n_pre,)``.
    """

    voltage: np.ndarray
    resting: np.ndarray
    since_reset: np.ndarray
    psi: np.ndarray
    trace: np.ndarray
    age: np.ndarray


def eprop_rest(n_post: int, n_pre: int) -> EpropState:
    """State before the first step: nothing has happened for long."""
    post = integer("n_post", n_post, 1, 2**31 - 1)
    pre = integer("n_pre", n_pre, 1, 2**31 - 1)
    return EpropState(
        voltage=np.zeros(post, np.int16),
        resting=np.zeros(post, np.uint8),
        since_reset=np.full(post, OLDEST, np.uint8),
        psi=np.zeros(post, np.int8),
        trace=np.zeros(pre, np.uint8),
        age=np.full(pre, OLDEST, np.uint8),
    )


def decayed(value: np.ndarray, shift: int) -> np.ndarray:
    """Magnitudes less their ``2**shift``-th part, rounded up: all reach 0. int64.

    Examples
    --------
    >>> decayed(np.array([64, 7, -9, 1]), 3).tolist()
    [56, 6, -7, 0]
    """
    size = np.abs(value.astype(np.int64))
    return np.sign(value) * (size - ((size + (1 << shift) - 1) >> shift))


def eprop_step(
    params: IntegerEprop, weights: Any, state: EpropState, inputs: Any
) -> tuple[EpropState, np.ndarray]:
    """One step of the neurons; nothing given is changed.

    Parameters
    ----------
    params
        Of the layer.
    weights : integers, shape (n_post, n_pre)
    state
        Of :func:`eprop_rest` or of the step before.
    inputs : 0 and 1, shape (n_pre,)
        What reaches the neurons in this step; in a recurrent layer, its spikes of the step before
        among them.

    Returns
    -------
    EpropState, and spikes bool ``(n_post,)``

    Raises
    ------
    InputError, RangeError, ShapeError, TypeMismatchError
    """
    matrix = _checked_weights(params, weights, state)
    heard = spike_array("inputs", inputs)
    if heard.shape != state.age.shape:
        raise ShapeError(f"inputs: shape {heard.shape}; {state.age.shape} is needed")
    fired_last = state.resting == params.refractory + 1  # the spike's own step counts as one
    ended = (state.resting == 1) & ~fired_last
    kept = decayed(state.voltage, params.decay_shift)
    if params.reset is ResetMode.ZERO:
        cleared = fired_last | ended
        kept = np.where(cleared, 0, kept)
    else:
        cleared = fired_last
        kept = kept - params.threshold * fired_last
    resting = state.resting - (state.resting > 0)
    current = matrix[:, heard].sum(1, dtype=np.int64) << params.weight_shift
    voltage = saturate(kept + current, VOLTAGE_LOW, VOLTAGE_HIGH)
    asleep = resting > 0
    fired = (voltage >= params.threshold) & ~asleep
    distance = np.abs(voltage - params.threshold) * params.psi_levels // params.threshold
    psi = np.where(asleep, params.psi_refractory, np.maximum(params.psi_levels - distance, 0))
    trace = decayed(state.trace, params.decay_shift)
    if params.stamped:
        trace = np.where(heard, params.impulse, trace)
    else:
        trace = np.minimum(trace + params.impulse * heard, params.trace_high)
    after = EpropState(
        voltage=voltage.astype(np.int16),
        resting=np.where(fired, params.refractory + 1, resting).astype(np.uint8),
        since_reset=np.where(cleared, 0, _older(state.since_reset)).astype(np.uint8),
        psi=psi.astype(np.int8),
        trace=trace.astype(np.uint8),
        age=np.where(heard, 0, _older(state.age)).astype(np.uint8),
    )
    return after, fired


def eprop_update(
    params: IntegerEprop, weights: Any, state: EpropState, signal: Any, *, seed: int, step: int
) -> np.ndarray:
    """Weights after the learning of one step, int8 ``(n_post, n_pre)``; work follows activity.

    Parameters
    ----------
    params
        Of the layer.
    weights : integers, shape (n_post, n_pre)
    state
        After this step.
    signal : integers, shape (n_post,), -255..255
        Positive where there should be fewer spikes.
    seed, step
        Words of the rounding's key; ``step`` counts over the whole life of the network.

    Raises
    ------
    RangeError, ShapeError, TypeMismatchError
    """
    learned = _checked_weights(params, weights, state).astype(np.int8)
    wanted = integer_array("signal", signal, -SIGNAL_HIGH, SIGNAL_HIGH, np.int64)
    if wanted.shape != state.psi.shape:
        raise ShapeError(f"signal: shape {wanted.shape}; {state.psi.shape} is needed")
    factor = wanted * state.psi
    live = np.flatnonzero(state.trace)
    for post in np.flatnonzero(factor):
        pre = live
        if params.stamped:
            pre = live[state.age[live] <= state.since_reset[post]]
        product = -factor[post] * state.trace[pre].astype(np.int64)
        delta = shift_stochastic(product, params.shift, random_bits(seed, step, post, pre))
        row = learned[post, pre] + delta
        learned[post, pre] = saturate(row, params.weight_low, params.weight_high)
    return learned


def _older(age: np.ndarray) -> np.ndarray:
    return age + (age < OLDEST)


def _checked_weights(params: IntegerEprop, weights: Any, state: EpropState) -> np.ndarray:
    matrix = integer_array("weights", weights, params.weight_low, params.weight_high, np.int8)
    needed = (state.psi.size, state.age.size)
    if matrix.shape != needed:
        raise ShapeError(f"weights: shape {matrix.shape}; {needed} is needed")
    return matrix
