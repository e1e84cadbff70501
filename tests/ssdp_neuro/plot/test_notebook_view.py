import dataclasses
import sys
from xml.etree import ElementTree

import numpy as np

from ssdp_neuro.engine.results import EventCounts, RasterReader, RunResult
from ssdp_neuro.plot import notebook_view


def run_of(rasters):
    first = next(iter(rasters.values()))
    return RunResult(
        sizes={name: raster.shape[2] for name, raster in rasters.items()},
        n_steps=first.shape[1],
        n_samples=len(first),
        reader=RasterReader(rasters),
        probes={},
        counts=EventCounts(
            spikes={name: int(raster.sum()) for name, raster in rasters.items()},
            synaptic_operations={},
            neuron_updates={},
        ),
        executor="engine",
    )


def test_run_view__counts_and_draws(run, single):
    page = run._repr_html_()
    assert "oracle: 3 samples of 12 steps, seed 7" in page
    spikes = run.counts.spikes["seen"]
    assert f"<tr><td>seen</td><td>32</td><td>{spikes}</td><td>{spikes / 1152:.4f}</td>" in page
    for name, count in run.counts.synaptic_operations.items():
        assert f"<tr><td>{name.replace('>', '&gt;')}</td><td>{count:,}</td></tr>" in page
    drawing = ElementTree.fromstring(page[page.index("<svg") : page.index("</svg>") + 6])
    assert drawing.tag.endswith("svg")
    assert page == run._repr_html_()
    assert "oracle: 12 steps" in single._repr_html_()


def test_run_view__stays_small():
    rasters = {f"p{i}": np.random.default_rng(i).random((1, 40, 900)) < 0.1 for i in range(9)}
    page = run_of(rasters)._repr_html_()
    assert len(page) < 300_000
    assert "the first 6 of 9 populations" in page


def test_run_view__draws_no_run_that_is_empty_or_huge(run, monkeypatch):
    assert "<svg" not in run_of({"out": np.zeros((0, 4, 2), bool)})._repr_html_()
    monkeypatch.setattr(notebook_view, "MOST_SPIKES", 10)
    assert "<svg" not in dataclasses.replace(run)._repr_html_()


def test_run_view__is_a_table_without_matplotlib(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    page = run._repr_html_()
    assert "<table>" in page
    assert "<svg" not in page


def test_repr__is_short(run, single):
    counts = run.counts.spikes
    said = ", ".join(f"{name} {counts[name]:,}" for name in ("eye", "seen", "pooled", "out"))
    assert repr(run) == f"RunResult(oracle, 3 samples of 12 steps, spikes: {said})"
    assert repr(single).startswith("RunResult(oracle, 12 steps, spikes: eye ")
    many = run_of({f"p{i}": np.zeros((1, 2, 1), bool) for i in range(9)})
    assert repr(many).endswith("p5 0, and 3 more)")
