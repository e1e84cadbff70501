"""Sound to spikes: gammatone bands, half-wave rectified, in integer logarithms, then neurons.

Everything after the filters' coefficients is integer: these are rounded to 14 bits, the
convolution is rounded to the integers that it must give, and the logarithm is a table.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from ssdp_neuro.data.wave_file import Sound

COEFFICIENT_BITS = 14
LOWEST_HZ = 100.0
HIGHEST_SHARE = 0.45  # of the sampling rate
FILTER_SECONDS = 0.032
ORDER = 4  # of the gammatone
LOG_STEPS = 16  # of an octave of amplitude
RANGE = 6 * LOG_STEPS  # below the loudest moment; 36 dB


@dataclass(frozen=True)
class Cochlea:
    """Bands and neurons.

    In each step and band the rectified output of the filter is summed, put on a logarithmic
    scale, and counted from 36 dB below the recording's loudest step and band. Neuron j of a
    band adds up what exceeds ``j / levels`` of these 36 dB and fires when that makes a whole,
    so that at the loudest it fires in every step.

    Parameters
    ----------
    n_steps
        Steps of a sample; sound after the last is left out.
    step_us
        Microseconds in a step.
    channels
        Bands, evenly spaced on the mel scale from 100 Hz to 0.45 of the sampling rate.
    levels
        Neurons per band.
    """

    n_steps: int
    step_us: int
    channels: int
    levels: int

    @property
    def input_shape(self) -> tuple[int, int]:
        """Neurons per band, bands."""
        return self.levels, self.channels

    def __call__(self, sound: Sound) -> np.ndarray:
        """Spikes of a recording, bool ``(n_steps, levels, channels)``."""
        loudness = self.loudness(sound)
        spikes = np.zeros((self.n_steps, *self.input_shape), dtype=bool)
        for level in range(self.levels):
            floor = RANGE * level // self.levels
            total = np.cumsum(np.maximum(loudness - floor, 0), axis=0)
            whole = total // (RANGE - floor)
            spikes[:, level] = np.diff(whole, axis=0, prepend=0) > 0
        return spikes

    def loudness(self, sound: Sound) -> np.ndarray:
        """How loud each step and band is, int64 ``(n_steps, channels)``, 0..96."""
        filters = gammatones(sound.rate, self.channels)
        ends = np.arange(1, self.n_steps + 1, dtype=np.int64) * self.step_us * sound.rate
        ends = np.minimum(ends // 1_000_000, len(sound.samples))
        heard = np.maximum(filtered(sound.samples[: ends[-1]], filters), 0)
        total = np.zeros((self.channels, heard.shape[1] + 1), dtype=np.int64)
        np.cumsum(heard, axis=1, out=total[:, 1:])
        starts = np.concatenate([[0], ends[:-1]])
        lengths = np.maximum(ends - starts, 1)
        mean = (total[:, ends] - total[:, starts]) // lengths
        logarithm = np.searchsorted(_log_table(), mean, side="right")
        highest = int(logarithm.max()) if logarithm.size else 0
        return np.maximum(logarithm - max(highest - RANGE, 0), 0).T


def filtered(samples: np.ndarray, filters: np.ndarray) -> np.ndarray:
    """Convolve, exactly: the output from the first sample on, as long as the input.

    Parameters
    ----------
    samples
        int16 ``(n,)``.
    filters
        int64 ``(channels, taps)``, whose magnitudes add up to at most 2**15 each.

    Returns
    -------
    int64, shape (channels, n)
        Products of sums below 2**30: the transform's error is far below one half.
    """
    n_samples, taps = len(samples), filters.shape[1]
    if not n_samples:
        return np.zeros((len(filters), 0), dtype=np.int64)
    size = 1 << (n_samples + taps - 2).bit_length()
    spectrum = np.fft.rfft(samples.astype(np.float64), size)
    outputs = np.fft.irfft(spectrum * _spectra(filters.tobytes(), filters.shape, size), size)
    return np.rint(outputs[:, :n_samples]).astype(np.int64)


@functools.lru_cache(maxsize=8)
def _spectra(filters: bytes, shape: tuple[int, int], size: int) -> np.ndarray:
    taps = np.frombuffer(filters, dtype=np.int64).reshape(shape)
    return np.fft.rfft(taps.astype(np.float64), size)


@functools.lru_cache(maxsize=8)
def gammatones(rate: int, channels: int) -> np.ndarray:
    """Coefficients of the bands, int64 ``(channels, taps)``, low to high.

    ``t**3 exp(-2 pi b t) cos(2 pi f t)`` with b 1.019 times the equivalent rectangular
    bandwidth of Glasberg and Moore (1990), ``24.7 + 0.108 f``; each scaled so that the
    magnitudes add up to 2**14.
    """
    lowest, highest = _mel(LOWEST_HZ), _mel(max(HIGHEST_SHARE * rate, 2 * LOWEST_HZ))
    mels = np.linspace(lowest, highest, channels) if channels > 1 else np.array([lowest])
    centre = (700.0 * (np.exp(mels / 1127.0) - 1.0))[:, None]
    time = np.arange(int(FILTER_SECONDS * rate)) / rate
    width = 1.019 * (24.7 + 0.108 * centre)
    real = time ** (ORDER - 1) * np.exp(-2 * np.pi * width * time)
    real = real * np.cos(2 * np.pi * centre * time)
    real *= 2**COEFFICIENT_BITS / np.abs(real).sum(axis=1, keepdims=True)
    taps = np.rint(real).astype(np.int64)
    taps.flags.writeable = False
    return taps


def _mel(hertz: float) -> float:
    return 1127.0 * float(np.log1p(hertz / 700.0))


@functools.lru_cache(maxsize=1)
def _log_table() -> np.ndarray:
    """Amplitudes from which the logarithm is 1, 2, ..., in 16ths of an octave."""
    return np.ceil(2.0 ** (np.arange(0, 32 * LOG_STEPS) / LOG_STEPS)).astype(np.int64)
