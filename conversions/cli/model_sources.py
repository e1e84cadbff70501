"""What ``ssdp-neuro convert`` reads: a table from kinds of files to their readers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hw_models import (
    Chip,
    ConversionError,
    FixedPointNetwork,
    MissingFileError,
    SpikeCode,
    load,
    load_code,
)
from hw_models.hdf5_contents import StoredGroup
from hw_models.hdf5_file import is_hdf5, read_outline

if TYPE_CHECKING:
    from conversions.conversion_report import ConversionReport


NETX_OPTIONS = "--input-shape, --netx-meaning"
NIR_OPTIONS = (
    "--written-by, --dt, --reset, --recurrent-latency, --input-shape, --real-input, --steps"
)


@dataclass(frozen=True, eq=False)
class ModelRequest:
    """What the user asks of a conversion; ``options`` are arguments for the reader."""

    chip: Chip
    calibration: Any = None  # (spikes, labels or None)
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class ModelFormat:
    """One kind of file.

    Parameters
    ----------
    name
        For messages.
    is_one
        Whether an HDF5 file with this outline is of this kind.
    read
        The network, and the report of its conversion (None if it was one before).
    options
        Of :attr:`ModelRequest.options`, those that mean something to it.
    read_code
        The code in which the network was trained, None where the file does not say.
    """

    name: str
    is_one: Callable[[StoredGroup], bool]
    read: Callable[[Path, ModelRequest], tuple[FixedPointNetwork, ConversionReport | None]]
    options: frozenset[str] = frozenset()
    read_code: Callable[[Path], SpikeCode | None] = lambda path: None


def source_of(path: Path) -> ModelFormat:
    """The kind of a file; a file that is nothing known is left to the reader of safetensors."""
    if not path.exists():
        raise MissingFileError(f"{path}: no such file")
    if is_hdf5(path):
        root = read_outline(path, "HDF5 file")
        for source in HDF5_SOURCES:
            if source.is_one(root):
                return source
        known = " or ".join(source.name for source in HDF5_SOURCES)
        raise ConversionError(f"{path}: an HDF5 file, but not {known}")
    if path.suffix.lower() in (".pt", ".pth", ".ckpt"):
        raise ConversionError(
            f"{path}: a checkpoint of PyTorch holds weights and no network, or code that would"
            " run when it is read. Build the model in Python, load its weights by"
            " torch.load(..., weights_only=True), and hand it to conversions.from_torch"
        )
    return SAFETENSORS


def _is_network(root: StoredGroup) -> bool:
    return "format" in root.attributes


def _read_network(path: Path, request: ModelRequest) -> tuple[FixedPointNetwork, None]:
    if request.calibration is not None:
        raise ConversionError(f"{path}: a network, whose integers are chosen; no --calibration")
    return load(path), None


def _read_nir(path: Path, request: ModelRequest) -> tuple[FixedPointNetwork, ConversionReport]:
    from conversions.nir import from_nir

    try:
        return from_nir(path, chip=request.chip, calibration=request.calibration, **request.options)
    except ConversionError as error:
        raise ConversionError(f"{path}: {error} (options: {NIR_OPTIONS})") from None


def _read_netx(path: Path, request: ModelRequest) -> tuple[FixedPointNetwork, ConversionReport]:
    from conversions.netx import from_netx

    if request.calibration is not None:
        raise ConversionError(f"{path}: holds the chip's integers; no --calibration")
    try:
        return from_netx(path, chip=request.chip, **request.options)
    except ConversionError as error:
        raise ConversionError(f"{path}: {error} (options: {NETX_OPTIONS})") from None


def _is_nir(root: StoredGroup) -> bool:
    from conversions.nir.files import is_nir

    return is_nir(root)


def _is_netx(root: StoredGroup) -> bool:
    from conversions.netx.hdf5_layers import is_netx

    return is_netx(root)


def _read_safetensors(
    path: Path, request: ModelRequest
) -> tuple[FixedPointNetwork, ConversionReport]:
    from conversions.pytorch.model_conversion import from_torch
    from ssdp_neuro.training import load_model

    return from_torch(
        load_model(path), chip=request.chip, calibration=request.calibration, **request.options
    )


def _model_code(path: Path) -> SpikeCode | None:
    from ssdp_neuro.training import load_model_code

    return load_model_code(path)


HDF5_SOURCES = (
    ModelFormat("a network of ssdp-neuro", _is_network, _read_network, read_code=load_code),
    ModelFormat(
        "a NIR graph",
        _is_nir,
        _read_nir,
        frozenset(
            {"discretization", "dt", "reset", "recurrent_latency", "input_shape"}
            | {"real_input", "n_steps", "verify_each"}
        ),
    ),
    ModelFormat(
        "a netx file of lava-dl", _is_netx, _read_netx, frozenset({"input_shape", "meaning"})
    ),
)
SAFETENSORS = ModelFormat(
    "safetensors",
    lambda root: False,
    _read_safetensors,
    frozenset({"verify_each"}),
    read_code=_model_code,
)
