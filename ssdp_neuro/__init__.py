"""Fixed-point on-chip learning by spike synchrony, event-driven and exact.

Importing it loads NumPy only: kernels, PyTorch and Lava are loaded when they are used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ssdp_neuro.engine.results import EventCounts, RunResult
    from ssdp_neuro.engine.simulator import simulate

__all__ = ["EventCounts", "RunResult", "simulate"]

_HOMES = {
    "EventCounts": "ssdp_neuro.engine.results",
    "RunResult": "ssdp_neuro.engine.results",
    "simulate": "ssdp_neuro.engine.simulator",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'ssdp_neuro' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_HOMES[name]), name)
