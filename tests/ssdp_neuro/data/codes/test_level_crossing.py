import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from ssdp_neuro.data.codes.level_crossing import LevelCrossing


def plain(signal, n_steps, delta, levels):
    """One lead, one sample after the other."""
    span = -(-len(signal) // n_steps)
    sums = [sum(signal[i : i + span]) for i in range(0, len(signal) - span + 1, span)]
    spikes = [[False] * (2 * levels) for _ in range(n_steps)]
    for k in range(levels):
        size = delta * span * 2**k
        reference = sums[0]
        for step, value in enumerate(sums):
            while value - reference >= size:
                spikes[step][2 * k] = True
                reference += size
            while reference - value >= size:
                spikes[step][2 * k + 1] = True
                reference -= size
    return spikes


@settings(deadline=None, max_examples=60)
@given(
    arrays.arrays(
        np.int16,
        st.tuples(st.integers(1, 3), st.integers(1, 40), st.integers(1, 2)),
        elements=st.integers(-300, 300),
    ),
    st.integers(1, 50),
    st.integers(1, 20),
    st.integers(1, 3),
)
def test_level_crossing__as_one_sample_after_the_other(signals, n_steps, delta, levels):
    encoder = LevelCrossing(n_steps, delta, levels)
    spikes = encoder(signals)
    n, _, leads = signals.shape
    assert spikes.shape == (n, n_steps, 2 * levels * leads)
    for sample in range(n):
        for lead in range(leads):
            channels = slice(2 * levels * lead, 2 * levels * (lead + 1))
            expected = plain(signals[sample, :, lead].tolist(), n_steps, delta, levels)
            assert spikes[sample, :, channels].tolist() == expected


def test_level_crossing__a_constant_is_silent():
    assert not LevelCrossing(8, 1, 3)(np.full((2, 16, 1), -5)).any()
