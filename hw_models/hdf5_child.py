"""An HDF5 file read by a Python of its own, which has limits on time and memory.

The child sends messages, eight bytes of length and then JSON: first the outline, and after the
parent has said to go on, one before the bytes of every data set. Nothing is pickled.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np

from hw_models.errors import NetworkFileError, SsdpError
from hw_models.hdf5_contents import StoredArray, StoredGroup, outline, read_numbers

PROGRAM = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]);"
    " from hw_models.hdf5_child import answer; answer(sys.argv[2])"
)
THREAD_SWITCHES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
START_SECONDS = 60.0  # for imports, on a machine that is very busy
WORK_SECONDS = 2.0  # a hundred times what a small file takes
OUTLINE_SPEED, NUMBERS_SPEED = 1e6, 10e6  # bytes per second, several times slower than usual
MOST_MEMORY = 2**30  # bytes, beside those of the file and of its numbers
MOST_MESSAGE = 2**28  # bytes
LENGTH = struct.Struct("<Q")


class ReadingChild:
    """The parent's end."""

    def __init__(self, process: subprocess.Popen[bytes], file_bytes: int) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self.process, self.file_bytes = process, file_bytes
        self.stdin: IO[bytes] = process.stdin
        self.stdout: IO[bytes] = process.stdout
        self.late = False

    def outline(self) -> StoredGroup:
        """All but the numbers of data sets."""
        with self._limit(WORK_SECONDS + self.file_bytes / OUTLINE_SPEED):
            return _unpacked(self._message()["outline"], "/")

    def read_numbers(self, root: StoredGroup) -> None:
        """Read the numbers of an outline's data sets.

        Mutates
        -------
        root
        """
        arrays = list(root.arrays())
        with self._limit(WORK_SECONDS + sum(array.n_bytes for array in arrays) / NUMBERS_SPEED):
            self._write(b"\n")
            for array in arrays:
                numbers = np.empty(array.shape or (), dtype=array.dtype)
                self._message()
                self._fill(numbers.reshape(-1).view(np.uint8).data)
                array.value = numbers[()]

    @contextlib.contextmanager
    def _limit(self, seconds: float) -> Iterator[None]:
        """End the child if it takes longer; its own limit counts only the time it works."""
        timer = threading.Timer(START_SECONDS + 4 * seconds, self._end)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _end(self) -> None:
        self.late = True
        self.process.kill()

    def _message(self) -> dict[str, Any]:
        length = bytearray(LENGTH.size)
        self._fill(memoryview(length))
        (n_bytes,) = LENGTH.unpack(length)
        if n_bytes > MOST_MESSAGE:
            raise NetworkFileError(
                f"names and attributes of {n_bytes} bytes; at most {MOST_MESSAGE}"
            )
        text = bytearray(n_bytes)
        self._fill(memoryview(text))
        message: dict[str, Any] = json.loads(bytes(text))
        if "refused" in message:
            raise NetworkFileError(message["refused"])
        if "failed" in message:
            raise RuntimeError(message["failed"])
        return message

    def _write(self, data: bytes) -> None:
        with contextlib.suppress(BrokenPipeError):  # reading will say why
            self.stdin.write(data)
            self.stdin.flush()

    def _fill(self, target: memoryview) -> None:
        done = 0
        while done < len(target):
            count = self.stdout.readinto(target[done:])  # type: ignore[attr-defined]
            if not count:
                raise RuntimeError(self._last_words())
            done += count

    def _last_words(self) -> str:
        status = self.process.wait()
        limits = "" if os.name == "nt" else _signal_names().get(-status, "")
        if self.late or limits == "SIGXCPU":
            return "the HDF5 library did not come to an end with it and was stopped"
        return f"the HDF5 library failed ({limits or f'exit status {status}'})"


def _signal_names() -> dict[int, str]:
    import signal

    return {one.value: one.name for one in signal.Signals}


@contextlib.contextmanager
def reading_child(path: str | os.PathLike[str]) -> Iterator[ReadingChild]:
    """A child that reads a file, and ends with the block.

    It finds the modules that this program finds, and none in the working directory that this
    program would not.
    """
    places = json.dumps([str(Path(entry).absolute()) for entry in sys.path])
    process = subprocess.Popen(
        [sys.executable, "-I", "-W", "ignore", "-c", PROGRAM, places, str(Path(path).absolute())],
        env={**os.environ, **dict.fromkeys(THREAD_SWITCHES, "1")},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield ReadingChild(process, Path(path).stat().st_size)
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            with contextlib.suppress(OSError):
                pipe.close()  # type: ignore[union-attr]


def answer(path: str) -> None:
    """The child's end: outline, then numbers."""
    import h5py

    stdout = sys.stdout.buffer
    size = Path(path).stat().st_size
    _allow(WORK_SECONDS + size / OUTLINE_SPEED, MOST_MEMORY + size)
    try:
        with h5py.File(path, "r") as file:
            root = outline(file)
            _send(stdout, {"outline": _packed(root)})
            if not sys.stdin.buffer.read(1):
                return
            n_bytes = sum(array.n_bytes for array in root.arrays())
            _allow(WORK_SECONDS + n_bytes / NUMBERS_SPEED, MOST_MEMORY + size + 2 * n_bytes)
            for array in root.arrays():
                numbers = read_numbers(file, array)
                _send(stdout, {"array": array.path})
                stdout.write(numbers.reshape(-1).view(np.uint8).data)
            stdout.flush()
    except SsdpError as error:
        _send(stdout, {"refused": str(error)})
    except Exception as error:  # h5py reports damage by errors of many kinds
        lines = str(error).splitlines()
        _send(stdout, {"failed": lines[0] if lines else type(error).__name__})


def _allow(seconds: float, n_bytes: int) -> None:
    """Set how long this process may work from now on, and its memory, where the system can."""
    try:
        import resource
    except ImportError:  # Windows; the parent's clock remains
        return
    used = resource.getrusage(resource.RUSAGE_SELF)
    until = math.ceil(used.ru_utime + used.ru_stime + seconds)
    for limit, value in ((resource.RLIMIT_CPU, until), (resource.RLIMIT_AS, n_bytes)):
        _, highest = resource.getrlimit(limit)
        if highest != resource.RLIM_INFINITY:
            value = min(value, highest)
        with contextlib.suppress(ValueError, OSError):  # macOS does not limit memory
            resource.setrlimit(limit, (value, highest))


def _send(stdout: IO[bytes], message: dict[str, Any]) -> None:
    text = json.dumps(message).encode("ascii")
    stdout.write(LENGTH.pack(len(text)) + text)
    stdout.flush()


def _packed(group: StoredGroup) -> dict[str, Any]:
    return {
        "attributes": {name: _packed_value(value) for name, value in group.attributes.items()},
        "members": {
            name: _packed(member) if isinstance(member, StoredGroup) else _packed_array(member)
            for name, member in group.members.items()
        },
    }


def _packed_value(value: Any) -> Any:
    if isinstance(value, bytes):
        return {"bytes": value.decode("latin-1")}
    if isinstance(value, np.ndarray):
        return {
            "dtype": value.dtype.str,
            "shape": value.shape,
            "values": value.reshape(-1).tolist(),
        }
    return value


def _packed_array(array: StoredArray) -> dict[str, Any]:
    if array.dtype is not None:
        return {"shape": array.shape, "dtype": array.dtype.str}
    text = array.value
    return {
        "shape": array.shape,
        "text": text.reshape(-1).tolist() if isinstance(text, np.ndarray) else text,
    }


def _unpacked(packed: dict[str, Any], path: str) -> StoredGroup:
    members: dict[str, StoredGroup | StoredArray] = {}
    for name, member in packed["members"].items():
        place = f"{path.rstrip('/')}/{name}"
        members[name] = (
            _unpacked(member, place) if "members" in member else _unpacked_array(member, place)
        )
    attributes = {name: _unpacked_value(value) for name, value in packed["attributes"].items()}
    return StoredGroup(path, attributes, members)


def _unpacked_value(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if "bytes" in value:
        return value["bytes"].encode("latin-1")
    return np.array(value["values"], dtype=value["dtype"]).reshape(value["shape"])


def _unpacked_array(packed: dict[str, Any], path: str) -> StoredArray:
    shape = None if packed["shape"] is None else tuple(packed["shape"])
    if "dtype" in packed:
        dtype = np.dtype(packed["dtype"])
        empty = shape is not None and 0 in shape
        return StoredArray(path, shape, dtype, np.empty(shape, dtype) if empty else None)
    text = packed["text"]
    if isinstance(text, list):
        text = np.array(text, dtype=object).reshape(shape or (len(text),))
    return StoredArray(path, shape, None, text)
