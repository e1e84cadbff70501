import numpy as np
import pytest

from hw_models import FixedPointNetwork, InputPopulation, RangeError
from ssdp_neuro.engine import random_input
from ssdp_neuro.engine.random_input import random_spikes

NETWORK = FixedPointNetwork(
    populations=[InputPopulation(name="a", shape=(30,)), InputPopulation(name="b", shape=(2, 4))],
    projections=[],
)


def rasters(rate, n_steps, **options):
    spikes = random_spikes(NETWORK, rate, n_steps=n_steps, **options)
    return spikes.rasters(NETWORK, n_steps)


def test_random_spikes__have_the_rate_asked_for():
    """Binomial, 1e5 draws at 0.2: five standard deviations are 0.0064."""
    raster = rasters(0.2, 1000, n_samples=3)["a"]
    assert raster.shape == (3, 1000, 30)
    assert abs(raster.mean() - 0.2) < 0.0064


@pytest.mark.parametrize(("rate", "expected"), [(0.0, 0), (1.0, 1)])
def test_random_spikes__never_and_always(rate, expected):
    assert all((raster == expected).all() for raster in rasters(rate, 7).values())


def test_random_spikes__more_samples_and_other_chunks_change_nothing(monkeypatch):
    few, many = rasters(0.3, 11, seed=5), rasters(0.3, 11, n_samples=4, seed=5)
    monkeypatch.setattr(random_input, "CHUNK", 64)
    chunked = rasters(0.3, 11, n_samples=4, seed=5)
    for name in ("a", "b"):
        assert np.array_equal(few[name][0], many[name][0])
        assert np.array_equal(many[name], chunked[name])
    assert not np.array_equal(few["a"], rasters(0.3, 11, seed=6)["a"])
    assert not np.array_equal(few["a"][0, :, :8], few["b"][0])


@pytest.mark.parametrize("rate", [-0.1, 1.5, float("nan"), float("inf")])
def test_random_spikes__refuses_what_is_no_probability(rate):
    with pytest.raises(RangeError, match=r"allowed 0\.\.1"):
        random_spikes(NETWORK, rate, n_steps=3)
