"""What a step leaves of currents and potentials, on 12 bits."""

from __future__ import annotations

from dataclasses import replace

from conversions.quantization.layer import Layer
from conversions.quantization.passes.conversion_pass import ConversionPass
from conversions.quantization.passes.state import ConversionState


def round_decays(state: ConversionState) -> tuple[ConversionState, str]:
    """Give every population the nearest decays that the chip has."""
    layers = tuple(
        Layer(state.network, neurons, state.when, state.chip) for neurons in state.network.neurons
    )
    moved = [f"{layer.name} {layer.decay_error:.2g}" for layer in layers if layer.decay_error]
    changed = f"the share that a step leaves, by at most: {', '.join(moved)}" if moved else ""
    return replace(state, layers=layers), changed


DECAYS = ConversionPass(
    name="decays",
    description="current and voltage decays become the nearest of 12 bits",
    rounds=True,
    apply=round_decays,
)
