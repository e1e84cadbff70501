"""NIR's neurons as the dynamics of a real network."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from conversions.nir.discretization import Discretization, InputScale
from conversions.nir.graph_records import NirNode, reals, spread
from conversions.nir.spike_reset import SpikeReset
from conversions.real_network import NeuronDynamics
from hw_models import ConversionError, SsdpError

SPIKING = ("LIF", "CubaLIF", "IF", "Threshold")
READOUTS = ("LI", "CubaLI", "I")
NEURONS = (*SPIKING, *READOUTS)
NEED_RESET = ("LIF", "CubaLIF", "IF")
TIMED = (*NEED_RESET, *READOUTS, "Delay")  # in seconds


@dataclass(frozen=True, eq=False)
class Membrane:
    """What a node says in a step's terms, before its threshold; arrays of the node's shape."""

    kept: np.ndarray
    leaked: np.ndarray  # one minus that
    gain: np.ndarray
    leak: np.ndarray  # to which the potential decays
    current_kept: Any = 0.0


def dynamics_of(
    path: str,
    node: NirNode,
    shape: tuple[int, ...],
    discretization: Discretization | None,
    reset: SpikeReset | None,
) -> tuple[NeuronDynamics, tuple[str, ...]]:
    """What a neuron node computes in a step, and what cannot be kept exactly.

    Parameters
    ----------
    path
        Of the node, for errors.
    node
        One of :data:`NEURONS`.
    shape
        Of the population.
    discretization
        How equations become steps; a Threshold needs none.
    reset
        What a spike does; LIF, CubaLIF and IF need it.

    Raises
    ------
    ConversionError
        If a parameter is missing or cannot be expressed.
    """
    if node.kind == "Threshold":
        threshold = spread(path, reals(path, node, "threshold"), shape)
        return _checked(path, node, voltage_kept=0.0, threshold=threshold), ()
    if discretization is None:
        raise ConversionError(f"{path} ({node.kind}): the time step is not known")
    membrane = _MEMBRANES[node.kind](path, node, discretization)
    if _is_single(node):
        membrane = _as_single(membrane)
    kept, leaked, gain, leak = (
        spread(path, values, shape)
        for values in (membrane.kept, membrane.leaked, membrane.gain, membrane.leak)
    )
    common = {
        "voltage_kept": kept,
        "gain": gain,
        "current_kept": spread(path, np.asarray(membrane.current_kept), shape),
    }
    if node.kind in READOUTS:
        start = leak if discretization.starts_at_leak else 0.0
        settings = {"threshold": math.inf, "bias": leaked * leak, "initial": start}
        return _checked(path, node, **settings, **common), ()
    if reset is None:
        raise ConversionError(f"{path} ({node.kind}): the reset is not known")
    threshold = spread(path, reals(path, node, "v_threshold"), shape)
    base = spread(path, reals(path, node, "v_reset", 0.0), shape)
    to_value = reset in (SpikeReset.ZERO, SpikeReset.DELAYED_ZERO)
    if base.any() and not to_value:
        raise ConversionError(
            f"{path} ({node.kind}): v_reset is {base[base != 0][0]}, but the reset given is"
            f" SpikeReset.{reset.name}, which has no such value; ZERO and DELAYED_ZERO have"
        )
    start = leak - base if discretization.starts_at_leak else np.zeros(())
    notes = [] if start.any() else _start_notes(path, leak, base)
    real, refractory = reset.real
    found = _checked(
        path,
        node,
        threshold=threshold - base,
        bias=leaked * (leak - base),
        initial=start,
        reset=real,
        refractory=refractory,
        fires_at_threshold=discretization.fires_at_threshold,
        **common,
    )
    return found, tuple(notes)


def _start_notes(path: str, leak: np.ndarray, base: np.ndarray) -> list[str]:
    if base.any() and (leak != base).any():
        return [f"{path}: starts from v_reset, although its potential leaks towards another value"]
    if leak.any() and not base.any():
        return [f"{path}: starts from 0, although its potential leaks towards v_leak"]
    return []


def own_shape(node: NirNode) -> tuple[int, ...] | None:
    """The shape that a neuron's parameters have, or None if it has axes for no neurons."""
    shapes = [np.shape(value) for value in node.fields.values() if value is not None]
    return max(shapes, key=math.prod, default=()) or None


def _is_single(node: NirNode) -> bool:
    kinds = {np.asarray(value).dtype for value in node.fields.values() if value is not None}
    return np.dtype(np.float32) in kinds


def _as_single(membrane: Membrane) -> Membrane:
    """What single precision meant: quotients of rounded numbers miss it by their rounding.

    Frameworks compute with single-precision decays (0.9 is 0.89999998 there), so the nearest
    one is the layer's own where tau was written from it; a gain next to one is one.
    """
    near = np.abs(membrane.gain - 1.0) <= 2.0**-21
    return Membrane(
        kept=np.asarray(membrane.kept).astype(np.float32).astype(np.float64),
        leaked=membrane.leaked,
        gain=np.where(near, 1.0, membrane.gain),
        leak=membrane.leak,
        current_kept=np.asarray(membrane.current_kept).astype(np.float32).astype(np.float64),
    )


def _checked(path: str, node: NirNode, **parameters: Any) -> NeuronDynamics:
    try:
        return NeuronDynamics(**parameters)
    except SsdpError as error:
        raise ConversionError(f"{path} ({node.kind}): {error}") from None


def _leaky(scale: InputScale, leaked: np.ndarray) -> Any:
    return leaked if scale is InputScale.LEAK else 1.0


def _decay(
    path: str, node: NirNode, name: str, how: Discretization
) -> tuple[np.ndarray, np.ndarray]:
    """Shares that a step keeps and takes."""
    tau = reals(path, node, name)
    kept = how.kept(tau) if (tau > 0).all() else np.full(tau.shape, -1.0)
    kept = np.where((kept < 0) & (kept > -1e-6), 0.0, kept)  # float32: dt / tau just above 1
    if (kept < 0).any():
        raise ConversionError(
            f"{path} ({node.kind}).{name}: {tau.min()} with a time step of {how.dt}"
            f" ({how.method.value}); positive time constants, of a step at least with Euler's"
            " method, are needed. Is dt in their unit?"
        )
    return kept, how.leaked(tau)


def _lif(path: str, node: NirNode, how: Discretization) -> Membrane:
    kept, leaked = _decay(path, node, "tau", how)
    scale = how.readout_scale if node.kind == "LI" else how.neuron_scale
    gain = reals(path, node, "r") * _leaky(scale, leaked)
    return Membrane(kept, leaked, gain, reals(path, node, "v_leak"))


def _cuba(path: str, node: NirNode, how: Discretization) -> Membrane:
    kept, leaked = _decay(path, node, "tau_mem", how)
    current_kept, current_leaked = _decay(path, node, "tau_syn", how)
    scale = how.readout_scale if node.kind == "CubaLI" else how.neuron_scale
    gain = reals(path, node, "r") * _leaky(scale, leaked)
    jump = reals(path, node, "w_in", 1.0) * _leaky(how.synapse_scale, current_leaked)
    return Membrane(kept, leaked, gain * jump, reals(path, node, "v_leak"), current_kept)


def _integrator(path: str, node: NirNode, how: Discretization) -> Membrane:
    step = how.dt if how.integrator_scale is InputScale.LEAK else 1.0
    gain = reals(path, node, "r") * step
    zero = np.zeros_like(gain)
    return Membrane(zero + 1.0, zero, gain, zero)


_MEMBRANES: dict[str, Callable[[str, NirNode, Discretization], Membrane]] = {
    "LIF": _lif,
    "LI": _lif,
    "CubaLIF": _cuba,
    "CubaLI": _cuba,
    "IF": _integrator,
    "I": _integrator,
}
