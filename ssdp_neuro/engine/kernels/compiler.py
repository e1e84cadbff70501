"""The one place that says how kernels are compiled, and where the compiled code is kept.

Numba's own cache does not notice a change in another file that a kernel takes a helper
or a constant from, nor a changed NUMBA_ switch. So the cache folder is named by a digest
of every kernel source and of the switches: stale code cannot be found, only left unused.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numba

from ssdp_neuro.compile_notice import announce_compiling

KEPT_FOLDERS = 8
SOURCES = Path(__file__).parent


def cache_name() -> str:
    """Name of the cache folder for the sources and the NUMBA_ switches in force."""
    digest = hashlib.sha256(numba.__version__.encode())
    for path in sorted(SOURCES.glob("*.py")):
        digest.update(path.name.encode())
        digest.update(path.read_bytes())
    for switch in sorted(os.environ):
        if switch.startswith("NUMBA_"):
            digest.update(f"{switch}={os.environ[switch]}".encode())
    return "kernels-" + digest.hexdigest()[:16]


def cache_home() -> Path:
    """Folder of all kernel caches: NUMBA_CACHE_DIR if set, else the user's cache folder."""
    if "NUMBA_CACHE_DIR" in os.environ:
        return Path(os.environ["NUMBA_CACHE_DIR"]) / "ssdp_neuro"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "ssdp_neuro"
    if sys.platform == "win32" and "LOCALAPPDATA" in os.environ:
        return Path(os.environ["LOCALAPPDATA"]) / "ssdp_neuro"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ssdp_neuro"


def _open_cache() -> Path | None:
    """Make today's folder and drop the oldest of the others; None if nothing can be written."""
    try:
        folder = cache_home() / cache_name()
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK):
            return None
        os.utime(folder)
        others = sorted(folder.parent.glob("kernels-*"), key=lambda path: path.stat().st_mtime)
        for old in others[:-KEPT_FOLDERS]:
            shutil.rmtree(old, ignore_errors=True)
    except OSError:
        return None
    return folder


CACHE = _open_cache()
announce_compiling()


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


def part(function: Callable[..., Any]) -> Any:
    """A lean function compiled into each kernel that calls it.

    For functions that hand whole tables on: a real call would copy every array header.
    """
    return numba.njit(nogil=True, forceinline=True, _nrt=False)(function)


def _compiled(function: Callable[..., Any], **options: Any) -> Any:
    if CACHE is None:
        return numba.njit(nogil=True, **options)(function)
    with _cache_folder():
        return numba.njit(nogil=True, cache=True, **options)(function)


def python_body(compiled: Any) -> Any:
    """The uncompiled function, also when NUMBA_DISABLE_JIT=1 removed the wrapper."""
    return getattr(compiled, "py_func", compiled)
