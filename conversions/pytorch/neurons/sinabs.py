"""The neurons of Sinabs, as its version 3.1 computes them.

What arrives decays at once with the current it joins; with ``norm_input`` the membrane takes
the share that it forgets. A neuron fires at threshold too and resets at once.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn

from conversions.pytorch.neurons.neuron_reading import (
    NeuronReader,
    NeuronReading,
    StateReset,
    TimeAxis,
)
from conversions.pytorch.neurons.neuron_settings import dynamics, numbers
from conversions.real_network import RealReset
from hw_models import ConversionError

_MANY = 1000
_SEVERAL_LOST = (
    "spike_fn may send several spikes in a step, the chip sends one: the others are lost in the"
    " reset to a value"
)
_FIRST_BIAS = "the bias of rec_connect arrives from the first step on, in Sinabs from the second"


def _read(module: Any, path: str, shape: tuple[int, ...]) -> NeuronReading:
    recurrent = getattr(module, "rec_connect", None)
    voltage_kept = numbers(module.alpha_mem_calculated, shape, f"{path}.tau_mem")
    gain = 1 - voltage_kept if module.norm_input else np.ones(())
    current_kept = np.zeros(())
    if module.alpha_syn_calculated is not None:
        current_kept = numbers(module.alpha_syn_calculated, shape, f"{path}.tau_syn")
        gain = gain * current_kept
    notes: list[str] = []
    fires: dict[str, Any] = {"threshold": np.inf}
    most_spikes = 1
    if module.spike_fn is not None:
        fires, firing_notes = _firing(module, path, shape, voltage_kept)
        notes.extend(firing_notes)
        if fires["reset"] is RealReset.SUBTRACT:
            most_spikes = _most_spikes(module, path)
    if recurrent is not None and any(part.any() for part in _biases(recurrent)):
        late = gain * _of_silence(recurrent, shape)
        if current_kept.any() or not (voltage_kept > 0).all():
            notes.append(_FIRST_BIAS)
        else:  # what the first step has too much of it, taken off before
            fires["initial"] = fires.get("initial", 0.0) - late / voltage_kept
    return NeuronReading(
        dynamics=dynamics(
            path, voltage_kept=voltage_kept, current_kept=current_kept, gain=gain, **fires
        ),
        time_axis=TimeAxis.FLATTENED if hasattr(module, "squeeze_forward") else TimeAxis.SECOND,
        recurrent=recurrent,
        spikes_output=None if module.spike_fn is None else 0,
        voltage_output=0 if module.spike_fn is None else None,
        most_spikes=most_spikes,
        floor=_floor(module, path, shape, fires),
        notes=tuple(notes),
    )


def _firing(
    module: Any, path: str, shape: tuple[int, ...], voltage_kept: np.ndarray
) -> tuple[dict[str, Any], list[str]]:
    threshold = numbers(module.spike_threshold, shape, f"{path}.spike_threshold")
    settings: dict[str, Any] = {"threshold": threshold, "fires_at_threshold": True}
    kind, name = type(module.reset_fn), type(module.reset_fn).__qualname__
    if kind.__module__ != "sinabs.activation.reset_mechanism":
        name = f"{kind.__module__}.{name}"
    if name == "MembraneSubtract":
        subtracted = module.reset_fn.subtract_value
        if subtracted is not None and (numbers(subtracted, shape, path) != threshold).any():
            raise ConversionError(
                f"{path}.reset_fn: subtract_value={subtracted}; supported is the threshold"
            )
        settings["reset"] = RealReset.SUBTRACT
        return settings, []
    if name != "MembraneReset":
        raise ConversionError(
            f"{path}.reset_fn: {name}; supported are MembraneSubtract and MembraneReset"
        )
    # Sinabs adds the reset value in every step, whether a neuron has fired or not: counted
    # from there, the potential is put to zero and what leaks of the value is a bias.
    value = numbers(module.reset_fn.reset_value, shape, f"{path}.reset_fn.reset_value")
    settings["reset"] = RealReset.ZERO
    settings["bias"] = voltage_kept * value
    settings["initial"] = -value
    return settings, [_SEVERAL_LOST] if _most_spikes(module, path) > 1 else []


def _most_spikes(module: Any, path: str) -> int:
    """How many spikes a neuron may send in a step; the function is called."""
    threshold = torch.tensor(1.0)
    given = torch.tensor([-4.0, -1.0, 0.0, 0.5, 1.0, 1.5, 2.0, 7.25, _MANY + 0.5])
    required = list(getattr(module.spike_fn, "required_states", ()))
    if required == ["v_mem"]:
        with torch.no_grad():
            sent = module.spike_fn.apply(given, threshold, module.surrogate_grad_fn)
        most = int(sent[-1])
        if most >= 1 and torch.equal(sent, torch.trunc(given).clamp(0, most)):
            return most
    raise ConversionError(
        f"{path}.spike_fn: {module.spike_fn}; supported are SingleSpike, MultiSpike and MaxSpike"
    )


def _floor(
    module: Any, path: str, shape: tuple[int, ...], fires: dict[str, Any]
) -> np.ndarray | None:
    """Lower bound of the potential, counted from the value that a reset puts it to."""
    if module.min_v_mem is None:
        return None
    floor = numbers(module.min_v_mem, shape, f"{path}.min_v_mem")
    if fires.get("reset") is not RealReset.ZERO:
        return floor
    return floor - numbers(module.reset_fn.reset_value, shape, f"{path}.reset_fn.reset_value")


def _of_silence(recurrent: nn.Module, shape: tuple[int, ...]) -> np.ndarray:
    """What the recurrent synapses of ``shape`` neurons make if none fires, ``(N,)``."""
    parameters = list(recurrent.parameters())
    silence = torch.zeros((1, *shape), dtype=parameters[0].dtype, device=parameters[0].device)
    with torch.no_grad():
        return recurrent(silence).detach().cpu().double().numpy().reshape(-1)


def _biases(module: nn.Module) -> list[torch.Tensor]:
    return [value for name, value in module.named_parameters() if name.split(".")[-1] == "bias"]


def _reset_state(module: Any) -> None:
    """Forget the states of a layer, and not the buffers of what it connects to."""
    for name, _ in list(module.named_buffers(recurse=False)):
        module.register_buffer(name, torch.zeros(0))


_NAMES = (
    "iaf.IAF",
    "iaf.IAFRecurrent",
    "iaf.IAFSqueeze",
    "lif.LIF",
    "lif.LIFRecurrent",
    "lif.LIFSqueeze",
    "exp_leak.ExpLeak",
    "exp_leak.ExpLeakSqueeze",
)

READERS: dict[str, NeuronReader] = {f"sinabs.layers.{name}": _read for name in _NAMES}
"""By module and name of the class, so that nothing is imported that a model has not."""

RESETS: dict[str, StateReset] = dict.fromkeys(READERS, _reset_state)
"""How each of them is put to rest before a sample."""
