"""The log of spikes that wait, of kernels of learning rules."""

from __future__ import annotations

import numpy as np

from hw_models.learning_engine.learning_rule import TRACE_HIGH
from ssdp_neuro.engine.kernels.rule_tables import Log, Program
from ssdp_neuro.engine.kernels.rule_waiting import fill_changes
from ssdp_neuro.engine.rule_state import padded, zeros

SLOTS, ENTRIES = 256, 8192  # epochs and spikes that wait before all is made up for


def empty_log(program: Program, shape: tuple[int, int]) -> Log:
    """A log for all-to-all synapses ``(n_post, n_pre)``; without room where nothing may wait."""
    n_slots = SLOTS if program.waits else 0
    pre, post = (padded(size) if program.waits else 0 for size in reversed(shape))
    n_entries = post + ENTRIES if program.waits else 0
    change_of = zeros((TRACE_HIGH + 1,), np.int32)
    if program.waits:
        p, f = program.waiting, program.first_factor[program.waiting]
        fill_changes(
            change_of,
            np.arange(TRACE_HIGH + 1, dtype=np.int32),
            program.mantissa[p],
            program.constant[f],
            program.bound[f],
            np.int32(program.right[p]),
            np.int32(program.left[p]),
        )
    return Log(
        change_of=change_of,
        traces=zeros((n_slots, pre), np.uint8),
        added=zeros((n_slots,), np.int32),
        offset=zeros((n_slots,), np.uint32),
        first=zeros((n_slots + 1,), np.int64),
        post=zeros((n_entries,), np.int32),
        slot=zeros((n_entries,), np.int32),
        word=zeros((n_entries,), np.uint32),
        n_slots=zeros((1,), np.int64),
        settled=zeros((pre,), np.int32),
        slot_change=zeros((n_slots,), np.int32),
        slot_word=zeros((n_slots,), np.uint32),
        change=zeros((post,), np.int32),
        rounded=zeros((post,), np.int16),
    )
