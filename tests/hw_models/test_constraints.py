import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings

from hw_models import (
    LOIHI1,
    LOIHI2,
    ConvProjection,
    DaSsdpParams,
    DenseProjection,
    Figure,
    FixedPointNetwork,
    InputPopulation,
    LearningRule,
    LifPopulation,
    PoolProjection,
    SparseProjection,
    TypeMismatchError,
    Violation,
    check,
    same_record,
)
from hw_models.constraints import chip_use
from tests.strategies import networks

CHIPS = pytest.mark.parametrize("chip", [LOIHI1, LOIHI2], ids=["loihi1", "loihi2"])


def lif(n=2, **fields):
    plain = {"name": "out", "current_decay": 10, "voltage_decay": 10, "threshold": 100}
    return LifPopulation(**plain | {"shape": (n,)} | fields)


def dense(weights, **fields):
    weights = np.asarray(weights)
    populations = [InputPopulation(name="in", shape=(weights.shape[1],)), lif(weights.shape[0])]
    projection = DenseProjection(source="in", target="out", name="w", weights=weights, **fields)
    return FixedPointNetwork(populations=populations, projections=[projection])


def found(network, chip):
    return [(v.where, v.field, v.value, v.allowed) for v in check(network, chip)]


@CHIPS
@pytest.mark.parametrize(
    ("field", "inside", "outside", "allowed"),
    [
        ("voltage_decay", [0, 4095], [4096], "0..4095"),
        ("threshold", [0, 131071], [-1, 131072], "0..131071"),
        ("bias_mantissa", [-4096, 4095], [-4097, 4096], "-4096..4095"),
        ("bias_exponent", [0, 7], [-1, 8], "0..7"),
    ],
)
def test_check__holds_registers_to_their_widths(chip, field, inside, outside, allowed):
    for value in inside:
        population = lif(**{field: value})
        assert found(FixedPointNetwork(populations=[population], projections=[]), chip) == []
    for value in outside:
        population = lif(**{field: [inside[0], value]})
        network = FixedPointNetwork(populations=[population], projections=[])
        assert found(network, chip) == [("out", f"{field}[1]", value, allowed)]


@CHIPS
@pytest.mark.parametrize(
    "weights",
    [[[0, 255, 7]], [[-255, 0, -7]], [[-256, 254, 2]], [[-256, -2, 0]], [[0, 0, 0]]],
)
def test_check__accepts_weights_on_the_grid(chip, weights):
    assert check(dense(weights), chip) == ()


@CHIPS
@pytest.mark.parametrize(
    ("weights", "index", "value"),
    [
        ([[2, -2], [4, 3]], "1, 1", 3),
        ([[2, -1]], "0, 1", -1),
        ([[-2, 255]], "0, 1", 255),
        ([[-256, -1]], "0, 1", -1),
    ],
)
def test_check__finds_weights_off_the_grid(chip, weights, index, value):
    grid = "even -256..254, or 0..255 or -255..0 for all weights together"
    assert found(dense(weights), chip) == [("w", f"weights[{index}]", value, grid)]


@pytest.mark.parametrize(
    ("low", "high", "violations"),
    [
        (-128, 127, []),
        (-256, 254, []),
        (0, 255, []),
        (-255, 0, []),
        (-1, 255, [("w.plasticity", "weight_high", 255, "-256..254")]),
    ],
)
def test_check__judges_learned_weights_by_where_they_may_go(low, high, violations):
    rule = DaSsdpParams(
        latency_bits=3, silent_latency=7, kernel=np.zeros(8, int), potentiation=1, depression=1,
        shift=8, weight_low=low, weight_high=high,
    )  # fmt: skip
    weights = [[min(3, high), max(-3, low)]]  # odd and of both signs, where that is allowed
    assert found(dense(weights, plasticity=rule), LOIHI1) == violations


def test_check__judges_rules_of_the_learning_engine_and_the_weights_they_begin_with():
    rule = LearningRule(dw="x0 * y0", epoch=64)
    assert found(dense([[2, -4]], plasticity=rule), LOIHI1) == [
        ("w.plasticity", "epoch", 64, "0..63")
    ]
    grid = "even -256..254, or 0..255 or -255..0 for all weights together"
    rule = dataclasses.replace(rule, epoch=63)
    assert found(dense([[2, -3]], plasticity=rule), LOIHI1) == [("w", "weights[0, 1]", -3, grid)]


def test_check__judges_kernels_pools_and_lists_like_matrices():
    image = InputPopulation(name="in", shape=(1, 2, 2))
    target = lif(shape=(1, 1, 1))
    grid = "even -256..254, or 0..255 or -255..0 for all weights together"
    ends = {"source": "in", "target": "out", "name": "w"}
    cases = [
        (ConvProjection(**ends, weights=[[[[3, -2], [0, 0]]]]), "weights[0, 0, 0, 0]", 3),
        (SparseProjection(**ends, pre=[0, 1], post=[0, 0], weights=[-4, 5]), "weights[1]", 5),
    ]
    for projection, field, value in cases:
        network = FixedPointNetwork(populations=[image, target], projections=[projection])
        assert found(network, LOIHI2) == [("w", field, value, grid)]
    for weight in (255, -255, -256):
        pool = PoolProjection(**ends, kernel_size=2, weight=weight)
        assert (
            check(FixedPointNetwork(populations=[image, target], projections=[pool]), LOIHI2) == ()
        )


def test_check__knows_the_limits_that_only_one_chip_has():
    network = FixedPointNetwork(populations=[lif(refractory=63)], projections=[])
    narrow = dataclasses.replace(LOIHI1, max_refractory=Figure(7, "a test"))
    assert check(network, LOIHI1) == ()
    assert found(network, narrow) == [("out", "refractory", 63, "0..7")]
    delayed = dense([[2, 2]], delays=[[0, 63]])
    short = dataclasses.replace(LOIHI2, max_delay=Figure(62, "a test"))
    assert check(delayed, LOIHI1) == check(delayed, LOIHI2) == ()
    assert check(delayed, short) == (Violation("w", "delays[0, 1]", 63, "0..62", "a test"),)
    gentle = dataclasses.replace(LOIHI2, weight_exponent_low=Figure(-7, "a test"))
    assert found(dense([[2]], weight_exponent=-8), gentle) == [
        ("w", "weight_exponent", -8, "-7..7")
    ]


def test_check__counts_neurons_synapses_memory_and_sources():
    many = FixedPointNetwork(populations=[lif(131_073)], projections=[])
    assert found(many, LOIHI1) == [("network", "neurons", 131_073, "0..131072")]
    full = FixedPointNetwork(populations=[lif(131_072)], projections=[])
    assert check(full, LOIHI1) == ()
    assert check(many, LOIHI2) == ()
    wide = dense(np.zeros((2, 4097), int))
    assert found(wide, LOIHI1) == [("out", "sources[0]", 4097, "0..4096")]
    assert check(wide, LOIHI2) == ()
    small = dataclasses.replace(
        LOIHI1,
        cores_per_chip=Figure(1, "a test"),
        synaptic_memory_bytes_per_core=Figure(10, "a test"),
    )
    assert check(dense(np.zeros((2, 5), int)), small) == ()
    assert found(dense(np.zeros((1, 11), int)), small) == [
        ("network", "synaptic_bytes", 11, "0..10")
    ]
    delayed = dense(np.zeros((1, 6), int), delays=np.ones((1, 6), int))  # 14 bits each
    assert found(delayed, small) == [("network", "synaptic_bytes", 11, "0..10")]
    few = dataclasses.replace(LOIHI2, synapses_per_chip=Figure(4, "a test"))
    assert found(dense(np.zeros((1, 5), int)), few) == [("network", "synapses", 5, "0..4")]


def test_check__a_pool_stores_one_weight():
    network = FixedPointNetwork(
        populations=[InputPopulation(name="in", shape=(1, 2, 2)), lif(shape=(1, 1, 1))],
        projections=[PoolProjection(source="in", target="out", name="w", kernel_size=2, weight=2)],
    )
    none = dataclasses.replace(LOIHI2, synapses_per_chip=Figure(0, "a test"))
    assert found(network, none) == [("network", "synapses", 1, "0..0")]
    one = dataclasses.replace(LOIHI2, synapses_per_chip=Figure(1, "a test"))
    assert check(network, one) == ()


def test_check__counts_a_source_once_however_many_synapses_it_has():
    two = DenseProjection(source="in", target="out", name="again", weights=np.zeros((1, 3), int))
    network = dense(np.zeros((1, 3), int))
    network = FixedPointNetwork(
        populations=network.populations, projections=[*network.projections, two]
    )
    assert check(network, dataclasses.replace(LOIHI1, in_axons_per_core=Figure(3, "a test"))) == ()
    tight = dataclasses.replace(LOIHI1, in_axons_per_core=Figure(2, "a test"))
    assert found(network, tight) == [("out", "sources", 3, "0..2")]


def test_violation__reads_as_an_error_message():
    violation = check(dense([[2, -1]]), LOIHI1)[0]
    assert str(violation) == (
        "w.weights[0, 1]: -1; allowed even -256..254, or 0..255 or -255..0 for all weights"
        f" together ({LOIHI1.weight_bits.source})"
    )


@settings(max_examples=40, deadline=None)
@given(network=networks(crowd=False))
def test_check__alters_nothing_and_finds_what_is_there(network):
    copy = FixedPointNetwork(**vars(network))
    for violation in check(network, LOIHI1):
        if violation.where == "network":
            continue
        records = {r.name: r for r in (*network.populations, *network.projections)}
        field, _, index = violation.field.partition("[")
        value = np.asarray(getattr(records[violation.where], field))
        at = tuple(int(i) for i in index.rstrip("]").split(", ")) if index else (0,) * value.ndim
        assert value[at] == violation.value
    assert same_record(network, copy)


@settings(max_examples=20, deadline=None)
@given(network=networks(lava_own=True, crowd=False))
def test_check__finds_no_fault_with_the_weights_of_lava_networks(network):
    dense_only = [v for v in check(network, LOIHI1) if v.field.startswith("weights")]
    assert all(isinstance(network.projection(v.where), ConvProjection) for v in dense_only)


@pytest.mark.parametrize("arguments", [(None, LOIHI1), (dense([[2]]), "Loihi 1")])
def test_check__needs_a_network_and_a_chip(arguments):
    with pytest.raises(TypeMismatchError, match=r"check: .*is needed"):
        check(*arguments)


def test_chip_use__is_what_is_there_and_a_full_chip_is_allowed():
    full = FixedPointNetwork(
        populations=[lif(LOIHI2.neurons)],
        projections=[],
    )
    neurons, synapses, memory = chip_use(full, LOIHI2)
    assert (neurons.used, neurons.share) == (LOIHI2.neurons, 1.0)
    assert (synapses.used, memory.used) == (0, 0)
    assert check(full, LOIHI2) == ()
    (violation,) = check(full.replace(lif(LOIHI2.neurons + 1)), LOIHI2)
    assert (violation.field, violation.value) == ("neurons", LOIHI2.neurons + 1)
    pooled = FixedPointNetwork(
        populations=[
            InputPopulation(name="in", shape=(1, 4, 4)),
            dataclasses.replace(lif(), shape=(1, 2, 2)),
        ],
        projections=[
            PoolProjection(source="in", target="out", kernel_size=(2, 2), weight=3),
        ],
    )
    counts = {use.what: use.used for use in chip_use(pooled, LOIHI1)}
    assert counts == {"neurons": 4, "synapses": 1, "synaptic_bytes": 1}
