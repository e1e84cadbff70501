"""Kernels as object files: compiled by Numba once, then loaded by LLVM alone.

Numba takes most of a second to be imported and set up, as long as many a run. So the engine
names a kernel, and Numba is imported only if its object file is not in the cache. A kernel of
this kind takes five integers, the last one the address of a table, and gives one.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import importlib
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ssdp_neuro.compilation.cache import CACHE
from ssdp_neuro.engine.kernels.tables import Table

INTERPRETED = os.environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0")
PACKAGE = __name__.rpartition(".")[0]
_INTEGER = ctypes.c_int64
_PROTOTYPE = ctypes.CFUNCTYPE(  # as Numba calls: place of the result, of an error's description
    ctypes.c_int32, ctypes.POINTER(_INTEGER), ctypes.POINTER(ctypes.c_void_p), *[_INTEGER] * 5
)
_LOCK = threading.RLock()


class Kernel:
    """One compiled function, found when it is first needed.

    Parameters
    ----------
    name
        Its module in this package and its name, ``"network_run.run_network"``.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    @functools.cached_property
    def address(self) -> Any:
        """What other kernels call it by; the function itself where nothing is compiled."""
        if INTERPRETED:
            return _source_of(self.name)
        with _LOCK:
            return loaded(self.name)

    def __call__(self, index: int, step: int, low: int, high: int, table: Table) -> int:
        """Run it without the interpreter's lock; the meaning of the numbers is the kernel's."""
        if INTERPRETED:
            return int(self.address(index, step, low, high, handle_of(table)))
        result, error = _INTEGER(), ctypes.c_void_p()
        failed = self._call(result, error, index, step, low, high, handle_of(table))
        if failed:
            raise RuntimeError(f"kernel {self.name} failed with status {failed}")
        return result.value

    @functools.cached_property
    def _call(self) -> Any:
        return _PROTOTYPE(self.address)


def handle_of(table: Table) -> Any:
    """What kernels are given for a table, which must outlive the call."""
    return table if INTERPRETED else table.address


def handles_of(tables: Sequence[Table]) -> Any:
    """A column of a table: what kernels are given for tables, which must outlive the call."""
    listed = [handle_of(table) for table in tables]
    return np.array(listed, dtype=object if INTERPRETED else np.int64)


def _source_of(name: str) -> Any:
    module, _, function = name.partition(".")
    return getattr(importlib.import_module(f"{PACKAGE}.{module}"), function)


@functools.cache
def loaded(name: str) -> int:
    """Address of a kernel, whose code stays as long as the process."""
    file = None if CACHE is None else CACHE / f"{name}-{_processor()}.o"
    kept = None if file is None else _read(file)
    if kept is None:
        from ssdp_neuro.compilation.compiler import compiled_object

        kept = compiled_object(_source_of(name))
        if file is not None:
            _write(file, *kept)
    symbol, code = kept
    from llvmlite import binding

    engine = _engine()
    engine.add_object_file(binding.ObjectFileRef.from_data(code))
    engine.finalize_object()
    return int(engine.get_function_address(symbol))


@functools.cache
def _engine() -> Any:
    """LLVM's loader of object code, with no code of its own."""
    from llvmlite import binding

    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    machine = binding.Target.from_default_triple().create_target_machine(jit=True)
    return binding.create_mcjit_compiler(binding.parse_assembly(""), machine)


@functools.cache
def _processor() -> str:
    """A name for what the code was made for; a home folder may be shared by several."""
    from llvmlite import binding

    features = binding.get_host_cpu_features().flatten()
    name = f"{binding.get_default_triple()} {binding.get_host_cpu_name()} {features}"
    return hashlib.sha256(name.encode()).hexdigest()[:16]


def _read(file: Path) -> tuple[str, bytes] | None:
    """Symbol and object code; None if the file is missing or damaged."""
    try:
        digest, symbol, code = file.read_bytes().split(b"\n", 2)
    except (OSError, ValueError):
        return None
    if hashlib.sha256(symbol + code).hexdigest().encode() != digest:
        return None
    return symbol.decode(), code


def _write(file: Path, symbol: str, code: bytes) -> None:
    digest = hashlib.sha256(symbol.encode() + code).hexdigest()
    partial = file.with_name(f"{file.name}.{os.getpid()}")
    try:
        partial.write_bytes(b"\n".join((digest.encode(), symbol.encode(), code)))
        partial.replace(file)
    except OSError:  # no room, or a folder that is gone: the next run compiles again
        partial.unlink(missing_ok=True)
