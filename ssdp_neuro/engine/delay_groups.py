"""Synapses with delays, in groups that are delivered when they arrive, not when a spike is sent.

The engine remembers who fired in the last steps. A group holds the synapses with delays
``lag .. lag + span - 1``, and takes the spikes sent ``lag`` steps ago: so its input goes to
``span`` slots of the drive only, which stay in a cache, and its synapses of one source lie
side by side. Where delays are few on a dense matrix, each of them is a matrix of its own.
"""

from __future__ import annotations

import itertools
from typing import Any, NamedTuple

import numpy as np

from hw_models.projections import MAX_DELAY
from ssdp_neuro.engine.aligned import aligned_zeros
from ssdp_neuro.engine.kernels.tables import BLOCK, PLACE_BITS, PLACES

# nanoseconds, measured on two x86-64 cores; only ratios matter
# a run of synapses of one source: a branch that is not foreseen, and its lines from a memory
# as far away as so many bytes are
TO_A_ROW = ((1 << 22, 6.0), (1 << 63, 20.0))
TO_A_MATRIX = 10.0
TO_ADD = ((1 << 15, 0.5), (1 << 19, 0.7), (1 << 23, 1.5), (1 << 63, 4.0))  # to so many bytes
TO_STREAM = ((1 << 19, 0.012), (1 << 24, 0.03), (1 << 63, 0.08))  # a byte of as many
BYTES_A_SYNAPSE = 8  # that matrices may take
AT_ONCE = 1 << 20
SOURCES = (1 << 16) // (MAX_DELAY + 1)  # sorted together


class DelayGroup(NamedTuple):
    """Synapses with delays ``lag .. lag + span - 1``.

    ``words`` are ``weight << PLACE_BITS | slot * stride + target``, uint32, by source, then by
    range of targets, then by delay; those of source ``i`` and range ``r`` of ``cuts`` begin at
    ``row_start[i * cuts + r]``, int64.
    """

    lag: int
    row_start: np.ndarray
    words: np.ndarray


class DelayGrouping:
    """Which delays the synapses have; what groups would cost is told by it.

    ``n_runs`` has how many runs of synapses of one source there are, by the span of groups.
    """

    def __init__(self, synapses: Any, n_pre: int) -> None:
        self.n_synapses, self.n_pre = synapses.pre.size, n_pre
        exists = np.zeros((n_pre, MAX_DELAY + 1), dtype=bool)
        for start in range(0, self.n_synapses, AT_ONCE):
            part = slice(start, start + AT_ONCE)
            exists[synapses.pre[part], synapses.delay[part]] = True
        self.n_delays = int(np.count_nonzero(exists.any(axis=0)))
        self.n_runs = {1: int(np.count_nonzero(exists))}
        while exists.shape[1] > 1:
            exists = exists[:, ::2] | exists[:, 1::2]
            self.n_runs[(MAX_DELAY + 1) // exists.shape[1]] = int(np.count_nonzero(exists))

    def best_span(self, stride: int) -> int | None:
        """Delays that a group should hold, a power of two; None if none leaves room in a word."""
        to_a_row = _rate(TO_A_ROW, 4 * self.n_synapses)
        best = None
        for span, n_runs in self.n_runs.items():
            if span * stride > PLACES:
                break
            run = self.n_synapses / max(n_runs, 1)
            cost = to_a_row / max(run, 1) + _rate(TO_ADD, 4 * span * stride)
            if best is None or cost < best[0]:
                best = cost, span
        return None if best is None else best[1]

    def matrices_pay(self, n_post: int, width: int) -> bool:
        """Whether a matrix for each delay costs less than lists; ``width`` is bytes a weight."""
        n_rows = self.n_runs[1]
        n_bytes = n_rows * n_post * width
        per_row = TO_A_MATRIX + n_post * width * _rate(TO_STREAM, n_bytes)
        cost = n_rows / self.n_pre * per_row + self.n_delays
        listed = self.n_synapses / self.n_pre * TO_ADD[0][1] * 1.5
        return bool(n_bytes <= BYTES_A_SYNAPSE * self.n_synapses and cost < listed)


def groups(
    synapses: Any, n_pre: int, span: int, stride: int, cuts: int = 1, n_post: int = 0
) -> list[DelayGroup]:
    """The synapses by group; of each source in ``cuts`` ranges of its ``n_post`` targets.

    Some sources at a time, so few that source and delay are a number of 16 bits: NumPy sorts
    these by counting, in a tenth of the time that larger ones take.
    """
    bits, n_groups, at_once = span.bit_length() - 1, (MAX_DELAY + 1) // span, SOURCES // cuts
    n_runs = at_once * cuts
    firsts = np.arange(0, n_pre + at_once, at_once, dtype=synapses.pre.dtype)
    ends_of_cuts = n_post // BLOCK * np.arange(1, cuts) // cuts * BLOCK
    cut_of = np.searchsorted(ends_of_cuts, np.arange(n_post), side="right").astype(np.uint8)
    bounds = np.searchsorted(synapses.pre, firsts)
    sizes = np.zeros(n_groups, dtype=np.int64)
    for start in range(0, synapses.pre.size, AT_ONCE):
        number = synapses.delay[start : start + AT_ONCE] >> bits
        sizes += np.bincount(number, minlength=n_groups)
    words = [aligned_zeros(int(size), np.uint32) for size in sizes]
    row_start = [np.zeros(n_pre * cuts + 1 if size else 0, dtype=np.int64) for size in sizes]
    done = np.zeros(n_groups, dtype=np.int64)
    for block, (begin, end) in enumerate(itertools.pairwise(bounds)):
        first, part = block * at_once, slice(begin, end)
        later = synapses.delay[part].astype(np.int32)
        run = (later >> bits) * at_once + (synapses.pre[part] - first)
        if cuts > 1:
            run = run * cuts + cut_of[synapses.post[part]]
        later &= span - 1
        order = np.argsort((run << bits | later).astype(np.uint16), kind="stable")
        later *= stride
        later += synapses.post[part].astype(np.int32)
        later |= synapses.weight[part].astype(np.int32) << PLACE_BITS
        sorted_words = later.view(np.uint32)[order]
        lengths = np.bincount(run, minlength=n_groups * n_runs).reshape(n_groups, n_runs)
        ends = np.cumsum(lengths.sum(axis=1))
        for group in np.flatnonzero(sizes):
            size = lengths[group].sum()
            made = sorted_words[ends[group] - size : ends[group]]
            words[group][done[group] : done[group] + size] = made
            here = min(at_once, n_pre - first) * cuts
            starts = row_start[group][first * cuts + 1 : first * cuts + 1 + here]
            np.cumsum(lengths[group, :here], out=starts)
            starts += done[group]
            done[group] += size
    return [DelayGroup(g * span, row_start[g], words[g]) for g in np.flatnonzero(sizes).tolist()]


def _rate(table: tuple[tuple[int, float], ...], n_bytes: int) -> float:
    return next(rate for limit, rate in table if n_bytes <= limit)
