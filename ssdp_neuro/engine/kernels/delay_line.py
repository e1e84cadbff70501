"""What only networks with delays do: remember who fired, count, and take what is on its way."""

import numpy as np

from ssdp_neuro.compilation.compiler import step_kernel
from ssdp_neuro.engine.kernels.table_view import open_tables


@step_kernel
def remember(p, step, low, high, handle):
    """Keep the list of who fired in population ``p``."""
    tables = open_tables(handle)
    populations, state = tables.populations, tables.state
    slot = step % populations.depth[p]
    first, n_fired = state.first[p], state.n_fired[p]
    start = populations.past_row[p] + slot * (populations.size[p] + 3)
    state.n_past[populations.past_count_row[p] + slot] = n_fired
    for k in range(n_fired):
        state.past[start + k] = state.fired[first + k]
    return 0


@step_kernel
def count_sent(q, step, low, high, handle):
    """Synapses of the sources that fired, of the projection that part ``q`` is the first of."""
    tables = open_tables(handle)
    state, synapses = tables.state, tables.synapses
    counted, source = tables.projections.counted[q], tables.projections.source[q]
    total = np.int64(0)
    first = state.first[source]
    for k in range(first, first + state.n_fired[source]):
        total += synapses.fan_out[counted + state.fired[k]]
    return total


@step_kernel
def take_pending(p, step, low, high, handle):
    """Add what a restored state has on its way to this step."""
    tables = open_tables(handle)
    populations, state = tables.populations, tables.state
    stride = populations.stride[p]
    base = populations.drive_offset[p] + step % populations.ring[p] * stride
    start = populations.pending_row[p] + step % populations.reach[p] * stride
    for i in range(populations.size[p]):
        arriving = state.pending[start + i]
        state.drive[base + i] = np.int32(state.drive[base + i] + arriving)
        state.pending[start + i] = np.int32(0)
    return 0
