import numpy as np
import pytest

from hw_models import (
    DenseProjection,
    FixedPointNetwork,
    InputPopulation,
    LifPopulation,
    ResetMode,
)
from ssdp_neuro.engine.kernels import tables
from ssdp_neuro.engine.plan import Plan
from ssdp_neuro.engine.population_table import MAX_INPUT, is_narrow
from tests.parity.test_engine_oracle import assert_equal_runs


def network_of(weights: np.ndarray, exponent: int = 0, **options: object) -> FixedPointNetwork:
    n_post, n_pre = weights.shape
    parameters = {"current_decay": 3, "voltage_decay": 5, "threshold": 2**17 - 1, **options}
    return FixedPointNetwork(
        populations=[
            InputPopulation(name="in", shape=(n_pre,)),
            LifPopulation(name="net", shape=(n_post,), **parameters),
        ],
        projections=[
            DenseProjection(source="in", target="net", weights=weights, weight_exponent=exponent)
        ],
    )


def test_is_narrow__up_to_the_input_that_one_wrap_brings_back():
    rows = np.full((1, 16), 128)
    assert MAX_INPUT == 16 * 128 << 7
    assert is_narrow(network_of(rows, 7), "net")
    assert not is_narrow(network_of(np.append(rows, [[1]], axis=1), 7), "net")


@pytest.mark.kernel
@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("extra", [0, 1, 100])
def test_simulate__equals_oracle_at_and_beyond_the_bound(sign, extra):
    """Beyond it a current may leave 24 bits, which float32 would not hold."""
    rows = sign * np.concatenate([np.full(16, 128), np.ones(extra, dtype=int)])[None]
    network = network_of(np.repeat(rows, 70, axis=0), 7)
    assert Plan(network).populations.kind[1] == (tables.WIDE if extra else tables.UNIFORM)
    spikes = np.random.default_rng(1).random((200, 16 + extra)) < 0.8
    spikes[50:100] = True
    assert_equal_runs(network, spikes, 200)


@pytest.mark.kernel
@pytest.mark.parametrize(("threshold", "kind"), [(-(2**17), "GENERAL"), (-(2**17) - 1, "WIDE")])
def test_simulate__equals_oracle_where_a_reset_subtracts_a_low_threshold(threshold, kind):
    weights = np.random.default_rng(2).integers(-90, 120, (70, 9))
    network = network_of(weights, threshold=threshold, reset=ResetMode.SUBTRACT)
    assert Plan(network).populations.kind[1] == getattr(tables, kind)
    spikes = np.random.default_rng(3).random((60, 9)) < 0.3
    assert assert_equal_runs(network, spikes, 60).counts.spikes["net"] > 0


@pytest.mark.kernel
@pytest.mark.parametrize("size", [70, 1400])
def test_simulate__equals_oracle_without_memory_of_currents(size):
    weights = np.random.default_rng(4).integers(-90, 120, (size, 9))
    network = network_of(weights, 3, current_decay=4095, threshold=2000)
    spikes = np.random.default_rng(5).random((200, 9)) < np.linspace(0, 0.6, 200)[::-1, None]
    assert assert_equal_runs(network, spikes, 200).counts.spikes["net"] > 0
