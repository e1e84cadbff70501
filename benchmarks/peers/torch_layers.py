"""PyTorch simulators of feed-forward networks, in float32 without gradients.

All of them the fastest way they allow: one matrix product of a layer for all steps and
samples, then the simulator's own neurons over the steps. Each does the recursion of the
integer neurons in real numbers, with its own scale of current and potential.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.peers.measurement import (
    Measurement,
    events_of_raster,
    only,
    shares_kept,
    time_runs,
)
from benchmarks.workloads import Workload
from hw_models import DenseProjection, FixedPointNetwork, LifPopulation, PoolProjection

REPEATS = 5
WEIGHT_BITS = 6  # of a membrane potential, below those of a weight
CONVOLUTION = ("stride", "padding", "dilation", "groups")
Layer = Callable[[torch.Tensor], torch.Tensor]  # currents (T, B, N) to spikes


def norse_layer(keep_u: float, keep_v: float, threshold: float) -> Layer:
    """Its potential is smaller by the share that leaks away."""
    from norse.torch import LIF, LIFParameters

    leak = 1 - keep_v
    neurons = LIF(
        LIFParameters(
            tau_syn_inv=torch.tensor(1 - keep_u),
            tau_mem_inv=torch.tensor(leak),
            v_th=torch.tensor(threshold * leak),
        ),
        dt=1.0,
    )
    return lambda currents: neurons(currents)[0]


def sinabs_layer(keep_u: float, keep_v: float, threshold: float) -> Layer:
    """Its current decays with what has just arrived."""
    from sinabs.activation import MembraneReset, SingleSpike
    from sinabs.layers import LIF

    neurons = LIF(
        tau_mem=-1 / math.log(keep_v),
        tau_syn=-1 / math.log(keep_u),
        spike_threshold=torch.tensor(threshold * keep_u),
        spike_fn=SingleSpike,
        reset_fn=MembraneReset(),
        norm_input=False,
    )

    def run(currents: torch.Tensor) -> torch.Tensor:
        neurons.reset_states()
        return neurons(currents.transpose(0, 1)).transpose(0, 1)

    return run


def snntorch_layer(keep_u: float, keep_v: float, threshold: float) -> Layer:
    """Steps in Python, as its users write them."""
    from snntorch import Synaptic

    neurons = Synaptic(
        alpha=keep_u, beta=keep_v, threshold=threshold, reset_mechanism="zero", reset_delay=False
    )

    def run(currents: torch.Tensor) -> torch.Tensor:
        current, potential = neurons.reset_mem()
        fired = []
        for step in currents:
            spikes, current, potential = neurons(step, current, potential)
            fired.append(spikes)
        return torch.stack(fired)

    return run


def spikingjelly_layer(keep_u: float, keep_v: float, threshold: float) -> Layer:
    """It has no such current for real-valued input: a filter in PyTorch before its LIF."""
    from spikingjelly.activation_based.neuron import LIFNode

    neurons = LIFNode(
        tau=1 / (1 - keep_v),
        decay_input=False,
        v_threshold=threshold,
        v_reset=0.0,
        step_mode="m",
    )

    def run(currents: torch.Tensor) -> torch.Tensor:
        neurons.reset()
        filtered = currents.clone()
        for step in range(1, len(filtered)):
            filtered[step].add_(filtered[step - 1], alpha=keep_u)
        return neurons(filtered)

    return run


def measure(
    workload: Workload, n_threads: int, package: str, layer: Callable[..., Layer]
) -> Measurement:
    """Time a chain of layers over the whole batch."""
    torch.set_num_threads(n_threads)
    batch = workload.spikes if workload.spikes.ndim == 3 else workload.spikes[None]
    first = torch.tensor(np.moveaxis(batch, 0, 1), dtype=torch.float32).contiguous()
    chain = [
        (
            synapses_of(projection, workload.network),
            layer_of(layer, workload.network.population(projection.target)),
        )
        for projection in workload.network.projections
    ]

    def run() -> list[torch.Tensor]:
        spikes, fired = first, []
        for synapses, neurons in chain:
            spikes = neurons(synapses(spikes))
            fired.append(spikes)
        return fired

    with torch.no_grad():
        fired = run()
        seconds = time_runs(run, workload.n_steps, REPEATS)
    names = [projection.target for projection in workload.network.projections]
    return Measurement(
        seconds_per_step=seconds,
        events={
            name: events_of_raster(late(spikes[:, : workload.compared].numpy(), depth))
            for depth, (name, spikes) in enumerate(zip(names, fired, strict=True), start=1)
        },
        n_samples=min(len(batch), workload.compared),
        n_steps=workload.n_steps,
        versions={name: metadata.version(name) for name in (package, "torch")},
    )


def synapses_of(projection: Any, network: FixedPointNetwork) -> Layer:
    """Spikes ``(T, B, N)`` to currents of the target."""
    scale = 2.0**projection.weight_exponent
    if isinstance(projection, DenseProjection):
        weights = torch.tensor(projection.weights.T.copy(), dtype=torch.float32) * scale
        return lambda spikes: spikes @ weights
    shape = network.population(projection.source).shape
    if isinstance(projection, PoolProjection):
        projection = projection.as_convolution(shape[0])
    kernel = torch.tensor(projection.weights, dtype=torch.float32) * scale
    fields = {name: getattr(projection, name) for name in CONVOLUTION}

    def convolve(spikes: torch.Tensor) -> torch.Tensor:
        images = spikes.reshape(-1, *shape)
        made = torch.nn.functional.conv2d(images, kernel, **fields)
        return made.reshape(*spikes.shape[:2], -1)

    return convolve


def layer_of(layer: Callable[..., Layer], population: LifPopulation) -> Layer:
    """The neurons of a population, on inputs in units of a weight."""
    keep_u, keep_v = shares_kept(population)
    return layer(keep_u, keep_v, float(only(population.threshold)))


def late(spikes: np.ndarray, steps: int) -> np.ndarray:
    """``(T, B, N)`` to ``(B, T, N)``, later by the step that each connection takes on the chip."""
    raster = np.zeros((spikes.shape[1], spikes.shape[0], spikes.shape[2]), dtype=bool)
    raster[:, steps:] = np.moveaxis(spikes[:-steps], 0, 1) != 0
    return raster


def measure_norse(workload: Workload, n_threads: int, folder: Path) -> Measurement:
    return measure(workload, n_threads, "norse", norse_layer)


def measure_sinabs(workload: Workload, n_threads: int, folder: Path) -> Measurement:
    return measure(workload, n_threads, "sinabs", sinabs_layer)


def measure_snntorch(workload: Workload, n_threads: int, folder: Path) -> Measurement:
    return measure(workload, n_threads, "snntorch", snntorch_layer)


def measure_spikingjelly(workload: Workload, n_threads: int, folder: Path) -> Measurement:
    return measure(workload, n_threads, "spikingjelly", spikingjelly_layer)
