from itertools import pairwise

import numpy as np
import pytest

from hw_models import DenseProjection, FixedPointNetwork, InputPopulation
from ssdp_neuro import plot
from ssdp_neuro.plot.levels import lanes_of, levels_of
from tests.ssdp_neuro.plot.conftest import lif


def network_of(names, edges):
    populations = [InputPopulation(name=n, shape=1) if n == "in" else lif(n, 1) for n in names]
    return FixedPointNetwork(
        populations=populations,
        projections=[DenseProjection(source=s, target=t, weights=[[1]]) for s, t in edges],
    )


def test_levels__are_the_longest_ways_without_loops():
    edges = [("in", "a"), ("a", "b"), ("b", "c"), ("in", "c"), ("c", "a"), ("b", "b")]
    levels = levels_of(network_of(["c", "b", "a", "in"], edges))
    assert levels == {"in": 0, "a": 1, "b": 2, "c": 3}


def test_levels__of_loops_without_inputs():
    assert levels_of(network_of("ab", [("a", "b"), ("b", "a")])) == {"a": 0, "b": 1}
    assert levels_of(network_of(["in"], [])) == {"in": 0}


def test_levels__of_a_long_chain():
    names = ["in", *(f"l{i}" for i in range(2000))]
    levels = levels_of(network_of(names, pairwise(names)))
    assert list(levels.values()) == list(range(2001))


def test_lanes__are_shared_by_what_does_not_meet():
    spans = [(("a", "c"), 0, 2), (("c", "e"), 2, 4), (("a", "e"), 0, 4), (("b", "b"), 1, 1)]
    assert lanes_of(spans) == {
        ("b", "b"): 0,
        ("a", "c"): 1,
        ("c", "e"): 0,
        ("a", "e"): 2,
    }


def test_network__names_sizes_and_projections(network):
    texts = [text.get_text() for text in plot.network(network).texts]
    for said in ("eye", "36 inputs, 1 x 6 x 6", "seen", "32 neurons, 2 x 4 x 4", "4 neurons"):
        assert said in texts
    for said in ("conv 3 x 3", "18 weights", "pool 2 x 2", "1 weight", "dense", "128 weights"):
        assert said in texts
    assert not [text for text in texts if "operations" in text or "spikes" in text]


def test_network__says_what_a_run_did(network, run):
    axes = plot.network(network, run)
    texts = [text.get_text() for text in axes.texts]
    for name, operations in run.counts.synaptic_operations.items():
        mean = operations / 3
        said = f"{mean:,.0f}" if mean >= 100 or mean == int(mean) else f"{mean:.1f}"
        assert f"{said} operations" in texts, name
    rate = run.raster("seen").mean()
    assert any(text.endswith(f"spikes, {rate:.1%} a step") for text in texts)
    shades = [box.get_facecolor()[3] for box in axes.patches if hasattr(box, "get_boxstyle")]
    assert sum(shades) == pytest.approx(0.3)


def test_network__bundles_projections_between_the_same_two():
    both = [
        DenseProjection(source="in", target="a", weights=[[1]], name="quick"),
        DenseProjection(source="in", target="a", weights=[[1]], name="slow", delays=[[3]]),
    ]
    net = FixedPointNetwork(
        populations=[InputPopulation(name="in", shape=1), lif("a", 1)], projections=both
    )
    texts = [text.get_text() for text in plot.network(net).texts]
    assert "2 projections" in texts
    assert "2 weights" in texts


def test_network__boxes_stand_apart(network):
    axes = plot.network(network)
    boxes = [box.get_bbox() for box in axes.patches if hasattr(box, "get_boxstyle")]
    edges = sorted((box.y0, box.y1) for box in boxes)
    assert len(boxes) == 4
    assert all(np.diff(np.ravel(edges)) > 0)
