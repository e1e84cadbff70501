"""Networks of ours to Lava's Processes and back: the same spikes and state."""

import numpy as np
import pytest
from hypothesis import given, settings

from conversions import from_lava
from ssdp_neuro import simulate
from tests.strategies import cases

pytestmark = [pytest.mark.lava, pytest.mark.kernel]


@given(case=cases(max_samples=1))
@settings(deadline=None, max_examples=60)
def test_from_lava__undoes_to_lava(case):
    from hw_models.lava_processes.lava_model import build_model
    from ssdp_neuro.engine.spike_input import spike_input

    network, spikes, n_steps = case
    rasters = spike_input(network, spikes, n_steps).rasters(network, n_steps)
    model = build_model(network, {name: raster[0] for name, raster in rasters.items()})
    probes = [(lif.name, variable) for lif in network.neurons for variable in "uv"]
    expected = simulate(network, spikes, n_steps=n_steps, probes=probes)
    seen = set()
    for name, process in model.populations.items():
        if name in seen:
            continue
        program = from_lava(process)  # of what this population is connected with
        assert program.notes == ()
        here = [lif.name for lif in program.network.neurons]
        assert name in here
        seen.update(here)
        run = program.run(n_steps, probes=[(lif, v) for lif in here for v in "uv"])
        for lif in here:
            raster = expected.raster(lif).reshape(n_steps, -1)
            np.testing.assert_array_equal(run.result.raster(lif), raster)
            for variable in "uv":
                state = expected.probe(lif, variable).reshape(n_steps, -1)
                np.testing.assert_array_equal(run.result.probe(lif, variable), state)
    assert seen == set(model.populations)
