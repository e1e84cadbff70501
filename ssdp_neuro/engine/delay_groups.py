"""Synapses with delays, in groups that are delivered when they arrive, not when a spike is sent.

The engine remembers who fired in the last steps. A group holds the synapses with delays
``lag .. lag + span - 1``, and takes the spikes sent ``lag`` steps ago: so its input goes to
``span`` slots of the drive only, which stay in a cache, and its synapses of one source lie
side by side. Where delays are few on a dense matrix, each of them is a matrix of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from hw_models.projections import MAX_DELAY
from ssdp_neuro.engine.kernels.tables import PLACES

# nanoseconds, measured on two x86-64 cores; only ratios matter
TO_A_ROW = 6.0  # a run of synapses of one source: its start, and a branch that is not foreseen
TO_A_MATRIX = 10.0
TO_ADD = ((1 << 15, 0.5), (1 << 19, 0.7), (1 << 23, 1.5), (1 << 63, 4.0))  # to so many bytes
TO_STREAM = ((1 << 19, 0.012), (1 << 24, 0.03), (1 << 63, 0.08))  # a byte of as many
BYTES_A_SYNAPSE = 8  # that matrices may take
AT_ONCE = 1 << 20


class DelayGroup(NamedTuple):
    """Synapses with delays ``lag .. lag + span - 1``; ``place`` is slot * stride + target."""

    lag: int
    span: int
    pre: np.ndarray
    place: np.ndarray
    weight: np.ndarray


def best_span(synapses: Any, n_pre: int, stride: int) -> int | None:
    """Delays that a group should hold, a power of two; None if none leaves room in a word."""
    n_runs = _runs(synapses, n_pre)
    best = None
    for exponent in range((MAX_DELAY + 1).bit_length()):
        span = 1 << exponent
        if span * stride > PLACES:
            break
        run = synapses.pre.size / max(n_runs(span), 1)
        cost = TO_A_ROW / max(run, 1) + _rate(TO_ADD, 4 * span * stride)
        if best is None or cost < best[0]:
            best = cost, span
    return None if best is None else best[1]


def matrices_pay(synapses: Any, n_pre: int, n_post: int, width: int) -> bool:
    """Whether a matrix for each delay costs less than lists; ``width`` is bytes a weight."""
    n_rows = _runs(synapses, n_pre)(1)
    n_bytes = n_rows * n_post * width
    n_delays = np.unique(synapses.delay).size
    per_row = TO_A_MATRIX + n_post * width * _rate(TO_STREAM, n_bytes)
    cost = n_rows / n_pre * per_row + n_delays
    listed = synapses.pre.size / n_pre * TO_ADD[0][1] * 1.5
    return bool(n_bytes <= BYTES_A_SYNAPSE * synapses.pre.size and cost < listed)


def groups(synapses: Any, span: int, stride: int) -> Iterator[DelayGroup]:
    """The synapses by group; those of a source in order of their delay."""
    number = (synapses.delay // span).astype(np.uint8)
    for group in np.flatnonzero(np.bincount(number)):
        chosen = np.flatnonzero(number == group)
        lag = int(group) * span
        pre, later = synapses.pre[chosen], synapses.delay[chosen].astype(np.int64) - lag
        if span > 1:
            order = np.argsort(pre.astype(np.int64) * span + later, kind="stable")
            chosen, pre, later = chosen[order], pre[order], later[order]
        place = later * stride + synapses.post[chosen]
        yield DelayGroup(lag, span, pre, place, synapses.weight[chosen])


def _runs(synapses: Any, n_pre: int) -> Callable[[int], int]:
    """How many runs of synapses of one source there are, by span."""
    exists = np.zeros((n_pre, MAX_DELAY + 1), dtype=bool)
    for start in range(0, synapses.pre.size, AT_ONCE):
        part = slice(start, start + AT_ONCE)
        exists[synapses.pre[part], synapses.delay[part]] = True
    return lambda span: int(np.count_nonzero(exists.reshape(n_pre, -1, span).any(axis=2)))


def _rate(table: tuple[tuple[int, float], ...], n_bytes: int) -> float:
    return next(rate for limit, rate in table if n_bytes <= limit)
