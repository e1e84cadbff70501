"""Fixed-point on-chip learning by spike synchrony, event-driven and exact.

Importing it loads NumPy only: kernels, PyTorch and Lava are loaded when they are used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ssdp_neuro import plot as plot
    from ssdp_neuro.engine.learn_result import LearnResult
    from ssdp_neuro.engine.learner import learn
    from ssdp_neuro.engine.results import EventCounts, RunResult
    from ssdp_neuro.engine.simulator import simulate

__all__ = ["EventCounts", "LearnResult", "RunResult", "learn", "simulate"]

_HOMES = {
    "EventCounts": "ssdp_neuro.engine.results",
    "LearnResult": "ssdp_neuro.engine.learn_result",
    "RunResult": "ssdp_neuro.engine.results",
    "learn": "ssdp_neuro.engine.learner",
    "simulate": "ssdp_neuro.engine.simulator",
}


def __getattr__(name: str) -> Any:
    import importlib

    if name == "plot":
        return importlib.import_module("ssdp_neuro.plot")
    if name not in _HOMES:
        raise AttributeError(f"module 'ssdp_neuro' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
