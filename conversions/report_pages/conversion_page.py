"""A conversion as one HTML file, or as JSON."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

from conversions.conversion_report import ConversionReport
from conversions.report_pages import html_page
from conversions.report_pages.chip_table import chip_share
from conversions.report_pages.figures import drawn
from conversions.report_pages.provenance import digest_of, versions
from hw_models import Chip, FixedPointNetwork
from hw_models.atomic_file import write_whole
from ssdp_neuro.plot import network as network_picture
from ssdp_neuro.plot import shares


def write_conversion(
    path: Path, model: Path, found: ConversionReport, network: FixedPointNetwork, chip: Chip
) -> None:
    """Write a report as JSON or HTML, by the path's ending, whole or not at all.

    Parameters
    ----------
    path
        Ends in .json, or a page is written.
    model
        File that was converted.
    found, network
        What came of it.
    chip
        Whose registers were filled.
    """
    if path.suffix == ".json":
        write_whole(path, (json.dumps(found.to_dict(), indent=1) + "\n").encode())
        return
    html_page.write_page(path, conversion_page(model, found, network, chip))


def conversion_page(
    model: Path, found: ConversionReport, network: FixedPointNetwork, chip: Chip
) -> str:
    """The report as an HTML document; pictures are in it where matplotlib is there."""
    sections = [
        ("Layers", conversion_table(found) + html_page.paragraphs(found.summary())),
        ("Passes", html_page.words(found.pass_rows())),
        (f"Share of {chip.name}", chip_share(network, chip)),
    ]
    if find_spec("matplotlib"):
        sections.insert(0, ("Network", html_page.figure(drawn(network_picture, network))))
        agreement = {
            layer.population: layer.spike_agreement
            for layer in found.layers
            if layer.spike_agreement is not None
        }
        if agreement:
            picture = drawn(shares, agreement, label="spikes with a counterpart", digits=2)
            caption = f"By layer, on {found.n_samples:,} calibration samples."
            sections.insert(1, ("Agreement with the model", html_page.figure(picture, caption)))
    made_of = {
        "model": f"{model} (SHA-256 {digest_of(model)})",
        "chip": chip.name,
        "calibration": f"{found.n_samples} samples" if found.n_samples else "none",
        "versions": versions(),
    }
    sections.append(("Made of", html_page.facts(made_of)))
    return html_page.page(f"{model.name} on {found.chip}", sections)


def conversion_table(found: ConversionReport) -> str:
    """A column for each layer: there are fewer of these than of quantities."""
    return html_page.table(list(zip(*found.rows(), strict=True)))
