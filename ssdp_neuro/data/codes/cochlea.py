"""Sound to spikes: gammatone bands, half-wave rectified, in integer logarithms, then neurons.

Everything after the filters' coefficients is integer: these are rounded to 14 bits, the
convolution is rounded to the integers that it must give, and the logarithm is a table.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from ssdp_neuro.data.formats.wave_file import Sound

COEFFICIENT_BITS = 14
LOWEST_HZ = 100.0
HIGHEST_SHARE = 0.45  # of the sampling rate
HIGHEST_WARPED = 0.49  # beyond half of it a band would hear what is below
FILTER_SECONDS = 0.032
ORDER = 4  # of the gammatone
LOG_STEPS = 16  # of an octave of amplitude
RANGE_DB = 36  # below the loudest, as far as speech is told from silence
RANGE = RANGE_DB * LOG_STEPS // 6
CHANGE = RANGE // 8
SPAN_US = 4_000  # fine enough to be stretched


@dataclass(frozen=True)
class Cochlea:
    """Bands, and three neurons in each.

    In each span of time and band the rectified output of the filter is averaged, put on a
    logarithmic scale, and counted from ``range_db`` below the recording's loudest span and band.
    The silence before the first and after the last loud span (a quarter of the loudest, by what
    is at most 36 dB below it) is left out. Neuron 0 of a band adds up its loudness, neuron 1 the
    rises and neuron 2 the falls of it; each fires when that makes a whole: ``range_db``, and 4.5
    dB of change.

    Parameters
    ----------
    n_steps
        Steps of a sample.
    step_us
        Microseconds in a step, what is beyond the last step is left out; 0 to stretch or
        squeeze every recording to ``n_steps``.
    channels
        Bands, evenly spaced on the mel scale from 100 Hz to 0.45 of the sampling rate.
    warp
        Every band is at ``exp(warp)`` times that frequency: what a longer (below 0) or shorter
        vocal tract would have said.
    speaker_db
        0, or decibels: levels are then heard beside the speaker's mean, and neuron 0 adds up
        what is above it, neuron 1 what is below, each firing for so many decibels; neurons 2
        and 3 are for rises and falls.
    range_db
        Decibels below the loudest at which a recording is silent.
    """

    n_steps: int
    step_us: int
    channels: int
    warp: float = 0.0
    speaker_db: int = 0
    range_db: int = RANGE_DB

    @property
    def input_shape(self) -> tuple[int, int]:
        """Neurons of a band, bands."""
        return 4 if self.speaker_db else 3, self.channels

    def __call__(self, sound: Sound) -> np.ndarray:
        """Spikes of a recording by itself, bool ``(n_steps, 3 or 4, channels)``."""
        return self.spikes(self.level(sound))

    def level(self, sound: Sound) -> np.ndarray:
        """How loud each step and band is, int64 ``(n_steps, channels)``, of 0.375 dB."""
        bands = gammatones(sound.rate, self.channels, self.warp)
        faintest = octaves(self.range_db)
        heard = loudness(sound, self.step_us or SPAN_US, bands, faintest)
        heard = spoken(heard, max(faintest - RANGE, 0))
        if not self.step_us:
            return stretched(heard, self.n_steps)
        level = np.zeros((self.n_steps, self.channels), dtype=np.int64)
        level[: len(heard)] = heard[: self.n_steps]
        return level

    def spikes(self, level: np.ndarray) -> np.ndarray:
        """Spikes of a level, or of what it is above (below 0: under) the speaker's mean."""
        change = np.diff(level, axis=0, prepend=0)
        both = [level, -level] if self.speaker_db else [level]
        whole = octaves(self.speaker_db or self.range_db)
        units = [whole] * len(both) + [CHANGE, CHANGE]
        sums = np.maximum(np.stack([*both, change, -change], axis=1), 0)
        return np.diff(np.cumsum(sums, axis=0) // np.array(units)[:, None], axis=0, prepend=0) > 0


def loudness(sound: Sound, span_us: int, bands: np.ndarray, faintest: int = RANGE) -> np.ndarray:
    """How loud each span and band is, int64 ``(spans, channels)``, 0..faintest; 1 is 0.375 dB.

    Parameters
    ----------
    sound
        At least one sample.
    span_us
        Microseconds; a last incomplete span counts as one.
    bands
        Their filters, see :func:`gammatones`.
    faintest
        What is so far below the loudest, or further, is 0.
    """
    n_samples = len(sound.samples)
    n_spans = -(-n_samples * 1_000_000 // (span_us * sound.rate))
    ends = np.arange(1, n_spans + 1, dtype=np.int64) * span_us * sound.rate // 1_000_000
    ends[-1] = n_samples
    starts = np.concatenate([[0], ends[:-1]])
    heard = np.maximum(filtered(sound.samples, bands), 0)
    total = np.zeros((len(bands), n_samples + 1), dtype=np.int64)
    np.cumsum(heard, axis=1, out=total[:, 1:])
    mean = (total[:, ends] - total[:, starts]) // np.maximum(ends - starts, 1)
    level = logarithm(mean)
    return np.maximum(level - max(int(level.max()) - faintest, 0), 0).T


def logarithm(amplitude: np.ndarray) -> np.ndarray:
    """How many of 2**0, 2**(1/16), 2**(2/16), ... are not above each amplitude, int64.

    Examples
    --------
    >>> logarithm(np.array([0, 1, 2, 3, 1024])).tolist()
    [0, 1, 17, 26, 161]
    """
    return np.searchsorted(_log_table(), amplitude, side="right").astype(np.int64)


def spoken(loudness: np.ndarray, above: int = 0) -> np.ndarray:
    """The spans from the first to the last that is at least a quarter as loud as the loudest.

    What counts is what each band has ``above`` so much.
    """
    together = np.maximum(loudness - above, 0).sum(axis=1)
    loud = np.flatnonzero(4 * together >= together.max())
    return loudness[loud[0] : loud[-1] + 1]


def stretched(loudness: np.ndarray, n_steps: int) -> np.ndarray:
    """``n_steps`` steps of equal shares of the spans: their mean, or repeated where too few."""
    starts = np.arange(n_steps) * len(loudness) // n_steps
    ends = np.maximum((np.arange(n_steps) + 1) * len(loudness) // n_steps, starts + 1)
    total = np.zeros((len(loudness) + 1, loudness.shape[1]), dtype=np.int64)
    np.cumsum(loudness, axis=0, out=total[1:])
    return (total[ends] - total[starts]) // (ends - starts)[:, None]


def filtered(samples: np.ndarray, filters: np.ndarray) -> np.ndarray:
    """Convolve, exactly: the output from the first sample on, as long as the input.

    Parameters
    ----------
    samples
        int16 ``(n,)``, at least one.
    filters
        int64 ``(channels, taps)``, whose magnitudes add up to at most 2**15 each.

    Returns
    -------
    int64, shape (channels, n)
        Products of sums below 2**30: the transform's error is far below one half.
    """
    n_samples, taps = len(samples), filters.shape[1]
    size = 1 << (n_samples + taps - 2).bit_length()
    spectrum = np.fft.rfft(samples.astype(np.float64), size)
    outputs = np.fft.irfft(spectrum * _spectra(filters.tobytes(), filters.shape, size), size)
    return np.rint(outputs[:, :n_samples]).astype(np.int64)


@functools.lru_cache(maxsize=4)
def _spectra(filters: bytes, shape: tuple[int, int], size: int) -> np.ndarray:
    taps = np.frombuffer(filters, dtype=np.int64).reshape(shape)
    return np.fft.rfft(taps.astype(np.float64), size)


@functools.lru_cache(maxsize=8)
def gammatones(rate: int, channels: int, warp: float = 0.0) -> np.ndarray:
    """Coefficients of the bands, int64 ``(channels, taps)``, low to high.

    ``t**3 exp(-2 pi b t) cos(2 pi f t)`` with b 1.019 times the equivalent rectangular
    bandwidth of Glasberg and Moore (1990), ``24.7 + 0.108 f``; each scaled so that the
    magnitudes add up to 2**14. Frequencies are ``exp(warp)`` times those of the mel scale, up to
    0.49 of the sampling rate.
    """
    lowest, highest = _mel(LOWEST_HZ), _mel(max(HIGHEST_SHARE * rate, 2 * LOWEST_HZ))
    mels = np.linspace(lowest, highest, channels) if channels > 1 else np.array([lowest])
    centre = 700.0 * (np.exp(mels / 1127.0) - 1.0) * np.exp(warp)
    centre = np.minimum(centre, HIGHEST_WARPED * rate)[:, None]
    time = np.arange(int(FILTER_SECONDS * rate)) / rate
    width = 1.019 * (24.7 + 0.108 * centre)
    real = time ** (ORDER - 1) * np.exp(-2 * np.pi * width * time)
    real = real * np.cos(2 * np.pi * centre * time)
    real *= 2**COEFFICIENT_BITS / np.abs(real).sum(axis=1, keepdims=True)
    taps = np.rint(real).astype(np.int64)
    taps.flags.writeable = False
    return taps


def octaves(decibels: int) -> int:
    """Steps of the logarithm: 6 dB an octave."""
    return decibels * LOG_STEPS // 6


def _mel(hertz: float) -> float:
    return 1127.0 * float(np.log1p(hertz / 700.0))


@functools.lru_cache(maxsize=1)
def _log_table() -> np.ndarray:
    """The powers, rounded up to integers: what is not below one is not below the other."""
    return np.ceil(2.0 ** (np.arange(0, 32 * LOG_STEPS) / LOG_STEPS)).astype(np.int64)
