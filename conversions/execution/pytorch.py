"""A PyTorch model in real numbers, of whichever framework."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from conversions.execution.executable import Executable, ModelRun
from conversions.execution.executor import Run
from hw_models import InputError
from ssdp_neuro.engine.results import EventCounts, RasterReader

BATCH = 64  # samples that PyTorch sees at once: a constant, for sums to round alike in any shard


def prepare(executable: Executable) -> Run:
    """Take a model on the chip's integers back to the real numbers under them."""
    return run_of(executable.real_model, executable)


def run_of(model: Any, executable: Executable) -> Run:
    """A run of one form of the model of an executable, in batches of one size.

    The last batch is filled up with silence.
    """
    from ssdp_neuro.training.thread_count import threads

    def run(spikes: Any, n_steps: int, probes: Iterable[tuple[str, str]] = ()) -> ModelRun:
        if tuple(probes):
            raise InputError(f"probes: {list(probes)}; a PyTorch model has spikes only")
        given = _input_of(executable, spikes)[:, : n_steps - executable.later]
        silence = 0 if executable.planes is None else executable.planes.bounds[0]
        layers: dict[str, list[np.ndarray]] = {}
        decided = []
        with threads(1):  # sums of several threads may round otherwise
            for start in range(0, len(given), BATCH):
                batch = given[start : start + BATCH]
                filled = np.full((BATCH, *given.shape[1:]), silence, dtype=given.dtype)
                filled[: len(batch)] = batch
                sent, classes = _layers_of(model, filled, executable)
                for name, fired in sent.items():
                    layers.setdefault(name, []).append(fired[: len(batch)])
                decided += [] if classes is None else [classes[: len(batch)]]
        rasters = {
            name: _late(np.concatenate(parts), executable.shifts.get(name, 0), n_steps)
            for name, parts in layers.items()
        }
        return ModelRun(
            sizes={name: fired.shape[2] for name, fired in rasters.items()},
            n_steps=n_steps,
            n_samples=len(given),
            reader=RasterReader(rasters),
            probes={},
            counts=EventCounts(
                spikes={name: int(fired.sum()) for name, fired in rasters.items()},
                synaptic_operations={},
                neuron_updates={},
            ),
            executor="PyTorch",
            decided=np.concatenate(decided) if decided else None,
        )

    return run


def _input_of(executable: Executable, spikes: Any) -> np.ndarray:
    """What the model is given ``(B, T, *input_shape)``: spikes, or the values they stand for."""
    if executable.planes is None:
        return np.asarray(spikes).astype(bool, copy=False)
    return executable.planes.decode(spikes)


def _layers_of(
    model: Any, spikes: np.ndarray, executable: Executable
) -> tuple[dict[str, np.ndarray], np.ndarray | None]:
    """Spikes by layer, bool ``(B, T, N)``, and the classes where the model itself has a say."""
    import torch

    from ssdp_neuro.training import SpikingNetwork
    from ssdp_neuro.training.networks.spiking_network import as_spikes

    rule = executable.decision
    if (
        isinstance(model, SpikingNetwork)
        and executable.planes is None
        and (rule is None or not rule.probes)
    ):
        with torch.no_grad():
            recorded = model.record(as_spikes(spikes))
        return {name: fired.flatten(2).numpy() != 0 for name, fired in recorded.items()}, None
    from conversions.pytorch.network.model_reading import read_model

    read = read_model(model, spikes=spikes, planes=executable.planes, **executable.calling)
    names = {lif.name for lif in executable.network.neurons}
    fired = {name: sent != 0 for name, sent in read.sent.items() if name in names}
    return fired, read.decided


def _late(fired: np.ndarray, shift: int, n_steps: int) -> np.ndarray:
    """The raster ``(B, T, N)`` in the network's time ``(B, n_steps, N)``."""
    late = np.zeros((len(fired), n_steps, fired.shape[2]), dtype=bool)
    late[:, shift : shift + fired.shape[1]] = fired
    return late


def make_real(model: Any) -> Any:
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


def is_quantized(model: Any) -> bool:
    """Whether the model runs in the chip's integers."""
    from ssdp_neuro.training import CubaLif, SpikingNetwork

    if not isinstance(model, SpikingNetwork):
        return False
    return any(isinstance(m, CubaLif) and m.grid is not None for m in model.modules())
