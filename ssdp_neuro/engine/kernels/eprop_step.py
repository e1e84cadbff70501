"""What projections that learn by integer e-prop hear and learn in one step."""

import numpy as np

from ssdp_neuro.engine.kernels.compiler import part, step_kernel
from ssdp_neuro.engine.kernels.eprop_tables import EpropSynapses
from ssdp_neuro.engine.kernels.random_words import absorb, key_offset, next_offset
from ssdp_neuro.engine.kernels.table_view import open_tables, opener

SIGNAL_HIGH = 255
open_synapses = opener(EpropSynapses)


@part
def hear(trace, spikes, first, last, decay_shift, impulse, high):
    """Traces after a step in which the neurons at places ``first..last - 1`` fired."""
    up = (1 << decay_shift) - 1
    for i in range(trace.shape[0]):
        trace[i] -= (trace[i] + up) >> decay_shift
    for k in range(first, last):
        i = spikes[k]
        trace[i] = min(trace[i] + impulse, high)


@part
def note_error(teacher, state):
    """Error of the taught neurons after this step."""
    first = state.first[teacher.population]
    last = first + state.n_fired[teacher.population]
    hear(
        teacher.trace,
        state.fired,
        first,
        last,
        teacher.decay_shift,
        teacher.impulse,
        teacher.trace_high,
    )
    for k in range(teacher.error.shape[0]):
        teacher.error[k] = teacher.trace[k]
    teacher.error[teacher.target[0]] -= teacher.target[1]


@part
def note_psi(synapses, populations, state):
    """Pseudo-derivatives of the targets, from their state after this step."""
    p, factor, resting = synapses.ends[1], synapses.factor, synapses.resting
    start = populations.offset[p]
    for j in range(factor.shape[0]):
        distance = abs(np.int64(state.v[start + j]) - synapses.threshold[j])
        factor[j] = max(synapses.psi_levels - (distance >> synapses.psi_shift), 0)
        if resting[j] > 0:
            factor[j] = synapses.psi_refractory
            resting[j] -= 1
    first = state.first[p]
    for k in range(first, first + state.n_fired[p]):
        factor[state.fired[k]] = synapses.psi_levels
        resting[state.fired[k]] = synapses.refractory


@part
def signal_of(j, synapses, error):
    """Learning signal of a target."""
    feedback = synapses.feedback
    if feedback.shape[0] == 0:
        return error[j]
    total = np.int64(0)
    for k in range(error.shape[0]):
        total += np.int64(feedback[j, k]) * error[k]
    return min(max(total >> synapses.feedback_shift, -SIGNAL_HIGH), SIGNAL_HIGH)


@part
def note_factors(synapses, key):
    """``-L psi`` of the targets; returns of how many it is not 0, which are listed."""
    factor, n_live = synapses.factor, 0
    for j in range(factor.shape[0]):
        if factor[j] != 0:
            factor[j] *= -signal_of(j, synapses, synapses.teacher.error)
            if factor[j] != 0:
                synapses.live[n_live] = j
                synapses.offsets[n_live] = next_offset(absorb(key, np.uint32(j)))
                n_live += 1
    return n_live


@part
def change_weights(synapses, n_live):
    """One update of the listed targets' weights from every source with a trace."""
    shift, mask = synapses.shift, (np.int64(1) << synapses.shift) - 1
    weights, trace = synapses.weights, synapses.trace
    low, high = synapses.weight_low, synapses.weight_high
    for i in range(trace.shape[0]):
        if trace[i] == 0:
            continue
        synapses.n_visited[0] += n_live
        for k in range(n_live):
            j = synapses.live[k]
            bits = np.int64(absorb(synapses.offsets[k], np.uint32(i))) & mask
            changed = weights[i, j] + ((synapses.factor[j] * trace[i] + bits) >> shift)
            weights[i, j] = min(max(changed, low), high)


@part
def keep_sent(synapses, state):
    """Who fired in this step, and is felt in the next."""
    first, n_sent = state.first[synapses.ends[0]], state.n_fired[synapses.ends[0]]
    for k in range(n_sent):
        synapses.sent[k] = state.fired[first + k]
    synapses.n_sent[0] = n_sent


@step_kernel
def eprop_step(index, step, low, high, handle):
    """What projection ``index`` hears and learns of the step that has just run."""
    tables = open_tables(handle)
    state = tables.state
    synapses = open_synapses(tables.rules.learners[index])
    if step == 0:
        synapses.trace[:] = 0
        synapses.resting[:] = 0
        synapses.n_sent[0] = 0
        if index == 0:
            synapses.teacher.trace[:] = 0
    if index == 0:
        note_error(synapses.teacher, state)
    hear(
        synapses.trace,
        synapses.sent,
        0,
        synapses.n_sent[0],
        synapses.decay_shift,
        synapses.impulse,
        synapses.trace_high,
    )
    note_psi(synapses, tables.populations, state)
    if synapses.key[2]:
        n_live = note_factors(synapses, key_offset(synapses.key[0], synapses.key[1] + step))
        change_weights(synapses, n_live)
    keep_sent(synapses, state)
    return 0
