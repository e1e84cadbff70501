import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ssdp_neuro.engine.kernels import sample_learning as kernels
from ssdp_neuro.engine.third_factors import winner
from ssdp_neuro.oracle import plain_da_ssdp as oracle

TRAINS = st.lists(
    st.lists(st.integers(0, 1), min_size=3, max_size=3), min_size=1, max_size=6
)  # short trains: ties of counts and of first spikes are common


def counts_and_first(trains):
    raster = np.array(trains)
    first = np.where(raster.any(axis=1), raster.argmax(axis=1), raster.shape[1])
    return raster.sum(axis=1), first


@given(trains=TRAINS)
@settings(deadline=None)
def test_winner__equals_twin(trains):
    index = winner(*counts_and_first(trains))
    assert (None if index < 0 else index) == oracle.winner(trains)
    assert kernels.winner(*counts_and_first(trains)) == index


@given(trains=TRAINS, data=st.data())
@settings(deadline=None)
def test_label_gates__equal_twin(trains, data):
    label = data.draw(st.integers(0, len(trains) - 1))
    gates = np.zeros(len(trains), dtype=np.int32)
    kernels.label_gates(*counts_and_first(trains), label, gates)
    assert gates.tolist() == oracle.teacher_gates(trains, label)
