"""Steps of a projection under a rule: of given spike trains, and of a network as it runs."""

import numpy as np

from ssdp_neuro.compilation.compiler import part, step_kernel
from ssdp_neuro.engine.kernels.rule_epoch import end_step
from ssdp_neuro.engine.kernels.rule_tables import NO_NUMBERS, OF_POST, OF_PRE
from ssdp_neuro.engine.kernels.rule_traces import note_flags, note_number, note_numbers, note_spike
from ssdp_neuro.engine.kernels.rule_waiting import begin_log
from ssdp_neuro.engine.kernels.table_view import open_learner, open_tables


@step_kernel
def learn_trains(index, step, low, high, handle):
    """The steps ``low..high - 1`` of spike trains of both ends.

    Where spikes may wait (``program.waits``) they do in the log, but not beyond the last step.
    """
    learner = open_learner(handle)
    program, synapses, steps = learner.program, learner.synapses, learner.steps
    n_visited = np.int64(0)
    if program.waits:
        begin_log(program, learner.log)
    for at in range(low, high):
        now = steps.clock + at + 1
        within = (now - 1) % program.epoch + 1
        start = now - within
        burst = steps.draws.burst[at] if program.is_lava else np.int64(0)
        if program.graded != NO_NUMBERS:
            note_numbers(program, synapses, steps, at, start, within)
        else:
            note_flags(program, synapses, steps, at, OF_PRE, start, within, -1)
        note_flags(program, synapses, steps, at, OF_POST, start, within, burst)
        n_visited += end_step(learner, handle, at, now, at + 1 == high)
    learner.n_visited[0] += n_visited
    return 0


@part
def note_fired(program, synapses, p, state, end, start, within, lava_draw):
    """Keep the step of each spike of population ``p``."""
    begin = state.first[p]
    for k in range(begin, begin + state.n_fired[p]):
        note_spike(program, synapses, end, np.int64(state.fired[k]), start, within, lava_draw)


@part
def note_ones(program, synapses, p, state, start, within):
    """The same of a source whose numbers go into x1: those of a network are 1, whose half is 0."""
    begin = state.first[p]
    for k in range(begin, begin + state.n_fired[p]):
        note_number(program, synapses, np.int64(state.fired[k]), np.int32(0), True, start, within)


@step_kernel
def learn_step(index, step, low, high, handle):
    """What the rule ``index`` of a network hears and learns of the step that has just run."""
    tables = open_tables(handle)
    state = tables.state
    handle_of_learner = tables.rules.learners[index]
    learner = open_learner(handle_of_learner)
    program, synapses, steps = learner.program, learner.synapses, learner.steps
    at = step - steps.begin
    now = steps.clock + at + 1
    within = (now - 1) % program.epoch + 1
    start = now - within
    burst = steps.draws.burst[at] if program.is_lava else np.int64(0)
    if program.graded != NO_NUMBERS:
        note_ones(program, synapses, learner.ends[OF_PRE], state, start, within)
    else:
        note_fired(program, synapses, learner.ends[OF_PRE], state, OF_PRE, start, within, -1)
    note_fired(program, synapses, learner.ends[OF_POST], state, OF_POST, start, within, burst)
    n_visited = end_step(learner, handle_of_learner, at, now, False)
    if n_visited > 0:
        learner.n_visited[0] += n_visited
        weights = learner.weights
        for k in range(weights.shape[0]):
            weights[k] = synapses.variables[0, k]
    return 0
