"""Projections of a network lowered to the flat arrays that the kernels read."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from hw_models import (
    ConvProjection,
    DenseProjection,
    FixedPointNetwork,
    LearningRule,
    PoolProjection,
    SparseProjection,
)
from hw_models.projections import Projection
from ssdp_neuro.engine.aligned import aligned_zeros, joined
from ssdp_neuro.engine.convolution_part import convolution_part
from ssdp_neuro.engine.delay_groups import DelayGroup, DelayGrouping, groups
from ssdp_neuro.engine.kernels import tables
from ssdp_neuro.engine.kernels.catalog import COUNT_SENT, DELIVERIES, addresses_of
from ssdp_neuro.engine.kernels.tables import GEOMETRY, LANES, ProjectionTable, SynapseTable, padded
from ssdp_neuro.engine.neuron_order import inverse, kept_order
from ssdp_neuro.engine.rule_state import table_of_rows

AT_ONCE = 1 << 16  # synapses lowered together; what they need stays in a cache
MATRICES = (DenseProjection, SparseProjection)
CUTS = 4
CUT_SYNAPSES, CUT_NEURONS = 1 << 20, 1024  # of a target, from which its synapses are cut


class LoweredSynapses(NamedTuple):
    """Listed synapses, sorted by source."""

    pre: np.ndarray
    post: np.ndarray
    weight: np.ndarray
    delay: np.ndarray | None


class PlasticRows(NamedTuple):
    """Where the weights of a plastic projection lie in the synapse table."""

    field: str
    base: int
    n_rows: int
    row: int


class PlasticList(NamedTuple):
    """The same of a projection whose synapses are listed, and the list."""

    base: int
    synapses: LoweredSynapses


DEFAULTS = {
    "lag": -1,
    "span": 1,
    "cuts": 1,
    "counted": -1,
    "geometry": [0] * GEOMETRY,
    "met_row": -1,
    "sums_row": -1,
}
Part = dict[str, Any]  # an entry of the projection table, by field; DEFAULTS, or 0, if left out


def projection_table(
    network: FixedPointNetwork,
) -> tuple[ProjectionTable, SynapseTable, dict[str, PlasticRows | PlasticList]]:
    """The projections of a network as flat arrays, and where the plastic weights lie."""
    index = {population.name: p for p, population in enumerate(network.populations)}
    plastic: dict[str, PlasticRows | PlasticList] = {}
    store = _Store()
    rows: list[Part] = []
    for number, projection in enumerate(network.projections):
        source, target = (network.population(end) for end in (projection.source, projection.target))
        common = {
            "owner": number,
            "source": index[source.name],
            "target": index[target.name],
            "rows": source.n_neurons,
            "floor": max(-projection.weight_exponent, 0),
        }
        order, sent = (kept_order(network, end.name) for end in (target, source))
        learns = getattr(projection, "plasticity", None) is not None
        is_matrix = isinstance(projection, DenseProjection) and projection.delays is None
        parts: list[Part] | None
        if isinstance(projection, ConvProjection) and order is not None:
            parts = [convolution_part(projection, source.shape, sent, store.add)]
        elif is_matrix:
            parts = [part] = [_dense_part(projection, order, None if learns else sent, store)]
            if learns:
                where = "dense8" if part["kind"] == tables.DENSE8 else "dense16"
                place = PlasticRows(where, part["base"], source.n_neurons, part["row"])
                plastic[projection.name] = place
        else:
            synapses = _listed(projection, source.shape)
            if order is not None:
                synapses = synapses._replace(post=inverse(order)[synapses.post])
            cuts = _cuts(network, target)
            parts = None if learns else _delayed_parts(synapses, source, target, cuts, store)
            if parts is None:
                if learns:
                    plastic[projection.name] = PlasticList(store.sizes["weight"], synapses)
                simple = projection.weight_exponent >= 0 and not learns
                parts = [_listed_part(synapses, source, target, sent, simple, store)]
        shift = max(projection.weight_exponent, 0)
        for part in parts:
            rows.append({**common, **part, "shift": shift + part.get("shift", 0)})
    columns = {
        field: np.array([row.get(field, DEFAULTS.get(field, 0)) for row in rows], dtype=dtype)
        for field, (dtype, _, _) in ProjectionTable.fields().items()
    }
    columns["geometry"] = columns["geometry"].reshape(-1)
    columns["deliver"] = addresses_of(DELIVERIES[kind] for kind in columns["kind"])
    columns["count"] = addresses_of(COUNT_SENT if n >= 0 else None for n in columns["counted"])
    return ProjectionTable(**columns), store.table(), plastic


def _dense_part(
    projection: DenseProjection, order: np.ndarray | None, sent: np.ndarray | None, store: _Store
) -> Part:
    """``order`` and ``sent`` are those in which target and source are kept."""
    kind, shift, rows = _dense_rows(projection, order)
    if sent is not None:
        rows[: sent.size] = rows[sent]
    base = store.add("dense8" if kind == tables.DENSE8 else "dense16", rows.reshape(-1))
    n_rows, row = rows.shape
    placed = sent is not None
    return {
        "kind": kind,
        "shift": shift,
        "row": row,
        "rows": n_rows - 1,
        "base": base,
        "placed": placed,
    }


def _listed_part(
    synapses: LoweredSynapses,
    source: Any,
    target: Any,
    sent: np.ndarray | None,
    simple: bool,
    store: _Store,
) -> Part:
    """Synapses delivered when a spike is sent; ``simple`` ones are fixed, and never floored.

    ``sent`` is the order in which the source is kept.
    """
    n_pre, n_post = source.n_neurons, target.n_neurons
    narrow = narrow_shift(synapses.weight)
    if simple and synapses.delay is None and narrow is not None and n_post <= tables.PACKED_TARGETS:
        if _have_one_each(synapses.pre, n_pre):
            if sent is not None:
                synapses = synapses._replace(pre=inverse(sent)[synapses.pre])
            base = store.add_single(synapses, n_pre, narrow)
            placed = sent is not None
            return {"kind": tables.SINGLE, "shift": narrow, "base": base, "placed": placed}
        base = store.add_packed(synapses, n_pre, narrow)
        return {"kind": tables.PACKED, "shift": narrow, "base": base}
    delayed, span = synapses.delay is not None, 1
    if synapses.delay is not None:
        span = int(synapses.delay.max(initial=0)) + 1
    base = store.add_sparse(synapses, n_pre)
    return {"kind": tables.SPARSE, "base": base, "delayed": delayed, "span": span}


def _cuts(network: FixedPointNetwork, target: Any) -> int:
    """Ranges of targets that delayed synapses are sorted by, so that threads can share them.

    Each range of each source has a place where it begins: too much for few synapses.
    """
    n_synapses = sum(
        projection.weights.size
        for projection in network.projections
        if projection.target == target.name and isinstance(projection, MATRICES)
    )
    is_large = n_synapses >= CUT_SYNAPSES and target.n_neurons >= CUT_NEURONS
    return CUTS if is_large else 1


def _delayed_parts(
    synapses: LoweredSynapses, source: Any, target: Any, cuts: int, store: _Store
) -> list[Part] | None:
    """Fixed synapses with delays, in groups; None if there are no delays, or no room for them."""
    if synapses.delay is None:
        return None
    n_pre, n_post = source.n_neurons, target.n_neurons
    stride = padded(n_post)
    narrow = narrow_shift(synapses.weight)
    grouping = DelayGrouping(synapses, n_pre)
    span = grouping.best_span(stride)
    if span is None:
        return None
    if grouping.matrices_pay(n_post, 1 if narrow is not None else 2):
        made = groups(synapses, n_pre, 1, stride)
        parts = [_matrix_part(group, n_pre, n_post, store) for group in made]
    else:
        parts = [
            {
                "kind": tables.DELAYED,
                "lag": group.lag,
                "span": span,
                "cuts": cuts,
                "base": store.add_group(group),
            }
            for group in groups(synapses, n_pre, span, stride, cuts, n_post)
        ]
    if parts:
        fan_out = np.diff(_row_starts(synapses.pre, n_pre))
        parts[0]["counted"] = store.add("fan_out", fan_out.astype(np.int32))
    return parts


def _matrix_part(group: DelayGroup, n_pre: int, n_post: int, store: _Store) -> Part:
    """One delay as a matrix of the sources that have it."""
    n_synapses = np.diff(group.row_start)
    sources = np.flatnonzero(n_synapses)
    number = np.repeat(np.arange(sources.size), n_synapses[sources])
    target = group.words & np.uint32(tables.PLACES - 1)
    weight = group.words.view(np.int32) >> tables.PLACE_BITS
    narrow = narrow_shift(weight)
    row = -(-n_post // LANES) * LANES
    kind, where, dtype = tables.DENSE16, "dense16", np.int16
    if narrow is not None:
        kind, where, dtype = tables.DENSE8, "dense8", np.int8
    rows = np.zeros((sources.size + 1, row), dtype=dtype)
    rows[number, target] = weight >> (narrow or 0)
    row_of = np.full(n_pre, -1, dtype=np.int32)
    row_of[sources] = np.arange(sources.size)
    return {
        "kind": kind,
        "shift": narrow or 0,
        "lag": group.lag,
        "row": row,
        "rows": sources.size,
        "base": store.add(where, rows.reshape(-1)),
        "row_map": store.add("row_of", row_of),
    }


class _Store:
    """Weights gathered kind by kind."""

    def __init__(self) -> None:
        self.parts: dict[str, list[np.ndarray]] = {field: [] for field in SynapseTable.fields()}
        self.sizes = dict.fromkeys(self.parts, 0)

    def add(self, field: str, values: np.ndarray) -> int:
        start = self.sizes[field]
        self.parts[field].append(values)
        self.sizes[field] += values.size
        return start

    def add_sparse(self, synapses: LoweredSynapses, n_pre: int) -> int:
        pre, post, weights, delays = synapses
        base = self.add("row_start", _row_starts(pre, n_pre) + self.sizes["target"])
        self.add("target", post.astype(np.uint32))
        self.add("weight", weights.astype(np.int16))
        if delays is not None:
            missing = self.sizes["target"] - post.size - self.sizes["delay"]
            self.add("delay", np.zeros(missing, dtype=np.uint8))
            self.add("delay", delays.astype(np.uint8))
        return base

    def add_packed(self, synapses: LoweredSynapses, n_pre: int, shift: int) -> int:
        base = self.add("row_start", _row_starts(synapses.pre, n_pre) + self.sizes["packed"])
        self.add("packed", _words(synapses, shift))
        return base

    def add_single(self, synapses: LoweredSynapses, n_pre: int, shift: int) -> int:
        words = np.full(n_pre, tables.NO_SYNAPSE, dtype=np.uint32)
        words[synapses.pre] = _words(synapses, shift)
        return self.add("packed", words)

    def add_group(self, group: DelayGroup) -> int:
        base = self.add("row_start", group.row_start + self.sizes["delayed"])
        self.add("delayed", group.words)
        return base

    def table(self) -> SynapseTable:
        kept = SynapseTable.fields()
        return SynapseTable(
            **{field: joined(self.parts[field], kind) for field, (kind, _, _) in kept.items()}
        )


def _words(synapses: LoweredSynapses, shift: int) -> np.ndarray:
    """Target and weight of each synapse in a word of 32 bits."""
    words = aligned_zeros(synapses.post.size, np.uint32)
    for start in range(0, words.size, AT_ONCE):
        part = slice(start, start + AT_ONCE)
        low = (synapses.weight[part] >> shift).astype(np.uint8)
        words[part] = synapses.post[part].astype(np.uint32) << np.uint32(tables.WEIGHT_BITS) | low
    return words


def narrow_shift(weights: np.ndarray, low: int = 0, high: int = 0) -> int | None:
    """Right shift that makes 8 bits of weights without loss: 0, 1 for even ones, or None.

    ``low`` and ``high`` are values that the weights may take later.
    """
    low, high = min(int(weights.min(initial=0)), low), max(int(weights.max(initial=0)), high)
    if low >= -128 and high <= 127:
        return 0
    return None if np.any(weights & 1) else 1


def _row_starts(pre: np.ndarray, n_pre: int) -> np.ndarray:
    """Where the synapses of each source begin in a sorted list, and where the last ones end."""
    return np.searchsorted(pre, np.arange(n_pre + 1, dtype=pre.dtype)).astype(np.int64)


def _have_one_each(pre: np.ndarray, n_pre: int) -> bool:
    """Whether no source has two synapses of a sorted list."""
    return pre.size <= n_pre and not bool((pre[1:] == pre[:-1]).any())


def _dense_rows(
    projection: DenseProjection, order: np.ndarray | None
) -> tuple[int, int, np.ndarray]:
    """Kind, extra shift, and pre-major rows with a row of zeros behind them.

    Between those of a LearningRule and the zeros is room for the synapses' other variables.
    """
    plasticity = projection.plasticity
    if plasticity is None:
        shift = narrow_shift(projection.weights)
    else:
        shift = narrow_shift(projection.weights, plasticity.weight_low, plasticity.weight_high)
        shift = None if shift else shift  # learned weights need not be even
    n_post, n_pre = projection.weights.shape
    if isinstance(plasticity, LearningRule):
        rows = np.zeros(table_of_rows(n_pre, n_post), dtype=np.int16)
        rows[:n_pre, :n_post] = projection.weights.T
        return tables.DENSE16, 0, rows
    row = -(-n_post // LANES) * LANES
    rows = np.zeros((n_pre + 1, row), dtype=np.int16 if shift is None else np.int8)
    weights = projection.weights if order is None else projection.weights[order]
    rows[:n_pre, :n_post] = (weights >> (shift or 0)).T
    return tables.DENSE16 if shift is None else tables.DENSE8, shift or 0, rows


def _listed(projection: Projection, shape: tuple[int, ...]) -> LoweredSynapses:
    if isinstance(projection, SparseProjection):
        return LoweredSynapses(
            projection.pre, projection.post, projection.weights, projection.delays
        )
    if isinstance(projection, PoolProjection):
        projection = projection.as_convolution(shape[0])
    if isinstance(projection, ConvProjection):
        return _convolved(projection, shape)
    n_post, n_pre = projection.weights.shape
    pre = np.repeat(np.arange(n_pre), n_post)
    post = np.tile(np.arange(n_post), n_pre)
    return LoweredSynapses(
        pre, post, projection.weights.T.reshape(-1), projection.delays.T.reshape(-1)
    )


def _convolved(projection: ConvProjection, shape: tuple[int, ...]) -> LoweredSynapses:
    """The synapses of a convolution one by one: few for each source if it is a pooling."""
    n_out, n_in, *kernel = projection.weights.shape
    made = projection.output_shape(shape)
    inputs: list[np.ndarray] = []
    outputs: list[np.ndarray] = []
    taps: list[np.ndarray] = []
    for axis in (0, 1):
        out, tap = np.indices((made[1 + axis], kernel[axis])).reshape(2, -1)
        place = out * projection.stride[axis] + tap * projection.dilation[axis]
        place -= projection.padding[axis]
        inside = (place >= 0) & (place < shape[1 + axis])
        for part, values in ((inputs, place), (outputs, out), (taps, tap)):
            part.append(values[inside])
    channel, of_group = (axis.reshape(-1, 1, 1) for axis in np.indices((n_out, n_in)))
    channel_in = channel // (n_out // projection.groups) * n_in + of_group
    pre = (channel_in * shape[1] + inputs[0][:, None]) * shape[2] + inputs[1]
    post = (channel * made[1] + outputs[0][:, None]) * made[2] + outputs[1]
    weight = projection.weights[channel, of_group, taps[0][:, None], taps[1]]
    order = np.argsort(pre.reshape(-1), kind="stable")
    pre, post, weight = (part.reshape(-1)[order] for part in (pre, post, weight))
    return LoweredSynapses(pre, post, weight, None)
