"""Programs written in plain Lava: Lava's own models and the engine by from_lava."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.parity.lava_comparison import assert_same_as_lava
from tests.parity.lava_graphs import lava_graphs

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
