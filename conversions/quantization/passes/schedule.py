"""When things happen: the chip's connections take a step each, the source's often none."""

from __future__ import annotations

from dataclasses import replace

from conversions.quantization.constant_drive import needs_step
from conversions.quantization.layer import Layer
from conversions.quantization.passes.conversion_pass import ConversionPass
from conversions.quantization.passes.state import ConversionState
from conversions.real_network.timing import timing


def schedule(state: ConversionState) -> tuple[ConversionState, str]:
    """Shift populations, and delay projections, so that every connection takes a step."""
    real = state.network
    when = timing(real)
    late = {
        neurons.name: 1
        for neurons in real.neurons
        if needs_step(Layer(real, neurons, when, state.chip))
    }
    if late:
        when = timing(real, late)
    shifted = [f"{name} {steps}" for name, steps in when.shifts.items() if steps]
    delayed = [f"{name} {steps}" for name, steps in when.delays.items() if steps]
    changed = [f"steps later: {', '.join(shifted)}"] if shifted else []
    changed += [f"delays beyond its own: {', '.join(delayed)}"] if delayed else []
    return replace(state, timing=when), "; ".join(changed)


SCHEDULE = ConversionPass(
    name="schedule",
    description="populations begin later, projections are delayed: a connection takes a step",
    rounds=False,
    apply=schedule,
)
