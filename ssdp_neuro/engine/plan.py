"""A network lowered to the flat arrays that the kernels read."""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Iterator
from typing import Any

import numpy as np

from hw_models import (
    ConvProjection,
    DenseProjection,
    FixedPointNetwork,
    InputPopulation,
    LifPopulation,
    PoolProjection,
    ResetMode,
    SparseProjection,
)
from hw_models.arithmetic import ALIGN_SHIFT, DECAY_UNITY
from ssdp_neuro.engine.kernels import tables
from ssdp_neuro.engine.kernels.tables import BLOCK, PopulationTable, ProjectionTable, SynapseTable

ALWAYS_SWEPT = 1024  # neurons; below, one vector pass costs less than keeping a list
ROW_PADDING = 16  # int8 weights of a row; one vector register
SPARE_FIRED = 8  # room behind a population's spike list, see deliver_dense8


Synapses = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray | None]  # pre, post, weight, delay


class Plan:
    """Tables of one network, and where its weights went.

    Parameters
    ----------
    network
        What to lower. Plastic weights are copied: the plan's own can be changed.
    """

    def __init__(self, network: FixedPointNetwork) -> None:
        self.network = weakref.proxy(network)
        self.index = {population.name: p for p, population in enumerate(network.populations)}
        self.plastic: dict[str, tuple[str, int, int, int]] = {}
        self.projections, self.synapses = self._lower_projections(network)
        self.populations = self._lower_populations(network)
        self._idle: list[tables.State] = []

    @contextlib.contextmanager
    def state(self) -> Iterator[tables.State]:
        """State for one thread; one that an earlier run left behind if there is one."""
        state = self._idle.pop() if self._idle else self._new_state()
        yield state
        # not after an error: a state must be as the last sample left it
        self._idle.append(state)

    def _new_state(self) -> tables.State:
        """State with everything at rest."""
        populations = self.populations
        n_padded = int(populations.stride.sum())
        first = np.zeros(populations.size.size, dtype=np.int64)
        room = populations.size + SPARE_FIRED
        np.cumsum(room[:-1], out=first[1:])
        sums = [0]
        rows = [0]
        for q, target in enumerate(self.projections.target):
            if self.projections.floor[q]:
                sums.append(int(populations.ring[target] * populations.stride[target]))
            rows.append(int(self.projections.row[q]))
        flags = np.zeros(n_padded, dtype=np.uint8)
        return tables.State(
            u=np.zeros(n_padded, dtype=np.int32),
            v=np.zeros(n_padded, dtype=np.int32),
            wait=np.zeros(populations.each_bias.size, dtype=np.int32),
            drive=np.zeros(int((populations.ring * populations.stride).sum()), dtype=np.int32),
            flags=flags,
            flag_words=flags.view(np.uint64),
            marked=np.zeros(int(populations.stride.max()) // 8 + 1, dtype=np.int64),
            fired=np.zeros(int(room.sum()), dtype=np.int64),
            first=first,
            n_fired=np.zeros(populations.size.size, dtype=np.int64),
            sum16=np.zeros(max(rows), dtype=np.int16),
            sum32=np.zeros(max(sums), dtype=np.int32),
            sweep=populations.awake.copy(),
            swept=np.zeros(populations.size.size, dtype=np.uint8),
            live=np.zeros(n_padded // BLOCK, dtype=np.uint8),
            touched=np.zeros(n_padded // BLOCK, dtype=np.int64),
            live_list=np.zeros(n_padded // BLOCK, dtype=np.int64),
            n_live=np.zeros(populations.size.size, dtype=np.int64),
            known_list=np.zeros(n_padded // BLOCK, dtype=np.int64),
            n_known=np.zeros(populations.size.size, dtype=np.int64),
        )

    def weights(self, name: str) -> np.ndarray:
        """Plastic weights of a projection, as the kernels read them.

        Returns
        -------
        int8 or int16, shape ``(n_pre, n_padded)``, writable; columns beyond ``n_post``
        are padding and must stay zero
        """
        store, base, n_rows, row = self.plastic[name]
        flat: np.ndarray = getattr(self.synapses, store)
        return flat[base : base + n_rows * row].reshape(n_rows, row)

    def _lower_populations(self, network: FixedPointNetwork) -> PopulationTable:
        count = len(network.populations)
        columns: dict[str, Any] = {
            field: np.zeros(count, dtype=dtype)
            for dtype, fields in (
                (np.uint8, ("kind", "subtract", "awake")),
                (np.int64, ("size", "stride", "ring", "interval", "phase", "row")),
                (np.float64, ("keep_u", "keep_v")),
                (np.int32, ("bias", "threshold", "refractory")),
            )
            for field in fields
        }
        each: dict[str, list[np.ndarray]] = {
            field: [] for field in ("keep_u", "keep_v", "bias", "threshold")
        }
        rows = 0
        for p, population in enumerate(network.populations):
            columns["size"][p] = population.n_neurons
            columns["stride"][p] = -(-population.n_neurons // BLOCK) * BLOCK
            columns["ring"][p] = self._longest_delay(network, population.name) + 1
            if isinstance(population, InputPopulation):
                columns["stride"][p] = 0
                columns["awake"][p] = 1
                continue
            values = _neuron_parameters(population)
            uniform = all(value.size == 1 for value in values.values()) and not (
                population.refractory or population.reset is ResetMode.SUBTRACT
            )
            columns["kind"][p] = tables.UNIFORM if uniform else tables.GENERAL
            columns["awake"][p] = bool(
                population.n_neurons <= ALWAYS_SWEPT
                or values["bias"].any()
                or (values["threshold"] < 0).any()
            )
            columns["refractory"][p] = population.refractory
            columns["subtract"][p] = population.reset is ResetMode.SUBTRACT
            columns["interval"][p] = population.reset_interval
            if population.reset_interval:
                columns["phase"][p] = population.reset_offset % population.reset_interval
            columns["row"][p] = rows
            for field, value in values.items():
                if uniform:
                    columns[field][p] = value[0]
                else:
                    each[field].append(np.broadcast_to(value, population.n_neurons))
            rows += 0 if uniform else population.n_neurons
        strides, rings = columns["stride"], columns["ring"]
        return PopulationTable(
            **columns,
            offset=np.cumsum(strides) - strides,
            drive_offset=np.cumsum(strides * rings) - strides * rings,
            each_keep_u=_joined(each["keep_u"], np.float64),
            each_keep_v=_joined(each["keep_v"], np.float64),
            each_bias=_joined(each["bias"], np.int32),
            each_threshold=_joined(each["threshold"], np.int32),
        )

    def _longest_delay(self, network: FixedPointNetwork, name: str) -> int:
        return max(
            (
                int(projection.delays.max(initial=0))
                for projection in network.projections
                if projection.target == name
                and isinstance(projection, (DenseProjection, SparseProjection))
                and projection.delays is not None
            ),
            default=0,
        )

    def _lower_projections(
        self, network: FixedPointNetwork
    ) -> tuple[ProjectionTable, SynapseTable]:
        count = len(network.projections)
        columns: dict[str, Any] = {
            field: np.zeros(count, dtype=dtype)
            for dtype, fields in (
                (np.uint8, ("kind", "delayed")),
                (np.int64, ("source", "target", "base", "row", "rows")),
                (np.int32, ("shift", "floor")),
            )
            for field in fields
        }
        columns["geometry"] = np.zeros((count, 15), dtype=np.int64)
        store = _Store()
        for q, projection in enumerate(network.projections):
            source = network.population(projection.source)
            columns["source"][q] = self.index[projection.source]
            columns["target"][q] = self.index[projection.target]
            columns["rows"][q] = source.n_neurons
            columns["shift"][q] = max(projection.weight_exponent, 0)
            columns["floor"][q] = max(-projection.weight_exponent, 0)
            if isinstance(projection, PoolProjection):
                projection = projection.as_convolution(source.shape[0])
            if isinstance(projection, ConvProjection):
                columns["kind"][q] = tables.CONV
                columns["base"][q] = store.add("conv", _conv_weights(projection))
                columns["geometry"][q] = _geometry(projection, source.shape)
            elif isinstance(projection, SparseProjection) or projection.delays is not None:
                synapses = _listed(projection)
                columns["delayed"][q] = projection.delays is not None
                plain = projection.delays is None and projection.weight_exponent >= 0
                narrow = narrow_shift(projection.weights)
                if network.population(projection.target).n_neurons > tables.PACKED_TARGETS:
                    narrow = None
                if plain and narrow is not None:
                    columns["kind"][q] = tables.PACKED
                    columns["shift"][q] += narrow
                    columns["base"][q] = store.add_packed(synapses, source.n_neurons, narrow)
                else:
                    columns["kind"][q] = tables.SPARSE
                    columns["base"][q] = store.add_sparse(synapses, source.n_neurons)
            else:
                kind, shift, rows = _dense_rows(projection)
                columns["kind"][q] = kind
                columns["shift"][q] += shift
                columns["row"][q] = rows.shape[1]
                where = "dense8" if kind == tables.DENSE8 else "dense16"
                columns["base"][q] = base = store.add(where, rows.reshape(-1))
                if projection.plasticity is not None:
                    self.plastic[projection.name] = (where, base, source.n_neurons, rows.shape[1])
        return ProjectionTable(**columns), store.table()


class _Store:
    """Weights gathered kind by kind."""

    def __init__(self) -> None:
        self.parts: dict[str, list[np.ndarray]] = {field: [] for field in SynapseTable._fields}
        self.sizes = dict.fromkeys(SynapseTable._fields, 0)

    def add(self, field: str, values: np.ndarray) -> int:
        start = self.sizes[field]
        self.parts[field].append(values)
        self.sizes[field] += values.size
        return start

    def add_sparse(self, synapses: Synapses, n_pre: int) -> int:
        pre, post, weights, delays = synapses
        base = self.add("row_start", _row_starts(pre, n_pre) + self.sizes["target"])
        self.add("target", post.astype(np.uint32))
        self.add("weight", weights.astype(np.int16))
        if delays is not None:
            missing = self.sizes["target"] - post.size - self.sizes["delay"]
            self.add("delay", np.zeros(missing, dtype=np.uint8))
            self.add("delay", delays.astype(np.uint8))
        return base

    def add_packed(self, synapses: Synapses, n_pre: int, shift: int) -> int:
        pre, post, weights, _ = synapses
        base = self.add("row_start", _row_starts(pre, n_pre) + self.sizes["packed"])
        low = (weights >> shift).astype(np.uint8).astype(np.uint32)
        self.add("packed", post.astype(np.uint32) << np.uint32(tables.WEIGHT_BITS) | low)
        return base

    def table(self) -> SynapseTable:
        dtypes = (np.int8, np.int16, np.int64, np.uint32, np.int16, np.uint8, np.uint32, np.int16)
        return SynapseTable(
            *(
                _joined(self.parts[field], dtype)
                for field, dtype in zip(SynapseTable._fields, dtypes, strict=True)
            )
        )


def _joined(parts: list[np.ndarray], dtype: Any) -> np.ndarray:
    return np.concatenate([*parts, np.zeros(0, dtype=dtype)]).astype(dtype, copy=False)


def _neuron_parameters(population: LifPopulation) -> dict[str, np.ndarray]:
    return {
        "keep_u": (DECAY_UNITY - 1 - population.current_decay) / DECAY_UNITY,
        "keep_v": (DECAY_UNITY - population.voltage_decay) / DECAY_UNITY,
        "bias": population.bias,
        "threshold": population.threshold << ALIGN_SHIFT,
    }


def narrow_shift(weights: np.ndarray, low: int = 0, high: int = 0) -> int | None:
    """Right shift that makes 8 bits of weights without loss: 0, 1 for even ones, or None.

    ``low`` and ``high`` are values that the weights may take later.
    """
    low, high = min(int(weights.min(initial=0)), low), max(int(weights.max(initial=0)), high)
    if low >= -128 and high <= 127:
        return 0
    return None if np.any(weights & 1) else 1


def _row_starts(pre: np.ndarray, n_pre: int) -> np.ndarray:
    starts = np.zeros(n_pre + 1, dtype=np.int64)
    np.cumsum(np.bincount(pre, minlength=n_pre), out=starts[1:])
    return starts


def _dense_rows(projection: DenseProjection) -> tuple[int, int, np.ndarray]:
    """Kind, extra shift, and pre-major rows with a row of zeros behind them."""
    plasticity = projection.plasticity
    if plasticity is None:
        shift = narrow_shift(projection.weights)
    else:
        shift = narrow_shift(projection.weights, plasticity.weight_low, plasticity.weight_high)
        shift = None if shift else shift  # learned weights need not be even
    n_post, n_pre = projection.weights.shape
    row = -(-n_post // ROW_PADDING) * ROW_PADDING
    rows = np.zeros((n_pre + 1, row), dtype=np.int16 if shift is None else np.int8)
    rows[:n_pre, :n_post] = (projection.weights >> (shift or 0)).T
    return tables.DENSE16 if shift is None else tables.DENSE8, shift or 0, rows


def _listed(projection: DenseProjection | SparseProjection) -> Synapses:
    if isinstance(projection, SparseProjection):
        return projection.pre, projection.post, projection.weights, projection.delays
    n_post, n_pre = projection.weights.shape
    pre = np.repeat(np.arange(n_pre), n_post)
    post = np.tile(np.arange(n_post), n_pre)
    return pre, post, projection.weights.T.reshape(-1), projection.delays.T.reshape(-1)


def _conv_weights(projection: ConvProjection) -> np.ndarray:
    """Weights as (channel in, row, column, channel out of its group), flat."""
    n_out, n_in, rows, columns = projection.weights.shape
    groups = projection.groups
    split = projection.weights.reshape(groups, n_out // groups, n_in, rows, columns)
    return np.ascontiguousarray(split.transpose(0, 2, 3, 4, 1)).reshape(-1)


def _geometry(projection: ConvProjection, shape: tuple[int, ...]) -> list[int]:
    n_out, n_in, kernel_rows, kernel_columns = projection.weights.shape
    _, rows, columns = projection.output_shape(shape)
    return [
        *shape,
        n_out // projection.groups,
        n_in,
        rows,
        columns,
        kernel_rows,
        kernel_columns,
        *projection.stride,
        *projection.padding,
        *projection.dilation,
    ]


_PLANS: weakref.WeakKeyDictionary[FixedPointNetwork, Plan] = weakref.WeakKeyDictionary()


def plan_of(network: FixedPointNetwork) -> Plan:
    """The network's plan, lowered once and kept as long as the network lives."""
    if network not in _PLANS:
        _PLANS[network] = Plan(network)
    return _PLANS[network]
