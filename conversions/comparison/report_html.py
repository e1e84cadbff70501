"""A comparison as one HTML file."""

from __future__ import annotations

import os

from conversions.comparison.figures import (
    accuracy_figure,
    agreement_figure,
    confusion_figure,
    raster_figure,
)
from conversions.comparison.presentation import rows, sentences
from conversions.comparison.result import Comparison
from conversions.report_pages import html_page
from conversions.report_pages.svg_figures import draw, require_matplotlib


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
    runs = ", ".join(f"{run.model} on drawing {run.seed}" for run in found.runs)
    sections = [
        ("Executors", html_page.table(rows(found)) + html_page.paragraphs(sentences(found))),
        (
            "Accuracy",
            html_page.figure(
                draw(accuracy_figure, found), "A dot is a run on all samples, the line their mean."
            ),
        ),
        (
            "Agreement with the engine",
            html_page.figure(
                draw(agreement_figure, found),
                "By layer, from input to output; all samples of all runs.",
            ),
        ),
        (
            "One sample",
            html_page.figure(
                draw(raster_figure, found),
                "The first sample of the first run. Spikes without a counterpart on the other"
                " side are in orange.",
            ),
        ),
        (
            "Confusion",
            html_page.figure(draw(confusion_figure, found), "Decisions of the engine."),
        ),
        ("Runs", html_page.paragraphs([runs])),
        ("Made of", html_page.table([["what", ""], *map(list, found.circumstances.items())])),
    ]
    html_page.write_page(path, html_page.page("One model, side by side", sections))
