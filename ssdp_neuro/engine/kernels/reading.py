"""What a run wrote down, read again: counts, first spikes, rasters and events of one population.

The output of a window is ``fired``, the neurons that fired, sample by sample, step by step
and within a step population by population, and ``counts`` (n_samples, n_steps, P), how many
each time. So every reader walks over ``counts`` and looks at the entries of population ``p``,
which are lists or bits, see :mod:`.spike_record`.
"""

import numpy as np

from ssdp_neuro.compilation.compiler import step_kernel
from ssdp_neuro.engine.kernels.reading_tables import ReadingTable
from ssdp_neuro.engine.kernels.spike_record import spikes_at
from ssdp_neuro.engine.kernels.table_view import opener

open_reading = opener(ReadingTable)


@step_kernel
def count_spikes(p, first, start, row, handle):
    """Add the spikes of each neuron to ``totals``; ``row`` is that of sample 0."""
    reading = open_reading(handle)
    counts, totals = reading.counts, reading.totals
    n_samples, n_steps, n_populations = reading.shape[0], reading.shape[1], reading.shape[2]
    size = reading.shape[3]
    at = place = np.int64(0)
    for sample in range(n_samples):
        base = (row + sample) * size
        for _ in range(n_steps):
            for other in range(n_populations):
                n_fired = counts[place]
                place += 1
                if other == p:
                    neurons = spikes_at(p, at, n_fired, reading)
                    for k in range(n_fired):
                        totals[base + neurons[k]] += 1
                at += min(np.int64(n_fired), reading.most_listed[other])
    return 0


@step_kernel
def find_first(p, first, start, row, handle):
    """Lower ``first`` to the step of the first spike; ``start`` is the first step's number."""
    reading = open_reading(handle)
    counts, earliest = reading.counts, reading.first
    n_samples, n_steps, n_populations = reading.shape[0], reading.shape[1], reading.shape[2]
    size = reading.shape[3]
    at = place = np.int64(0)
    for sample in range(n_samples):
        base = (row + sample) * size
        for step in range(n_steps):
            now = np.int32(start + step)
            for other in range(n_populations):
                n_fired = counts[place]
                place += 1
                if other == p:
                    neurons = spikes_at(p, at, n_fired, reading)
                    for k in range(n_fired):
                        neuron = base + neurons[k]
                        earliest[neuron] = min(earliest[neuron], now)
                at += min(np.int64(n_fired), reading.most_listed[other])
    return 0


@step_kernel
def mark_spikes(p, first, start, row, handle):
    """Set the bytes of the spikes in ``raster`` (n_samples, all steps, n_neurons)."""
    reading = open_reading(handle)
    counts, raster = reading.counts, reading.raster
    n_samples, n_steps, n_populations = reading.shape[0], reading.shape[1], reading.shape[2]
    size, all_steps = reading.shape[3], reading.shape[4]
    at = place = np.int64(0)
    for sample in range(n_samples):
        for step in range(n_steps):
            base = ((row + sample) * all_steps + start + step) * size
            for other in range(n_populations):
                n_fired = counts[place]
                place += 1
                if other == p:
                    neurons = spikes_at(p, at, n_fired, reading)
                    for k in range(n_fired):
                        raster[base + neurons[k]] = 1
                at += min(np.int64(n_fired), reading.most_listed[other])
    return 0


@step_kernel
def list_events(p, first, start, row, handle):
    """Fill ``events`` (n_events, 3), from entry ``row`` on, with sample, step and neuron.

    Returns whether the neurons of every step rise; they do unless the population kept a list
    of live blocks, or is kept as an image.
    """
    reading = open_reading(handle)
    counts, events = reading.counts, reading.events
    n_samples, n_steps, n_populations = reading.shape[0], reading.shape[1], reading.shape[2]
    at = place = np.int64(0)
    to = 3 * row
    rising = np.int64(1)
    for sample in range(n_samples):
        for step in range(n_steps):
            for other in range(n_populations):
                n_fired = counts[place]
                place += 1
                if other == p:
                    neurons = spikes_at(p, at, n_fired, reading)
                    before = np.int32(-1)
                    for k in range(n_fired):
                        neuron = neurons[k]
                        rising &= np.int64(neuron > before)
                        before = neuron
                        events[to] = first + sample
                        events[to + 1] = start + step
                        events[to + 2] = neuron
                        to += 3
                at += min(np.int64(n_fired), reading.most_listed[other])
    return rising
