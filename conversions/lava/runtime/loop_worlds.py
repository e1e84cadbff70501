"""Lava's two number worlds: which models one compiled loop holds, and what it makes of weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from lava.proc.conv.models import PyConvModelFixed, PyConvModelFloat
from lava.proc.conv.utils import conv
from lava.proc.dense.models import (
    PyDelayDenseModelBitAcc,
    PyDelayDenseModelFloat,
    PyDenseModelBitAcc,
    PyDenseModelFloat,
)
from lava.proc.io.sink import PyReceiveModelFixed, PyReceiveModelFloat
from lava.proc.io.source import PySendModelFixed, PySendModelFloat
from lava.proc.lif.models import (
    PyLifModelBitAcc,
    PyLifModelFloat,
    PyLifRefractoryModelFloat,
    PyLifResetModelBitAcc,
    PyLifResetModelFloat,
    PyTernLifModelFixed,
    PyTernLifModelFloat,
)
from lava.proc.sdn.models import (
    PyDeltaModelFixed,
    PyDeltaModelFloat,
    PySigmaDeltaModelFixed,
    PySigmaDeltaModelFloat,
    PySigmaModelFixed,
    PySigmaModelFloat,
)
from lava.proc.sparse.models import (
    PyDelaySparseModelBitAcc,
    PyDelaySparseModelFloat,
    PySparseModelBitAcc,
    PySparseModelFloat,
)
from lava.utils.weightutils import clip_weights, determine_sign_mode, truncate_weights
from scipy.sparse import csr_matrix

from conversions.lava.runtime.fast_convolution import GEOMETRY, adds_in_order, conv_table
from conversions.lava.runtime.fast_delays import LARGEST_EXPONENT, delay_table
from hw_models.errors import ConversionError
from ssdp_neuro.engine.kernels.fixed_program import run_fixed_program
from ssdp_neuro.engine.kernels.float_program import run_float_program

LARGEST_KERNEL = 1 << 22  # sum of weights whose products with int32 are exact in float64
LARGEST_DELAY = 63


@dataclass(frozen=True)
class NumberWorld:
    """Models of one tag, and the types of their numbers.

    Parameters
    ----------
    neurons, delayed, plain, images, source, sink
        Classes of models.
    number, stored, message
        Types of numbers that are computed, of weights and data, and of messages.
    run
        The loop.
    weights
        ``weights(actor, is_graded)`` as :meth:`.LoopTables.add_connection` wants them.
    """

    neurons: tuple[type, ...]
    delayed: tuple[type, ...]
    plain: tuple[type, ...]
    images: type
    source: type
    sink: type
    number: Any
    stored: Any
    message: Any
    run: Callable[..., None]
    weights: Callable[..., Any]

    @property
    def connections(self) -> tuple[type, ...]:
        """Classes of models of connections."""
        return (*self.plain, self.images, *self.delayed)

    @property
    def is_fixed(self) -> bool:
        """Whether numbers are integers."""
        return self.message == np.int32


def scale_weights(model: Any) -> None:
    """What a fixed-point model does to its weights in its first step."""
    if not getattr(model, "weights_set", True):
        given = model.proc_params
        mode = given.get("sign_mode") or determine_sign_mode(model.weights)
        clipped = clip_weights(model.weights, mode, num_bits=8)
        model.weights = truncate_weights(clipped, mode, given.get("num_weight_bits", 8))
        model.weights_set = True


def exponent_of(actor: Any) -> int:
    """By which power of 2 a connection multiplies.

    Raises
    ------
    ConversionError
        If it is none that the loop holds.
    """
    exponent = actor.model.proc_params.get("weight_exp", 0)
    if not isinstance(exponent, int | np.integer) or abs(exponent) > LARGEST_EXPONENT:
        raise ConversionError(f"{actor.name}: weight_exp is {exponent!r}")
    return int(exponent)


@cache
def beyond_int32() -> tuple[int, int]:
    """What NumPy makes of float64 above and below int32, which differs between processors."""
    with np.errstate(invalid="ignore"):
        above, below = np.array([2.0**40, -(2.0**40)] * 8).astype(np.int32)[:2].tolist()
    return above, below


def by_numpy(model: Any, arrived: np.ndarray, is_graded: bool) -> np.ndarray:
    """What a connection in floating point gathers, added up by NumPy or SciPy as its model does."""
    if type(model) is PyConvModelFloat:
        image = arrived.reshape(model.s_in._shape)
        parts = [getattr(model, name) for name in GEOMETRY[:-1]]
        image = image if is_graded else image.astype(bool)
        return conv(image, model.weight, *parts, model.groups[0]).reshape(-1)
    if is_graded:
        return model.weights.dot(arrived)
    total = model.weights[:, arrived.astype(bool)].sum(axis=1)
    return total.A1 if isinstance(total, np.matrix) else total


def _float_weights(actor: Any, is_graded: bool) -> Any:
    """None of those that NumPy adds up in an order of its own, which then does it."""
    model, kind = actor.model, type(actor.model)
    if kind is PyConvModelFloat:
        return conv_table(model) if adds_in_order(is_graded) else None
    if kind in FLOATING_POINT.delayed:
        if is_graded and kind is PyDelaySparseModelFloat:
            raise ConversionError(f"{actor.name} multiplies by what arrives")
        found = delay_table(model, np.float64)
        if found is None:
            raise ConversionError(f"{actor.name}: delays that the loop does not hold")
        return found
    weights: Any = model.weights
    is_listed = type(weights) is csr_matrix
    if weights.dtype != np.float64 or not (is_listed or type(weights) is np.ndarray):
        raise ConversionError(f"{actor.name}: weights of {type(weights).__name__} {weights.dtype}")
    if is_graded:
        return None
    if is_listed:
        return weights.tocsc() if weights.has_canonical_format else None
    return np.ascontiguousarray(weights.T) if len(weights) > 1 else None


def _fixed_weights(actor: Any, is_graded: bool) -> Any:
    model, kind = actor.model, type(actor.model)
    found: Any = None
    if kind is PyConvModelFixed:
        found = conv_table(model) if model.weight.dtype == np.int32 else None
        if found is not None and np.abs(found.weights).sum() >= LARGEST_KERNEL:
            found = None
    elif kind in FIXED_POINT.delayed:
        if model.delays.max() <= LARGEST_DELAY:
            found = delay_table(model, np.int32)
    elif model.weights.dtype == np.int32:
        if type(model.weights) is csr_matrix and model.weights.has_canonical_format:
            found = model.weights.tocsc()
        elif type(model.weights) is np.ndarray:
            found = np.ascontiguousarray(model.weights.T)
    if found is None:
        raise ConversionError(f"{actor.name}: weights that the loop does not hold")
    return found


FLOATING_POINT = NumberWorld(
    (
        PyLifModelFloat,
        PyLifResetModelFloat,
        PyLifRefractoryModelFloat,
        PyTernLifModelFloat,
        PySigmaModelFloat,
        PyDeltaModelFloat,
        PySigmaDeltaModelFloat,
    ),
    (PyDelayDenseModelFloat, PyDelaySparseModelFloat),
    (PyDenseModelFloat, PySparseModelFloat),
    PyConvModelFloat,
    PySendModelFloat,
    PyReceiveModelFloat,
    np.float64,
    np.float64,
    np.float64,
    run_float_program,
    _float_weights,
)
FIXED_POINT = NumberWorld(
    (
        PyLifModelBitAcc,
        PyLifResetModelBitAcc,
        PyTernLifModelFixed,
        PySigmaModelFixed,
        PyDeltaModelFixed,
        PySigmaDeltaModelFixed,
    ),
    (PyDelayDenseModelBitAcc, PyDelaySparseModelBitAcc),
    (PyDenseModelBitAcc, PySparseModelBitAcc),
    PyConvModelFixed,
    PySendModelFixed,
    PyReceiveModelFixed,
    np.int64,
    np.int32,
    np.int32,
    run_fixed_program,
    _fixed_weights,
)
