"""A network as a picture: populations as boxes, projections as arrows, and what a run did there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hw_models import (
    LOIHI1_ENERGY,
    EnergyEstimate,
    EnergyTable,
    FixedPointNetwork,
    InputPopulation,
)
from hw_models.constraints import stored_synapses
from ssdp_neuro.engine.results import RunResult
from ssdp_neuro.plot.costs import energy_text, population_energies
from ssdp_neuro.plot.levels import lanes_of, levels_of
from ssdp_neuro.plot.palette import BLUE
from ssdp_neuro.plot.selection import samples_of
from ssdp_neuro.plot.style import WIDTH, drawing, ink_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# inches
BOX_WIDTH, BOX_HEIGHT, GAP, ARROW, LINE = 2.1, 0.74, 0.15, 0.5, 0.155
LANE, FIRST_LANE = 1.15, 0.18  # of an arrow beside the boxes, with its text
APART = 0.14  # of the arrows that leave and enter a box at its side
TIMES = " x "


def network(
    description: FixedPointNetwork,
    result: RunResult | None = None,
    *,
    energy: EnergyTable = LOIHI1_ENERGY,
    ax: Axes | None = None,
) -> Axes:
    """Populations from above to below, with their sizes and projections.

    Parameters
    ----------
    description
        The network.
    result
        A run of it: adds spikes, operations and energy of a sample, on average; the
        shade of a box is its share of the energy.
    energy
        Energies of events.
    ax
        Where to draw; a new figure if not given.

    Raises
    ------
    InputError
        If the run is not of this network, or has no samples.
    MissingExtraError
        If matplotlib is not installed.

    Examples
    --------
    >>> import numpy as np
    >>> import ssdp_neuro
    >>> from hw_models import DenseProjection, InputPopulation, LifPopulation
    >>> net = FixedPointNetwork(
    ...     populations=[
    ...         InputPopulation(name="eye", shape=2),
    ...         LifPopulation(name="out", shape=1, current_decay=0, voltage_decay=0, threshold=9),
    ...     ],
    ...     projections=[DenseProjection(source="eye", target="out", weights=[[30, 50]])],
    ... )
    >>> run = ssdp_neuro.simulate(net, np.ones((4, 2), dtype=bool), n_steps=4)
    >>> [text.get_text() for text in network(net, run).texts][1:4]
    ['dense', '2 weights', '8 operations']
    """
    levels = levels_of(description)
    rows = [[n for n, at in levels.items() if at == level] for level in sorted({*levels.values()})]
    costs = None if result is None else population_energies(description, result, energy)
    bundles: dict[tuple[str, str], list[Any]] = {}
    for projection in description.projections:
        bundles.setdefault((projection.source, projection.target), []).append(projection)
    steps = {ends: levels[ends[1]] - levels[ends[0]] for ends in bundles}
    back = lanes_of((ends, levels[ends[0]], levels[ends[1]]) for ends in bundles if steps[ends] < 1)
    over = lanes_of((ends, levels[ends[0]], levels[ends[1]]) for ends in bundles if steps[ends] > 1)
    half = max(map(len, rows)) * (BOX_WIDTH + GAP) / 2 - GAP / 2
    left, right = (
        half + (FIRST_LANE + LANE * (1 + max(lanes.values())) if lanes else 0.05)
        for lanes in (back, over)
    )
    spare = max(0.0, WIDTH - 0.1 - left - right) / 2
    height = len(rows) * (BOX_HEIGHT + ARROW) - ARROW + 0.06
    with drawing(ax, height + 0.1, left + right + 2 * spare + 0.1) as axes:
        centres = {}
        for level, row in enumerate(rows):
            for place, name in enumerate(row):
                x = (place - (len(row) - 1) / 2) * (BOX_WIDTH + GAP)
                centres[name] = (x, level * (BOX_HEIGHT + ARROW) + BOX_HEIGHT / 2)
        for ends, bundle in bundles.items():
            places = [centres[name] for name in ends]
            does, did = _texts(bundle, result)
            if ends in back:
                _draw_beside(axes, places, -half - FIRST_LANE - LANE * back[ends], does + did)
            elif ends in over:
                _draw_beside(axes, places, half + FIRST_LANE + LANE * over[ends], does + did)
            else:
                fans_out = sum(other[0] == ends[0] for other in bundles if steps[other] == 1) > 1
                _draw_down(axes, places, does, did, fans_out)
        for name, centre in centres.items():
            _draw_box(axes, description.population(name), centre, result, costs)
        axes.set(xlim=(-left - spare, right + spare), ylim=(height - 0.03, -0.03), aspect="equal")
        axes.set_axis_off()
    return axes


def _draw_box(
    axes: Axes,
    population: Any,
    centre: tuple[float, float],
    result: RunResult | None,
    costs: dict[str, EnergyEstimate] | None,
) -> None:
    from matplotlib.colors import to_rgba
    from matplotlib.patches import FancyBboxPatch

    x, y = centre
    is_input = isinstance(population, InputPopulation)
    lines = [
        _shortened(population.name),
        f"{population.n_neurons:,} {'inputs' if is_input else 'neurons'}",
    ]
    if len(population.shape) > 1:
        lines[1] += f", {TIMES.join(map(str, population.shape))}"
    share = 0.0
    if result is not None and costs is not None:
        spikes = result.counts.spikes[population.name] / samples_of(result)
        rate = spikes / (population.n_neurons * result.n_steps)
        cost = costs[population.name]
        share = cost.high / (sum(each.high for each in costs.values()) or 1.0)
        lines += [f"{short(spikes)} spikes, {rate:.1%} a step", energy_text(cost)]
    axes.add_patch(
        FancyBboxPatch(
            (x - BOX_WIDTH / 2, y - BOX_HEIGHT / 2),
            BOX_WIDTH,
            BOX_HEIGHT,
            boxstyle="round,pad=0,rounding_size=0.06",
            edgecolor=ink_of(axes),
            facecolor=to_rgba(BLUE, 0.3 * share),
            linewidth=1,
            linestyle="--" if is_input else "-",
        )
    )
    for number, text in enumerate(lines):
        axes.text(
            x,
            y + LINE * (number - (len(lines) - 1) / 2),
            text,
            ha="center",
            va="center",
            fontsize=9 if number == 0 else 8,
            fontweight="bold" if number == 0 else "normal",
            color=ink_of(axes),
        )


def _draw_down(axes: Axes, ends: Any, does: list[str], did: list[str], fans_out: bool) -> None:
    """An arrow to the next row; beside it what the projection is, and what it did.

    Of a slanted one both are at the end where it is alone, on the side from which it leans.
    """
    (x1, y1), (x2, y2) = ends
    reach = 0.42 * BOX_WIDTH  # slanted ones meet at a box side by side
    lean = min(max(x2 - x1, -reach), reach)
    start = (x1 + lean if fans_out else x1, y1 + BOX_HEIGHT / 2)
    end = (x2 if fans_out else x2 - lean, y2 - BOX_HEIGHT / 2)
    _draw_arrow(axes, start, end)
    x, y = x2 if fans_out else x1, (start[1] + end[1]) / 2
    if x1 == x2:
        _write(axes, (x - 0.08, y), does, "right")
        _write(axes, (x + 0.08, y), did, "left")
    else:
        is_left = (x1 < x2) != fans_out
        _write(
            axes, (x + (-0.08 if is_left else 0.08), y), does + did, "right" if is_left else "left"
        )


def _draw_beside(axes: Axes, ends: Any, lane: float, lines: list[str]) -> None:
    """An arrow that passes the boxes: backwards or onto itself on the left, over rows right."""
    (x1, y1), (x2, y2) = ends
    side = 1 if lane > 0 else -1
    apart = APART if y1 <= y2 else -APART
    y1, y2 = y1 + apart, y2 - apart
    edges = (x1 + side * BOX_WIDTH / 2, x2 + side * BOX_WIDTH / 2)
    axes.plot([edges[0], lane, lane], [y1, y1, y2], color=ink_of(axes), lw=1, zorder=0.5)
    _draw_arrow(axes, (lane, y2), (edges[1], y2))
    where = (lane + side * 0.07, (y1 + y2) / 2)
    _write(axes, where, lines, "left" if side > 0 else "right")


def _draw_arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    look = {"arrowstyle": "-|>", "color": ink_of(axes), "shrinkA": 0, "shrinkB": 0, "lw": 1}
    axes.annotate("", end, start, arrowprops=look, zorder=0.5)


def _write(axes: Axes, where: tuple[float, float], lines: list[str], side: str) -> None:
    for number, line in enumerate(lines):
        y = where[1] + LINE * (number - (len(lines) - 1) / 2)
        axes.text(where[0], y, line, ha=side, va="center", fontsize=8, color=ink_of(axes))


def _texts(bundle: list[Any], result: RunResult | None) -> tuple[list[str], list[str]]:
    """Of the projections between two populations: what they are, and what they did."""
    stored = sum(map(stored_synapses, bundle))
    does = [_kind(bundle[0]) if len(bundle) == 1 else f"{len(bundle)} projections"]
    does.append(f"{short(stored)} weight{'s' if stored != 1 else ''}")
    if result is None:
        return does, []
    operations = sum(result.counts.synaptic_operations[p.name] for p in bundle)
    return does, [f"{short(operations / samples_of(result))} operations"]


def _kind(projection: Any) -> str:
    kind = type(projection).__name__.removesuffix("Projection").lower()
    if kind == "pool":
        return f"pool {TIMES.join(map(str, projection.kernel_size))}"
    if kind == "conv":
        return f"conv {TIMES.join(map(str, projection.weights.shape[2:]))}"
    return f"{kind}, learns" if getattr(projection, "plasticity", None) is not None else kind


def _shortened(name: str) -> str:
    """A name that fits into a box, with its ends."""
    return name if len(name) <= 26 else f"{name[:12]}...{name[-11:]}"


def short(count: float) -> str:
    """A count with its thousands, in millions from ten millions on; small averages as they are."""
    if count >= 1e7:
        return f"{count / 1e6:,.0f} million"
    return f"{count:,.0f}" if count >= 100 or count == int(count) else f"{count:.1f}"
