"""Programs written in plain Lava: Lava's own models and the engine by from_lava."""

import hw_models.lava_processes  # noqa: F401 makes Lava importable

# isort: split
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lava.proc.io.source import RingBuffer as Source
from lava.proc.lif.process import LIF
from lava.proc.sparse.process import DelaySparse, Sparse
from scipy.sparse import coo_array, csr_array, csr_matrix

from tests.parity.lava_comparison import assert_same_as_lava
from tests.parity.lava_graphs import LavaGraph, lava_graphs

pytestmark = [
    pytest.mark.lava,
    pytest.mark.kernel,
    # Lava's DelaySparse stores zeros anew in every step
    pytest.mark.filterwarnings("ignore::scipy.sparse.SparseEfficiencyWarning"),
]


@given(graph=lava_graphs(), n_steps=st.sampled_from((6, 18)), data=st.data())
@settings(deadline=None, max_examples=120)
def test_from_lava__runs_as_lava_does(graph, n_steps, data):
    assert_same_as_lava(graph, n_steps, data.draw(st.sampled_from(graph.processes)))


WEIGHTS = np.array([[10, 0, 30], [0, -40, 50]])
DELAYS = np.array([[1, 0, 2], [0, 3, 0]])


def chain(synapses, **neuron):
    """A source of three neurons, connected by a Process to two others."""
    spikes = np.random.default_rng(1).random((3, 9)) < 0.4
    source = Source(data=spikes.astype(int))
    neurons = LIF(shape=(2,), **{"du": 400, "dv": 100, "vth": 20, **neuron})
    source.s_out.connect(synapses.s_in)
    synapses.a_out.connect(neurons.a_in)
    return LavaGraph([source], [synapses], [neurons], [])


@pytest.mark.parametrize("form", [np.asarray, csr_matrix, csr_array, coo_array])
@pytest.mark.parametrize("form_of_delays", [np.asarray, csr_matrix, csr_array, int])
def test_from_lava__reads_delays_in_every_form_that_lava_runs(form, form_of_delays):
    delays = 2 if form_of_delays is int else form_of_delays(DELAYS)
    graph = chain(DelaySparse(weights=form(WEIGHTS), delays=delays))
    assert assert_same_as_lava(graph, 20).result.counts.synaptic_operations


def test_from_lava__reads_a_sparse_array_where_lava_multiplies_by_it():
    assert_same_as_lava(chain(Sparse(weights=csr_array(WEIGHTS), num_message_bits=8)), 20)


@pytest.mark.parametrize("threshold", [2**25, 2**30, 2**56, -(2**25) - 1, -(2**40)])
def test_from_lava__reads_thresholds_that_no_potential_reaches_or_all_exceed(threshold):
    run = assert_same_as_lava(chain(Sparse(weights=WEIGHTS), vth=threshold, name="out"), 20)
    assert run.result.counts.spikes["out"] == (0 if threshold > 0 else 40)


@pytest.mark.parametrize("start", [{"u": 5}, {"v": [1200, -7]}, {"u": [2**23, 0], "v": -900.7}])
def test_from_lava__begins_where_the_neurons_do(start):
    assert_same_as_lava(chain(Sparse(weights=WEIGHTS), name="out", **start), 20)
