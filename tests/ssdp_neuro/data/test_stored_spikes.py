import dataclasses

import numpy as np
import pytest

from hw_models import InputError, RangeError, ShapeError
from ssdp_neuro.data import SpikeDataset
from ssdp_neuro.data.stored_spikes import stored


@pytest.fixture
def dense():
    return np.random.default_rng(0).random((5, 7, 2, 3)) < 0.3


def kept(samples):
    labels = np.arange(len(samples))
    return stored(samples, labels, n_steps=7, input_shape=(2, 3), n_classes=5)


def test_stored_spikes__give_what_was_kept(dense):
    data = kept(dense)
    assert isinstance(data, SpikeDataset)
    assert len(data.cells) == dense.sum()
    assert (data.spikes(range(5)) == dense).all()
    assert (data.spikes(np.array([4, 0, 4]), epoch=3) == dense[[4, 0, 4]]).all()
    assert data.spikes([]).shape == (0, 7, 2, 3)
    with pytest.raises(InputError, match=r"indices: 5; allowed 0\.\.4"):
        data.spikes([5])


def test_stored_spikes__no_samples(dense):
    assert kept(dense[:0]).spikes([]).shape == (0, 7, 2, 3)


def test_stored_spikes__refuse_what_does_not_fit(dense):
    with pytest.raises(ShapeError, match=r"sample of \(2, 3\)"):
        kept(dense[0])
    with pytest.raises(ShapeError, match="6 starts"):
        dataclasses.replace(kept(dense), labels=np.arange(4))
    with pytest.raises(RangeError, match="places; at most"):
        stored([], np.arange(0), n_steps=2**20, input_shape=(4096,), n_classes=1)
