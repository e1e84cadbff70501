"""What the kernels of integer e-prop are given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ssdp_neuro.engine.kernels.tables import Int16s, Int64s, Table, Uint32s

Int8Rows: TypeAlias = Annotated[NDArray[np.int8], 2]
Int64Rows: TypeAlias = Annotated[NDArray[np.int64], 2]


@dataclass(frozen=True, eq=False)
class EpropTeacher(Table):
    """Error of the taught neurons; one for all projections."""

    population: int
    trace: Int64s  # (n_taught,)
    error: Int64s  # (n_taught,)
    target: Int64s  # (2,): label of the sample, and the trace wanted of it
    decay_shift: int
    impulse: int
    trace_high: int


@dataclass(frozen=True, eq=False)
class EpropNeurons(Table):
    """What neurons at the ends of a projection that learns keep, and its rule."""

    teacher: EpropTeacher
    ends: Int64s  # (2,): populations of source and target
    feedback: Int8Rows  # (n_post, n_taught); without a row where the error is the signal
    threshold: Int64s  # (n_post,): on the membrane's scale
    key: Int64s  # (3,): seed, number of the sample's first step, whether it learns
    trace: Int64s  # (n_pre,)
    sent: Int64s  # (n_pre,): who fired in the step before
    n_sent: Int64s  # (1,)
    resting: Int64s  # (n_post,): steps of the refractory period that remain
    heard: Int64s  # (n_pre,): step in which the source's last spike arrived; this and the next
    fired: Int64s  # (n_post,): step of the last spike                          two are empty if
    cleared: Int64s  # (n_post,): step of the last reset                        not stamped
    factor: Int64s  # (n_post,): room for psi, then -L psi
    live: Int64s  # (n_post,): room for those of which it is not 0
    offsets: Uint32s  # (n_post,): room for their random numbers, in this order
    n_visited: Int64s  # (1,): synapses looked at; added to
    psi_levels: int
    psi_shift: int
    psi_refractory: int
    stamped: int  # whether only a source's last spike counts, and only after the last reset
    refractory: int
    decay_shift: int
    impulse: int
    trace_high: int
    shift: int
    weight_low: int
    weight_high: int
    feedback_shift: int


@dataclass(frozen=True, eq=False)
class EpropSynapses(EpropNeurons):
    """One dense projection without delays."""

    weights: Int8Rows  # (n_pre, n_padded), as the network reads them


@dataclass(frozen=True, eq=False)
class EpropListed(EpropNeurons):
    """Listed synapses, or such with delays, sorted by source."""

    weights: Int16s  # (n_synapses,), as the network reads them
    row_start: Int64s  # (n_pre + 1,): first synapse of each source
    post: Int64s  # (n_synapses,)
    delay: Int64s  # (n_synapses,)
    past_trace: Int64Rows  # (longest delay + 1, n_pre): traces, by step modulo rows
    past_heard: Int64Rows  # the same of ``heard``; without a column if not stamped
    last_trace: Int64s  # (n_pre,): last step with a trace
    place: Int64s  # (n_post,): room for where a target is among those listed, -1 if it is not
