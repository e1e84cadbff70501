"""Whether the network fits the chip."""

from __future__ import annotations

from conversions.quantization.passes.conversion_pass import ConversionPass
from conversions.quantization.passes.state import ConversionState
from hw_models import ConversionError, check


def check_chip(state: ConversionState) -> tuple[ConversionState, str]:
    """Refuse a network that does not fit; ConversionError lists all that does not."""
    assert state.fixed is not None, "the records come first"
    violations = check(state.fixed, state.chip)
    if violations:
        raise ConversionError(
            f"the network does not fit {state.chip.name}: " + "; ".join(map(str, violations))
        )
    return state, ""


CHIP_CHECK = ConversionPass(
    name="chip check",
    description="a network that the chip cannot hold is refused",
    rounds=False,
    apply=check_chip,
)
