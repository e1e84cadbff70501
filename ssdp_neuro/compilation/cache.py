"""Where compiled code is kept.

Numba's own cache does not notice a change in another file that a kernel takes a helper
or a constant from, nor a changed NUMBA_ switch. So the cache folder is named by a digest
of every kernel source and of the switches: stale code cannot be found, only left unused.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import shutil
import sys
from pathlib import Path

KEPT_FOLDERS = 8
PACKAGE = Path(__file__).parents[1]


def cache_name() -> str:
    """Name of the cache folder for the sources and the NUMBA_ switches in force."""
    digest = hashlib.sha256()
    for package in ("numba", "llvmlite"):
        digest.update(importlib.metadata.version(package).encode())
    sources = [*PACKAGE.rglob("kernels/*.py"), *Path(__file__).parent.glob("*.py")]
    for path in sorted(sources):
        digest.update(path.relative_to(PACKAGE).as_posix().encode())
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
