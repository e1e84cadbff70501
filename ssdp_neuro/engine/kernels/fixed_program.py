"""Many steps of a program of Lava's fixed-point neurons and connections in one loop.

Numbers lie in int64 and wrap where Lava's int32 does.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ssdp_neuro.compilation.compiler import lean_kernel
from ssdp_neuro.engine.kernels.lava_convolution import convolve_whole
from ssdp_neuro.engine.kernels.lava_delays import fixed_delays
from ssdp_neuro.engine.kernels.lava_models import STATE_LIMIT, fixed_point_step
from ssdp_neuro.engine.kernels.lava_program import (
    CONVOLVED,
    DENSE,
    IN_ORDER,
    LATE_STORED,
    OF_SIGNAL,
    SHAPE_SIZE,
    STORED,
    keep_values,
)
from ssdp_neuro.engine.kernels.lava_sigma_delta import LIF, fixed_sigma_delta

LOWEST, HIGHEST = -(1 << 31), (1 << 31) - 1


@lean_kernel
def gather(program: Any, first: int, last: int, out: Any) -> None:
    """Add up the messages of inputs."""
    for k in range(out.size):
        out[k] = 0
    for i in range(first, last):
        begin, order = program.input_at[i], program.input_order[i]
        values = program.signal if program.input_of[i] == OF_SIGNAL else program.buffer
        if order == IN_ORDER:
            for k in range(out.size):
                out[k] = np.int32(out[k] + values[begin + k])
        else:
            for k in range(out.size):
                out[k] = np.int32(out[k] + values[begin + program.order[order + k]])


@lean_kernel
def compute_neurons(program: Any, p: int, now: int) -> None:
    """One population, from what arrives to what it sends."""
    a, b = program.first_neuron[p], program.first_neuron[p + 1]
    u, v, activation = program.u[a:b], program.v[a:b], program.activation[a:b]
    gather(program, program.neuron_inputs[p], program.neuron_inputs[p + 1], activation)
    begin, kind = program.sends_at[p], program.neuron_kind[p]
    spikes, bias, high = program.signal[begin : begin + b - a], program.bias[a:b], program.high[a:b]
    if kind != LIF:
        parts = (u, v, program.residue[a:b], program.error[a:b], activation, bias, high)
        shifts = (program.shift_in[p], program.shift_out[p])
        fixed_sigma_delta(*parts, kind, program.is_cumulative[p], *shifts, spikes)
        return
    interval = program.reset_interval[p]
    if interval > 0 and now % interval == program.reset_offset[p]:
        for k in range(u.size):
            u[k] = 0
            v[k] = 0
    keep_u, keep_v, low = program.keep_u[a:b], program.keep_v[a:b], program.low[a:b]
    fixed_point_step(u, v, activation, bias, keep_u, keep_v, low, high, spikes)


@lean_kernel
def add_rows(weights: Any, heights: Any, total: Any) -> None:
    """Sum of rows times what their neurons send; rows lie one behind the other."""
    n_post = total.size
    for k in range(n_post):
        total[k] = 0
    for j in range(heights.size):
        height = np.int64(np.int32(heights[j]))
        if height != 0:
            row = weights[j * n_post : (j + 1) * n_post]
            for k in range(n_post):
                total[k] += np.int64(row[k]) * height


@lean_kernel
def add_columns(starts: Any, posts: Any, weights: Any, heights: Any, total: Any) -> None:
    """The same of synapses that are listed by the neurons that send."""
    for k in range(total.size):
        total[k] = 0
    for j in range(heights.size):
        if heights[j] != 0:
            for place in range(starts[j], starts[j + 1]):
                total[posts[place]] += np.int64(weights[place]) * heights[j]


@lean_kernel
def shift_sums(total: Any, exponent: int, is_graded: bool) -> None:
    """Times a power of 2: of int32 if numbers were multiplied by, else of int64."""
    for k in range(total.size):
        number = np.int64(np.int32(total[k])) if is_graded else total[k]
        number = number << exponent if exponent > 0 else number >> -exponent
        total[k] = np.int64(np.int32(number)) if is_graded else number


@lean_kernel
def clamp_image(total: Any, beyond: Any) -> None:
    """What ``Conv`` sends of its sums: int32, then the lowest 24 bits with their sign."""
    for k in range(total.size):
        number = total[k]
        if number > HIGHEST:
            number = beyond[0]
        elif number < LOWEST:
            number = beyond[1]
        number = np.int64(np.int32(number + STATE_LIMIT))
        total[k] = (number & (2 * STATE_LIMIT - 1)) - STATE_LIMIT


@lean_kernel
def compute_connection(program: Any, c: int) -> None:
    """What a connection gathers of what is sent in this step."""
    n_pre, kind = program.n_pre[c], program.kind[c]
    arrived, is_graded = program.arrived[0:n_pre], program.is_graded[c] != 0
    gather(program, program.connection_inputs[c], program.connection_inputs[c + 1], arrived)
    if not is_graded:
        for j in range(n_pre):
            arrived[j] = 1 if arrived[j] != 0 else 0
    total = program.buffer[program.buffer_at[c] : program.buffer_at[c + 1]]
    weights = program.weights[program.weights_at[c] : program.weights_at[c + 1]]
    if kind == CONVOLVED:
        shape = program.shapes[program.shape_of[c] : program.shape_of[c] + SHAPE_SIZE]
        convolve_whole(shape, weights, arrived, total)
        clamp_image(total, program.beyond)
        return
    exponent = program.exponent[c]
    if kind == DENSE:
        add_rows(weights, arrived, total)
        shift_sums(total, exponent, is_graded)
        return
    first, place = program.starts_at[c], program.posts_at[c]
    starts = program.starts[first : first + n_pre + 1]
    posts = program.posts[place : place + weights.size]
    if kind == STORED:
        add_columns(starts, posts, weights, arrived, total)
        shift_sums(total, exponent, is_graded)
        return
    late, n_slots = program.late[program.late_at[c] : program.late_at[c + 1]], program.n_slots[c]
    sums, is_stored = program.late_sums[0 : late.size], kind == LATE_STORED
    fixed_delays(starts, posts, weights, arrived, exponent, is_stored, sums, late, n_slots)
    for k in range(total.size):
        total[k] = late[k * n_slots]


@lean_kernel
def run_fixed_program(program: Any, n_done: int, n_steps: int, kept: Any) -> None:
    """Run steps ``n_done + 1`` and on; ``kept`` is int32 ``(n_steps, sum of kept sizes)``."""
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
