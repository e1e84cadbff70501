import dataclasses

import numpy as np
import pytest

from hw_models import (
    ConvProjection,
    DenseProjection,
    FixedPointNetwork,
    InputPopulation,
    LifPopulation,
    NameClashError,
    PoolProjection,
    RangeError,
    ShapeError,
    SparseProjection,
    TypeMismatchError,
    UnknownNameError,
    same_record,
)

PIXELS = InputPopulation(name="pixels", shape=(2, 4, 4))
OUT = LifPopulation(name="out", shape=(3,), current_decay=0, voltage_decay=0, threshold=1)
MAP = LifPopulation(name="map", shape=(2, 2, 2), current_decay=0, voltage_decay=0, threshold=1)
DENSE = DenseProjection(source="map", target="out", weights=np.ones((3, 8), int))
POOL = PoolProjection(source="pixels", target="map", kernel_size=2)
NETWORK = FixedPointNetwork(populations=[PIXELS, OUT, MAP], projections=[DENSE, POOL])


def test_network__finds_its_parts_by_name():
    assert NETWORK.population("map") is MAP
    assert NETWORK.projection("map->out") is DENSE
    assert NETWORK.inputs == (PIXELS,)
    assert NETWORK.neurons == (OUT, MAP)
    with pytest.raises(UnknownNameError, match="no population named 'mop'; there are 'pixels', "):
        NETWORK.population("mop")
    with pytest.raises(UnknownNameError, match="no projection named 'out'; there are 'map->out'"):
        NETWORK.projection("out")


@pytest.mark.parametrize(
    ("populations", "projections", "error", "message"),
    [
        ([OUT, OUT], [], NameClashError, "populations: 'out' is used twice"),
        ([PIXELS, OUT, MAP], [DENSE, DENSE], NameClashError, "projections: 'map->out' is used"),
        ([OUT], [DENSE], UnknownNameError, "no population named 'map'"),
        (["out"], [], TypeMismatchError, "populations: 'out' is not one"),
        ([OUT], [OUT], TypeMismatchError, "projections: LifPopulation"),
        (
            [OUT, PIXELS],
            [DenseProjection(source="out", target="pixels", weights=np.ones((32, 3), int))],
            NameClashError,
            "target 'pixels' is an input population",
        ),
        (
            [OUT],
            [DenseProjection(source="out", target="out", weights=[[1, 2]])],
            ShapeError,
            r"weights: shape \(1, 2\); \(3, 3\) = \(n_post, n_pre\)",
        ),
        (
            [OUT],
            [SparseProjection(source="out", target="out", pre=[3], post=[0], weights=[1])],
            RangeError,
            r"pre: value 3 at index \(0,\); allowed 0..2",
        ),
        (
            [OUT],
            [SparseProjection(source="out", target="out", pre=[0], post=[7], weights=[1])],
            RangeError,
            "post: value 7",
        ),
        (
            [PIXELS, OUT],
            [PoolProjection(source="pixels", target="out", kernel_size=2)],
            ShapeError,
            r"makes shape \(2, 2, 2\) of \(2, 4, 4\); target 'out' has \(3,\)",
        ),
        (
            [PIXELS, MAP],
            [ConvProjection(source="pixels", target="map", weights=np.ones((2, 1, 2, 2), int))],
            ShapeError,
            r"source shape \(2, 4, 4\); \(1, H, W\) is needed",
        ),
    ],
)
def test_network__refuses_parts_that_do_not_fit(populations, projections, error, message):
    with pytest.raises(error, match=message):
        FixedPointNetwork(populations=populations, projections=projections)


def test_replace__swaps_records_by_name():
    faster = dataclasses.replace(OUT, refractory=2)
    weaker = dataclasses.replace(DENSE, weight_exponent=-1)
    changed = NETWORK.replace(faster, weaker)
    assert changed.population("out") is faster
    assert changed.projection("map->out") is weaker
    assert changed.population("map") is MAP
    assert NETWORK.population("out") is OUT
    with pytest.raises(UnknownNameError, match="no population named 'new'"):
        NETWORK.replace(dataclasses.replace(OUT, name="new"))


@pytest.mark.parametrize(
    "changed",
    [
        dataclasses.replace(OUT, threshold=2),
        dataclasses.replace(OUT, threshold=[1, 1, 1]),
        dataclasses.replace(OUT, refractory=1),
        dataclasses.replace(DENSE, delays=np.zeros((3, 8), int)),
        dataclasses.replace(POOL, weight=2),
    ],
)
def test_same_record__sees_every_difference(changed):
    assert same_record(NETWORK, NETWORK.replace(OUT))
    assert same_record(NETWORK, FixedPointNetwork(**vars(NETWORK)))
    assert not same_record(NETWORK, NETWORK.replace(changed))


def test_same_record__sees_kind_and_length():
    assert not same_record(PIXELS, OUT)
    shorter = FixedPointNetwork(populations=NETWORK.populations, projections=[DENSE])
    assert not same_record(NETWORK, shorter)


def test_population__an_unknown_name_is_a_key_error_with_a_plain_message():
    with pytest.raises(KeyError) as caught:
        NETWORK.population("mop")
    assert str(caught.value).startswith("no population named 'mop'; there are 'pixels'")
