import numpy as np
import pytest

from hw_models import RangeError
from ssdp_neuro.data import DataSettings, from_arrays, load
from ssdp_neuro.data.codes.spans import InSpans


@pytest.mark.parametrize("spans", [1, 2, 3, 8])
def test_load__each_channel_is_one_for_each_span_of_time(spans):
    plain = load(DataSettings(name="digits", n_steps=8))
    apart = load(DataSettings(name="digits", n_steps=8, spans=spans))
    assert apart.input_shape == (spans, 8, 8)
    given, made = (split.test.spikes([5, 2, 7], epoch=1) for split in (plain, apart))
    for step in range(8):
        span = step * spans // 8
        assert (made[:, step, span] == given[:, step, 0]).all()
        assert made[:, step].sum() == given[:, step].sum()
    assert apart.code.parameters.get("spans", 1) == spans
    assert (apart.test.labels == plain.test.labels).all()
    assert given.any()


def test_load__channels_of_a_span_stay_together():
    samples = np.zeros((4, 3, 2), dtype=bool)
    samples[:, 1, 1] = samples[:, 2, 0] = True
    made = InSpans(dataset=from_arrays(samples, [0, 1, 0, 1]), spans=3)
    assert made.input_shape == (6,)
    assert np.argwhere(made.spikes([2])[0]).tolist() == [[1, 3], [2, 4]]
    spikes, label = made[1]
    assert (spikes.shape, label) == ((3, 6), 1)


def test_data_settings__refuse_no_span():
    with pytest.raises(RangeError, match=r"data\.spans: 0; allowed 1\.\.64"):
        DataSettings(spans=0)
