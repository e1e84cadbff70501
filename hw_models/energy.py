"""What a run would cost on a chip: published energies per event, times counted events."""

from __future__ import annotations

import math
from dataclasses import dataclass

from hw_models.errors import RangeError
from hw_models.html_table import table


@dataclass(frozen=True, kw_only=True)
class EnergyTable:
    """Energy of each kind of event, in J.

    Parameters
    ----------
    name
        Of the chip.
    synaptic_operation
        One weight added at one target.
    active_update, inactive_update
        One neuron in one step, with and without something to do.
    spike
        One spike sent, within its tile; longer ways cost more, and depend on the placement.
    source
        Where the figures were published.

    Raises
    ------
    RangeError
        If an energy is negative or not finite.
    """

    name: str
    synaptic_operation: float
    active_update: float
    inactive_update: float
    spike: float
    source: str

    def __post_init__(self) -> None:
        for field in ("synaptic_operation", "active_update", "inactive_update", "spike"):
            value = getattr(self, field)
            if not (math.isfinite(value) and value >= 0):
                raise RangeError(f"EnergyTable.{field}: {value}; allowed 0 and above, in J")


LOIHI1_ENERGY = EnergyTable(
    name="Loihi 1",
    synaptic_operation=23.6e-12,
    active_update=81e-12,
    inactive_update=52e-12,
    spike=1.7e-12,
    source="Davies et al., IEEE Micro 38(1), 2018, Table 2 (simulated before silicon, 0.75 V)",
)
"""The only table of a Loihi with public figures for each kind of event; none is of Loihi 2."""


@dataclass(frozen=True, kw_only=True)
class EnergyEstimate:
    """Dynamic energy of a run in J, by cause; without static power, hosts and long ways.

    Parameters
    ----------
    synaptic, spikes
        Of operations and of spikes.
    updates_low, updates_high
        Of neuron updates, if all are inactive and if all are active: which is which, the
        chip does not make public.
    """

    synaptic: float
    spikes: float
    updates_low: float
    updates_high: float

    @property
    def low(self) -> float:
        """Sum with inactive updates."""
        return self.synaptic + self.spikes + self.updates_low

    @property
    def high(self) -> float:
        """Sum with active updates."""
        return self.synaptic + self.spikes + self.updates_high

    def rows(self) -> list[tuple[str, str]]:
        """Headings with the unit that fits, then one row of text per cause."""
        unit, scale = energy_unit(self.high)
        parts = (
            ("synaptic operations", self.synaptic, self.synaptic),
            ("spikes", self.spikes, self.spikes),
            ("neuron updates", self.updates_low, self.updates_high),
            ("all", self.low, self.high),
        )
        rows = [("cause", f"dynamic energy, {unit}")]
        for cause, low, high in parts:
            ends = dict.fromkeys(f"{value / scale:.3g}" for value in (low, high))
            rows.append((cause, " to ".join(ends)))
        return rows

    def _repr_html_(self) -> str:
        return table(self.rows())


def energy_unit(highest: float) -> tuple[str, float]:
    """Name and size in J of the unit in which an energy has one to three digits before the point.

    Examples
    --------
    >>> energy_unit(3.2e-8)
    ('nJ', 1e-09)
    """
    for name, size in (("J", 1.0), ("mJ", 1e-3), ("µJ", 1e-6), ("nJ", 1e-9)):
        if highest >= size:
            return name, size
    return "pJ", 1e-12


def estimate_energy(
    *,
    synaptic_operations: float,
    spikes: float,
    neuron_steps: float,
    table: EnergyTable = LOIHI1_ENERGY,
) -> EnergyEstimate:
    """Energy of counted events; linear, so it holds for averages too.

    Parameters
    ----------
    synaptic_operations, spikes
        As :class:`ssdp_neuro.EventCounts` has them, summed; spikes of neurons and inputs.
    neuron_steps
        Neurons times steps: the chip updates every neuron in every step, whatever a
        simulator skips.
    table
        Energy per event.

    Raises
    ------
    RangeError
        If a count is negative.

    Examples
    --------
    >>> cost = estimate_energy(synaptic_operations=1000, spikes=10, neuron_steps=100)
    >>> f"{cost.low * 1e9:.2f} to {cost.high * 1e9:.2f} nJ"
    '28.82 to 31.72 nJ'
    """
    counts = {
        "synaptic_operations": synaptic_operations,
        "spikes": spikes,
        "neuron_steps": neuron_steps,
    }
    for name, count in counts.items():
        if not count >= 0:
            raise RangeError(f"estimate_energy.{name}: {count}; allowed 0 and above")
    return EnergyEstimate(
        synaptic=synaptic_operations * table.synaptic_operation,
        spikes=spikes * table.spike,
        updates_low=neuron_steps * table.inactive_update,
        updates_high=neuron_steps * table.active_update,
    )
