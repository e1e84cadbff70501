"""What is written down of a step beside its spikes: probes, and what learning listens to."""

import numpy as np

from ssdp_neuro.compilation.compiler import step_kernel
from ssdp_neuro.engine.kernels.population_step import name_of
from ssdp_neuro.engine.kernels.table_view import open_tables


@step_kernel
def record(p, step, sample, n_steps, handle):
    """Copy what the probes of population ``p`` ask for."""
    tables = open_tables(handle)
    populations, state, probes = tables.populations, tables.state, tables.probes
    size, offset = populations.size[p], populations.offset[p]
    for k in range(probes.population.shape[0]):
        if probes.population[k] == p:
            values = state.v if probes.voltage[k] else state.u
            start = probes.base[k] + (sample * n_steps + step) * size
            channels = max(populations.channels[p], 1)  # one: neurons in their own order
            for i in range(size):
                place = name_of(np.int32(i), channels, size // channels, 1.0 / channels)
                probes.values[start + place] = values[offset + i]
    return 0


@step_kernel
def note_latencies(p, step, low, high, handle):
    """Codes, counts and first steps of who fired in population ``p``."""
    tables = open_tables(handle)
    state, latencies = tables.state, tables.latencies
    first = state.first[p]
    for k in range(latencies.coded.shape[0]):
        if latencies.coded[k] == p:
            base, silent = latencies.code_base[k], latencies.silent[k]
            code = np.uint8(step >> latencies.shift[k])
            for i in range(state.n_fired[p]):
                place = base + state.fired[first + i]
                if latencies.codes[place] == silent:
                    latencies.codes[place] = code
    for k in range(latencies.counted.shape[0]):
        if latencies.counted[k] == p:
            base = latencies.count_base[k]
            for i in range(state.n_fired[p]):
                place = base + state.fired[first + i]
                if latencies.counts[place] == 0:
                    latencies.first[place] = step
                latencies.counts[place] += 1
    return 0
