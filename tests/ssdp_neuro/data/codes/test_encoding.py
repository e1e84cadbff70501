import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hw_models import InputError, RangeError
from ssdp_neuro.data.codes.encoding import latency_code, rate_code

images_of = st.integers(0, 999).map(lambda seed: np.random.default_rng(seed).random((3, 2, 4)))


@given(images=images_of, n_steps=st.integers(1, 30))
@settings(deadline=None, max_examples=40)
def test_latency_code__one_spike_each_brighter_never_later(images, n_steps):
    spikes = latency_code(images, n_steps, darkest=0.0)
    assert spikes.shape == (3, n_steps, 2, 4)
    assert (spikes.sum(axis=1) == 1).all()
    order = np.argsort(images, axis=None)
    first = spikes.argmax(axis=1).reshape(-1)[order]
    assert (np.diff(first) <= 0).all()


def test_latency_code__keeps_to_its_window_and_leaves_dark_pixels_silent():
    spikes = latency_code([[1.0, 0.2, 0.19, 0.0]], 9, window=5, darkest=0.2)
    steps, pixels = np.nonzero(spikes[0])
    assert list(zip(steps.tolist(), pixels.tolist(), strict=True)) == [(0, 0), (3, 1)]


@given(images=images_of, n_steps=st.integers(1, 60), seed=st.integers(0, 9))
@settings(deadline=None, max_examples=40)
def test_rate_code__fires_in_its_share_of_steps(images, n_steps, seed):
    counts = rate_code(images, n_steps, seed=seed).sum(axis=1)
    # at most one spike off, and the brightness is rounded to 2**-16
    assert (np.abs(counts - images * n_steps) < 1 + n_steps * 2.0**-17).all()


def test_rate_code__a_sample_does_not_depend_on_its_batch():
    images = np.random.default_rng(0).random((4, 6))
    whole = rate_code(images, 20, seed=3)
    assert (whole[2:3] == rate_code(images[2:3], 20, seed=3)).all()
    assert (whole != rate_code(images, 20, seed=4)).any()


@pytest.mark.parametrize("code", [latency_code, rate_code])
@pytest.mark.parametrize("value", [-0.1, 1.1, np.nan])
def test_codes__refuse_a_brightness_that_is_none(code, value):
    with pytest.raises(InputError, match=r"index \(0, 1\)"):
        code([[0.5, value]], 4)


def test_latency_code__refuses_a_window_beyond_the_sample():
    with pytest.raises(RangeError, match=r"window: 5; allowed 1\.\.4"):
        latency_code([[0.5]], 4, window=5)
