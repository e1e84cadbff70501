"""Every layer as records of the chip, together one network."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from conversions.quantization.lowering import clock, lower
from conversions.quantization.passes.conversion_pass import ConversionPass
from conversions.quantization.passes.state import ConversionState
from hw_models import FixedPointNetwork


def lower_layers(state: ConversionState) -> tuple[ConversionState, str]:
    """Make the records of every layer, with relays, the clock and synapses of resets."""
    lowered = {
        layer.name: lower(
            layer, state.grids[layer.name], state.drives[layer.name], state.clock_name
        )
        for layer in state.layers
    }
    populations: list[Any] = []
    projections: list[Any] = []
    if any(records.clock for records in lowered.values()):
        populations.append(clock(state.clock_name))
    for population in state.network.populations:
        records = lowered.get(population.name)
        populations += [population] if records is None else [*records.relays, records.population]
        projections += [] if records is None else records.projections
    fixed = FixedPointNetwork(populations=populations, projections=projections)
    known = {record.name for record in (*state.network.populations, *state.network.projections)}
    added = [one.name for one in (*populations, *projections) if one.name not in known]
    changed = "states in whole units"
    if added:
        changed += f"; added: {', '.join(added)}"
    return replace(state, lowered=lowered, fixed=fixed), changed


RECORDS = ConversionPass(
    name="records",
    description="layers become populations and projections of the chip, whose states are integers",
    rounds=True,
    apply=lower_layers,
)
