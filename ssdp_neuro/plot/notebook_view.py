"""What runs show of themselves in a notebook: a table, and a picture where matplotlib is there."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from hw_models.html_table import table
from ssdp_neuro.engine.learn_result import LearnResult
from ssdp_neuro.engine.results import RunResult
from ssdp_neuro.plot.learning import weights
from ssdp_neuro.plot.spikes import rasters, rasters_height
from ssdp_neuro.plot.style import WIDTH, Background, new_figure, style, svg

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_SPIKES = 2_000_000
"""Of a run, up to which its events are fetched for a picture."""
MOST_PANELS = 6


def run_view(run: RunResult) -> str:
    """Spikes and operations of a run, and the rasters of its first sample, as HTML."""
    n_samples = 1 if run.n_samples is None else run.n_samples
    rows = [("population", "neurons", "spikes", "spikes a neuron and step")]
    for name, size in run.sizes.items():
        spikes, places = run.counts.spikes.get(name, 0), size * run.n_steps * n_samples
        rows.append((name, f"{size:,}", f"{spikes:,}", f"{spikes / places:.4f}" if places else "-"))
    samples = "" if run.n_samples is None else f"{run.n_samples:,} samples of "
    parts = [table(rows, f"{run.executor}: {samples}{run.n_steps:,} steps, seed {run.seed}")]
    operations = run.counts.synaptic_operations
    if operations:
        rows_of = [(name, f"{count:,}") for name, count in operations.items()]
        parts.append(table([("projection", "synaptic operations"), *rows_of]))
    if n_samples and sum(run.counts.spikes.values()) <= MOST_SPIKES and find_spec("matplotlib"):
        with style(Background.TRANSPARENT):
            shown = run.populations[:MOST_PANELS]
            figure = new_figure(WIDTH, rasters_height(run, shown))
            rasters(run, shown, figure=figure)
            parts.append(inline(figure))
        if len(run.populations) > len(shown):
            parts.append(f"<p>the first {len(shown)} of {len(run.populations)} populations</p>")
    return "\n".join(parts)


def learn_view(learned: LearnResult) -> str:
    """What learning changed, with the weights before and after, as HTML."""
    headings = ("projection", "updates", "weights changed", "mean", "largest", "at a limit")
    rows = [headings]
    for name, change in learned.changes.items():
        projection: Any = learned.network.projection(name)
        rows.append(
            (
                name,
                f"{change.n_updates:,}",
                f"{change.n_changed:,} of {projection.weights.size:,}",
                f"{change.mean_change:+.3g}",
                f"{change.largest_change:,}",
                f"{change.at_limit:,}",
            )
        )
    parts = [table(rows, f"learned from {learned.n_samples:,} samples, seed {learned.seed}")]
    if find_spec("matplotlib"):
        with style(Background.TRANSPARENT):
            for name in list(learned.changes)[:MOST_PANELS]:
                figure = new_figure(WIDTH, 2.2)
                weights(learned, projection=name, ax=figure.add_subplot())
                parts.append(inline(figure))
    return "\n".join(parts)


def inline(figure: Figure) -> str:
    """A figure as an SVG element that shrinks with its place."""
    drawn = svg(figure, dpi=110)  # small: a notebook keeps it
    return drawn[drawn.index("<svg") :].replace(
        "<svg ", "<svg style='max-width: 100%; height: auto' ", 1
    )
