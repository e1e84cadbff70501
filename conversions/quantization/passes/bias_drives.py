"""Biases and first potentials, by the chip's register or by a clock's synapses."""

from __future__ import annotations

from dataclasses import replace

from conversions.quantization.constant_drive import drive
from conversions.quantization.passes.conversion_pass import ConversionPass
from conversions.quantization.passes.state import ConversionState


def drive_biases(state: ConversionState) -> tuple[ConversionState, str]:
    """Make the constant inputs of every population."""
    grids = state.grids
    drives = {
        layer.name: drive(layer, grids[layer.name].units, grids[layer.name].threshold, state.bias)
        for layer in state.layers
    }
    register = [name for name, one in drives.items() if one.mantissa.any()]
    clock = [name for name, one in drives.items() if one.synapses]
    changed = [f"by the bias register: {', '.join(register)}"] if register else []
    changed += [f"by a neuron that fires in every step: {', '.join(clock)}"] if clock else []
    return replace(state, drives=drives), "; ".join(changed)


BIASES = ConversionPass(
    name="biases",
    description="constant inputs become bias registers, or synapses of a clock",
    rounds=True,
    apply=drive_biases,
)
