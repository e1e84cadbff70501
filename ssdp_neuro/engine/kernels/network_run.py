"""A network over many steps and samples in one call: events in, events out."""

from ssdp_neuro.compilation.compiler import part, step_kernel
from ssdp_neuro.compilation.vector_width import wide_vectors
from ssdp_neuro.engine.kernels.clearing import clear_words
from ssdp_neuro.engine.kernels.population_step import (
    list_swept,
    reset_if_due,
    reset_run,
    take_pending,
)
from ssdp_neuro.engine.kernels.rounding import TO_NEAREST, TOWARD_ZERO, set_rounding
from ssdp_neuro.engine.kernels.spike_record import write_spikes
from ssdp_neuro.engine.kernels.table_view import call_step, open_tables
from ssdp_neuro.engine.kernels.tables import BLOCK, BLOCK_BITS, DELIVER, INPUT, OVER, UPDATE


@part
def clear(populations, state):
    """A fresh sample; visits only what the last one can have changed."""
    for p in range(populations.kind.shape[0]):
        size = populations.size[p]
        first = populations.offset[p] >> BLOCK_BITS
        swept = state.swept[p] != 0
        n_runs = 1 if swept else state.n_known[p]
        for k in range(n_runs):
            block = 0 if swept else state.known_list[first + k]
            end = populations.stride[p] >> BLOCK_BITS if swept else block + 1
            low, high = block * BLOCK, min(end * BLOCK, size)
            reset_run(low, high, p, populations, state)
            for slot in range(populations.ring[p]):
                base = populations.drive_offset[p] + slot * populations.stride[p]
                clear_words(state.drive, base + low, base + high)
            clear_words(state.live, first + block, first + end)
        counts = populations.past_count_row[p]
        clear_words(state.n_past, counts, counts + populations.depth[p])
        if state.pending_until[p] > 0:
            base = populations.pending_row[p]
            clear_words(state.pending, base, base + populations.reach[p] * populations.stride[p])
            state.pending_until[p] = 0
        state.n_live[p] = 0
        state.n_known[p] = 0
        begins = populations.begins[p] != 0
        state.sweep[p] = populations.awake[p] or begins
        state.swept[p] = (populations.awake[p] and populations.kind[p] != INPUT) or begins
        if begins:
            start, row = populations.offset[p], populations.begin_row[p]
            for i in range(size):
                state.u[start + i] = populations.begin_u[row + i]
                state.v[start + i] = populations.begin_v[row + i]


@part
def most_spikes(sample, step, n_steps, populations, inputs, state):
    """A bound on the spikes of this step."""
    total = 0
    for p in range(populations.kind.shape[0]):
        if populations.kind[p] == INPUT:
            at = inputs.base[p] + sample * n_steps + step
            total += inputs.starts[at + 1] - inputs.starts[at]
        elif state.sweep[p]:
            total += populations.size[p]
        else:
            total += state.n_live[p] * BLOCK
    return total


@step_kernel
def run_network(index, step, low, high, handle):
    """Go on with the window of the tables, see WindowTable; the numbers say nothing.

    A sample that begins at step 0 begins afresh. Neurons that fired are unsorted within a step
    for a population that keeps a list of live blocks.

    Returns
    -------
    1 if the window is done; 0 if ``fired`` is full and a new one is needed; OVER if another
    member of the team has failed.
    """
    wide_vectors()
    tables = open_tables(handle)
    populations, projections, state = tables.populations, tables.projections, tables.state
    inputs, probes, latencies = tables.inputs, tables.probes, tables.latencies
    bounds, cursor = tables.window.bounds, tables.window.cursor
    counts, out = tables.window.counts, tables.window.fired
    last_sample, first_step, last_step, n_steps = bounds[1], bounds[2], bounds[3], bounds[4]
    n_populations = populations.kind.shape[0]
    n_out = cursor[2]
    keeps_spikes = counts.shape[0] > 0
    team, tally, rules = tables.team, tables.tally, tables.rules
    is_team, shared = team.lead.shape[0] > 0, team.shared
    set_rounding(TOWARD_ZERO)
    while cursor[0] < last_sample:
        sample = cursor[0]
        if cursor[1] == 0:
            clear(populations, state)
        row = ((sample - bounds[0]) * (last_step - first_step) - first_step) * n_populations
        while cursor[1] < last_step:
            step = cursor[1]
            room = most_spikes(sample, step, n_steps, populations, inputs, state)
            if keeps_spikes and n_out + room > out.shape[0]:
                cursor[2] = n_out
                cursor[3] = room
                set_rounding(TO_NEAREST)
                return 0
            if is_team and not call_step(team.lead[0], UPDATE, step, 0, 0, handle):
                set_rounding(TO_NEAREST)
                return OVER
            for p in range(n_populations):
                first = state.first[p]
                if populations.kind[p] == INPUT:
                    at = inputs.base[p] + sample * n_steps + step
                    start = inputs.starts[at]
                    n_fired = inputs.starts[at + 1] - start
                    for k in range(n_fired):
                        state.fired[first + k] = inputs.indices[start + k]
                    state.n_fired[p] = n_fired
                else:
                    if state.sweep[p]:
                        if not (is_team and shared[p]):
                            take_pending(p, step, tables, handle)
                            reset_if_due(p, step, populations, state)
                            size = populations.size[p]
                            call_step(populations.update[p], p, step, 0, size, handle)
                        list_swept(p, step, tables, handle)
                    else:
                        call_step(populations.visit[p], p, step, 0, 0, handle)
                    if probes.record.shape[0]:
                        call_step(probes.record[0], p, step, sample, n_steps, handle)
                if populations.remember[p] != 0:
                    call_step(populations.remember[p], p, step, 0, 0, handle)
                if latencies.note.shape[0]:
                    call_step(latencies.note[0], p, step, 0, 0, handle)
                if keeps_spikes:
                    counts[row + step * n_populations + p] = state.n_fired[p]
                    n_out = write_spikes(p, n_out, tables)
            if is_team and not call_step(team.lead[0], DELIVER, step, 0, 0, handle):
                set_rounding(TO_NEAREST)
                return OVER
            for q in range(projections.kind.shape[0]):
                target, source = projections.target[q], projections.source[q]
                owner, lag = projections.owner[q], projections.lag[q]
                if projections.count[q] != 0:
                    tally.operations[owner] += call_step(
                        projections.count[q], q, step, 0, 0, handle
                    )
                n_sent = state.n_fired[source]
                if lag >= 0:
                    slot = (step - lag) % populations.depth[source]
                    n_sent = state.n_past[populations.past_count_row[source] + slot]
                if n_sent == 0 or (is_team and shared[target]):
                    continue
                size = populations.size[target]
                done = call_step(projections.deliver[q], q, step, 0, size, handle)
                if lag < 0:
                    tally.operations[owner] += done
                if not state.sweep[target]:
                    call_step(projections.wake[q], q, step, 0, size, handle)
            if rules.learn.shape[0]:
                set_rounding(TO_NEAREST)
                for k in range(rules.learners.shape[0]):
                    call_step(rules.learn[k], k, step, 0, 0, handle)
                set_rounding(TOWARD_ZERO)
            cursor[1] += 1
        cursor[0] += 1
        cursor[1] = first_step
    cursor[2] = n_out
    set_rounding(TO_NEAREST)
    return 1
