"""Images to spikes: latency code and a rate code without chance."""

from __future__ import annotations

from typing import Any

import numpy as np

from hw_models import InputError
from hw_models.arrays import plain_array
from hw_models.integers import integer
from hw_models.random_bits import random_bits

PHASE_BITS = 16


def latency_code(
    images: Any, n_steps: int, *, window: int | None = None, darkest: float = 0.1
) -> np.ndarray:
    """One spike per pixel, the earlier the brighter.

    Parameters
    ----------
    images
        Brightness in 0..1, shape ``(B, ...)``.
    n_steps
        Steps of a sample.
    window
        Spikes fall into steps 0 (brightness 1) to ``window - 1`` (0); all steps if None.
    darkest
        Pixels below this brightness stay silent.

    Returns
    -------
    bool, shape (B, n_steps, ...)

    Raises
    ------
    InputError, RangeError
        If a brightness is not in 0..1, or the window does not fit.

    Examples
    --------
    >>> latency_code([[1.0, 0.5, 0.0]], 3)[0].astype(int).tolist()
    [[1, 0, 0], [0, 1, 0], [0, 0, 0]]
    """
    bright = _brightness("latency_code", images)
    n_steps = integer("latency_code.n_steps", n_steps, 1, 2**31 - 1)
    window = integer("latency_code.window", n_steps if window is None else window, 1, n_steps)
    step = np.rint((1.0 - bright) * (window - 1)).astype(np.int64)
    step = np.where(bright < max(darkest, np.finfo(float).tiny), -1, step)
    return np.moveaxis(step[..., None] == np.arange(n_steps), -1, 1)


def rate_code(images: Any, n_steps: int, *, seed: int = 0) -> np.ndarray:
    """Regular spike trains: brightness ``b`` fires in ``b`` of the steps, evenly spaced.

    Every pixel starts at its own phase, a pure function of (seed, pixel), so that equal
    brightness does not fire in chorus; nothing depends on the sample or on call order.

    Parameters
    ----------
    images
        Brightness in 0..1, shape ``(B, ...)``.
    n_steps
        Steps of a sample.
    seed
        Key of the phases.

    Returns
    -------
    bool, shape (B, n_steps, ...)

    Raises
    ------
    InputError
        If a brightness is not in 0..1.

    Examples
    --------
    >>> rate_code([[1.0, 0.5, 0.0]], 8).sum(axis=1).tolist()
    [[8, 4, 0]]
    """
    bright = _brightness("rate_code", images)
    n_steps = integer("rate_code.n_steps", n_steps, 1, 2**31 - 1)
    rate = np.rint(np.ldexp(bright, PHASE_BITS)).astype(np.int64)
    pixels = np.arange(bright[0].size).reshape(bright.shape[1:])
    phase = random_bits(seed, pixels).astype(np.int64) >> (32 - PHASE_BITS)
    steps = np.arange(n_steps).reshape(1, -1, *(1,) * (bright.ndim - 1))
    before = (phase + rate[:, None] * steps) >> PHASE_BITS
    after = (phase + rate[:, None] * (steps + 1)) >> PHASE_BITS
    return after > before


def _brightness(where: str, images: Any) -> np.ndarray:
    given = plain_array(where, images)
    if given.dtype.kind not in "biuf":
        raise InputError(f"{where}: images of dtype {given.dtype}; numbers are needed")
    with np.errstate(invalid="ignore"):  # of what is not a number, which is refused below
        bright = given.astype(np.float64)
    if bright.ndim < 2 or bright.size == 0:
        raise InputError(f"{where}: images of shape {bright.shape}; (B, ...) is needed")
    bad = ~((bright >= 0) & (bright <= 1))
    if bad.any():
        index = tuple(int(i) for i in np.argwhere(bad)[0])
        raise InputError(f"{where}: brightness {bright[index]} at index {index}; allowed 0..1")
    return bright
