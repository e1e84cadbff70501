"""Damaged and hostile files into every reader: a value, or an error of this distribution.

Anything else is a finding: another exception, a signal, a reader that takes too long or more
memory than it may. The file under way stays in ``CASE``, so a crash leaves it there.

``python -m tests.fuzz files --seconds 600`` runs this module alone.
"""

from __future__ import annotations

import contextlib
import faulthandler
import functools
import gzip
import io
import json
import os
import struct
import tempfile
import warnings
import wave
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save as tensors_to_bytes

from conversions import from_netx, to_netx
from conversions.cli.calibration_file import read_calibration
from conversions.cli.spike_file import load_spikes
from conversions.nir import SNNTORCH, SpikeReset, nir_to_real
from hw_models import (
    ConvProjection,
    DaSsdpParams,
    DenseProjection,
    FixedPointNetwork,
    InputPopulation,
    LifPopulation,
    SparseProjection,
    SpikeCode,
    SsdpError,
    load,
    load_code,
    save,
)
from hw_models.hdf5_file import SEAL_BYTES
from ssdp_neuro import Session, SessionState
from ssdp_neuro.data import DataSettings, few_of_each, to_arrays
from ssdp_neuro.data import load as load_data
from ssdp_neuro.data.formats.event_recordings import read_recordings
from ssdp_neuro.data.formats.idx_file import read_idx
from ssdp_neuro.data.formats.wave_file import decode_wave
from ssdp_neuro.data.sets.cifar10 import read_batch
from ssdp_neuro.training import CubaLif, SpikingNetwork, load_model, save_model
from ssdp_neuro.training.run.config import read_config
from ssdp_neuro.training.run.model_file import read_model
from tests.fuzz.long_run import ROUND, run_for

CASE = Path(tempfile.gettempdir(), f"ssdp_neuro-fuzz-{os.getpid()}")
LONGEST_SECONDS = 100  # more than the HDF5 child's own limit
MOST_MEMORY = 2**31  # beyond what is in use when a round begins
NIR = Path(__file__).parents[1] / "conversions/nir/written/snntorch_dense.nir"
INTERESTING = [0, 1, 2, 7, 8, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 2**31 - 1, 2**31, 2**32 - 1]
INTERESTING += [2**63 - 1, 2**63, 2**64 - 1]


class Format(NamedTuple):
    """A kind of file: a good one, how damage is packed, and who reads it."""

    good: Callable[[], bytes]
    readers: tuple[Callable[[Path], Any], ...]
    wrap: Callable[[bytes], bytes] = bytes
    ending: str = ""


class Case(NamedTuple):
    """A file for the readers of a format."""

    format: str
    data: bytes

    def __repr__(self) -> str:
        return f"{self.format}: {len(self.data)} bytes in {CASE}"


def network() -> FixedPointNetwork:
    """One of each record, small."""
    weights = np.arange(48).reshape(4, 12) - 20
    rule = DaSsdpParams(
        latency_bits=3,
        silent_latency=5,
        kernel=[3, 2, 1, 0, 0, 0, 0, 0],
        potentiation=5,
        depression=1,
        shift=4,
    )
    cells = {"current_decay": 1, "voltage_decay": 2, "threshold": 3}
    return FixedPointNetwork(
        populations=[
            InputPopulation(name="in", shape=(3, 2, 2)),
            LifPopulation(name="a", shape=(4,), **{**cells, "threshold": [1, 2, 3, 4]}),
            LifPopulation(name="b", shape=(1, 2, 2), **cells),
        ],
        projections=[
            DenseProjection(source="in", target="a", weights=weights, plasticity=rule),
            SparseProjection(source="a", target="a", pre=[0], post=[1], weights=[9], delays=[3]),
            ConvProjection(source="in", target="b", weights=np.ones((1, 3, 1, 1), dtype=int)),
        ],
    )


def written(write: Callable[[Path], Any], ending: str = "") -> bytes:
    """The bytes that a writer writes to a path."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"good{ending}")
        write(path)
        return path.read_bytes()


def netx_file() -> bytes:
    """A chain of two layers."""
    cells = {"current_decay": 1, "voltage_decay": 2, "threshold": 64}
    chain = FixedPointNetwork(
        populations=[
            InputPopulation(name="in", shape=(3,)),
            LifPopulation(name="out", shape=(2,), **cells),
        ],
        projections=[DenseProjection(source="in", target="out", weights=[[2, 4, 6], [8, 2, -4]])],
    )
    return written(lambda path: to_netx(chain, path), ".net")


def archive(**arrays: Any) -> bytes:
    """An ``.npz``."""
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def array(values: Any) -> bytes:
    """An ``.npy``."""
    buffer = io.BytesIO()
    np.save(buffer, values)
    return buffer.getvalue()


def packed(name: str, data: bytes) -> bytes:
    """A zip file of one file, whose checksum is right."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as opened:
        opened.writestr(name, data)
    return buffer.getvalue()


def beside(**others: Any) -> Callable[[bytes], bytes]:
    """An ``.npz`` of whole arrays and one member of any bytes, ``spikes``."""

    def wrap(data: bytes) -> bytes:
        buffer = io.BytesIO(archive(**others))
        with zipfile.ZipFile(buffer, "a") as opened:
            opened.writestr("spikes.npy", data)
        return buffer.getvalue()

    return wrap


def sound() -> bytes:
    """A wave file."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as opened:
        opened.setparams((1, 2, 8000, 0, "NONE", ""))
        opened.writeframes(np.arange(64, dtype="<i2").tobytes())
    return buffer.getvalue()


def model() -> SpikingNetwork:
    """Two layers."""
    torch.manual_seed(0)
    layers = OrderedDict(
        {"to_out": torch.nn.Linear(3, 2), "out": CubaLif(current_decay=0, voltage_decay=128)}
    )
    return SpikingNetwork(layers, input_shape=(3,))


def metadata_of(data: bytes) -> dict[str, str]:
    """The metadata of a safetensors file."""
    end = 8 + int.from_bytes(data[:8], "little")
    return dict(json.loads(data[8:end])["__metadata__"])


def described(text: str) -> bytes:
    """A safetensors file of the good model's tensors, with another description of its layers."""
    metadata = {**metadata_of(good("model")), "model": text}
    return tensors_to_bytes(dict(model().state_dict()), metadata)


def session() -> Session:
    """One that has lived, and is in a sample."""
    lived = Session(network())
    lived.begin_sample()
    lived.run(np.ones((3, 12), dtype=bool), 3)
    return lived


def session_goes_on(path: Path) -> None:
    """A state in place of another; what compiled code then believes must be true."""
    lived = session()
    lived.restore(SessionState.load(path))
    lived.step([3])
    if lived.is_in_sample:
        lived.end_sample()


def data_set(name: str, **settings: Any) -> Callable[[Path], Any]:
    """The reader of a data set, as a command calls it."""

    def read(path: Path) -> None:
        wish = DataSettings(name=name, folder=str(path), **{"n_steps": 4, **settings})
        split = load_data(wish)
        for part in split.parts:
            part.spikes(range(min(len(part), 4)))

    return read


def labelled_spikes(path: Path) -> None:
    """What ``ssdp-neuro learn`` reads."""
    split = load_data(DataSettings(name="npz", folder=str(path), n_steps=4, validation=0))
    for part in (split.train, split.test):
        to_arrays(few_of_each(part, 2))


SPIKES = np.arange(8 * 4 * 3).reshape(8, 4, 3) % 5 == 0
LABELS = np.arange(8) % 2
CODE = SpikeCode(n_steps=4, encoding="rate", parameters={"max_rate": 0.5}, class_names=("a", "b"))
HEADER = {8: bytes([0, 0, 8, 3]) + struct.pack(">3I", 2, 3, 2) + bytes(12)}
TOML = b"""
[data]
name = "digits"
n_steps = 8
classes = ["1", "2"]
[model]
hidden = [8, 8]
threshold = 1.5
[training]
epochs = 1
threads = 2
[rule]
kind = "da-ssdp"
"""
BEATS = {
    "beat": np.arange(8 * 100, dtype=np.int16).reshape(8, 100),
    "label": LABELS,
    "record": np.arange(8),
    "split": 1 + LABELS,
    "rr_prev": np.arange(8) + 100,
    "sample": np.arange(8) * 100,
}
ARRAY_READERS = (
    data_set("npz"),
    labelled_spikes,
    read_calibration,
    lambda path: load_spikes(path, network()),
)

FORMATS: dict[str, Format] = {
    "network": Format(
        lambda: written(lambda path: save(network(), path, code=CODE))[:-SEAL_BYTES],
        (load, load_code),
        ending=".h5",
    ),
    "sealed network": Format(
        lambda: written(lambda path: save(network(), path, code=CODE)), (load, load_code)
    ),
    "session": Format(
        lambda: written(lambda path: session().state().save(path))[:-SEAL_BYTES],
        (session_goes_on,),
        ending=".h5",
    ),
    "netx": Format(netx_file, (from_netx,), ending=".net"),
    "nir": Format(
        NIR.read_bytes,
        (
            lambda path: nir_to_real(
                path, discretization=SNNTORCH, reset=SpikeReset.DELAYED_SUBTRACT
            ),
        ),
    ),
    "npz": Format(lambda: archive(spikes=SPIKES, labels=LABELS), ARRAY_READERS, ending=".npz"),
    "npz member": Format(
        lambda: array(SPIKES), ARRAY_READERS, wrap=beside(labels=LABELS), ending=".npz"
    ),
    "npy": Format(lambda: array(SPIKES), (lambda path: load_spikes(path, network()),)),
    "heart beats": Format(lambda: archive(**BEATS), (data_set("mit-bih"),), ending=".npz"),
    "images": Format(
        lambda: archive(x=np.zeros((8, 8, 8, 3), np.uint8), y=LABELS),
        (data_set("cifar10"),),
        ending=".npz",
    ),
    "image batch": Format(lambda: bytes([3]) + bytes(3072), (read_batch,)),
    "idx": Format(lambda: HEADER[8], (read_idx,)),
    "idx.gz": Format(lambda: HEADER[8], (read_idx,), wrap=gzip.compress),
    "damaged gz": Format(lambda: gzip.compress(HEADER[8]), (read_idx,)),
    "wave": Format(sound, (lambda path: decode_wave(path.read_bytes(), str(path)),)),
    "recordings": Format(
        lambda: packed("Train/3/1.bin", bytes([9, 9, 0, 0, 9] * 3)),
        (lambda path: list(read_recordings(path, "train")),),
        ending=".zip",
    ),
    "recording": Format(
        lambda: bytes([9, 9, 0, 0, 9] * 3),
        (lambda path: list(read_recordings(path, "train")),),
        wrap=lambda data: packed("Train/3/1.bin", data),
        ending=".zip",
    ),
    "toml": Format(lambda: TOML, (read_config,)),
    "model description": Format(
        lambda: metadata_of(good("model"))["model"].encode(),
        (load_model, lambda path: read_model(model(), path)),
        wrap=lambda text: described(text.decode("utf-8", "replace")),
    ),
    "model": Format(
        lambda: written(lambda path: save_model(model(), path)),
        (load_model, lambda path: read_model(model(), path)),
    ),
}


@functools.cache
def good(name: str) -> bytes:
    """A good file of a format, before it is wrapped."""
    return FORMATS[name].good()


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
