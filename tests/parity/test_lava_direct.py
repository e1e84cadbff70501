"""Engine, oracle and Lava's own models on random networks: every spike, u, v and count."""

import numpy as np
import pytest
from hypothesis import given, settings

from conversions import LavaExecution, run_lava
from ssdp_neuro import simulate
from ssdp_neuro.oracle.simulate import simulate as oracle
from tests.strategies import cases

pytestmark = [pytest.mark.lava, pytest.mark.kernel]


def assert_all_equal(network, spikes, n_steps):
    probes = [(lif.name, variable) for lif in network.neurons for variable in "uv"]
    lava = run_lava(network, spikes, n_steps, probes=probes, execution=LavaExecution.DIRECT)
    others = [run(network, spikes, n_steps=n_steps, probes=probes) for run in (simulate, oracle)]
    for other in others:
        for name in lava.populations:
            np.testing.assert_array_equal(lava.raster(name), other.raster(name), name)
        for probe in probes:
            np.testing.assert_array_equal(lava.probe(*probe), other.probe(*probe), str(probe))
        assert lava.counts.spikes == other.counts.spikes
        assert lava.counts.synaptic_operations == other.counts.synaptic_operations
        assert lava.n_samples == other.n_samples
    return lava


@given(case=cases())
@settings(deadline=None, max_examples=200)
def test_run_lava__equals_engine_and_oracle(case):
    assert_all_equal(*case)


@given(case=cases(max_steps=80, max_samples=1, max_lif=2))
@settings(deadline=None, max_examples=20)
def test_run_lava__stays_equal_in_long_runs(case):
    assert_all_equal(*case)
