import numpy as np
import pytest

from hw_models import InputError, ShapeError
from hw_models.random_bits import random_bits
from ssdp_neuro.data.codes.encoding import latency_code, rate_code
from ssdp_neuro.data.codes.image_encoders import (
    BitPlaneEncoder,
    LatencyEncoder,
    LevelEncoder,
    RandomRateEncoder,
    RegularRateEncoder,
    ThresholdEncoder,
)
from ssdp_neuro.data.images import EncodedImages, image_encoder, pooled
from ssdp_neuro.data.settings import DataSettings

KEYS = np.arange(6)


@pytest.fixture
def images():
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, size=(6, 1, 4, 5)).astype(np.uint8)
    images[0, 0, 0, :2] = 0, 255
    return images


def test_latency_encoder__is_the_latency_code(images):
    spikes = LatencyEncoder(9, window=7, darkest=0.2)(images, KEYS, 0)
    assert (spikes == latency_code(images / 255, 9, window=7, darkest=0.2)).all()
    assert spikes.any()


def test_regular_rate_encoder__is_the_rate_code(images):
    spikes = RegularRateEncoder(20, max_rate=1.0, seed=3)(images, KEYS, 0)
    assert (spikes == rate_code(images / 255, 20, seed=3)).all()
    half = RegularRateEncoder(2000, max_rate=0.5, seed=3)(images, KEYS, 0).sum(axis=1)
    assert (np.abs(half - images / 255 * 1000) <= 1.02).all()  # one spike, and 2**-17 x 2000


def test_random_rate_encoder__draws_from_the_key_of_each_spike(images):
    n_steps, seed, epoch = 7, 5, 2
    spikes = RandomRateEncoder(n_steps, max_rate=0.8, seed=seed)(images, KEYS, epoch)
    for sample, step, pixel in ((0, 0, 1), (2, 3, 7), (5, 6, 19), (4, 5, 11)):
        bits = int(random_bits(seed, epoch, sample, step // 2, pixel)) >> 16 * (step % 2)
        chance = round(int(images[sample].flat[pixel]) / 255 * 0.8 * 65536)
        assert spikes[sample, step].flat[pixel] == (bits % 65536 < chance)


def test_random_rate_encoder__fires_as_often_as_it_should(images):
    n_steps = 4000
    spikes = RandomRateEncoder(n_steps, max_rate=1.0, seed=1)(images, KEYS, 0)
    rate = images / 255
    # 120 pixels: beyond 5 standard deviations by chance once in 15000 seeds
    assert (np.abs(spikes.mean(axis=1) - rate) <= 5 * np.sqrt(0.25 / n_steps)).all()
    assert spikes[0, :, 0, 0, 1].all()
    assert not spikes[0, :, 0, 0, 0].any()
    other = RandomRateEncoder(n_steps, max_rate=1.0, seed=1)(images, KEYS, 1)
    grey = (images > 100) & (images < 150)
    agreement = (spikes == other)[np.broadcast_to(grey[:, None], spikes.shape)].mean()
    assert 0.45 < agreement < 0.6


def test_random_rate_encoder__black_never_fires_and_white_always():
    """Among a million draws about 16 are the lowest and 16 the highest that there are."""
    spikes = RandomRateEncoder(8, max_rate=1.0, seed=0)
    black = np.zeros((128, 1, 32, 32), dtype=np.uint8)
    assert not spikes(black, np.arange(128), 0).any()
    assert spikes(black + np.uint8(255), np.arange(128), 0).all()


def test_bit_plane_encoder__gives_the_number_back(images):
    spikes = BitPlaneEncoder(8)(images, KEYS, 0)
    weights = (128 >> np.arange(8)).reshape(1, 8, 1, 1, 1)
    assert ((spikes * weights).sum(axis=1) == images).all()
    assert (BitPlaneEncoder(11)(images, KEYS, 0)[:, 8:] == spikes[:, :3]).all()


def test_threshold_encoder__the_brighter_the_longer(images):
    spikes = ThresholdEncoder(4)(images, KEYS, 0)
    assert spikes.sum(axis=1).tolist() == (images.astype(int) * 5 // 255).clip(max=4).tolist()
    assert (np.diff(spikes.astype(int), axis=1) >= 0).all()


@pytest.mark.parametrize("n_levels", [1, 4, 16])
def test_level_encoder__has_a_channel_for_each_threshold_in_every_step(n_levels):
    images = np.arange(512, dtype=np.uint16).astype(np.uint8).reshape(2, 2, 8, 16)
    spikes = LevelEncoder(3, n_levels)(images, KEYS[:2], 0)
    assert (spikes.shape, spikes.dtype) == ((2, 3, 2 * n_levels, 8, 16), bool)
    assert (spikes == spikes[:, :1]).all()
    for channel in range(2):
        for k in range(n_levels):
            fired = spikes[:, 0, channel * n_levels + k]
            assert (fired == (images[:, channel] * (n_levels + 1.0) >= 255 * (k + 1))).all()


def test_encoded_images__levels_are_channels(images):
    encoder = image_encoder(DataSettings(encoding="levels", n_steps=2, levels=3))
    data = EncodedImages(images=images, labels=KEYS, keys=KEYS, n_classes=6, encoder=encoder)
    assert data.input_shape == (3, 4, 5)
    assert data.spikes(KEYS).shape == (6, 2, 3, 4, 5)


@pytest.mark.parametrize("encoding", ["latency", "rate", "regular", "bit-planes", "threshold"])
def test_encoded_images__do_not_depend_on_the_batch(images, encoding):
    data = EncodedImages(
        images=images,
        labels=KEYS,
        keys=KEYS + 100,
        n_classes=6,
        encoder=image_encoder(DataSettings(encoding=encoding, n_steps=5)),
    )
    together = data.spikes(range(6), epoch=1)
    assert (together.shape, together.dtype) == ((6, 5, 1, 4, 5), bool)
    for index in (4, 0):
        assert (data.spikes(np.array([index]), epoch=1)[0] == together[index]).all()
    assert (data.spikes([5, 1, 5], epoch=1) == together[[5, 1, 5]]).all()
    assert ((data.spikes(KEYS, epoch=2) == together).all()) == (encoding != "rate")
    assert data.spikes([]).shape == (0, 5, 1, 4, 5)
    assert (data.n_steps, data.input_shape, len(data)) == (5, (1, 4, 5), 6)


@pytest.mark.parametrize("indices", [[6], [-1], [0.5], [[1]], [True]])
def test_encoded_images__refuse_places_that_are_not_there(images, indices):
    encoder = BitPlaneEncoder(8)
    data = EncodedImages(images=images, labels=KEYS, keys=KEYS, n_classes=6, encoder=encoder)
    with pytest.raises(InputError, match=r"indices: "):
        data.spikes(indices)


def test_encoded_images__refuse_what_does_not_fit(images):
    encoder = BitPlaneEncoder(8)
    with pytest.raises(ShapeError, match="5 labels"):
        EncodedImages(images=images, labels=KEYS[:5], keys=KEYS, n_classes=6, encoder=encoder)
    with pytest.raises(ShapeError, match="float64"):
        EncodedImages(images=images / 2, labels=KEYS, keys=KEYS, n_classes=6, encoder=encoder)


def test_pooled__means_rounded_half_up():
    images = np.array([[[[1, 2], [2, 1]], [[3, 0], [0, 0]]]], dtype=np.uint8)
    assert pooled(images, 2).tolist() == [[[[2]], [[1]]]]
    with pytest.raises(ShapeError, match="3 does not divide 2 x 2"):
        pooled(images, 3)


def test_image_encoder__refuses_codes_for_other_data():
    with pytest.raises(InputError, match=r"'cochlea' is not for the images of 'digits'"):
        image_encoder(DataSettings(encoding="cochlea"))
