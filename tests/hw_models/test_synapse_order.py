"""Listed synapses are kept by source, then target, however they came."""

import numpy as np
import pytest

from hw_models import RangeError, SparseProjection, same_record
from hw_models.arrays import HandedOver, frozen_array
from hw_models.projections import synapse_order

N_PRE, N_POST = 37, 900
COLUMNS = ("pre", "post", "weights", "delays")


def some_synapses(seed: int = 0, n_synapses: int = 5000) -> dict[str, np.ndarray]:
    """Distinct pairs by source, then target, made without a sort of columns."""
    rng = np.random.default_rng(seed)
    pairs = np.flatnonzero(rng.permutation(N_PRE * N_POST) < n_synapses)
    return {
        "pre": pairs // N_POST,
        "post": pairs % N_POST,
        "weights": rng.integers(-256, 256, n_synapses),
        "delays": rng.integers(0, 64, n_synapses),
    }


def projection(**columns: np.ndarray) -> SparseProjection:
    return SparseProjection(source="a", target="b", **columns)


ORDERS = {
    "as they are": lambda s: np.arange(s["pre"].size),
    "by target": lambda s: np.lexsort((s["pre"], s["post"])),
    "shuffled": lambda s: np.random.default_rng(1).permutation(s["pre"].size),
    "first one last": lambda s: np.roll(np.arange(s["pre"].size), -1),
    "two at the edge of a block": lambda s: np.r_[0:255, 256, 255, 257 : s["pre"].size],
}


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("scale", [1, 2**31 // N_PRE - 1], ids=["words", "too wide for words"])
@pytest.mark.parametrize("dtype", [np.int64, np.uint32])
def test_listed_synapses__are_sorted_whatever_their_order(monkeypatch, order, scale, dtype):
    monkeypatch.setattr(synapse_order, "BLOCK", 256)
    sorted_ones = some_synapses()
    sorted_ones |= {
        "pre": sorted_ones["pre"] * scale,
        "post": sorted_ones["post"] * (scale // 30 + 1),
    }
    places = ORDERS[order](sorted_ones)
    given = {name: column[places] for name, column in sorted_ones.items()}
    given |= {name: given[name].astype(dtype) for name in ("pre", "post")}
    before = {name: column.copy() for name, column in given.items()}
    made = projection(**given)
    for name, dtype_kept in zip(COLUMNS, (np.int32, np.int32, np.int16, np.int16), strict=True):
        column = getattr(made, name)
        assert (type(column), column.dtype) == (np.ndarray, dtype_kept)
        assert column.flags.c_contiguous
        assert not column.flags.writeable
        assert np.array_equal(column, sorted_ones[name])
        assert np.array_equal(given[name], before[name])
        assert not np.shares_memory(column, given[name])
    assert same_record(made, projection(**sorted_ones))


@pytest.mark.parametrize("scale", [1, 2**31 // N_PRE - 1], ids=["words", "too wide for words"])
@pytest.mark.parametrize("apart", [1, 300])
def test_listed_synapses__name_the_pair_that_is_there_twice(monkeypatch, scale, apart):
    monkeypatch.setattr(synapse_order, "BLOCK", 256)
    columns = some_synapses()
    columns |= {"pre": columns["pre"] * scale, "post": columns["post"] * (scale // 30 + 1)}
    given = {name: np.insert(column, 255 + apart, column[255]) for name, column in columns.items()}
    pair = rf"\({columns['pre'][255]}, {columns['post'][255]}\) is listed twice"
    with pytest.raises(RangeError, match=pair):
        projection(**given)


@pytest.mark.parametrize("n_synapses", [0, 1])
def test_listed_synapses__may_be_none_or_one(n_synapses):
    columns = {name: column[:n_synapses] for name, column in some_synapses().items()}
    made = projection(**columns)
    assert [getattr(made, name).tolist() for name in COLUMNS] == [
        columns[name].tolist() for name in COLUMNS
    ]


def test_frozen_array__keeps_what_was_handed_over_and_nothing_else():
    own = np.arange(4, dtype=np.int32)
    assert np.shares_memory(frozen_array(own.view(HandedOver), np.int32), own)
    assert type(frozen_array(own.view(HandedOver), np.int32)) is np.ndarray
    assert not np.shares_memory(frozen_array(own, np.int32), own)
    assert not np.shares_memory(frozen_array(own[::2].view(HandedOver), np.int32), own)
