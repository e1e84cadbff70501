"""The demo's report: the table, the figures and the conversion, in one HTML file."""

from __future__ import annotations

import os

from conversions.demo.demo_figures import (
    accuracy_figure,
    image_figure,
    kernel_figure,
    latency_figure,
    raster_figure,
)
from conversions.demo.demo_result import DemoResult
from conversions.report_pages import html_page
from conversions.report_pages.conversion_page import conversion_table
from conversions.report_pages.figures import drawn, require_matplotlib
from conversions.report_pages.provenance import versions


def write_demo_report(path: str | os.PathLike[str], result: DemoResult) -> None:
    """Write the report, whole or not at all.

    Raises
    ------
    MissingExtraError
        If matplotlib is not installed.
    NetworkFileError
        If the file cannot be written.
    """
    require_matplotlib()
    html_page.write_page(path, demo_page(result))


def demo_page(result: DemoResult) -> str:
    """The report as an HTML document."""
    first_new = result.settings.n_trained_classes
    example = result.example
    raster = (
        f"A held-out {example.label}, a class that was never trained in PyTorch. Every mark is"
        " a spike; the output neuron of its class is in vermilion. A connection delivers one step"
        " late, so each layer begins after the one before."
    )
    latencies = (
        "Steps in which neurons fired first, over all held-out digits, after learning. The"
        " integer rule sees nothing but these steps and which neurons fired at all."
    )
    accuracies = (
        f"Digits {first_new}-9 are learned on the chip from the samples named beside the bars."
        " Where only the new digits are shown, they push the old ones out."
    )
    seconds = ", ".join(f"{part} {value:.1f} s" for part, value in result.seconds.items())
    sections = [
        ("Accuracy", html_page.table(result.rows()) + html_page.paragraphs(result.remarks())),
        ("Learning on the chip", html_page.figure(drawn(accuracy_figure, result), accuracies)),
        (
            "One digit",
            html_page.figure(drawn(image_figure, result), f"A held-out {example.label}.")
            + html_page.figure(drawn(raster_figure, result), raster),
        ),
        (
            "What the latency kernel is for",
            html_page.table(result.latency_rows())
            + html_page.figure(drawn(kernel_figure, result), result.latency_remark()),
        ),
        ("First spikes", html_page.figure(drawn(latency_figure, result), latencies)),
        (
            f"Conversion to {result.conversion.chip}",
            conversion_table(result.conversion) + html_page.paragraphs(result.conversion.summary()),
        ),
        (
            "Made of",
            html_page.facts(
                {
                    "data": "the handwritten digits that come with scikit-learn, 8 x 8 pixels",
                    "seed": str(result.settings.seed),
                    "chip": result.conversion.chip,
                    "time": seconds,
                    "versions": versions(with_lava=True),
                }
            ),
        ),
    ]
    return html_page.page("Digits on a chip that learns", sections)
