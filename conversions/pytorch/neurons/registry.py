"""Which neurons and layers are known: those of the frameworks, ours, and the user's own.

A framework can bring readers of its own neurons. Its distribution declares an entry point in
the group ``ssdp_neuro.neurons``, whose name is the module that its classes begin with and
whose value is a module with a table ``READERS``::

    [project.entry-points."ssdp_neuro.neurons"]
    spikes = "spikes.ssdp_neuro_readers"

    READERS = {"spikes.layers.Leaky": read_leaky}  # see conversions.NeuronReading

Tables ``RESETS`` and ``SYNAPSES`` may be there, too. What it says is used before what is built
in here, and tested in the same way: by the spikes of the layer's own run.
"""

from __future__ import annotations

import functools
import importlib
import sys
from collections.abc import Callable, Mapping
from importlib import metadata
from typing import Any

from torch import nn

from conversions.pytorch.neurons.neuron_reading import NeuronReader, StateReset
from hw_models import ConversionError, RangeError, TypeMismatchError
from hw_models.errors import brief

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

GROUP = "ssdp_neuro.neurons"

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
            f"kind: {brief(kind)}; a class of nn.Module is needed, or its name with the module"
        )
    if isinstance(kind, str) and "." not in kind:
        raise RangeError(f"kind: {kind!r}; 'package.module.Class' is needed")
    if not callable(does):
        raise TypeMismatchError(f"{brief(does)} for {kind!r}; a function is needed")
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
    known: dict[str, list[str]] = {}
    for root in dict.fromkeys((*_FILES, *shipped_readers())):
        for name, reader in _table(root, "READERS").items():
            if not getattr(reader, "__qualname__", "").startswith("refused."):
                known.setdefault(root, []).append(name.split(".")[-1])
    for name in _neurons:
        known.setdefault("registered", []).append(name)
    return "; ".join(f"{root}: {', '.join(sorted(names))}" for root, names in known.items())


def shipped_readers() -> dict[str, str]:
    """Modules with readers that installed distributions bring, by the frameworks' modules.

    Raises
    ------
    ConversionError
        If two distributions bring some for the same framework.
    """
    return _entry_points(tuple(sys.path))


@functools.lru_cache(maxsize=4)
def _entry_points(path: tuple[str, ...]) -> dict[str, str]:
    """By the module search path, which decides what is installed."""
    modules: dict[str, str] = {}
    for point in metadata.entry_points(group=GROUP):
        if modules.setdefault(point.name, point.value) != point.value:
            raise ConversionError(
                f"entry points {GROUP}: {point.name!r} is both {modules[point.name]!r} and"
                f" {point.value!r}; one is needed"
            )
    return modules


def _first(module: nn.Module, own: dict[str, Any], table: str) -> Any:
    for kind in type(module).__mro__:
        name = name_of_class(kind)
        entry = own.get(name) or _table(name.split(".")[0], table).get(name)
        if entry is not None:
            return entry
    return None


def _table(root: str, name: str) -> dict[str, Any]:
    """What is known of a framework's classes: what is built in, and what it brings itself."""
    table: dict[str, Any] = {}
    if root in _FILES:
        home = importlib.import_module(f"{__package__}.{_FILES[root]}")
        table.update(getattr(home, name, {}))
    shipped = shipped_readers().get(root)
    if shipped is not None:
        table.update(_shipped_table(root, shipped, name))
    return table


def _shipped_table(root: str, module: str, name: str) -> Mapping[str, Any]:
    where = f"entry point {root!r} of {GROUP} = {module!r}"
    try:
        home = importlib.import_module(module)
    except ImportError as error:
        raise ConversionError(f"{where}: cannot be imported: {error}") from None
    table = getattr(home, name, None if name == "READERS" else {})
    if not isinstance(table, Mapping) or not all(
        isinstance(key, str) and callable(entry) for key, entry in table.items()
    ):
        raise ConversionError(
            f"{where}: {name} is {brief(table)}; a mapping from 'package.module.Class' to"
            " functions is needed"
        )
    return table


def _sum_pool(module: nn.Module, path: str) -> nn.Module:
    """Pooling by a power norm, of power 1: a sum."""
    from conversions.pytorch.neurons.neuron_settings import OneToOne

    pool: Any = module
    if pool.norm_type != 1:
        raise ConversionError(f"{path}: LPPool2d with norm_type {pool.norm_type}; supported is 1")
    average = nn.AvgPool2d(pool.kernel_size, pool.stride, ceil_mode=pool.ceil_mode)
    size = pool.kernel_size
    area = size * size if isinstance(size, int) else size[0] * size[1]
    return nn.Sequential(average, OneToOne(float(area)))


_BUILT_IN: dict[str, SynapseConverter] = {name_of_class(nn.LPPool2d): _sum_pool}
