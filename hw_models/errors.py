"""The errors of the three packages: one root, each child also a builtin kind."""

from __future__ import annotations

from typing import Any

LONGEST_REPR = 200


class SsdpError(Exception):
    """Root of every error that this distribution raises on purpose."""


class RangeError(SsdpError, ValueError):
    """A value lies outside the range of the register or field that must hold it."""


class ShapeError(SsdpError, ValueError):
    """An array has the wrong shape, or two shapes that must agree do not."""


class TypeMismatchError(SsdpError, TypeError):
    """A value has the wrong type, for instance a float where an integer mantissa belongs."""


class NameClashError(SsdpError, ValueError):
    """Two parts of a network share a name, or one is used for what it cannot name."""


class UnknownNameError(SsdpError, KeyError):
    """Nothing in a network has this name; the message lists those there are."""

    __str__ = Exception.__str__  # a KeyError shows the repr of its message


class InputError(SsdpError, ValueError):
    """Spikes, events or labels given to an executor are not usable as they are."""


class NetworkFileError(SsdpError, ValueError):
    """A file is not a network file of this distribution, or a damaged or newer one."""


class MissingFileError(NetworkFileError, FileNotFoundError):
    """There is no file at this path."""


class LearningRuleError(SsdpError, ValueError):
    """A learning rule's equation cannot be read, or not be held; names the term."""


class ConversionError(SsdpError, ValueError):
    """A model has a layer or a setting that cannot be converted exactly."""


class ExecutorError(SsdpError, RuntimeError):
    """An executor outside this distribution failed, or did not finish in time."""


class MissingExtraError(SsdpError, ImportError):
    """An optional dependency is needed; the message names the command that installs it."""


def brief(value: Any) -> str:
    """A value in an error message: its ``repr`` if that is short and one line, else its type."""
    try:
        text = repr(value)
    except ValueError:  # Python writes no integer of more than 4300 digits
        return type(value).__name__
    if len(text) <= LONGEST_REPR and "\n" not in text:
        return text
    return type(value).__name__
