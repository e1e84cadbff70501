import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hw_models.dopamine import DopamineFit
from ssdp_neuro.engine.kernels import sample_learning as kernels
from ssdp_neuro.engine.learning_task import MOST_PAIRS
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


@given(
    correlation=st.integers(-(2**15), 2**15),
    mean=st.one_of(st.integers(0, 2000), st.integers(0, MOST_PAIRS * 256)),
    deviation=st.one_of(st.integers(1, 2000), st.integers(1, MOST_PAIRS * 256)),
    synchrony=st.one_of(st.integers(0, 20), st.integers(0, MOST_PAIRS)),
)
@example(correlation=-(2**15), mean=MOST_PAIRS * 256, deviation=1, synchrony=0)
@example(correlation=2**15, mean=0, deviation=MOST_PAIRS * 256, synchrony=MOST_PAIRS)
@settings(deadline=None)
def test_fitted_gate__equals_that_of_the_fit(correlation, mean, deviation, synchrony):
    rule = np.zeros(kernels.N_COLUMNS, dtype=np.int64)
    rule[[kernels.CORRELATION, kernels.MEAN, kernels.DEVIATION]] = correlation, mean, deviation
    fit = DopamineFit(correlation=correlation, mean=mean, deviation=deviation)
    assert kernels.fitted_gate(rule, synchrony) == fit.gate(synchrony)
