"""Delays in the engine against the oracle, however its synapses are grouped."""

import dataclasses

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
from ssdp_neuro import Session
from ssdp_neuro.engine import delay_groups, population_table, projection_table
from ssdp_neuro.engine.delay_groups import DelayGrouping, groups
from ssdp_neuro.engine.kernels import tables
from ssdp_neuro.engine.plan import Plan
from ssdp_neuro.oracle.simulate import simulate as oracle
from tests.parity.test_engine_oracle import assert_equal_runs
from tests.strategies import Kind, cases

pytestmark = pytest.mark.kernel

DELAYED = (Kind.DENSE_DELAYS, Kind.SPARSE_DELAYS)
DELAYS = [0, 1, 2, 7, 19, 40, 63]  # few: for each the oracle multiplies by a matrix of its own
FORMS = [1, 2, 8, 64, None, "matrices"]  # delays of a group; None: each when its spike is sent


def grouped(monkeypatch, form):
    monkeypatch.setattr(DelayGrouping, "matrices_pay", lambda *_: form == "matrices")
    span = form if form != "matrices" else 1
    monkeypatch.setattr(DelayGrouping, "best_span", lambda *_: span)


@pytest.mark.parametrize("always_swept", [0, population_table.ALWAYS_SWEPT])
@pytest.mark.parametrize("form", FORMS)
@given(case=cases(max_steps=90, max_samples=2, kinds=DELAYED))
@settings(
    deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_delays__equal_oracle_in_every_form(always_swept, monkeypatch, form, case):
    monkeypatch.setattr(population_table, "ALWAYS_SWEPT", always_swept)
    grouped(monkeypatch, form)
    network, spikes, n_steps = case
    assert_equal_runs(network, spikes, n_steps, n_threads=1)


def larger(exponent: int) -> FixedPointNetwork:
    """Many blocks; a list, a matrix whose delays belong to its sources, and itself."""
    rng = np.random.default_rng(1)
    n_pre, size = 40, 330
    pre = np.repeat(np.arange(n_pre), 50)
    post = np.concatenate([rng.choice(size, 50, replace=False) for _ in range(n_pre)])
    per_source = np.broadcast_to(rng.choice(DELAYS, n_pre), (size, n_pre))
    loop = np.arange(0, size, 7)
    common = {"target": "net", "weight_exponent": exponent}
    return FixedPointNetwork(
        populations=[
            InputPopulation(name="in", shape=(n_pre,)),
            LifPopulation(
                name="net", shape=(size,), current_decay=2900, voltage_decay=2000, threshold=300
            ),
        ],
        projections=[
            SparseProjection(
                source="in",
                pre=pre,
                post=post,
                weights=rng.integers(-256, 256, pre.size),
                delays=rng.choice(DELAYS, pre.size),
                **common,
            ),
            DenseProjection(
                source="in",
                name="axons",
                weights=rng.integers(-100, 255, (size, n_pre)),
                delays=per_source,
                **common,
            ),
            SparseProjection(
                source="net",
                pre=loop,
                post=loop[::-1],
                weights=np.full(loop.size, 201),
                delays=rng.choice(DELAYS, loop.size),
                **common,
            ),
        ],
    )


@pytest.mark.parametrize("exponent", [3, -2])
@pytest.mark.parametrize("form", FORMS)
def test_delays__wake_and_let_sleep_the_blocks_that_they_reach(monkeypatch, form, exponent):
    monkeypatch.setattr(population_table, "ALWAYS_SWEPT", 0)
    grouped(monkeypatch, form)
    spikes = np.zeros((2, 220, 40), dtype=bool)
    spikes[0, [3, 5, 90]] = np.random.default_rng(2).random((3, 40)) < 0.3
    spikes[1, 140, 17] = True
    result = assert_equal_runs(larger(exponent), spikes, 220, n_threads=1)
    assert result.counts.spikes["net"] > 10


@pytest.mark.parametrize("exponent", [3, -2])
def test_session__state_is_the_same_in_every_form_and_goes_on_in_any_other(monkeypatch, exponent):
    rng = np.random.default_rng(5)
    spikes = rng.random((150, 40)) < 0.1
    probes = [("net", "u"), ("net", "v")]
    whole = oracle(larger(exponent), spikes, n_steps=150, probes=probes)
    states = []
    for form in FORMS:
        grouped(monkeypatch, form)
        session = Session(larger(exponent))
        session.run(spikes[:70], 70)
        states.append(session.state())
        assert states[-1].arriving["net"].any(axis=1).sum() > 20
        np.testing.assert_array_equal(states[-1].arriving["net"], states[0].arriving["net"])
    for number, form in enumerate(FORMS):
        grouped(monkeypatch, form)
        session = Session(larger(exponent))
        session.restore(states[number - 1])
        one = session.run(spikes[70:100], 30, probes=probes)
        other = Session(larger(exponent))
        other.restore(session.state())  # some of what the first state had on its way is, still
        two = other.run(spikes[100:], 50, probes=probes)
        for probe in probes:
            found = np.concatenate([one.probe(*probe), two.probe(*probe)])
            np.testing.assert_array_equal(found, whole.probe(*probe)[70:])


def test_delays__floor_few_synapses_in_more_steps_than_a_number_counts():
    """What floors leave is known by a number of its use, which begins again after 255."""
    rng = np.random.default_rng(5)
    size, n_steps = 90, 340
    network = FixedPointNetwork(
        populations=[
            InputPopulation(name="in", shape=(2,)),
            LifPopulation(
                name="cell", shape=(size,), current_decay=900, voltage_decay=300, threshold=99
            ),
        ],
        projections=[
            SparseProjection(
                source="in",
                target="cell",
                pre=np.repeat([0, 1], size // 2),
                post=range(size),
                weights=rng.integers(-30, 99, size),
                delays=rng.integers(0, 61, size),
                weight_exponent=-3,
            )
        ],
    )
    spikes = np.zeros((n_steps, 2), dtype=bool)
    spikes[:, 1] = True
    spikes[[10, 10 + 255], 0] = True  # nothing is added in between to where these are
    assert_equal_runs(network, spikes, n_steps, n_threads=1)


@pytest.mark.parametrize("cuts", [1, 4])
@pytest.mark.parametrize("sources_at_once", [12, delay_groups.SOURCES])
def test_groups__hold_every_synapse_once_in_order(monkeypatch, sources_at_once, cuts):
    monkeypatch.setattr(delay_groups, "SOURCES", sources_at_once)
    rng = np.random.default_rng(4)
    n_pre, n_post, stride = 31, 250, 256  # the last source, and some others, have none
    pre = np.sort(rng.integers(0, 30, 500))
    synapses = projection_table.LoweredSynapses(
        pre, rng.integers(0, n_post, 500), np.arange(-250, 250), rng.integers(0, 64, 500)
    )
    ends = np.array([[n_post], [0, 64, 128, n_post]][cuts > 1])  # whole blocks
    for span in (1, 4, 64):
        seen = []
        for group in groups(synapses, n_pre, span, stride, cuts, n_post):
            assert group.row_start.size == n_pre * cuts + 1
            assert group.row_start[0] == 0
            assert group.row_start[-1] == group.words.size
            piece = np.repeat(np.arange(n_pre * cuts), np.diff(group.row_start))
            source, cut = np.divmod(piece, cuts)
            later, post = np.divmod(group.words & np.uint32(tables.PLACES - 1), stride)
            number = (group.words.view(np.int32) >> tables.PLACE_BITS) + 250
            assert (later < span).all()
            np.testing.assert_array_equal(np.searchsorted(ends, post, side="right"), cut)
            same_piece = np.diff(piece) == 0
            assert (np.diff(later.astype(int))[same_piece] >= 0).all()
            np.testing.assert_array_equal(synapses.pre[number], source)
            np.testing.assert_array_equal(synapses.delay[number], group.lag + later)
            np.testing.assert_array_equal(synapses.post[number], post)
            seen.append(number)
        assert sorted(np.concatenate(seen).tolist()) == list(range(500))


@pytest.mark.parametrize(
    ("delays", "kind"), [(2, tables.DENSE8), (61, tables.DELAYED), ("axons", tables.DENSE8)]
)
def test_plan__takes_matrices_where_delays_are_few(delays, kind):
    rng = np.random.default_rng(6)
    shape = (500, 300)
    if delays == "axons":
        chosen = np.broadcast_to(rng.integers(0, 61, shape[1]), shape)
    else:
        chosen = rng.integers(0, delays, shape)
    dense = DenseProjection(
        source="in", target="net", weights=rng.integers(-99, 99, shape), delays=chosen
    )
    lif = LifPopulation(name="net", shape=(500,), current_decay=9, voltage_decay=9, threshold=200)
    eye = InputPopulation(name="in", shape=(300,))
    network = FixedPointNetwork(populations=[eye, lif], projections=[dense])
    assert set(Plan(network).projections.kind.tolist()) == {kind}
    plain = network.replace(dataclasses.replace(dense, delays=None))
    assert Plan(plain).projections.lag.tolist() == [-1]
