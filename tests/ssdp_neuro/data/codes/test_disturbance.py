import math

import numpy as np
import pytest

from hw_models import RangeError
from ssdp_neuro.data import Disturbed, SpikeDataset
from ssdp_neuro.data.stored_spikes import stored

N, STEPS, SHAPE = 6, 80, (3, 40)
SPIKES = np.random.default_rng(0).random((N, STEPS, *SHAPE)) < 0.1
DATA = stored(SPIKES, np.arange(N), n_steps=STEPS, input_shape=SHAPE, n_classes=N)


def disturbed(indices=range(N), epoch=0, **how):
    return Disturbed(dataset=DATA, **how).spikes(indices, epoch=epoch)


@pytest.mark.parametrize("how", [{"jitter": 2.0}, {"lost": 0.3}, {"added": 0.02}])
def test_disturbed__is_a_function_of_sample_epoch_and_seed(how):
    together = disturbed(**how)
    assert together.shape == SPIKES.shape
    assert (disturbed([4, 1], **how) == together[[4, 1]]).all()
    assert (together != SPIKES).any()
    assert (disturbed(epoch=1, **how) != together).any()
    assert (disturbed(seed=1, **how) != together).any()
    assert disturbed([], **how).shape == (0, STEPS, *SHAPE)


def test_disturbed__nothing_happens_if_nothing_is_asked_for():
    data = Disturbed(dataset=DATA)
    assert isinstance(data, SpikeDataset)
    assert (data.spikes(range(N)) == SPIKES).all()
    assert (len(data), data.n_classes, data.labels.tolist()) == (N, N, list(range(N)))


def test_disturbed__loses_and_adds_as_often_as_it_should():
    n_spikes, n_cells = SPIKES.sum(), SPIKES.size
    kept = disturbed(lost=0.25)
    assert not (kept & ~SPIKES).any()
    # 5 standard deviations: one seed in 1.7 million fails by chance
    assert abs(kept.sum() - 0.75 * n_spikes) < 5 * math.sqrt(n_spikes * 0.25 * 0.75)
    more = disturbed(added=0.03)
    assert not (SPIKES & ~more).any()
    free = n_cells - n_spikes
    assert abs((more & ~SPIKES).sum() - 0.03 * free) < 5 * math.sqrt(free * 0.03)
    assert not disturbed(lost=1.0).any()
    assert disturbed(added=1.0).all()


def test_disturbed__shifts_are_normal_and_stay_inside():
    alone = np.zeros((1, STEPS, 20_000), dtype=bool)
    alone[0, 40] = True
    data = stored(alone, np.zeros(1, dtype=int), n_steps=STEPS, input_shape=(20_000,), n_classes=1)
    step = Disturbed(dataset=data, jitter=3.0).spikes([0])[0].argmax(axis=0) - 40
    # rounding to whole steps adds 1/12 to the variance
    assert abs(step.mean()) < 5 * 3 / math.sqrt(20_000)
    assert step.std() == pytest.approx(math.sqrt(9 + 1 / 12), rel=5 / math.sqrt(40_000))
    wild = Disturbed(dataset=data, jitter=60.0).spikes([0])[0]
    assert wild.sum() == 20_000
    assert wild[0].mean() == pytest.approx(0.25, abs=0.02)  # below -39.5: 0.255


@pytest.mark.parametrize(
    "how", [{"jitter": -1.0}, {"jitter": float("nan")}, {"lost": 1.1}, {"added": -0.1}]
)
def test_disturbed__refuses_what_is_no_chance(how):
    with pytest.raises(RangeError, match=rf"Disturbed\.{next(iter(how))}: "):
        disturbed(**how)
