"""Real values at an input become an input population for each of their binary digits."""

from __future__ import annotations

from dataclasses import replace

from conversions.quantization.passes.conversion_pass import ConversionPass
from conversions.quantization.passes.state import ConversionState
from conversions.real_network.real_input import with_bit_planes


def split_digits(state: ConversionState) -> tuple[ConversionState, str]:
    """Replace the input of real values, if there is one."""
    planes = state.planes
    if planes is None:
        return state, ""
    network = with_bit_planes(state.network, planes)
    changed = f"{planes.name} is {planes.bits} inputs of one binary digit each"
    return replace(state, network=network, planes=None), changed


BIT_PLANES = ConversionPass(
    name="bit planes",
    description="an input of real values becomes an input for each of their binary digits",
    rounds=False,
    apply=split_digits,
)
