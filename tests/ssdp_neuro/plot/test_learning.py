import dataclasses

import numpy as np
import pytest

from hw_models import InputError, ShapeError, ThirdFactor, UnknownNameError
from ssdp_neuro import plot
from ssdp_neuro.engine.learn_result import LearnResult, weight_change
from tests.ssdp_neuro.engine.plastic_networks import params_of


@pytest.fixture
def pair(network):
    """A network whose last projection learns, before and after."""
    old = dataclasses.replace(
        network.projection("past"), plasticity=params_of(ThirdFactor.CONSTANT)
    )
    change = np.random.default_rng(2).integers(-30, 31, old.weights.shape)
    new = dataclasses.replace(old, weights=np.clip(old.weights + change, -128, 127))
    return network.replace(old), network.replace(new)


def counted(stairs):
    values, edges, _ = stairs.get_data()
    return {
        (float(low), float(high)): int(count)
        for count, low, high in zip(values, edges[:-1], edges[1:], strict=True)
    }


def test_weights__are_counted_before_and_after(pair):
    axes = plot.weights(*pair)
    for stairs, net in zip(axes.patches, pair, strict=True):
        weights = net.projection("past").weights
        bins = counted(stairs)
        assert sum(bins.values()) == weights.size
        for (low, high), count in bins.items():
            assert count == ((weights > low) & (weights < high)).sum()
    changed = (pair[0].projection("past").weights != pair[1].projection("past").weights).sum()
    assert axes.get_title(loc="left") == f"past: {changed} of 128 weights changed"


def test_weights__come_from_what_learning_returned(pair):
    before, after = pair
    change = weight_change(before.projection("past"), after.projection("past"), 3, 9)
    learned = LearnResult(
        before=before, network=after, n_samples=3, next_sample=3, changes={"past": change},
        spike_counts={}, decisions={}, seed=0,
    )  # fmt: skip
    ours, theirs = plot.weights(learned), plot.weights(before, after, "past")
    for mine, other in zip(ours.patches, theirs.patches, strict=True):
        assert counted(mine) == counted(other)
    assert repr(learned) == (
        f"LearnResult(3 samples, past: {change.n_changed} of 128 weights changed)"
    )
    page = learned._repr_html_()
    assert f"<td>{change.n_changed} of 128</td>" in page
    assert page.count("<svg") == 1


def test_weights__refuse_what_is_missing(pair, network):
    with pytest.raises(InputError, match="after: not given"):
        plot.weights(network)
    with pytest.raises(InputError, match="none can learn"):
        plot.weights(network, network)
    with pytest.raises(InputError, match="'seen->pooled' has no weights"):
        plot.weights(*pair, "seen->pooled")
    with pytest.raises(UnknownNameError, match="no projection named"):
        plot.weights(*pair, "there")
    other = dataclasses.replace(network.projection("eye->seen"), name="past", groups=1)
    swapped = type(network)(
        populations=network.populations,
        projections=[*(p for p in network.projections if p.name != "past"), other],
    )
    with pytest.raises(ShapeError, match=r"past: weights \(4, 32\) before"):
        plot.weights(network, swapped, "past")
