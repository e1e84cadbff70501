from xml.etree import ElementTree

import numpy as np

from conversions.comparison.figures import (
    accuracy_figure,
    agreement_figure,
    confusion_figure,
    raster_figure,
)
from conversions.comparison.model_comparison import compare
from conversions.comparison.report_html import write_comparison
from conversions.comparison.runners import Runner
from conversions.report_pages.svg_figures import draw


def test_write_comparison__holds_table_figures_and_runs(integer_file, digits, tmp_path):
    _, test = digits
    found = compare(integer_file, test, n_samples=70, seeds=2)
    write_comparison(tmp_path / "report.html", found)
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert text.count("<svg") == 4
    assert f"{100 * found.accuracies(Runner.ENGINE).mean():.2f} %" in text
    assert f"{integer_file} on drawing 1" in text


def test_figures__draw_what_was_found(integer_file, digits):
    _, test = digits
    found = compare(integer_file, test, n_samples=70)
    for make in (accuracy_figure, agreement_figure, confusion_figure, raster_figure):
        assert ElementTree.fromstring(draw(make, found)).tag.endswith("svg")
    table = found.confusion(Runner.ENGINE)
    assert table.sum() == 70
    assert np.trace(table[:, :10]) / 70 == found.accuracies(Runner.ENGINE)[0]
    axes = raster_figure(found).axes
    dots = sum(len(c.get_offsets()) for ax in axes[1::2] for c in ax.collections)
    assert dots == sum(int(raster.sum()) for raster in found.example[Runner.ENGINE].values())
