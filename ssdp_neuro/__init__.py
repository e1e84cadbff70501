"""Fixed-point on-chip learning by spike synchrony, event-driven and exact.

Every public name stands in ``__init__.pyi``, where editors and type checkers find it too.
Importing this loads NumPy only: kernels, PyTorch and Lava are loaded when they are used.
"""

from typing import Any

import lazy_loader

_attribute, _names, _public = lazy_loader.attach_stub(__name__, __file__)
__all__ = [*_public, "__version__"]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib import metadata

        return metadata.version("ssdp-neuro")
    return _attribute(name)


def __dir__() -> list[str]:
    return [*_names(), "__version__"]
