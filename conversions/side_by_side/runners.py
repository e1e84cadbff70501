"""What runs a model for a comparison: PyTorch in two forms, the engine, Lava."""

from __future__ import annotations

import enum
import time
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
        Wall-clock time of the run.
    counts
        Events, of the engine only.
    """

    layers: dict[str, np.ndarray]
    seconds: float
    counts: EventCounts | None = None


def run_model(model: SpikingNetwork, spikes: np.ndarray) -> Recording:
    """Run a PyTorch model; spikes bool ``(B, T, *input_shape)``."""
    import torch

    from ssdp_neuro.training.network import as_spikes

    started = time.perf_counter()
    with torch.no_grad():
        recorded = model.record(as_spikes(spikes))
    seconds = time.perf_counter() - started
    layers = {name: fired.flatten(2).numpy() != 0 for name, fired in recorded.items()}
    return Recording(layers=layers, seconds=seconds)


def run_network(
    runner: Runner, network: FixedPointNetwork, spikes: np.ndarray, names: tuple[str, ...]
) -> Recording:
    """Run a network in the engine or in Lava's models, and keep the named populations."""
    settings: dict[str, Any] = {"n_steps": spikes.shape[1]}
    run: Any
    if runner is Runner.ENGINE:
        from ssdp_neuro import simulate as run
    else:
        from conversions.lava_executor import LavaExecution
        from conversions.lava_executor import run_lava as run

        settings["execution"] = LavaExecution.DIRECT
    started = time.perf_counter()
    result = run(network, spikes, **settings)
    seconds = time.perf_counter() - started
    return Recording(
        layers={name: result.raster(name) for name in names},
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
