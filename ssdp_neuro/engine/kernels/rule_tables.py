"""What kernels of learning rules read and write: the rule as tables, the state of a projection.

Synapses lie row after row, a row for each source: all targets, padded to whole vectors, or the
targets listed in ``post``, of which ``column_*`` is the index by target.
"""

from typing import NamedTuple

import numpy as np

PRE_SPIKE, POST_SPIKE, EPOCH = 0, 1, 2
X0, X1, X2, Y0, Y1, Y2, Y3, W, D, T = range(10)
FIRST_POST_TRACE = 2
DECAY_KEY, IMPULSE_KEY, ROUNDING_KEY = 1, 2, 3
OF_PRE, OF_POST = 0, 1  # words of a synapse's random number
ACCUMULATOR_LOW, ACCUMULATOR_HIGH = -32769, 32767
LOWEST_TAG = -257
WEIGHT, DELAY, TAG = 0, 1, 2
LANES = 64  # neurons and dense rows are padded to a multiple
OWN = 0  # place of a y0 product's numbers, each read at its target's own step, 0 without a spike


class Program(NamedTuple):
    """A rule as flat arrays: P products, F factors, targets weight, delay, tag."""

    first_product: np.ndarray  # int64 (4,): products of a target, by target
    dependency: np.ndarray  # int64 (P,)
    mantissa: np.ndarray  # int64 (P,)
    right: np.ndarray  # int64 (P,): shift back to 15 bits
    left: np.ndarray  # int64 (P,): exponent + 7
    first_factor: np.ndarray  # int64 (P + 1,); those of the synapse come last
    first_synaptic: np.ndarray  # int64 (P,): first factor that is weight, delay or tag
    variable: np.ndarray  # int64 (F,)
    constant: np.ndarray  # int64 (F,)
    bound: np.ndarray  # int64 (F,): a factor lies in -bound..bound - 1
    is_sign: np.ndarray  # bool (F,)
    reads_source: np.ndarray  # bool (P,): a factor is of the source
    reads_target: np.ndarray  # bool (P,)
    place: np.ndarray  # int64 (3,): row of a target's values, -1 if they are not kept
    decay: np.ndarray  # float64 (5,): x1, x2, y1, y2, y3
    whole: np.ndarray  # int64 (5,): of the impulse
    units: np.ndarray  # int64 (5,): its fraction in 1/256
    is_kept: np.ndarray  # bool (5,): without impulses a trace stays 0
    low: np.ndarray  # int64 (3,): by target
    high: np.ndarray  # int64 (3,)
    accumulator_low: np.ndarray  # int64 (3,): 0 where a variable is not negative
    accumulator_high: np.ndarray  # int64 (3,)
    waits: bool  # spikes of targets may wait: see rule_waiting; the next five are for that
    waiting: int  # the y0 product
    waiting_trace: int  # which x trace it reads
    pair: int  # the x0 product, -1 if there is none
    pair_trace: int  # which y trace it reads
    is_post_first: bool  # the y0 product is added before the x0 product
    epoch: int
    period: int  # 2**k of u_k
    has_epochs: bool  # there are u products
    is_sent: bool
    is_lava: bool
    seed: int


class Synapses(NamedTuple):
    """State of a projection; (E + 1) values of a history, the epoch's start first.

    Sizes of neurons are padded to whole vectors; ``n_pre`` and ``n_post`` are the real ones.
    """

    n_pre: int
    n_post: int
    variables: np.ndarray  # int16 (V, n_synapses + L): and room for a gathered column
    first: np.ndarray  # int64 (n_pre + 1,): synapses of a source
    post: np.ndarray  # int32 (n_synapses,): target of each; empty if all to all
    column_first: np.ndarray  # int64 (n_post + 1,): synapses of a target; empty if all to all
    column_synapse: np.ndarray  # int64 (n_synapses,)
    column_pre: np.ndarray  # int64 (n_synapses,)
    x: np.ndarray  # int32 (2, n_pre)
    y: np.ndarray  # int32 (3, n_post)
    tx: np.ndarray  # int32 (n_pre,): step of the last spike within the epoch, 0 for none
    ty: np.ndarray  # int32 (n_post,)
    x_history: np.ndarray  # int32 (2, E + 1, n_pre)
    y_history: np.ndarray  # int32 (3, E + 1, n_post)
    source: np.ndarray  # int32 (P, E + 1, n_pre): x factors times mantissa
    target: np.ndarray  # int32 (P, E + 1, n_post): y factors
    is_null: np.ndarray  # bool (P,): no target has a number of this product now
    pre_fired: np.ndarray  # int64 (2 * n_pre + LANES,): those with a spike in the epoch
    post_fired: np.ndarray  # int64 (2 * n_post + LANES,)
    marked: np.ndarray  # int64: scratch of the listing of spikes
    flags: np.ndarray  # bool (the larger of both): the same
    n_fired: np.ndarray  # int64 (2,): of sources, of targets
    is_live: np.ndarray  # bool (n_pre,): did not fire, and a target's spike can do something
    live: np.ndarray  # int32 (n_pre,): those
    pre_words: np.ndarray  # uint32 (3, n_pre): random numbers of the epoch
    post_words: np.ndarray  # uint32 (3, n_post)
    numbers: np.ndarray  # int32 (L,): numbers of a product along a row or column
    added: np.ndarray  # int32 (L,): 127 minus the random number of each synapse
    total: np.ndarray  # int32 (3, L): accumulators
    listed: np.ndarray  # int64 (2, L): source and synapse of the entries of a column
    n_lowest: np.ndarray  # int64 (1,): tags of -257


class Log(NamedTuple):
    """Spikes that wait, and working space for them: see rule_waiting. S slots, 0 for none."""

    change_of: np.ndarray  # int32 (128,): a waiting spike's, by the trace of the source
    traces: np.ndarray  # uint8 (S, n_pre): of the source
    added: np.ndarray  # int32 (S,): 127 minus Lava's random number
    offset: np.ndarray  # uint32 (S,): of the sources' random numbers
    first: np.ndarray  # int64 (S + 1,): first entry of a slot
    post: np.ndarray  # int32 (entries,): targets that fired
    slot: np.ndarray  # int32 (entries,)
    word: np.ndarray  # uint32 (entries,): random numbers of the targets
    n_slots: np.ndarray  # int64 (1,): in use
    settled: np.ndarray  # int32 (n_pre,): the slot from which on spikes wait for a source
    slot_change: np.ndarray  # int32 (S,): of the source that is settled
    slot_word: np.ndarray  # uint32 (S,)
    change: np.ndarray  # int32 (n_post,): a source's spike's, of the accumulators
    rounded: np.ndarray  # int16 (n_post,): of the weights


class Draws(NamedTuple):
    """Lava's random numbers of the steps of a run; without use for a rule with the others."""

    decay: np.ndarray  # float64 (2, T): of x, of y
    impulse: np.ndarray  # int64 (2, T)
    burst: np.ndarray  # int64 (T,): of y
    rounding: np.ndarray  # int64 (epochs that end,): 128 times the number, rounded down
