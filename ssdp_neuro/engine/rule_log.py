"""The log of spikes that wait, of kernels of learning rules."""

from __future__ import annotations

import numpy as np

from hw_models.learning_engine.learning_rule import TRACE_HIGH
from ssdp_neuro.engine.kernels.rule_tables import Log, Program
from ssdp_neuro.engine.rule_state import PLANES, padded, stride_of, zeros

SLOTS, ENTRIES = 256, 8192  # epochs and spikes that wait before all is made up for


def empty_log(program: Program | None, shape: tuple[int, int]) -> Log:
    """A log for all-to-all synapses ``(n_post, n_pre)``; without room where nothing may wait."""
    waits = program is not None and program.waits
    n_slots = SLOTS if waits else 0
    pre, post = (padded(size) if waits else 0 for size in reversed(shape))
    n_entries = post + ENTRIES if waits else 0
    stride = stride_of(shape[0]) if waits else 0
    return Log(
        change_of=zeros((TRACE_HIGH + 1,), np.int32),
        has_one_sign=zeros((1,), np.bool_),
        traces=zeros((n_slots, pre), np.uint8),
        added=zeros((n_slots,), np.int32),
        offset=zeros((n_slots,), np.uint32),
        first=zeros((n_slots + 1,), np.int64),
        post=zeros((n_entries,), np.int32),
        slot=zeros((n_entries,), np.int32),
        bits=zeros(((2 * n_slots + 1) * stride,), np.uint32),
        words=zeros((n_slots * PLANES * stride,), np.uint32),
        place=zeros((2 * n_slots,), np.int64),
        number=zeros((2 * n_slots,), np.int16),
        n_slots=zeros((1,), np.int64),
        settled=zeros((pre,), np.int32),
        slot_change=zeros((n_slots,), np.int32),
        slot_carry=zeros((n_slots,), np.int64),
        change=zeros((post,), np.int32),
        rounded=zeros((post,), np.int16),
        fraction=zeros((post,), np.int16),
    )


NO_LOG = empty_log(None, (0, 0))
