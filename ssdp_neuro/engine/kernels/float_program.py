"""Many steps of a program of Lava's floating-point neurons and connections in one loop.

Sums are taken in the order in which Lava's models take them, so the numbers are the same.
"""

from __future__ import annotations

from typing import Any

from ssdp_neuro.compilation.compiler import lean_kernel
from ssdp_neuro.engine.kernels.lava_convolution import convolve
from ssdp_neuro.engine.kernels.lava_delays import float_delays
from ssdp_neuro.engine.kernels.lava_models import (
    add_fired_rows,
    floating_point_step,
    refractory_step,
)
from ssdp_neuro.engine.kernels.lava_program import (
    BY_NUMPY,
    CONVOLVED,
    DENSE,
    IN_ORDER,
    LATE_STORED,
    OF_SIGNAL,
    SHAPE_SIZE,
    STORED,
    keep_values,
)
from ssdp_neuro.engine.kernels.lava_sigma_delta import LIF, float_sigma_delta


@lean_kernel
def gather(program: Any, first: int, last: int, out: Any) -> None:
    """Add up what inputs send."""
    for k in range(out.size):
        out[k] = 0.0
    for i in range(first, last):
        begin, order = program.input_at[i], program.input_order[i]
        values = program.signal if program.input_of[i] == OF_SIGNAL else program.buffer
        if order == IN_ORDER:
            for k in range(out.size):
                out[k] += values[begin + k]
        else:
            for k in range(out.size):
                out[k] += values[begin + program.order[order + k]]


@lean_kernel
def add_rows(weights: Any, fires: Any, total: Any) -> None:
    """Sum of the rows of those that fire, one after the other; rows lie one behind the other."""
    is_first = True
    n_post = total.size
    for j in range(fires.size):
        if fires[j]:
            row = weights[j * n_post : (j + 1) * n_post]
            if is_first:
                for k in range(n_post):
                    total[k] = row[k]
                is_first = False
            else:
                for k in range(n_post):
                    total[k] += row[k]
    if is_first:
        for k in range(n_post):
            total[k] = 0.0


@lean_kernel
def compute_neurons(program: Any, p: int, now: int) -> None:
    """One population, from what arrives to what it sends."""
    a, b = program.first_neuron[p], program.first_neuron[p + 1]
    u, v, activation = program.u[a:b], program.v[a:b], program.activation[a:b]
    gather(program, program.neuron_inputs[p], program.neuron_inputs[p + 1], activation)
    interval = program.reset_interval[p]
    if interval > 0 and now % interval == program.reset_offset[p]:
        for k in range(u.size):
            u[k] *= 0.0
            v[k] *= 0.0
    begin = program.sends_at[p]
    spikes = program.signal[begin : begin + b - a]
    bias, keep_u, keep_v = program.bias[a:b], program.keep_u[a:b], program.keep_v[a:b]
    low, high = program.low[a:b], program.high[a:b]
    kind = program.neuron_kind[p]
    if kind != LIF:
        state = (u, v, program.residue[a:b], program.error[a:b])
        float_sigma_delta(*state, activation, bias, high, kind, program.is_cumulative[p], spikes)
    elif program.period[p] >= 0:
        end, period = program.rest_until[a:b], program.period[p]
        refractory_step(u, v, activation, bias, keep_u, keep_v, high, end, now, period, spikes)
    else:
        floating_point_step(u, v, activation, bias, keep_u, keep_v, low, high, spikes)


@lean_kernel
def compute_connection(program: Any, c: int) -> None:
    """What a connection gathers of the spikes of this step."""
    n_pre, kind = program.n_pre[c], program.kind[c]
    if kind == BY_NUMPY:
        begin = program.fires.size + program.arrived_at[c]
        arrived = program.arrived[begin : begin + n_pre]
        gather(program, program.connection_inputs[c], program.connection_inputs[c + 1], arrived)
        return
    arrived, fires = program.arrived[0:n_pre], program.fires[0:n_pre]
    gather(program, program.connection_inputs[c], program.connection_inputs[c + 1], arrived)
    for j in range(n_pre):
        fires[j] = arrived[j] != 0.0
        if not program.is_graded[c]:
            arrived[j] = 1.0 if fires[j] else 0.0
    total = program.buffer[program.buffer_at[c] : program.buffer_at[c + 1]]
    weights = program.weights[program.weights_at[c] : program.weights_at[c + 1]]
    if kind == DENSE:
        add_rows(weights, fires, total)
    elif kind == CONVOLVED:
        shape = program.shapes[program.shape_of[c] : program.shape_of[c] + SHAPE_SIZE]
        pixels = (program.pixel_starts, program.pixel_channels, program.pixel_heights)
        sums = (program.hits, program.hit_flags, program.tap_sums)
        convolve(shape, weights, arrived, *pixels, *sums, total)
    else:
        first, place, row = program.starts_at[c], program.posts_at[c], program.rows_at[c]
        starts = program.starts[first : first + n_pre + 1]
        posts = program.posts[place : place + weights.size]
        if kind == STORED:
            rows = program.rows[row : row + total.size]
            fired, counts = program.fired[0 : weights.size], program.counts[0 : total.size]
            add_fired_rows(starts, posts, weights, rows, fires, fired, counts, total)
        else:
            late = program.late[program.late_at[c] : program.late_at[c + 1]]
            rows = program.rows[row : row + late.size]
            sums = program.late_sums[0 : late.size]
            counts = program.late_counts[0 : late.size]
            scratch = (counts, program.fired, program.at, program.lefts, program.marks)
            is_stored, n_slots = kind == LATE_STORED, program.n_slots[c]
            float_delays(
                starts, posts, weights, arrived, is_stored, rows, *scratch, sums, late, n_slots
            )
            for k in range(total.size):
                total[k] = late[k * n_slots]


@lean_kernel
def run_float_program(program: Any, n_done: int, n_steps: int, kept: Any) -> None:
    """Run steps ``n_done + 1`` and on; ``kept`` is ``(n_steps, sum of kept sizes)``."""
    for step in range(n_steps):
        now = n_done + step + 1
        row = kept[step]
        keep_values(program, row, True)
        for q in range(program.source_at.size):
            size = program.source_size[q]
            begin = program.source_data[q] + (now - 1) % program.source_length[q] * size
            at = program.source_at[q]
            for k in range(size):
                program.signal[at + k] = program.data[begin + k]
        for p in range(program.sends_at.size):
            compute_neurons(program, p, now)
        for c in range(program.n_pre.size):
            compute_connection(program, c)
        keep_values(program, row, False)
