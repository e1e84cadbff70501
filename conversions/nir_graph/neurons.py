"""NIR's neurons as the dynamics of a real network."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from conversions.nir_graph.discretization import Discretization, InputScale
from conversions.nir_graph.fields import reals, spread
from conversions.nir_graph.records import NirNode
from conversions.nir_graph.spike_reset import SpikeReset
from conversions.real_network import NeuronDynamics
from hw_models import ConversionError, SsdpError

SPIKING = ("LIF", "CubaLIF", "IF", "Threshold")
READOUTS = ("LI", "CubaLI", "I")
NEURONS = (*SPIKING, *READOUTS)
NEED_RESET = ("LIF", "CubaLIF", "IF")


@dataclass(frozen=True, eq=False)
class Membrane:
    """What a node says in a step's terms, before its threshold; arrays of the node's shape."""

    kept: np.ndarray
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
    kept, gain, leak = (
        spread(path, values, shape) for values in (membrane.kept, membrane.gain, membrane.leak)
    )
    common = {
        "voltage_kept": kept,
        "gain": gain,
        "current_kept": spread(path, np.asarray(membrane.current_kept), shape),
    }
    if node.kind in READOUTS:
        found = _checked(path, node, threshold=math.inf, bias=(1.0 - kept) * leak, **common)
        return found, ()
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
    notes = []
    if (leak != base).any() and base.any():
        notes.append(
            f"{path}: starts from v_reset, although its potential leaks towards another value"
        )
    elif leak.any() and not base.any():
        notes.append(f"{path}: starts from 0, although its potential leaks towards v_leak")
    real, refractory = reset.real
    found = _checked(
        path,
        node,
        threshold=threshold - base,
        bias=(1.0 - kept) * (leak - base),
        reset=real,
        refractory=refractory,
        fires_at_threshold=discretization.fires_at_threshold,
        **common,
    )
    return found, tuple(notes)


def has_full_shape(path: str, node: NirNode) -> tuple[int, ...] | None:
    """The shape that a neuron's parameters have, or None if one number is for all."""
    for name in ("v_threshold", "threshold", "tau", "tau_mem", "r"):
        value = node.fields.get(name)
        if value is not None and np.size(value) > 1:
            return tuple(np.shape(value))
    return None


def _checked(path: str, node: NirNode, **parameters: Any) -> NeuronDynamics:
    try:
        return NeuronDynamics(**parameters)
    except SsdpError as error:
        raise ConversionError(f"{path} ({node.kind}): {error}") from None


def _leaky(scale: InputScale, kept: np.ndarray) -> Any:
    return 1.0 - kept if scale is InputScale.LEAK else 1.0


def _decay(path: str, node: NirNode, name: str, how: Discretization) -> np.ndarray:
    tau = reals(path, node, name)
    kept = how.kept(tau)
    if (tau <= 0).any() or (kept < 0).any():
        worst = float(tau.reshape(-1)[np.argmin(tau)])
        raise ConversionError(
            f"{path} ({node.kind}).{name}: {worst} with a time step of {how.dt}"
            f" ({how.method.value}); time constants of at least a step are needed. Is dt in"
            " their unit?"
        )
    return kept


def _lif(path: str, node: NirNode, how: Discretization) -> Membrane:
    kept = _decay(path, node, "tau", how)
    scale = how.readout_scale if node.kind == "LI" else how.neuron_scale
    gain = reals(path, node, "r") * _leaky(scale, kept)
    return Membrane(kept, gain, reals(path, node, "v_leak"))


def _cuba(path: str, node: NirNode, how: Discretization) -> Membrane:
    kept = _decay(path, node, "tau_mem", how)
    current_kept = _decay(path, node, "tau_syn", how)
    scale = how.readout_scale if node.kind == "CubaLI" else how.neuron_scale
    gain = reals(path, node, "r") * _leaky(scale, kept)
    jump = reals(path, node, "w_in", 1.0) * _leaky(how.synapse_scale, current_kept)
    return Membrane(kept, gain * jump, reals(path, node, "v_leak"), current_kept)


def _integrator(path: str, node: NirNode, how: Discretization) -> Membrane:
    step = how.dt if how.integrator_scale is InputScale.LEAK else 1.0
    gain = reals(path, node, "r") * step
    return Membrane(np.ones_like(gain), gain, np.zeros_like(gain))


_MEMBRANES: dict[str, Callable[[str, NirNode, Discretization], Membrane]] = {
    "LIF": _lif,
    "LI": _lif,
    "CubaLIF": _cuba,
    "CubaLI": _cuba,
    "IF": _integrator,
    "I": _integrator,
}
