"""The one place that says how kernels are compiled."""

from __future__ import annotations

import functools
from typing import Any

import numba

# nogil lets threads run samples side by side; no fastmath (integers), no parallel
# (samples are split in Python, so results cannot depend on the number of threads).
kernel = functools.partial(numba.njit, cache=True, nogil=True)
inline = functools.partial(numba.njit, inline="never")


def python_body(compiled: Any) -> Any:
    """The uncompiled function, also when NUMBA_DISABLE_JIT=1 removed the wrapper."""
    return getattr(compiled, "py_func", compiled)
