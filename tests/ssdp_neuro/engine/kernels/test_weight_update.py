import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hw_models import DaSsdpParams
from ssdp_neuro.engine.kernels import weight_update
from ssdp_neuro.engine.plastic_projection import product_table
from ssdp_neuro.oracle import plain_da_ssdp as oracle
from tests.interpreted import interpreted
from tests.plasticity_strategies import NEAREST, STOCHASTIC, da_ssdp_params, synapses

pytestmark = pytest.mark.kernel
PYTHON = interpreted(weight_update)
BOTH = pytest.mark.parametrize("kernels", [weight_update, PYTHON], ids=["compiled", "python"])


def updated(kernels, params, state, seed, sample):
    """The weights after the update, and what the kernel says it visited."""
    weights = state.weights.copy()
    common = (weights, state.pre_codes, state.post_codes, state.gates, product_table(params))
    limits = (params.shift, params.weight_low, params.weight_high)
    if params.rounding is STOCHASTIC:
        return weights, kernels.update_stochastic(*common, *limits, seed, sample)
    return weights, kernels.update_nearest(*common, *limits)


@BOTH
@given(data=st.data(), params=da_ssdp_params(), seed=st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=60)
def test_update__equals_twin_synapse_by_synapse(kernels, data, params, seed):
    state = data.draw(synapses(params))
    n_post = state.post_codes.size
    expected = oracle.update(
        state.weights[:, :n_post].tolist(), params, *state[1:], seed=seed, sample=seed >> 7
    )
    weights, _ = updated(kernels, params, state, seed, seed >> 7)
    assert weights[:, :n_post].tolist() == expected
    assert not weights[:, n_post:].any()


@pytest.mark.parametrize("bits", range(3, 9))
@pytest.mark.parametrize("rounding", [NEAREST, STOCHASTIC], ids=lambda r: r.value)
def test_update__equals_twin_over_thousands_of_samples(bits, rounding):
    rng = np.random.default_rng(bits)
    weights = rng.integers(-90, 91, size=(3, 4)).astype(np.int8)
    expected = weights.tolist()
    params = da_ssdp_params_of(bits, rounding)
    table = product_table(params)
    for sample in range(500):
        pre, post = (rng.integers(0, 2**bits, size=n).astype(np.uint8) for n in (3, 4))
        gates = rng.integers(-256, 256, size=4).astype(np.int32)
        expected = oracle.update(expected, params, pre, post, gates, seed=9, sample=sample)
        limits = (params.shift, params.weight_low, params.weight_high)
        if rounding is STOCHASTIC:
            weight_update.update_stochastic(weights, pre, post, gates, table, *limits, 9, sample)
        else:
            weight_update.update_nearest(weights, pre, post, gates, table, *limits)
        assert weights.tolist() == expected


def da_ssdp_params_of(bits, rounding):
    distance = np.arange(2**bits)
    return DaSsdpParams(
        latency_bits=bits,
        silent_latency=2**bits - 1,
        kernel=np.rint(255 * np.exp(-(distance**2) / (2.0 * (bits - 1) ** 2))).astype(int),
        potentiation=200,
        depression=90,
        shift=18,
        rounding=rounding,
        weight_low=-100,
        weight_high=100,
    )


@BOTH
@given(
    params=da_ssdp_params(rounding=STOCHASTIC),
    n_post=st.integers(1, 70),
    n_open=st.integers(1, 20),
    seed=st.integers(0, 2**32 - 1),
)
@settings(deadline=None, max_examples=25)
def test_update__equals_twin_where_few_gates_are_open(kernels, params, n_post, n_open, seed):
    rng = np.random.default_rng(seed)
    gates = np.zeros(n_post, dtype=np.int32)
    gates[rng.integers(0, n_post, n_open)] = rng.integers(-256, 256, n_open)
    pre, post = (rng.integers(0, params.silent_code + 1, n).astype(np.uint8) for n in (5, n_post))
    weights = rng.integers(params.weight_low, params.weight_high + 1, (5, n_post)).astype(np.int16)
    expected = oracle.update(weights.tolist(), params, pre, post, gates, seed=seed, sample=7)
    limits = (params.shift, params.weight_low, params.weight_high)
    kernels.update_stochastic(weights, pre, post, gates, product_table(params), *limits, seed, 7)
    assert weights.tolist() == expected


@BOTH
@given(data=st.data(), params=da_ssdp_params())
@settings(deadline=None, max_examples=15)
def test_update__zero_gates_visit_nothing(kernels, data, params):
    state = data.draw(synapses(params))
    weights, n_rows = updated(kernels, params, state._replace(gates=state.gates * 0), 1, 2)
    assert n_rows == 0
    assert weights.tolist() == state.weights.tolist()


@given(data=st.data(), params=da_ssdp_params(rounding=NEAREST))
@settings(deadline=None, max_examples=20)
def test_update__relabelling_pre_neurons_relabels_the_result(data, params):
    state = data.draw(synapses(params))
    order = np.random.default_rng(state.pre_codes.size).permutation(state.pre_codes.size)
    shuffled = state._replace(
        weights=np.ascontiguousarray(state.weights[order]), pre_codes=state.pre_codes[order]
    )
    weights, n_rows = updated(weight_update, params, state, 0, 0)
    others, other_rows = updated(weight_update, params, shuffled, 0, 0)
    assert others.tolist() == weights[order].tolist()
    assert other_rows == n_rows


def test_stochastic__mean_change_is_the_product_without_rounding():
    """Binomial with 1e5 draws, p = 0.3: five standard deviations are 0.0073."""
    n_pre, n_post = 1000, 100
    weights = np.zeros((n_pre, n_post), dtype=np.int8)
    table = np.full((8, 8), 3 * 2**10 // 10, dtype=np.int32)
    gates = np.ones(n_post, dtype=np.int32)
    codes = [np.zeros(n, dtype=np.uint8) for n in (n_pre, n_post)]
    weight_update.update_stochastic(weights, *codes, gates, table, 10, -128, 127, 5, 0)
    assert set(np.unique(weights)) == {0, 1}
    assert abs(weights.mean() - 307 / 1024) < 0.0073
