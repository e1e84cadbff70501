"""What listed synapses, or such with delays, learn by integer e-prop in one step."""

import numpy as np

from ssdp_neuro.compilation.compiler import part, step_kernel
from ssdp_neuro.engine.kernels.eprop_step import (
    LONG_AGO,
    begin_sample,
    hear_step,
    keep_sent,
    note_factors,
)
from ssdp_neuro.engine.kernels.eprop_tables import EpropListed
from ssdp_neuro.engine.kernels.random_words import absorb, key_offset
from ssdp_neuro.engine.kernels.table_view import open_tables, opener

open_listed = opener(EpropListed)


@part
def keep_past(synapses, step):
    """Traces and stamps of this step, for synapses that feel them later."""
    trace, past = synapses.trace, synapses.past_trace
    row = step % past.shape[0]
    for i in range(trace.shape[0]):
        past[row, i] = trace[i]
        if trace[i] != 0:
            synapses.last_trace[i] = step
        if synapses.stamped:
            synapses.past_heard[row, i] = synapses.heard[i]


@part
def change_listed(synapses, step, n_live):
    """One update of the synapses of the listed targets, from sources with a trace they feel."""
    shift, mask = synapses.shift, (np.int64(1) << synapses.shift) - 1
    low, high, stamped = synapses.weight_low, synapses.weight_high, synapses.stamped
    weights, past, place = synapses.weights, synapses.past_trace, synapses.place
    place[:] = -1
    for k in range(n_live):
        place[synapses.live[k]] = k
    for i in range(synapses.trace.shape[0]):
        if synapses.last_trace[i] <= step - past.shape[0]:
            continue
        for s in range(synapses.row_start[i], synapses.row_start[i + 1]):
            j, sent = synapses.post[s], step - synapses.delay[s]
            if place[j] < 0 or sent < 0:
                continue
            synapses.n_visited[0] += 1
            row = sent % past.shape[0]
            late = synapses.delay[s]
            if stamped and synapses.past_heard[row, i] + late < synapses.cleared[j]:
                continue
            product = synapses.factor[j] * past[row, i]
            bits = np.int64(absorb(synapses.offsets[place[j]], np.uint32(i))) & mask
            changed = weights[s] + ((product + bits) >> shift)
            weights[s] = min(max(changed, low), high)


@step_kernel
def eprop_listed_step(index, step, low, high, handle):
    """What projection ``index`` hears and learns of the step that has just run."""
    tables = open_tables(handle)
    synapses = open_listed(tables.rules.learners[index])
    if step == 0:
        begin_sample(index, synapses)
        synapses.last_trace[:] = LONG_AGO
    hear_step(index, step, synapses, tables)
    keep_past(synapses, step)
    if synapses.key[2]:
        n_live = note_factors(synapses, key_offset(synapses.key[0], synapses.key[1] + step))
        change_listed(synapses, step, n_live)
    keep_sent(synapses, tables.state)
    return 0
