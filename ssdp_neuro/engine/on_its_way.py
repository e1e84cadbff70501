"""Synaptic input under way: in slots of the drive, in remembered spikes, in a restored state."""

from __future__ import annotations

import numpy as np

from ssdp_neuro.engine.kernels.tables import DELAYED, DENSE8, PLACE_BITS, PLACES, State
from ssdp_neuro.engine.plan import Plan


def on_its_way(plan: Plan, state: State, p: int, n_steps: int) -> np.ndarray:
    """What arrives at population ``p`` in the next steps, after ``n_steps`` steps.

    Returns
    -------
    int32 ``(reach, n_neurons)``, in the order that the kernels keep; sums wrap as theirs do.
    """
    table = plan.populations
    size, reach = int(table.size[p]), int(table.reach[p])
    total = np.zeros((reach, size), dtype=np.int64)
    slots = _slots(plan, state, p)
    for later in range(min(len(slots), reach)):
        total[later] += slots[(n_steps + later) % len(slots)]
    pending = _pending(plan, state, p)
    for later in range(min(len(pending), int(state.pending_until[p]) - n_steps)):
        total[later] += pending[(n_steps + later) % reach]
    for q in np.flatnonzero((plan.projections.target == p) & (plan.projections.lag > 0)):
        for ago in range(min(int(plan.projections.lag[q]), n_steps)):
            fired = _sent(plan, state, int(plan.projections.source[q]), n_steps - 1 - ago)
            later = int(plan.projections.lag[q]) - ago
            arriving = _arriving(plan, int(q), fired)
            # a group may be wider than the delays that it has: nothing arrives beyond the reach
            assert not arriving[max(reach - later, 0) :].any()
            within = arriving[: max(reach - later, 0)]
            total[later : later + len(within)] += within
    return total.astype(np.int32)


def put_on_its_way(plan: Plan, state: State, p: int, n_steps: int, arriving: np.ndarray) -> None:
    """Let that, of a run that stopped after ``n_steps`` steps, arrive in the next ones."""
    slots, pending = _slots(plan, state, p), _pending(plan, state, p)
    slots[:] = 0
    if not len(pending):  # nothing has delays: the next step's is all there is
        slots[n_steps % len(slots)] = arriving[0]
        return
    pending[:] = np.roll(arriving, n_steps % len(pending), axis=0)
    state.pending_until[p] = n_steps + len(pending)


def _slots(plan: Plan, state: State, p: int) -> np.ndarray:
    table = plan.populations
    start, ring, stride = int(table.drive_offset[p]), int(table.ring[p]), int(table.stride[p])
    slots: np.ndarray = state.drive[start : start + ring * stride]
    return slots.reshape(ring, stride)[:, : int(table.size[p])]


def _pending(plan: Plan, state: State, p: int) -> np.ndarray:
    """``(reach, n_neurons)``, by step modulo reach; without rows where nothing has delays."""
    table = plan.populations
    start, reach, stride = int(table.pending_row[p]), int(table.reach[p]), int(table.stride[p])
    reach = reach if reach > 1 else 0
    pending: np.ndarray = state.pending[start : start + reach * stride]
    return pending.reshape(reach, stride)[:, : int(table.size[p])]


def _sent(plan: Plan, state: State, p: int, step: int) -> np.ndarray:
    """Who fired in population ``p`` in a step that is still remembered."""
    table = plan.populations
    slot = step % int(table.depth[p])
    start = int(table.past_row[p]) + slot * (int(table.size[p]) + 3)
    fired: np.ndarray = state.past[start : start + state.n_past[table.past_count_row[p] + slot]]
    return fired


def _arriving(plan: Plan, q: int, fired: np.ndarray) -> np.ndarray:
    """What spikes that were sent together add by a part of a projection: ``(span, n_neurons)``."""
    table, synapses = plan.projections, plan.synapses
    p, base, row = int(table.target[q]), int(table.base[q]), int(table.row[q])
    size, stride = int(plan.populations.size[p]), int(plan.populations.stride[p])
    span, shift, floor = int(table.span[q]), int(table.shift[q]), int(table.floor[q])
    if table.kind[q] == DELAYED:
        sums = np.zeros(span * stride, dtype=np.int64)
        for source in fired:
            first = base + source * table.cuts[q]
            start, end = synapses.row_start[[first, first + table.cuts[q]]]
            words = synapses.delayed[start:end]
            sums[words & np.uint32(PLACES - 1)] += words.view(np.int32) >> PLACE_BITS
        arriving = sums.reshape(span, stride)[:, :size]
    else:
        flat = synapses.dense8 if table.kind[q] == DENSE8 else synapses.dense16
        rows = flat[base : base + int(table.rows[q]) * row].reshape(-1, row)
        numbers = synapses.row_of[int(table.row_map[q]) + fired]
        arriving = rows[numbers[numbers >= 0], :size].sum(axis=0, dtype=np.int64)[None]
    return (arriving << shift) >> floor
