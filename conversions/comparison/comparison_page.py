"""A comparison as one HTML file, and as what it shows of itself in a notebook."""

from __future__ import annotations

import os
from importlib.util import find_spec

from conversions.comparison.comparison_figures import (
    MOST_LAYERS,
    accuracy_figure,
    agreement_figure,
    confusion_figure,
    energy_figure,
    network_figure,
    raster_figure,
)
from conversions.comparison.comparison_result import Comparison
from conversions.comparison.presentation import rows, sentences
from conversions.execution import Executor
from conversions.report_pages import html_page
from conversions.report_pages.chip_table import chip_share
from conversions.report_pages.figures import drawn, require_matplotlib
from hw_models import LOIHI1_ENERGY


def write_comparison(path: str | os.PathLike[str], found: Comparison) -> None:
    """Write the report, whole or not at all.

    Raises
    ------
    MissingExtraError
        If matplotlib is not installed.
    NetworkFileError
        If the file cannot be written.
    """
    require_matplotlib()
    html_page.write_page(path, comparison_page(found))


def comparison_page(found: Comparison) -> str:
    """The report as an HTML document."""
    runs = ", ".join(f"{run.model} on drawing {run.seed}" for run in found.runs)
    sections = [
        ("Executors", _table(found) + html_page.paragraphs(sentences(found))),
        ("Accuracy", _accuracy(found)),
        ("Network", _network(found)),
        (
            f"Energy of a sample, by the published figures of {LOIHI1_ENERGY.name}",
            html_page.figure(
                drawn(energy_figure, found),
                f"By population, from the events that the engine counted; {LOIHI1_ENERGY.source}."
                " Dynamic part only: no static power, no host, no long ways.",
            ),
        ),
        (f"Share of {found.chip.name}", chip_share(found.network, found.chip)),
    ]
    if len(found.executors) > 1:
        sections.insert(2, ("Agreement with the engine", _agreement(found)))
    sections += [
        ("One sample", html_page.figure(drawn(raster_figure, found), _about_sample(found))),
        (
            "Confusion",
            html_page.figure(drawn(confusion_figure, found), "Decisions of the engine."),
        ),
        ("Made of", html_page.facts({**found.circumstances, "runs": runs})),
    ]
    return html_page.page("One model, side by side", sections)


def comparison_view(found: Comparison) -> str:
    """Table, accuracy and network as HTML; the pictures where matplotlib is there."""
    parts = [_table(found)]
    if find_spec("matplotlib"):
        parts += [
            html_page.figure(drawn(make, found)) for make in (accuracy_figure, network_figure)
        ]
    return "\n".join([*parts, html_page.paragraphs(sentences(found))])


def _table(found: Comparison) -> str:
    """A column for each executor: rows of so many figures are wider than many screens."""
    return html_page.table(list(zip(*rows(found), strict=True)))


def _accuracy(found: Comparison) -> str:
    caption = f"All on the same {found.n_samples(Executor.ENGINE):,} samples."
    if len(found.runs) > 1:
        caption += " A dot is a run, the bar their mean."
    partial = [executor.value for executor in found.executors if found.is_partial(executor)]
    if partial:
        caption += f" {' and '.join(partial)} ran fewer samples: not shown."
    return html_page.figure(drawn(accuracy_figure, found), caption)


def _agreement(found: Comparison) -> str:
    spikes, latencies = (
        drawn(agreement_figure, found, agreement)
        for agreement in (found.spike_agreement, found.latency_agreement)
    )
    return html_page.beside(
        [
            html_page.figure(spikes, "Spikes with a counterpart at the same neuron and step."),
            html_page.figure(latencies, "Neurons whose first spike is in the same step."),
        ]
    )


def _network(found: Comparison) -> str:
    caption = (
        "Spikes, operations and energy of a sample on average, in the engine. The shade of a box is"
        f" its share of the energy by the figures of {LOIHI1_ENERGY.name}."
    )
    return html_page.figure(drawn(network_figure, found), caption)


def _about_sample(found: Comparison) -> str:
    text = "The first sample of the first run."
    if len(found.example) > 1:
        text += " Spikes without a counterpart on the other side are in vermilion."
    if len(found.layers) > MOST_LAYERS:
        text += f" The first {MOST_LAYERS} of {len(found.layers)} layers."
    return text
