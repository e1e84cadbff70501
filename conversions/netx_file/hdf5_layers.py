"""The layers of a file as plain records: numbers and text, nothing else is read.

In the file every layer is a group ``/layer/0``, ``/layer/1``, ... with the data set ``type``;
what else is in it depends on the type, and belongs to SLAYER's ``export_hdf5``. Attributes
are not lava-dl's: :func:`conversions.to_netx` keeps in them what the format has no place for.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from hw_models import ConversionError, NetworkFileError, SsdpError
from hw_models.atomic_file import whole_file

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


def is_netx_file(path: str | os.PathLike[str]) -> bool:
    """Whether this is an HDF5 file with layers as lava-dl writes them."""
    import h5py

    try:
        with h5py.File(path, "r") as file:
            first = file.get(f"{LAYERS}/0")
            return isinstance(first, h5py.Group) and TYPE in first
    except (OSError, RuntimeError):
        return False


def read_file(path: str | os.PathLike[str]) -> NetxFile:
    """Read a file.

    Raises
    ------
    NetworkFileError
        If it cannot be read, or its layers are not numbered from 0 on.
    """
    import h5py

    try:
        with h5py.File(path, "r") as file:
            if LAYERS not in file:
                known = ", ".join(sorted(file)[:6]) or "nothing"
                raise NetworkFileError(f"an HDF5 file with {known}, without netx's group 'layer'")
            group = _member(file, LAYERS)
            places = [str(place) for place in range(len(group))]
            if not places or set(group) != set(places):
                found = ", ".join(sorted(group)) or "nothing"
                raise NetworkFileError(f"/{LAYERS}: {found}; groups 0, 1, ... are needed")
            layers = [_layer(_member(group, place), int(place)) for place in places]
            return NetxFile(layers=tuple(layers), own=_own(file))
    except NetworkFileError as error:
        raise NetworkFileError(f"{path}: {error}") from None
    except SsdpError:
        raise
    except Exception as error:  # h5py reports damage by errors of many kinds
        lines = str(error).splitlines() or [type(error).__name__]
        raise NetworkFileError(f"{path}: not a readable netx file: {lines[0]}") from None


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


def _layer(group: Any, place: int) -> FileLayer:
    import h5py

    if not isinstance(group, h5py.Group) or TYPE not in group:
        raise NetworkFileError(f"/{LAYERS}/{place}: a layer without {TYPE!r}")
    values: dict[str, np.ndarray] = {}
    neuron_type = None
    for name in group:
        member = _member(group, name)
        if isinstance(member, h5py.Group):
            for inner in member:
                values[f"{name}/{inner}"] = _value(_member(member, inner))
        else:
            values[name] = _value(member)
    kind = _text(values.pop(TYPE), place)
    if f"{NEURON}/{TYPE}" in values:
        neuron_type = _text(values.pop(f"{NEURON}/{TYPE}"), place)
    return FileLayer(
        place=place, kind=kind, values=values, neuron_type=neuron_type, own=_own(group)
    )


def _value(member: Any) -> np.ndarray:
    import h5py

    if not isinstance(member, h5py.Dataset):
        raise NetworkFileError(f"{member.name}: a group; a data set is needed")
    value = member[()]
    if isinstance(value, h5py.Empty):
        raise NetworkFileError(f"{member.name}: empty")
    return np.asarray(value)


def _write_own(group: Any, own: Mapping[str, Any]) -> None:
    for name, value in own.items():
        group.attrs[OWN + name] = value


def _own(group: Any) -> dict[str, Any]:
    return {
        name.removeprefix(OWN): value
        for name, value in group.attrs.items()
        if name.startswith(OWN) and isinstance(value, (str, np.ndarray))
    }


def _member(group: Any, name: str) -> Any:
    import h5py

    if not isinstance(group.get(name, getlink=True), h5py.HardLink):
        raise NetworkFileError(f"{group.name}: {name!r} is a link; netx files have none")
    return group[name]


def _text(value: np.ndarray, place: int) -> str:
    first = value.reshape(-1)[0] if value.size else b""
    if isinstance(first, str):
        return first
    if not isinstance(first, bytes):
        raise NetworkFileError(f"/{LAYERS}/{place}: type {first!r}; text is needed")
    return first.decode("ascii", "replace")
