"""A word as an image: bands by columns of time, a channel for each threshold of loudness.

When something was said is then a place, so that convolutions find it a little earlier or higher,
and every neuron is given all of the word from its first step on. On a chip the host, or neurons
that hold their state, keep a word until its end and then send it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ssdp_neuro.data.codes.cochlea import Cochlea, octaves
from ssdp_neuro.data.formats.wave_file import Sound


@dataclass(frozen=True)
class Spectrogram:
    """Bands of a cochlea by columns of time; each threshold fires in every step or in none.

    Parameters
    ----------
    n_steps
        Steps of a sample, all the same.
    cochlea
        Its steps are the columns.
    levels
        Thresholds. Beside the speaker's mean there are as many above as below it, half of
        ``speaker_db`` away, then further by ``speaker_db`` each, so that they together count
        loudness to the nearest; otherwise they are even parts of the cochlea's range.
    """

    n_steps: int
    cochlea: Cochlea
    levels: int

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Thresholds, bands, columns."""
        both = 2 if self.cochlea.speaker_db else 1
        return both * self.levels, self.cochlea.channels, self.cochlea.n_steps

    def level(self, sound: Sound) -> np.ndarray:
        """How loud each column and band is, int64 ``(columns, channels)``, of 0.375 dB."""
        return self.cochlea.level(sound)

    def spikes(self, level: np.ndarray) -> np.ndarray:
        """Spikes of a level, or of what it is above (below 0: under) the speaker's mean."""
        numbers = np.arange(self.levels)
        if self.cochlea.speaker_db:
            thresholds = (2 * numbers + 1) * octaves(self.cochlea.speaker_db) // 2
            signed = np.stack([level, -level])
        else:
            thresholds = (numbers + 1) * octaves(self.cochlea.range_db) // (self.levels + 1)
            signed = level[None]
        image = signed[:, None] >= thresholds[:, None, None]
        image = image.reshape(-1, *level.shape).swapaxes(1, 2)
        return np.broadcast_to(image, (self.n_steps, *image.shape))
