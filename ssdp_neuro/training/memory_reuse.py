"""Keep freed memory for the next training step, instead of giving it back after each."""

from __future__ import annotations

import ctypes
import sys

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # of malloc.h
NEVER = 2**31 - 1


def reuse_memory() -> bool:
    """Let this process's large arrays live in memory that is not given back between steps.

    The GNU C library maps every array beyond 32 MiB anew and unmaps it when it is freed, so
    that each training step pays for zeroed pages: with a batch of whole samples up to a
    third of its time. This changes the policy for the whole process, for good; the memory in
    use then stays at the highest that was needed. :func:`ssdp_neuro.training.fit` calls it.

    Returns
    -------
    bool
        Whether it took effect: only on Linux with the GNU C library, which has such a choice.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # another C library
        return False
    return bool(mallopt(M_MMAP_MAX, 0) and mallopt(M_TRIM_THRESHOLD, NEVER))
