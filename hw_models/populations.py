"""Populations: where spikes come from. Inputs, and current-based LIF neurons in integers.

One step of a LIF population, exactly as lava-nc 0.10.0's fixed-point CPU model has it
(``dec`` is :func:`hw_models.arithmetic.decay_toward_zero`, every sum is 32-bit):

    u <- wrap_current(dec(u, 4096 - (current_decay + 1)) + (input << 6))
    v <- clip(dec(v, 4096 - voltage_decay) + u + bias, -(2**23 - 1), 2**23 - 1)
    spike where v > threshold << 6; then v <- 0 (or v - (threshold << 6)); u stays

or, where the threshold adapts (a model of this distribution; Lava has none in integers):

    a <- dec(a, 4096 - threshold_decay)
    spike where v > (threshold << 6) + a; then a <- min(a + (threshold_rise << 6), 2**23 - 1)

with ``bias = bias_mantissa << bias_exponent`` (``>>`` if the exponent is negative).
"""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from hw_models.arithmetic import STATE_LIMIT
from hw_models.arrays import per_neuron
from hw_models.choices import member
from hw_models.integers import integer, name_of, shape_of
from hw_models.records import FrozenRecord

THRESHOLD_LIMIT = 2**25  # threshold << 6 must fit 32 bits
ADAPTIVE_LIMIT = 2**17  # of a threshold that adapts, and of its rise: 24 bits, aligned


class ResetMode(enum.Enum):
    """What a spike does to the membrane potential."""

    ZERO = "zero"
    SUBTRACT = "subtract"


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class InputPopulation(FrozenRecord):
    """A source of spikes that the user supplies.

    Parameters
    ----------
    name
        Unique in the network.
    shape
        One to four sizes, for images ``(channels, height, width)``.
    """

    name: str
    shape: tuple[int, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", name_of("InputPopulation.name", self.name))
        object.__setattr__(self, "shape", shape_of(f"{self.name}.shape", self.shape))

    @property
    def n_neurons(self) -> int:
        """Number of sources."""
        return math.prod(self.shape)


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class LifPopulation(FrozenRecord):
    """Current-based leaky integrate-and-fire neurons, all state in integers.

    Parameters
    ----------
    name
        Unique in the network.
    shape
        One to four sizes, for images ``(channels, height, width)``.
    current_decay
        ``du``, 0..4095, in 1/4096 per step; the effective decay is one larger, so
        4095 is memoryless and 0 still leaks. One integer or one per neuron.
    voltage_decay
        ``dv``, 0..4096, in 1/4096 per step; 0 does not leak. One or one per neuron.
    threshold
        ``vth``, compared as ``v > threshold << 6``. One or one per neuron.
    bias_mantissa, bias_exponent
        Constant input to the membrane potential, on its own scale (64 times finer than
        a weight); mantissa 16 bits signed, exponent -15..15. One or one per neuron.
    reset
        Membrane potential after a spike.
    refractory
        Steps after a spike during which the membrane potential is held and no spike is
        sent while the current goes on; 0..63. Lava has no fixed-point model of this.
    reset_interval, reset_offset
        If the interval is not 0, u and v are cleared at the start of every step ``t``
        (counted from 1) with ``t % interval == offset % interval``, as Lava's LIFReset. A
        running refractory period ends then, too.
    threshold_rise
        By how much a spike raises the threshold, 0..2**17 - 1 in its unit; felt from the next step
        on. One or one per neuron. A reset by subtraction takes the threshold without its rise. At
        the begin of a sample, and after a periodic reset, there is none. A threshold that rises
        is one of ``-2**17..2**17 - 1``.
    threshold_decay
        ``da``, 0..4096, in 1/4096 of the rise per step; 0 keeps it. One or one per neuron.
    u, v
        Current and membrane potential when a sample begins, before its first step, on the
        membrane's scale: what a step can leave, ``-(2**23 - 1)..2**23`` and
        ``-(2**23 - 1)..2**23 - 1``. One integer or one per neuron. A periodic reset clears to 0.

    Raises
    ------
    RangeError, ShapeError, TypeMismatchError
        If a field does not fit; nothing is rounded or clipped.

    Examples
    --------
    >>> hidden = LifPopulation(
    ...     name="hidden", shape=(3,), current_decay=409, voltage_decay=128, threshold=50)
    >>> hidden.n_neurons, hidden.threshold.tolist()
    (3, [50])
    """

    name: str
    shape: tuple[int, ...]
    current_decay: Any
    voltage_decay: Any
    threshold: Any
    bias_mantissa: Any = 0
    bias_exponent: Any = 0
    reset: ResetMode = ResetMode.ZERO
    refractory: int = 0
    reset_interval: int = 0
    reset_offset: int = 0
    u: Any = 0
    v: Any = 0
    threshold_rise: Any = 0
    threshold_decay: Any = 0

    def __post_init__(self) -> None:
        put = object.__setattr__
        put(self, "name", name_of("LifPopulation.name", self.name))
        put(self, "shape", shape_of(f"{self.name}.shape", self.shape))
        for field, low, high in (
            ("current_decay", 0, 4095),
            ("voltage_decay", 0, 4096),
            ("threshold", -THRESHOLD_LIMIT, THRESHOLD_LIMIT - 1),
            ("bias_mantissa", -(2**15), 2**15 - 1),
            ("bias_exponent", -15, 15),
            ("u", 1 - STATE_LIMIT, STATE_LIMIT),
            ("v", 1 - STATE_LIMIT, STATE_LIMIT - 1),
            ("threshold_rise", 0, ADAPTIVE_LIMIT - 1),
            ("threshold_decay", 0, 4096),
        ):
            where = f"{self.name}.{field}"
            put(self, field, per_neuron(where, getattr(self, field), self.shape, low, high))
        if self.adapts:
            where, low, high = f"{self.name}.threshold", -ADAPTIVE_LIMIT, ADAPTIVE_LIMIT - 1
            per_neuron(where, self.threshold, self.shape, low, high)
        member(f"{self.name}.reset", self.reset, ResetMode)
        put(self, "refractory", integer(f"{self.name}.refractory", self.refractory, 0, 63))
        for field in ("reset_interval", "reset_offset"):
            where = f"{self.name}.{field}"
            put(self, field, integer(where, getattr(self, field), 0, 2**31 - 1))

    @property
    def n_neurons(self) -> int:
        """Number of neurons."""
        return math.prod(self.shape)

    @property
    def adapts(self) -> bool:
        """Whether a spike raises a threshold."""
        return bool(self.threshold_rise.any())

    @property
    def bias(self) -> np.ndarray:
        """Effective bias on the membrane's scale, int32, shape ``(1,)`` or ``(n_neurons,)``."""
        mantissa = self.bias_mantissa.astype(np.int64)
        exponent = self.bias_exponent.astype(np.int64)
        up = mantissa << np.maximum(exponent, 0)
        return (up >> np.maximum(-exponent, 0)).astype(np.int32)


Population = InputPopulation | LifPopulation
