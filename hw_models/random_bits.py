"""Counter-based random numbers: a pure function of a key, never of call order.

The same key gives the same 32 bits on every executor, whatever the number of threads,
the batch split or the backend. The mixer is the 32-bit finaliser of MurmurHash3
(a bijection with full avalanche), applied once per word of the key.
"""

from __future__ import annotations

from typing import Any

import numpy as np

MASK32 = 0xFFFFFFFF
GOLDEN = 0x9E3779B9
MIX_A = 0x85EBCA6B
MIX_B = 0xC2B2AE35


def _mix(word: Any) -> Any:
    word = word ^ (word >> np.uint64(16))
    word = (word * np.uint64(MIX_A)) & np.uint64(MASK32)
    word = word ^ (word >> np.uint64(13))
    word = (word * np.uint64(MIX_B)) & np.uint64(MASK32)
    return word ^ (word >> np.uint64(16))


def random_bits(*key: Any) -> Any:
    """32 uniform random bits for each key, for instance ``(seed, sample, post, pre)``.

    Parameters
    ----------
    key : integers or integer arrays that broadcast, each taken modulo 2**32

    Returns
    -------
    uint32, broadcast shape

    Examples
    --------
    >>> int(random_bits(1, 2, 3)) == int(random_bits(1, 2, np.array([3]))[0])
    True
    """
    state: Any = np.uint64(GOLDEN)
    for word in key:
        wide = np.asarray(word, dtype=np.int64).astype(np.uint64) & np.uint64(MASK32)
        state = _mix((state * np.uint64(5) + np.uint64(GOLDEN) + wide) & np.uint64(MASK32))
    return np.asarray(state).astype(np.uint32)[()]
