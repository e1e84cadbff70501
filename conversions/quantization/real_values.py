"""Real values that a network is converted with, as :class:`BitPlanes` rounds them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from conversions.quantization.calibration import Calibration
from conversions.real_network.bit_planes import BitPlanes
from hw_models import InputError, TypeMismatchError
from hw_models.integers import integer, shape_of
from hw_models.records import short_repr


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

    __repr__ = short_repr

    @property
    def calibration(self) -> Calibration | None:
        """The same as spikes."""
        if self.values is None:
            return None
        return Calibration(spikes=self.planes.encode(self.values), labels=self.labels)


def real_values(
    planes: Any,
    given: Any,
    *,
    name: str,
    input_shape: Any = None,
    n_steps: int | None = None,
    static: bool | None = None,
) -> RealValues:
    """Round calibration values, which are images or change over time.

    Parameters
    ----------
    planes
        Levels to round to.
    given
        Real values ``(B, *input_shape)`` or ``(B, T, *input_shape)``, a pair of these and
        labels ``(B,)``, or None.
    name
        Of the input.
    input_shape, n_steps
        Of one step, and steps of values that are the same in each.
    static
        Whether they are; None if the shapes show it.

    Raises
    ------
    InputError
        If values have a wrong shape or are out of bounds, or bounds or steps are not known.
    """
    if not isinstance(planes, BitPlanes):
        raise TypeMismatchError(f"real_input: {planes!r}; a BitPlanes is needed")
    planes = replace(planes, name=name)
    if given is None:
        _ = planes.bounds
        return RealValues(planes=planes, static=static)
    if isinstance(given, Calibration):
        raise InputError(
            "calibration: a Calibration holds spikes; with real_input, values are needed or a pair"
            " of these and labels"
        )
    values, labels = given if isinstance(given, tuple) else (given, None)
    exact = np.asarray(values)
    if exact.dtype.kind not in "biuf" or not exact.size:
        raise InputError(
            f"calibration: values of shape {exact.shape} and dtype {exact.dtype}; real numbers"
            " (B, *input_shape) or (B, T, *input_shape) are needed"
        )
    static = static or _is_static(exact.shape, input_shape)
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
        steps = integer("n_steps", n_steps, 1, 2**20)
        shape = (len(rounded), steps, *rounded.shape[1:])
        rounded = np.broadcast_to(rounded[:, None], shape)
    elif n_steps not in (None, exact.shape[1]):
        raise InputError(f"n_steps: {n_steps}; the calibration data have {exact.shape[1]}")
    return RealValues(planes=planes, values=rounded, static=static, labels=labels, notes=notes)


def _is_static(shape: tuple[int, ...], given: Any) -> bool:
    if given is None and len(shape) == 2:
        return True
    if given is None:
        raise InputError(
            f"input_shape: needed with real values of shape {shape}, which may be one image for"
            " each sample or change over time"
        )
    one = shape_of("input_shape", given)
    if one not in (shape[1:], shape[2:]):
        sizes = ", ".join(map(str, one))
        raise InputError(
            f"calibration: values of shape {shape}; (B, {sizes}) or (B, T, {sizes}) is needed"
        )
    return shape[1:] == one


def _note(planes: BitPlanes, errors: np.ndarray) -> str:
    low, high = planes.bounds
    first, *_, last = planes.names * 2
    return (
        f"{planes.name}: real values from {low:.6g} to {high:.6g} in {planes.bits} bits, by the"
        f" inputs {first} to {last}; on the calibration data rounding moves them by"
        f" {errors.max():.2g} at most and {errors.mean():.2g} on average. All that is compared is"
        " compared on the rounded ones."
    )
