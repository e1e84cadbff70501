"""A program of Lava's neurons and connections as flat arrays, in either number world."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ssdp_neuro.compilation.compiler import lean_kernel

# where a number is read
OF_SIGNAL, OF_BUFFER, OF_CURRENT, OF_POTENTIAL, OF_RESIDUE, OF_ERROR = range(6)
DENSE, STORED, CONVOLVED, LATE_DENSE, LATE_STORED, BY_NUMPY = range(6)  # kinds of weights
UNARY, GRADED, WIDE = range(3)  # whether spikes count, or numbers, of int32 or of int64
IN_ORDER = -1
SHAPE_SIZE = 15  # numbers of a convolution


class LoopProgram(NamedTuple):
    """A program as flat arrays. Neurons, then signals, lie one after another.

    Numbers are float64 in floating point, int64 in fixed point; weights and data are int32 there.
    Sums of sigma-delta neurons lie in ``u``, activations in ``v``, thresholds in ``high``.
    """

    u: np.ndarray  # (N,)
    v: np.ndarray
    residue: np.ndarray  # (N,): of sigma-delta neurons
    error: np.ndarray
    activation: np.ndarray  # (N,): what arrives in a step
    bias: np.ndarray
    keep_u: np.ndarray
    keep_v: np.ndarray
    low: np.ndarray
    high: np.ndarray
    rest_until: np.ndarray  # (N,): step, of neurons that rest after a spike
    signal: np.ndarray  # what sources and neurons send in this step
    buffer: np.ndarray  # what connections have gathered, and send in the next step
    arrived: np.ndarray  # (largest connection,): scratch; then what NumPy adds up
    fires: np.ndarray  # (largest connection,): scratch, bool
    # populations in the order in which they are computed
    first_neuron: np.ndarray  # (P + 1,)
    sends_at: np.ndarray  # (P,): first signal
    period: np.ndarray  # (P,): steps of rest, -1 of neurons without
    reset_interval: np.ndarray  # (P,): 0 for none
    reset_offset: np.ndarray
    neuron_inputs: np.ndarray  # (P + 1,): first input
    neuron_kind: np.ndarray  # (P,): of lava_sigma_delta, or LIF
    is_cumulative: np.ndarray  # (P,): whether errors add up
    shift_in: np.ndarray  # (P,): of what arrives, in fixed point
    shift_out: np.ndarray  # (P,): of what is sent
    # sources
    source_at: np.ndarray  # (Q,): first signal
    source_size: np.ndarray
    source_data: np.ndarray  # (Q,): first number in data
    source_length: np.ndarray  # (Q,): steps
    data: np.ndarray  # step after step
    # connections
    buffer_at: np.ndarray  # (C + 1,)
    n_pre: np.ndarray  # (C,)
    kind: np.ndarray
    is_graded: np.ndarray  # (C,): UNARY, GRADED or WIDE
    weights_at: np.ndarray  # (C + 1,): first weight
    starts_at: np.ndarray  # (C,): first column's start, of listed ones
    posts_at: np.ndarray  # (C,): first target, or place under way, of listed ones
    rows_at: np.ndarray  # (C,): first row, or room of a place under way, of listed ones
    late_at: np.ndarray  # (C + 1,): first number under way, of delayed ones
    n_slots: np.ndarray  # (C,): delays of delayed ones
    arrived_at: np.ndarray  # (C,): first number in arrived behind those that are scratch, BY_NUMPY
    exponent: np.ndarray  # (C,): of weights in fixed point
    shape_of: np.ndarray  # (C,): first number in shapes, of convolutions
    connection_inputs: np.ndarray  # (C + 1,): first input
    weights: np.ndarray  # a row for each neuron that sends; of kernels as convolve wants them
    starts: np.ndarray
    posts: np.ndarray
    rows: np.ndarray  # where a row's numbers have room in fired
    late: np.ndarray  # what is under way, as lava_delays wants it
    shapes: np.ndarray  # of convolutions, 15 numbers each
    # scratch, as lava_models, lava_delays and lava_convolution want it
    fired: np.ndarray
    counts: np.ndarray
    late_counts: np.ndarray
    at: np.ndarray
    lefts: np.ndarray
    marks: np.ndarray
    late_sums: np.ndarray
    pixel_starts: np.ndarray
    pixel_channels: np.ndarray
    pixel_heights: np.ndarray
    hits: np.ndarray
    hit_flags: np.ndarray
    tap_sums: np.ndarray
    beyond: np.ndarray  # (2,): what NumPy makes of sums above and below int32
    # inputs of neurons and connections, those of each in the order in which they are added
    input_of: np.ndarray  # (I,): OF_SIGNAL or OF_BUFFER
    input_at: np.ndarray
    input_order: np.ndarray  # (I,): first place in order, or IN_ORDER
    order: np.ndarray
    # what is kept of each step
    kept_of: np.ndarray  # (R,)
    kept_at: np.ndarray
    kept_size: np.ndarray


@lean_kernel
def keep_values(program: Any, row: Any, are_buffers: bool) -> None:
    """Copy what is recorded: buffers when they are sent, all else at the end of a step."""
    place = 0
    for r in range(program.kept_of.size):
        of, begin, size = program.kept_of[r], program.kept_at[r], program.kept_size[r]
        if (of == OF_BUFFER) == are_buffers:
            values = program.signal
            if of == OF_BUFFER:
                values = program.buffer
            elif of == OF_CURRENT:
                values = program.u
            elif of == OF_POTENTIAL:
                values = program.v
            elif of == OF_RESIDUE:
                values = program.residue
            elif of == OF_ERROR:
                values = program.error
            for k in range(size):
                row[place + k] = values[begin + k]
        place += size
