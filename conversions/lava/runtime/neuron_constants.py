"""Constants of Lava's neuron models as compiled loops want them: one number for each neuron."""

from __future__ import annotations

from typing import Any

import numpy as np
from lava.proc.lif.models import (
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
from lava.proc.sdn.process import ActivationMode

from ssdp_neuro.engine.kernels.lava_models import UNITY
from ssdp_neuro.engine.kernels.lava_sigma_delta import DELTA, RECTIFIED, SIGMA, SIGMA_DELTA

TERNARY = (PyTernLifModelFixed, PyTernLifModelFloat)
RESETTING = (PyLifResetModelBitAcc, PyLifResetModelFloat)
SIGMA_DELTA_KINDS = {
    PySigmaModelFixed: SIGMA,
    PySigmaModelFloat: SIGMA,
    PyDeltaModelFixed: DELTA,
    PyDeltaModelFloat: DELTA,
    PySigmaDeltaModelFixed: SIGMA_DELTA,
    PySigmaDeltaModelFloat: SIGMA_DELTA,
}
STATES = {  # of the models above, in the order of the loops
    SIGMA: ("sigma",),
    DELTA: ("act", "residue", "error"),
    SIGMA_DELTA: ("sigma", "act", "residue", "error"),
}
ACTIVATIONS = {ActivationMode.UNIT: SIGMA_DELTA, ActivationMode.RELU: RECTIFIED}
LARGEST_DECAY = 1 << 20
LOWEST = -(1 << 62)  # a threshold that nothing is below


def fixed_constants(model: Any) -> tuple[np.ndarray, ...] | None:
    """Bias, what is kept of current and potential, lower and upper threshold, of LIF neurons.

    Scales bias and threshold as the model would in its next step. None if the loops do not hold
    them.
    """
    shape = model.u.shape
    if not (_is_whole(model.du) and _is_whole(model.dv)):
        return None
    model.scale_bias()
    if not model.isthrscaled:
        model.scale_threshold()
    bias = model.effective_bias
    if not are_alike(np.int32, bias, like=shape):
        return None
    high = model.effective_vth_hi if type(model) in TERNARY else model.effective_vth
    low = model.effective_vth_lo if type(model) in TERNARY else LOWEST
    keeps = (
        UNITY - (np.asarray(model.du, np.int64) + model.ds_offset),
        UNITY - (np.asarray(model.dv, np.int64) + model.dm_offset),
    )
    return _joined(bias, [filled(each, shape, np.int64) for each in (*keeps, low, high)])


def float_constants(model: Any) -> tuple[np.ndarray, ...] | None:
    """The same in floating point."""
    shape, bias = model.u.shape, model.bias_mant
    if not are_alike(np.float64, bias, like=shape):
        return None
    high = model.vth_hi if type(model) in TERNARY else model.vth
    low = model.vth_lo if type(model) in TERNARY else -np.inf
    rest = (1 - model.du, 1 - model.dv, low, high)
    return _joined(bias, [filled(each, shape, np.float64) for each in rest])


def sigma_delta_constants(model: Any, dtype: Any) -> tuple[Any, ...] | None:
    """Bias, threshold, kind, whether errors add up, shifts of what arrives and of what is sent."""
    kind = SIGMA_DELTA_KINDS[type(model)]
    shape = getattr(model, STATES[kind][0]).shape
    state = [getattr(model, name) for name in STATES[kind]]
    if not are_alike(dtype, *state):
        return None
    nothing = np.zeros(int(np.prod(shape)), dtype)
    if kind == SIGMA:
        return nothing, nothing, kind, False, 0, 0
    is_fixed = dtype == np.int32
    exponents = [np.asarray(each) for each in (model.spike_exp, model.state_exp)]
    if any(each.size != 1 for each in (*exponents, np.asarray(model.cum_error))):
        return None
    after = exponents[1].item() if is_fixed else 0
    before = exponents[0].item() + after if is_fixed and kind == DELTA else 0
    vth = filled(model.vth, shape, dtype)
    bias = filled(model.bias, shape, dtype) if kind == SIGMA_DELTA else nothing
    if kind == SIGMA_DELTA:
        kind = ACTIVATIONS.get(model.act_mode, -1)
    if vth is None or bias is None or kind < 0 or not (0 <= after <= 31 and 0 <= before <= 31):
        return None
    return bias, vth, kind, bool(np.asarray(model.cum_error).item()), before, after


def states_of(model: Any) -> tuple[str, ...]:
    """Vars of neurons that change as they run, beside the rest after a spike."""
    kind = SIGMA_DELTA_KINDS.get(type(model))
    return ("u", "v") if kind is None else STATES[kind]


def are_alike(dtype: Any, *arrays: Any, like: tuple[int, ...] | None = None) -> bool:
    """Whether arrays have the type and one shape, and lie in memory in order."""
    shape = like if like is not None else getattr(arrays[0], "shape", None)
    return all(
        type(each) is np.ndarray
        and each.dtype == dtype
        and each.shape == shape
        and each.flags.c_contiguous
        for each in arrays
    )


def _is_whole(value: Any) -> bool:
    """Whether a decay is of integers whose product with a state stays within 64 bits."""
    array = np.asarray(value)
    return array.dtype.kind in "iu" and bool((np.abs(array.astype(np.int64)) < LARGEST_DECAY).all())


def _joined(bias: np.ndarray, rest: list[np.ndarray | None]) -> tuple[np.ndarray, ...] | None:
    known = [each for each in rest if each is not None]
    return (bias.reshape(-1), *known) if len(known) == len(rest) else None


def filled(value: Any, shape: tuple[int, ...], dtype: Any) -> np.ndarray | None:
    """A number, or one for each neuron, as one for each neuron; None if it is neither."""
    array = np.asarray(value)
    if array.dtype.kind not in "iuf" or (array.dtype.kind == "f" and dtype != np.float64):
        return None
    try:
        return np.broadcast_to(array.astype(dtype), shape).reshape(-1).copy()
    except ValueError:
        return None
