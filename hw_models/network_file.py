"""Networks as HDF5 files: every record a group, every field an attribute or a data set.

=====================  ============================================================
in the network         in the file
=====================  ============================================================
network                root, attributes ``format`` and ``version``; the groups
                       ``populations`` and ``projections``
record                 group ``0``, ``1``, ... in order, with the attribute ``kind``
integer, name, pair    attribute
enum                   attribute, its name
None                   empty attribute
array                  data set
plasticity             group
=====================  ============================================================

Nothing is pickled, and what is read goes through the constructors of the records.
"""

from __future__ import annotations

import dataclasses
import enum
import os
from pathlib import Path
from typing import Any

import numpy as np

from hw_models.atomic_file import whole_file
from hw_models.errors import NetworkFileError, SsdpError, TypeMismatchError, brief
from hw_models.formats import Rounding
from hw_models.network import FixedPointNetwork
from hw_models.plasticity import DaSsdpParams, ThirdFactor
from hw_models.populations import InputPopulation, LifPopulation, ResetMode
from hw_models.projections import (
    ConvProjection,
    DenseProjection,
    PoolProjection,
    SparseProjection,
)

FORMAT = "ssdp_neuro network"
VERSION = 1
PARTS = ("populations", "projections")
KINDS: dict[str, Any] = {
    kind.__name__: kind
    for kind in (
        InputPopulation,
        LifPopulation,
        DenseProjection,
        SparseProjection,
        ConvProjection,
        PoolProjection,
        DaSsdpParams,
    )
}
ENUMS = {"reset": ResetMode, "rounding": Rounding, "third_factor": ThirdFactor}
LARGE_BYTES = 4096  # smaller arrays are stored as they are


def save(network: FixedPointNetwork, path: str | os.PathLike[str]) -> None:
    """Write a network to a file, whole or not at all.

    The file is written beside its final place and moved there when it is on the disk,
    so a crash or a full disk leaves what was there before.

    Parameters
    ----------
    network
        What to write.
    path
        Replaced if it exists.

    Raises
    ------
    NetworkFileError
        If the file cannot be written.
    TypeMismatchError
        If ``network`` is not a FixedPointNetwork.
    """
    if not isinstance(network, FixedPointNetwork):
        raise TypeMismatchError(f"save: {brief(network)}; a FixedPointNetwork is needed")
    try:
        with whole_file(path) as partial:
            _write_file(network, partial)
    except NetworkFileError:
        raise
    except (RuntimeError, ValueError) as error:  # h5py's, for what it cannot write
        raise NetworkFileError(f"{path}: cannot be written: {_reason(error)}") from None


def load(path: str | os.PathLike[str]) -> FixedPointNetwork:
    """Read a network that :func:`save` wrote.

    Parameters
    ----------
    path
        A network file.

    Returns
    -------
    FixedPointNetwork
        Equal to what was saved, in the sense of :func:`hw_models.same_record`.

    Raises
    ------
    NetworkFileError
        If the file cannot be read, is not a network file, is damaged or newer, or holds
        something that this release does not know or a value that a record refuses.
    """
    import h5py

    try:
        with h5py.File(path, "r") as file:
            return _read_file(file)
    except SsdpError as error:
        raise NetworkFileError(f"{path}: {error}") from None
    except Exception as error:  # h5py reports damage by errors of many kinds
        raise NetworkFileError(f"{path}: not a readable network file: {_reason(error)}") from None


def _write_file(network: FixedPointNetwork, path: Path) -> None:
    import h5py

    with h5py.File(path, "x") as file:
        file.attrs["format"] = FORMAT
        file.attrs["version"] = VERSION
        for part in PARTS:
            group = file.create_group(part)
            for place, record in enumerate(getattr(network, part)):
                _write_record(group.create_group(str(place)), record)


def _write_record(group: Any, record: Any) -> None:
    import h5py

    group.attrs["kind"] = type(record).__name__
    for field in dataclasses.fields(record):
        value = getattr(record, field.name)
        if value is None:
            group.attrs[field.name] = h5py.Empty("i8")
        elif dataclasses.is_dataclass(value):
            _write_record(group.create_group(field.name), value)
        elif isinstance(value, np.ndarray):
            large = {"compression": "gzip", "compression_opts": 1, "shuffle": True}
            options = large if value.nbytes >= LARGE_BYTES else {}
            group.create_dataset(field.name, data=value, **options)
        elif isinstance(value, enum.Enum):
            group.attrs[field.name] = value.name
        else:
            group.attrs[field.name] = value


def _read_file(file: Any) -> FixedPointNetwork:
    import h5py

    if _plain(file.attrs.get("format")) != FORMAT:
        raise NetworkFileError(
            f"attribute 'format' is {_plain(file.attrs.get('format'))!r}; {FORMAT!r} is needed"
        )
    version = _plain(file.attrs.get("version"))
    if version != VERSION:
        raise NetworkFileError(f"version {version!r}; this release reads version {VERSION}")
    _compare("/", set(file) | set(file.attrs), {*PARTS, "format", "version"})
    parts: dict[str, list[Any]] = {}
    for part in PARTS:
        if not isinstance(file[part], h5py.Group):
            raise NetworkFileError(f"/{part}: not a group")
        places = [str(place) for place in range(len(file[part]))]
        _compare(f"/{part}", set(file[part]), set(places))
        parts[part] = [_read_record(file[part][place]) for place in places]
    return FixedPointNetwork(**parts)


def _read_record(group: Any) -> Any:
    kind = _plain(group.attrs.get("kind"))
    if kind not in KINDS:
        raise NetworkFileError(f"{group.name}: kind {kind!r}; known are {', '.join(KINDS)}")
    names = [field.name for field in dataclasses.fields(KINDS[kind])]
    _compare(group.name, set(group) | set(group.attrs), {"kind", *names})
    values = {name: _read_field(group, name) for name in names}
    try:
        return KINDS[kind](**values)
    except SsdpError as error:
        raise NetworkFileError(f"{group.name}: {error}") from None


def _read_field(group: Any, name: str) -> Any:
    import h5py

    if name in group:
        member = group[name]
        return member[()] if isinstance(member, h5py.Dataset) else _read_record(member)
    value = _plain(group.attrs[name])
    if name not in ENUMS:
        return value
    known = ENUMS[name].__members__
    if value not in known:
        raise NetworkFileError(f"{group.name}: {name} {value!r}; known are {', '.join(known)}")
    return known[value]


def _plain(value: Any) -> Any:
    """Turn an attribute into what Python has: an array into a tuple, an empty one into None."""
    import h5py

    if isinstance(value, h5py.Empty):
        return None
    if isinstance(value, np.ndarray):
        return tuple(value.tolist())
    return value.item() if isinstance(value, np.generic) else value


def _compare(where: str, found: set[str], needed: set[str]) -> None:
    for what, names in (("missing", needed - found), ("unknown", found - needed)):
        if names:
            raise NetworkFileError(
                f"{where}: {what} {sorted(names)[0]!r}; {', '.join(sorted(needed))} are needed"
            )


def _reason(error: Exception) -> str:
    lines = str(error).splitlines()
    return lines[0] if lines else type(error).__name__
