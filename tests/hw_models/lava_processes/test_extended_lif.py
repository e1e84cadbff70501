"""Our neuron Process beside Lava's own, fed with the same numbers."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.lava

N_STEPS, SIZE = 12, 5
PARAMETERS = st.fixed_dictionaries(
    {
        "du": st.sampled_from((0, 1, 409, 2048, 4095)),
        "dv": st.sampled_from((0, 1, 128, 4095, 4096)),
        "vth": st.sampled_from((0, 1, 100, 130000, 2**25 - 1, -1, -(2**25))),
        "bias_mant": st.integers(-(2**15), 2**15 - 1),
        "bias_exp": st.integers(-15, 15),
    }
)


def course(process, arriving):
    """u, v and spikes of every step of a Process that receives ``(SIZE, N_STEPS)`` numbers."""
    from lava.proc.io.sink import RingBuffer as Sink
    from lava.proc.io.source import RingBuffer as Source

    from hw_models.lava_processes.direct_run import DirectRun

    source, sink = Source(data=arriving), Sink(shape=(SIZE,), buffer=N_STEPS)
    source.s_out.connect(process.a_in)
    process.s_out.connect(sink.a_in)
    run = DirectRun([source, process, sink])
    states = []
    for _ in range(N_STEPS):
        run.step()
        model = run.model(process)
        states.append((model.u.tolist(), model.v.tolist()))
    return states, run.model(sink).data.tolist()


@given(
    fields=PARAMETERS,
    interval=st.integers(0, 5),
    offset=st.integers(0, 9),
    bits=st.integers(1, 31),
    seed=st.integers(0, 2**32 - 1),
)
@example(  # sums that leave 32 bits
    fields={"du": 0, "dv": 0, "vth": 2**25 - 1, "bias_mant": 2**15 - 1, "bias_exp": 15},
    interval=0,
    offset=0,
    bits=31,
    seed=0,
)
@settings(deadline=None, max_examples=60)
def test_extended_lif__is_lavas_lif_if_nothing_else_is_asked(fields, interval, offset, bits, seed):
    from lava.proc.lif.process import LIF, LIFReset

    from hw_models.lava_processes.extended_lif.lif_process import ExtendedLIF

    rng = np.random.default_rng(seed)
    arriving = rng.integers(-(2**bits), 2**bits, size=(SIZE, N_STEPS)).astype(np.int32)
    resets = {"reset_interval": interval, "reset_offset": offset}
    kind = LIFReset if interval else LIF
    lavas = kind(shape=(SIZE,), **fields, **(resets if interval else {}))
    ours = ExtendedLIF(shape=(SIZE,), **fields, **resets)
    assert course(ours, arriving) == course(lavas, arriving)


def test_extended_lif__has_parameters_of_each_neuron():
    from lava.proc.lif.process import LIF

    from hw_models.lava_processes.extended_lif.lif_process import ExtendedLIF

    rng = np.random.default_rng(0)
    arriving = rng.integers(-200, 400, size=(SIZE, N_STEPS)).astype(np.int32)
    each = {
        "du": np.array([0, 1, 409, 2048, 4095]),
        "dv": np.array([4096, 0, 128, 1, 2048]),
        "vth": np.array([1, 300, 20, 2**25 - 1, 150]),
        "bias_mant": np.array([0, 5, -5, 1000, -1]),
        "bias_exp": np.array([0, 3, -1, 6, -15]),
    }
    states, spikes = course(ExtendedLIF(shape=(SIZE,), **each), arriving)
    for neuron in range(SIZE):
        same = LIF(shape=(SIZE,), **{field: int(values[neuron]) for field, values in each.items()})
        expected_states, expected_spikes = course(same, arriving)
        assert spikes[neuron] == expected_spikes[neuron]
        for (u, v), (expected_u, expected_v) in zip(states, expected_states, strict=True):
            assert (u[neuron], v[neuron]) == (expected_u[neuron], expected_v[neuron])
    assert np.sum(spikes) > 0
