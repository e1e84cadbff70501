"""One sample on several threads, each with a range of neurons: equal to the oracle, as on one."""

import dataclasses

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from hw_models import (
    DenseProjection,
    FixedPointNetwork,
    InputPopulation,
    LifPopulation,
    ResetMode,
    SparseProjection,
)
from ssdp_neuro import Session
from ssdp_neuro.engine import delay_groups, job, plan, population_table, projection_table
from ssdp_neuro.engine.simulator import simulate
from tests.parity.test_convolutions import network_of, rising_input
from tests.parity.test_engine_oracle import assert_equal_runs
from tests.strategies import cases

pytestmark = pytest.mark.kernel


@pytest.fixture(params=[2, 3])
def n_threads(request, monkeypatch):
    """Threads, for networks of any size."""
    monkeypatch.setattr(plan, "SHARED_NEURONS", 1)
    monkeypatch.setattr(projection_table, "CUT_SYNAPSES", 1)
    monkeypatch.setattr(projection_table, "CUT_NEURONS", 1)
    return request.param


def sparse(rng, source, target, n_pre, n_post, count):
    return SparseProjection(
        source=source,
        target=target,
        pre=np.repeat(np.arange(n_pre), count),
        post=np.concatenate([rng.permutation(n_post)[:count] for _ in range(n_pre)]),
        weights=rng.integers(-40, 60, n_pre * count) * 2,
    )


@pytest.mark.parametrize("always_swept", [0, population_table.ALWAYS_SWEPT])
def test_simulate__on_several_threads_equals_oracle(n_threads, always_swept, monkeypatch):
    """A large population with itself, and neighbours of other kinds."""
    monkeypatch.setattr(population_table, "ALWAYS_SWEPT", always_swept)
    rng = np.random.default_rng(0)
    n_steps, size = 200, 400
    common = {"current_decay": 600, "voltage_decay": 200, "threshold": 900}
    network = FixedPointNetwork(
        populations=[
            InputPopulation(name="in", shape=(50,)),
            LifPopulation(name="large", shape=(size,), reset_interval=70, **common),
            LifPopulation(
                name="other", shape=(130,), refractory=2, reset=ResetMode.SUBTRACT, **common
            ),
            LifPopulation(name="dense", shape=(20,), **common),
        ],
        projections=[
            sparse(rng, "in", "large", 50, size, 60),
            sparse(rng, "large", "large", size, size, 20),
            sparse(rng, "large", "other", size, 130, 7),
            sparse(rng, "dense", "other", 20, 130, 30),
            DenseProjection(
                source="large", target="dense", weights=rng.integers(-9, 12, (20, size))
            ),
        ],
    )
    spikes = rng.random((n_steps, 50)) < 0.2
    spikes[60:130] = False
    run = assert_equal_runs(network, spikes, n_steps, n_threads=n_threads)
    assert all(run.counts.spikes.values())
    assert plan.plan_of(network).populations.ranges.tolist() == [0, 64, 64, 64]


@pytest.mark.parametrize("always_swept", [0, population_table.ALWAYS_SWEPT])
def test_simulate__shares_matrices(n_threads, always_swept, monkeypatch):
    """Of 8 and 16 bits, floored, with few delays, and two targets that share no scratch."""
    monkeypatch.setattr(population_table, "ALWAYS_SWEPT", always_swept)
    rng = np.random.default_rng(5)
    n_steps, sizes = 60, {"a": 333, "b": 200}
    common = {"current_decay": 600, "voltage_decay": 200, "threshold": 3000}
    wires = []
    for number, (source, target, fields) in enumerate(
        (
            ("in", "a", {}),
            ("in", "b", {"weight_exponent": -2}),
            ("in", "a", {"delays": rng.integers(0, 2, (333, 50))}),
            ("a", "b", {"delays": rng.integers(0, 2, (200, 333)), "weight_exponent": -1}),
            ("b", "a", {"weight_exponent": -3}),
            ("a", "a", {}),
        )
    ):
        weights = rng.integers(-90, 100, (sizes[target], sizes.get(source, 50))) * (1 + number % 2)
        name = f"{source}->{target} {number}"
        ends = {"source": source, "target": target, "name": name}
        wires.append(DenseProjection(weights=weights, **ends, **fields))
    network = FixedPointNetwork(
        populations=[
            InputPopulation(name="in", shape=(50,)),
            *(LifPopulation(name=name, shape=(n,), **common) for name, n in sizes.items()),
        ],
        projections=wires,
    )
    spikes = rng.random((n_steps, 50)) < 0.2
    run = assert_equal_runs(network, spikes, n_steps, n_threads=n_threads)
    assert all(run.counts.spikes.values())
    assert plan.plan_of(network).populations.ranges.tolist() == [0, 64, 64]


@pytest.mark.parametrize("exponent", [1, -3])
@pytest.mark.parametrize(
    ("channels", "fields"),
    [(32, {"padding": 1}), (8, {"padding": 2, "stride": 2}), (18, {"groups": 2, "dilation": 2})],
)
def test_simulate__shares_images(n_threads, channels, fields, exponent, monkeypatch):
    """By rows, spike by spike and from sums made beforehand; pooled by one synapse each."""
    monkeypatch.setattr(population_table, "ALWAYS_SWEPT", 1 << 20)
    network = network_of(channels, (3, 3), 1, weight_exponent=exponent, **fields)
    network = FixedPointNetwork(
        populations=network.populations,
        projections=[p for p in network.projections if p.name != "each->maps"],  # unsorted there
    )
    spikes = rising_input(network)
    run = assert_equal_runs(network, spikes, len(spikes["in"]), n_threads=n_threads)
    assert run.counts.spikes["maps"] > 0
    assert plan.plan_of(network).populations.ranges[3:5].tolist() == [64, 64]


def delayed_network() -> FixedPointNetwork:
    """Delayed and plain lists at one population, and one whose sums are floored."""
    rng = np.random.default_rng(2)
    size = 400
    common = {"current_decay": 600, "voltage_decay": 200, "threshold": 900}

    def late(source, target, n_pre, n_post, count, exponent=0):
        wires = sparse(rng, source, target, n_pre, n_post, count)
        delays = rng.choice([0, 1, 2, 7, 40, 63], n_pre * count)
        return dataclasses.replace(wires, delays=delays, weight_exponent=exponent)

    return FixedPointNetwork(
        populations=[
            InputPopulation(name="in", shape=(50,)),
            LifPopulation(name="large", shape=(size,), refractory=3, **common),
            LifPopulation(name="other", shape=(130,), **common),
            LifPopulation(name="floored", shape=(200,), **common),
        ],
        projections=[
            late("in", "large", 50, size, 60, 1),
            dataclasses.replace(sparse(rng, "large", "large", size, size, 9), name="at once"),
            late("large", "large", size, size, 20),
            late("large", "other", size, 130, 30),
            late("other", "floored", 130, 200, 30, -1),
        ],
    )


@pytest.mark.parametrize("span", [1, 4, 64])
@pytest.mark.parametrize("always_swept", [0, population_table.ALWAYS_SWEPT])
def test_simulate__shares_what_delays_bring(n_threads, always_swept, span, monkeypatch):
    monkeypatch.setattr(population_table, "ALWAYS_SWEPT", always_swept)
    monkeypatch.setattr(delay_groups.DelayGrouping, "best_span", lambda *_: span)
    n_steps, network = 150, delayed_network()
    spikes = np.random.default_rng(3).random((n_steps, 50)) < 0.2
    run = assert_equal_runs(network, spikes, n_steps, n_threads=n_threads)
    assert all(run.counts.spikes.values())
    assert plan.plan_of(network).populations.ranges.tolist() == [0, 4, 4, 0]


@pytest.mark.parametrize("span", [1, 64])
def test_session__goes_on_with_delayed_synapses_in_ranges(n_threads, span, monkeypatch):
    monkeypatch.setattr(delay_groups.DelayGrouping, "best_span", lambda *_: span)
    network = delayed_network()
    spikes = np.random.default_rng(3).random((150, 50)) < 0.2
    whole = simulate(network, spikes, n_steps=150, n_threads=n_threads)
    session = Session(network)
    session.run(spikes[:80], 80)
    other = Session(network)
    other.restore(session.state())
    rest = other.run(spikes[80:], 70)
    for population in network.neurons:
        expected = whole.events(population.name)
        expected = expected[expected["step"] >= 80]
        found = rest.events(population.name)
        np.testing.assert_array_equal(found["step"] + 80, expected["step"])
        np.testing.assert_array_equal(found["index"], expected["index"])


@given(case=cases())
@settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_simulate__on_several_threads_equals_oracle_on_any_network(n_threads, case):
    network, spikes, n_steps = case
    assert_equal_runs(network, spikes, n_steps, n_threads=n_threads)


def test_simulate__ends_if_a_thread_fails(n_threads, monkeypatch):
    rng = np.random.default_rng(0)
    cell = LifPopulation(name="c", shape=(90,), current_decay=9, voltage_decay=9, threshold=9)
    network = FixedPointNetwork(populations=[cell], projections=[sparse(rng, "c", "c", 90, 90, 9)])

    def fail(*arguments):
        raise RuntimeError("a thread fails")

    fail.address = job.ASSIST.address
    monkeypatch.setattr(job, "ASSIST", fail)
    with pytest.raises(RuntimeError, match="a thread fails"):
        simulate(network, None, n_steps=50, n_threads=n_threads)
    monkeypatch.undo()
    assert simulate(network, None, n_steps=50).counts.spikes == {"c": 0}


def test_shares__are_one_state_but_for_scratch():
    """What threads write at the same time for themselves; a test might not meet it."""
    network = network_of(8, (3, 3), 1, weight_exponent=-1)
    late = sparse(np.random.default_rng(0), "few", "class", 3, 3, 2)
    late = dataclasses.replace(late, delays=[0, 1, 9, 0, 0, 50], weight_exponent=-1)
    network = FixedPointNetwork(
        populations=network.populations, projections=[*network.projections, late]
    )
    made = plan.Plan(network)
    state = made.new_state()
    one, two = made.shares(state, 2)
    assert made.shares(state, 1) == [one]
    own = {"rows", "quads", "tile", "rest", "rest_number", "sum16", "sum32"}
    for field in type(state).fields():
        arrays = [getattr(each, field) for each in (state, one, two)]
        assert len({id(array) for array in arrays}) == (3 if field in own else 1)
        assert field not in own or arrays[0].size > 0
