import re

import pytest

from conversions.demo.figures import accuracy_figure, latency_figure, raster_figure
from conversions.demo.report_html import write_demo_report
from conversions.report_pages.svg_figures import draw
from hw_models import NetworkFileError

pytestmark = pytest.mark.lava


def test_write_demo_report__needs_nothing_else(tiny_demo, tmp_path):
    result, _, _ = tiny_demo
    write_demo_report(tmp_path / "demo.html", result)
    page = (tmp_path / "demo.html").read_text()
    assert page.count("<svg") == 3
    assert "<script" not in page
    links = re.findall(r'(?:href|src)="([^"]*)"', page)
    assert all(link.startswith(("#", "data:")) for link in links)
    for row in result.rows():
        assert all(cell in page for cell in row if cell)
    with pytest.raises(NetworkFileError, match="cannot be written"):
        write_demo_report(tmp_path / "missing" / "demo.html", result)


def test_figures__show_every_spike_and_every_experiment(tiny_demo):
    result, _, _ = tiny_demo
    raster = raster_figure(result)
    example = result.example
    drawn = [len(axes.collections[0].get_offsets()) for axes in raster.axes[1:]]
    assert drawn == [
        example.rasters["input"].sum(),
        example.rasters["hidden"].sum(),
        example.before.sum(),
        example.rasters["output"].sum(),
    ]
    bars = accuracy_figure(result).axes[0].containers
    heights = [[bar.get_height() for bar in series] for series in bars if len(series) > 1]
    everything = [result.before, *(found.accuracy for found in result.learning)]
    assert heights[-1] == [100 * accuracy.everything for accuracy in everything]
    shares = [patch.get_data().values for patch in latency_figure(result).axes[0].patches]
    assert len(shares) == 3
    assert all(share.sum() == pytest.approx(1) for share in shares)


def test_draw__is_reproducible(tiny_demo):
    result, _, _ = tiny_demo
    assert draw(raster_figure, result) == draw(raster_figure, result)
