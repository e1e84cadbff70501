"""lava-dl's packages, imported."""

import importlib
import warnings

import hw_models.lava_processes  # noqa: F401 makes Lava importable


def import_slayer():
    """``lava.lib.dl.slayer`` and ``lava.lib.dl.netx``; whatever they import may warn."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return (
            importlib.import_module("lava.lib.dl.slayer"),
            importlib.import_module("lava.lib.dl.netx"),
        )
