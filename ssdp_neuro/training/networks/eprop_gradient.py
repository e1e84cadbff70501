"""Gradients of a network by e-prop: forwards in time, with a state that no step makes larger.

A layer keeps traces of what it hears, one number for each source; a target's part of the gradient
is its learning signal times its surrogate slope. The learning signal comes down through the weights
of the layers above, or through others of their shape, in the step in which the spike is felt there.
Three paths of the full gradient are left out: through a layer's own spikes (recurrent synapses,
resets), and through the memory of the layers above. For one layer without recurrence that resets by
subtraction, adaptive or not, nothing is left out but the reset; with the exact eligibility for one
that resets to zero, too.

References
----------
Bellec et al., Nat. Commun. 11, 2020; without its filter of the eligibility, which would take a
number for each synapse and sample.
"""

from __future__ import annotations

import warnings
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from hw_models import InputError, ResetMode, ShapeError
from hw_models.eprop import ResetEligibility
from ssdp_neuro.rules.eprop import RunawayWarning
from ssdp_neuro.training.layers.delays import DelayedLinear
from ssdp_neuro.training.layers.neurons import CubaLif
from ssdp_neuro.training.networks.eprop_eligibility import (
    Eligibility,
    FilteredSource,
    ResetCredit,
    SynapticTrace,
    TargetStep,
)
from ssdp_neuro.training.networks.spiking_network import SpikingNetwork


def output_by_steps(model: nn.Module, spikes: Tensor) -> Tensor:
    """What ``model(spikes)`` gives, without gradients and without keeping hidden layers' spikes."""
    state, fired = None, []
    with torch.no_grad():
        for given in spikes.unbind(1):
            made, state = model.step(given, state)  # type: ignore[operator]
            fired.append(made)
    return torch.stack(fired, dim=1)


def add_eprop_gradient(
    model: nn.Module,
    spikes: Tensor,
    signal: Tensor,
    feedback: Sequence[Tensor] | None = None,
    credit: ResetCredit | None = None,
) -> None:
    """Add the gradient of every weight and bias to its ``grad``, summed over samples and steps.

    Parameters
    ----------
    model
        A SpikingNetwork of Linear and CubaLif in turn, each CubaLif with a recurrent Linear or
        none, with a bias, an adaptation and refractory steps or none; one decay for all neurons of
        a layer, not learned; no delays, and not quantized.
    spikes : shape (B, T, *input_shape)
    signal : shape (B, T, n_outputs)
        Derivative of the error by each spike of the last layer.
    feedback
        Of each layer but the first, what its errors come down through, of the shape of its weights;
        None: its weights.
    credit
        What resets do to the eligibility; None: nothing.

    Raises
    ------
    InputError
        If the model holds something else; names the module.
    ShapeError
        If the signal has another shape.

    Mutates
    -------
    grad of the weights and biases
    """
    layers = eprop_layers(model, credit)
    n_outputs = layers[-1].linear.out_features
    if tuple(signal.shape) != (*spikes.shape[:2], n_outputs):
        raise ShapeError(
            f"signal: shape {tuple(signal.shape)}; {(*spikes.shape[:2], n_outputs)} is needed"
        )
    with torch.no_grad():
        behind = 0
        for layer in reversed(layers):
            layer.begin(len(spikes), signal, behind)
            behind += layer.neurons.latency
        for layer, back in zip(layers[1:], feedback or (), strict=feedback is not None):
            layer.back = back
        flat = spikes.to(signal).flatten(2)
        for given, wrong in zip(flat.unbind(1), signal.unbind(1), strict=True):
            for layer in layers:
                given = layer.step(given)
            down: Tensor | None = wrong
            for layer in reversed(layers):
                down = layer.learn(down)
                if down is None:
                    break
        for layer in layers:
            layer.finish()


def eprop_layers(model: nn.Module, credit: ResetCredit | None = None) -> list[EpropLayer]:
    """What e-prop goes through, from input to output; InputError if it cannot, with the reason."""
    credit = credit or ResetCredit()
    where = "e-prop"
    if not isinstance(model, SpikingNetwork):
        raise InputError(f"{where}: {type(model).__name__}; a SpikingNetwork is needed")
    layers: list[EpropLayer] = []
    waiting: nn.Linear | None = None
    for name, module in model.named_children():
        if type(module) is nn.Linear and module.bias is None and waiting is None:
            waiting = module
        elif isinstance(module, nn.Flatten) and waiting is None and not layers:
            continue  # the inputs are flat here anyway
        elif isinstance(module, CubaLif) and waiting is not None:
            _refuse(f"{where}: {name}", module)
            _refuse_credit(f"{where}: {name}", module, credit)
            layers.append(EpropLayer(waiting, module, credit))
            waiting = None
        else:
            raise InputError(
                f"{where}: {name} is {type(module).__name__}; Linear without a bias (a bias is of"
                " CubaLif, as on the chip) and CubaLif in turn are needed"
            )
    if waiting is not None or not layers:
        raise InputError(f"{where}: the model does not end with a CubaLif")
    return layers


def _refuse(where: str, neurons: CubaLif) -> None:
    own = neurons.recurrent
    decays = (neurons.decay_of_current, neurons.decay_of_voltage)
    faults = {
        "a grid (it is quantized); e-prop is of real numbers here, integers have EpropParams": (
            neurons.grid is not None
        ),
        "decays of each neuron; a source's trace is shared by all neurons of a layer": any(
            decay.kept().numel() > 1 for decay in decays
        ),
        "learned decays; they have no eligibility here, gradient = surrogate learns them": any(
            p.requires_grad for decay in decays for p in decay.parameters()
        ),
        "recurrent synapses that are no plain Linear; a trace is of a step ago, without delays": (
            own is not None and (not isinstance(own, nn.Linear) or isinstance(own, DelayedLinear))
        ),
    }
    for fault, is_there in faults.items():
        if is_there:
            raise InputError(f"{where} has {fault}")


def _refuse_credit(where: str, neurons: CubaLif, credit: ResetCredit) -> None:
    to_zero = neurons.reset is ResetMode.ZERO
    if credit.eligibility is ResetEligibility.TIME_STAMP and not to_zero:
        raise InputError(
            f"{where} resets by subtraction, which clears no eligibility; time stamps need a reset"
            " to zero"
        )
    if credit.psi_refractory and not (to_zero and neurons.refractory):
        raise InputError(
            f"{where} has reset {neurons.reset.name}, refractory {neurons.refractory}; a"
            " psi_refractory needs a reset to zero and a refractory period in which it counts"
        )


def warn_of_runaway(layers: Sequence[EpropLayer]) -> None:
    """RunawayWarning where errors that can be positive meet a strongly negative slope."""
    for layer in layers:
        psi = layer.credit.psi_refractory
        peak = float(layer.neurons.surrogate.slope(torch.zeros(())))
        if psi < -peak / 2:
            warnings.warn(
                f"psi_refractory {psi} is below half the surrogate's peak, {-peak / 2:.6g}: where"
                " there are too many spikes, what arrives in refractory periods is strengthened,"
                " and learning can run away to the highest rate",
                RunawayWarning,
                stacklevel=3,
            )
            return


@dataclass(eq=False)
class EpropLayer:
    """One Linear and its CubaLif, with all that e-prop keeps of a run."""

    linear: nn.Linear
    neurons: CubaLif
    credit: ResetCredit
    _waiting: deque[tuple[TargetStep, list[SynapticTrace]]] = field(default_factory=deque)

    def begin(self, n_samples: int, like: Tensor, behind: int) -> None:
        """Rest; ``behind`` is how many steps later a spike of now is felt at the last layer."""
        weight, neurons = self.linear.weight, self.neurons
        own = neurons.recurrent
        self.weights: list[Any] = [weight] if own is None else [weight, own.weight]
        zero = like.new_zeros(n_samples, weight.shape[0])
        self.current = self.voltage = self.fired = self.resting = self.was_resting = zero
        self.since_reset = torch.full_like(zero, torch.inf)
        self.adapted: Tensor | None = None
        self.sent = like.new_zeros(n_samples, weight.shape[1])
        self.back: Tensor = weight
        reset = _used(self.credit.eligibility, neurons)
        stamped = reset is ResetEligibility.TIME_STAMP
        self.sources = [
            FilteredSource(like.new_zeros(n_samples, one.shape[1]), stamped=stamped)
            for one in self.weights
        ]
        self.eligibility = [self._eligibility(one, reset) for one in self.weights]
        if neurons.bias is not None:
            # a source that fires in every step, past the current; its last spike is always now
            self.sources.append(FilteredSource(like.new_zeros(n_samples, 1), stamped=False))
            exact = ResetEligibility.EXACT if stamped else reset
            self.eligibility.append(self._eligibility(like.new_zeros(weight.shape[0], 1), exact))
        self._waiting.clear()
        self.behind = behind

    def _eligibility(self, weight: Tensor, reset: ResetEligibility) -> Eligibility:
        return Eligibility(weight, self.neurons.threshold, self.neurons.adaptation, reset)

    def step(self, given: Tensor) -> Tensor:
        """Spikes of a step; what they leave for learning waits until its signal comes."""
        neurons, threshold = self.neurons, self.neurons.threshold
        felt, self.sent = (self.sent, given) if neurons.latency else (given, given)
        heard = [felt, self.fired][: len(self.weights)]
        kept = neurons.decay_of_current.kept(), neurons.decay_of_voltage.kept()
        arriving = sum(x @ w.T for x, w in zip(heard, self.weights, strict=True))
        traces = [
            source.hear(x, *kept)
            for source, x in zip(self.sources[: len(heard)], heard, strict=True)
        ]
        self.current = kept[0] * self.current + arriving
        voltage = kept[1] * self.voltage + self.current
        if neurons.bias is not None:
            traces.append(
                self.sources[-1].hear(felt.new_ones(len(felt), 1), kept[0] * 0.0, kept[1])
            )
            voltage = voltage + neurons.bias.felt(None)
        barrier: Tensor | float = threshold
        if neurons.adaptation is not None:
            self.adapted = neurons.adaptation.after(self.adapted, self.fired)
            barrier = threshold + threshold * self.adapted
        awake = self.resting == 0
        voltage = torch.where(awake, voltage, self.voltage)
        above = (voltage - barrier) / threshold
        self._waiting.append((self._target(above, awake, kept[1]), traces))
        fired = ((above > 0) & awake).to(voltage.dtype)
        if neurons.reset is ResetMode.ZERO:
            self.voltage = voltage * (1.0 - fired)
        else:
            self.voltage = voltage - threshold * fired
        self.was_resting = self.resting
        self.resting = (self.resting - 1.0).clamp(min=0.0) + neurons.refractory * fired
        self.fired = fired
        return fired

    def _target(self, above: Tensor, awake: Tensor, voltage_kept: Tensor) -> TargetStep:
        """Of a step, before its spikes are known; ``fired`` are those of the step before."""
        neurons = self.neurons
        slope = neurons.surrogate.slope(above) / neurons.threshold * awake
        psi = slope + (~awake).to(slope) * (self.credit.psi_refractory / neurons.threshold)
        if neurons.reset is ResetMode.ZERO:
            # let go, the membrane has lost what came in while it rested
            cleared = (self.fired > 0) | ((self.was_resting > 0) & awake)
            held, let_in = (voltage_kept * ~cleared).to(slope), torch.ones_like(slope)
            self.since_reset = torch.where(cleared, 0.0, self.since_reset + 1.0)
        else:
            held, let_in = torch.where(awake, voltage_kept, 1.0).to(slope), awake.to(slope)
        return TargetStep(slope, psi, held, let_in, self.since_reset)

    def learn(self, signal: Tensor | None) -> Tensor | None:
        """Add a step's gradient; gives the signal of what the layer heard, None if too early."""
        if signal is None or len(self._waiting) <= self.behind:
            return None
        target, traces = self._waiting.popleft()
        for eligibility, trace in zip(self.eligibility, traces, strict=True):
            eligibility.learn(signal, target, trace)
        return (signal * target.slope) @ self.back

    def finish(self) -> None:
        """Hand the gradients over, and let go of the rest."""
        parameters, totals = list(self.weights), [one.total for one in self.eligibility]
        if self.neurons.bias is not None:
            value = self.neurons.bias.value
            parameters.append(value)
            totals[-1] = totals[-1][:, 0].sum_to_size(value.shape)
        for parameter, total in zip(parameters, totals, strict=True):
            if parameter.requires_grad:
                made = total.to(parameter)
                parameter.grad = made if parameter.grad is None else parameter.grad + made
        self._waiting.clear()
        self.sources, self.eligibility = [], []


def _used(wanted: ResetEligibility, neurons: CubaLif) -> ResetEligibility:
    """A reset by subtraction alone leaves the eligibility as it is; a held membrane does not."""
    kept = neurons.reset is ResetMode.SUBTRACT and not neurons.refractory
    return ResetEligibility.NONE if kept else wanted
