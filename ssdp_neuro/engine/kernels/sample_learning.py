"""Learning from many samples in one call: each runs, gates are made, weights are updated.

What is known of a plastic projection is a row of ``rules``, int64, with the columns below.
"""

from typing import Any, NamedTuple

import numpy as np

from ssdp_neuro.compilation.compiler import kernel
from ssdp_neuro.engine.kernels.table_view import call_step
from ssdp_neuro.engine.kernels.weight_update import (
    update_listed,
    update_nearest,
    update_stochastic,
)

GATE = 0  # what its gates are made of, see below
PRE, N_PRE, POST, N_POST = 1, 2, 3, 4  # first and number of its ends' codes in LatencyTable.codes
COUNT = 5  # first of its target in LatencyTable.counts
TABLE, SILENT = 6, 7  # first entry of its product table, and the last code
SHIFT, LOW, HIGH, STOCHASTIC, SEED = 8, 9, 10, 11, 12  # of its rule
TEACHER_CODE = 13  # of silent neurons that a teacher raises; -1 without a teacher
WEIGHTS, BASE, ROW = 14, 15, 16  # see below; its first weight, and the length of its rows
ENDS, N_LISTED, LAST_CODE = 17, 18, 19  # of listed synapses: the first, their number
CORRELATION, MEAN, DEVIATION = 20, 21, 22  # of a fitted dopamine gate
GATES = 23  # first gate in LearningTable.gates
N_COLUMNS = 24

# what gates are made of
PER_SAMPLE, PER_NEURON, LABEL, FITTED, WARMING_UP = 0, 1, 2, 3, 4
# where weights are
INT8, INT16, LIST = 0, 1, 2

GATE_ONE, GATE_HIGH = 128, 255
FIT_SCALE = 256  # correlation in 1/32768 by gates in 1/128
SYNCHRONY_ONE = 256


class LearningTable(NamedTuple):
    """Arrays of a learning run; ``n_seen`` samples are run, of which there are ``n_samples``."""

    rules: Any  # int64 (n_projections, N_COLUMNS)
    products: Any  # int32: product tables, one after the other
    gates: Any  # int32: PER_SAMPLE one for each sample, PER_NEURON (n_samples, n_post)
    labels: Any  # int64 (n_samples,)
    mask: Any  # uint8 (n_projections, n_samples): which samples it learns from
    pre: Any  # int64, of listed synapses
    post: Any  # int64, the same
    delays: Any  # int64, the same; in codes
    targets: Any  # int64 (n_targets, 2): first and number of neurons in LatencyTable.counts
    silent: Any  # uint8: the codes of LatencyTable when nothing has fired
    counts: Any  # int32 (n_seen, neurons of all targets): spikes; filled
    decisions: Any  # int32 (n_seen, n_targets): winners, -1 for none; filled
    synchrony: Any  # int64 (n_projections, n_seen): pairs of fired ends, dopamine only; filled
    visited: Any  # int64 (n_projections,): rows whose weights were visited; added to


@kernel
def winner(counts, first):
    """Most spikes, then the earliest first one, then the lowest index; -1 if all are silent."""
    best = -1
    for n in range(counts.shape[0]):
        if counts[n] > 0 and (
            best < 0
            or counts[n] > counts[best]
            or (counts[n] == counts[best] and first[n] < first[best])
        ):
            best = n
    return best


@kernel
def label_gates(counts, first, label, gates):
    """Raise the labelled neuron unless it wins, lower its rivals."""
    for n in range(counts.shape[0]):
        gates[n] = -GATE_ONE if counts[n] > 0 and counts[n] >= counts[label] else 0
    gates[label] = 0 if winner(counts, first) == label else GATE_ONE


@kernel
def n_synchronous(rule, pre_codes, post_codes, learning):
    """Synapses both of whose ends fired, the source early enough to arrive."""
    silent = rule[SILENT]
    if rule[WEIGHTS] != LIST:
        n_pre, n_post = 0, 0
        for i in range(pre_codes.shape[0]):
            n_pre += pre_codes[i] != silent
        for i in range(post_codes.shape[0]):
            n_post += post_codes[i] != silent
        return n_pre * n_post
    found = 0
    for s in range(rule[ENDS], rule[ENDS] + rule[N_LISTED]):
        code = np.int64(pre_codes[learning.pre[s]])
        arrives = code != silent and code + learning.delays[s] <= rule[LAST_CODE]
        found += arrives and post_codes[learning.post[s]] != silent
    return found


@kernel
def fitted_gate(rule, synchrony):
    """The dopamine gate, ``1 + k * (synchrony - mu) / sigma`` within 0..2, in 1/128."""
    change = rule[CORRELATION] * (SYNCHRONY_ONE * synchrony - rule[MEAN])
    scale = FIT_SCALE * rule[DEVIATION]
    size = (2 * abs(change) + scale) // (2 * scale)
    return min(max(GATE_ONE + (size if change >= 0 else -size), 0), GATE_HIGH)


@kernel
def update_weights(k, seen, sample, key, heard, learning, weights):
    """Learn from the spikes of one sample in one projection.

    ``heard`` are codes, counts and first spikes of LatencyTable, ``weights`` those of all
    projections: int8 rows, int16 rows, listed.
    """
    codes, all_counts, all_first = heard
    dense8, dense16, listed = weights
    rule = learning.rules[k]
    n_post = rule[N_POST]
    pre_codes = codes[rule[PRE] : rule[PRE] + rule[N_PRE]]
    post_codes = codes[rule[POST] : rule[POST] + n_post].copy()
    counts = all_counts[rule[COUNT] : rule[COUNT] + n_post]
    first = all_first[rule[COUNT] : rule[COUNT] + n_post]
    gates = np.empty(n_post, dtype=np.int32)
    if rule[GATE] == LABEL:
        label_gates(counts, first, learning.labels[sample], gates)
    elif rule[GATE] == PER_NEURON:
        start = rule[GATES] + sample * n_post
        gates[:] = learning.gates[start : start + n_post]
    elif rule[GATE] == PER_SAMPLE:
        gates[:] = learning.gates[rule[GATES] + sample]
    else:
        synchrony = n_synchronous(rule, pre_codes, post_codes, learning)
        learning.synchrony[k, seen] = synchrony
        if rule[GATE] == WARMING_UP:
            return 0
        gates[:] = fitted_gate(rule, synchrony)
    if rule[TEACHER_CODE] >= 0:
        for n in range(n_post):
            if post_codes[n] == rule[SILENT] and gates[n] > 0:
                post_codes[n] = rule[TEACHER_CODE]
    n_codes = rule[SILENT] + 1
    table = learning.products[rule[TABLE] : rule[TABLE] + n_codes * n_codes]
    table = table.reshape((n_codes, n_codes))
    shift, low, high, seed = rule[SHIFT], rule[LOW], rule[HIGH], rule[SEED]
    if rule[WEIGHTS] == LIST:
        ends = slice(rule[ENDS], rule[ENDS] + rule[N_LISTED])
        return update_listed(
            listed[rule[BASE] : rule[BASE] + rule[N_LISTED]],
            learning.pre[ends],
            learning.post[ends],
            learning.delays[ends],
            pre_codes,
            post_codes,
            gates,
            table,
            shift,
            low,
            high,
            rule[LAST_CODE],
            rule[STOCHASTIC] != 0,
            seed,
            key,
        )
    stop = rule[BASE] + rule[N_PRE] * rule[ROW]
    if rule[WEIGHTS] == INT8:
        weights8 = dense8[rule[BASE] : stop].reshape((rule[N_PRE], rule[ROW]))
        if rule[STOCHASTIC]:
            return update_stochastic(
                weights8, pre_codes, post_codes, gates, table, shift, low, high, seed, key
            )
        return update_nearest(weights8, pre_codes, post_codes, gates, table, shift, low, high)
    weights16 = dense16[rule[BASE] : stop].reshape((rule[N_PRE], rule[ROW]))
    if rule[STOCHASTIC]:
        return update_stochastic(
            weights16, pre_codes, post_codes, gates, table, shift, low, high, seed, key
        )
    return update_nearest(weights16, pre_codes, post_codes, gates, table, shift, low, high)


@kernel
def learn_from_sample(seen, sample, key, heard, learning, weights):
    """Write down what the targets did, then update all projections that learn from the sample."""
    _, all_counts, all_first = heard
    for t in range(learning.targets.shape[0]):
        start, n = learning.targets[t, 0], learning.targets[t, 1]
        counts = all_counts[start : start + n]
        learning.counts[seen, start : start + n] = counts
        learning.decisions[seen, t] = winner(counts, all_first[start : start + n])
    for k in range(learning.rules.shape[0]):
        if learning.mask[k, sample]:
            learning.visited[k] += update_weights(k, seen, sample, key, heard, learning, weights)


@kernel
def learn_samples(
    run, handle, window, seen, n_seen, first_key, n_at_once, heard, learning, weights
):
    """Run and learn samples ``seen..n_seen - 1`` of a run, one after the other.

    Parameters
    ----------
    run
        Address of :func:`.network_run.run_network`.
    handle, window
        Of the tables that it takes; cursor and bounds of their window.
    first_key
        Of the random numbers' key: that of the run's first sample.
    n_at_once
        Steps of one call of ``run``.
    """
    cursor, bounds = window
    codes, counts, first = heard
    n_steps, n_samples = bounds[4], learning.mask.shape[1]
    for number in range(seen, n_seen):
        sample = number % n_samples
        codes[:] = learning.silent
        counts[:] = 0
        first[:] = n_steps
        for start in range(0, n_steps, n_at_once):
            cursor[0], cursor[1], cursor[2] = sample, start, 0
            bounds[0], bounds[1] = sample, sample + 1
            bounds[2], bounds[3] = start, min(start + n_at_once, n_steps)
            call_step(run, 0, 0, 0, 0, handle)
        learn_from_sample(number, sample, first_key + number, heard, learning, weights)
