import copy
import pickle

import numpy as np
import pytest

from hw_models import (
    ConvProjection,
    DenseProjection,
    FixedPointNetwork,
    InputPopulation,
    LifPopulation,
    RangeError,
    ResetMode,
    SparseProjection,
    same_record,
)
from hw_models.errors import brief
from ssdp_neuro.engine.spike_input import spike_input

EYE = InputPopulation(name="eye", shape=(40, 25))
CELL = LifPopulation(
    name="cell",
    shape=(3,),
    current_decay=[1, 2, 3],
    voltage_decay=0,
    threshold=9,
    reset=ResetMode.SUBTRACT,
)
WEIGHTS = np.arange(3000).reshape(3, 1000) % 100
DENSE = DenseProjection(source="eye", target="cell", weights=WEIGHTS, delays=WEIGHTS % 7)
SPARSE = SparseProjection(source="eye", target="cell", pre=[5, 1], post=[0, 2], weights=[3, 4])
NETWORK = FixedPointNetwork(populations=[EYE, CELL], projections=[DENSE])


@pytest.mark.parametrize(
    ("record", "text"),
    [
        (EYE, "InputPopulation(name='eye', shape=(40, 25))"),
        (
            CELL,
            "LifPopulation(name='cell', shape=(3,), current_decay=int32 (3,), voltage_decay=0,"
            " threshold=9, reset=ResetMode.SUBTRACT)",
        ),
        (
            DENSE,
            "DenseProjection(source='eye', target='cell', weights=int16 (3, 1000),"
            " delays=int16 (3, 1000), name='eye->cell')",
        ),
        (
            ConvProjection(source="a", target="b", weights=np.ones((4, 2, 3, 3), int), padding=1),
            "ConvProjection(source='a', target='b', weights=int16 (4, 2, 3, 3), stride=(1, 1),"
            " padding=(1, 1), dilation=(1, 1), name='a->b')",
        ),
        (
            NETWORK,
            "FixedPointNetwork(populations=[eye (40, 25), cell (3,)], projections=[eye->cell])",
        ),
        (
            spike_input(NETWORK, np.ones((7, 1000), bool), 7),
            "SpikeInput(n_samples=None, starts={'eye': int64 (8,)},"
            " indices={'eye': int32 (7000,)})",
        ),
    ],
)
def test_repr__tells_sizes_in_one_line(record, text):
    assert repr(record) == text


def test_repr__of_a_large_network_names_the_first():
    eyes = [InputPopulation(name=f"eye{n}", shape=(1,)) for n in range(20)]
    shown = repr(FixedPointNetwork(populations=eyes, projections=[]))
    assert shown.startswith("FixedPointNetwork(populations=[eye0 (1,), eye1 (1,), ")
    assert shown.endswith("eye7 (1,), and 12 more], projections=[])")


@pytest.mark.parametrize(
    "copied", [copy.copy, copy.deepcopy, lambda record: pickle.loads(pickle.dumps(record))]
)
def test_copies__are_as_frozen(copied):
    twin = copied(NETWORK)
    assert same_record(twin, NETWORK)
    with pytest.raises(ValueError, match="read-only"):
        twin.projection("eye->cell").weights[0, 0] = 5


def test_pickle__is_checked_as_a_new_record():
    pickled = pickle.dumps(SPARSE)
    index = SPARSE.pre.tobytes()
    assert index in pickled
    damaged = pickled.replace(index, np.array([5, -1], np.int32).tobytes())
    with pytest.raises(RangeError, match=r"eye->cell\.pre: value -1"):
        pickle.loads(damaged)


@pytest.mark.parametrize(
    ("value", "text"),
    [(3, "3"), ("word", "'word'"), (np.zeros((9, 9)), "ndarray"), (list(range(999)), "list")],
)
def test_brief__shows_what_fits_on_a_line(value, text):
    assert brief(value) == text
