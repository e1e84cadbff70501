"""What the kernels are given: a network as flat arrays, and the state of one sample.

``P`` populations, ``Q`` parts of projections. A population's neurons lie at ``offset[p]`` in
all per-neuron arrays, padded to whole blocks of 64. Its input ("drive") has ``ring[p]``
slots: that of the next step, and those that its projections reach beyond. A projection with
delays is a part for each group of delays, delivered ``lag`` steps after its spikes were sent.
"""

from __future__ import annotations

import functools
import inspect
import typing
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

Bools: TypeAlias = NDArray[np.bool_]
Bytes: TypeAlias = NDArray[np.uint8]
Uint16s: TypeAlias = NDArray[np.uint16]
Int8s: TypeAlias = NDArray[np.int8]
Int16s: TypeAlias = NDArray[np.int16]
Int32s: TypeAlias = NDArray[np.int32]
Int64s: TypeAlias = NDArray[np.int64]
Uint32s: TypeAlias = NDArray[np.uint32]
Uint64s: TypeAlias = NDArray[np.uint64]
Float32s: TypeAlias = NDArray[np.float32]
Float64s: TypeAlias = NDArray[np.float64]
# not read out of the hints themselves: what those are differs between releases of Python and NumPy
DTYPES: dict[Any, Any] = {
    Bools: np.bool_,
    Bytes: np.uint8,
    Uint16s: np.uint16,
    Int8s: np.int8,
    Int16s: np.int16,
    Int32s: np.int32,
    Int64s: np.int64,
    Uint32s: np.uint32,
    Uint64s: np.uint64,
    Float32s: np.float32,
    Float64s: np.float64,
}

BLOCK_BITS = 6
BLOCK = 1 << BLOCK_BITS

LIVE, ASLEEP = 1, 2  # of a block; 0 if nothing has reached it in this sample

INPUT, UNIFORM, GENERAL, WIDE, ADAPTIVE = 0, 1, 2, 3, 4  # kinds of population
DENSE8, DENSE16, SPARSE, PACKED, CONV, SINGLE, DELAYED = 0, 1, 2, 3, 4, 5, 6  # of projection
WEIGHT_BITS = 8  # of a packed synapse, below its target
PACKED_TARGETS = (1 << (32 - WEIGHT_BITS)) - 1
PLACE_BITS = 23  # of a delayed synapse, below its weight of 9 bits
PLACES = 1 << PLACE_BITS
NO_SYNAPSE = np.uint32(0xFFFFFFFF)  # of a source, in a projection of kind SINGLE
GEOMETRY = 16  # numbers that say what a convolution is
QUAD, WAYS = 4, 16  # channels whose weights are summed beforehand, and ways in which they fire
# of the word of a source in a quad: weights it has, its byte, its channel
OPERATIONS_BIT, QUAD_BIT = 32, 2
# of the word of a row or column of a convolution's input: the first of the output's that it meets,
# how many, how many of them not by a tap of zeros, and the first tap
FIRST_BIT, COUNT_BIT, TRUE_BIT = 40, 28, 16
COUNT_MASK, TAP_MASK = (1 << 12) - 1, (1 << 16) - 1
SUM_LANES = (32, 16, 8, 4)  # channels out that are summed together
TILE = 1 << 12  # sums of 16 bits, 8 kB
LANES = 32  # dense rows are padded to a multiple; weights of a 512-bit vector of sums
SIGNAL = 8  # words between the signals of a team's members: a cache line
OVER = -1  # signal of a leader who has ended, and of a member that has failed
UPDATE, DELIVER = 0, 1  # phases of a step that a team shares
SPARE = 8  # entries behind a list of spikes, which may be written


def padded(size: int) -> int:
    """Neurons with padding to whole blocks."""
    return -(-size // BLOCK) * BLOCK


class Kept(NamedTuple):
    """How a field is kept in the list that kernels find it by."""

    kind: Any  # the dtype of its array, the class of a table, or int: a number of 64 bits
    n_axes: int  # 0 of what is no array
    place: int  # its first word: an address and the sizes of the axes, or the number


def _kept(hint: Any, place: int) -> Kept:
    array, n_axes = hint, 1
    if typing.get_origin(hint) is Annotated:
        array, n_axes = typing.get_args(hint)
    if array in DTYPES:
        return Kept(np.dtype(DTYPES[array]), n_axes, place)
    if hint is int or (inspect.isclass(hint) and issubclass(hint, Table)):
        return Kept(hint, 0, place)
    raise TypeError(f"{hint}: kernels know {', '.join(str(known) for known in DTYPES)}")


class Table:
    """Arrays and numbers by name, and what kernels find them by."""

    @classmethod
    @functools.cache
    def fields(cls) -> dict[str, Kept]:
        """How every field is kept."""
        found: dict[str, Kept] = {}
        place = 0
        for name, hint in typing.get_type_hints(cls, include_extras=True).items():
            found[name] = _kept(hint, place)
            place += 1 + found[name].n_axes
        return found

    @functools.cached_property
    def _words(self) -> np.ndarray:
        """Address and sizes of every array, address of a table, or a number; int64."""
        listed: list[int] = []
        for name, (kind, n_axes, _) in self.fields().items():
            value = getattr(self, name)
            if n_axes == 0:
                listed.append(value.address if isinstance(value, Table) else int(value))
                continue
            if value.dtype != kind or value.ndim != n_axes or not value.flags.c_contiguous:
                raise TypeError(f"{type(self).__name__}.{name}: {value.dtype} {value.shape}")
            # what takes longest here is to ask for the address
            listed.append(value.__array_interface__["data"][0] if value.size else 0)
            listed += value.shape
        return np.array(listed, dtype=np.int64)

    @functools.cached_property
    def address(self) -> int:
        """Where the words are, as long as the table lives."""
        return int(self._words.ctypes.data)


@dataclass(frozen=True, eq=False)
class PopulationTable(Table):
    """Populations; one entry per population unless said otherwise."""

    # INPUT, UNIFORM, GENERAL, WIDE (as GENERAL, state of 32 bits) or ADAPTIVE (as WIDE, with
    # thresholds that rise)
    kind: Bytes
    size: Int64s  # neurons
    offset: Int64s  # first neuron in u, v, flags; a multiple of BLOCK
    stride: Int64s  # neurons with padding
    ring: Int64s  # slots of drive
    reach: Int64s  # steps in which something on its way may arrive, longest delay + 1
    pending_row: Int64s  # first entry in State.pending, which has reach * stride
    depth: Int64s  # steps whose spikes are remembered, for projections with delays
    past_row: Int64s  # first entry in State.past, depth * (size + 3)
    past_count_row: Int64s  # first entry in State.n_past
    drive_offset: Int64s  # first entry of slot 0
    keep_u: Float64s  # share of the current that stays; UNIFORM only
    keep_v: Float64s
    bias: Int32s
    threshold: Int32s  # aligned to the membrane potential
    refractory: Int32s
    subtract: Bytes  # reset by subtraction
    interval: Int64s  # steps between periodic resets, 0 for none
    phase: Int64s
    awake: Bytes  # a neuron may fire from rest, or the population is small: always swept
    row: Int64s  # first entry in the per-neuron arrays below; not UNIFORM
    each_keep_u: Float32s  # per neuron of other than UNIFORM populations, packed
    each_keep_v: Float32s
    each_bias: Int32s
    each_threshold: Int32s
    each_rise: Int32s  # of the threshold, aligned; these two are empty if no population is ADAPTIVE
    each_keep_rise: Float64s
    begins: Bytes  # a sample begins from other than u = v = 0
    begin_row: Int64s  # first entry in the arrays below; of populations that do
    begin_u: Int32s  # per neuron, packed
    begin_v: Int32s
    channels: Int64s  # of an image kept channels last; 0 if neurons are kept in their own order
    named: Bytes  # of an image: something reads who fired by own index
    update: Int64s  # address of the kernel for a run of neurons; 0 for inputs
    ranges: Int64s  # of its neurons, that threads may share what arrives at it by; 0 for none
    grain: Int64s  # neurons that ranges are whole multiples of
    visit: Int64s  # address of the kernel that visits live blocks; 0 where all are awake
    remember: Int64s  # address of the kernel that keeps who fired; 0 where depth is 0
    take_pending: Int64s  # address of the kernel that takes State.pending; 0 where reach is 1


@dataclass(frozen=True, eq=False)
class ProjectionTable(Table):
    """Projections; one entry per part of one."""

    owner: Int64s  # projection of the network
    kind: Bytes  # DENSE8, DENSE16, SPARSE, PACKED, CONV, SINGLE or DELAYED
    lag: Int64s  # steps after which spikes are delivered; -1 if at once, not remembered
    span: Int64s  # slots of drive that it reaches
    cuts: Int64s  # DELAYED: ranges of targets that a source's synapses are sorted by
    counted: Int64s  # first entry in fan_out, which counts operations; -1 if delivery does
    source: Int64s  # population
    target: Int64s  # population
    shift: Int32s  # left shift of a sum of weights
    floor: Int32s  # right shift after it, toward minus infinity
    delayed: Bytes  # SPARSE: synapses have delays
    placed: Bytes  # rows are of places where sources are kept; dense, single and conv
    base: Int64s  # first weight (dense, conv, single) or first row start (the others)
    row: Int64s  # padded row length (dense)
    rows: Int64s  # rows before that of zeros (dense), sources (others)
    row_map: Int64s  # first entry in row_of; of dense parts with a lag
    geometry: Int64s  # (Q, GEOMETRY) flat: conv, see convolution.py
    met_row: Int64s  # first entry in met; -1 of what has none
    sums_row: Int64s  # first entry in tap_sums; -1 of what has none
    taps_per_flush: Int64s  # taps whose sums fit 16 bits, or all; conv with tap_sums
    tile: Int64s  # entries of State.tile that it uses; conv with tap_sums, else 0
    quads_row: Int64s  # first entry in quad_words; conv with tap_sums
    quads: Int64s  # quads of a padded image; 0 without tap_sums
    deliver: Int64s  # address of the kernel
    wake: Int64s  # address of the kernel that wakes the targets; 0 where they are always awake
    count: Int64s  # address of the kernel that counts operations; 0 where delivery does


@dataclass(frozen=True, eq=False)
class SynapseTable(Table):
    """Weights of all projections, by kind."""

    dense8: Int8s  # rows by source, padded, one row of zeros at the end
    dense16: Int16s  # likewise
    row_of: Int32s  # dense with a lag, row of each source, -1 if it has none
    # sparse, packed and delayed: first synapse of each source; delayed: of each (source, range)
    row_start: Int64s
    target: Uint32s  # sparse, by synapse
    weight: Int16s  # sparse, by synapse
    delay: Bytes  # sparse, by synapse; empty if no projection has delays
    packed: Uint32s  # packed and single, target << 8 | weight & 255
    delayed: Uint32s  # delayed, weight << 23 | slot * stride + target
    fan_out: Int32s  # synapses of each source, of projections with delays
    conv: Int16s  # (channel in, row, column, channel out of the group), see convolution.py
    met: Int64s  # conv without dilation and groups: what each row, then column, of the input meets
    tap_sums: Int16s  # conv: (row, column, quad, way, channel out), see tap_sums.py
    quad_words: Int64s  # conv with tap_sums: of each source as kept, its place and weights


@dataclass(frozen=True, eq=False)
class State(Table):
    """State of one sample; every array is changed in place."""

    u: Int32s  # per neuron
    v: Int32s
    wait: Int32s  # refractory steps left, per neuron of other than UNIFORM populations, packed
    adapted: Int32s  # rise of their thresholds; empty if no population is ADAPTIVE
    drive: Int32s  # slots of every population
    pending: Int32s  # what a restored state has on its way, by step modulo reach
    pending_until: Int64s  # (P,): step from which there is none
    flags: Bytes  # per neuron: fired in this step
    marked: Int64s  # scratch of list_spikes
    fired: Uint32s  # indices of the neurons that fired in this step, by population
    # of images: places where those are kept, and fired is theirs only where it is read, see
    # name_fired; empty if all are in their own order
    kept: Uint32s
    first: Int64s  # (P,): where a population's list begins in fired
    n_fired: Int64s  # (P,)
    past: Uint32s  # who fired in the last steps, where delays ask for it; by step modulo depth
    n_past: Int64s  # how many
    rows: Uint32s  # scratch, rows of a dense part with a lag
    # ways in which the quads of a padded image fire, times channels out; zero between uses
    quads: Int16s
    tile: Int16s  # sums of a tile of output rows; zero between uses
    # what floors leave of sums that grow synapse by synapse: the low 8 bits, where the high ones
    # are the number of the use, which is from 1 to 255
    rest: Uint16s
    rest_number: Int64s  # (1,)
    sum16: Int16s  # partial sums of a dense projection
    sum32: Int32s  # sums that are floored before they are added; zero between uses
    sweep: Bytes  # (P,): all neurons are updated, not only those of live blocks
    swept: Bytes  # (P,): it has been so in this sample
    live: Bytes  # per block: LIVE, ASLEEP (live earlier in this sample) or 0
    touched: Int64s  # per block: last step of an arrival
    live_list: Int64s  # per block: blocks of the population that are live, unordered
    n_live: Int64s  # (P,)
    known_list: Int64s  # per block: blocks that have been live in this sample
    n_known: Int64s  # (P,)


@dataclass(frozen=True, eq=False)
class InputTable(Table):
    """Spikes of the input populations; ``P`` entries of ``base``."""

    base: Int64s  # (P,): first entry of the population in starts; -1 if not an input
    starts: Int64s  # first event of each (sample, step)
    indices: Int32s  # neurons


@dataclass(frozen=True, eq=False)
class ProbeTable(Table):
    """State to record after every step."""

    population: Int64s  # (n_probes,)
    voltage: Bytes  # (n_probes,): v, else u
    base: Int64s  # (n_probes,): first entry in values
    values: Int32s  # (n_samples, n_steps, size) of each probe, flat
    record: Int64s  # address of the kernel; empty if nothing is recorded


@dataclass(frozen=True, eq=False)
class LatencyTable(Table):
    """First spikes of the populations that learning listens to, in the sample under way.

    ``C`` arrays of codes, ``T`` of counts; both are changed in place.
    """

    coded: Int64s  # (C,): population
    code_base: Int64s  # (C,): first entry in codes
    shift: Int64s  # (C,): steps per code as a power of two
    silent: Bytes  # (C,): code of a neuron that has not fired yet
    codes: Bytes
    counted: Int64s  # (T,): population
    count_base: Int64s  # (T,): first entry in counts and first
    counts: Int32s  # spikes
    first: Int32s  # step of the first spike
    note: Int64s  # address of the kernel; empty if nobody listens


@dataclass(frozen=True, eq=False)
class WindowTable(Table):
    """The samples and steps of one call, and what comes out of them."""

    bounds: Int64s  # first and last sample, first and last step (exclusive), steps of a sample
    # where to go on: sample, step, entries of fired in use; entries that the next step may need
    cursor: Int64s
    counts: Int32s  # (n_samples, n_steps, P) flat: spikes; empty if no spike is kept
    fired: Int32s  # neurons that fired, in the order of counts, listed or as bits
    most_listed: Int64s  # (P,): spikes of a step that are listed; more are bits, by place


@dataclass(frozen=True, eq=False)
class TeamTable(Table):
    """One member of a team of threads that run a network together."""

    member: Int64s  # which, and of how many; 0 leads
    # the phase under way and which of its ranges are left, see team.py; its kind, its step. At
    # SIGNAL * k: OVER if member k has failed. After the last: ranges done by others than member 0
    signal: Int64s
    shared: Bytes  # (P,): shared in this phase
    lead: Int64s  # address of the kernel; empty if there is one member


@dataclass(frozen=True, eq=False)
class RuleTable(Table):
    """Projections that learn within a sample, see rule_tables.py and eprop_tables.py."""

    learn: Int64s  # address of the kernel of each; empty if none learns
    learners: Int64s  # address of the table of each


@dataclass(frozen=True, eq=False)
class Tally(Table):
    """What was done, added up over calls."""

    updates: Int64s  # (P,): neuron steps
    operations: Int64s  # (Q,): weights added


@dataclass(frozen=True, eq=False)
class Tables(Table):
    """All that one call of the kernels is about."""

    populations: PopulationTable
    projections: ProjectionTable
    synapses: SynapseTable
    state: State
    inputs: InputTable
    probes: ProbeTable
    latencies: LatencyTable
    tally: Tally
    window: WindowTable
    team: TeamTable
    rules: RuleTable
