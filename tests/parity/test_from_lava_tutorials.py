"""Lava's tutorial networks in Lava's models, in its runtime, and in the engine."""

from pathlib import Path

import numpy as np
import pytest

from conversions import run_in_engine
from tests.fresh_python import run_program
from tests.parity.lava_comparison import assert_same_as_lava
from tests.parity.lava_tutorials import TUTORIALS, build

pytestmark = [pytest.mark.lava, pytest.mark.kernel]


@pytest.mark.parametrize("name", TUTORIALS)
def test_from_lava__runs_tutorials_as_lava_does(name):
    graph, n_steps = build(name)
    run = assert_same_as_lava(graph, n_steps)
    assert all(run.raster(neurons).any() for neurons in graph.neurons)
    assert not all(run.raster(neurons).all() for neurons in graph.neurons)


IN_RUNTIME = ("two layers", "neural field")
PROGRAM = f"""
import sys
from tests.parity.lava_tutorials import build
import numpy as np
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import Loihi2SimCfg

kept = dict()
for name in {IN_RUNTIME}:
    graph, n_steps = build(name)
    neurons = graph.neurons[-1]
    neurons.run(condition=RunSteps(n_steps), run_cfg=Loihi2SimCfg(select_tag="fixed_pt"))
    for number, sink in enumerate(graph.sinks):
        kept[name + str(number)] = sink.data.get()
    neurons.stop()
np.savez(sys.argv[1], **kept)
"""


def test_from_lava__runs_tutorials_as_lavas_runtime_does(tmp_path):
    path = tmp_path / "kept.npz"
    run_program(PROGRAM, path, folder=Path(__file__).parents[2], timeout_s=200)
    with np.load(path) as kept:
        for name in IN_RUNTIME:
            graph, n_steps = build(name)
            run = run_in_engine(graph.neurons[0], n_steps)
            for number, sink in enumerate(graph.sinks):
                np.testing.assert_array_equal(run.data(sink), kept[name + str(number)], name)
