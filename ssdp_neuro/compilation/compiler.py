"""The one place that says how kernels are compiled."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import numba

from ssdp_neuro.compilation.cache import CACHE
from ssdp_neuro.compile_notice import announce_compiling

announce_compiling()

_NO_WRAPPERS = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}


@contextlib.contextmanager
def _cache_folder() -> Iterator[None]:
    """Numba reads the folder when a function is decorated, and only then."""
    before = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = str(CACHE)
    try:
        yield
    finally:
        numba.config.CACHE_DIR = before


def kernel(function: Callable[..., Any]) -> Any:
    """Compile on first use, keep the result on disk, run without the interpreter's lock.

    No fastmath (integers do not need it) and no parallel loops: samples are split
    between threads in Python, so results cannot depend on the number of threads.
    """
    return _compiled(function)


def lean_kernel(function: Callable[..., Any]) -> Any:
    """The same without reference counts: must not allocate, may slice and call lean kernels.

    Counting references to every slice costs more than a step of 1000 neurons.
    """
    return _compiled(function, _nrt=False)


def lean_real_kernel(function: Callable[..., Any]) -> Any:
    """A lean kernel of real numbers: what is divided by zero is infinite, as in NumPy.

    Without a check of every division, loops with one become vectors.
    """
    return _compiled(function, _nrt=False, error_model="numpy")


def inner_kernel(function: Callable[..., Any]) -> Any:
    """A lean kernel that only kernels call: made without the wrappers for calls from Python.

    Those take as long to compile as many a kernel, and are compiled again in each that calls it.
    """
    return _compiled(function, _nrt=False, **_NO_WRAPPERS)


def part(function: Callable[..., Any]) -> Any:
    """A lean function that is written into each kernel that calls it; no call is left.

    So it is compiled once with its kernel, not on its own before, and once more in each
    function between.
    """
    return numba.njit(nogil=True, inline="always", _nrt=False)(function)


STEP = numba.int64(*[numba.int64] * 5)


def step_kernel(function: Callable[..., Any]) -> Any:
    """A lean kernel of signature STEP, for :class:`.native.Kernel`."""
    return numba.njit(nogil=True, _nrt=False, **_NO_WRAPPERS)(function)


def compiled_object(step: Any) -> tuple[str, bytes]:
    """Symbol and object code of a step kernel."""
    step.compile(STEP)
    made = step.overloads[STEP.args]
    _, _, (code, _) = made.library.serialize_using_object_code()
    return made.fndesc.llvm_func_name, code


def _compiled(function: Callable[..., Any], **options: Any) -> Any:
    if CACHE is None:
        return numba.njit(nogil=True, **options)(function)
    with _cache_folder():
        return numba.njit(nogil=True, cache=True, **options)(function)


def python_body(compiled: Any) -> Any:
    """The uncompiled function, also when NUMBA_DISABLE_JIT=1 removed the wrapper."""
    return getattr(compiled, "py_func", compiled)
