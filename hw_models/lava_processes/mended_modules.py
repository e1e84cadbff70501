"""Modules of Lava and lava-dl that are mended, or stood in for, when a program imports them.

- ``lava.lib.dl.slayer`` imports its object detection, which needs torchvision and OpenCV.
  Nothing else of lava-dl does, netx least of all. Where one of them is missing, or torchvision
  was built for another PyTorch, the object detection alone is missing, and says so when it is
  asked for.
- Lava's ``Conv`` adds sizes of images to 8-bit integers, which NumPy 2 refuses from 128 on.
- Lava's ``InvSqrt`` and netx's input layers convert arrays of one element to integers, which
  NumPy refuses since 2.5.
- ``lava.proc.embedded_io``, of which programs for the chip take their adapters, is a part of an
  extension that only Intel gives out. Where it is missing, adapters of ours take its place; so do
  classes by which programs describe models in C and for neuro cores, and options of the compiler
  for the chip. Lava takes those options for a sign of a chip: it is told that there is none.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any, NoReturn

import numpy as np

from hw_models.errors import MissingExtraError

OBJECT_DETECTION = "lava.lib.dl.slayer.object_detection"
CONVOLUTION = "lava.proc.conv.utils"
INVERSE_ROOT = "lava.proc.graded.models"
NETWORK_FILE = "lava.lib.dl.netx.hdf5"
SYSTEM = "lava.utils.system"
ADAPTERS = "lava.proc.embedded_io"
MODELS_IN_C, CORE_MODELS = "lava.magma.core.model.c", "lava.magma.core.model.nc"
CHIP_COMPILER = "lava.magma.compiler.subcompilers.nc"
OPTIONS = f"{CHIP_COMPILER}.ncproc_compiler"
_OURS = "hw_models.lava_processes"
PACKAGES = {
    ADAPTERS: f"{_OURS}.embedded_io",
    MODELS_IN_C: f"{_OURS}.chip_models",
    CORE_MODELS: f"{_OURS}.chip_models",
    CHIP_COMPILER: f"{_OURS}.chip_compiler",
}
STANDING_IN = {
    **PACKAGES,
    f"{ADAPTERS}.spike": f"{_OURS}.embedded_io.spike",
    **{f"{MODELS_IN_C}.{part}": f"{_OURS}.chip_models" for part in ("model", "ports", "type")},
    **{
        f"{CORE_MODELS}.{part}": f"{_OURS}.chip_models"
        for part in ("model", "ports", "type", "var", "net", "tables")
    },
    OPTIONS: f"{_OURS}.chip_compiler",
}

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
        if name in STANDING_IN and _is_missing(name, path):
            return ModuleSpec(name, _StandIn(), is_package=name in PACKAGES)
        if name not in MENDED:
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            loader: Any = spec.loader
            loader.exec_module = MENDED[name](loader.exec_module)
        return spec


def _is_missing(name: str, path: Sequence[str] | None) -> bool:
    """Whether a module is not there, or is a part of one that we stand in for."""
    package = name.rpartition(".")[0]
    if package in PACKAGES:
        return sys.modules[package] is sys.modules.get(PACKAGES[package])
    return PathFinder.find_spec(name, path) is None


class _StandIn(Loader):
    """Gives a module of ours for one that is missing."""

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = importlib.import_module(STANDING_IN[spec.name])
        self._spec = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = self._spec  # it was executed under its own name


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


def _with_scalar_roots(execute: Execute) -> Execute:
    def exec_module(module: ModuleType) -> None:
        execute(module)
        named: Any = module
        by_lava = named.inv_sqrt
        named.inv_sqrt = lambda value, *given, **more: by_lava(_scalar(value), *given, **more)

    return exec_module


def _with_scalar_inputs(execute: Execute) -> Execute:
    def exec_module(module: ModuleType) -> None:
        execute(module)
        kind: Any = module.__dict__["Network"]
        by_netx = kind.create_input

        def create_input(layer_config: Any, *given: Any, **more: Any) -> Any:
            return by_netx(_ScalarFields(layer_config), *given, **more)

        kind.create_input = staticmethod(create_input)

    return exec_module


class _ScalarFields:
    """A layer of a network file whose fields of one element are scalars."""

    def __init__(self, layer: Any) -> None:
        self._layer = layer
        self.keys = layer.keys

    def __getitem__(self, name: str) -> Any:
        return _scalar(self._layer[name]) if name in ("weight", "bias") else self._layer[name]


def _without_a_chip(execute: Execute) -> Execute:
    def exec_module(module: ModuleType) -> None:
        execute(module)
        named: Any = module
        by_lava = named.Loihi2.__dict__["is_loihi2_available"]

        def is_loihi2_available() -> bool:
            try:
                options = importlib.import_module(OPTIONS)
            except ModuleNotFoundError:
                return False
            return options.__name__ == OPTIONS and by_lava.__get__(None, named.Loihi2)()

        named.Loihi2.is_loihi2_available = named.staticproperty(is_loihi2_available)

    return exec_module


def _scalar(value: Any) -> Any:
    array = np.asarray(value)
    return array.item() if array.size == 1 else value


def _integers(pair: Any) -> tuple[int, ...]:
    return tuple(int(each) for each in pair)


MENDED: dict[str, Callable[[Execute], Execute]] = {
    OBJECT_DETECTION: _without_object_detection,
    CONVOLUTION: _with_whole_sizes,
    INVERSE_ROOT: _with_scalar_roots,
    NETWORK_FILE: _with_scalar_inputs,
    SYSTEM: _without_a_chip,
}
