"""Formats of files: a good one of each, and every reader that takes it."""

from __future__ import annotations

import functools
import gzip
import io
import json
import struct
import tempfile
import wave
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
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

NIR = Path(__file__).parents[1] / "conversions/nir/written/snntorch_dense.nir"


class Format(NamedTuple):
    """A kind of file: a good one, how damage is packed, and who reads it."""

    good: Callable[[], bytes]
    readers: tuple[Callable[[Path], Any], ...]
    wrap: Callable[[bytes], bytes] = bytes
    ending: str = ""


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
