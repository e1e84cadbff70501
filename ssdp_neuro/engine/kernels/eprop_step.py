"""What projections that learn by integer e-prop hear and learn in one step."""

import numpy as np

from ssdp_neuro.compilation.compiler import part, step_kernel
from ssdp_neuro.engine.kernels.eprop_tables import EpropSynapses
from ssdp_neuro.engine.kernels.random_words import absorb, key_offset, next_offset
from ssdp_neuro.engine.kernels.table_view import open_tables, opener
from ssdp_neuro.engine.kernels.tables import ADAPTIVE

SIGNAL_HIGH = 255
LONG_AGO = -(1 << 40)  # no step of a sample
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
def note_arrivals(synapses, step):
    """Traces of the sources after what arrives in this step; with stamps, of their last spikes."""
    trace, sent, n_sent = synapses.trace, synapses.sent, synapses.n_sent[0]
    shift, impulse, high = synapses.decay_shift, synapses.impulse, synapses.trace_high
    hear(trace, sent, 0, n_sent, shift, impulse, high)
    if synapses.stamped:
        for k in range(n_sent):
            trace[sent[k]] = impulse
            synapses.heard[sent[k]] = step


@part
def note_resets(synapses, step):
    """Last reset of every target: after its last spike, and once its refractory period is over."""
    for j in range(synapses.fired.shape[0]):
        since = synapses.fired[j] + 1
        rested = since + synapses.refractory
        synapses.cleared[j] = rested if step >= rested else since


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
def note_psi(synapses, populations, state, step):
    """Pseudo-derivatives of the targets, from their state after this step."""
    p, factor, resting = synapses.ends[1], synapses.factor, synapses.resting
    start, row = populations.offset[p], populations.row[p]
    adapts = populations.kind[p] == ADAPTIVE
    for j in range(factor.shape[0]):
        raised = np.int64(state.adapted[row + j]) if adapts else np.int64(0)  # but where it fired
        distance = abs(np.int64(state.v[start + j]) - synapses.threshold[j] - raised)
        factor[j] = max(synapses.psi_levels - (distance >> synapses.psi_shift), 0)
        if resting[j] > 0:
            factor[j] = synapses.psi_refractory
            resting[j] -= 1
    first = state.first[p]
    for k in range(first, first + state.n_fired[p]):
        factor[state.fired[k]] = synapses.psi_levels
        resting[state.fired[k]] = synapses.refractory
        if synapses.stamped:
            synapses.fired[state.fired[k]] = step


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
    low, high, stamped = synapses.weight_low, synapses.weight_high, synapses.stamped
    for i in range(trace.shape[0]):
        if trace[i] == 0:
            continue
        synapses.n_visited[0] += n_live
        for k in range(n_live):
            j = synapses.live[k]
            if stamped and synapses.heard[i] < synapses.cleared[j]:
                continue
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


@part
def begin_sample(index, synapses):
    """Nothing has been heard yet."""
    synapses.trace[:] = 0
    synapses.resting[:] = 0
    synapses.n_sent[0] = 0
    synapses.fired[:] = LONG_AGO
    if index == 0:
        synapses.teacher.trace[:] = 0


@part
def hear_step(index, step, synapses, tables):
    """What both ends have done in the step that has just run."""
    if index == 0:
        note_error(synapses.teacher, tables.state)
    note_arrivals(synapses, step)
    note_resets(synapses, step)
    note_psi(synapses, tables.populations, tables.state, step)


@step_kernel
def eprop_step(index, step, low, high, handle):
    """What projection ``index`` hears and learns of the step that has just run."""
    tables = open_tables(handle)
    synapses = open_synapses(tables.rules.learners[index])
    if step == 0:
        begin_sample(index, synapses)
    hear_step(index, step, synapses, tables)
    if synapses.key[2]:
        n_live = note_factors(synapses, key_offset(synapses.key[0], synapses.key[1] + step))
        change_weights(synapses, n_live)
    keep_sent(synapses, tables.state)
    return 0
