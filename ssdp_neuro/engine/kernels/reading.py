"""What a run wrote down, read again: counts, first spikes, rasters and events of one population.

The output of a window is ``fired``, the neurons that fired, sample by sample, step by step
and within a step population by population, and ``counts`` (n_samples, n_steps, P), how many
each time. So every reader walks over ``counts`` and looks at the entries of population ``p``.
"""

import numpy as np

from ssdp_neuro.engine.kernels.compiler import lean_kernel


@lean_kernel
def count_spikes(counts, fired, p, totals):
    """Add the spikes of each neuron to ``totals`` int64 (n_samples, n_neurons)."""
    at = np.int64(0)
    for sample in range(counts.shape[0]):
        row = totals[sample]
        for step in range(counts.shape[1]):
            for other in range(counts.shape[2]):
                n_fired = counts[sample, step, other]
                if other == p:
                    for k in range(n_fired):
                        row[fired[at + k]] += 1
                at += n_fired


@lean_kernel
def find_first(counts, fired, p, start, first):
    """Lower ``first`` int32 (n_samples, n_neurons) to the step of the first spike.

    ``start`` is the step of the first one in ``counts``.
    """
    at = np.int64(0)
    for sample in range(counts.shape[0]):
        row = first[sample]
        for step in range(counts.shape[1]):
            now = np.int32(start + step)
            for other in range(counts.shape[2]):
                n_fired = counts[sample, step, other]
                if other == p:
                    for k in range(n_fired):
                        neuron = fired[at + k]
                        row[neuron] = min(row[neuron], now)
                at += n_fired


@lean_kernel
def mark_spikes(counts, fired, p, start, raster):
    """Set the bytes of the spikes in ``raster`` uint8 (n_samples, all steps, n_neurons)."""
    at = np.int64(0)
    for sample in range(counts.shape[0]):
        for step in range(counts.shape[1]):
            row = raster[sample, start + step]
            for other in range(counts.shape[2]):
                n_fired = counts[sample, step, other]
                if other == p:
                    for k in range(n_fired):
                        row[fired[at + k]] = 1
                at += n_fired


@lean_kernel
def list_events(counts, fired, p, first, start, events):
    """Fill ``events`` int32 (n_events, 3) with sample, step and neuron.

    Returns whether the neurons of every step rise; they do unless the population kept a list
    of live blocks.
    """
    at = n_events = np.int64(0)
    rising = True
    for sample in range(counts.shape[0]):
        for step in range(counts.shape[1]):
            for other in range(counts.shape[2]):
                n_fired = counts[sample, step, other]
                if other == p:
                    before = np.int32(-1)
                    for k in range(n_fired):
                        neuron = fired[at + k]
                        rising &= neuron > before
                        before = neuron
                        events[n_events, 0] = first + sample
                        events[n_events, 1] = start + step
                        events[n_events, 2] = neuron
                        n_events += 1
                at += n_fired
    return rising
