"""The compiled functions of the engine, by what they are for; nothing is compiled here."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ssdp_neuro.engine.kernels.native import INTERPRETED, Kernel
from ssdp_neuro.engine.kernels.tables import (
    ADAPTIVE,
    CONV,
    DELAYED,
    DENSE8,
    DENSE16,
    GENERAL,
    PACKED,
    SINGLE,
    SPARSE,
    UNIFORM,
    WIDE,
)

RUN_NETWORK = Kernel("network_run.run_network")
LEARN_TRAINS = Kernel("rule_steps.learn_trains")
LEARN_STEP = Kernel("rule_steps.learn_step")
CHANGE_REACHED = Kernel("rule_epoch.change_reached")
CHANGE_WAITING = Kernel("rule_waiting.change_waiting")
FADE_ROWS = Kernel("rule_fading.fade_rows")
EPROP_STEP = Kernel("eprop_step.eprop_step")
EPROP_LISTED_STEP = Kernel("eprop_listed_step.eprop_listed_step")
LEAD = Kernel("team.lead")
ASSIST = Kernel("team.assist")
VISIT_BLOCKS = Kernel("population_step.visit_blocks")
REMEMBER = Kernel("delay_line.remember")
COUNT_SENT = Kernel("delay_line.count_sent")
TAKE_PENDING = Kernel("delay_line.take_pending")
RECORD = Kernel("listening.record")
NOTE_LATENCIES = Kernel("listening.note_latencies")
COUNT_SPIKES = Kernel("reading.count_spikes")
FIND_FIRST = Kernel("reading.find_first")
MARK_SPIKES = Kernel("reading.mark_spikes")
LIST_EVENTS = Kernel("reading.list_events")
COUNT_ROWS = Kernel("raster.count_rows")
FILL_ROWS = Kernel("raster.fill_rows")
READERS = (  # of spikes given and made, and of state
    COUNT_SPIKES,
    FIND_FIRST,
    MARK_SPIKES,
    LIST_EVENTS,
    COUNT_ROWS,
    FILL_ROWS,
    RECORD,
)

UPDATES = {  # one step of a run of neurons
    UNIFORM: Kernel("lif_step.step_uniform"),
    GENERAL: Kernel("lif_step.step_general"),
    WIDE: Kernel("lif_step.step_wide"),
    ADAPTIVE: Kernel("lif_step.step_adaptive"),
}
DELIVERIES = {  # spikes of a projection's source to its target's drive
    DENSE8: Kernel("projection_step.deliver_dense8_rows"),
    DENSE16: Kernel("projection_step.deliver_dense16_rows"),
    SPARSE: Kernel("projection_step.deliver_list"),
    PACKED: Kernel("projection_step.deliver_packed_list"),
    CONV: Kernel("projection_step.deliver_taps"),
    SINGLE: Kernel("projection_step.deliver_single_list"),
    DELAYED: Kernel("projection_step.deliver_delay_group"),
}
_WAKE_ALL = Kernel("waking.wake_all")
WAKINGS = {  # blocks that spikes of a projection reached
    DENSE8: _WAKE_ALL,
    DENSE16: _WAKE_ALL,
    SPARSE: Kernel("waking.wake_list"),
    PACKED: Kernel("waking.wake_packed_list"),
    CONV: Kernel("waking.wake_taps"),
    SINGLE: Kernel("waking.wake_single_list"),
    DELAYED: Kernel("waking.wake_delay_group"),
}


def addresses_of(kernels: Iterable[Kernel | None]) -> Any:
    """A column of a table: how to call a kernel for each row; 0 for none."""
    listed = [0 if kernel is None else kernel.address for kernel in kernels]
    return np.array(listed, dtype=object if INTERPRETED else np.int64)
