"""Compiled loops in the place of what Lava's most used models compute with NumPy.

A model keeps its arrays, its ports and all else. Replaced are single methods, and only where
the model's class has them from Lava unchanged: of neurons in subclasses of users too, of
connections in Lava's own classes alone, since others may change weights where nobody sees it.
Where values are not as the loops need them, the method of Lava is called.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from lava.proc.conv.models import PyConvModelFixed, PyConvModelFloat
from lava.proc.dense.models import (
    PyDelayDenseModelBitAcc,
    PyDelayDenseModelFloat,
    PyDenseModelBitAcc,
    PyDenseModelFloat,
)
from lava.proc.lif.models import AbstractPyLifModelFixed, AbstractPyLifModelFloat
from lava.proc.sparse.models import (
    PyDelaySparseModelBitAcc,
    PyDelaySparseModelFloat,
    PySparseModelBitAcc,
    PySparseModelFloat,
)
from scipy.sparse import csr_matrix

from conversions.lava.runtime.fast_convolution import fast_convolution
from conversions.lava.runtime.fast_delays import fast_fixed_delays, fast_float_delays
from conversions.lava.runtime.neuron_constants import are_alike
from conversions.lava.runtime.stored_weights import Stored, when_set
from ssdp_neuro.engine.kernels.lava_models import (
    UNITY,
    add_columns,
    add_fired_rows,
    add_graded_columns,
    add_stored_columns,
    fixed_point_dynamics,
    floating_point_dynamics,
    scaled_bias,
)

LARGEST_EXPONENT = 31


def speed_up(model: Any) -> list[str]:
    """Replace methods of a model; the names of those that were.

    Parameters
    ----------
    model
        A built ProcessModel.
    """
    kind = type(model)
    replaced = []
    for base, name, make in _REPLACED:
        is_open = kind is base or base not in _CONNECTIONS
        if is_open and isinstance(model, base) and getattr(kind, name) is getattr(base, name):
            model.__dict__[name] = make(model, getattr(model, name))
            replaced.append(name)
    return replaced


def _fixed_dynamics(model: Any, by_lava: Callable[..., Any]) -> Callable[..., None]:
    def subthr_dynamics(activation_in: np.ndarray) -> None:
        u, v, bias = model.u, model.v, model.effective_bias
        if activation_in.dtype == np.int16 and not model.a_in.csp_ports:  # silence
            activation_in = activation_in.astype(np.int32)
        if not (
            are_alike(np.int32, u, v, activation_in, bias)
            and _is_decay(model.du)
            and _is_decay(model.dv)
            and type(model.ds_offset) is type(model.dm_offset) is int
        ):
            by_lava(activation_in)
            return
        current_keep = UNITY - (int(model.du) + model.ds_offset)
        voltage_keep = UNITY - (int(model.dv) + model.dm_offset)
        flat = (each.reshape(-1) for each in (u, v, activation_in, bias))
        fixed_point_dynamics(*flat, current_keep, voltage_keep)

    return subthr_dynamics


def _fixed_bias(model: Any, by_lava: Callable[..., Any]) -> Callable[..., None]:
    seen: dict[str, Any] = {}

    def scale_bias() -> None:
        mantissa, exponent = model.bias_mant, model.bias_exp
        if not (are_alike(np.int16, mantissa, exponent) and _are_small(exponent, seen)):
            by_lava()
            return
        bias = np.empty(mantissa.shape, dtype=np.int32)
        scaled_bias(mantissa.reshape(-1), exponent.reshape(-1), bias.reshape(-1))
        model.effective_bias = bias
        model.isbiasscaled = True

    return scale_bias


def _are_small(exponent: np.ndarray, seen: dict[str, Any]) -> bool:
    raw = exponent.tobytes()
    if seen.get("raw") != raw:
        seen["raw"] = raw
        seen["small"] = bool((np.abs(exponent.astype(int)) <= LARGEST_EXPONENT).all())
    return seen["small"]


def _float_dynamics(model: Any, by_lava: Callable[..., Any]) -> Callable[..., None]:
    def subthr_dynamics(activation_in: np.ndarray) -> None:
        u, v, bias = model.u, model.v, model.bias_mant
        if not (
            are_alike(np.float64, u, v, activation_in, bias)
            and _is_number(model.du)
            and _is_number(model.dv)
        ):
            by_lava(activation_in)
            return
        flat = (each.reshape(-1) for each in (u, v, activation_in, bias))
        floating_point_dynamics(*flat, float(1 - model.du), float(1 - model.dv))

    return subthr_dynamics


def _fixed_dense(model: Any, by_lava: Callable[..., Any]) -> Callable[..., None]:
    rows, narrow = Stored(model, _rows_of), Stored(model, _narrow_rows_of)

    values, given = model.__dict__, model.proc_params.get  # Lava's own assignments take longer

    def run_spk() -> None:
        is_graded = model.num_message_bits.item() > 0
        kept = rows if is_graded else narrow
        if not model.weights_set or not kept.are_usable(np.int32):
            by_lava()
            return
        values["weight_exp"] = exponent = given("weight_exp", 0)
        model.a_out.send(model.a_buff)
        spikes = model.s_in.recv()
        if is_graded:
            if spikes.dtype != np.int32:
                total = model.weights.dot(spikes)
            else:
                total = np.empty(len(model.weights), dtype=np.int32)
                add_graded_columns(rows.made, np.ascontiguousarray(spikes), total)
        else:
            total = np.empty(len(model.weights), dtype=np.int32)
            add_columns(narrow.made, spikes.astype(bool), total)
            total = total.astype(np.int_)  # as of NumPy's sum
        values["a_buff"] = _shifted(total, exponent)

    return run_spk


def _shifted(total: np.ndarray, exponent: int) -> np.ndarray:
    if exponent == 0:
        return total
    return np.left_shift(total, exponent) if exponent > 0 else np.right_shift(total, -exponent)


def _float_dense(model: Any, by_lava: Callable[..., Any]) -> Callable[..., None]:
    rows = Stored(model, _rows_of)

    def run_spk() -> None:
        if model.num_message_bits.item() > 0 or not rows.are_usable(np.float64):
            by_lava()  # whose product BLAS computes
            return
        model.a_out.send(model.a_buff)
        spikes = model.s_in.recv().astype(bool)
        total = np.empty(len(model.weights))
        add_columns(rows.made, spikes, total)
        model.a_buff = total

    return run_spk


def _fixed_sparse(model: Any, by_lava: Callable[..., Any]) -> Callable[..., None]:
    columns = Stored(model, _columns_of)

    values, given = model.__dict__, model.proc_params.get  # Lava's own assignments take longer

    def run_spk() -> None:
        if not model.weights_set or not columns.are_usable(np.int32):
            by_lava()
            return
        values["weight_exp"] = exponent = given("weight_exp", 0)
        model.a_out.send(model.a_buff)
        spikes = model.s_in.recv()
        if model.num_message_bits.item() > 0:
            total = model.weights.dot(spikes)
        else:
            total = _column_total(columns.made, spikes.astype(bool))
        values["a_buff"] = _shifted(total, exponent)

    return run_spk


def _float_sparse(model: Any, by_lava: Callable[..., Any]) -> Callable[..., None]:
    columns = Stored(model, _fired_rows_of)

    def run_spk() -> None:
        if model.num_message_bits.item() > 0 or not columns.are_usable(np.float64):
            by_lava()
            return
        model.a_out.send(model.a_buff)
        model.a_buff = _row_sums(columns.made, model.s_in.recv().astype(bool))

    return run_spk


def _columns_of(weights: Any, dtype: Any) -> Any:
    """By columns."""
    fits = type(weights) is csr_matrix and weights.dtype == dtype
    return weights.tocsc() if fits and weights.has_canonical_format else None


def _rows_of(weights: Any, dtype: Any) -> Any:
    """With a row for each neuron that sends."""
    fits = type(weights) is np.ndarray and weights.ndim == 2 and weights.dtype == dtype
    # one row alone NumPy would add up in another order
    fits = fits and (len(weights) > 1 or dtype is np.int32)
    return np.ascontiguousarray(weights.T) if fits else None


def _narrow_rows_of(weights: Any, dtype: Any) -> Any:
    """The same in as few bytes as hold them, if sums of all fit into int32; else as they are."""
    rows = _rows_of(weights, dtype)
    if rows is None or not rows.size:
        return rows
    largest = max(int(rows.max()), -int(rows.min()))
    if largest * len(rows) >= 1 << 31:
        return None
    return rows.astype(np.int8 if largest < 128 else np.int16 if largest < 1 << 15 else np.int32)


def _fired_rows_of(weights: Any, dtype: Any) -> Any:
    """The same, and room for the numbers of each row of which SciPy takes the sum."""
    columns = _columns_of(weights, dtype)
    if columns is None:
        return None
    rows = weights.indptr[:-1].astype(np.int64)
    return columns, rows, np.empty(weights.nnz), np.empty(rows.size, np.int64)


def _row_sums(stored: Any, spikes: np.ndarray) -> np.ndarray:
    columns, rows, fired, counts = stored
    total = np.empty(rows.size)
    parts = (columns.indptr, columns.indices, columns.data, rows)
    add_fired_rows(*parts, spikes, fired, counts, total)
    return total


def _column_total(stored: Any, spikes: np.ndarray) -> np.ndarray:
    total = np.empty(stored.shape[0], np.int64)
    add_stored_columns(stored.indptr, stored.indices, stored.data, spikes, total)
    return total


def _kept_matrix(model: Any, by_lava: Callable[..., Any]) -> Callable[..., Any]:
    """The matrix of all delays, which Lava makes anew in every step."""
    kept: list[Any] = []
    when_set(model, kept.clear)

    def get_delay_wgts_mat(weights: Any, delays: Any, max_delay: int) -> Any:
        if not kept or kept[0] is not weights or kept[1] is not delays or kept[2] != max_delay:
            kept[:] = weights, delays, max_delay, by_lava(weights, delays, max_delay)
        return kept[3]

    return get_delay_wgts_mat


def _is_decay(value: Any) -> bool:
    """Whether the product with a state stays within 64 bits."""
    return isinstance(value, int | np.integer) and abs(int(value)) < 1 << 20


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float)


_REPLACED = (
    (AbstractPyLifModelFixed, "subthr_dynamics", _fixed_dynamics),
    (AbstractPyLifModelFixed, "scale_bias", _fixed_bias),
    (AbstractPyLifModelFloat, "subthr_dynamics", _float_dynamics),
    (PyDenseModelBitAcc, "run_spk", _fixed_dense),
    (PyDenseModelFloat, "run_spk", _float_dense),
    (PySparseModelBitAcc, "run_spk", _fixed_sparse),
    (PySparseModelFloat, "run_spk", _float_sparse),
    (PyDelayDenseModelBitAcc, "get_delay_wgts_mat", _kept_matrix),
    (PyDelayDenseModelFloat, "get_delay_wgts_mat", _kept_matrix),
    (PyDelaySparseModelBitAcc, "get_delay_wgts_mat", _kept_matrix),
    (PyDelaySparseModelFloat, "get_delay_wgts_mat", _kept_matrix),
    (PyDelayDenseModelBitAcc, "run_spk", fast_fixed_delays),
    (PyDelaySparseModelBitAcc, "run_spk", fast_fixed_delays),
    (PyDelayDenseModelFloat, "run_spk", fast_float_delays),
    (PyDelaySparseModelFloat, "run_spk", fast_float_delays),
    (PyConvModelFixed, "run_spk", fast_convolution),
    (PyConvModelFloat, "run_spk", fast_convolution),
)
_CONNECTIONS = (
    PyDenseModelBitAcc,
    PyDenseModelFloat,
    PySparseModelBitAcc,
    PySparseModelFloat,
    PyDelayDenseModelBitAcc,
    PyDelayDenseModelFloat,
    PyDelaySparseModelBitAcc,
    PyDelaySparseModelFloat,
    PyConvModelFixed,
    PyConvModelFloat,
)
