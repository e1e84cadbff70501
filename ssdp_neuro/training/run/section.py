"""A section of a config file and the frozen dataclass that holds it."""

from __future__ import annotations

import dataclasses
import difflib
import enum
import re
import types
import typing
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from hw_models import InputError, TypeMismatchError
from hw_models.errors import brief
from hw_models.integers import real

Section = TypeVar("Section")
LONGEST_SHOWN = 80
FIELD = re.compile(r"^(\w+(?:, \w+)*)(?: : .*)?$")


class FieldNote(typing.NamedTuple):
    """What a field is called, may hold, holds if left out, and means."""

    name: str
    allowed: str
    default: str
    meaning: str


def read_section(kind: type[Section], table: Any, where: str) -> Section:
    """Make a dataclass of the table of a TOML file.

    Parameters
    ----------
    kind
        A dataclass of numbers, strings, enums, tuples of those, and ``None`` for what is
        left out.
    table
        Plain values by field.
    where
        For messages.

    Raises
    ------
    InputError, TypeMismatchError
        If a field is not known or has the wrong type; names it, and the nearest known one.
    SsdpError
        What the dataclass itself refuses.
    """
    if not isinstance(table, Mapping):
        raise TypeMismatchError(f"{where}: {brief(table)}; a section with fields is needed")
    known = {field.name for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
    for name in table:
        if name not in known:
            raise InputError(f"{where}: no field {name!r}{nearest(name, known)}")
    hints = typing.get_type_hints(kind)
    values = {name: _value(f"{where} {name}", hints[name], value) for name, value in table.items()}
    missing = [
        field.name
        for field in dataclasses.fields(kind)  # type: ignore[arg-type]
        if field.default is dataclasses.MISSING
        and field.default_factory is dataclasses.MISSING
        and field.name not in values
    ]
    if missing:
        raise InputError(f"{where}: {missing[0]} is needed")
    return kind(**values)


def plain(settings: Any) -> dict[str, Any]:
    """The fields of a dataclass as TOML can hold them; those that are ``None`` left out."""
    values = {field.name: getattr(settings, field.name) for field in dataclasses.fields(settings)}
    return {name: _plain(value) for name, value in values.items() if value is not None}


def filled(kind: Any, table: dict[str, Any]) -> dict[str, Any]:
    """What :func:`plain` gave in an earlier release, with the defaults of fields that came since.

    Those change nothing. A field that may be ``None`` says so by being left out.
    """
    hints = typing.get_type_hints(kind)
    defaults = {
        field.name: _plain(field.default)
        for field in dataclasses.fields(kind)
        if field.default is not dataclasses.MISSING
        and type(None) not in typing.get_args(hints[field.name])
    }
    return {**defaults, **table}


def field_notes(kind: Any) -> list[FieldNote]:
    """Every field with its type, default and what its class's docstring says of it."""
    hints = typing.get_type_hints(kind)
    meanings = _meanings(kind.__doc__ or "")
    notes = []
    for field in dataclasses.fields(kind):
        default = field.default
        if field.default_factory is not dataclasses.MISSING:
            default = field.default_factory()
        if default is dataclasses.MISSING:
            shown = "needed"
        else:
            shown = "left out" if default is None else toml_value(_plain(default))
        meaning = meanings.get(field.name, "")
        notes.append(FieldNote(field.name, _allowed(hints[field.name]), shown, meaning))
    return notes


def nearest(name: str, known: Iterable[str]) -> str:
    """A half sentence that names what was probably meant."""
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; allowed are {', '.join(names)}"


def toml_value(value: Any) -> str:
    """A plain value as TOML writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return '"' + "".join(c if c.isprintable() else f"\\U{ord(c):08x}" for c in escaped) + '"'
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(toml_value(item) for item in value)}]"
    if isinstance(value, dict):
        inner = ", ".join(f"{toml_value(str(k))} = {toml_value(v)}" for k, v in value.items())
        return f"{{{inner}}}"
    return repr(value)


def _plain(value: Any) -> Any:
    if isinstance(value, enum.Enum):
        return _word(value)
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    if isinstance(value, (bool, int, float, str, dict)):
        return value
    return str(value)  # paths


def _value(where: str, hint: Any, value: Any) -> Any:
    origin = typing.get_origin(hint)
    if origin in (typing.Union, types.UnionType):
        choices = [choice for choice in typing.get_args(hint) if choice is not type(None)]
        for choice in choices[:-1]:
            try:
                return _value(where, choice, value)
            except TypeMismatchError:
                continue
        return _value(where, choices[-1], value)
    if origin is tuple:
        if not isinstance(value, (list, tuple)):
            raise _wrong(where, hint, value)
        inner = typing.get_args(hint)
        kinds = inner if Ellipsis not in inner else (inner[0],) * len(value)
        if len(kinds) != len(value):
            raise _wrong(where, hint, value)
        pairs = zip(kinds, value, strict=True)
        return tuple(_value(f"{where}[{i}]", k, item) for i, (k, item) in enumerate(pairs))
    choices = _choices(hint)
    if choices:
        return _choice(where, choices, value)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return real(where, value)
    if hint in (bool, int, float, str):
        if type(value) is not hint:
            raise _wrong(where, hint, value)
        return value
    if isinstance(value, str):
        return hint(value)  # paths
    raise _wrong(where, hint, value)


def _choices(hint: Any) -> list[enum.Enum]:
    """What a field that names one of several may be: an enum, or some of its members."""
    if typing.get_origin(hint) is typing.Literal:
        return list(typing.get_args(hint))
    return list(hint) if isinstance(hint, type) and issubclass(hint, enum.Enum) else []


def _word(member: enum.Enum) -> str:
    """What a config calls a member: its value, or its name where that is a record."""
    return member.value if isinstance(member.value, str) else member.name.lower()


def _choice(where: str, members: list[enum.Enum], value: Any) -> enum.Enum:
    words = [_word(member) for member in members]
    for member, word in zip(members, words, strict=True):
        if value == word and isinstance(value, str):
            return member
    close = nearest(str(value), words)
    more = f" ({', '.join(words)})" if "did you mean" in close else ""
    raise InputError(f"{where}: {value!r}{close}{more}")


def _wrong(where: str, hint: Any, value: Any) -> TypeMismatchError:
    shown = toml_value(value)
    if len(shown) > LONGEST_SHOWN:
        shown = f"{shown[:LONGEST_SHOWN]}..."
    return TypeMismatchError(f"{where}: {shown}; {_allowed(hint)} is needed")


def _allowed(hint: Any) -> str:
    origin = typing.get_origin(hint)
    if origin in (typing.Union, types.UnionType):
        kinds = [kind for kind in typing.get_args(hint) if kind is not type(None)]
        return " or ".join(_allowed(kind) for kind in kinds)
    if origin is tuple:
        return f"list of {_allowed(typing.get_args(hint)[0])}"
    choices = _choices(hint)
    if choices:
        return " | ".join(f'"{_word(member)}"' for member in choices)
    names = {bool: "true | false", int: "integer", float: "number", str: "text"}
    return names.get(hint, "text")


def _meanings(docstring: str) -> dict[str, str]:
    """Text of each entry of a numpydoc ``Parameters`` section, by name."""
    lines = docstring.expandtabs().splitlines()
    starts = [i for i, line in enumerate(lines) if line.strip() == "Parameters"]
    if not starts:
        return {}
    indent = len(lines[starts[0]]) - len(lines[starts[0]].lstrip())
    meanings: dict[str, str] = {}
    names: list[str] = []
    for i in range(starts[0] + 2, len(lines)):
        line = lines[i]
        depth = len(line) - len(line.lstrip())
        following = lines[i + 1].strip() if i + 1 < len(lines) else ""
        if line.strip() and depth <= indent:
            found = FIELD.match(line.strip())
            if not found or (following and set(following) == {"-"}):
                break
            names = found.group(1).split(", ")
        elif line.strip():
            for name in names:
                meanings[name] = f"{meanings.get(name, '')} {line.strip()}".strip()
    return {name: text.replace("``", "") for name, text in meanings.items()}
