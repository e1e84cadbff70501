import numpy as np
import pytest

from hw_models import InputError, ShapeError
from hw_models.random_bits import random_bits
from ssdp_neuro.data import DataSettings, load
from ssdp_neuro.data.codes import saccades
from ssdp_neuro.data.codes.saccades import COLUMNS, ROWS, SaccadeEncoder
from ssdp_neuro.data.images import image_encoder
from tests.ssdp_neuro.data.made_files import mnist_like, recordings_file

KEYS = np.array([3, 70_000])


def images_of(channels=1, height=7, width=5):
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, size=(2, channels, height, width)).astype(np.uint8)


def brightness(image, row, column):
    """Of a place between pixels, in sixteenths, in 1/(255 * 64 * 256) of white."""

    def pixel(y, x):
        return int(image[y, x]) if 0 <= y < image.shape[0] and 0 <= x < image.shape[1] else 0

    def behind_the_lens(y, x):
        near = {-1: 1, 0: 6, 1: 1}
        return sum(near[j] * near[i] * pixel(y + j, x + i) for j in near for i in near)

    y, x, down, right = row // 16, column // 16, row % 16, column % 16
    corners = ((0, 0, 16 - down, 16 - right), (0, 1, 16 - down, right))
    corners += ((1, 0, down, 16 - right), (1, 1, down, right))
    return sum(behind_the_lens(y + j, x + i) * v * h for j, i, v, h in corners)


def shifted(line, microseconds):
    k, past = divmod(microseconds, 10_000)
    if k >= 30:
        return int(line[30])
    return int(line[k]) + int((int(line[k + 1]) - int(line[k])) * past / 10_000 + 1000.5) - 1000


def one_by_one(encoder, images, keys, epoch):
    """Pixel by pixel and look by look."""
    n, channels, height, width = images.shape
    rows, columns = height + 6, width + 6
    made = np.zeros((n, encoder.n_steps, 2 * channels, rows, columns), dtype=bool)
    usual = 255 * 64 * 256 // encoder.levels
    uneven = usual * 19 // 64
    looks = -(-encoder.step_us // 10_000)
    for sample, channel, y, x in np.ndindex(n, channels, rows, columns):
        bits = int(random_bits(encoder.seed, 0x5ACC, epoch, keys[sample], channel, y, x))
        contrast = usual - uneven + (bits // 65536 * (2 * uneven + 1)) // 65536

        def seen(time, sample=sample, channel=channel, y=y, x=x):
            row = 16 * (y - 3) - shifted(ROWS, time)
            column = 16 * (x - 3) - shifted(COLUMNS, time)
            return brightness(images[sample, channel], row, column)

        reference = seen(0) + (bits % 65536 * (2 * contrast - 1)) // 65536 - contrast + 1
        for step in range(encoder.n_steps):
            for look in range(1, looks + 1):
                now = seen((step * looks + look) * encoder.step_us // looks)
                while now - reference >= contrast:
                    reference += contrast
                    made[sample, step, 2 * channel, y, x] = True
                while reference - now >= contrast:
                    reference -= contrast
                    made[sample, step, 2 * channel + 1, y, x] = True
    size = rows // encoder.pool, encoder.pool, columns // encoder.pool, encoder.pool
    return made.reshape(n, encoder.n_steps, 2 * channels, *size).any(axis=(4, 6))


@pytest.mark.parametrize(
    ("n_steps", "step_us", "levels", "pool", "channels"),
    [(30, 10_000, 8, 1, 1), (4, 75_001, 3, 1, 1), (50, 7_000, 16, 1, 1), (7, 25_000, 5, 11, 2)],
)
def test_saccade_encoder__is_the_plain_camera(n_steps, step_us, levels, pool, channels):
    images = images_of(channels, 5, 5) if pool > 1 else images_of(channels)
    encoder = SaccadeEncoder(n_steps, step_us, levels, pool, seed=4)
    spikes = encoder(images, KEYS, 6)
    assert (spikes.shape[2:], spikes.dtype) == (encoder.spike_shape(images.shape[1:]), bool)
    assert (spikes == one_by_one(encoder, images, KEYS, 6)).all()
    assert spikes.mean() > 0.02


def test_saccade_encoder__sees_what_moves_as_the_recordings_do():
    """Down, then to the right and up, then to the left; the images are bright squares."""
    images = np.zeros((40, 1, 28, 28), dtype=np.uint8)
    images[:, :, 10:18, 10:18] = 255
    spikes = SaccadeEncoder(30, 10_000, 8, 1, 0)(images, np.arange(40), 0)
    rows, columns = np.arange(34)[:, None], np.arange(34)

    def ahead(steps):
        """How much further down and right brighter events are than darker ones, in pixels."""
        seen = spikes[:, steps].sum(axis=(0, 1))
        middle = [
            (seen * axis).sum(axis=(1, 2)) / seen.sum(axis=(1, 2)) for axis in (rows, columns)
        ]
        return [of_brighter - of_darker for of_brighter, of_darker in middle]

    down, right = zip(ahead(slice(2, 7)), ahead(slice(12, 17)), ahead(slice(23, 28)), strict=True)
    assert down[0] > 3 > -3 > down[1]
    assert right[1] > 1 > -3 > right[2]
    per_step = spikes.sum(axis=(0, 2, 3, 4))
    assert per_step[[8, 9, 21]].max() < per_step[[4, 14, 25]].min() / 4  # at rest


def test_saccade_encoder__draws_anew_in_every_epoch_and_not_by_batch():
    images, keys = images_of(), KEYS
    encoder = SaccadeEncoder(12, 25_000, 6, 1, seed=0)
    together = encoder(np.repeat(images, 10, axis=0), np.repeat(keys, 10), 1)
    assert (together[::10] == encoder(images, keys, 1)).all()
    assert (together[0] == together[9]).all()
    assert not (together[::10] == encoder(images, keys, 2)).all()
    assert encoder(images[:0], keys[:0], 0).shape == (0, 12, 2, 13, 11)
    dark = SaccadeEncoder(12, 25_000, 16, 1, seed=0)(0 * images, keys, 0)
    assert not dark.any()


def test_saccade_encoder__a_large_image_fits_its_integers():
    image = np.full((1, 1, 300, 2), 255, dtype=np.uint8)
    spikes = SaccadeEncoder(3, 100_000, 1, 1, 0)(image, KEYS[:1], 0)
    assert spikes[0, 0, :, 3:].sum() > 100
    assert not spikes[0, :, :, 20:290, 3].sum(axis=1).all()


def test_load__mnist_in_the_shape_of_nmnist(tmp_path):
    rng = np.random.default_rng(0)
    mnist_like(tmp_path, rng, side=28)
    recordings_file(tmp_path / "n.zip", rng)
    common = {"n_steps": 6, "pool": 2, "validation": 0}
    events = load(DataSettings(name="nmnist", folder=str(tmp_path / "n.zip"), **common))
    still = load(
        DataSettings(name="idx", folder=str(tmp_path), encoding="saccades", levels=8, **common)
    )
    assert still.input_shape == events.input_shape == (2, 17, 17)
    assert still.train.spikes([0, 5]).shape == events.train.spikes([0, 5]).shape
    assert still.code.parameters == {"levels": 8, "pool": 2, "step_us": 0}
    seen = still.train.spikes([0])
    again = DataSettings(
        name="idx", folder=str(tmp_path), encoding="saccades", levels=8, step_us=50_000, **common
    )
    assert (load(again).train.spikes([0]) == seen).all()
    moved = load(
        DataSettings(name="idx", folder=str(tmp_path), encoding="saccades", shift=2, **common)
    )
    assert not (moved.train.spikes([0]) == moved.train.spikes([0], epoch=1)).all()


def test_load__refuses_a_pool_that_does_not_divide_the_camera(tmp_path):
    mnist_like(tmp_path, np.random.default_rng(0), side=28)
    wish = {"name": "idx", "folder": str(tmp_path), "encoding": "saccades"}
    with pytest.raises(ShapeError, match=r"data\.pool: 4 does not divide 34 x 34 pixels of the"):
        load(DataSettings(pool=4, **wish))
    with pytest.raises(InputError, match="at most 300000, one per microsecond"):
        load(DataSettings(n_steps=300_001, **wish))


def test_image_encoder__saccades_take_the_length_of_a_step():
    encoder = image_encoder(DataSettings(encoding="saccades", n_steps=12, seed=9, levels=7))
    assert encoder == SaccadeEncoder(12, 25_000, 7, 1, 9)
    assert len(ROWS) == len(COLUMNS) == saccades.SACCADES_US // saccades.PLACE_US + 1
    furthest = max(np.abs(ROWS).max(), np.abs(COLUMNS).max())
    assert furthest + saccades.MARGIN * 16 <= saccades.BORDER * 16
