import math
from fractions import Fraction

import numpy as np
import pytest

from hw_models import SsdpError
from hw_models.random_bits import random_bits
from ssdp_neuro.data import Augmented, DataSettings, SpikeDataset, load
from ssdp_neuro.data.codes.augmentation import USE
from ssdp_neuro.data.stored_spikes import stored

N, STEPS, SHAPE = 40, 2, (3, 4, 6)
SPIKES = np.random.default_rng(0).random((N, STEPS, *SHAPE)) < 0.5
DATA = stored(SPIKES, np.arange(N), n_steps=STEPS, input_shape=SHAPE, n_classes=N)


def augmented(indices=range(N), epoch=0, **how):
    return Augmented(dataset=DATA, **how).spikes(indices, epoch=epoch)


def moved(image, mirror, down, right, bend=(0, 0, 0, 0)):
    """The slow twin: pixel by pixel, in fractions."""
    made = np.zeros_like(image)
    height, width = image.shape[-2:]
    middle_y, middle_x = Fraction(height - 1, 2), Fraction(width - 1, 2)
    yy, yx, xy, xx = (Fraction(number, 1024) for number in bend)
    for y in range(height):
        for x in range(width):
            far_y, far_x = y - down - middle_y, x - right - middle_x
            from_y = math.floor(far_y + yy * far_y + yx * far_x + middle_y + Fraction(1, 2))
            from_x = math.floor(far_x + xy * far_y + xx * far_x + middle_x + Fraction(1, 2))
            if 0 <= from_y < height and 0 <= from_x < width:
                made[..., y, x] = image[..., from_y, width - 1 - from_x if mirror else from_x]
    return made


@pytest.mark.parametrize(
    ("mirror", "affine", "shift"), [(True, 0.0, 0), (False, 0.0, 1), (True, 0.5, 2)]
)
def test_augmented__moves_images_by_the_key_of_each(mirror, affine, shift):
    epoch, seed, most = 3, 7, round(1024 * affine)
    made = augmented(epoch=epoch, seed=seed, mirror=mirror, affine=affine, shift=shift)
    seen = set()
    for place in range(N):
        turn, down, right, *bend = (int(random_bits(seed, USE, epoch, place, k)) for k in range(7))
        how = (
            mirror and turn % 2 == 1,
            down % (2 * shift + 1) - shift,
            right % (2 * shift + 1) - shift,
        )
        seen.add(how)
        by = [number % (2 * most + 1) - most for number in bend]
        assert (made[place] == moved(SPIKES[place], *how, by)).all()
    assert len({how[0] for how in seen}) == 1 + mirror
    for axis in (1, 2):
        assert {how[axis] for how in seen} == set(range(-shift, shift + 1))


def test_augmented__is_a_function_of_sample_epoch_and_seed():
    how = {"mirror": True, "affine": 0.2, "shift": 1}
    together = augmented(**how)
    assert (augmented([4, 1], **how) == together[[4, 1]]).all()
    assert (augmented(epoch=1, **how) != together).any()
    assert (augmented(seed=1, **how) != together).any()
    assert augmented([], **how).shape == (0, STEPS, *SHAPE)


def test_augmented__nothing_happens_if_nothing_is_asked_for():
    data = Augmented(dataset=DATA)
    assert isinstance(data, SpikeDataset)
    assert (data.spikes(range(N)) == SPIKES).all()
    assert (len(data), data.n_classes, data.labels.tolist()) == (N, N, list(range(N)))


def test_load__augments_the_training_part_alone():
    settings = {"name": "digits", "n_steps": 3, "test_limit": 50}
    plain = load(DataSettings(**settings))
    split = load(DataSettings(**settings, mirror=True, affine=0.2, shift=1))
    for changed, as_it_is in zip(split.parts, plain.parts, strict=True):
        assert (changed.labels == as_it_is.labels).all()
        some = np.arange(20)
        same = (changed.spikes(some) == as_it_is.spikes(some)).all()
        assert same == (changed is not split.train)


def test_augmented__refuses_what_does_not_fit():
    with pytest.raises(SsdpError, match=r"data.shift: 4; allowed 0..3"):
        Augmented(dataset=DATA, shift=4)
    with pytest.raises(SsdpError, match=r"data.affine: 0.6; allowed 0..0.5"):
        Augmented(dataset=DATA, affine=0.6)
    flat = stored(
        SPIKES.reshape(N, STEPS, 72), np.arange(N), n_steps=STEPS, input_shape=(72,), n_classes=N
    )
    with pytest.raises(
        SsdpError, match=r"data.mirror, data.affine, data.shift: .* \(72,\) are no images"
    ):
        Augmented(dataset=flat, mirror=True)
