"""What kernels of learning rules read and write: the rule as tables, the state of a projection.

Synapses lie row after row, a row for each source: all targets, padded to whole vectors, or the
targets listed in ``post``, of which ``column_*`` is the index by target.
"""

from dataclasses import dataclass
from typing import Annotated, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ssdp_neuro.engine.kernels.tables import (
    Bools,
    Float64s,
    Int16s,
    Int32s,
    Int64s,
    Table,
    Uint32s,
)

ByteRows: TypeAlias = Annotated[NDArray[np.uint8], 2]
Int16Rows: TypeAlias = Annotated[NDArray[np.int16], 2]
Int32Rows: TypeAlias = Annotated[NDArray[np.int32], 2]
Int64Rows: TypeAlias = Annotated[NDArray[np.int64], 2]
Uint32Rows: TypeAlias = Annotated[NDArray[np.uint32], 2]
Float64Rows: TypeAlias = Annotated[NDArray[np.float64], 2]
Int32Grids: TypeAlias = Annotated[NDArray[np.int32], 3]
Int64Grids: TypeAlias = Annotated[NDArray[np.int64], 3]

PRE_SPIKE, POST_SPIKE, EPOCH = 0, 1, 2
X0, X1, X2, Y0, Y1, Y2, Y3, W, D, T = range(10)
FIRST_POST_TRACE = 2
N_TRACES = (2, 3)  # of a source, of a target
DECAY_KEY, IMPULSE_KEY, ROUNDING_KEY = 1, 2, 3
OF_PRE, OF_POST = 0, 1  # the ends of a synapse, and words of its random number
ACCUMULATOR_LOW, ACCUMULATOR_HIGH = -32769, 32767
PLANES = 7  # bits of a synapse's random number, see random_planes
GROUP = 32  # targets whose bits of a plane are a word
WORDS = 16  # words of a vector
LOWEST_TAG = -257
UNKNOWN = 2**15  # beyond every variable
WEIGHT, DELAY, TAG = 0, 1, 2
NO_NUMBERS, OVERWRITE, ADD_SATURATING, ADD_OVERFLOWING = range(4)  # GradedSpikes, in order
LANES = 64  # neurons and dense rows are padded to a multiple
# rows of Synapses.entries: their values, numbers and changes by the y0 and by the u product
ENTRY_VALUE, ENTRY_OWN, ENTRY_EPOCH, ENTRY_CHANGE, ENTRY_FADING, ENTRY_ADDED = range(6)
TERM_CONSTANT, TERM_BOUND, TERM_MASK, TERM_POWER = range(4)  # columns of Synapses.terms
OWN = 0  # place of a y0 product's numbers, each read at its target's own step, 0 without a spike


@dataclass(frozen=True, eq=False)
class Program(Table):
    """A rule as flat arrays: P products, F factors, targets weight, delay, tag."""

    first_product: Int64s  # (4,): products of a target, by target
    dependency: Int64s  # (P,)
    mantissa: Int64s  # (P,)
    right: Int64s  # (P,): shift back to 15 bits
    left: Int64s  # (P,): exponent + 7
    first_factor: Int64s  # (P + 1,); those of the synapse come last
    first_synaptic: Int64s  # (P,): first factor that is weight, delay or tag
    variable: Int64s  # (F,)
    constant: Int64s  # (F,)
    bound: Int64s  # (F,): a factor lies in -bound..bound - 1
    is_sign: Bools  # (F,)
    reads_source: Bools  # (P,): a factor is of the source
    reads_target: Bools  # (P,)
    place: Int64s  # (3,): row of a target's values, -1 if they are not kept
    decay: Float64s  # (5,): x1, x2, y1, y2, y3
    whole: Int64s  # (5,): of the impulse
    units: Int64s  # (5,): its fraction in 1/256
    is_kept: Bools  # (5,): without impulses a trace stays 0
    low: Int64s  # (3,): by target
    high: Int64s  # (3,)
    accumulator_low: Int64s  # (3,): 0 where a variable is not negative
    accumulator_high: Int64s  # (3,)
    waits: int  # spikes of targets may wait: see rule_waiting; the next seven are for that
    waiting: int  # the y0 product
    waiting_trace: int  # which x trace it reads
    pair: int  # the x0 product, -1 if there is none
    pair_trace: int  # which y trace it reads
    waiting_plane: int  # first plane of random bits that decides about it
    pair_plane: int
    is_post_first: int  # the y0 product is added before the x0 product
    fades: int  # rows without a source's spike are passed over once: see rule_fading
    fading: Int64s  # (3,): the u product of a target, -1 if there is none
    fading_post: Int64s  # (3,): the y0 product
    fading_pre: Int64s  # (3,): the x0 product, -2 if there are several or one of the synapse
    epoch: int
    period: int  # 2**k of u_k
    first_plane: Int64s  # (3,): of random bits that decides about a target
    has_epochs: int  # there are u products
    is_sent: int
    graded: int  # what numbers of a source's spikes do to x1: NO_NUMBERS and the next three
    is_lava: int
    seed: int


@dataclass(frozen=True, eq=False)
class Synapses(Table):
    """State of a projection; (E + 1) values of a history, the epoch's start first.

    Sizes of neurons are padded to whole vectors; ``n_pre`` and ``n_post`` are the real ones.
    """

    n_pre: int
    n_post: int
    variables: Int16Rows  # (V, n_synapses + L): and room for a gathered column
    first: Int64s  # (n_pre + 1,): synapses of a source
    post: Int32s  # (n_synapses,): target of each; empty if all to all
    column_first: Int64s  # (n_post + 1,): synapses of a target; empty if all to all
    column_synapse: Int64s  # (n_synapses,)
    column_pre: Int64s  # (n_synapses,)
    x: Int32Rows  # (2, n_pre)
    y: Int32Rows  # (3, n_post)
    tx: Int32s  # (n_pre,): step of the last spike within the epoch, 0 for none
    ty: Int32s  # (n_post,)
    x_history: Int32Grids  # (2, E + 1, n_pre)
    y_history: Int32Grids  # (3, E + 1, n_post)
    source: Int32Grids  # (P, E + 1, n_pre): x factors times mantissa
    target: Int32Grids  # (P, E + 1, n_post): y factors
    is_null: Bools  # (P,): no target has a number of this product now
    pre_fired: Int64s  # (2 * n_pre + LANES,): those with a spike in the epoch
    post_fired: Int64s  # (2 * n_post + LANES,)
    marked: Int64s  # scratch of the listing of spikes
    n_fired: Int64s  # (2,): of sources, of targets
    is_live: Bools  # (n_pre,): did not fire, and a target's spike can do something
    live: Int32s  # (n_pre,): those
    stride: int  # words of 32 targets in a plane, see random_planes
    pre_words: Uint32Rows  # (3, n_pre): random numbers of the epoch
    post_words: Uint32Rows  # (3, 7 * stride)
    planes: Uint32s  # (7 * stride,): random bits of a row
    numbers: Int32s  # (L,): numbers of a product along a row or column
    added: Int32s  # (L,): 127 minus the random number of each synapse
    total: Int32Rows  # (3, L): accumulators
    listed: Int64Rows  # (2, L): source and synapse of the entries of a column
    n_lowest: Int64s  # (1,): tags of -257
    is_narrow: Bools  # (3,): the u product of a target fits in 16 bits now
    narrow: Int16Rows  # (3, n_post): its numbers
    terms: Int64Rows  # (3, 4): what is the same for all rows then, see TERM_CONSTANT
    narrow_added: Int16s  # (n_post,): 127 minus the random number of each synapse of a row
    most_change: Int64s  # (3,): a bound on the size of its change of the accumulator
    growth: Int64s  # (3,): the same, but 0 if it brings all values nearer to 0
    reach: Int32Rows  # (3, n_pre): a bound of the size of a variable along a row, or UNKNOWN
    knows_reach: Bools  # (1,): all that has changed since is told there
    marks: Int16s  # (n_post,): -1 of targets that fired
    changes: Int16s  # (n_post,): of accumulators, by a source's spike
    entries: Int32Rows  # (6, n_post): of targets that fired, see ENTRY_VALUE


@dataclass(frozen=True, eq=False)
class Log(Table):
    """Spikes that wait, and working space for them: see rule_waiting. S slots, 0 for none."""

    change_of: Int32s  # (128,): a waiting spike's, by the trace of the source
    has_one_sign: Bools  # (1,): no whole change is of another sign than another
    traces: ByteRows  # (S, n_pre): of the source
    added: Int32s  # (S,): 127 minus Lava's random number
    offset: Uint32s  # (S,): of the sources' random numbers
    first: Int64s  # (S + 1,): first entry of a slot
    post: Int32s  # (entries,): targets that fired
    slot: Int32s  # (entries,)
    bits: Uint32s  # ((2 * S + 1) * stride,): targets that fired in a slot, those whose change
    # is rounded up, none
    words: Uint32s  # (S * 7 * stride,): random numbers of the targets
    place: Int64s  # (2 * S,): first word in bits of what changes a row, and the changes
    number: Int16s  # (2 * S,)
    n_slots: Int64s  # (1,): in use
    settled: Int32s  # (n_pre,): the slot from which on spikes wait for a source
    slot_change: Int32s  # (S,): whole change of the source that is settled
    slot_carry: Int64s  # (S,): first word in bits of those rounded up
    change: Int32s  # (n_post,): a source's spike's, of the accumulators
    rounded: Int16s  # (n_post,): of the weights, rounded down if each has a number of its own
    fraction: Int16s  # (n_post,): then what is left


@dataclass(frozen=True, eq=False)
class Draws(Table):
    """Lava's random numbers of the steps of a run; without use for a rule with the others."""

    decay: Float64Rows  # (2, T): of x, of y
    impulse: Int64Rows  # (2, T)
    burst: Int64s  # (T,): of y
    rounding: Int64s  # (epochs that end,): 128 times the number, rounded down


@dataclass(frozen=True, eq=False)
class RunSteps(Table):
    """What a run of T steps gives a projection."""

    pre: ByteRows  # (T, n_pre): spikes; without a step where the ends are of a network
    post: ByteRows  # (T, n_post)
    halves: ByteRows  # (T, n_pre): of the numbers that come with spikes of pre, if the rule asks
    sent: Int64Grids  # (T, 3, n_post): what targets send; without a step, zeros
    draws: Draws
    clock: int  # steps learned before the run
    begin: int  # number of the run's first step in the network


@dataclass(frozen=True, eq=False)
class Learner(Table):
    """One projection under a rule."""

    program: Program
    synapses: Synapses
    log: Log
    steps: RunSteps
    ends: Int64s  # (2,): populations of source and target; empty without a network
    weights: Int16s  # of listed synapses, as the network reads them; empty if it reads variables
    changes: Int64s  # (2,): addresses of the kernels for the end of an epoch, and for one of u
    # products where program.fades, else 0
    n_visited: Int64s  # (1,): synapses looked at; added to
