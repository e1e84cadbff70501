"""What ``ssdp-neuro convert`` reads: a table from kinds of files to their readers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hw_models import Chip, ConversionError, FixedPointNetwork, load

if TYPE_CHECKING:
    from conversions.report import ConversionReport

HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"
NETX_OPTIONS = "--input-shape, --netx-meaning"
NIR_OPTIONS = (
    "--written-by, --dt, --reset, --recurrent-latency, --input-shape, --real-input, --steps"
)


@dataclass(frozen=True, eq=False)
class Request:
    """What the user asks of a conversion; ``options`` are arguments for the reader."""

    chip: Chip
    calibration: Any = None  # (spikes, labels or None)
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Source:
    """One kind of file.

    Parameters
    ----------
    name
        For messages.
    is_one
        Whether the file at a path, which exists, is of this kind; looks at its content.
    read
        The network, and the report of its conversion (None if it was one before).
    options
        Of :attr:`Request.options`, those that mean something to it.
    """

    name: str
    is_one: Callable[[Path], bool]
    read: Callable[[Path, Request], tuple[FixedPointNetwork, ConversionReport | None]]
    options: frozenset[str] = frozenset()


def source_of(path: Path) -> Source:
    """The kind of a file; a file that is nothing known is left to the reader of safetensors."""
    if path.is_file():
        for source in SOURCES:
            if source.is_one(path):
                return source
        if is_hdf5(path):
            known = " or ".join(source.name for source in SOURCES[:-1])
            raise ConversionError(f"{path}: an HDF5 file, but not {known}")
        if path.suffix.lower() in (".pt", ".pth", ".ckpt"):
            raise ConversionError(
                f"{path}: a checkpoint of PyTorch holds weights and no network, or code that would"
                " run when it is read. Build the model in Python, load its weights by"
                " torch.load(..., weights_only=True), and hand it to conversions.from_torch"
            )
    return SOURCES[-1]


def is_hdf5(path: Path) -> bool:
    """Whether a file begins as HDF5 does."""
    with path.open("rb") as file:
        return file.read(len(HDF5_SIGNATURE)) == HDF5_SIGNATURE


def _has(path: Path, attribute: str | None, group: str | None) -> bool:
    import h5py

    if not is_hdf5(path):
        return False
    try:
        with h5py.File(path, "r") as file:
            return (attribute is None or attribute in file.attrs) and (
                group is None or group in file
            )
    except (OSError, RuntimeError):
        return False


def _is_network(path: Path) -> bool:
    return _has(path, "format", None)


def _is_nir(path: Path) -> bool:
    return _has(path, None, "node")


def _read_network(path: Path, request: Request) -> tuple[FixedPointNetwork, None]:
    if request.calibration is not None:
        raise ConversionError(f"{path}: a network, whose integers are chosen; no --calibration")
    return load(path), None


def _read_nir(path: Path, request: Request) -> tuple[FixedPointNetwork, ConversionReport]:
    from conversions.nir_graph import from_nir

    try:
        return from_nir(path, chip=request.chip, calibration=request.calibration, **request.options)
    except ConversionError as error:
        raise ConversionError(f"{path}: {error} (options: {NIR_OPTIONS})") from None


def _is_netx(path: Path) -> bool:
    from conversions.netx_file.hdf5_layers import is_netx_file

    return is_hdf5(path) and is_netx_file(path)


def _read_netx(path: Path, request: Request) -> tuple[FixedPointNetwork, ConversionReport]:
    from conversions.netx_file import from_netx

    if request.calibration is not None:
        raise ConversionError(f"{path}: holds the chip's integers; no --calibration")
    try:
        return from_netx(path, chip=request.chip, **request.options)
    except ConversionError as error:
        raise ConversionError(f"{path}: {error} (options: {NETX_OPTIONS})") from None


def _read_safetensors(path: Path, request: Request) -> tuple[FixedPointNetwork, ConversionReport]:
    from conversions.torch_model.conversion import from_torch
    from ssdp_neuro.training import load_model

    return from_torch(load_model(path), chip=request.chip, calibration=request.calibration)


SOURCES = (
    Source("a network of ssdp-neuro", _is_network, _read_network),
    Source(
        "a NIR graph",
        _is_nir,
        _read_nir,
        frozenset(
            {"discretization", "dt", "reset", "recurrent_latency", "input_shape"}
            | {"real_input", "n_steps"}
        ),
    ),
    Source("a netx file of lava-dl", _is_netx, _read_netx, frozenset({"input_shape", "meaning"})),
    Source("safetensors", lambda path: False, _read_safetensors),  # the last one tried
)
