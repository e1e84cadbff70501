"""The layers of a file as plain records: numbers and text, nothing else is read.

In the file every layer is a group ``/layer/0``, ``/layer/1``, ... with the data set ``type``;
what else is in it depends on the type, and belongs to SLAYER's ``export_hdf5``. Attributes
are not lava-dl's: :func:`conversions.to_netx` keeps in them what the format has no place for.
"""

from __future__ import annotations

import enum
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from hw_models import ConversionError, NetworkFileError
from hw_models.atomic_file import whole_file
from hw_models.hdf5_contents import StoredArray, StoredGroup
from hw_models.hdf5_file import read_hdf5


class NetxMeaning(enum.Enum):
    """Whose reading of a file is kept.

    ``AS_TRAINED``: what the blocks of lava-dl's SLAYER compute, that wrote the file.
    ``AS_LOADED``: what lava-dl's ``netx.hdf5.Network`` computes with it in Lava. That drops
    delays of convolutions, refractory delays and powers of two of a normalization, and
    clamps other delays to 62 steps.
    """

    AS_TRAINED = "as SLAYER trained it"
    AS_LOADED = "as netx loads it"


LAYERS = "layer"
NEURON = "neuron"
TYPE = "type"
OWN = "ssdp_neuro "  # attributes that begin with it are ours


@dataclass(frozen=True, kw_only=True, eq=False)
class FileLayer:
    """One layer.

    Parameters
    ----------
    place
        Number of its group.
    kind
        ``type`` in the file.
    values
        Data sets by path in the group, as ``weight`` or ``neuron/iDecay``.
    neuron_type
        ``type`` of its neurons; None if it has none.
    own
        Attributes that :func:`conversions.to_netx` wrote.
    """

    place: int
    kind: str
    values: Mapping[str, np.ndarray]
    neuron_type: str | None = None
    own: Mapping[str, Any] = field(default_factory=dict)

    @property
    def where(self) -> str:
        """For messages."""
        return f"layer {self.place} ({self.kind})"

    def numbers(self, name: str) -> np.ndarray:
        """A data set of whole numbers, int64.

        Raises
        ------
        ConversionError
            If it is missing, or a value is not a whole number of less than 32 bits.
        """
        if name not in self.values:
            raise ConversionError(f"{self.where}: {name!r} is missing")
        given = self.values[name]
        if given.dtype.kind not in "biuf" or not given.size:
            raise ConversionError(f"{self.where}.{name}: {given.dtype}; numbers are needed")
        wide = given.astype(np.float64)
        bad = ~np.isfinite(wide) | (wide != np.rint(wide)) | (np.abs(wide) >= 2.0**31)
        if bad.any():
            index = tuple(int(i) for i in np.argwhere(bad)[0])
            raise ConversionError(
                f"{self.where}.{name}: {wide[index]} at index {index}; whole numbers are needed"
                " (SLAYER writes them if its synapses are quantized)"
            )
        return given.astype(np.int64)

    def kept(self, name: str) -> np.ndarray | None:
        """Whole numbers ``(n,)``, int64, that to_netx kept in an attribute; None for none."""
        value = self.own.get(name)
        if not isinstance(value, np.ndarray) or value.dtype.kind not in "iu":
            return None
        if value.ndim != 1 or not value.size or (np.abs(value.astype(np.float64)) >= 2.0**31).any():
            return None
        return value.astype(np.int64)

    def number(self, name: str, default: int | None = None) -> int:
        """One whole number; ConversionError if there are several."""
        if default is not None and name not in self.values:
            return default
        found = self.numbers(name)
        if found.size != 1:
            raise ConversionError(f"{self.where}.{name}: {found.size} numbers; one is needed")
        return int(found.reshape(-1)[0])


@dataclass(frozen=True, kw_only=True, eq=False)
class NetxFile:
    """All layers, from the input on, and the attributes of the file that are ours."""

    layers: tuple[FileLayer, ...]
    own: Mapping[str, Any] = field(default_factory=dict)


def is_netx(root: StoredGroup) -> bool:
    """Whether an HDF5 file with this outline has layers as lava-dl writes them."""
    layers = root.members.get(LAYERS)
    first = layers.members.get("0") if isinstance(layers, StoredGroup) else None
    return isinstance(first, StoredGroup) and TYPE in first.members


def read_file(path: str | os.PathLike[str]) -> NetxFile:
    """Read a file.

    Raises
    ------
    MissingFileError
        If there is no such file.
    NetworkFileError
        If it cannot be read, or its layers are not numbered from 0 on.
    """
    root = read_hdf5(path, "netx file", _check_root)
    try:
        group = root.members[LAYERS]
        assert isinstance(group, StoredGroup)
        layers = [_layer(group.members[str(place)], place) for place in range(len(group.members))]
        return NetxFile(layers=tuple(layers), own=_own(root))
    except NetworkFileError as error:
        raise NetworkFileError(f"{path}: {error}") from None


def write_file(file: NetxFile, path: str | os.PathLike[str]) -> None:
    """Write layers, whole or not at all.

    Raises
    ------
    NetworkFileError
        If the file cannot be written.
    """
    import h5py

    with whole_file(path) as partial, h5py.File(partial, "x") as root:
        _write_own(root, file.own)
        group = root.create_group(LAYERS)
        for layer in file.layers:
            one = group.create_group(str(layer.place))
            _write_own(one, layer.own)
            _write_text(one, TYPE, layer.kind)
            for name, value in layer.values.items():
                one.create_dataset(name, data=value)
            if layer.neuron_type is not None:
                one[NEURON].create_dataset(TYPE, data=np.bytes_(layer.neuron_type))


def _write_text(group: Any, name: str, text: str) -> None:
    group.create_dataset(name, data=np.array([text.encode()], dtype="S10"))


def _check_root(root: StoredGroup) -> None:
    group = root.members.get(LAYERS)
    if group is None:
        known = ", ".join(sorted(root.members)[:6]) or "nothing"
        raise NetworkFileError(f"an HDF5 file with {known}, without netx's group 'layer'")
    if not isinstance(group, StoredGroup):
        raise NetworkFileError(f"{group.path}: a data set; a group is needed")
    places = {str(place) for place in range(len(group.members))}
    if not places or set(group.members) != places:
        found = ", ".join(sorted(group.members)) or "nothing"
        raise NetworkFileError(f"{group.path}: {found}; groups 0, 1, ... are needed")


def _layer(group: Any, place: int) -> FileLayer:
    if not isinstance(group, StoredGroup) or TYPE not in group.members:
        raise NetworkFileError(f"/{LAYERS}/{place}: a layer without {TYPE!r}")
    values: dict[str, np.ndarray] = {}
    for name, member in group.members.items():
        if isinstance(member, StoredGroup):
            for inner, stored in member.members.items():
                values[f"{name}/{inner}"] = _value(stored)
        else:
            values[name] = _value(member)
    if TYPE not in values:
        raise NetworkFileError(f"{group.path}/{TYPE}: a group; a data set is needed")
    kind = _text(values.pop(TYPE), place)
    neuron_type = None
    if f"{NEURON}/{TYPE}" in values:
        neuron_type = _text(values.pop(f"{NEURON}/{TYPE}"), place)
    return FileLayer(
        place=place, kind=kind, values=values, neuron_type=neuron_type, own=_own(group)
    )


def _value(member: Any) -> np.ndarray:
    if not isinstance(member, StoredArray):
        raise NetworkFileError(f"{member.path}: a group; a data set is needed")
    if member.value is None:
        raise NetworkFileError(f"{member.path}: empty")
    return np.asarray(member.value)


def _write_own(group: Any, own: Mapping[str, Any]) -> None:
    for name, value in own.items():
        group.attrs[OWN + name] = value


def _own(group: StoredGroup) -> dict[str, Any]:
    return {
        name.removeprefix(OWN): value
        for name, value in group.attributes.items()
        if name.startswith(OWN) and isinstance(value, (str, list, np.ndarray))
    }


def _text(value: np.ndarray, place: int) -> str:
    first = value.reshape(-1)[0] if value.size else b""
    if isinstance(first, str):
        return str(first)
    if not isinstance(first, bytes):
        raise NetworkFileError(f"/{LAYERS}/{place}: type {first!r}; text is needed")
    return first.decode("ascii", "replace")
