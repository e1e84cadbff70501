"""What a layer of neurons computes in one step, in real numbers.

One step ``t``, with ``x`` what the synapses send in it:

    u <- current_kept * u + gain * (x[t - latency] + current_bias)
    v <- voltage_kept * v + u + bias
    a <- rise_kept * a
    spike where v > threshold + a (or v >= threshold + a); then v is reset, a <- a + threshold_rise

Frameworks differ in the gain (1, 1 - kept, 1 / tau), in the latency, in what happens at
equality and in when the reset is felt; a reader says which of it holds, and nothing that
comes after has to know the framework.
"""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from hw_models import RangeError, ShapeError
from hw_models.choices import member
from hw_models.integers import integer
from hw_models.records import short_repr
from hw_models.weight_grid import WeightGrid

PER_NEURON = (
    "voltage_kept",
    "threshold",
    "current_kept",
    "gain",
    "current_bias",
    "bias",
    "initial",
    "threshold_rise",
    "rise_kept",
)
"""Parameters of :class:`NeuronDynamics` that are one number or one per neuron."""


class RealReset(enum.Enum):
    """What a spike does to the membrane potential.

    ``ZERO`` and ``SUBTRACT`` (of the threshold at rest) act in the step of the spike, before it
    decays. ``DELAYED_SUBTRACT`` lowers the next step's potential by a whole threshold, after
    it has decayed. ``NONE`` leaves it.
    """

    ZERO = "zero"
    SUBTRACT = "subtract"
    DELAYED_SUBTRACT = "delayed subtract"
    NONE = "none"


class NeuronState(NamedTuple):
    """State after a step, each ``(B, N)``.

    Current, potential, spikes, refractory steps left, and by how much the threshold has risen.
    """

    u: np.ndarray
    v: np.ndarray
    fired: np.ndarray
    rest: np.ndarray
    risen: np.ndarray


@dataclass(frozen=True, kw_only=True, eq=False)
class NeuronDynamics:
    """Current-based leaky integrate-and-fire with real parameters.

    All parameters but the flags and counts are one number or one per neuron (flat, in C
    order of the shape); they are kept as float64 arrays. :data:`PER_NEURON` names them.

    Parameters
    ----------
    voltage_kept
        Share of the membrane potential that remains after a step, 0..1.
    threshold
        Positive; ``inf`` for a readout, which integrates and never fires.
    current_kept
        Share of the current that remains after a step, 0..1; 0 has no memory.
    gain
        What arrives is multiplied by it; not negative.
    current_bias
        Arrives in every step, as if from the synapses.
    bias
        Added to the membrane potential in every step.
    initial
        Membrane potential before the first step; only without latency.
    threshold_rise
        By how much a spike raises the threshold, not negative; felt from the next step on, after
        one decay.
    rise_kept
        Share of the rise that remains after a step, 0..1, refractory steps included.
    fires_at_threshold
        Whether ``v == threshold`` fires.
    reset
        See :class:`RealReset`.
    refractory
        Steps after a spike in which v is held and no spike is sent, while u goes on.
    latency
        Steps between what arrives and its effect on u.
    grid
        Of neurons that were trained on the chip's integers: what their weights and
        threshold stand for there.

    Raises
    ------
    RangeError, ShapeError, TypeMismatchError
        If a parameter does not fit.

    Examples
    --------
    >>> leaky = NeuronDynamics(voltage_kept=0.5, threshold=1.0)
    >>> spikes, voltages = leaky.run(np.array([0.75, 0.75, 0.0]).reshape(1, 3, 1))
    >>> spikes.ravel().tolist(), voltages.ravel().tolist()
    ([False, True, False], [0.75, 0.0, 0.0])
    """

    voltage_kept: Any
    threshold: Any
    current_kept: Any = 0.0
    gain: Any = 1.0
    current_bias: Any = 0.0
    bias: Any = 0.0
    initial: Any = 0.0
    threshold_rise: Any = 0.0
    rise_kept: Any = 0.0
    fires_at_threshold: bool = False
    reset: RealReset = RealReset.ZERO
    refractory: int = 0
    latency: int = 0
    grid: WeightGrid | None = None

    __repr__ = short_repr

    def __post_init__(self) -> None:
        put = object.__setattr__
        for field, low, high in (
            ("voltage_kept", 0.0, 1.0),
            ("current_kept", 0.0, 1.0),
            ("threshold", 0.0, math.inf),
            ("gain", 0.0, math.inf),
            ("current_bias", -math.inf, math.inf),
            ("bias", -math.inf, math.inf),
            ("initial", -math.inf, math.inf),
            ("threshold_rise", 0.0, math.inf),
            ("rise_kept", 0.0, 1.0),
        ):
            put(self, field, _reals(field, getattr(self, field), low, high))
        if not (self.threshold > 0).all():
            raise RangeError("NeuronDynamics.threshold: 0; a positive number is needed")
        member("NeuronDynamics.reset", self.reset, RealReset)
        for field, largest in (("refractory", 63), ("latency", 1)):
            where = f"NeuronDynamics.{field}"
            put(self, field, integer(where, getattr(self, field), 0, largest))
        if self.latency and self.initial.any():
            raise RangeError(
                f"NeuronDynamics.initial: {self.initial[0]} with latency 1; 0 is needed"
            )

    @property
    def is_readout(self) -> bool:
        """Whether these neurons never fire."""
        return bool(np.isinf(self.threshold).all())

    @property
    def adapts(self) -> bool:
        """Whether a spike raises a threshold."""
        return bool(self.threshold_rise.any())

    def run(self, currents: Any) -> tuple[np.ndarray, np.ndarray]:
        """Spikes and membrane potentials of a whole sample: the equations, as they stand.

        Parameters
        ----------
        currents : real, shape (B, T, N)
            What the synapses send in each step.

        Returns
        -------
        spikes : bool, shape (B, T, N)
        voltages : float64, shape (B, T, N)
            After each step's reset (a delayed one is not in it yet).
        """
        given = np.asarray(currents, dtype=np.float64)
        if given.ndim != 3:
            raise ShapeError(f"NeuronDynamics.run: currents of shape {given.shape}; (B, T, N)")
        n_samples, n_steps, n_neurons = given.shape
        spikes = np.zeros(given.shape, dtype=bool)
        voltages = np.zeros_like(given)
        state = self.start(n_samples, n_neurons)
        for t in range(n_steps):
            arrived = given[:, t - self.latency] if t >= self.latency else None
            state = self.step(state, arrived)
            spikes[:, t], voltages[:, t] = state.fired, state.v
        return spikes, voltages

    def start(self, n_samples: int, n_neurons: int) -> NeuronState:
        """The state before the first step."""
        zero = np.zeros((n_samples, n_neurons))
        return NeuronState(zero, zero + self.initial, zero != 0, zero.astype(np.int64), zero)

    def step(self, state: NeuronState, arrived: np.ndarray | None) -> NeuronState:
        """The state after one more step.

        Parameters
        ----------
        state
            Left as it is.
        arrived : float64, shape (B, N)
            What the synapses sent ``latency`` steps ago; None if that was before the first
            step, when there was no ``current_bias`` either.
        """
        u = self.current_kept * state.u
        if arrived is not None:
            u = u + self.gain * (arrived + self.current_bias)
        raised = self.voltage_kept * state.v + u + self.bias
        if self.reset is RealReset.DELAYED_SUBTRACT:
            raised = np.where(state.fired, raised - self.threshold, raised)
        v = np.where(state.rest > 0, state.v, raised)
        risen = self.rise_kept * state.risen
        barrier = self.threshold + risen
        above = v >= barrier if self.fires_at_threshold else v > barrier
        fired = above & (state.rest == 0)
        rest = np.where(fired, self.refractory, np.maximum(state.rest - 1, 0))
        if self.reset is RealReset.ZERO:
            v = np.where(fired, 0.0, v)
        elif self.reset is RealReset.SUBTRACT:
            v = np.where(fired, v - np.where(fired, self.threshold, 0.0), v)
        risen = np.where(fired, risen + self.threshold_rise, risen)
        return NeuronState(u, v, fired, rest, risen)


def _reals(field: str, value: Any, low: float, high: float) -> np.ndarray:
    where = f"NeuronDynamics.{field}"
    array = np.array(value, dtype=np.float64).reshape(-1)
    if array.size == 0:
        raise ShapeError(f"{where}: empty; one number or one per neuron is needed")
    infinite_allowed = field == "threshold"
    bad = np.isnan(array) | (array < low) | (array > high)
    if not infinite_allowed:
        bad |= np.isinf(array)
    if bad.any():
        index = int(np.flatnonzero(bad)[0])
        raise RangeError(f"{where}: {array[index]} at index {index}; allowed {low}..{high}")
    array.flags.writeable = False
    return array
