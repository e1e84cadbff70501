import numpy as np
import pytest

from ssdp_neuro.engine.results import EventCounts, RasterReader, RunResult


@pytest.mark.parametrize("n_samples", [None, 1, 3])
def test_first_spikes__is_the_first_of_many_and_n_steps_if_silent(n_samples):
    raster = np.random.default_rng(0).random((n_samples or 1, 20, 9)) < 0.2
    raster[..., 4] = False
    run = RunResult(
        sizes={"a": 9},
        n_steps=20,
        n_samples=n_samples,
        reader=RasterReader({"a": raster}),
        probes={},
        counts=EventCounts(spikes={}, synaptic_operations={}, neuron_updates={}),
        executor="engine",
    )
    expected = [
        [next((t for t in range(20) if sample[t, n]), 20) for n in range(9)] for sample in raster
    ]
    first = run.first_spikes("a")
    assert first.tolist() == (expected if n_samples else expected[0])
