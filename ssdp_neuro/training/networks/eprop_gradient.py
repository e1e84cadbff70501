"""Gradients of a network by e-prop: forwards in time, with a state that no step makes larger.

A layer keeps traces of what it hears, one number for each source; a target's part of the gradient
is its learning signal times its surrogate slope. The learning signal comes down through the weights
of the layers above, or through others of their shape, in the step in which the spike is felt there.
Three paths of the full gradient are left out: through a layer's own spikes (recurrent synapses,
resets), and through the memory of the layers above. For one layer without recurrence that resets by
subtraction nothing is left out but the reset.

References
----------
Bellec et al., Nat. Commun. 11, 2020; without its filter of the eligibility, which would take a
number for each synapse and sample.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from hw_models import InputError, ResetMode, ShapeError
from ssdp_neuro.training.layers.delays import DelayedLinear
from ssdp_neuro.training.layers.neurons import CubaLif
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
    model: nn.Module, spikes: Tensor, signal: Tensor, feedback: Sequence[Tensor] | None = None
) -> None:
    """Add the gradient of every weight to its ``grad``, summed over samples and steps.

    Parameters
    ----------
    model
        A SpikingNetwork of Linear and CubaLif in turn, each CubaLif with a recurrent Linear or
        none; no biases, learned decays, adaptation, delays, and not quantized.
    spikes : shape (B, T, *input_shape)
    signal : shape (B, T, n_outputs)
        Derivative of the error by each spike of the last layer.
    feedback
        Of each layer but the first, what its errors come down through, of the shape of its weights;
        None: its weights.

    Raises
    ------
    InputError
        If the model holds something else; names the module.
    ShapeError
        If the signal has another shape.

    Mutates
    -------
    grad of the weights
    """
    layers = eprop_layers(model)
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


def eprop_layers(model: nn.Module) -> list[EpropLayer]:
    """What e-prop goes through, from input to output; InputError if it cannot."""
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
            layers.append(EpropLayer(waiting, module))
            waiting = None
        else:
            raise InputError(
                f"{where}: {name} is {type(module).__name__}; Linear without a bias and CubaLif in"
                " turn are needed"
            )
    if waiting is not None or not layers:
        raise InputError(f"{where}: the model does not end with a CubaLif")
    return layers


def _refuse(where: str, neurons: CubaLif) -> None:
    own = neurons.recurrent
    faults = {
        "a bias": neurons.bias is not None,
        "an adaptation": neurons.adaptation is not None,
        "a grid (it is quantized)": neurons.grid is not None,
        "decays of each neuron": any(
            decay.kept().numel() > 1
            for decay in (neurons.decay_of_current, neurons.decay_of_voltage)
        ),
        "learned decays": any(
            p.requires_grad
            for decay in (neurons.decay_of_current, neurons.decay_of_voltage)
            for p in decay.parameters()
        ),
        "recurrent synapses that are no plain Linear": own is not None
        and (not isinstance(own, nn.Linear) or isinstance(own, DelayedLinear)),
    }
    for fault, is_there in faults.items():
        if is_there:
            raise InputError(f"{where} has {fault}, which e-prop does not take")


class _Traces:
    """What two filters in a row make of a layer's sources, ``(B, n_pre)``, and the gradient."""

    def __init__(self, weight: Tensor, n_samples: int) -> None:
        self.current = weight.new_zeros(n_samples, weight.shape[1])
        self.voltage = self.current
        self.total = torch.zeros_like(weight)

    def hear(self, felt: Tensor, current_kept: Tensor, voltage_kept: Tensor) -> None:
        self.current = current_kept * self.current + felt
        self.voltage = voltage_kept * self.voltage + self.current


@dataclass(eq=False)
class EpropLayer:
    """One Linear and its CubaLif, with all that e-prop keeps of a run."""

    linear: nn.Linear
    neurons: CubaLif
    _waiting: deque[tuple[Tensor, list[Tensor]]] = field(default_factory=deque)

    def begin(self, n_samples: int, like: Tensor, behind: int) -> None:
        """Rest; ``behind`` is how many steps later a spike of now is felt at the last layer."""
        weight, own = self.linear.weight, self.neurons.recurrent
        zero = like.new_zeros(n_samples, weight.shape[0])
        self.current = self.voltage = self.fired = self.resting = zero
        self.sent = like.new_zeros(n_samples, weight.shape[1])
        self.weights: list[Any] = [weight] if own is None else [weight, own.weight]
        self.back: Tensor = weight
        self.traces = [_Traces(one, n_samples) for one in self.weights]
        self._waiting.clear()
        self.behind = behind

    def step(self, given: Tensor) -> Tensor:
        """Spikes of a step; what they leave for learning waits until its signal comes."""
        neurons = self.neurons
        felt, self.sent = (self.sent, given) if neurons.latency else (given, given)
        heard = [felt, self.fired][: len(self.weights)]
        kept = neurons.decay_of_current.kept(), neurons.decay_of_voltage.kept()
        arriving = sum(x @ w.T for x, w in zip(heard, self.weights, strict=True))
        for trace, x in zip(self.traces, heard, strict=True):
            trace.hear(x, *kept)
        self.current = kept[0] * self.current + arriving
        voltage = kept[1] * self.voltage + self.current
        awake = self.resting == 0
        voltage = torch.where(awake, voltage, self.voltage)
        above = (voltage - neurons.threshold) / neurons.threshold
        fired = ((above > 0) & awake).to(voltage.dtype)
        slope = neurons.surrogate.slope(above) / neurons.threshold * awake
        if neurons.reset is ResetMode.ZERO:
            self.voltage = voltage * (1.0 - fired)
        else:
            self.voltage = voltage - neurons.threshold * fired
        self.resting = (self.resting - 1.0).clamp(min=0.0) + neurons.refractory * fired
        self.fired = fired
        self._waiting.append((slope, [trace.voltage for trace in self.traces]))
        return fired

    def learn(self, signal: Tensor | None) -> Tensor | None:
        """Add a step's gradient; gives the signal of what the layer heard, None if too early."""
        if signal is None or len(self._waiting) <= self.behind:
            return None
        slope, heard = self._waiting.popleft()
        wrong = signal * slope
        for trace, x in zip(self.traces, heard, strict=True):
            trace.total += wrong.T @ x
        return wrong @ self.back

    def finish(self) -> None:
        """Hand the gradients over, and let go of the rest."""
        for weight, trace in zip(self.weights, self.traces, strict=True):
            if weight.requires_grad:
                weight.grad = trace.total if weight.grad is None else weight.grad + trace.total
        self._waiting.clear()
        self.traces = []
