"""One step of a conversion."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from conversions.quantization.passes.state import ConversionState

Apply = Callable[[ConversionState], tuple[ConversionState, str]]


@dataclass(frozen=True, kw_only=True)
class ConversionPass:
    """A named step from real numbers to integers.

    Parameters
    ----------
    name
        In reports and messages.
    description
        What it does, in a line.
    rounds
        Whether it may change spikes: it replaces numbers by those that the chip has. The
        others leave every spike, only later.
    apply
        ``state -> (state, changed)``: the state after it, and in a few words what it changed,
        empty if nothing. The state given is left as it is.
    """

    name: str
    description: str
    rounds: bool
    apply: Apply
