"""lava-dl where torchvision or OpenCV are missing.

``lava.lib.dl.slayer`` imports its object detection, which needs both. Nothing else of lava-dl
does, netx least of all. Where one of them is missing, or torchvision was built for another
PyTorch, the object detection alone is missing, and says so when it is asked for.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any, NoReturn

from hw_models.errors import MissingExtraError

OBJECT_DETECTION = "lava.lib.dl.slayer.object_detection"


class _ObjectDetectionFinder(MetaPathFinder):
    """Finds what Python finds, with a loader that forgives."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name != OBJECT_DETECTION:
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            loader: Any = spec.loader
            loader.exec_module = _forgiving(loader.exec_module)
        return spec


def make_object_detection_optional() -> None:
    """Let lava-dl be imported without what only its object detection needs."""
    if not any(isinstance(finder, _ObjectDetectionFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _ObjectDetectionFinder())


def _forgiving(execute: Callable[[ModuleType], None]) -> Callable[[ModuleType], None]:
    def exec_module(module: ModuleType) -> None:
        try:
            execute(module)
        except Exception as error:  # a torchvision of another PyTorch fails in ways of its own
            module.__dict__["__getattr__"] = _refusing(error)

    return exec_module


def _refusing(reason: Exception) -> Callable[[str], NoReturn]:
    def __getattr__(name: str) -> NoReturn:  # noqa: N807 Python's name for it
        if name.startswith("__"):
            raise AttributeError(name)
        raise MissingExtraError(
            f"{OBJECT_DETECTION}.{name}: lava-dl's object detection could not be imported"
            f" ({type(reason).__name__}: {reason}); it needs opencv-python-headless, and a"
            " torchvision that was built for the PyTorch that is installed"
        ) from reason

    return __getattr__
