"""Lava's DelayDense and DelaySparse as compiled loops over the neurons that fire."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from lava.magma.core.model.py.ports import PyInPortVectorDense
from scipy.sparse import csr_matrix, issparse

from conversions.lava.runtime.stored_weights import Stored
from ssdp_neuro.engine.kernels.lava_delays import fixed_delays, float_delays

LARGEST_EXPONENT = 31
DEPTH = 64  # halves of halves of a sum
VARS = ("weights", "delays")


class DelayTable(NamedTuple):
    """Synapses listed by source, as the kernels of ``lava_delays`` want them."""

    starts: np.ndarray  # int64 (n_pre + 1,)
    places: np.ndarray  # int64 (n,): in what is under way, (n_post, n_slots)
    weights: np.ndarray  # (n,), of the model's type
    shape: tuple[int, int]  # (n_post, n_slots)
    is_sparse: bool  # whether SciPy adds them, else NumPy

    @property
    def size(self) -> int:
        """Numbers that are under way."""
        return self.shape[0] * self.shape[1]

    def rooms(self) -> np.ndarray:
        """Where numbers of each place have room if all sources fire, int64."""
        stored = np.bincount(self.places, minlength=self.size)
        return np.cumsum(stored) - stored


class DelayScratch(NamedTuple):
    """Room for one step in floating point of any of the tables that it was made for."""

    counts: np.ndarray
    fired: np.ndarray
    at: np.ndarray
    lefts: np.ndarray
    marks: np.ndarray
    sums: np.ndarray

    @classmethod
    def of(cls, tables: list[DelayTable]) -> DelayScratch:
        """As large as the largest of these needs it."""
        n_places = max((each.size for each in tables), default=0)
        n_most = max((each.weights.size for each in tables if not each.is_sparse), default=0)
        return cls(
            np.zeros(n_places, np.int64),
            np.zeros(n_most),
            np.zeros(n_most, np.int64),
            np.zeros(DEPTH),
            np.zeros((3, DEPTH), np.int64),
            np.zeros(n_places),
        )


def delay_table(model: Any, dtype: Any) -> DelayTable | None:
    """Of a model of Lava's, from the matrix that it makes; None if the loops do not hold it."""
    late = model.a_buff
    if type(late) is not np.ndarray or late.ndim != 2 or late.dtype != dtype:
        return None
    matrix = model.get_delay_wgts_mat(model.weights, model.delays, late.shape[1] - 1)
    n_post, n_slots = late.shape
    if matrix.dtype != dtype or matrix.shape[0] != n_post * n_slots:
        return None
    rows = csr_matrix(matrix)
    if not (rows.has_canonical_format and np.isfinite(rows.data).all()):
        return None
    columns = rows.tocsc()
    slot, post = np.divmod(columns.indices.astype(np.int64), n_post)
    starts, places = columns.indptr.astype(np.int64), post * n_slots + slot
    return DelayTable(starts, places, columns.data, late.shape, issparse(matrix))


def fast_fixed_delays(model: Any, by_lava: Callable[..., Any]) -> Callable[..., None]:
    """In the place of ``run_spk`` of a model in fixed point."""
    stored = Stored(model, lambda *_: _ready(model, np.int32, "bi"), VARS)

    def run_spk() -> None:
        exponent = model.proc_params.get("weight_exp", 0)
        is_usual = isinstance(exponent, int | np.integer) and abs(exponent) <= LARGEST_EXPONENT
        if not (model.weights_set and is_usual and stored.are_usable(None) and _is_flat(model)):
            by_lava()
            return
        model.weight_exp = exponent
        model.a_out.send(model.a_buff[:, 0])
        spikes = model.s_in.recv()
        if model.num_message_bits.item() == 0:
            spikes = spikes.astype(bool)
        table, sums = stored.made
        heights, late = spikes.astype(np.int64), model.a_buff.reshape(-1)
        parts = (heights, int(exponent), table.is_sparse, sums, late, table.shape[1])
        fixed_delays(*table[:3], *parts)

    return run_spk


def fast_float_delays(model: Any, by_lava: Callable[..., Any]) -> Callable[..., None]:
    """In the place of ``run_spk`` of a model in floating point."""
    stored = Stored(model, lambda *_: _ready(model, np.float64, "biuf"), VARS)

    def run_spk() -> None:
        is_graded = model.num_message_bits.item() > 0
        # SciPy may have been compiled to round a product only together with its sum
        is_usual = stored.are_usable(None) and not (is_graded and stored.made[0].is_sparse)
        if not (is_usual and _is_flat(model)):
            by_lava()
            return
        model.a_out.send(model.a_buff[:, 0])
        spikes = model.s_in.recv()
        if not is_graded:
            spikes = spikes.astype(bool)
        heights = spikes.astype(np.float64)
        if not np.isfinite(heights).all():
            model.update_act(spikes)
            return
        table, rooms, scratch = stored.made
        late = model.a_buff.reshape(-1)
        parts = (table.is_sparse, rooms, *scratch, late, table.shape[1])
        float_delays(*table[:3], heights, *parts)

    return run_spk


def _ready(model: Any, dtype: Any, kinds: str) -> tuple[Any, ...] | None:
    table = delay_table(model, dtype)
    if table is None or not hears(model, kinds, np.dtype(dtype).itemsize):
        return None
    if dtype is np.int32:
        return table, np.zeros(table.size, np.int64)
    return table, table.rooms(), DelayScratch.of([table])


def _is_flat(model: Any) -> bool:
    return model.a_buff.flags.c_contiguous


def hears(model: Any, kinds: str, size: int) -> bool:
    """Whether what arrives is of such types, no wider than so many bytes."""
    types = [np.dtype(end.d_type) for end in model.s_in.csp_ports]
    is_plain = type(model.s_in) is PyInPortVectorDense
    return is_plain and all(each.kind in kinds and each.itemsize <= size for each in types)
