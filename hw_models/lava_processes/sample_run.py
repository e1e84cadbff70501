"""One sample from a fresh start, through Lava's runtime or its models alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from lava.magma.core.run_conditions import RunSteps
from lava.proc.io.sink import RingBuffer as SpikeSink

from hw_models.lava_processes.direct_run import DirectRun
from hw_models.lava_processes.model import LavaModel, build_model
from hw_models.network import FixedPointNetwork

Probe = tuple[str, str]


@dataclass(frozen=True, eq=False)
class SampleRun:
    """What Lava computed for one sample.

    Parameters
    ----------
    rasters
        Spikes of each LIF population: bool ``(n_steps, n_neurons)``.
    probes
        State by ``(population, "u" or "v")`` after each step: int32 ``(n_steps, n_neurons)``.
    """

    rasters: Mapping[str, np.ndarray]
    probes: Mapping[Probe, np.ndarray]


def run_sample_direct(
    network: FixedPointNetwork,
    inputs: Mapping[str, np.ndarray],
    n_steps: int,
    probes: Iterable[Probe] = (),
) -> SampleRun:
    """Run Lava's models in this thread; inputs are bool ``(n_steps, n_neurons)`` by name."""
    model = build_model(network, inputs)
    sinks = _sinks(model, n_steps)
    run = DirectRun([*model.processes, *sinks.values()])
    states = {
        (name, variable): getattr(run.model(model.populations[name]), variable)
        for name, variable in probes
    }
    recorded = {
        probe: np.empty((n_steps, state.size), dtype=np.int32) for probe, state in states.items()
    }
    for step in range(n_steps):
        run.step()
        for probe, state in states.items():
            recorded[probe][step] = state
    rasters = {name: run.model(sink).data.T != 0 for name, sink in sinks.items()}
    return SampleRun(rasters, recorded)


def run_sample_in_runtime(
    network: FixedPointNetwork,
    inputs: Mapping[str, np.ndarray],
    n_steps: int,
    probes: Iterable[Probe] = (),
) -> SampleRun:
    """Run in Lava's multiprocess runtime; needs the start method "fork"."""
    model = build_model(network, inputs)
    sinks = _sinks(model, n_steps)
    monitors = {probe: model.record_state(*probe, n_steps) for probe in probes}
    rasters, recorded = {}, {}
    try:
        for process in model.populations.values():
            if process.runtime is None:  # populations without a path between them run apart
                process.run(condition=RunSteps(num_steps=n_steps), run_cfg=model.run_config)
        for name, sink in sinks.items():
            rasters[name] = sink.data.get().T != 0
        for (name, variable), monitor in monitors.items():
            recorded[name, variable] = monitor.get_data()[name][variable].astype(np.int32)
    finally:
        for process in model.populations.values():
            process.stop()
    return SampleRun(rasters, recorded)


def _sinks(model: LavaModel, n_steps: int) -> dict[str, SpikeSink]:
    return {name: model.record_spikes(name, n_steps) for name in model.populations}
