import numpy as np

from ssdp_neuro.data.sets.digits import load_digits


def keys(part):
    return {image.tobytes() for image in part.images}


def test_load_digits__parts_are_whole_disjoint_and_balanced():
    split = load_digits()
    parts = (split.train, split.validation, split.held_out)
    assert [len(part) for part in parts] == [1078, 269, 450]
    assert len(set.union(*map(keys, parts))) == 1797  # no image twice
    for part, share in zip(parts, (0.60, 0.15, 0.25), strict=True):
        per_class = np.bincount(part.labels)
        assert (np.abs(per_class / share - 179.7) < 10).all()
    assert split.train.images.min() == 0
    assert split.train.images.max() == 1


def test_load_digits__same_seed_same_split():
    one, other, another = load_digits(3), load_digits(3), load_digits(4)
    assert (one.held_out.images == other.held_out.images).all()
    assert keys(one.held_out) != keys(another.held_out)


def test_labelled_images__first_of_each():
    train = load_digits().train
    few = train.first_of_each({8: 3, 9: 2})
    assert sorted(few.labels.tolist()) == [8, 8, 8, 9, 9]
    eights = train.images[train.labels == 8]
    assert (few.images[few.labels == 8] == eights[:3]).all()
    assert set(train.of_classes([8, 9]).labels.tolist()) == {8, 9}
