"""TOML with bounds: what a config file may be, before anyone looks at its fields."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from hw_models import InputError
from hw_models.extras import missing_extra

MOST_BYTES = 2**20
DEEPEST = 32  # tables and lists within each other
LOWEST, HIGHEST = -(2**63), 2**63 - 1  # integers of TOML


def read_toml(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The tables of a file.

    Raises
    ------
    InputError
        If it is not TOML, larger than 1 MiB, nested more than 32 deep, or has an integer of
        more than 64 bits.
    OSError
        If it cannot be opened.
    """
    with Path(path).open("rb") as file:
        data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise InputError(f"{path}: larger than {MOST_BYTES} bytes; no config file")
    return parse_toml(data, str(path))


def parse_toml(data: bytes, where: str) -> dict[str, Any]:
    """The tables of a TOML text; errors as :func:`read_toml`, with ``where`` before them."""
    try:
        tables: dict[str, Any] = _tomllib().loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:  # TOML's and Unicode's errors, huge integers
        deep = isinstance(error, RecursionError)
        reason = f"nested more than {DEEPEST} deep" if deep else error
        raise InputError(f"{where}: not TOML: {reason}") from None
    _check(tables, where, 0)
    return tables


def parse_value(text: str) -> Any:
    """What stands behind ``field=``: a TOML value, or text without quotes."""
    try:
        tables = _tomllib().loads(f"value = {text}")
    except (ValueError, RecursionError):
        return text.strip()
    if set(tables) != {"value"}:
        return text.strip()
    _check(tables["value"], text.strip()[:40], 0)
    return tables["value"]


def _check(value: Any, where: str, depth: int) -> None:
    if depth > DEEPEST:
        raise InputError(f"{where}: nested more than {DEEPEST} deep")
    if isinstance(value, dict):
        for name, inner in value.items():
            _check(inner, f"{where}: {name}" if depth < 2 else where, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            _check(inner, where, depth + 1)
    elif isinstance(value, int) and not LOWEST <= value <= HIGHEST:
        bits = value.bit_length() + 1
        raise InputError(f"{where}: an integer of {bits} bits; 64 are allowed")


def _tomllib() -> Any:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        try:
            import tomli as tomllib
        except ImportError:
            raise missing_extra("TOML", "tomli") from None
    return tomllib
