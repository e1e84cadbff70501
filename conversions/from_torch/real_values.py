"""Real values that a model is converted with, as :class:`BitPlanes` rounds them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from conversions.from_torch.reading import TimeAxis
from conversions.from_torch.tracing import INPUT
from conversions.quantization import Calibration
from conversions.real_network.bit_planes import BitPlanes
from hw_models import InputError, TypeMismatchError
from hw_models.integers import integer, shape_of


@dataclass(frozen=True, kw_only=True, eq=False)
class RealValues:
    """Values of calibration samples, on their levels.

    Parameters
    ----------
    planes
        With known bounds.
    values
        float64 ``(B, T, *shape)``; None without calibration data.
    static
        Whether each sample is the same in every step; None if that is not known.
    labels
        ``(B,)`` or None.
    notes
        What rounding did, for the report.
    """

    planes: BitPlanes
    values: np.ndarray | None = None
    static: bool | None = None
    labels: Any = None
    notes: tuple[str, ...] = ()

    @property
    def calibration(self) -> Calibration | None:
        """The same as spikes."""
        if self.values is None:
            return None
        return Calibration(spikes=self.planes.encode(self.values, name=INPUT), labels=self.labels)


def real_values(
    planes: Any,
    given: Any,
    *,
    labels: Any = None,
    input_shape: Any = None,
    n_steps: int | None = None,
    time_axis: TimeAxis | None = None,
) -> RealValues:
    """Round calibration values, which are images or change over time.

    Parameters
    ----------
    planes
        Levels to round to.
    given : real, shape (B, *input_shape) or (B, T, *input_shape)
        None for none.
    labels, input_shape, n_steps, time_axis
        As of :func:`conversions.from_torch`.

    Raises
    ------
    InputError
        If values have a wrong shape or are out of bounds, or bounds or steps are not known.
    """
    if not isinstance(planes, BitPlanes):
        raise TypeMismatchError(f"from_torch.real_input: {planes!r}; a BitPlanes is needed")
    if given is None:
        _ = planes.bounds
        return RealValues(planes=planes, static=True if time_axis is TimeAxis.STATIC else None)
    exact = np.asarray(given)
    if exact.dtype.kind not in "biuf" or not exact.size:
        raise InputError(
            f"calibration: values of shape {exact.shape} and dtype {exact.dtype}; real numbers"
            " (B, *input_shape) or (B, T, *input_shape) are needed"
        )
    static = _is_static(exact.shape, input_shape, time_axis)
    if not np.isfinite(exact).all():
        raise InputError("calibration: values that are not finite")
    planes = planes.fitted(exact)
    rounded = planes.rounded(exact)
    notes = (_note(planes, np.abs(rounded - exact)),)
    if static:
        if n_steps is None:
            raise InputError(
                f"n_steps: needed with values of shape {exact.shape}, the same in every step: how"
                " many steps the model repeats them"
            )
        steps = integer("from_torch.n_steps", n_steps, 2, 2**20)
        shape = (len(rounded), steps, *rounded.shape[1:])
        rounded = np.broadcast_to(rounded[:, None], shape)
    return RealValues(planes=planes, values=rounded, static=static, labels=labels, notes=notes)


def _is_static(shape: tuple[int, ...], given: Any, time_axis: TimeAxis | None) -> bool:
    if time_axis is TimeAxis.STATIC or (given is None and len(shape) == 2):
        return True
    if given is None:
        raise InputError(
            f"input_shape: needed with real values of shape {shape}, which may be one image for"
            " each sample or change over time"
        )
    one = shape_of("from_torch.input_shape", given)
    if one not in (shape[1:], shape[2:]):
        sizes = ", ".join(map(str, one))
        raise InputError(
            f"calibration: values of shape {shape}; (B, {sizes}) or (B, T, {sizes}) is needed"
        )
    return shape[1:] == one


def _note(planes: BitPlanes, errors: np.ndarray) -> str:
    low, high = planes.bounds
    first, *_, last = planes.names(INPUT) * 2
    return (
        f"{INPUT}: real values from {low:.6g} to {high:.6g} in {planes.bits} bits, by the inputs"
        f" {first} to {last}; on the calibration data rounding moves them by {errors.max():.2g} at"
        f" most and {errors.mean():.2g} on average, and the model is given the rounded ones, too."
    )
