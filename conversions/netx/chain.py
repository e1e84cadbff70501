"""What is known of a network while the layers of its file are read, one after the other."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from conversions.netx.hdf5_layers import FileLayer, NetxMeaning
from conversions.netx.loaded_weights import Mantissas
from conversions.netx.neuron_table import is_memoryless, population
from hw_models import ConversionError, InputPopulation

INPUT = "input"


@dataclass(frozen=True, kw_only=True, eq=False)
class Options:
    """What a file does not say; arguments of :func:`conversions.from_netx`."""

    meaning: NetxMeaning
    input_shape: tuple[int, ...] | None
    weight_exp_bits: int


@dataclass(kw_only=True, eq=False)
class Chain:
    """The network so far; the next layer is fed by ``source``.

    ``leaving`` are delays of what the source sends, ``flat`` whether a flatten layer came.
    """

    options: Options
    populations: list[Any] = field(default_factory=list)
    projections: list[Any] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    leaving: np.ndarray | None = None
    flat: bool = False
    late: bool = False

    @property
    def source(self) -> Any:
        """Population that the next layer is fed by."""
        return self.populations[-1]

    @property
    def is_trained(self) -> bool:
        """Whether SLAYER's meaning is wanted."""
        return self.options.meaning is NetxMeaning.AS_TRAINED


def begin(chain: Chain, layer: FileLayer, shape: tuple[int, ...] | None) -> None:
    """The input of a file without an input layer."""
    if chain.populations:
        return
    shape = chain.options.input_shape or shape
    if shape is None:
        raise ConversionError(f"{layer.where}: the file has no input layer; input_shape is needed")
    chain.populations.append(InputPopulation(name=INPUT, shape=shape))


def add_population(chain: Chain, layer: FileLayer, shape: tuple[int, ...], *, power: int) -> None:
    """Add the population of a layer; the next layer is fed by it."""
    kind = "input neurons" if layer.kind == INPUT else f"{layer.kind}{layer.place}"
    own = "neurons" if layer.kind == INPUT else "population"
    chain.populations.append(
        population(
            layer,
            name_of_record(layer, kind, own),
            shape,
            chain.options.meaning,
            power,
            chain.notes,
        )
    )


def power_of_two(chain: Chain, layer: FileLayer) -> int:
    """Power of two by which a normalization multiplies what arrives at the potential."""
    if "neuron/weight_exp" not in layer.values:
        return 0
    given = layer.number("neuron/weight_exp")
    if not chain.is_trained:
        if given:
            chain.notes.append(f"{layer.where}: weight_exp {given}; netx ignores it.")
        return 0
    limit = chain.options.weight_exp_bits
    power = -max(-limit, min(limit, given))
    if power:
        chain.notes.append(
            f"{layer.where}: its normalization multiplies by 2**{power} (weight_exp {given} within"
            f" {limit} bits, which the file does not say), which netx ignores."
            + _inexact(layer, power)
        )
    return power


def _inexact(layer: FileLayer, power: int) -> str:
    if not is_memoryless(layer):
        return (
            " Here it is done before the current decays, there after it: the current is rounded"
            " at another place, by less than one unit a step."
        )
    if power < 0 and (layer.numbers("weight") % (1 << -power)).any():
        return " Here the sum of a step is rounded down to a whole weight, there to 1/64 of one."
    return ""


def exponent_kept(
    layer: FileLayer, made: Mantissas, field_name: str = "weight_exponent"
) -> Mantissas:
    """The same weights with the exponent that to_netx was given."""
    own = layer.kept(field_name)
    if own is None:
        return made
    exponent = int(own[0])
    real = np.ldexp(made.values.astype(np.float64), made.exponent - exponent)
    if not -8 <= exponent <= 7 or (real != np.rint(real)).any() or (np.abs(real) > 256).any():
        return made
    return Mantissas(real.astype(np.int64), exponent)


def name_of_record(layer: FileLayer, default: str, own: str) -> str:
    """A name that to_netx kept in the attribute ``own``, or the default."""
    given = layer.own.get(own)
    return given if isinstance(given, str) else default
