"""Shares that remain after a step, on the chip's 12 bits."""

from __future__ import annotations

from typing import Any

import numpy as np

from hw_models.arithmetic import DECAY_UNITY


def current_decay(kept: Any) -> np.ndarray:
    """Nearest ``du`` for the current, int64: ``1 - (du + 1) / 4096`` remains.

    The chip's current always leaks: what remains is at most 4095/4096.

    Examples
    --------
    >>> current_decay([0.0, 0.5, 1.0]).tolist()
    [4095, 2047, 0]
    """
    decay = np.rint((1.0 - np.asarray(kept, dtype=np.float64)) * DECAY_UNITY) - 1
    return decay.clip(0, DECAY_UNITY - 1).astype(np.int64)


def voltage_decay(kept: Any) -> np.ndarray:
    """Nearest ``dv`` for the membrane potential, int64: ``1 - dv / 4096`` remains.

    The register ends at 4095: 1/4096 remains at least.

    Examples
    --------
    >>> voltage_decay([0.0, 0.5, 1.0]).tolist()
    [4095, 2048, 0]
    """
    decay = np.rint((1.0 - np.asarray(kept, dtype=np.float64)) * DECAY_UNITY)
    return decay.clip(0, DECAY_UNITY - 1).astype(np.int64)


def current_kept(decay: Any) -> np.ndarray:
    """Share of the current that remains with ``du``, float64."""
    return 1.0 - (np.asarray(decay) + 1) / DECAY_UNITY


def voltage_kept(decay: Any) -> np.ndarray:
    """Share of the membrane potential that remains with ``dv``, float64."""
    return 1.0 - np.asarray(decay) / DECAY_UNITY
