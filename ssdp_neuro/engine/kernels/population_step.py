"""One step of one population: all of its neurons, or those of its live blocks."""

import numpy as np

from ssdp_neuro.compilation.compiler import part, step_kernel
from ssdp_neuro.engine.kernels.blocks import CENSUS_MASK, census, is_quiet
from ssdp_neuro.engine.kernels.clearing import clear_words
from ssdp_neuro.engine.kernels.spike_list import list_spikes
from ssdp_neuro.engine.kernels.table_view import call_step, open_tables, section
from ssdp_neuro.engine.kernels.tables import ADAPTIVE, ASLEEP, BLOCK, BLOCK_BITS, SPARE, UNIFORM


@part
def reset_run(low, high, p, populations, state):
    """Neurons ``low..high - 1`` of population ``p`` at rest."""
    start = populations.offset[p]
    clear_words(state.u, start + low, start + high)
    clear_words(state.v, start + low, start + high)
    if populations.kind[p] != UNIFORM:
        row = populations.row[p]
        clear_words(state.wait, row + low, row + high)
        if populations.kind[p] == ADAPTIVE:
            clear_words(state.adapted, row + low, row + high)


@part
def reset_if_due(p, step, populations, state):
    """The periodic reset of one population."""
    interval = populations.interval[p]
    if interval and (step + 1) % interval == populations.phase[p]:
        reset_run(0, populations.size[p], p, populations, state)


@part
def take_pending(p, step, tables, handle):
    """Add what a restored state has on its way to this step, if there is any."""
    if step < tables.state.pending_until[p]:
        call_step(tables.populations.take_pending[p], p, step, 0, 0, handle)


@part
def name_of(kept, channels, plane, share):
    """Own index of a neuron of an image that is kept channels last; ``share`` is 1 / channels.

    A product instead of a division: half of one is added, so that no rounding reaches an integer.
    """
    place = np.int32((np.float64(kept) + 0.5) * share)
    channel = np.int32(kept - np.int32(place * np.int32(channels)))
    return np.int64(np.int32(np.int32(channel * np.int32(plane)) + place))


@part
def list_of(p, populations, state):
    """Where who fired in population ``p`` is listed, by place, and SPARE entries more."""
    first = state.first[p]
    end = first + populations.size[p] + SPARE
    if populations.channels[p] > 0:
        return section(state.kept, first, end)
    return section(state.fired, first, end)


@part
def name_fired(p, tables):
    """List who fired in an image by their own index too, if something reads that."""
    populations, state = tables.populations, tables.state
    channels, first, n_fired = populations.channels[p], state.first[p], state.n_fired[p]
    is_read = (
        populations.named[p] != 0
        or n_fired <= tables.window.most_listed[p]
        or tables.latencies.note.shape[0] != 0
        or tables.rules.learn.shape[0] != 0
    )
    if channels > 0 and is_read:
        plane = populations.size[p] // channels
        fired = section(state.fired, first, first + n_fired)
        kept = section(state.kept, first, first + n_fired)
        for k in range(n_fired):
            fired[k] = name_of(np.int32(kept[k]), channels, plane, 1.0 / channels)


@part
def list_swept(p, step, tables, handle):
    """List who fired in population ``p``, all of which has been updated."""
    populations, state = tables.populations, tables.state
    offset = populations.offset[p]
    flags = section(state.flags, offset, offset + populations.stride[p])
    fired = list_of(p, populations, state)
    state.n_fired[p] = list_spikes(flags, 0, state.marked, fired, 0)
    name_fired(p, tables)
    tables.tally.updates[p] += populations.size[p]
    may_sleep = not populations.awake[p] and step + 1 >= state.pending_until[p]
    if may_sleep and step & CENSUS_MASK == CENSUS_MASK:
        call_step(populations.visit[p], p, step, 1, 0, handle)


@step_kernel
def visit_blocks(p, step, counts, unused, handle):
    """One step of the live blocks of population ``p``; or a census of a swept one."""
    tables = open_tables(handle)
    populations, state = tables.populations, tables.state
    if counts:
        census(p, step, populations, state)
        return 0
    size, offset = populations.size[p], populations.offset[p]
    take_pending(p, step, tables, handle)
    reset_if_due(p, step, populations, state)
    fired = list_of(p, populations, state)
    first = offset >> BLOCK_BITS
    n_fired = n_live = n_updates = 0
    for k in range(state.n_live[p]):
        block = state.live_list[first + k]
        low, high = block * BLOCK, min(block * BLOCK + BLOCK, size)
        call_step(populations.update[p], p, step, low, high, handle)
        flags = section(state.flags, offset + low, offset + low + BLOCK)
        n_fired = list_spikes(flags, low, state.marked, fired, n_fired)
        n_updates += high - low
        arrived = step >= state.touched[first + block] + populations.ring[p]
        if arrived and is_quiet(low, high, p, populations, state):
            state.live[first + block] = ASLEEP
        else:
            state.live_list[first + n_live] = block
            n_live += 1
    tables.tally.updates[p] += n_updates
    state.n_fired[p] = n_fired
    name_fired(p, tables)
    state.n_live[p] = n_live
    return 0
