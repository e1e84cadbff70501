import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from ssdp_neuro.data.codes.cochlea import (
    CHANGE,
    RANGE,
    Cochlea,
    filtered,
    gammatones,
    loudness,
    spoken,
    stretched,
)
from ssdp_neuro.data.formats.wave_file import Sound
from tests.ssdp_neuro.data.made_files import tone


@settings(deadline=None, max_examples=20)
@given(arrays.arrays(np.int16, st.integers(1, 3000)), st.integers(1, 5))
def test_filtered__is_the_exact_convolution(samples, channels):
    filters = gammatones(8000, channels)
    found = filtered(samples, filters)
    for taps, output in zip(filters, found, strict=True):
        assert (np.convolve(samples.astype(np.int64), taps)[: len(samples)] == output).all()


def test_filtered__is_exact_at_the_loudest():
    filters = gammatones(8000, 32)
    loudest = np.where(filters[7] < 0, -32768, 32767)[::-1].astype(np.int16)
    long = np.tile(loudest, 40)
    for taps, output in zip(filters[:9], filtered(long, filters), strict=False):
        assert (np.convolve(long.astype(np.int64), taps)[: len(long)] == output).all()


@pytest.mark.parametrize("rate", [8000, 16000, 22050])
def test_gammatones__each_band_hears_its_own_tone(rate):
    filters = gammatones(rate, 16)
    assert np.abs(np.abs(filters).sum(axis=1) - 2**14).max() < filters.shape[1]
    spectra = np.abs(np.fft.rfft(filters, 4096))
    best = spectra.argmax(axis=1) * rate / 4096
    assert (np.diff(best) > 0).all()
    assert best[0] == pytest.approx(100, abs=15)
    assert best[-1] == pytest.approx(0.45 * rate, rel=0.03)
    sound = Sound(tone(best[5], 0.2, rate), rate)
    assert loudness(sound, 10_000, gammatones(sound.rate, 16)).sum(axis=0).argmax() == 5


@pytest.mark.parametrize("warp", [-0.3, 0.2])
def test_gammatones__a_shorter_vocal_tract_is_heard_in_higher_bands(warp):
    plain, warped = (
        np.abs(np.fft.rfft(gammatones(16000, 8, one), 8192)).argmax(axis=1) for one in (0.0, warp)
    )
    assert warped[2:-1] / plain[2:-1] == pytest.approx(np.exp(warp), rel=0.02)
    assert warped[-1] / 8192 == pytest.approx(min(0.45 * np.exp(warp), 0.49), rel=0.04)
    # a tone that is so much higher is heard as the lower one was
    low, high = (Sound(tone(hertz, 0.2, 16000), 16000) for hertz in (700, 700 * np.exp(warp)))
    band = Cochlea(10, 0, 8)(low).sum(axis=(0, 1)).argmax()
    assert Cochlea(10, 0, 8, warp)(high).sum(axis=(0, 1)).argmax() == band


def test_loudness__counts_decibels_from_the_loudest():
    both = np.concatenate([tone(1000, 0.2, loudness=16000), tone(1000, 0.2, loudness=4000)])
    level = loudness(Sound(both, 8000), 10_000, gammatones(8000, 16)).max(axis=1)
    assert level.max() == RANGE
    assert level[10] >= RANGE - 1
    assert abs(level[35] - (RANGE - 32)) <= 1  # a quarter: 12 dB, two octaves of amplitude
    half = loudness(Sound((both // 2).astype(np.int16), 8000), 10_000, gammatones(8000, 16))
    assert np.abs(half.max(axis=1)[2:] - level[2:]).max() <= 1


def test_loudness__spans_may_be_no_whole_number_of_samples():
    sound = Sound(tone(700, 0.1001, 11025), 11025)
    level = loudness(sound, 333, gammatones(sound.rate, 4))
    assert len(level) == -(-len(sound.samples) * 1_000_000 // (333 * 11025))
    short = loudness(Sound(sound.samples[:1], 11025), 333, gammatones(11025, 4))
    assert short.shape == (1, 4)


def test_spoken__leaves_out_silence_around():
    level = np.array([[0, 0], [1, 1], [9, 0], [0, 0], [4, 5], [2, 0], [0, 0]])
    assert spoken(level).tolist() == level[2:5].tolist()
    assert spoken(level, above=4).tolist() == level[2:3].tolist()
    assert spoken(np.zeros((3, 2), dtype=np.int64)).shape == (3, 2)


@given(st.lists(st.integers(0, 96), min_size=1, max_size=30), st.integers(1, 40))
def test_stretched__is_the_mean_of_equal_shares(values, n_steps):
    found = stretched(np.array(values)[:, None], n_steps)[:, 0]
    n = len(values)
    for step in range(n_steps):
        share = values[step * n // n_steps : (step + 1) * n // n_steps]
        expected = sum(share) // len(share) if share else values[step * n // n_steps]
        assert found[step] == expected


@pytest.mark.parametrize("step_us", [0, 5000])
def test_cochlea__neurons_fire_when_a_whole_is_reached(step_us):
    sound = Sound(np.concatenate([tone(500, 0.06), tone(1500, 0.06, loudness=3000)]), 8000)
    cochlea = Cochlea(n_steps=20, step_us=step_us, channels=8)
    spikes = cochlea(sound)
    assert (spikes.shape, spikes.dtype) == ((20, *cochlea.input_shape), bool)
    heard = spoken(loudness(sound, step_us or 4000, gammatones(sound.rate, 8)))
    level = np.zeros((20, 8), dtype=int)
    if step_us:
        level[: len(heard)] = heard[:20]
    else:
        level[:] = stretched(heard, 20)
    for channel in range(8):
        sums, before = [0, 0, 0], 0
        for step in range(20):
            now = int(level[step, channel])
            gains = (now, max(now - before, 0), max(before - now, 0))
            for neuron, whole in enumerate((RANGE, CHANGE, CHANGE)):
                old = sums[neuron] // whole
                sums[neuron] += gains[neuron]
                assert spikes[step, neuron, channel] == (sums[neuron] // whole > old)
            before = now
    assert spikes.any(axis=(0, 2)).all()


@pytest.mark.parametrize("range_db", [18, 60])
def test_cochlea__hears_so_far_below_the_loudest(range_db):
    """Words begin and end where the range of 36 dB lets them, if there is more."""
    faint = [tone(900, 0.06, loudness=16000 // 2**octaves) for octaves in (0, 4, 8)]
    sound = Sound(np.concatenate([tone(900, 0.04, loudness=40), *faint]), 8000)
    faintest = 8 * range_db // 3
    full = loudness(sound, 5_000, gammatones(8000, 8), faintest)
    assert full.max() == faintest
    usual = loudness(sound, 5_000, gammatones(8000, 8))
    both = min(faintest, 96)
    assert (np.maximum(full - faintest + both, 0) == np.maximum(usual - 96 + both, 0)).all()
    cochlea = Cochlea(n_steps=30, step_us=5_000, channels=8, range_db=range_db)
    together = (full - max(faintest - 96, 0)).clip(0).sum(axis=1)
    loud = [span for span in range(len(full)) if 4 * together[span] >= together.max()]
    level = cochlea.level(sound)
    n_spans = loud[-1] + 1 - loud[0]
    assert level[:n_spans].tolist() == full[loud[0] : loud[-1] + 1].tolist()
    assert not level[n_spans:].any()
    sums = np.cumsum(level, axis=0)  # a spike for so many decibels
    fired = np.diff(sums // faintest, axis=0, prepend=0) > 0
    assert (cochlea(sound)[:, 0] == fired).all()
    assert fired.any()


def test_cochlea__silence_is_silent():
    assert not Cochlea(n_steps=5, step_us=0, channels=4)(Sound(tone(0), 8000)).any()
