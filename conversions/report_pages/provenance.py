"""Of what a report was made, and by which versions."""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
from importlib import metadata
from pathlib import Path

PACKAGES = ("ssdp-neuro", "torch", "numpy", "numba")


def versions(*, with_lava: bool = False) -> str:
    """Of Python and of the packages that computed."""
    names = [*PACKAGES, *(["lava-nc"] if with_lava else [])]
    found = [f"Python {platform.python_version()}"]
    for name in names:
        with contextlib.suppress(metadata.PackageNotFoundError):  # Lava may be elsewhere
            found.append(f"{name} {metadata.version(name)}")
    return ", ".join(found)


def digest_of(path: str | os.PathLike[str]) -> str:
    """SHA-256 of a file, hexadecimal."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()
