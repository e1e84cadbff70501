"""Sound from wave files: 16 bits, one channel."""

from __future__ import annotations

import io
import wave
from typing import NamedTuple

import numpy as np

from hw_models import InputError

SAMPLE_BYTES = 2
LOWEST_RATE, HIGHEST_RATE = 1_000, 192_000
MOST_SAMPLES = 2**18  # a word, not a speech: 32 s at 8 kHz; all bands of it are in memory


class Sound(NamedTuple):
    """Samples, int16 ``(n,)``, and how many there are in a second."""

    samples: np.ndarray
    rate: int


def decode_wave(data: bytes, where: str) -> Sound:
    """Decode a wave file.

    Parameters
    ----------
    data
        All of its bytes.
    where
        Its name, for messages.

    Raises
    ------
    InputError
        If it is not a wave file of 16-bit samples on one channel, is cut off, empty, or longer
        than 2**18 samples.
    """
    try:
        with wave.open(io.BytesIO(data)) as file:
            channels, width, rate = file.getnchannels(), file.getsampwidth(), file.getframerate()
            n_frames = file.getnframes()
            if (channels, width) != (1, SAMPLE_BYTES):
                raise InputError(
                    f"{where}: {channels} channels of {8 * width} bits; one of 16 is needed"
                )
            samples = file.readframes(n_frames)
    except InputError:
        raise
    except Exception as error:  # wave reports damage by errors of many kinds
        raise InputError(
            f"{where}: not a whole wave file of plain samples: {str(error) or 'cut off'}"
        ) from None
    if len(samples) != SAMPLE_BYTES * n_frames:
        has = len(samples) // SAMPLE_BYTES
        raise InputError(f"{where}: cut off: {n_frames} samples announced, {has} there")
    if not 1 <= n_frames <= MOST_SAMPLES:
        raise InputError(f"{where}: {n_frames} samples; allowed 1..{MOST_SAMPLES}")
    if not LOWEST_RATE <= rate <= HIGHEST_RATE:
        raise InputError(f"{where}: {rate} Hz; allowed {LOWEST_RATE}..{HIGHEST_RATE}")
    return Sound(np.frombuffer(samples, dtype="<i2").astype(np.int16), rate)
