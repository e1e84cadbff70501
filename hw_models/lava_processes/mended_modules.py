"""Modules of Lava and lava-dl that are mended when a program imports them.

- ``lava.lib.dl.slayer`` imports its object detection, which needs torchvision and OpenCV.
  Nothing else of lava-dl does, netx least of all. Where one of them is missing, or torchvision
  was built for another PyTorch, the object detection alone is missing, and says so when it is
  asked for.
- Lava's ``Conv`` adds sizes of images to 8-bit integers, which NumPy 2 refuses from 128 on.
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
CONVOLUTION = "lava.proc.conv.utils"

Execute = Callable[[ModuleType], None]


def mend_when_imported() -> None:
    """Mend the modules of this file as soon as they are imported."""
    if not any(isinstance(finder, _MendingFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _MendingFinder())


class _MendingFinder(MetaPathFinder):
    """Finds what Python finds, with a loader that mends."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name not in MENDED:
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            loader: Any = spec.loader
            loader.exec_module = MENDED[name](loader.exec_module)
        return spec


def _without_object_detection(execute: Execute) -> Execute:
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


def _with_whole_sizes(execute: Execute) -> Execute:
    def exec_module(module: ModuleType) -> None:
        execute(module)
        named: Any = module
        by_lava = named.output_shape

        def output_shape(
            input_shape: Any, out_channels: int, *sizes: Any, **named_sizes: Any
        ) -> Any:
            return by_lava(
                input_shape,
                out_channels,
                *(_integers(each) for each in sizes),
                **{name: _integers(each) for name, each in named_sizes.items()},
            )

        named.output_shape = output_shape

    return exec_module


def _integers(pair: Any) -> tuple[int, ...]:
    return tuple(int(each) for each in pair)


MENDED: dict[str, Callable[[Execute], Execute]] = {
    OBJECT_DETECTION: _without_object_detection,
    CONVOLUTION: _with_whole_sizes,
}
