"""The code in which a network was trained, as it is kept beside the network in its file.

A network in integers does not say how many steps a sample has, how brightness became spikes or
which class an output neuron stands for; shown the same samples in another code it decides worse.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hw_models.errors import InputError, RangeError, SsdpError, TypeMismatchError
from hw_models.integers import integer

MOST_STEPS = 2**20
MOST_TEXT = 2**20  # characters of a whole record
MOST_NAME = 200
MOST_PARAMETERS = 64
SPIKE_COUNT = "spike count"  # most spikes, then the earliest first one, then the lowest index
DECISIONS = (SPIKE_COUNT,)
FIELDS = ("n_steps", "encoding", "parameters", "class_names", "decision")


@dataclass(frozen=True, kw_only=True)
class SpikeCode:
    """How samples became spikes where a network was trained, and its output's spikes a class.

    Parameters
    ----------
    n_steps
        Steps of a sample, 1..2**20.
    encoding
        Name of the encoding, as ``[data] encoding`` has it; docs/how-to/data.md says what it does.
    parameters
        What else decides about it, as ``[data]`` has it: finite numbers by name.
    class_names
        What each output neuron stands for; empty if it is not known.
    decision
        How spikes become a class: ``"spike count"``, see :func:`ssdp_neuro.decision.decide`.

    Raises
    ------
    InputError, RangeError, TypeMismatchError
        If a value is not one of these.
    """

    n_steps: int
    encoding: str
    parameters: Mapping[str, int | float] = field(default_factory=dict)
    class_names: tuple[str, ...] = ()
    decision: str = SPIKE_COUNT

    def __post_init__(self) -> None:
        put = object.__setattr__
        put(self, "n_steps", integer("SpikeCode.n_steps", self.n_steps, 1, MOST_STEPS))
        _check_name("SpikeCode.encoding", self.encoding)
        if not isinstance(self.parameters, Mapping) or len(self.parameters) > MOST_PARAMETERS:
            raise TypeMismatchError(
                f"SpikeCode.parameters: {self.parameters!r:.80}; at most {MOST_PARAMETERS} numbers"
                " by name are needed"
            )
        for name, value in self.parameters.items():
            _check_name("SpikeCode.parameters", name)
            if isinstance(value, bool) or not isinstance(value, (int, float)):
                raise TypeMismatchError(f"SpikeCode.{name}: {value!r:.80}; a number is needed")
            if not math.isfinite(value):
                raise RangeError(f"SpikeCode.{name}: {value}; a finite number is needed")
        put(self, "parameters", dict(sorted(self.parameters.items())))
        if not isinstance(self.class_names, (tuple, list)):
            raise TypeMismatchError(f"SpikeCode.class_names: {self.class_names!r:.80}; names only")
        put(self, "class_names", tuple(self.class_names))
        for name in self.class_names:
            _check_name("SpikeCode.class_names", name)
        if self.decision not in DECISIONS:
            raise InputError(f"SpikeCode.decision: {self.decision!r}; one of {DECISIONS}")

    def to_text(self) -> str:
        """The record as JSON, for the metadata of a file."""
        values = {name: getattr(self, name) for name in FIELDS}
        return json.dumps({**values, "parameters": dict(self.parameters)})

    @classmethod
    def from_text(cls, text: Any) -> SpikeCode:
        """The record that :meth:`to_text` wrote, with every value checked.

        Raises
        ------
        InputError
            If it is something else.
        """
        if not isinstance(text, str) or len(text) > MOST_TEXT:
            raise InputError(f"spike code: {text!r:.80}; JSON text is needed")
        try:
            values = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise InputError(f"spike code: not JSON: {error}") from None
        if not isinstance(values, dict) or set(values) != set(FIELDS):
            found = sorted(values) if isinstance(values, dict) else type(values).__name__
            raise InputError(f"spike code: {found!r:.200}; the fields {list(FIELDS)} are needed")
        try:
            return cls(**values)
        except SsdpError as error:
            raise InputError(f"spike code: {error}") from None

    def differences(self, other: SpikeCode) -> list[str]:
        """What is not as in another code, one sentence each; classes are not compared."""
        found = []
        for name in ("n_steps", "encoding"):
            mine, theirs = getattr(self, name), getattr(other, name)
            if mine != theirs:
                found.append(f"{name} was {mine} and is {theirs}")
        if self.encoding == other.encoding:
            names = sorted(self.parameters.keys() | other.parameters.keys())
            for name in names:
                before, after = (c.parameters.get(name, "not given") for c in (self, other))
                if before != after:
                    found.append(f"{name} was {before} and is {after}")
        return found


def _check_name(where: str, name: Any) -> None:
    if not isinstance(name, str) or not 1 <= len(name) <= MOST_NAME or not name.isprintable():
        raise TypeMismatchError(f"{where}: {name!r:.80}; a name of 1..{MOST_NAME} characters")
