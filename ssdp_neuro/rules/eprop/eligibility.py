"""Eligibility of a synapse: what its input did to a spike of its target, as far as is known then.

``eps`` is the derivative of the neuron's state by the weight with all spikes held fixed, and
``e = psi eps``. With a learning signal ``L`` (the derivative of the error by the spike), the
gradient is the sum of ``L e`` over steps, of ``L`` and a filtered ``e`` if a leaky readout stands
between spikes and error.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

from hw_models import RangeError, ShapeError, TypeMismatchError
from hw_models.errors import brief
from ssdp_neuro.rules.eprop.array_kind import (
    as_type_of,
    functions_of,
    real_values,
    same_kind,
    zeros,
)
from ssdp_neuro.rules.eprop.neuron_run import NeuronRun
from ssdp_neuro.rules.eprop.spiking_neurons import (
    AdaptiveLif,
    IzhikevichNeuron,
    ResetEligibility,
    SoftResetLif,
    SpikingNeuron,
    StdpLif,
)


class RunawayWarning(UserWarning):
    """Learning that can strengthen what made too many spikes: see :func:`gradient`."""


def eligibility(neuron: SpikingNeuron, run: NeuronRun) -> Any:
    """Eligibility of every synapse in every step, ``(..., T, n_post, n_pre)``.

    Parameters
    ----------
    neuron
        With which the run was made.
    run
        Of :func:`run_neurons`.

    Raises
    ------
    RangeError
        If an Izhikevich neuron has no ``clamp``.

    Examples
    --------
    A source that fires in steps 0 and 3, its target in step 1: what came after counts against it.

    >>> from ssdp_neuro.rules.eprop import run_neurons
    >>> neuron = StdpLif(alpha=0.5, refractory=2, psi_refractory=-0.1)
    >>> run = run_neurons(
    ...     neuron, [[0.5]], [[1], [0], [0], [1], [0]], forced=[[0], [1], [0], [0], [0]])
    >>> eligibility(neuron, run)[:, 0, 0].round(6).tolist()
    [0.15, 0.0375, -0.0, -0.1, 0.0]
    """
    return functions_of(run.spikes).stack(list(eligibility_steps(neuron, run)), -3)


def eligibility_steps(neuron: SpikingNeuron, run: NeuronRun) -> Iterator[Any]:
    """The same, a step at a time, each ``(..., n_post, n_pre)``: no memory grows with the steps."""
    if not isinstance(neuron, SpikingNeuron):
        raise TypeMismatchError(f"neuron: {brief(neuron)}; one of ssdp_neuro.rules.eprop is needed")
    if isinstance(neuron, IzhikevichNeuron) and neuron.clamp is None:
        raise RangeError(
            "IzhikevichNeuron.clamp: None; the eligibility grows without bound under tonic"
            " firing, a positive bound is needed (math.inf to watch it)"
        )
    return _STEPS[type(neuron)](neuron, run)


def gradient(neuron: SpikingNeuron, run: NeuronRun, signal: Any, *, kappa: float = 0.0) -> Any:
    """Gradient of the error by the weights, ``(n_post, n_pre)``, summed over samples and steps.

    Parameters
    ----------
    neuron, run
        As for :func:`eligibility`.
    signal : real, shape (..., T, n_post)
        Learning signal of each neuron in each step.
    kappa
        Share of the filtered eligibility that remains after a step, 0 (no filter) to below 1.

    Raises
    ------
    RangeError, ShapeError, TypeMismatchError

    Warns
    -----
    RunawayWarning
        If the pseudo-derivative in the refractory period is below ``-gamma / 2`` and the signal
        is positive there: too many spikes then strengthen the inputs that come in this period,
        and make more.
    """
    wanted = real_values("signal", signal, 2)
    same_kind("signal and run", wanted, run.spikes)
    if wanted.shape != run.spikes.shape:
        raise ShapeError(
            f"signal: shape {tuple(wanted.shape)}; {tuple(run.spikes.shape)} is needed"
        )
    if not 0 <= kappa < 1:
        raise RangeError(f"kappa: {kappa}; allowed 0 to below 1")
    _warn_of_runaway(neuron, run, wanted)
    n_post, n_pre = run.spikes.shape[-1], run.inputs.shape[-1]
    total, kept = zeros(wanted, n_post, n_pre), 0.0
    for step, now in enumerate(eligibility_steps(neuron, run)):
        kept = kappa * kept + now
        weighted = wanted[..., step, :, None] * kept
        total = total + weighted.reshape(-1, n_post, n_pre).sum(0)
    return total


def _warn_of_runaway(neuron: SpikingNeuron, run: NeuronRun, signal: Any) -> None:
    if not isinstance(neuron, StdpLif) or neuron.psi_refractory >= -neuron.gamma / 2:
        return
    if bool(((run.psi < 0) & (signal > 0)).any()):
        warnings.warn(
            f"psi_refractory {neuron.psi_refractory} is below -gamma / 2 ="
            f" {-neuron.gamma / 2}, and the learning signal is positive in a refractory period:"
            " learning can run away to the highest rate",
            RunawayWarning,
            stacklevel=3,
        )


def _soft_reset(neuron: Any, run: NeuronRun) -> Iterator[Any]:
    """The membrane's derivative knows only the source: a trace of its spikes."""
    for psi, trace in _traced(neuron, run):
        yield psi[..., :, None] * trace[..., None, :]


def _adaptive(neuron: AdaptiveLif, run: NeuronRun) -> Iterator[Any]:
    through_threshold: Any = None  # derivative of the adaptation
    last: Any = None
    for psi, trace in _traced(neuron, run):
        slope, by_voltage = psi[..., :, None], trace[..., None, :]
        if last is None:
            through_threshold = zeros(psi, 1)
        else:
            old_slope, old_trace = last
            through_threshold = old_slope * old_trace + through_threshold * (
                neuron.rho - neuron.beta * old_slope
            )
        last = slope, by_voltage
        yield slope * (by_voltage - neuron.beta * through_threshold)


def _stdp(neuron: StdpLif, run: NeuronRun) -> Iterator[Any]:
    if neuron.reset_eligibility is ResetEligibility.NONE:
        yield from _soft_reset(neuron, run)
    elif neuron.reset_eligibility is ResetEligibility.TIME_STAMP:
        yield from _stdp_by_times(neuron, run)
    else:
        kept: Any = 0.0
        for step, cleared in enumerate(_resets(neuron, run)):
            remains = as_type_of(~cleared, run.psi)[..., :, None]
            kept = neuron.alpha * remains * kept + run.inputs[..., step, None, :]
            yield run.psi[..., step, :, None] * kept


def _stdp_by_times(neuron: StdpLif, run: NeuronRun) -> Iterator[Any]:
    """Only the last spike of a source counts, and only if it came after the last reset."""
    if not bool(((run.inputs == 0) | (run.inputs == 1)).all()):
        raise RangeError("inputs: values beside 0 and 1; time stamps are of spikes")
    where, felt = functions_of(run.psi).where, run.inputs
    value = zeros(felt, *felt.shape[:-2], felt.shape[-1])  # alpha^(steps since the last spike)
    age = value + float("inf")
    since_reset: Any = None
    for step, cleared in enumerate(_resets(neuron, run)):
        spiked = felt[..., step, :] == 1
        value = where(spiked, 1.0 + 0.0 * value, neuron.alpha * value)
        age = where(spiked, 0.0 * value, age + 1.0)
        if since_reset is None:
            since_reset = as_type_of(cleared, felt) + float("inf")
        since_reset = where(cleared, 0.0 * run.psi[..., step, :], since_reset + 1.0)
        counts = age[..., None, :] <= since_reset[..., :, None]
        yield run.psi[..., step, :, None] * value[..., None, :] * as_type_of(counts, value)


def _izhikevich(neuron: IzhikevichNeuron, run: NeuronRun) -> Iterator[Any]:
    bound, dt = neuron.clamp or 0.0, neuron.dt
    n_post, n_pre = run.spikes.shape[-1], run.inputs.shape[-1]
    of_voltage = of_recovery = zeros(run.psi, *run.psi.shape[:-2], n_post, n_pre)
    for step in range(run.spikes.shape[-2]):
        felt = dt * run.inputs[..., step, None, :]
        if step == 0:  # at rest there is nothing to pass on
            of_voltage = of_voltage + felt
        else:
            voltage = run.potentials[..., step - 1, :, None]
            passed = (1.0 - run.spikes[..., step - 1, :, None]) * of_voltage
            growth = 1.0 + dt * (0.08 * voltage + 5.0)
            of_voltage, of_recovery = (
                growth * passed - dt * of_recovery + felt,
                neuron.a * neuron.b * dt * passed + (1.0 - neuron.a * dt) * of_recovery,
            )
        of_voltage, of_recovery = of_voltage.clip(-bound, bound), of_recovery.clip(-bound, bound)
        yield run.psi[..., step, :, None] * of_voltage


def _traced(neuron: Any, run: NeuronRun) -> Iterator[tuple[Any, Any]]:
    """Pseudo-derivatives ``(..., n_post)`` and sources' traces ``(..., n_pre)`` of each step."""
    trace: Any = 0.0
    for step in range(run.spikes.shape[-2]):
        trace = neuron.alpha * trace + run.inputs[..., step, :]
        yield run.psi[..., step, :], trace


def _resets(neuron: StdpLif, run: NeuronRun) -> Iterator[Any]:
    """Whether a membrane was cleared at the begin of each step, bool ``(..., n_post)``."""
    fired = run.spikes == 1
    for step in range(run.spikes.shape[-2]):
        cleared = fired[..., max(step - 1, 0), :] & (step > 0)
        if step > neuron.refractory:
            cleared = cleared | fired[..., step - 1 - neuron.refractory, :]
        yield cleared


_STEPS: dict[type, Any] = {
    SoftResetLif: _soft_reset,
    AdaptiveLif: _adaptive,
    StdpLif: _stdp,
    IzhikevichNeuron: _izhikevich,
}
