"""Packages that only some uses need: imported when they are used, missed by name."""

from __future__ import annotations

import importlib
from typing import Any

from hw_models.errors import MissingExtraError


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
    >>> import_extra("not_there", "plot", "a picture")
    Traceback (most recent call last):
    ...
    hw_models.errors.MissingExtraError: a picture needs not_there: pip install "ssdp-neuro[plot]"
    """
    try:
        return importlib.import_module(module)
    except ImportError as missing:
        package = package or module.partition(".")[0]
        raise MissingExtraError(
            f'{what} needs {package}: pip install "ssdp-neuro[{extra}]"'
        ) from missing
