"""Packages that only some uses need: imported when they are used, missed by name."""

from __future__ import annotations

import importlib
from typing import Any

from hw_models.errors import MissingExtraError

# the extra of pyproject.toml that brings a module
EXTRAS = {
    "distributed": "cluster",
    "lava": "lava",
    "matplotlib": "plot",
    "nir": "nir",
    "pandas": "analysis",
    "safetensors": "train",
    "sklearn": "train",
    "tensorboard": "train",
    "tomli": "train",
    "tonic": "train",
    "torch": "train",
    "xarray": "analysis",
}


def missing_extra(what: str, module: str) -> MissingExtraError:
    """The error of ``what`` for a module of :data:`EXTRAS` that cannot be imported."""
    return _missing(what, module, EXTRAS[module])


def _missing(what: str, module: str, extra: str) -> MissingExtraError:
    return MissingExtraError(
        f"{what} needs {module}, of the extra {extra!r}:"
        f' pip install ".[{extra}]" in a clone of ssdp_neuro'
    )


def import_extra(module: str, extra: str, what: str, package: str = "") -> Any:
    """A module of an optional dependency.

    Parameters
    ----------
    module
        Its dotted name.
    extra
        The extra of this distribution that brings it.
    what
        Who needs it, to begin the message.
    package
        What a reader knows it as; the first part of the module's name if not given.

    Raises
    ------
    MissingExtraError
        If it is not installed.

    Examples
    --------
    >>> import_extra("not_there", "plot", "a picture")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    hw_models.errors.MissingExtraError: a picture needs not_there, of the extra 'plot': pip ...
    """
    try:
        return importlib.import_module(module)
    except ImportError as missing:
        raise _missing(what, package or module.partition(".")[0], extra) from missing
