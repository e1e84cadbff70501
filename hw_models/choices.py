"""Choices, checked at the door: a member of an enumeration, or its word on the command line."""

from __future__ import annotations

import enum
from typing import Any, TypeVar

from hw_models.errors import TypeMismatchError, brief

Member = TypeVar("Member", bound=enum.Enum)


def word(one: enum.Enum) -> str:
    """What the command line calls a member: its name in small letters, with hyphens."""
    return one.name.lower().replace("_", "-")


def member(where: str, value: Any, kind: type[Member]) -> Member:
    """A member of an enumeration and nothing else.

    Raises
    ------
    TypeMismatchError
        If ``value`` is something else, its word too; lists what is allowed.

    Examples
    --------
    >>> from hw_models import ResetMode
    >>> member("cell.reset", ResetMode.ZERO, ResetMode).name
    'ZERO'
    """
    if isinstance(value, kind):
        return value
    allowed = ", ".join(f"{kind.__name__}.{one.name}" for one in kind)
    raise TypeMismatchError(f"{where}: {brief(value)}; a {kind.__name__} is needed: {allowed}")


def choice(where: str, value: Any, kind: type[Member]) -> Member:
    """A member of an enumeration, or the member of a word: of what the command line offers, too.

    Raises
    ------
    TypeMismatchError
        If ``value`` is something else; lists the words.

    Examples
    --------
    >>> from hw_models import ResetMode
    >>> choice("reset", "subtract", ResetMode).name
    'SUBTRACT'
    """
    if isinstance(value, kind):
        return value
    for one in kind:
        if isinstance(value, str) and value == word(one):
            return one
    words = ", ".join(repr(word(one)) for one in kind)
    raise TypeMismatchError(
        f"{where}: {brief(value)}; a {kind.__name__} is needed, or one of {words}"
    )
