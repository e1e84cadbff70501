"""From the terms between two populations to projections: delays become those of synapses."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from conversions.linear_maps import synapses
from conversions.nir_graph.terms import Term
from conversions.real_network import RealConv, RealDense, RealProjection, RealSparse

DENSE_SHARE = 0.5  # of all pairs that must have a synapse for a matrix


def projections_of(
    terms: Sequence[Term], target: str, n_post: int | None, extra: int
) -> list[RealProjection]:
    """Projections that carry terms of one source.

    Parameters
    ----------
    terms
        All of the same source.
    target
        Name of the population where they end.
    n_post
        Its number of neurons; None if that is what the maps make.
    extra
        Steps that each takes besides its own latency.

    Notes
    -----
    Terms of different latency that share no synapse are the groups of one projection with a
    delay for each synapse, and are put together again.
    """
    source = terms[0].source
    merged = _merged(terms, n_post)
    if merged is not None:
        linear, delays, latency = merged
        return [
            RealProjection(
                source=source, target=target, map=linear, latency=latency + extra, delays=delays
            )
        ]
    return [
        RealProjection(
            source=source,
            target=target,
            map=term.synapses(),
            latency=term.latency + extra,
            name=f"{source}->{target}" + (f" {place + 1}" if place else ""),
        )
        for place, term in enumerate(terms)
    ]


def _merged(
    terms: Sequence[Term], n_post: int | None
) -> tuple[RealDense | RealSparse, np.ndarray, int] | None:
    latencies = [term.latency for term in terms]
    if len(set(latencies)) == 1 or any(isinstance(term.map, RealConv) for term in terms):
        return None
    lists = [synapses(term.synapses(), term.source_shape) for term in terms]
    present = [part.weights != 0 for part in lists]
    pre = np.concatenate([part.pre[keep] for part, keep in zip(lists, present, strict=True)])
    post = np.concatenate([part.post[keep] for part, keep in zip(lists, present, strict=True)])
    weights = np.concatenate(
        [part.weights[keep] for part, keep in zip(lists, present, strict=True)]
    )
    late = np.repeat(latencies, [int(keep.sum()) for keep in present])
    if np.unique(pre << 32 | post).size < pre.size:
        return None  # a pair is connected twice
    least = int(late.min(initial=min(latencies)))
    n_pre = math.prod(terms[0].source_shape)
    if n_post is not None and pre.size > DENSE_SHARE * n_pre * n_post:
        matrix = np.zeros((n_post, n_pre))
        delays = np.zeros((n_post, n_pre), dtype=np.int64)
        matrix[post, pre], delays[post, pre] = weights, late - least
        return RealDense(weights=matrix), delays, least
    sparse = RealSparse(pre=pre, post=post, weights=weights)
    return sparse, late - least, least
