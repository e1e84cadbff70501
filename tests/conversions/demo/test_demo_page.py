import re

import pytest

from conversions.demo.demo_figures import (
    accuracy_figure,
    kernel_figure,
    latency_figure,
    raster_figure,
)
from conversions.demo.demo_page import write_demo_report
from conversions.report_pages.figures import drawn
from hw_models import NetworkFileError
from ssdp_neuro.plot.style import outside_pyplot

pytestmark = pytest.mark.lava


def test_write_demo_report__needs_nothing_else(tiny_demo, tmp_path):
    result, _, _ = tiny_demo
    write_demo_report(tmp_path / "demo.html", result)
    page = (tmp_path / "demo.html").read_text()
    assert page.count("<svg") == 5
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
    marks = [sum(len(c.get_offsets()) for c in axes.collections) for axes in raster.axes]
    assert marks == [
        example.rasters["input"].sum(),
        example.rasters["hidden"].sum(),
        example.before.sum(),
        example.rasters["output"].sum(),
    ]
    with outside_pyplot():
        accuracy, latency = accuracy_figure(result), latency_figure(result)
        kernel = kernel_figure(result)
    bars = [bar.get_width() for bar in kernel.patches]
    assert bars == pytest.approx([100 * one.mean for one in result.latencies])
    widths = [bar.get_width() for bar in accuracy.patches]
    everything = [result.before, *(found.accuracy for found in result.learning)]
    assert widths[2::3] == [100 * one.everything for one in everything]
    shares = [patch.get_data().values for patch in latency.patches]
    assert len(shares) == 3
    assert all(share.sum() == pytest.approx(100) for share in shares)


def test_drawn__is_reproducible(tiny_demo):
    result, _, _ = tiny_demo
    assert drawn(raster_figure, result) == drawn(raster_figure, result)
