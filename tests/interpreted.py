"""Kernel modules as plain Python, helpers included, to test the source beside the machine code."""

from __future__ import annotations

import types
from typing import Any

from ssdp_neuro.compilation.compiler import python_body


def interpreted(module: types.ModuleType) -> types.SimpleNamespace:
    """A copy of a kernel module in which every kernel, also a called one, is its Python body."""
    return types.SimpleNamespace(**_copy(module.__dict__))


def _copy(names: dict[str, Any]) -> dict[str, Any]:
    copy = dict(names)
    for name, value in names.items():
        body = python_body(value)
        if body is not value:
            home = copy if body.__globals__ is names else _copy(body.__globals__)
            copy[name] = types.FunctionType(body.__code__, home, body.__name__, body.__defaults__)
    return copy
