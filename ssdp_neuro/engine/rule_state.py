"""The arrays that kernels of learning rules keep of a projection."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hw_models.learning_engine.learning_rule import TRACE_HIGH
from ssdp_neuro.engine.aligned import aligned_zeros
from ssdp_neuro.engine.kernels.rule_tables import LANES, OWN, POST_SPIKE, Program, Synapses
from ssdp_neuro.engine.kernels.rule_waiting import fill_changes
from ssdp_neuro.engine.kernels.spike_list import SPARE

LOG_SLOTS, LOG_ENTRIES = 256, 8192  # epochs and spikes that wait before all is made up for


def padded(size: int) -> int:
    """The size in whole vectors."""
    return -(-size // LANES) * LANES


def in_blocks(raster: np.ndarray) -> np.ndarray:
    """Flags ``(T, N)`` with silent neurons up to whole blocks."""
    room = padded(raster.shape[1]) - raster.shape[1]
    return np.pad(raster, ((0, 0), (0, room))) if room else raster


def zeros(shape: tuple[int, ...], dtype: type) -> np.ndarray:
    """Zeros that begin at a cache line."""
    return aligned_zeros(int(np.prod(shape)), dtype).reshape(shape)


def dense_state(
    program: Program,
    shape: tuple[int, int],
    given: Sequence[np.ndarray | None],
    may_wait: bool = True,
) -> Synapses:
    """All-to-all synapses at the beginning.

    Parameters
    ----------
    shape
        ``(n_post, n_pre)``.
    given
        Weights, delays and tags, int16 of that shape; None for zeros.
    may_wait
        Whether spikes of targets may wait (if the rule allows it) for ``settle_row`` or
        ``settle_all``; otherwise weights are those of the last epoch at any time.
    """
    n_post, n_pre = shape
    row = padded(n_post)
    longest = max(row, padded(n_pre))
    variables = zeros((int(program.place.max()) + 1, n_pre * row + longest), np.int16)
    for place, values in zip(program.place, given, strict=True):
        if place >= 0 and values is not None:
            variables[place, : n_pre * row].reshape(n_pre, row)[:, :n_post] = values.T
    none = np.zeros(0, dtype=np.int64)
    return _state(
        program,
        shape,
        variables=variables,
        first=np.arange(n_pre + 1, dtype=np.int64) * row,
        post=np.zeros(0, dtype=np.int32),
        column_first=none,
        column_synapse=none,
        column_pre=none,
        longest=longest,
        n_slots=LOG_SLOTS if may_wait and program.waits else 0,
    )


def listed_state(
    program: Program,
    shape: tuple[int, int],
    pre: np.ndarray,
    post: np.ndarray,
    given: Sequence[np.ndarray | None],
) -> Synapses:
    """Listed synapses at the beginning, sorted by source.

    Parameters
    ----------
    shape
        ``(n_post, n_pre)``.
    pre, post
        Ends of each synapse, int ``(n,)``, ``pre`` rising.
    given
        Weights, delays and tags, int16 ``(n,)``; None for zeros.
    """
    n_post, n_pre = shape
    order = np.argsort(post, kind="stable")
    first = np.searchsorted(pre, np.arange(n_pre + 1)).astype(np.int64)
    column_first = np.searchsorted(post[order], np.arange(n_post + 1)).astype(np.int64)
    longest = max(int(np.diff(first).max()), int(np.diff(column_first).max()), 1)
    variables = zeros((int(program.place.max()) + 1, len(pre) + longest), np.int16)
    for place, values in zip(program.place, given, strict=True):
        if place >= 0 and values is not None:
            variables[place, : len(pre)] = values
    return _state(
        program,
        shape,
        variables=variables,
        first=first,
        post=post.astype(np.int32),
        column_first=column_first,
        column_synapse=order.astype(np.int64),
        column_pre=pre[order].astype(np.int64),
        longest=longest,
    )


def change_of(program: Program) -> np.ndarray:
    """Change of the accumulator by a waiting spike, for each value of the source's trace."""
    changes = np.zeros(TRACE_HIGH + 1, dtype=np.int32)
    if program.waits:
        p, f = program.waiting, program.first_factor[program.waiting]
        fill_changes(
            changes,
            np.arange(TRACE_HIGH + 1, dtype=np.int32),
            program.mantissa[p],
            program.constant[f],
            program.bound[f],
            np.int32(program.right[p]),
            np.int32(program.left[p]),
        )
    return changes


def _state(
    program: Program,
    shape: tuple[int, int],
    *,
    longest: int,
    n_slots: int = 0,
    **synapses: np.ndarray,
) -> Synapses:
    """Traces and working space; numbers of ends that a product does not read are set once."""
    n_post, n_pre = shape
    pre, post = padded(n_pre), padded(n_post)
    n_entries = n_post + LOG_ENTRIES if n_slots else 0
    n_products, n_values = len(program.dependency), int(program.epoch) + 1
    source = zeros((n_products, n_values, pre), np.int32)
    source[:] = program.mantissa[:, None, None]
    target = zeros((n_products, n_values, post), np.int32)
    target[:] = 1
    target[program.dependency == POST_SPIKE, OWN] = 0
    return Synapses(
        n_pre=n_pre,
        n_post=n_post,
        **synapses,
        x=zeros((2, pre), np.int32),
        y=zeros((3, post), np.int32),
        tx=zeros((pre,), np.int32),
        ty=zeros((post,), np.int32),
        x_history=zeros((2, n_values, pre), np.int32),
        y_history=zeros((3, n_values, post), np.int32),
        source=source,
        target=target,
        is_null=zeros((n_products,), np.bool_),
        pre_fired=zeros((2 * pre + SPARE,), np.int64),
        post_fired=zeros((2 * post + SPARE,), np.int64),
        marked=zeros((max(pre, post) // LANES + 1,), np.int64),
        n_fired=zeros((2,), np.int64),
        is_live=zeros((pre,), np.bool_),
        live=zeros((pre,), np.int32),
        pre_words=zeros((3, pre), np.uint32),
        post_words=zeros((3, post), np.uint32),
        numbers=zeros((longest,), np.int32),
        added=zeros((longest,), np.int32),
        total=zeros((3, longest), np.int32),
        listed=zeros((2, longest), np.int64),
        change=zeros((post,), np.int32),
        rounded=zeros((post,), np.int16),
        n_lowest=zeros((1,), np.int64),
        change_of=change_of(program),
        log_trace=zeros((n_slots, pre), np.uint8),
        log_added=zeros((n_slots,), np.int32),
        log_first=zeros((n_slots + 1,), np.int64),
        log_post=zeros((n_entries,), np.int32),
        log_slot=zeros((n_entries,), np.int32),
        log_word=zeros((n_entries,), np.uint32),
        log_offset=zeros((n_slots,), np.uint32),
        settled=zeros((pre if n_slots else 0,), np.int32),
        waiting_change=zeros((n_slots,), np.int32),
        waiting_word=zeros((n_slots,), np.uint32),
        n_logged=zeros((1,), np.int64),
    )
