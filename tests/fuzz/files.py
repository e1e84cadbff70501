"""Damaged and hostile files into every reader: a value, or an error of this distribution.

Anything else is a finding: another exception, a signal, a reader that takes too long or more
memory than it may. The file under way stays in ``CASE``, so a crash leaves it there.

``python -m tests.fuzz files --seconds 600`` runs this module alone.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hw_models import (
    SsdpError,
)
from tests.fuzz.file_formats import (
    BEATS,
    FORMATS,
    LABELS,
    NIR,
    SPIKES,
    archive,
    array,
    beside,
    good,
    packed,
    written,
)
from tests.fuzz.long_run import ROUND, run_for

CASE = Path(tempfile.gettempdir(), f"ssdp_neuro-fuzz-{os.getpid()}")
LONGEST_SECONDS = 100  # more than the HDF5 child's own limit
MOST_MEMORY = 2**31  # beyond what is in use when a round begins
INTERESTING = [0, 1, 2, 7, 8, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 2**31 - 1, 2**31, 2**32 - 1]
INTERESTING += [2**63 - 1, 2**63, 2**64 - 1]


class Case(NamedTuple):
    """A file for the readers of a format."""

    format: str
    data: bytes

    def __repr__(self) -> str:
        return f"{self.format}: {len(self.data)} bytes in {CASE}"


def places(length: int) -> st.SearchStrategy[int]:
    """Anywhere in so many bytes."""
    return st.integers(0, max(length - 1, 0))


@st.composite
def cases(draw: st.DrawFn, names: tuple[str, ...] = tuple(FORMATS)) -> Case:
    """Good files with one to four damages, packed again if the format is packed."""
    name = draw(st.sampled_from(names))
    data = bytearray(good(name))
    for _ in range(draw(st.integers(1, 4))):
        kind = draw(st.sampled_from(["byte", "number", "copy", "cut", "insert", "text"]))
        place = draw(places(len(data)))
        if kind == "byte":
            data[place : place + 1] = bytes([draw(st.integers(0, 255))])
        elif kind == "number":
            value = draw(st.sampled_from([*INTERESTING, len(data), place]))
            width = draw(st.sampled_from([1, 2, 4, 8]))
            order = draw(st.sampled_from(["little", "big"]))
            data[place : place + width] = (value % 2 ** (8 * width)).to_bytes(width, order)  # type: ignore[arg-type]
        elif kind == "copy":
            start, length = draw(places(len(data))), draw(st.sampled_from([1, 4, 8, 64]))
            data[place : place + length] = data[start : start + length]
        elif kind == "cut":
            del data[place : place + draw(st.sampled_from([1, 8, 64, len(data)]))]
        elif kind == "insert":
            data[place:place] = draw(st.binary(max_size=16))
        else:
            data[place : place + 1] = draw(st.sampled_from(TEXTS))
    return Case(name, FORMATS[name].wrap(bytes(data)))


TEXTS = [b"-1", b"9" * 400, b"1e400", b"nan", b"[" * 2000, b"{}", b'""', b"null", b"\n", b"=", b"0"]

DTYPES = ["?", "i1", "u1", ">i2", "i4", "i8", "u8", "f2", "f4", "f8", "U1", "S2"]
SHAPES = [(), (0,), (1,), (8,), (0, 4, 3), (8, 0), (8, 4, 0), (8, 4, 3), (8, 100), (1, 1, 1, 1)]
ARRAY_NAMES = {
    "npz": ["spikes", "images", "signals", "labels", "test", "groups", "classes", "other"],
    "heart beats": list(BEATS),
    "images": ["x", "y"],
}


@st.composite
def archives(draw: st.DrawFn) -> Case:
    """Whole archives of arrays that do not fit, or not each other."""
    name = draw(st.sampled_from(list(ARRAY_NAMES)))
    whole = {"npz": {"spikes": SPIKES, "labels": LABELS}, "heart beats": BEATS, "images": {}}
    arrays = dict(whole[name])
    for one in draw(st.lists(st.sampled_from(ARRAY_NAMES[name]), max_size=3)):
        shape, dtype = draw(st.sampled_from(SHAPES)), draw(st.sampled_from(DTYPES))
        fill = draw(st.sampled_from([0, 1, 2, 255, -1, 2**40]))
        with np.errstate(all="ignore"):
            arrays[one] = np.full(shape, fill).astype(dtype)
    return Case(name, archive(**arrays))


def corpus() -> Iterator[Case]:
    """Files that once made a reader crash, hang, or read elsewhere."""
    for text in (
        f"[training]\nepochs = {'9' * 400}",
        f"[model]\nhidden = {'[' * 20000}",
        "[training]\nthreads = 100000",
        "data = 3",
        "[[data]]\nn_steps = 3",
    ):
        yield Case("toml", text.encode())
    for data in (packed("readme.txt", b"x"), packed("spikes.npy", b""), b"PK\5\6" + bytes(18)):
        yield Case("npz", data)
    whole = packed("spikes.npy", array(SPIKES))
    entry = whole.index(b"PK\1\2")
    for place, value in ((8, 1), (10, 97), (10, 12)):  # encrypted, unknown, cut off
        yield Case("npz", whole[: entry + place] + bytes([value]) + whole[entry + place + 1 :])
    yield Case("npz", archive(images=np.zeros((8, 0, 0), np.uint8), labels=LABELS))
    yield Case("npz", archive(images=np.zeros((0, 4, 4), np.uint8), labels=LABELS[:0]))
    yield Case("npz", archive(spikes=SPIKES[:0], labels=LABELS[:0]))
    yield Case("npz", beside(labels=LABELS)(array((SPIKES * np.uint8(255)).view(bool))))
    yield Case("heart beats", archive(**{**BEATS, "beat": BEATS["beat"][:, :0]}))
    yield Case("heart beats", archive(**{name: values[:0] for name, values in BEATS.items()}))
    for name, place in (("network", "projections/0/weights"), ("netx", "layer/1/weight")):
        for change in (sparse, elsewhere, linked, virtual):
            yield Case(name, changed(good(name), place, change))
    for change in (elsewhere, linked, virtual):
        yield Case("nir", changed(good("nir"), "node/nodes/0/weight", change))


def changed(data: bytes, place: str, change: Callable[[Any, str], None]) -> bytes:
    """An HDF5 file with another data set at ``place``."""

    def write(path: Path) -> None:
        path.write_bytes(data)
        with h5py.File(path, "r+") as file:
            del file[place]
            change(file, place)

    return written(write)


def sparse(file: Any, place: str) -> None:
    """Claims 4.9 GB, holds nothing."""
    file.create_dataset(place, (70000, 70000), "i1", chunks=(1000, 1000))


def elsewhere(file: Any, place: str) -> None:
    """Data in another file."""
    storage = [("/proc/self/maps", 0, h5py.h5f.UNLIMITED)]
    file.create_dataset(place, (4, 12), "i1", external=storage)


def linked(file: Any, place: str) -> None:
    """A link to another file."""
    file[place] = h5py.ExternalLink(str(NIR), "node/nodes/0/weight")


def virtual(file: Any, place: str) -> None:
    """A data set made of another file's."""
    layout = h5py.VirtualLayout((32, 64), "f4")
    layout[:] = h5py.VirtualSource(str(NIR), "node/nodes/0/weight", (32, 64))
    file.create_virtual_dataset(place, layout)


def try_case(case: Case) -> bool:
    """Give a file to its readers; whether any of them took it. Raises for a finding."""
    path = CASE.with_name(CASE.name + FORMATS[case.format].ending)
    path.write_bytes(case.data)
    taken = False
    faulthandler.dump_traceback_later(LONGEST_SECONDS, exit=True)
    try:
        for read in FORMATS[case.format].readers:
            with warnings.catch_warnings(), contextlib.suppress(SsdpError):
                warnings.simplefilter("error")
                read(path)
                taken = True
    finally:
        faulthandler.cancel_dump_traceback_later()
    path.unlink()
    return taken


@contextlib.contextmanager
def limited_memory() -> Iterator[None]:
    """Let what is inside have only so much more memory."""
    import resource

    pages = int(Path("/proc/self/statm").read_text().split()[0])
    before = resource.getrlimit(resource.RLIMIT_AS)
    limit = pages * resource.getpagesize() + MOST_MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (limit, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


@ROUND
@given(case=st.one_of(cases(), archives()))
def check(case: Case) -> None:
    """One case; Hypothesis finds the smallest that fails."""
    try_case(case)


def run(seconds: float, seed: int) -> None:
    """The corpus, then new cases until the time is over; raises on the first finding."""
    with limited_memory():
        for case in corpus():
            assert not try_case(case) or case.format == "npz", f"{case!r} was taken"
        run_for(check, seconds, seed)
