"""The arrays that kernels of learning rules keep of a projection."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hw_models.learning_engine.learning_rule import TARGETS
from ssdp_neuro.engine.aligned import aligned_zeros
from ssdp_neuro.engine.kernels.rule_tables import (
    GROUP,
    LANES,
    LOWEST_TAG,
    OWN,
    PLANES,
    POST_SPIKE,
    TAG,
    WORDS,
    Program,
    Synapses,
)


def padded(size: int) -> int:
    """The size in whole vectors."""
    return -(-size // LANES) * LANES


def stride_of(n_post: int) -> int:
    """Words of 32 targets, in whole vectors."""
    return -(-n_post // (GROUP * WORDS)) * WORDS


def zeros(shape: tuple[int, ...], dtype: type) -> np.ndarray:
    """Zeros that begin at a cache line."""
    return aligned_zeros(int(np.prod(shape)), dtype).reshape(shape)


def table_of_rows(n_pre: int, n_post: int) -> tuple[int, int]:
    """Shape of a table of rows that has room for a dense state's ``variables``, and zeros."""
    row = padded(n_post)
    longest = max(row, padded(n_pre))
    return -(-len(TARGETS) * (n_pre * row + longest) // row) + 1, row


def dense_state(
    program: Program, shape: tuple[int, int], given: Sequence[np.ndarray | None]
) -> Synapses:
    """All-to-all synapses at the beginning.

    Parameters
    ----------
    shape
        ``(n_post, n_pre)``.
    given
        Weights, delays and tags, int16 of that shape; None for zeros.
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


def _state(
    program: Program, shape: tuple[int, int], *, longest: int, **synapses: np.ndarray
) -> Synapses:
    """Traces and working space; numbers of ends that a product does not read are set once."""
    n_post, n_pre = shape
    pre, post = padded(n_pre), padded(n_post)
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
        pre_fired=zeros((2 * pre + LANES,), np.int64),
        post_fired=zeros((2 * post + LANES,), np.int64),
        marked=zeros((max(pre, post) // LANES + 1,), np.int64),
        n_fired=zeros((2,), np.int64),
        is_live=zeros((pre,), np.bool_),
        live=zeros((pre,), np.int32),
        pre_words=zeros((3, pre), np.uint32),
        stride=stride_of(n_post),
        post_words=zeros((3, PLANES * stride_of(n_post)), np.uint32),
        planes=zeros((PLANES * stride_of(n_post),), np.uint32),
        numbers=zeros((longest,), np.int32),
        added=zeros((longest,), np.int32),
        total=zeros((3, longest), np.int32),
        listed=zeros((2, longest), np.int64),
        n_lowest=zeros((1,), np.int64),
        is_narrow=zeros((3,), np.bool_),
        narrow=zeros((3, post), np.int16),
        terms=zeros((3, 4), np.int64),
        narrow_added=zeros((post,), np.int16),
        most_change=zeros((3,), np.int64),
        growth=zeros((3,), np.int64),
        reach=zeros((3, pre), np.int32),
        knows_reach=zeros((1,), np.bool_),
        marks=zeros((post,), np.int16),
        changes=zeros((post,), np.int16),
        entries=zeros((6, post), np.int32),
    )


def count_lowest_tags(program: Program, synapses: Synapses, tags: np.ndarray | None) -> None:
    """Tell a state how many of its tags are -257, which the kernels count from then on."""
    if tags is not None and program.place[TAG] >= 0:
        synapses.n_lowest[0] = np.count_nonzero(tags == LOWEST_TAG)
