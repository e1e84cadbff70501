"""What all frozen records share: a short ``repr``, and copies that stay frozen."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping
from typing import Any

import numpy as np

LONGEST_TUPLE = 8


def short_repr(record: Any) -> str:
    """What a record is, in one line: its plain fields, and the sizes of its arrays and parts.

    For a dataclass's ``__repr__``. Fields at their defaults are left out.

    Examples
    --------
    >>> from hw_models import DenseProjection
    >>> DenseProjection(source="eye", target="cell", weights=np.zeros((3, 100), dtype=int))
    DenseProjection(source='eye', target='cell', weights=int16 (3, 100), name='eye->cell')
    """
    shown = []
    for field in dataclasses.fields(record):
        value = getattr(record, field.name, None)
        if field.repr and not _is_default(field, value):
            shown.append(f"{field.name}={_short(value)}")
    return f"{type(record).__name__}({', '.join(shown)})"


def _is_default(field: Any, value: Any) -> bool:
    if isinstance(value, np.ndarray):
        return value.size == 1 and bool(np.all(value == field.default))
    if field.default is dataclasses.MISSING:
        return False
    return type(value) is type(field.default) and bool(value == field.default)


def _short(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return str(value.item()) if value.size == 1 else f"{value.dtype} {value.shape}"
    if isinstance(value, enum.Enum):
        return f"{type(value).__name__}.{value.name}"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key!r}: {_short(part)}" for key, part in value.items()) + "}"
    if isinstance(value, (list, tuple)) and len(value) > LONGEST_TUPLE:
        return f"{len(value)} items"
    if isinstance(value, tuple) and any(dataclasses.is_dataclass(part) for part in value):
        return f"{len(value)} records"
    return repr(value)


class FrozenRecord:
    """Base of checked records: nothing of one changes, so neither do its copies.

    A deep copy would hold writable arrays, and a pickled one whatever its bytes say; the
    first is the record itself, the second goes through the constructor's checks again.
    """

    __repr__ = short_repr

    def __copy__(self) -> Any:
        return self

    def __deepcopy__(self, memo: Any) -> Any:
        return self

    def __reduce__(self) -> Any:
        fields = [field.name for field in dataclasses.fields(self) if field.init]  # type: ignore[arg-type]
        return _build, (type(self), {name: getattr(self, name) for name in fields})


def _build(kind: Any, values: dict[str, Any]) -> Any:
    return kind(**values)
