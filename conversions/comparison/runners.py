"""What runs a model for a comparison: PyTorch in two forms, the engine, Lava."""

from __future__ import annotations

import enum
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hw_models import FixedPointNetwork
from ssdp_neuro.engine.results import EventCounts

if TYPE_CHECKING:
    from ssdp_neuro.training import SpikingNetwork


class Runner(enum.Enum):
    """Who computes: ``QUANTIZED`` is PyTorch in the chip's integers, as trained last."""

    FLOAT = "PyTorch, real numbers"
    QUANTIZED = "PyTorch, integers"
    ENGINE = "engine"
    LAVA = "Lava"


@dataclass(frozen=True, kw_only=True, eq=False)
class Recording:
    """Spikes of every layer over some samples.

    Parameters
    ----------
    layers
        bool ``(B, T, N)`` by name, from input to output.
    seconds
        Wall-clock time of the run; kernels are compiled before.
    counts
        Events, of the engine only.
    """

    layers: dict[str, np.ndarray]
    seconds: float
    counts: EventCounts | None = None


def run_model(model: SpikingNetwork, spikes: np.ndarray) -> Recording:
    """Run a PyTorch model; spikes bool ``(B, T, *input_shape)``."""
    import torch

    from ssdp_neuro.training.networks.network import as_spikes

    started = time.perf_counter()
    with torch.no_grad():
        recorded = model.record(as_spikes(spikes))
    seconds = time.perf_counter() - started
    layers = {name: fired.flatten(2).numpy() != 0 for name, fired in recorded.items()}
    return Recording(layers=layers, seconds=seconds)


def run_network(
    runner: Runner, network: FixedPointNetwork, spikes: np.ndarray, shifts: Mapping[str, int]
) -> Recording:
    """Run a network in the engine or in Lava's models, and keep what the model has steps for.

    Parameters
    ----------
    runner
        ``ENGINE`` or ``LAVA``.
    network
        Of one input population.
    spikes : bool, shape (B, T, *input_shape)
    shifts
        By the name of each population to keep: the network's step in which the model's first
        one takes place. The network runs until the last of them has had all ``T`` steps.

    Returns
    -------
    Recording
        In the time of the model.
    """
    n_steps = spikes.shape[1]
    late = max(shifts.values())
    given = np.pad(spikes, [(0, 0), (0, late), *[(0, 0)] * (spikes.ndim - 2)])
    settings: dict[str, Any] = {"n_steps": n_steps + late}
    run: Any
    if runner is Runner.ENGINE:
        from ssdp_neuro import simulate as run
        from ssdp_neuro.engine.readiness import make_ready

        make_ready(network)
    else:
        from conversions.lava.executor import LavaExecution
        from conversions.lava.executor import run_lava as run

        settings["execution"] = LavaExecution.DIRECT
    started = time.perf_counter()
    result = run(network, given, **settings)
    seconds = time.perf_counter() - started
    return Recording(
        layers={
            name: result.raster(name)[:, shift : shift + n_steps] for name, shift in shifts.items()
        },
        seconds=seconds,
        counts=result.counts if runner is Runner.ENGINE else None,
    )


def make_real(model: SpikingNetwork) -> SpikingNetwork:
    """Take a model off the chip's integers, back to the real numbers under them.

    Mutates
    -------
    model
        It must not be a copy of another: PyTorch's parametrized copies share their class.
    """
    from torch.nn.utils import parametrize

    from ssdp_neuro.training import CubaLif

    for module in model.modules():
        if isinstance(module, CubaLif):
            module.grid = None
        elif parametrize.is_parametrized(module, "weight"):
            parametrize.remove_parametrizations(module, "weight", leave_parametrized=False)
    return model


def is_quantized(model: SpikingNetwork) -> bool:
    """Whether the model runs in the chip's integers."""
    from ssdp_neuro.training import CubaLif

    return any(isinstance(m, CubaLif) and m.grid is not None for m in model.modules())
