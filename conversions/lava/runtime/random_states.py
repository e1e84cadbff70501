"""NumPy's global random numbers, of which every model has a copy of its own in Lava.

Lava runs each model in a process that begins as a copy of the program: what a model draws from
``np.random`` neither depends on other models nor changes what the program draws later.
"""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np

_GLOBAL = np.random.mtrand._rand  # whose functions np.random hands out
N_WORDS = 624  # of the generator's state; its position follows


class _Fingerprint:
    """A few words of the global generator's state, which change when it is used."""

    def __init__(self) -> None:
        generator = _GLOBAL._bit_generator
        self._words: Any = None
        if type(generator).__name__ == "MT19937":
            address = generator.ctypes.state_address
            self._words = (ctypes.c_uint32 * (N_WORDS + 1)).from_address(address)

    def __call__(self) -> tuple[int, ...]:
        words = self._words
        if words is None:  # a generator that the program has put in its place
            return (hash(str(_GLOBAL.get_state(legacy=False))),)
        return words[N_WORDS], words[0], words[1]


class RandomStates:
    """Gives the models of a program their own global random states."""

    def __init__(self) -> None:
        self._fingerprint = _Fingerprint()
        self._first = _GLOBAL.get_state()
        self._own: dict[int, Any] = {}
        self._before: tuple[int, ...] = ()
        self._outside: Any = None

    def open(self) -> None:
        """Keep the program's state while models run."""
        self._outside = _GLOBAL.get_state()
        _GLOBAL.set_state(self._first)

    def close(self) -> None:
        """Give it back."""
        _GLOBAL.set_state(self._outside)

    def enter(self, key: int) -> None:
        """A model goes on: with its own state, once it has used it."""
        if key in self._own:
            _GLOBAL.set_state(self._own[key])
        self._before = self._fingerprint()

    def leave(self, key: int) -> None:
        """A model stops or waits."""
        if self._fingerprint() != self._before or key in self._own:
            self._own[key] = _GLOBAL.get_state()
            _GLOBAL.set_state(self._first)
