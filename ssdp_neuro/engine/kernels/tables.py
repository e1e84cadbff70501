"""What the kernels are given: a network as flat arrays, and the state of one sample.

``P`` populations, ``Q`` parts of projections. A population's neurons lie at ``offset[p]`` in
all per-neuron arrays, padded to whole blocks of 64. Its input ("drive") has ``ring[p]``
slots: that of the next step, and those that its projections reach beyond. A projection with
delays is a part for each group of delays, delivered ``lag`` steps after its spikes were sent.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

BLOCK_BITS = 6
BLOCK = 1 << BLOCK_BITS

LIVE, ASLEEP = 1, 2  # of a block; 0 if nothing has reached it in this sample

INPUT, UNIFORM, GENERAL, WIDE = 0, 1, 2, 3  # kinds of population
DENSE8, DENSE16, SPARSE, PACKED, CONV, SINGLE, DELAYED = 0, 1, 2, 3, 4, 5, 6  # of projection
WEIGHT_BITS = 8  # of a packed synapse, below its target
PACKED_TARGETS = (1 << (32 - WEIGHT_BITS)) - 1
PLACE_BITS = 23  # of a delayed synapse, below its weight of 9 bits
PLACES = 1 << PLACE_BITS
NO_SYNAPSE = np.uint32(0xFFFFFFFF)  # of a source, in a projection of kind SINGLE


def padded(size: int) -> int:
    """Neurons with padding to whole blocks."""
    return -(-size // BLOCK) * BLOCK


class PopulationTable(NamedTuple):
    """Populations; one entry per population unless said otherwise."""

    kind: Any  # uint8: INPUT, UNIFORM, GENERAL or WIDE (as GENERAL, state of 32 bits)
    size: Any  # int64: neurons
    offset: Any  # int64: first neuron in u, v, flags; a multiple of BLOCK
    stride: Any  # int64: neurons with padding
    ring: Any  # int64: slots of drive
    reach: Any  # int64: steps in which something on its way may arrive, longest delay + 1
    pending_row: Any  # int64: first entry in State.pending, which has reach * stride
    depth: Any  # int64: steps whose spikes are remembered, for projections with delays
    past_row: Any  # int64: first entry in State.past, depth * (size + 3)
    past_count_row: Any  # int64: first entry in State.n_past
    drive_offset: Any  # int64: first entry of slot 0
    keep_u: Any  # float64: share of the current that stays; UNIFORM only
    keep_v: Any  # float64
    bias: Any  # int32
    threshold: Any  # int32, aligned to the membrane potential
    refractory: Any  # int32
    subtract: Any  # uint8: reset by subtraction
    interval: Any  # int64: steps between periodic resets, 0 for none
    phase: Any  # int64
    awake: Any  # uint8: a neuron may fire from rest, or the population is small: always swept
    row: Any  # int64: first entry in the per-neuron arrays below; not UNIFORM
    each_keep_u: Any  # float32, per neuron of other than UNIFORM populations, packed
    each_keep_v: Any  # float32
    each_bias: Any  # int32
    each_threshold: Any  # int32
    begins: Any  # uint8: a sample begins from other than u = v = 0
    begin_row: Any  # int64: first entry in the arrays below; of populations that do
    begin_u: Any  # int32, per neuron, packed
    begin_v: Any  # int32
    order_row: Any  # int64: first entry in order; -1 if neurons are kept in their own order
    order: Any  # int32, packed: index of each neuron kept, see neuron_order.py


class ProjectionTable(NamedTuple):
    """Projections; one entry per part of one."""

    owner: Any  # int64: projection of the network
    kind: Any  # uint8: DENSE8, DENSE16, SPARSE, PACKED, CONV, SINGLE or DELAYED
    lag: Any  # int64: steps after which spikes are delivered; -1 if at once, not remembered
    span: Any  # int64: slots of drive that it reaches
    counted: Any  # int64: first entry in fan_out, which counts operations; -1 if delivery does
    source: Any  # int64: population
    target: Any  # int64: population
    shift: Any  # int32: left shift of a sum of weights
    floor: Any  # int32: right shift after it, toward minus infinity
    delayed: Any  # uint8: SPARSE: synapses have delays
    base: Any  # int64: first weight (dense, conv, single) or first row start (the others)
    row: Any  # int64: padded row length (dense)
    rows: Any  # int64: rows before that of zeros (dense), sources (others)
    row_map: Any  # int64: first entry in row_of; of dense parts with a lag
    geometry: Any  # int64 (Q, 16): conv, see convolution.py


class SynapseTable(NamedTuple):
    """Weights of all projections, by kind."""

    dense8: Any  # int8: rows by source, padded, one row of zeros at the end
    dense16: Any  # int16: likewise
    row_of: Any  # int32: dense with a lag, row of each source, -1 if it has none
    row_start: Any  # int64: sparse, packed and delayed, first synapse of each source
    target: Any  # uint32: sparse, by synapse
    weight: Any  # int16: sparse, by synapse
    delay: Any  # uint8: sparse, by synapse; empty if no projection has delays
    packed: Any  # uint32: packed and single, target << 8 | weight & 255
    delayed: Any  # uint32: delayed, weight << 23 | slot * stride + target
    fan_out: Any  # int32: synapses of each source, of projections with delays
    conv: Any  # int16: (channel in, row, column, channel out of the group), see convolution.py


class State(NamedTuple):
    """State of one sample; every array is changed in place."""

    u: Any  # int32, per neuron
    v: Any  # int32
    wait: Any  # int32: refractory steps left, per neuron of other than UNIFORM populations, packed
    drive: Any  # int32: slots of every population
    pending: Any  # int32: what a restored state has on its way, by step modulo reach
    pending_until: Any  # int64 (P,): step from which there is none
    flags: Any  # uint8, per neuron: fired in this step
    marked: Any  # int64: scratch of list_spikes
    fired: Any  # int64: indices of the neurons that fired in this step, by population
    first: Any  # int64 (P,): where a population's list begins in fired
    n_fired: Any  # int64 (P,)
    past: Any  # int64: who fired in the last steps, where delays ask for it; by step modulo depth
    n_past: Any  # int64: how many
    rows: Any  # int64: scratch, rows of a dense part with a lag
    sum16: Any  # int16: partial sums of a dense projection
    sum32: Any  # int32: sums that are floored before they are added; zero between uses
    sweep: Any  # uint8 (P,): all neurons are updated, not only those of live blocks
    swept: Any  # uint8 (P,): it has been so in this sample
    live: Any  # uint8, per block: LIVE, ASLEEP (live earlier in this sample) or 0
    touched: Any  # int64, per block: last step of an arrival
    live_list: Any  # int64, per block: blocks of the population that are live, unordered
    n_live: Any  # int64 (P,)
    known_list: Any  # int64, per block: blocks that have been live in this sample
    n_known: Any  # int64 (P,)


class InputTable(NamedTuple):
    """Spikes of the input populations; ``P`` entries of ``base``."""

    base: Any  # int64 (P,): first entry of the population in starts; -1 if not an input
    starts: Any  # int64: first event of each (sample, step)
    indices: Any  # int32: neurons


class ProbeTable(NamedTuple):
    """State to record after every step."""

    population: Any  # int64 (n_probes,)
    voltage: Any  # uint8 (n_probes,): v, else u
    base: Any  # int64 (n_probes,): first entry in values
    values: Any  # int32: (n_samples, n_steps, size) of each probe, flat


class LatencyTable(NamedTuple):
    """First spikes of the populations that learning listens to, in the sample under way.

    ``C`` arrays of codes, ``T`` of counts; both are changed in place.
    """

    coded: Any  # int64 (C,): population
    code_base: Any  # int64 (C,): first entry in codes
    shift: Any  # int64 (C,): steps per code as a power of two
    silent: Any  # uint8 (C,): code of a neuron that has not fired yet
    codes: Any  # uint8
    counted: Any  # int64 (T,): population
    count_base: Any  # int64 (T,): first entry in counts and first
    counts: Any  # int32: spikes
    first: Any  # int32: step of the first spike


class Tally(NamedTuple):
    """What was done, added up over calls."""

    updates: Any  # int64 (P,): neuron steps
    operations: Any  # int64 (Q,): weights added
