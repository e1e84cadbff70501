"""What an HDF5 file holds, as plain records: groups, numbers and text, and no way out of the file.

The outline is read first: names, attributes, shapes and types. Numbers of a data set are read
only after that, so a file cannot make a reader allocate what its bytes do not hold. Refused:

- links of every kind but a member itself, and one object under two names (loops end here);
- virtual data sets and data stored in other files;
- filters other than shuffle, gzip and Fletcher's checksum, which HDF5 would look up as plug-ins;
- data sets with less stored than they claim, also if gzip had done its very best;
- types other than numbers of at most 8 bytes, booleans and text.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from hw_models.errors import NetworkFileError

DEEPEST = 40  # groups within groups
MOST_GZIP = 1032  # bytes that one byte of gzip can stand for
PLAIN_KINDS = "biufS"
MOST_TEXT = 2**24  # bytes of all text in data sets


@dataclass(eq=False)
class StoredArray:
    """A data set.

    Parameters
    ----------
    path
        In the file, for messages.
    shape
        Of the array; None for one without a shape or value.
    dtype
        Of numbers and of text of one length; None for text of any length.
    value
        Array or NumPy scalar of ``dtype``; of text a ``str`` or an object array of them. None
        until it has been read.
    """

    path: str
    shape: tuple[int, ...] | None
    dtype: np.dtype | None
    value: Any = None

    @property
    def n_bytes(self) -> int:
        """Memory that the numbers need; 0 for text, which is there already."""
        if self.shape is None or self.dtype is None:
            return 0
        return math.prod(self.shape) * self.dtype.itemsize


@dataclass(eq=False)
class StoredGroup:
    """A group: attributes by name, groups and data sets by name.

    An attribute is a number, ``bool``, ``str``, ``bytes``, None if it is empty, a list of
    ``str``, or an array of numbers.
    """

    path: str
    attributes: Mapping[str, Any]
    members: Mapping[str, StoredGroup | StoredArray]

    def arrays(self) -> Iterator[StoredArray]:
        """All data sets with numbers, in one order."""
        for member in self.members.values():
            if isinstance(member, StoredGroup):
                yield from member.arrays()
            elif member.n_bytes:
                yield member


def outline(file: Any) -> StoredGroup:
    """Everything of an open ``h5py.File`` but the numbers of its data sets.

    Raises
    ------
    NetworkFileError
        If it holds something that is refused; names it.
    Exception
        What h5py raises for a damaged file.
    """
    return _Outline().group(file, 0)


def read_numbers(file: Any, array: StoredArray) -> np.ndarray:
    """The numbers of a data set in the outline.

    Raises
    ------
    NetworkFileError
        If a boolean is neither 0 nor 1.
    """
    numbers = np.empty(array.shape or (), dtype=array.dtype)
    file[array.path].read_direct(numbers)
    if numbers.dtype.kind == "b" and (numbers.view(np.uint8) > 1).any():
        raise NetworkFileError(f"{array.path}: a boolean that is neither 0 nor 1")
    return numbers


class _Outline:
    def __init__(self) -> None:
        self.seen: set[int] = set()
        self.text_bytes = 0
        self.stored_bytes = 0

    def group(self, group: Any, depth: int) -> StoredGroup:
        import h5py

        path = group.name
        self._see(group, path)
        if depth > DEEPEST:
            raise NetworkFileError(f"{path}: groups are nested more than {DEEPEST} deep")
        attributes = {name: self._attribute(group, name) for name in group.attrs}
        members: dict[str, StoredGroup | StoredArray] = {}
        for name in group:
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                raise NetworkFileError(f"{path}: {name!r} is a link; none is followed")
            member = group[name]
            if isinstance(member, h5py.Group):
                members[name] = self.group(member, depth + 1)
            elif isinstance(member, h5py.Dataset):
                members[name] = self._array(member)
            else:
                raise NetworkFileError(f"{member.name}: neither a group nor a data set")
        return StoredGroup(path, attributes, members)

    def _see(self, member: Any, path: str) -> None:
        import h5py

        address = h5py.h5o.get_info(member.id).addr
        if address in self.seen:
            raise NetworkFileError(f"{path}: another name of what has been read already")
        self.seen.add(address)

    def _attribute(self, group: Any, name: str) -> Any:
        import h5py

        where = f"{group.name}: attribute {name!r}"
        identity = group.attrs.get_id(name)
        if _is_text(identity.dtype):
            self._count_text(identity.get_storage_size(), where)
        else:
            _check_type(identity.dtype, where)
        value = group.attrs[name]
        if isinstance(value, h5py.Empty):
            return None
        if isinstance(value, np.ndarray):
            if value.dtype.kind in "OS":
                return [_decoded(one, where) for one in value.reshape(-1)]
            return value
        if isinstance(value, np.bytes_):
            return bytes(value)
        return value.item() if isinstance(value, np.generic) else value

    def _array(self, dataset: Any) -> StoredArray:
        path, shape = dataset.name, dataset.shape
        self._see(dataset, path)
        self.stored_bytes += _check_storage(dataset, path)
        if self.stored_bytes > dataset.file.id.get_filesize():
            raise NetworkFileError(f"{path}: the data sets claim more bytes than the file has")
        if not _is_text(dataset.dtype):
            _check_type(dataset.dtype, path)
            empty = shape is not None and 0 in shape
            return StoredArray(
                path, shape, dataset.dtype, np.empty(shape, dataset.dtype) if empty else None
            )
        if shape is None:
            return StoredArray(path, None, None)
        self._count_text(math.prod(shape) * dataset.id.get_type().get_size(), path)
        value = dataset[()]
        if shape == ():
            self._count_text(len(value), path)
            return StoredArray(path, shape, None, _decoded(value, path))
        texts = np.empty(math.prod(shape), dtype=object)
        for index, one in enumerate(value.reshape(-1)):
            self._count_text(len(one), path)
            texts[index] = _decoded(one, path)
        return StoredArray(path, shape, None, texts.reshape(shape))

    def _count_text(self, n_bytes: int, where: str) -> None:
        self.text_bytes += n_bytes
        if self.text_bytes > MOST_TEXT:
            raise NetworkFileError(f"{where}: more than {MOST_TEXT} bytes of text in the file")


def _is_text(dtype: np.dtype) -> bool:
    import h5py

    return dtype.kind == "O" and h5py.check_string_dtype(dtype) is not None


def _decoded(value: Any, where: str) -> str:
    if isinstance(value, str):
        return value
    try:
        return bytes(value).decode("utf-8")
    except UnicodeDecodeError:
        raise NetworkFileError(f"{where}: text that is not UTF-8") from None


def _check_type(dtype: np.dtype, where: str) -> None:
    wide = dtype.itemsize > 8 and dtype.kind != "S"
    if dtype.kind not in PLAIN_KINDS or dtype.subdtype is not None or wide:
        raise NetworkFileError(
            f"{where}: type {dtype}; numbers of at most 8 bytes, booleans and text are read"
        )


def _check_storage(dataset: Any, path: str) -> int:
    """Compare what a data set claims with the bytes stored of it, and give those."""
    from h5py import h5d, h5z

    settings = dataset.id.get_create_plist()
    layout = settings.get_layout()
    if layout == h5d.VIRTUAL:
        raise NetworkFileError(f"{path}: a virtual data set, whose data are in other files")
    if settings.get_external_count():
        raise NetworkFileError(f"{path}: its data are in another file")
    filters = [settings.get_filter(number)[0] for number in range(settings.get_nfilters())]
    known = {h5z.FILTER_SHUFFLE, h5z.FILTER_DEFLATE, h5z.FILTER_FLETCHER32}
    if len(set(filters)) != len(filters) or not set(filters) <= known:
        raise NetworkFileError(
            f"{path}: filters {filters}; gzip (1), shuffle (2), fletcher32 (3) are read, each once"
        )
    stored = int(dataset.id.get_storage_size())
    if not dataset.shape or 0 in dataset.shape:
        return stored
    claimed = math.prod(dataset.shape) * dataset.id.get_type().get_size()
    if layout == h5d.CHUNKED:
        pairs = zip(dataset.shape, dataset.chunks, strict=True)
        needed = math.prod(-(-size // chunk) for size, chunk in pairs)
        found = dataset.id.get_num_chunks()
        if found != needed:
            raise NetworkFileError(f"{path}: {found} chunks of {needed} are stored")
        claimed = needed * math.prod(dataset.chunks) * dataset.id.get_type().get_size()
        if h5z.FILTER_DEFLATE in filters:
            claimed //= MOST_GZIP
    if stored < claimed:
        raise NetworkFileError(
            f"{path}: shape {dataset.shape} of {dataset.dtype}, but {stored} bytes are stored"
        )
    return stored
