"""Make lava-nc 0.10.0 importable on the Pythons and NumPys of this distribution.

Lava's files stay as they are. What is different while, or after, Lava is imported:

- Python >= 3.11 refuses an unhashable dataclass default, and Lava has one
  (``ByteEncoder`` in ``lava.magma.compiler.var_model``): it is made hashable.
- Lava sets the start method of ``multiprocessing`` to "fork" as soon as it is imported,
  which fails in a program that chose another one. Lava's call is left out wherever the
  program has chosen, or "fork" is the default anyway; :func:`require_fork` is asked
  where Lava's runtime is about to be needed in this program.
- NumPy 2.1 deprecates and NumPy 2.4 drops the argument ``newshape``, which Lava's reshaped
  ports use: they are given a reshape without it.
- Modules that a program imports later are mended then, see
  :mod:`hw_models.lava_processes.mended_modules`.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib
import multiprocessing
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np

from hw_models.errors import ExecutorError, MissingExtraError
from hw_models.lava_processes.mended_modules import mend_when_imported

INSTALL_COMMANDS = (
    "python -m pip install --no-deps --ignore-requires-python lava-nc==0.10.0",
    'python -m pip install "asteval<0.10" "networkx<=2.8.7" "numpy<2.4" "scikit-learn<2" "scipy<2"',
)
VAR_MODEL = "lava.magma.compiler.var_model"


def import_lava() -> None:
    """Import Lava's compiler and processes, once.

    Raises
    ------
    MissingExtraError
        If Lava, or something that it needs, is not installed; names the commands.
    """
    mend_when_imported()
    try:
        with ExitStack() as changes:
            changes.enter_context(warnings.catch_warnings())
            warnings.simplefilter("ignore")  # of old syntax in Lava and what it needs
            changes.enter_context(_start_method_kept())
            if VAR_MODEL not in sys.modules:
                changes.enter_context(_hashable_default())
            importlib.import_module(VAR_MODEL)
            importlib.import_module("lava.magma.compiler.compiler")
            ports = importlib.import_module("lava.magma.core.process.ports.ports")
    except ImportError as error:
        raise MissingExtraError(
            f"Lava, the extra 'lava', cannot be imported ({error}); it is installed by: "
            + " && ".join(INSTALL_COMMANDS)
        ) from error
    if tuple(int(part) for part in np.__version__.split(".")[:2]) >= (2, 1):
        _mend_reshaped_ports(ports.ReshapePort)


def require_fork() -> None:
    """Refuse a program in which Lava's own runtime cannot start its processes.

    Raises
    ------
    ExecutorError
        If the start method of ``multiprocessing`` is not "fork".
    """
    method = _start_method()
    if method != "fork":
        raise ExecutorError(
            f"multiprocessing start method: {method!r}; Lava's runtime needs 'fork'. Choose it"
            " before Lava is used, or call conversions.run_lava, which starts an interpreter"
            " of its own"
        )


def _start_method() -> str:
    """The start method in force, without fixing it as a side effect."""
    chosen = multiprocessing.get_start_method(allow_none=True)
    return chosen or multiprocessing.get_all_start_methods()[0]


@contextmanager
def _start_method_kept() -> Iterator[None]:
    """Leave out Lava's choice of a start method unless it is needed and harmless."""
    original = multiprocessing.set_start_method
    chosen = multiprocessing.get_start_method(allow_none=True)
    if chosen is None and _start_method() != "fork":
        yield
        return
    multiprocessing.set_start_method = lambda *_, **__: None
    try:
        yield
    finally:
        multiprocessing.set_start_method = original


@contextmanager
def _hashable_default() -> Iterator[None]:
    """Give the dataclass ``ByteEncoder`` a hash while Lava's module defines it."""
    original = dataclasses.dataclass

    def dataclass(cls: Any = None, /, **options: Any) -> Any:
        def decorate(kind: Any) -> Any:
            if (kind.__module__, kind.__name__) == (VAR_MODEL, "ByteEncoder"):
                return original(kind, **{**options, "unsafe_hash": True})
            return original(kind, **options)

        return decorate if cls is None else decorate(cls)

    dataclasses.dataclass = dataclass
    try:
        yield
    finally:
        dataclasses.dataclass = original


def _reshaped(data: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    return data.reshape(shape)


def _mend_reshaped_ports(port_class: Any) -> None:
    def forward(port: Any) -> Callable[[np.ndarray], np.ndarray]:
        return functools.partial(_reshaped, shape=port.shape)

    def backward(port: Any) -> Callable[[np.ndarray], np.ndarray]:
        return functools.partial(_reshaped, shape=port.old_shape)

    port_class.get_transform_func_fwd = forward
    port_class.get_transform_func_bwd = backward
