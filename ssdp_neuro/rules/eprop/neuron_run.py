"""One layer of such neurons, step by step: all that an eligibility needs of a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hw_models import RangeError, ShapeError, TypeMismatchError
from hw_models.errors import brief
from ssdp_neuro.rules.eprop.array_kind import (
    as_type_of,
    functions_of,
    is_tensor,
    real_values,
    same_kind,
    spike_values,
    stacked,
    zeros,
)
from ssdp_neuro.rules.eprop.spiking_neurons import (
    AdaptiveLif,
    IzhikevichNeuron,
    SoftResetLif,
    SpikingNeuron,
    StdpLif,
)


@dataclass(frozen=True, kw_only=True, eq=False)
class NeuronRun:
    """What happened in a run, each ``(..., T, n)``.

    Parameters
    ----------
    inputs
        What reached the neurons in each step, ``n_pre``: the given inputs and, in a recurrent
        layer, the layer's spikes of the step before.
    spikes
        0 and 1, decided from the potential of the same step.
    potentials
        After the step, before the reset that its spike brings.
    thresholds
        Effective in the step.
    psi
        Pseudo-derivative of the spike by the potential.
    """

    inputs: Any
    spikes: Any
    potentials: Any
    thresholds: Any
    psi: Any


def run_neurons(
    neuron: SpikingNeuron,
    weights: Any,
    inputs: Any,
    *,
    recurrent: bool = False,
    bias: Any = 0.0,
    forced: Any = None,
) -> NeuronRun:
    """Run a layer from rest.

    Parameters
    ----------
    neuron
        Constants of all its neurons.
    weights : real, shape (n_post, n_pre)
        In a recurrent layer ``n_pre`` is the number of inputs plus ``n_post``.
    inputs : real, shape (..., T, n_in)
        Spikes, or what stands for them; an input of step ``t`` is felt in step ``t``.
    recurrent
        Whether the layer hears its own spikes one step later, by the last ``n_post`` columns.
    bias
        Constant drive in every step, one number or one for each neuron.
    forced : 0 and 1, shape (..., T, n_post), optional
        Spikes that take the place of those that the neurons decide for.

    Returns
    -------
    NeuronRun
        NumPy arrays in float64, or tensors of the type and on the device of those given.

    Raises
    ------
    ShapeError, TypeMismatchError
        If arrays do not fit, or tensors are mixed with others.
    RangeError
        If a number is not finite, or a forced spike falls in a refractory period.

    Examples
    --------
    >>> import numpy as np
    >>> run = run_neurons(SoftResetLif(alpha=0.5), [[0.75]], np.ones((4, 1)))
    >>> run.potentials[:, 0].tolist(), run.spikes[:, 0].tolist()
    ([0.75, 1.125, 0.3125, 0.90625], [0.0, 1.0, 0.0, 0.0])
    """
    if not isinstance(neuron, SpikingNeuron):
        raise TypeMismatchError(f"neuron: {brief(neuron)}; one of ssdp_neuro.rules.eprop is needed")
    given = real_values("inputs", inputs, 2)
    matrix = real_values("weights", weights, 2)
    same_kind("weights and inputs", matrix, given)
    n_post, n_pre = matrix.shape if matrix.ndim == 2 else (0, 0)
    needed = given.shape[-1] + (n_post if recurrent else 0)
    if n_pre != needed or n_post == 0 or given.shape[-2] == 0:
        raise ShapeError(
            f"weights: shape {tuple(matrix.shape)} for inputs of shape {tuple(given.shape)}"
            f"{', recurrent' if recurrent else ''}; (n_post, {needed}) and a step are needed"
        )
    drive = real_values("bias", bias)
    if drive.ndim > 1 or (drive.ndim == 1 and len(drive) not in {1, n_post}):
        raise ShapeError(f"bias: shape {tuple(drive.shape)}; () or ({n_post},) is needed")
    if is_tensor(given) and not is_tensor(drive):
        drive = given.new_tensor(drive)
    if forced is not None:
        forced = spike_values("forced", forced)
        same_kind("forced and inputs", forced, given)
        if forced.shape != (*given.shape[:-1], n_post):
            raise ShapeError(
                f"forced: shape {tuple(forced.shape)}; {(*given.shape[:-1], n_post)} is needed"
            )
    layer = _STEPS[type(neuron)](neuron, zeros(given, *given.shape[:-2], n_post))
    fired = layer.fired
    recorded: list[tuple[Any, ...]] = []
    for step in range(given.shape[-2]):
        felt = given[..., step, :]
        if recurrent:
            felt = functions_of(felt).concatenate((felt, fired), -1)
        chosen = None if forced is None else forced[..., step, :]
        result = layer.step(felt @ matrix.T + drive, chosen)
        fired = result[0]
        recorded.append((felt, *result))
    parts = [stacked(list(part)) for part in zip(*recorded, strict=True)]
    names = ("inputs", "spikes", "potentials", "thresholds", "psi")
    return NeuronRun(**dict(zip(names, parts, strict=True)))


class _LeakyStep:
    """Soft reset; subclasses change what is kept and where the threshold is."""

    def __init__(self, neuron: Any, rest: Any) -> None:
        self.neuron = neuron
        self.voltage = self.fired = rest
        self.resting = rest  # steps of the refractory period that remain, this one included

    def step(self, current: Any, forced: Any) -> tuple[Any, ...]:
        neuron, threshold = self.neuron, self.neuron.threshold
        self.voltage = self._integrated(current)
        barrier = self._barrier()
        awake = self.resting == 0
        fired = (self.voltage >= barrier) & awake if forced is None else forced == 1
        if forced is not None and bool((fired & ~awake).any()):
            raise RangeError(
                f"forced: a spike within {neuron.refractory} steps after another of its neuron"
            )
        height = (1.0 - abs(self.voltage - barrier) / threshold).clip(min=0.0)
        psi = neuron.gamma / threshold * height
        psi = functions_of(psi).where(awake, psi, zeros(psi, 1) + self._psi_resting())
        self.fired = as_type_of(fired, self.voltage)
        self.resting = (self.resting - 1.0).clip(min=0.0) + neuron.refractory * self.fired
        return self.fired, self.voltage, barrier, psi

    def _integrated(self, current: Any) -> Any:
        neuron = self.neuron
        return neuron.alpha * self.voltage + current - neuron.threshold * self.fired

    def _barrier(self) -> Any:
        return zeros(self.voltage, *self.voltage.shape) + self.neuron.threshold

    def _psi_resting(self) -> float:
        return 0.0


class _AdaptiveStep(_LeakyStep):
    """A threshold that rises with the spike of the step before."""

    def __init__(self, neuron: Any, rest: Any) -> None:
        super().__init__(neuron, rest)
        self.adapted = rest

    def _barrier(self) -> Any:
        self.adapted = self.neuron.rho * self.adapted + self.fired
        return self.neuron.threshold + self.neuron.beta * self.adapted


class _StdpStep(_LeakyStep):
    """Cleared after a spike, and once more when the refractory period has ended."""

    def __init__(self, neuron: Any, rest: Any) -> None:
        super().__init__(neuron, rest)
        self.last_rest = rest  # steps that remained, a step ago

    def _integrated(self, current: Any) -> Any:
        ended = (self.last_rest == 1) & (self.resting == 0)
        self.last_rest = self.resting
        cleared = (self.fired == 1) | ended
        return self.neuron.alpha * self.voltage * as_type_of(~cleared, current) + current

    def _psi_resting(self) -> float:
        return self.neuron.psi_refractory


class _IzhikevichStep:
    """Euler steps; the reset of a spike comes first in the step after it."""

    def __init__(self, neuron: IzhikevichNeuron, rest: Any) -> None:
        self.neuron, self.fired = neuron, rest
        # the stable of the two points where both derivatives are 0
        b = neuron.b
        root = (5.0 - b) ** 2 - 0.16 * 140.0
        still = (b - 5.0 - root**0.5) / 0.08 if root >= 0 else neuron.c
        self.voltage, self.recovery = rest + still, rest + b * still

    def step(self, current: Any, forced: Any) -> tuple[Any, ...]:
        n, old = self.neuron, self.voltage - (self.voltage - self.neuron.c) * self.fired
        recovery = self.recovery + n.d * self.fired
        self.voltage = old + n.dt * (0.04 * old * old + 5.0 * old + 140.0 - recovery + current)
        self.recovery = recovery + n.dt * n.a * (n.b * old - recovery)
        fired = self.voltage >= n.peak if forced is None else forced == 1
        self.fired = as_type_of(fired, self.voltage)
        barrier = zeros(self.voltage, *self.voltage.shape) + n.peak
        psi = n.gamma * functions_of(old).exp((self.voltage.clip(max=n.peak) - n.peak) / 30.0)
        return self.fired, self.voltage, barrier, psi


_STEPS: dict[type, Any] = {
    SoftResetLif: _LeakyStep,
    AdaptiveLif: _AdaptiveStep,
    StdpLif: _StdpStep,
    IzhikevichNeuron: _IzhikevichStep,
}
