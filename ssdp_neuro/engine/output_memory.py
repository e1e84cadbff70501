"""Memory for what runs write down, given out again once nobody reads what was in it.

The system clears the pages of new memory, which of crowded images took a tenth of a run.
"""

from __future__ import annotations

import threading
from typing import Any

import numpy as np

MOST_IDLE = 1 << 24  # entries that are kept for later runs, 64 MB
_LOCK = threading.Lock()
_IDLE: list[np.ndarray] = []


class _Lease:
    """What an array and all views of it hold on to; when they are gone, its memory is idle."""

    def __init__(self, memory: np.ndarray) -> None:
        self._memory = memory
        self.__array_interface__: dict[str, Any] = memory.__array_interface__

    def __del__(self) -> None:
        # not under the lock: this may run inside of taken(), where it is held
        if sum(idle.size for idle in tuple(_IDLE)) + self._memory.size <= MOST_IDLE:
            _IDLE.append(self._memory)


def taken(size: int) -> np.ndarray:
    """Int32 ``(n,)`` with at least ``size`` entries, of no particular values."""
    with _LOCK:
        fitting = [k for k, memory in enumerate(_IDLE) if size <= memory.size <= 4 * size]
        memory = _IDLE.pop(min(fitting, key=lambda k: _IDLE[k].size)) if fitting else None
    if memory is None:
        memory = np.empty(size, dtype=np.int32)
    return np.asarray(_Lease(memory))
