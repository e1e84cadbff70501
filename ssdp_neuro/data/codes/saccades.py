"""Images as an event camera sees them that moves as N-MNIST's did: three saccades in 300 ms.

For networks that learn from still images, of which there are many, before they learn from
recordings, of which there are few. The camera: Orchard, Jayawant, Cohen and Thakor 2015, Front.
Neurosci. 9:437; a pixel that sends an event for each change of its brightness by a contrast, from
where it was at the last one: Rebecq, Gehrig and Scaramuzza 2018, CoRL, there of its logarithm.
N-MNIST's events follow the brightness itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hw_models import ShapeError
from hw_models.random_bits import random_bits

SACCADES_US = 300_000
MARGIN = 3  # pixels of the sensor around the image, on each side
BORDER = 7  # pixels that are looked up around it, more than it ever moves
ONE = 16  # places are whole numbers of 1/16 pixel
BLUR = np.array([1, 6, 1], dtype=np.int32)  # of the lens, in both directions
WHITE = 255 * int(BLUR.sum()) ** 2 * ONE**2  # brightness, in the unit of all that follows
PLACE_US = 10_000
# Where the middle of the image is, from the sensor's, every 10 ms: fitted by least squares to
# the events of 240 recordings of N-MNIST's training part (digits 0 to 2) and their images.
COLUMNS = np.array([
    -41, -41, -42, -43, -43, -42, -34, -24, -19, -18, -17, -14, -10, -3, 9, 20,
    24, 29, 35, 37, 40, 44, 45, 44, 34, 18, -2, -18, -28, -37, -40,
])  # fmt: skip
ROWS = np.array([
    -29, -28, -23, -11, 7, 28, 45, 56, 59, 59, 58, 57, 56, 53, 40, 22,
    3, -13, -22, -25, -25, -25, -25, -26, -25, -25, -25, -27, -29, -29, -29,
])  # fmt: skip
UNEVEN = 19, 64  # a pixel's contrast differs from the usual one by up to 19/64, by chance
USE = 0x5ACC  # key of these draws, apart from other uses of the seed
AT_ONCE = 8  # images, to stay in the processor's cache


@dataclass(frozen=True)
class SaccadeEncoder:
    """Events of a simulated camera that looks at an image, with 3 pixels around it, and moves.

    Channel ``2 c`` of channel ``c`` of the image is for what becomes brighter, ``2 c + 1`` for
    what becomes darker, as in N-MNIST's files. A pixel fires in a step in which it had an event.
    It is looked at when a step ends, and evenly within steps of more than 10 ms, at least every
    10 ms; it has an event if its brightness then differs from its reference by its contrast or
    more, and the reference moves there by whole contrasts. Contrasts, and where references begin,
    are functions of (seed, epoch, sample, channel, pixel); nothing else is by chance. All numbers
    are whole.

    Parameters
    ----------
    n_steps, step_us
        Steps of a sample, and microseconds in one. After 300 ms nothing moves.
    levels
        Events of the usual pixel from black to white.
    pool
        So many rows and columns of the sensor become one.
    seed
        Key of the draws.
    """

    n_steps: int
    step_us: int
    levels: int
    pool: int
    seed: int

    def spike_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Channels, rows and columns of a step's spikes, of an image's.

        Raises
        ------
        ShapeError
            If ``pool`` does not divide the sensor.
        """
        channels, *size = shape
        rows, columns = (n + 2 * MARGIN for n in size)
        if rows % self.pool or columns % self.pool:
            raise ShapeError(
                f"data.pool: {self.pool} does not divide {rows} x {columns} pixels of the camera"
            )
        return 2 * channels, rows // self.pool, columns // self.pool

    def __call__(self, images: np.ndarray, keys: np.ndarray, epoch: int) -> np.ndarray:
        """Encode; see :class:`~ssdp_neuro.data.codes.image_encoders.ImageEncoder`."""
        spikes = np.zeros((len(images), self.n_steps, *self.spike_shape(images.shape[1:])), bool)
        for start in range(0, len(images), AT_ONCE):
            part = slice(start, start + AT_ONCE)
            self._look(images[part], keys[part], epoch, spikes[part])
        return spikes

    def _look(self, images: np.ndarray, keys: np.ndarray, epoch: int, spikes: np.ndarray) -> None:
        """Enter the spikes of some images."""
        blurred = _blurred(images)
        rows, columns = (n + 2 * MARGIN for n in images.shape[2:])
        # channels, rows and columns of the sensor, for the keys of the draws
        shape = images.shape[1], rows, columns
        bits = random_bits(
            self.seed, USE, epoch, keys[:, None, None, None], *np.ix_(*map(np.arange, shape))
        ).astype(np.int64)
        usual = WHITE // self.levels
        most = usual * UNEVEN[0] // UNEVEN[1]
        contrast = (usual - most + ((bits >> 16) * (2 * most + 1) >> 16)).astype(np.int32)
        before = (((bits & 0xFFFF) * (2 * contrast - 1) >> 16) - contrast + 1).astype(np.int32)
        # where the first step's spikes of each pixel go, in a row of all spikes
        n, channel, row, column = np.ix_(*map(np.arange, (len(images), *shape)))
        height, width = spikes.shape[-2:]
        first = (n * spikes.shape[1] * spikes.shape[2] + 2 * channel) * height * width
        first = first + row // self.pool * width + column // self.pool
        contrast, first = contrast.ravel(), first.ravel()
        was, reference = _place(0), (_seen(blurred, _place(0), shape) + before).ravel()
        a_step = -(-self.step_us // PLACE_US)
        for instant in range(self.n_steps * a_step):
            place = _place((instant + 1) * self.step_us // a_step)
            if place == was:  # at rest
                continue
            was = place
            change = _seen(blurred, place, shape).ravel() - reference
            fired = np.flatnonzero(np.abs(change) >= contrast)
            by, least = change[fired], contrast[fired]
            reference[fired] += np.sign(by) * (np.abs(by) // least * least)
            step = instant // a_step * spikes.shape[2]
            spikes.reshape(-1)[first[fired] + (step + (by < 0)) * height * width] = True


def _place(microseconds: int) -> tuple[int, int]:
    """Row and column of the image's first pixel on the sensor, in 1/16 pixel."""
    before, past = divmod(min(microseconds, SACCADES_US), PLACE_US)
    after = min(before + 1, len(ROWS) - 1)
    row, column = (
        int(line[before]) + (int(line[after] - line[before]) * past + PLACE_US // 2) // PLACE_US
        for line in (ROWS, COLUMNS)
    )
    return row + MARGIN * ONE, column + MARGIN * ONE


def _blurred(images: np.ndarray) -> np.ndarray:
    """Brightness behind the lens, with as much black around it as the camera may see, int32."""
    seen = np.pad(images.astype(np.int32), ((0, 0), (0, 0), (BORDER, BORDER), (BORDER, BORDER)))
    for axis in (2, 3):
        seen = sum(w * np.roll(seen, k - 1, axis) for k, w in enumerate(BLUR))
    return seen


def _seen(blurred: np.ndarray, place: tuple[int, int], shape: tuple[int, ...]) -> np.ndarray:
    """Brightness at each pixel of the sensor, between pixels of the image linear, int32."""
    for axis, size, at in zip((2, 3), shape[1:], place, strict=True):
        first, between = divmod(BORDER * ONE - at, ONE)
        near, next_one = (
            blurred[(slice(None),) * axis + (slice(begin, begin + size),)]
            for begin in (first, first + 1)
        )
        blurred = (ONE - between) * near + between * next_one
    return blurred
