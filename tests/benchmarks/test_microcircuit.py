import dataclasses
import json
import sys

import numpy as np
import pytest

from benchmarks.microcircuit import __main__, background, integers
from benchmarks.microcircuit.activity import activity
from benchmarks.microcircuit.parameters import POPULATIONS, Scale, full_synapses
from hw_models import InputPopulation
from ssdp_neuro import simulate
from ssdp_neuro.engine.plan import plan_of
from ssdp_neuro.oracle.simulate import simulate as oracle

SMALL = Scale(0.02)


@pytest.fixture(scope="module")
def circuit():
    return integers.circuit(SMALL, seed=1, is_poisson=True)


def test_full_synapses__are_as_many_as_published():
    assert full_synapses().sum() == pytest.approx(0.3e9, rel=0.01)


def test_circuit__has_the_numbers_of_the_tables(circuit):
    expected = SMALL.synapses
    for projection in circuit.projections:
        if projection.source not in POPULATIONS:
            continue
        source, target = (POPULATIONS.index(e) for e in (projection.source, projection.target))
        mean = expected[target, source]
        assert abs(projection.pre.size - mean) < 6 * np.sqrt(mean) + 1
        if mean < 2000:
            continue
        inhibits = projection.source.endswith("I")
        weight = projection.weights * 2.0**projection.weight_exponent / integers.MANTISSA
        stronger = 2 if (projection.source, projection.target) == ("L4E", "L23E") else 1
        assert weight.mean() == pytest.approx(-4 if inhibits else stronger, rel=0.02)
        assert weight.std() == pytest.approx(0.1 * abs(weight.mean()), rel=0.1)
        # normal around 15 or 7.5 steps, cut off below half a step
        assert projection.delays.mean() == pytest.approx(7.8 if inhibits else 15.4, rel=0.04)
        assert projection.delays.min() >= 1


def test_background__has_the_mean_and_variance_of_poisson_numbers():
    for mean in (0.032, 1.28, 2.32):
        numbers = background.counts_by_word(mean)
        assert numbers.mean() == pytest.approx(mean, rel=1e-3)
        assert numbers.var() == pytest.approx(mean, rel=1e-3)


def test_background__gives_each_neuron_its_number(circuit):
    n_steps = 400
    given = background.background(SMALL, 1, block=3, n_steps=n_steps)
    again = background.background(SMALL, 1, block=3, n_steps=n_steps)
    other = background.background(SMALL, 1, block=4, n_steps=n_steps)
    for p, name in enumerate(POPULATIONS):
        inputs = given.indices[f"to {name}"]
        np.testing.assert_array_equal(inputs, again.indices[f"to {name}"])
        assert not np.array_equal(inputs, other.indices[f"to {name}"])
        total = (1 << inputs % integers.COUNT_BITS).sum()
        expected = SMALL.background_events[p] * SMALL.sizes[p] * n_steps
        assert abs(total - expected) < 5 * np.sqrt(expected)


@pytest.mark.kernel
def test_circuit__engine_equals_oracle(circuit):
    n_steps = 60
    given = background.background(SMALL, 1, block=0, n_steps=n_steps)
    engine = simulate(circuit, given, n_steps=n_steps, n_threads=1)
    expected = oracle(circuit, given, n_steps=n_steps)
    assert engine.counts.synaptic_operations == expected.counts.synaptic_operations
    fired = 0
    for name in POPULATIONS:
        np.testing.assert_array_equal(engine.events(name), expected.events(name), name)
        fired += engine.events(name).size
    assert fired > 100
    tables = plan_of(circuit).synapses
    n_bytes = sum(getattr(tables, field.name).nbytes for field in dataclasses.fields(tables))
    assert n_bytes < 6 * sum(p.pre.size for p in circuit.projections)


def test_activity__of_a_clock_a_pair_and_silence():
    clock = np.stack([np.arange(100, 1100, 100), np.zeros(10, dtype=int)], axis=1)
    uneven = np.array([[100, 1], [110, 1], [140, 1], [150, 1], [180, 1]])  # 10, 30, 10, 30
    few = np.array([[100, 2], [900, 2], [50, 0]])  # the last one is too early
    found = activity(np.concatenate([few, clock, uneven]), 4, first=100, last=1100)
    assert found.rate_hz == pytest.approx(17 / 4 / 0.1)
    assert found.n_irregular == 2
    assert found.irregularity == pytest.approx((0 + 10 / 20) / 2)
    assert np.isnan(activity(few, 4, 0, 1000).irregularity)


def test_command__leaves_a_record(tmp_path, monkeypatch, capsys):
    path = tmp_path / "record.json"
    given = ["", "--scale", "0.01", "--seconds", "0.1", "--before", "0", "--rounds", "1"]
    monkeypatch.setattr(sys, "argv", [*given, "--json", str(path)])
    __main__.main()
    poisson, constant = json.loads(path.read_text())["cases"]
    assert (poisson["is_poisson"], constant["is_poisson"]) == (True, False)
    for case in (poisson, constant):
        assert case["built"]["neurons"] == sum(Scale(0.01).sizes)
        assert sum(one["rate_hz"] for one in case["engine"]["activity"].values()) > 0
    assert "| 0.01, constant: engine |" in path.with_suffix(".md").read_text()


def test_circuit__without_poisson_has_no_inputs():
    constant = integers.circuit(SMALL, seed=1, is_poisson=False)
    assert not any(isinstance(p, InputPopulation) for p in constant.populations)
    assert all(p.bias.all() for p in constant.neurons)
