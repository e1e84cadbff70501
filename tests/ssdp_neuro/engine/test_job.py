"""One run in several calls of the kernel gives what it gives in one."""

import numpy as np
import pytest

from hw_models import (
    DenseProjection,
    FixedPointNetwork,
    InputPopulation,
    LifPopulation,
    SparseProjection,
)
from ssdp_neuro import simulate
from ssdp_neuro.engine.population_table import ALWAYS_SWEPT
from ssdp_neuro.oracle.simulate import simulate as oracle

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


def test_output_reader__reads_lists_of_live_blocks_in_any_order():
    """A large population at rest lists its blocks as they woke; events are sorted all the same."""
    n_neurons = 4 * ALWAYS_SWEPT
    order = np.array([3000, 70, 4000, 1500, 71, 0])
    cell = LifPopulation(
        name="cell", shape=(n_neurons,), current_decay=4095, voltage_decay=4096, threshold=9
    )
    network = FixedPointNetwork(
        populations=[InputPopulation(name="in", shape=(6,)), cell],
        projections=[
            SparseProjection(source="in", target="cell", pre=range(6), post=order, weights=[10] * 6)
        ],
    )
    spikes = np.zeros((2, 200, 6), dtype=bool)
    for sample in range(2):  # one by one after the census, then together
        for step in range(6):
            spikes[sample, 100 + 2 * step, (step + sample) % 6] = True
        spikes[sample, 98:, :] |= np.arange(198, 300)[:, None] % 7 == 0
    run, slow = (execute(network, spikes, n_steps=200) for execute in (simulate, oracle))
    assert run.counts.neuron_updates["cell"] < 0.6 * 400 * n_neurons
    for read in ("events", "raster", "spike_counts", "first_spikes"):
        fast, obvious = getattr(run, read)("cell"), getattr(slow, read)("cell")
        assert fast.dtype == obvious.dtype
        np.testing.assert_array_equal(fast, obvious)
    fired = run.reader._outputs[0].fired()
    assert (np.diff(fired) < 0).any()
