import numpy as np

from ssdp_neuro.data.sets.digits import read_digits
from tests.digits_parts import digits_parts


def keys(images):
    return {image.tobytes() for image in images}


def test_read_digits__every_beginning_and_the_test_have_the_classes_in_proportion():
    found, parts = read_digits(), digits_parts()
    assert len(keys(found.images)) == len(found.labels) == 1797  # no image twice
    assert (found.images.min(), found.images.max(), found.images.dtype) == (0, 16, np.uint8)
    assert found.n_test == 450
    for part, share in (
        (parts.train, 0.60),
        (parts.validation, 0.15),
        (parts.held_out, 0.25),
    ):
        per_class = np.bincount(part.labels)
        assert (np.abs(per_class / share - 179.7) < 10).all()
    assert not keys(parts.train.images) & keys(parts.held_out.images)


def test_read_digits__always_the_same():
    one, other = read_digits(), read_digits()
    assert (one.images == other.images).all()
    assert one.labels[:12].tolist() == [4, 5, 7, 8, 4, 6, 3, 5, 6, 9, 4, 2]
