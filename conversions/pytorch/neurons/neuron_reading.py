"""What a reader says about one layer of neurons of a framework."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import nn

from conversions.real_network import NeuronDynamics
from hw_models import RangeError, TypeMismatchError
from hw_models.choices import member
from hw_models.integers import integer


class TimeAxis(enum.Enum):
    """Where a module expects time."""

    STEP = "one call a step, (B, ...)"
    FIRST = "(T, B, ...)"
    SECOND = "(B, T, ...)"
    LAST = "(B, ..., T)"
    FLATTENED = "(B * T, ...)"
    STATIC = "(B, ...), which the model repeats in every step"


@dataclass(frozen=True, kw_only=True, eq=False)
class NeuronReading:
    """One layer of neurons, understood.

    Parameters
    ----------
    dynamics
        What a step computes.
    time_axis
        Of the module's input and output; not ``STATIC``, which is for whole models.
    recurrent
        Module from the layer's own spikes to what arrives one step later; None for none. Its
        bias arrives in every step, the first one too.
    incoming
        Module that the layer applies to its input before its neurons (a layer that owns its
        input weights); None for none.
    spikes_output, voltage_output
        Which element of the tuple that the module returns is the spikes, and which the
        membrane potential after each step (the name of a field, if it is one of the state, which
        comes second); None if it returns no such thing. A module that returns a tensor alone
        has spikes at 0.
    voltage_zero
        What the module calls the potential that is 0 in the dynamics, one number or one per
        neuron.
    most_spikes
        Of a neuron in one step. If more than 1, the module returns their number, and every
        one subtracts the threshold (the dynamics say what the first does).
    floor
        Below which the membrane potential never falls, one number or one per neuron, counted
        as the dynamics' threshold is; None if it may. The chip has no such bound.
    notes
        What the conversion cannot keep exactly, one sentence each; for the report.
    """

    dynamics: NeuronDynamics
    time_axis: TimeAxis
    recurrent: nn.Module | None = None
    incoming: nn.Module | None = None
    spikes_output: int | None = 0
    voltage_output: int | str | None = None
    voltage_zero: Any = 0.0
    most_spikes: int = 1
    floor: Any = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.dynamics, NeuronDynamics):
            raise TypeMismatchError(
                f"NeuronReading.dynamics: {self.dynamics!r}; a NeuronDynamics is needed"
            )
        member("NeuronReading.time_axis", self.time_axis, TimeAxis)
        if self.time_axis is TimeAxis.STATIC:
            raise RangeError("NeuronReading.time_axis: STATIC; that is for whole models")
        integer("NeuronReading.most_spikes", self.most_spikes, 1, 2**31 - 1)


NeuronReader = Callable[[nn.Module, str, tuple[int, ...]], NeuronReading]
"""``(module, path, shape of the output without batch and time) -> NeuronReading``;
ConversionError with the path, the setting and what is supported if the module does what a chip
cannot."""

StateReset = Callable[[nn.Module], None]
"""Puts a module of neurons back to the state it has before a sample."""
