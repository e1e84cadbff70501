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

Nothing is pickled. What the file claims is compared with what its populations need before any
array is read, and what is read goes through the constructors of the records. Behind HDF5's own
end stands a checksum (:mod:`hw_models.hdf5_file`).
"""

from __future__ import annotations

import dataclasses
import enum
import math
import os
from pathlib import Path
from typing import Any

import numpy as np

from hw_models.atomic_file import whole_file
from hw_models.errors import NetworkFileError, SsdpError, TypeMismatchError, brief
from hw_models.formats import Rounding
from hw_models.hdf5_contents import StoredArray, StoredGroup
from hw_models.hdf5_file import read_hdf5, reason_of, seal
from hw_models.integers import shape_of
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
VERSION = 2
# fields that files of version 1 do not have, and which then hold their defaults
ADDED: dict[str, dict[str, Any]] = {"DaSsdpParams": {"least_correlation": 0}}
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
            seal(partial)
    except NetworkFileError:
        raise
    except (RuntimeError, ValueError) as error:  # h5py's, for what it cannot write
        raise NetworkFileError(f"{path}: cannot be written: {reason_of(error)}") from None


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
    MissingFileError
        If there is no such file.
    NetworkFileError
        If the file cannot be read, is not a network file, is damaged or newer, or holds
        something that this release does not know or a value that a record refuses.
    """
    root = read_hdf5(path, "network file", _check_outline)
    try:
        return FixedPointNetwork(**{part: _records(root.members[part]) for part in PARTS})
    except SsdpError as error:
        raise NetworkFileError(f"{path}: {error}") from None


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


def _check_outline(root: StoredGroup) -> None:
    """Refuse what is no network, or claims arrays that do not fit its populations."""
    if root.attributes.get("format") != FORMAT:
        raise NetworkFileError(
            f"attribute 'format' is {root.attributes.get('format')!r}; {FORMAT!r} is needed"
        )
