"""The neurons of Norse, as its version 1.1 computes them.

An Euler step of ``dt``: the potential moves towards ``v_leak`` plus the current by the share
``dt * tau_mem_inv``, the current that has just arrived included, and a spike (``>``) puts it to
``v_reset`` at once. Potentials are counted from ``v_reset`` here (readouts from ``v_leak``), so
that a leak to elsewhere is a bias. A sample starts from ``v_leak``.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable
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
from conversions.pytorch.neurons.neuron_settings import dynamics, fires_at_zero, numbers
from conversions.real_network import RealReset
from hw_models import ConversionError


def _lif(module: Any, path: str, shape: tuple[int, ...]) -> NeuronReading:
    return _current_based(module, module.p, path, shape)


def _lif_refractory(module: Any, path: str, shape: tuple[int, ...]) -> NeuronReading:
    steps = numbers(module.p.rho_reset, (), f"{path}.p.rho_reset")
    refractory = max(0, math.ceil(steps))  # counted down by one, rests while it is positive
    return _current_based(module, module.p.lif, path, shape, refractory=refractory)


def _current_based(
    module: Any, p: Any, path: str, shape: tuple[int, ...], **settings: Any
) -> NeuronReading:
    current_kept = 1 - module.dt * numbers(p.tau_syn_inv, shape, f"{path}.p.tau_syn_inv")
    share = _share(module, p, path, shape)
    return _spiking(module, p, path, shape, share=share, current_kept=current_kept, **settings)


def _lif_box(module: Any, path: str, shape: tuple[int, ...]) -> NeuronReading:
    share = _share(module, module.p, path, shape)
    if _subtracts(module.p.reset_method, f"{path}.p.reset_method"):
        return _subtracting(module, path, shape, share)
    return _spiking(module, module.p, path, shape, share=share)


def _iaf(module: Any, path: str, shape: tuple[int, ...]) -> NeuronReading:
    v_reset = numbers(module.p.v_reset, shape, f"{path}.p.v_reset")
    v_th = numbers(module.p.v_th, shape, f"{path}.p.v_th")
    return _reading(
        module,
        module.p,
        path,
        zero=v_reset,
        voltage_kept=1.0,
        threshold=v_th - v_reset,
        reset=RealReset.ZERO,
    )


def _spiking(
    module: Any, p: Any, path: str, shape: tuple[int, ...], *, share: np.ndarray, **settings: Any
) -> NeuronReading:
    v_leak, v_th, v_reset = (
        numbers(getattr(p, name), shape, f"{path}.p.{name}")
        for name in ("v_leak", "v_th", "v_reset")
    )
    return _reading(
        module,
        p,
        path,
        zero=v_reset,
        voltage_kept=1 - share,
        gain=share,
        bias=share * (v_leak - v_reset),
        initial=v_leak - v_reset,
        threshold=v_th - v_reset,
        reset=RealReset.ZERO,
        **settings,
    )


def _subtracting(
    module: Any, path: str, shape: tuple[int, ...], share: np.ndarray
) -> NeuronReading:
    """A box that subtracts its threshold: its potential is counted from zero."""
    v_leak = numbers(module.p.v_leak, shape, f"{path}.p.v_leak")
    return _reading(
        module,
        module.p,
        path,
        voltage_kept=1 - share,
        gain=share,
        bias=share * v_leak,
        initial=v_leak,
        threshold=numbers(module.p.v_th, shape, f"{path}.p.v_th"),
        reset=RealReset.SUBTRACT,
    )


def _reading(module: Any, p: Any, path: str, zero: Any = 0.0, **settings: Any) -> NeuronReading:
    incoming, recurrent = _synapses(module)
    time_axis = _time_axis(module)
    resting = hasattr(module.p, "rho_reset")  # whose state holds another one
    return NeuronReading(
        dynamics=dynamics(path, fires_at_threshold=_at_threshold(p, path), **settings),
        time_axis=time_axis,
        incoming=incoming,
        recurrent=recurrent,
        voltage_output="v" if time_axis is TimeAxis.STEP and not resting else None,
        voltage_zero=zero,
    )


def _integrator(module: Any, path: str, shape: tuple[int, ...]) -> NeuronReading:
    current_kept = 1 - module.dt * numbers(module.p.tau_syn_inv, shape, f"{path}.p.tau_syn_inv")
    return _readout(module, path, shape, current_kept)


def _integrator_box(module: Any, path: str, shape: tuple[int, ...]) -> NeuronReading:
    return _readout(module, path, shape, np.zeros(()))


def _readout(
    module: Any, path: str, shape: tuple[int, ...], current_kept: np.ndarray
) -> NeuronReading:
    share = _share(module, module.p, path, shape)
    v_leak = numbers(module.p.v_leak, shape, f"{path}.p.v_leak")
    incoming, _ = _synapses(module)
    return NeuronReading(
        dynamics=dynamics(
            path, voltage_kept=1 - share, current_kept=current_kept, gain=share, threshold=np.inf
        ),
        time_axis=_time_axis(module),
        incoming=incoming,
        spikes_output=None,
        voltage_output=0,
        voltage_zero=v_leak,
    )


def _share(module: Any, p: Any, path: str, shape: tuple[int, ...]) -> np.ndarray:
    return module.dt * numbers(p.tau_mem_inv, shape, f"{path}.p.tau_mem_inv")


def _at_threshold(p: Any, path: str) -> bool:
    threshold = importlib.import_module("norse.torch.functional.threshold").threshold
    try:
        return fires_at_zero(lambda v: threshold(v, p.method, p.alpha), f"{path}.p.method")
    except ValueError as error:
        if isinstance(error, ConversionError):
            raise
        raise ConversionError(f"{path}.p.method: {error}") from error


def _subtracts(method: Callable[..., torch.Tensor], where: str) -> bool:
    """Whether a reset takes the threshold off (else it sets); it is called."""
    fired, v = torch.tensor([0.0, 1.0, 1.0]), torch.tensor([0.5, 1.5, 2.0])
    made = method(fired, v, torch.tensor(0.25), torch.tensor(1.0)).tolist()
    if made not in ([0.5, 0.5, 1.0], [0.5, 0.25, 0.25]):
        raise ConversionError(f"{where}: supported are reset_value and reset_subtract")
    return made == [0.5, 0.5, 1.0]


def _synapses(module: Any) -> tuple[nn.Module | None, nn.Module | None]:
    incoming = getattr(module, "input_weights", None)
    recurrent = getattr(module, "recurrent_weights", None)
    return (
        None if incoming is None else _linear(incoming),
        None if recurrent is None else _linear(recurrent),
    )


def _linear(weights: torch.Tensor) -> nn.Linear:
    linear = nn.Linear(weights.shape[1], weights.shape[0], bias=False)
    with torch.no_grad():
        linear.weight.copy_(weights)
    return linear


def _time_axis(module: nn.Module) -> TimeAxis:
    return TimeAxis.STEP if type(module).__name__.endswith("Cell") else TimeAxis.FIRST


_READ: dict[str, NeuronReader] = {
    "lif.LIF": _lif,
    "lif.LIFCell": _lif,
    "lif.LIFRecurrent": _lif,
    "lif.LIFRecurrentCell": _lif,
    "lif_refrac.LIFRefracCell": _lif_refractory,
    "lif_refrac.LIFRefracRecurrent": _lif_refractory,
    "lif_refrac.LIFRefracRecurrentCell": _lif_refractory,
    "lif_box.LIFBoxCell": _lif_box,
    "iaf.IAF": _iaf,
    "iaf.IAFCell": _iaf,
    "leaky_integrator.LI": _integrator,
    "leaky_integrator.LICell": _integrator,
    "leaky_integrator.LILinearCell": _integrator,
    "leaky_integrator_box.LIBoxCell": _integrator_box,
}

READERS: dict[str, NeuronReader] = {
    f"norse.torch.module.{name}": reader for name, reader in _READ.items()
}
"""By module and name of the class, so that nothing is imported that a model has not."""

RESETS: dict[str, StateReset] = {}
"""Norse's modules hold no state: a call without one starts a sample."""
