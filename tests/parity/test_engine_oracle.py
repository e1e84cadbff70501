"""The event-driven engine against the clock-driven oracle: every spike, u, v and count."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from hw_models import (
    DenseProjection,
    FixedPointNetwork,
    InputPopulation,
    LifPopulation,
    SparseProjection,
)
from ssdp_neuro.engine import population_table
from ssdp_neuro.engine.simulator import simulate
from ssdp_neuro.oracle.simulate import simulate as oracle
from tests.strategies import cases

pytestmark = pytest.mark.kernel


def all_probes(network: FixedPointNetwork) -> list[tuple[str, str]]:
    return [(population.name, x) for population in network.neurons for x in "uv"]


def assert_equal_runs(network: FixedPointNetwork, spikes: object, n_steps: int, **options: object):
    probes = all_probes(network)
    engine = simulate(network, spikes, n_steps=n_steps, probes=probes, **options)
    expected = oracle(network, spikes, n_steps=n_steps, probes=probes)
    for name in expected.populations:
        np.testing.assert_array_equal(engine.events(name), expected.events(name), name)
    for name, variable in probes:
        np.testing.assert_array_equal(
            engine.probe(name, variable), expected.probe(name, variable), f"{name}.{variable}"
        )
    assert engine.counts.spikes == expected.counts.spikes
    assert engine.counts.synaptic_operations == expected.counts.synaptic_operations
    unwatched = simulate(network, spikes, n_steps=n_steps, **options)  # may leave out currents
    for name in expected.populations:
        np.testing.assert_array_equal(unwatched.events(name), expected.events(name), name)
    return engine


@pytest.mark.parametrize(
    "always_swept", [0, population_table.ALWAYS_SWEPT], ids=["live blocks", "sweep"]
)
@given(case=cases())
@settings(
    deadline=None, max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_simulate__equals_oracle(always_swept, monkeypatch, case):
    monkeypatch.setattr(population_table, "ALWAYS_SWEPT", always_swept)
    network, spikes, n_steps = case
    assert_equal_runs(network, spikes, n_steps, n_threads=1)


DELAYS = [0, 1, 2, 7, 19]  # few: for each the oracle multiplies by a matrix of its own


def bursts(rng: np.random.Generator, n_steps: int, size: int) -> np.ndarray:
    """Mostly silence; neighbours fire for a while, and once nearly all sources do."""
    spikes = np.zeros((n_steps, size), dtype=bool)
    for start in range(0, n_steps, 97):
        first = int(rng.integers(0, size - 25))
        few = spikes[start : start + 9, first : first + 25]
        few |= rng.random(few.shape) < 0.7
    spikes[n_steps // 2 : n_steps // 2 + 3] = rng.random((3, size)) < 0.9
    return spikes


@pytest.mark.parametrize("delays", [False, True])
@pytest.mark.parametrize("exponent", [0, -2])
@pytest.mark.parametrize("voltage_decay", [0, 300])
@pytest.mark.parametrize("refractory", [0, 3])
def test_simulate__equals_oracle_while_blocks_sleep_and_wake(
    monkeypatch, delays, exponent, voltage_decay, refractory
):
    monkeypatch.setattr(population_table, "ALWAYS_SWEPT", 0)
    rng = np.random.default_rng(5)
    size, n_steps = 500, 500
    network = FixedPointNetwork(
        populations=[
            InputPopulation(name="in", shape=(size,)),
            LifPopulation(
                name="net",
                shape=(size,),
                current_decay=900,
                voltage_decay=voltage_decay,
                threshold=300,
                refractory=refractory,
            ),
        ],
        projections=[
            SparseProjection(
                source=source,
                target="net",
                weight_exponent=exponent,
                delays=rng.choice(DELAYS, size * 4) if delays else None,
                **some_synapses(rng, size, low, high),
            )
            for source, low, high in (("in", 0, 255), ("net", -255, 90))
        ],
    )
    spikes = bursts(rng, n_steps, size)
    result = assert_equal_runs(network, spikes, n_steps)
    assert result.counts.spikes["net"] > 0
    assert result.counts.neuron_updates["net"] < 0.8 * size * n_steps


def some_synapses(
    rng: np.random.Generator, size: int, low: int, high: int
) -> dict[str, np.ndarray]:
    """Four targets of each source, all close together, so that most blocks can sleep."""
    pre = np.repeat(np.arange(size), 4)
    post = (pre + np.tile([1, 2, 5, 9], size)) % size
    return {"pre": pre, "post": post, "weights": rng.integers(low, high, pre.size)}


def test_simulate__same_for_any_number_of_threads_and_any_batch_split():
    rng = np.random.default_rng(1)
    network = FixedPointNetwork(
        populations=[
            InputPopulation(name="in", shape=(40,)),
            LifPopulation(
                name="net", shape=(30,), current_decay=1000, voltage_decay=200, threshold=200
            ),
        ],
        projections=[
            DenseProjection(source="in", target="net", weights=rng.integers(-90, 120, (30, 40)))
        ],
    )
    spikes = rng.random((23, 50, 40)) < 0.1
    whole = simulate(network, spikes, n_steps=50, n_threads=1)
    assert whole.counts.spikes["net"] > 0
    for n_threads in (2, 5, 64):
        again = simulate(network, spikes, n_steps=50, n_threads=n_threads)
        np.testing.assert_array_equal(again.events("net"), whole.events("net"))
        assert again.counts == whole.counts
    for k in (0, 7, 22):
        alone = simulate(network, spikes[k], n_steps=50)
        np.testing.assert_array_equal(alone.raster("net"), whole.raster("net")[k])


def test_simulate__long_run_in_several_calls_equals_oracle(monkeypatch):
    monkeypatch.setattr("ssdp_neuro.engine.job.FIRST_CHUNK_STEPS", 7)
    monkeypatch.setattr("ssdp_neuro.engine.job.CHUNK_SECONDS", 0.0)
    rng = np.random.default_rng(3)
    network = FixedPointNetwork(
        populations=[
            InputPopulation(name="in", shape=(9,)),
            LifPopulation(
                name="net", shape=(5,), current_decay=100, voltage_decay=50, threshold=300
            ),
        ],
        projections=[
            DenseProjection(
                source="in",
                target="net",
                weights=rng.integers(-90, 120, (5, 9)),
                delays=rng.integers(0, 12, (5, 9)),
            ),
            DenseProjection(source="net", target="net", weights=rng.integers(-90, 120, (5, 5))),
        ],
    )
    assert_equal_runs(network, rng.random((100, 9)) < 0.2, 100)


def test_simulate__input_on_its_way_to_a_sleeping_block_arrives(monkeypatch):
    """The census of step 63 finds everything at rest but for one delayed spike."""
    monkeypatch.setattr(population_table, "ALWAYS_SWEPT", 0)
    size = 640
    network = FixedPointNetwork(
        populations=[
            InputPopulation(name="in", shape=(size,)),
            LifPopulation(
                name="net", shape=(size,), current_decay=4095, voltage_decay=4096, threshold=90
            ),
        ],
        projections=[
            SparseProjection(
                source="in",
                target="net",
                pre=np.arange(size),
                post=np.arange(size),
                weights=np.full(size, 100),
                delays=np.where(np.arange(size) == 333, 40, 0),
            )
        ],
    )
    spikes = np.zeros((130, size), dtype=bool)
    spikes[2] = True
    spikes[60, 333] = True
    result = assert_equal_runs(network, spikes, 130)
    assert result.events("net").tolist()[-1] == (101, 333)
