"""One run in several calls of the kernel gives what it gives in one."""

import numpy as np
import pytest

from hw_models import DenseProjection, FixedPointNetwork, InputPopulation, LifPopulation
from ssdp_neuro import simulate

pytestmark = pytest.mark.kernel


def test_run_window__same_spikes_however_often_its_output_is_full(monkeypatch):
    rng = np.random.default_rng(0)
    net = LifPopulation(
        name="net", shape=(80,), current_decay=400, voltage_decay=100, threshold=2500
    )
    network = FixedPointNetwork(
        populations=[InputPopulation(name="in", shape=(50,)), net],
        projections=[
            DenseProjection(source=source, target="net", weights=rng.integers(-40, 60, (80, n_pre)))
            for source, n_pre in (("in", 50), ("net", 80))
        ],
    )
    spikes = rng.random((2, 40, 50)) < 0.2
    whole = simulate(network, spikes, n_steps=40)
    assert 500 < whole.counts.spikes["net"] < 5000
    for room in (0, 1, 100):
        monkeypatch.setattr("ssdp_neuro.engine.job.SPIKES_PER_PART", room)
        parts = simulate(network, spikes, n_steps=40)
        for name in ("in", "net"):
            np.testing.assert_array_equal(parts.events(name), whole.events(name))
        assert parts.counts == whole.counts
