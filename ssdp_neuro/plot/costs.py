"""What a run would cost on a chip."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from hw_models import (
    LOIHI1_ENERGY,
    EnergyEstimate,
    EnergyTable,
    FixedPointNetwork,
    InputError,
    InputPopulation,
    estimate_energy,
)
from hw_models.energy import energy_unit
from ssdp_neuro.engine.results import RunResult
from ssdp_neuro.plot.palette import BLUE, GREEN, ORANGE
from ssdp_neuro.plot.selection import samples_of
from ssdp_neuro.plot.style import drawing, ink_of, legend_above

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def energy(
    estimates: EnergyEstimate | Mapping[str, EnergyEstimate],
    *,
    label: str = "dynamic energy",
    ax: Axes | None = None,
) -> Axes:
    """Energy by cause, bars from zero; the pale end is what active updates would add.

    Parameters
    ----------
    estimates
        One, or several by name.
    label
        Of the axis; its unit is chosen to fit.
    ax
        Where to draw; a new figure if not given.

    Raises
    ------
    InputError
        If there is none.
    MissingExtraError
        If matplotlib is not installed.

    Examples
    --------
    >>> from hw_models import estimate_energy
    >>> cost = estimate_energy(synaptic_operations=1000, spikes=10, neuron_steps=100)
    >>> [round(float(bar.get_width()), 2) for bar in energy(cost).patches]  # in nJ
    [23.6, 0.02, 5.2, 2.9]
    """
    by_name = {"": estimates} if isinstance(estimates, EnergyEstimate) else dict(estimates)
    if not by_name:
        raise InputError("estimates: none given; at least one is needed")
    highest = max(estimate.high for estimate in by_name.values())
    unit, scale = energy_unit(highest)
    causes: tuple[tuple[str, Any, dict[str, Any]], ...] = (
        ("synaptic operations", lambda e: e.synaptic, {"color": BLUE}),
        ("spikes", lambda e: e.spikes, {"color": ORANGE}),
        ("neuron updates", lambda e: e.updates_low, {"color": GREEN}),
        ("more if all active", lambda e: e.high - e.low, {"color": GREEN, "alpha": 0.35}),
    )
    with drawing(ax, height=1.35 + 0.32 * len(by_name)) as axes:
        places = range(len(by_name))
        left = [0.0] * len(by_name)
        for cause, part, look in causes:
            widths = [part(estimate) / scale for estimate in by_name.values()]
            axes.barh(places, widths, 0.7, left=left, label=cause, **look)
            left = [start + width for start, width in zip(left, widths, strict=True)]
        for place, estimate in enumerate(by_name.values()):
            axes.annotate(
                energy_text(estimate),
                (left[place], place),
                xytext=(4, 0),
                textcoords="offset points",
                va="center",
                fontsize=9,
                color=ink_of(axes),
            )
        axes.set_yticks(places, list(by_name))
        axes.tick_params(axis="y", length=0)
        axes.set_ylim(len(by_name) - 0.5, -0.5)
        axes.set_xlim(0, 1.35 * max(left) or 1.0)
        axes.set_xlabel(f"{label}, {unit}")
        legend_above(axes)
    return axes


def energy_text(estimate: EnergyEstimate) -> str:
    """From low to high with their unit, such as ``28.8 to 31.7 nJ``."""
    unit, scale = energy_unit(estimate.high)
    low, high = (f"{value / scale:#.3g}".rstrip(".") for value in (estimate.low, estimate.high))
    return f"{high} {unit}" if low == high else f"{low} to {high} {unit}"


def population_energies(
    description: FixedPointNetwork, result: RunResult, table: EnergyTable = LOIHI1_ENERGY
) -> dict[str, EnergyEstimate]:
    """By population, the energy of a sample on average: its input's operations, updates, spikes.

    Inputs have spikes only.

    Raises
    ------
    InputError
        If the run is not of this network, or has no samples.
    """
    sizes = {p.name: p.n_neurons for p in description.populations}
    names = {p.name for p in description.projections}
    if sizes != dict(result.sizes) or names != set(result.counts.synaptic_operations):
        raise InputError(
            f"result: a run of populations {dict(result.sizes)} and projections"
            f" {list(result.counts.synaptic_operations)}; the network has {sizes}, {sorted(names)}"
        )
    n_samples = samples_of(result)
    operations = dict.fromkeys(sizes, 0)
    for projection in description.projections:
        operations[projection.target] += result.counts.synaptic_operations[projection.name]
    return {
        population.name: estimate_energy(
            synaptic_operations=operations[population.name] / n_samples,
            spikes=result.counts.spikes[population.name] / n_samples,
            neuron_steps=0
            if isinstance(population, InputPopulation)
            else population.n_neurons * result.n_steps,
            table=table,
        )
        for population in description.populations
    }
