"""Lava's fixed-point models in Lava's own multiprocess runtime.

The program that a user of Lava would write: ring buffer, Dense or Sparse, LIF, ring
buffer. Timed are further steps of a runtime that is up. Lava has two ways to deliver:
it gathers the columns of the neurons that fired, or, if messages have bits
(``num_message_bits``), multiplies the whole matrix; which is faster depends.
"""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

import hw_models.lava_processes  # noqa: F401 makes Lava importable

# isort: split
import numpy as np
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import Loihi2SimCfg
from lava.proc.dense.process import Dense
from lava.proc.io.sink import RingBuffer as SpikeSink
from lava.proc.io.source import RingBuffer as SpikeSource
from lava.proc.lif.process import LIF
from lava.proc.sparse.process import Sparse
from scipy.sparse import csr_matrix

from benchmarks.peers.measurement import (
    Measurement,
    events_of_raster,
    input_pairs,
    only,
    time_runs,
)
from benchmarks.workloads import Workload
from hw_models import DenseProjection, FixedPointNetwork, LifPopulation, SparseProjection

REPEATS = 3
CHECKED_SPIKES = 5e5  # neurons times steps compared: Lava hands its records over one by one
STEP_BUDGET = 3e8  # synapses times steps of a run; the more synapses, the fewer steps


def measure_gather(workload: Workload, n_threads: int, folder: Path) -> Measurement:
    """Lava as it is by default: spikes select columns."""
    return measure(workload, message_bits=0)


def measure_product(workload: Workload, n_threads: int, folder: Path) -> Measurement:
    """Lava with graded spikes: a product with the whole matrix."""
    return measure(workload, message_bits=1)


def measure(workload: Workload, message_bits: int) -> Measurement:
    """Time further steps, after the first ones, which are compared.

    Of a batch, the first sample stands for all.
    """
    network = workload.network
    synapses = sum(projection.weights.size for projection in network.projections)
    n_timed = int(np.clip(STEP_BUDGET / synapses, 20, 300))
    n_checked = int(CHECKED_SPIKES / sum(lif.n_neurons for lif in network.neurons))
    n_checked = min(max(n_checked, 20), workload.n_steps)
    n_samples = len(workload.spikes) if workload.spikes.ndim == 3 else 1
    raster = first_sample(workload, min(n_checked + REPEATS * n_timed, workload.n_steps))
    neurons, sinks = build(network, raster, n_checked, message_bits)
    end = next(reversed(neurons.values()))
    config = Loihi2SimCfg(select_tag="fixed_pt")
    try:
        end.run(condition=RunSteps(n_checked), run_cfg=config)
        rasters = {name: sink.data.get().T != 0 for name, sink in sinks.items()}
        seconds = time_runs(lambda: end.run(RunSteps(n_timed), config), n_timed, REPEATS)
    finally:
        end.stop()
    return Measurement(
        seconds_per_step=tuple(second * n_samples for second in seconds),
        events={name: events_of_raster(raster) for name, raster in rasters.items()},
        n_samples=1,
        n_steps=n_checked,
        versions={"lava-nc": metadata.version("lava-nc")},
    )


def build(
    network: FixedPointNetwork, raster: np.ndarray, n_recorded: int, message_bits: int
) -> tuple[dict[str, LIF], dict[str, SpikeSink]]:
    """Connected Processes: the LIF populations and what records their spikes, by name."""
    (source,) = network.inputs
    ports = {source.name: SpikeSource(data=raster.T.astype(np.int32)).s_out}
    neurons, sinks = {}, {}
    for population in network.neurons:
        neurons[population.name] = lif(population)
        sinks[population.name] = SpikeSink(shape=population.shape, buffer=n_recorded)
        ports[population.name] = neurons[population.name].s_out
        ports[population.name].connect(sinks[population.name].a_in)
    for projection in network.projections:
        shape = tuple(
            network.population(name).n_neurons for name in (projection.target, projection.source)
        )
        process = synapses(projection, shape, message_bits)
        ports[projection.source].connect(process.s_in)
        process.a_out.connect(neurons[projection.target].a_in)
    return neurons, sinks


def lif(population: LifPopulation) -> LIF:
    """Lava's LIF; the workloads have neither biases nor other resets."""
    return LIF(
        shape=population.shape,
        du=only(population.current_decay),
        dv=only(population.voltage_decay),
        vth=only(population.threshold),
        bias_mant=0,
        bias_exp=0,
    )


def synapses(
    projection: DenseProjection | SparseProjection, shape: tuple[int, int], message_bits: int
) -> AbstractProcess:
    """Lava's Dense or Sparse."""
    weights = projection.weights.astype(np.int32)
    fields = {"weight_exp": projection.weight_exponent, "num_message_bits": message_bits}
    if isinstance(projection, DenseProjection):
        return Dense(weights=weights, **fields)
    used = weights != 0
    ends = (projection.post[used], projection.pre[used])
    return Sparse(weights=csr_matrix((weights[used], ends), shape=shape), **fields)


def first_sample(workload: Workload, n_steps: int) -> np.ndarray:
    """The first steps of the first sample's input, bool ``(n_steps, n_inputs)``."""
    if workload.spikes.ndim == 3:
        return workload.spikes[0, :n_steps]
    (source,) = workload.network.inputs
    pairs = input_pairs(workload)
    raster = np.zeros((n_steps, source.n_neurons), dtype=bool)
    step, index = pairs[pairs[:, 0] < n_steps].T
    raster[step, index] = True
    return raster
