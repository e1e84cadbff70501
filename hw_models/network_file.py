"""Networks as HDF5 files: every record a group, every field an attribute or a data set.

=====================  ============================================================
in the network         in the file
=====================  ============================================================
network                root, attributes ``format`` and ``version``; the groups
                       ``populations`` and ``projections``; the attribute ``code``, JSON of
                       :class:`hw_models.spike_code.SpikeCode`, if it is known
record                 group ``0``, ``1``, ... in order, with the attribute ``kind``
integer, name, pair    attribute
enum                   attribute, its name
None                   empty attribute
array                  data set
plasticity, trace      group
equation of a rule     attribute, text in Lava's notation
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
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from hw_models.arrays import HandedOver
from hw_models.atomic_file import whole_file
from hw_models.eprop import EpropParams, ResetEligibility
from hw_models.errors import NetworkFileError, SsdpError, TypeMismatchError, brief
from hw_models.formats import Rounding
from hw_models.hdf5_contents import StoredArray, StoredGroup
from hw_models.hdf5_file import read_hdf5, read_outline, reason_of, seal
from hw_models.integers import shape_of
from hw_models.learning_engine.learning_rule import (
    TARGETS,
    GradedSpikes,
    LearningRule,
    PostTraces,
    RandomStream,
    SignMode,
    TraceConfiguration,
)
from hw_models.network import FixedPointNetwork
from hw_models.plasticity import DaSsdpParams, ThirdFactor
from hw_models.populations import InputPopulation, LifPopulation, ResetMode
from hw_models.projections import (
    ConvProjection,
    DenseProjection,
    PoolProjection,
    SparseProjection,
)
from hw_models.spike_code import SpikeCode

FORMAT = "ssdp_neuro network"
VERSION = 4
# fields that older files do not have; they hold their defaults then
ADDED = {
    "DaSsdpParams": {"least_correlation"},
    "DenseProjection": {"tag_1", "tag_2"},
    "SparseProjection": {"plasticity", "tag_1", "tag_2"},
    "LifPopulation": {"u", "v", "threshold_rise", "threshold_decay"},
    "LearningRule": {"graded_spikes"},
    "EpropParams": {"reset_eligibility"},
}
PARTS = ("populations", "projections")
CODE = "code"  # may be missing
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
        EpropParams,
        LearningRule,
        TraceConfiguration,
    )
}
ENUMS = {
    "reset": ResetMode,
    "reset_eligibility": ResetEligibility,
    "rounding": Rounding,
    "third_factor": ThirdFactor,
    "sign_mode": SignMode,
    "post_traces": PostTraces,
    "graded_spikes": GradedSpikes,
    "random_stream": RandomStream,
}
# smaller arrays are stored as they are
LARGE_BYTES = 4096
SAMPLE_BYTES = 2**16  # of an array, to see whether gzip pays
LEAST_GAIN = 4  # it costs more time to read than the bytes that it saves otherwise
CHUNK = 2**16


def save(
    network: FixedPointNetwork, path: str | os.PathLike[str], *, code: SpikeCode | None = None
) -> None:
    """Write a network to a file, whole or not at all.

    The file is written beside its final place and moved there when it is on the disk,
    so a crash or a full disk leaves what was there before.

    Parameters
    ----------
    network
        What to write.
    path
        Replaced if it exists.
    code
        How the samples that it was trained on became spikes; kept beside it, see
        :func:`load_code`.

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
            _write_file(network, partial, code)
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


def load_code(path: str | os.PathLike[str]) -> SpikeCode | None:
    """The code in which a network was trained, of a file of :func:`save`; None if unknown.

    Raises
    ------
    MissingFileError
        If there is no such file.
    NetworkFileError
        If the file cannot be read, or the code in it is damaged.
    """
    text = read_outline(path, "network file").attributes.get(CODE)
    try:
        return None if text is None else SpikeCode.from_text(text)
    except SsdpError as error:
        raise NetworkFileError(f"{path}: {error}") from None


def _write_file(network: FixedPointNetwork, path: Path, code: SpikeCode | None) -> None:
    import h5py

    with h5py.File(path, "x") as file:
        file.attrs["format"] = FORMAT
        file.attrs["version"] = VERSION
        if code is not None:
            file.attrs[CODE] = code.to_text()
        for part in PARTS:
            group = file.create_group(part)
            for place, record in enumerate(getattr(network, part)):
                _write_record(group.create_group(str(place)), record)


def _write_record(group: Any, record: Any) -> None:
    import h5py

    group.attrs["kind"] = type(record).__name__
    for field in dataclasses.fields(record):
        value = getattr(record, field.name)
        if isinstance(record, LearningRule) and field.name in TARGETS:
            value = record.equation(field.name) or None
        if value is None:
            group.attrs[field.name] = h5py.Empty("i8")
        elif dataclasses.is_dataclass(value):
            _write_record(group.create_group(field.name), value)
        elif isinstance(value, np.ndarray):
            _write_array(group, field.name, value)
        elif isinstance(value, enum.Enum):
            group.attrs[field.name] = value.name
        else:
            group.attrs[field.name] = value


def _write_array(group: Any, name: str, values: np.ndarray) -> None:
    """Write integers in the narrowest type, packed where that makes them much smaller."""
    low, high = (int(values.min()), int(values.max())) if values.size else (0, 0)
    narrow = next(
        dtype
        for dtype in (np.int8, np.uint8, np.int16, np.uint16, values.dtype)
        if np.iinfo(dtype).min <= low and high <= np.iinfo(dtype).max
    )
    options: dict[str, Any] = {}
    flat = values.reshape(-1)
    middle = flat[flat.size // 2 :][: SAMPLE_BYTES // values.itemsize].astype(narrow)
    if values.nbytes >= LARGE_BYTES and middle.nbytes > LEAST_GAIN * len(
        zlib.compress(middle.tobytes(), 1)
    ):
        options = {"compression": "gzip", "compression_opts": 1, "shuffle": True}
        if values.ndim == 1:
            options["chunks"] = (min(values.size, CHUNK),)
    group.create_dataset(name, data=values, dtype=narrow, **options)


def _check_outline(root: StoredGroup) -> None:
    """Refuse what is no network, or claims arrays that do not fit its populations."""
    if root.attributes.get("format") != FORMAT:
        raise NetworkFileError(
            f"attribute 'format' is {root.attributes.get('format')!r}; {FORMAT!r} is needed"
        )
    version = root.attributes.get("version")
    if type(version) is not int or not 1 <= version <= VERSION:
        raise NetworkFileError(f"version {version!r}; this release reads versions 1 to {VERSION}")
    _compare(
        "/", (set(root.members) | set(root.attributes)) - {CODE}, {*PARTS, "format", "version"}
    )
    shapes: dict[Any, tuple[int, ...]] = {}
    for part in PARTS:
        group = root.members[part]
        if not isinstance(group, StoredGroup):
            raise NetworkFileError(f"/{part}: not a group")
        places = [str(place) for place in range(len(group.members))]
        _compare(f"/{part}", set(group.members), set(places))
        for place in places:
            record = group.members[place]
            if not isinstance(record, StoredGroup):
                raise NetworkFileError(f"{record.path}: a data set; a group is needed")
            _check_names(record)
            if part == "populations":
                shape = shape_of(f"{record.path}: shape", _plain(record.attributes["shape"]))
                shapes[record.attributes["name"]] = shape
                _check_population(record, shape)
            else:
                ends = [record.attributes[end] for end in ("source", "target")]
                _check_projection(record, [shapes.get(end) for end in ends])


def _check_names(record: StoredGroup) -> None:
    kind = record.attributes.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        raise NetworkFileError(
            f"{record.path}: kind {_plain(kind)!r}; known are {', '.join(KINDS)}"
        )
    names = [field.name for field in dataclasses.fields(KINDS[kind])]
    twice = set(record.members) & set(record.attributes)
    if twice:
        raise NetworkFileError(f"{record.path}: {min(twice)!r} is there twice")
    found = set(record.members) | set(record.attributes)
    _compare(record.path, found | ADDED.get(kind, set()), {"kind", *names})


def _check_population(record: StoredGroup, shape: tuple[int, ...]) -> None:
    allowed = {(), (1,), (math.prod(shape),), shape}
    for member in record.members.values():
        if isinstance(member, StoredArray):
            _check_integers(member)
            if member.shape not in allowed:
                raise NetworkFileError(
                    f"{member.path}: shape {member.shape}; allowed () or {shape}"
                )


def _check_projection(record: StoredGroup, shapes: list[tuple[int, ...] | None]) -> None:
    """Compare arrays with the ends; of unknown ends the network complains later."""
    kind = KINDS[record.attributes["kind"]]
    n_pre, n_post = (None if shape is None else math.prod(shape) for shape in shapes)
    for member in record.members.values():
        if not isinstance(member, StoredArray):
            continue
        _check_integers(member)
        if n_pre is None or n_post is None or member.shape is None:
            continue
        if kind is DenseProjection and member.shape != (n_post, n_pre):
            raise NetworkFileError(
                f"{member.path}: shape {member.shape}; {(n_post, n_pre)} is needed"
            )
        if kind is SparseProjection and math.prod(member.shape) > n_pre * n_post:
            raise NetworkFileError(
                f"{member.path}: shape {member.shape}; at most {n_pre * n_post} pairs"
            )


def _check_integers(array: StoredArray) -> None:
    if array.shape and array.dtype is not None and array.dtype.kind not in "iu":
        raise NetworkFileError(f"{array.path}: dtype {array.dtype}; integers are needed")


def _records(group: Any) -> list[Any]:
    return [_record(group.members[str(place)]) for place in range(len(group.members))]


def _record(group: StoredGroup) -> Any:
    _check_names(group)
    kind = KINDS[group.attributes["kind"]]
    stored = set(group.members) | set(group.attributes)
    names = [field.name for field in dataclasses.fields(kind) if field.name in stored]
    values = {name: _field(group, name) for name in names}
    try:
        return kind(**values)
    except SsdpError as error:
        raise NetworkFileError(f"{group.path}: {error}") from None


def _field(group: StoredGroup, name: str) -> Any:
    if name in group.members:
        member = group.members[name]
        if isinstance(member, StoredGroup):
            return _record(member)
        value = member.value
        return value.view(HandedOver) if isinstance(value, np.ndarray) else value
    value = _plain(group.attributes[name])
    if name not in ENUMS:
        return value
    known = ENUMS[name].__members__
    if not isinstance(value, str) or value not in known:
        raise NetworkFileError(f"{group.path}: {name} {value!r}; known are {', '.join(known)}")
    return known[value]


def _plain(value: Any) -> Any:
    """Turn an attribute into what Python has: an array into a tuple."""
    return tuple(value.tolist()) if isinstance(value, np.ndarray) else value


def _compare(where: str, found: set[str], needed: set[str]) -> None:
    for what, names in (("missing", needed - found), ("unknown", found - needed)):
        if names:
            raise NetworkFileError(
                f"{where}: {what} {sorted(names)[0]!r}; {', '.join(sorted(needed))} are needed"
            )
