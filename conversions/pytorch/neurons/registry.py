"""Which neurons and layers are known: those of the frameworks, ours, and the user's own."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from torch import nn

from conversions.pytorch.neurons.reading import NeuronReader, StateReset
from hw_models import RangeError, TypeMismatchError

SynapseConverter = Callable[[nn.Module, str], nn.Module]
"""``(module, path) -> a module of PyTorch's own layers that computes the same``."""

# module of the framework -> file of this package that reads it
_FILES = {
    "snntorch": "snntorch",
    "spikingjelly": "spikingjelly",
    "norse": "norse",
    "sinabs": "sinabs",
    "ssdp_neuro": "own",
    "lava": "slayer",
}

_neurons: dict[str, NeuronReader] = {}
_synapses: dict[str, SynapseConverter] = {}


def register_neuron(kind: type[nn.Module] | str, reader: NeuronReader) -> None:
    """Teach :func:`conversions.from_torch` a layer of neurons.

    What the reader says is tested: the layer's spikes in the model's own run must follow
    from it.

    Parameters
    ----------
    kind
        Class of the layer, or its name with the module, ``"package.module.Class"``.
    reader
        ``(module, path, shape without batch and time) -> NeuronReading``. It is used
        before those that are built in.

    Raises
    ------
    RangeError, TypeMismatchError
        If ``kind`` is no class and no such name, or the reader no function.
    """
    _neurons[_checked_name(kind, reader)] = reader


def register_synapse(kind: type[nn.Module] | str, converter: SynapseConverter) -> None:
    """Teach :func:`conversions.from_torch` a linear layer that does not look like one.

    A layer that computes with PyTorch's linear operations needs none of this, it is followed.

    Parameters
    ----------
    kind
        Class of the layer, or its name with the module, ``"package.module.Class"``.
    converter
        ``(module, path) -> nn.Module`` made of PyTorch's own layers. It is run in the
        layer's place, and must give the same.

    Raises
    ------
    RangeError, TypeMismatchError
        If ``kind`` is no class and no such name, or the converter no function.
    """
    _synapses[_checked_name(kind, converter)] = converter


def _checked_name(kind: Any, does: Any) -> str:
    if not isinstance(kind, str) and not (isinstance(kind, type) and issubclass(kind, nn.Module)):
        raise TypeMismatchError(
            f"kind: {kind!r}; a class of nn.Module is needed, or its name with the module"
        )
    if isinstance(kind, str) and "." not in kind:
        raise RangeError(f"kind: {kind!r}; 'package.module.Class' is needed")
    if not callable(does):
        raise TypeMismatchError(f"{does!r} for {kind!r}; a function is needed")
    return kind if isinstance(kind, str) else name_of_class(kind)


def name_of_class(kind: type) -> str:
    """Module and name."""
    return f"{kind.__module__}.{kind.__qualname__}"


def neuron_reader(module: nn.Module) -> NeuronReader | None:
    """Reader of a layer of neurons, also by a class it is derived from; None for others."""
    return _first(module, _neurons, "READERS")


def is_read_as_itself(module: nn.Module) -> bool:
    """Whether it is of a class that a reader was written for, not of one derived from it."""
    name = name_of_class(type(module))
    return name in _neurons or name in _table(name.split(".")[0], "READERS")


def state_reset(module: nn.Module) -> StateReset | None:
    """How a layer of neurons is put to rest; None if nothing is known."""
    return _first(module, {}, "RESETS")


def synapse_converter(module: nn.Module) -> SynapseConverter | None:
    """Converter of a layer of synapses; None if its operations are followed."""
    return _first(module, {**_BUILT_IN, **_synapses}, "SYNAPSES")


def supported_neurons() -> str:
    """Classes that can be read, by their frameworks, as text."""
    found: dict[str, list[str]] = {}
    for root in _FILES:
        for name, reader in _table(root, "READERS").items():
            if not reader.__qualname__.startswith("refused."):
                found.setdefault(root, []).append(name.split(".")[-1])
    for name in _neurons:
        found.setdefault("registered", []).append(name)
    return "; ".join(f"{root}: {', '.join(sorted(names))}" for root, names in found.items())


def _first(module: nn.Module, own: dict[str, Any], table: str) -> Any:
    for kind in type(module).__mro__:
        name = name_of_class(kind)
        found = own.get(name) or _table(name.split(".")[0], table).get(name)
        if found is not None:
            return found
    return None


def _table(root: str, name: str) -> dict[str, Any]:
    if root not in _FILES:
        return {}
    home = f"{__package__}.{_FILES[root]}"
    try:
        return getattr(importlib.import_module(home), name, {})
    except ModuleNotFoundError as missing:
        if missing.name != home:
            raise
        return {}


def _sum_pool(module: nn.Module, path: str) -> nn.Module:
    """Pooling by a power norm, of power 1: a sum."""
    from conversions.pytorch.neurons.settings import OneToOne
    from hw_models import ConversionError

    pool: Any = module
    if pool.norm_type != 1:
        raise ConversionError(f"{path}: LPPool2d with norm_type {pool.norm_type}; supported is 1")
    average = nn.AvgPool2d(pool.kernel_size, pool.stride, ceil_mode=pool.ceil_mode)
    size = pool.kernel_size
    area = size * size if isinstance(size, int) else size[0] * size[1]
    return nn.Sequential(average, OneToOne(float(area)))


_BUILT_IN: dict[str, SynapseConverter] = {name_of_class(nn.LPPool2d): _sum_pool}
