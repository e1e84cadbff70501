"""HDF5 files read without trust in them: what is not known to be whole is read in a child process.

The HDF5 library loops for ever, or crashes, on some damaged files, and then neither a signal nor
an exception ends it. A program of its own with limits on time and memory does. It costs a quarter
of a second, so a file that :func:`seal` has closed with a checksum of its bytes is spared it: such
a file is as its writer left it, which is what the library reads well. (Who makes up a harmful
file can make up its checksum too; then the checks of the outline still hold, the limits do not.)
A seal that does not fit is damage, and refused at once.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from hw_models.errors import MissingFileError, NetworkFileError, SsdpError
from hw_models.hdf5_child import reading_child
from hw_models.hdf5_contents import StoredGroup, outline, read_numbers

SIGNATURE = b"\x89HDF\r\n\x1a\n"
SEAL = b"ssdp_neuro sha256"
SEAL_BYTES = len(SEAL) + hashlib.sha256().digest_size
LEAST_SEAL = 4  # bytes of a seal that are no chance


def seal(path: str | os.PathLike[str]) -> None:
    """Append the checksum of a file's bytes; HDF5 does not look behind its own end."""
    with Path(path).open("rb") as file:
        digest = _digest(file, os.fstat(file.fileno()).st_size)
    with Path(path).open("ab") as file:
        file.write(SEAL + digest)


def is_hdf5(path: str | os.PathLike[str]) -> bool:
    """Whether a file begins as HDF5 does; OSError if it cannot be opened."""
    with Path(path).open("rb") as file:
        return file.read(len(SIGNATURE)) == SIGNATURE


def read_hdf5(
    path: str | os.PathLike[str],
    what: str,
    check: Callable[[StoredGroup], None] = lambda root: None,
) -> StoredGroup:
    """Read a whole file.

    Parameters
    ----------
    path
        An HDF5 file.
    what
        Kind of file for messages, as "network file".
    check
        Called with the outline before any number is read; raises what it does not accept.

    Raises
    ------
    MissingFileError
        If there is no such file.
    NetworkFileError
        If it cannot be read, is damaged, or holds what :mod:`hw_models.hdf5_contents` refuses.
    SsdpError
        What ``check`` raises.
    """
    with _errors(path, what):
        if _is_sealed(path):
            return _read_here(path, check)
        with reading_child(path) as child:
            root = child.outline()
            check(root)
            child.read_numbers(root)
            return root


def read_outline(path: str | os.PathLike[str], what: str) -> StoredGroup:
    """Read all but the numbers of data sets; errors as :func:`read_hdf5`."""
    import h5py

    with _errors(path, what):
        if _is_sealed(path):
            with h5py.File(path, "r") as file:
                return outline(file)
        with reading_child(path) as child:
            return child.outline()


def reason_of(error: Exception) -> str:
    """The first line of what a library said."""
    text = (error.strerror if isinstance(error, OSError) else None) or str(error)
    return next(iter(text.splitlines()), type(error).__name__)


@contextlib.contextmanager
def _errors(path: str | os.PathLike[str], what: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise MissingFileError(f"{path}: no such file") from None
    except SsdpError as error:
        raise NetworkFileError(f"{path}: {error}") from None
    except Exception as error:  # h5py reports damage by errors of many kinds
        raise NetworkFileError(f"{path}: not a readable {what}: {reason_of(error)}") from None


def _is_sealed(path: str | os.PathLike[str]) -> bool:
    """Whether the file ends with the right checksum; a wrong one, or no HDF5, is an error."""
    with Path(path).open("rb") as file:
        if file.read(len(SIGNATURE)) != SIGNATURE:
            raise ValueError("it does not begin as an HDF5 file")
        size = os.fstat(file.fileno()).st_size - SEAL_BYTES
        if size < len(SIGNATURE):
            return False
        file.seek(size)
        end = file.read()
        if any(end.endswith(SEAL[:n]) for n in range(LEAST_SEAL, len(SEAL) + 1)):
            raise ValueError("its checksum is cut off")
        if SEAL not in end:
            return False
        file.seek(0)
        if not end.startswith(SEAL) or _digest(file, size) != end[len(SEAL) :]:
            raise ValueError("it is damaged, its bytes are not those of its checksum")
        return True


def _digest(file: Any, size: int) -> bytes:
    digest = hashlib.sha256()
    while size > 0 and (block := file.read(min(size, 2**20))):
        digest.update(block)
        size -= len(block)
    return digest.digest()


def _read_here(path: str | os.PathLike[str], check: Callable[[StoredGroup], None]) -> StoredGroup:
    import h5py

    with h5py.File(path, "r") as file:
        root = outline(file)
        check(root)
        for array in root.arrays():
            array.value = read_numbers(file, array)[()]
        return root
