"""Steps in which many neurons fire are kept as bits; every reading of them equals the oracle's."""

import numpy as np
import pytest

from hw_models import (
    FixedPointNetwork,
    InputPopulation,
    LifPopulation,
    PoolProjection,
    SparseProjection,
)
from ssdp_neuro import Session, simulate
from ssdp_neuro.engine.plan import Plan
from ssdp_neuro.oracle.simulate import simulate as oracle

pytestmark = pytest.mark.kernel

N_STEPS = 30


def relay(name: str, shape: tuple[int, ...]) -> LifPopulation:
    """Neurons that fire with every spike that arrives and keep nothing."""
    return LifPopulation(
        name=name, shape=shape, current_decay=4095, voltage_decay=4096, threshold=1
    )


def assert_equal_readings(network: FixedPointNetwork, spikes: np.ndarray) -> None:
    run, slow = (execute(network, spikes, n_steps=spikes.shape[-2]) for execute in
                 (simulate, oracle))  # fmt: skip
    for population in network.populations:
        for read in ("events", "raster", "spike_counts", "first_spikes"):
            fast, obvious = (getattr(result, read)(population.name) for result in (run, slow))
            assert fast.dtype == obvious.dtype
            np.testing.assert_array_equal(fast, obvious)


def rising(n_samples: int, n_neurons: int) -> np.ndarray:
    """From none to all, so that steps on both sides of the shorter form occur."""
    rng = np.random.default_rng(0)
    rates = np.linspace(0, 1, N_STEPS)[:, None] ** 3
    return rng.random((n_samples, N_STEPS, n_neurons)) < rates


@pytest.mark.parametrize("n_neurons", [1, 63, 64, 65, 200])
def test_spike_record__lists_and_bits(n_neurons):
    one_each = SparseProjection(
        source="in", target="cell", pre=range(n_neurons), post=range(n_neurons)[::-1],
        weights=[9] * n_neurons,
    )  # fmt: skip
    network = FixedPointNetwork(
        populations=[
            InputPopulation(name="in", shape=(n_neurons,)), relay("cell", (n_neurons,))
        ],
        projections=[one_each],
    )  # fmt: skip
    assert_equal_readings(network, rising(3, n_neurons))


def test_spike_record__images_and_sessions_that_list_all():
    pool = PoolProjection(source="in", target="pool", kernel_size=2, weight=9)
    shape = pool.output_shape((5, 14, 18))
    again = PoolProjection(source="pool", target="few", kernel_size=(1, 3), weight=9)
    network = FixedPointNetwork(
        populations=[
            InputPopulation(name="in", shape=(5, 14, 18)),
            relay("pool", shape),
            relay("few", again.output_shape(shape)),
        ],
        projections=[pool, again],
    )
    spikes = rising(2, 5 * 14 * 18)
    assert_equal_readings(network, spikes)
    session = Session(network)
    raster = oracle(network, spikes[0], n_steps=N_STEPS).raster("few")
    for step, row in enumerate(spikes[0]):
        assert session.step(row)["few"].tolist() == np.flatnonzero(raster[step]).tolist()


def test_spike_record__bits_of_a_population_that_keeps_a_list_of_live_blocks():
    """Whole blocks fire together, in turns, while most of the population is at rest."""
    n_neurons, n_in = 64 * 64, 4
    post = np.arange(n_in * 320).reshape(n_in, 320) * 3 % n_neurons // 320 * 320
    post = (post + np.arange(320)) % n_neurons
    network = FixedPointNetwork(
        populations=[InputPopulation(name="in", shape=(n_in,)), relay("cell", (n_neurons,))],
        projections=[
            SparseProjection(
                source="in", target="cell", pre=np.repeat(range(n_in), 320), post=post.reshape(-1),
                weights=[9] * post.size,
            )
        ],
    )  # fmt: skip
    assert Plan(network).most_listed[1] < 320
    spikes = np.zeros((2, 60, n_in), dtype=bool)
    for step in range(0, 60, 3):
        spikes[step // 3 % 2, step, step // 3 % n_in] = True
    run = simulate(network, spikes, n_steps=60)
    assert run.counts.neuron_updates["cell"] < 0.5 * 120 * n_neurons
    assert_equal_readings(network, spikes)
