import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hw_models import DopamineFit, RangeError, SynchronyStatistics, TypeMismatchError
from ssdp_neuro.oracle import plain_da_ssdp as oracle

LOSSES = st.one_of(st.integers(-(2**31), 2**31 - 1), st.integers(0, 3))
SYNCHRONIES = st.one_of(st.integers(0, 2**40), st.integers(0, 12))


def counted(history):
    statistics = SynchronyStatistics()
    for synchrony, loss in history:
        statistics = statistics.add(synchrony, loss)
    return statistics


@given(
    history=st.lists(st.tuples(SYNCHRONIES, LOSSES), min_size=1, max_size=12),
    synchrony=SYNCHRONIES,
    least=st.sampled_from((0, 10000, 20000, 32767, 32768)),
)
@settings(deadline=None, max_examples=300)
def test_fit__gate_equals_twin(history, synchrony, least):
    made = counted(history).fit(least).gate(synchrony)
    assert made == oracle.dopamine_gate(history, synchrony, least)


def test_fit__believes_what_exceeds_the_least_correlation():
    history = [(2, 30), (4, 10), (6, 20)]  # correlation -1/2
    assert [counted(history).fit(least).correlation for least in (0, 16383, 16384)] == [
        16384,
        16384,
        0,
    ]


def test_fit__does_not_believe_synchrony_that_hardly_varies():
    for spread, believed in ((99, False), (100, False), (101, True)):
        history = [(10**6 - spread, 1), (10**6 + spread, 2)]
        assert (counted(history).fit().correlation != 0) is believed


def test_fit__is_minus_the_correlation_with_mean_and_deviation():
    history = [(s, 7 * s + 3) for s in (0, 10, 20, 30)]
    fit = counted(history).fit()
    assert fit == DopamineFit(correlation=-(2**15), mean=15 * 256, deviation=round(256 * 125**0.5))
    against = counted([(s, -loss) for s, loss in history]).fit()
    assert against.correlation == 2**15
    assert against.gate(15) == 128
    assert (fit.gate(1000), against.gate(1000)) == (0, 255)


@pytest.mark.parametrize("history", [[(4, 1), (4, 9)], [(4, 1), (7, 1)], [(5, 5)]])
def test_fit__settles_at_one_where_nothing_varies(history):
    fit = counted(history).fit()
    assert fit.correlation == 0
    assert [fit.gate(s) for s in (0, 5, 10**6)] == [128] * 3


def test_synchrony_statistics__order_of_samples_does_not_matter():
    history = [(3, -5), (9, 2), (0, 40)]
    assert counted(history) == counted(history[::-1])


def test_synchrony_statistics__refuse_what_is_not_a_sum():
    with pytest.raises(RangeError, match="n_samples: 0; a fit needs"):
        SynchronyStatistics().fit()
    with pytest.raises(RangeError, match="sums of a sequence"):
        SynchronyStatistics(n_samples=2, synchrony=4, synchrony_squared=7)
    with pytest.raises(TypeMismatchError, match=r"loss: 1\.5"):
        SynchronyStatistics(loss=1.5)
