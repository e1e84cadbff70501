"""Which ProcessModels implement a Process, found where Lava's compiler looks for them.

Lava looks in the module of the Process, then in all files beside it, then in the packages of
the same name that other distributions add; it executes every file that it comes across. Here
a file is executed only if it is not imported already and speaks of the Process: others cannot
hold a model of it.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import pkgutil
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from lava.magma.compiler.exceptions import NoProcessModelFound
from lava.magma.core.model.model import AbstractProcessModel

_FOUND: dict[type, list[type]] = {}


def models_of(process: Any) -> list[type]:
    """Models of a Process, in the order in which Lava's compiler would find them.

    Raises
    ------
    NoProcessModelFound
        As of Lava's compiler, if there is none.
    """
    kind = type(process)
    module = sys.modules[kind.__module__]
    found = _models_in(module, kind)
    if kind in _FOUND:
        beside = _FOUND[kind]
    else:
        beside = [model for file in _files(kind, module) for model in _models_in_file(file, kind)]
        _FOUND[kind] = beside
    models = list(dict.fromkeys([*found, *beside]))
    if not models:
        raise NoProcessModelFound(process)
    return models


def _models_in(module: ModuleType, kind: type) -> list[type]:
    return [
        each
        for each in list(vars(module).values())
        if inspect.isclass(each)
        and each.__module__ == module.__name__
        and issubclass(each, AbstractProcessModel)
        and getattr(each, "implements_process", None) is kind
    ]


def _folders(kind: type, module: ModuleType) -> list[Path]:
    folders = []
    if file := _file_of(kind, module):
        folders.append(Path(file).parent)
    if module.__name__ != "__main__" and module.__spec__ and module.__spec__.parent:
        parent = importlib.import_module(module.__spec__.parent)
        folders += [Path(each) for each in getattr(parent, "__path__", ())]
    return list(dict.fromkeys(folders))


def _file_of(kind: type, module: ModuleType) -> str | None:
    if file := getattr(module, "__file__", None):
        return file
    for _, member in inspect.getmembers(kind, inspect.isfunction):  # a class of a notebook
        if member.__qualname__ == f"{kind.__qualname__}.{member.__name__}":
            return inspect.getfile(member)
    return None


def _files(kind: type, module: ModuleType) -> Iterator[Path]:
    for folder in _folders(kind, module):
        for _, name, _ in pkgutil.iter_modules([str(folder)]):
            file = folder / f"{name}.py"
            if file.is_file() and str(file) != getattr(module, "__file__", None):
                text = file.read_text(encoding="utf-8", errors="replace")
                if "implements" in text and kind.__name__ in text:
                    yield file


def _models_in_file(file: Path, kind: type) -> list[type]:
    for module in list(sys.modules.values()):
        if getattr(module, "__file__", None) == str(file):
            return _models_in(module, kind)
    package = sys.modules[kind.__module__].__package__
    name = f"{package}.{file.stem}" if package else file.stem
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            module = importlib.import_module(name)
        if getattr(module, "__file__", None) != str(file):
            module = _executed(file)
    except Exception as error:
        warnings.warn(
            f"{file} cannot be imported to look for models of {kind.__name__}: {error!r}",
            stacklevel=2,
        )
        return []
    return _models_in(module, kind)


def _executed(file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
