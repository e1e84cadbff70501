import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hw_models import InputError
from ssdp_neuro.data import DataSettings, EncodedImages, Encoding, SpikeDataset
from ssdp_neuro.data.codes.image_encoders import BitPlaneEncoder
from ssdp_neuro.data.source import Source
from ssdp_neuro.data.split import divided, even_order


def source(labels, **more):
    """Samples whose one pixel is their place, so that a part tells which it has."""
    labels = np.asarray(labels, dtype=np.int64)
    images = np.arange(len(labels), dtype=np.uint8).reshape(-1, 1, 1, 1)

    def make(places, labels, n_classes):
        encoder = BitPlaneEncoder(8)
        return EncodedImages(
            images=images[places], labels=labels, keys=places, n_classes=n_classes, encoder=encoder
        )

    names = tuple("abcdefgh"[: labels.max() + 1])
    return Source(
        where="made",
        labels=labels,
        class_names=names,
        make=make,
        encoding=Encoding.EVENTS,
        **more,
    )


def places(part):
    return part.images.ravel().tolist()


def parts(split):
    return [set(places(part)) for part in split.parts]


@settings(deadline=None, max_examples=40)
@given(
    labels=st.lists(st.integers(0, 3), min_size=12, max_size=120),
    validation=st.floats(0.1, 0.5),
    test=st.floats(0.1, 0.4),
    seed=st.integers(0, 9),
)
def test_divided__parts_are_whole_and_share_nothing(labels, validation, test, seed):
    made = source(labels)
    wish = DataSettings(validation=validation, test=test, seed=seed)
    split = divided(made, wish)
    sets = parts(split)
    assert set.union(*sets) == set(range(len(labels)))
    assert sum(map(len, sets)) == len(labels)
    assert len(sets[2]) == round(test * len(labels))
    for label in range(max(labels) + 1):
        n = labels.count(label)
        assert abs((split.test.labels == label).sum() - test * n) < 1.5
    for part in split.parts:
        assert isinstance(part, SpikeDataset)
        assert part.labels.tolist() == [labels[place] for place in places(part)]
    other = divided(made, dataclasses.replace(wish, seed=seed + 1))
    assert parts(other)[2] == sets[2]  # the test is not a matter of the seed


@settings(deadline=None, max_examples=40)
@given(labels=st.lists(st.integers(0, 4), min_size=1, max_size=80), seed=st.integers(0, 99))
def test_even_order__every_beginning_has_the_classes_in_proportion(labels, seed):
    labels = np.array(labels)
    order = even_order(labels, np.arange(len(labels)), seed, 0)
    assert sorted(order.tolist()) == list(range(len(labels)))
    for length in range(1, len(labels) + 1):
        share = length / len(labels)
        for label in np.unique(labels):
            taken = (labels[order[:length]] == label).sum()
            assert abs(taken - share * (labels == label).sum()) < 3


def test_divided__limits_are_parts_of_more():
    wish = DataSettings(validation=0.2, train_limit=12, validation_limit=4, test_limit=8, seed=3)
    made = source(np.tile([0, 1, 2, 3], 50))
    few, more, whole = (
        parts(divided(made, w))
        for w in (
            wish,
            dataclasses.replace(wish, train_limit=40, validation_limit=8, test_limit=16),
            dataclasses.replace(wish, train_limit=0, validation_limit=0, test_limit=0),
        )
    )
    assert [len(part) for part in few] == [12, 4, 8]
    assert all(a < b < c for a, b, c in zip(few, more, whole, strict=True))
    assert np.bincount(divided(made, wish).train.labels).tolist() == [3, 3, 3, 3]
    other = parts(divided(made, dataclasses.replace(wish, seed=4)))
    assert [a == b for a, b in zip(few, other, strict=True)] == [False, False, True]


def test_divided__validation_is_never_from_the_test():
    is_test = np.arange(40) >= 30
    split = divided(source(np.tile([0, 1], 20), is_test=is_test), DataSettings(validation=0.3))
    assert parts(split)[2] == set(range(30, 40))
    assert len(split.validation) == 9
    none = divided(source(np.tile([0, 1], 20), is_test=is_test), DataSettings(validation=0))
    assert (len(none.train), len(none.validation)) == (30, 0)
    assert none.validation.spikes([]).shape == (0, 8, 1, 1, 1)


def test_divided__what_comes_before_train_from_is_in_no_part():
    is_test = np.arange(60) % 3 == 0
    made = source(np.tile([0, 1], 30), is_test=is_test)
    wish = DataSettings(validation=0.25, train_from=8)
    train, validation, test = parts(divided(made, wish))
    assert test == set(range(0, 60, 3))
    assert train | validation == set(np.flatnonzero(~is_test)[8:].tolist())
    assert (len(train), len(validation)) == (24, 8)
    few = parts(divided(made, dataclasses.replace(wish, train_limit=10)))
    assert few[0] < train


def test_divided__groups_stay_whole():
    rng = np.random.default_rng(0)
    labels, groups = rng.integers(0, 3, 120), np.array(list("uvwxyz"))[np.arange(120) % 6]
    made = source(labels, groups=groups)
    split = divided(made, DataSettings(held_out=("w",), validation=0.2, seed=1))
    assert split.groups[2] == ("w",)
    assert len(split.groups[1]) == 1
    assert sorted(sum(split.groups, ())) == list("uvwxyz")
    for part, names in zip(parts(split), split.groups, strict=True):
        assert part == set(np.flatnonzero(np.isin(groups, names)).tolist())
    by_class = divided(made, DataSettings(held_out=("w",), validation=0.3, validation_by="class"))
    assert by_class.groups[1] == tuple("uvxyz")


def test_divided__validation_groups_have_every_class_if_they_can():
    labels, groups = np.tile([0, 1, 2], 40), np.repeat(list("uvwxyz"), 20)
    wish = DataSettings(held_out=("w",), validation=0.2)
    alike = source(labels, groups=groups)
    by_seed = {divided(alike, dataclasses.replace(wish, seed=s)).groups[1] for s in range(8)}
    assert len(by_seed) > 1
    labels[(groups != "w") & (groups != "x")] = 0  # only x has all classes
    made = source(labels, groups=groups)
    for seed in range(4):
        assert divided(made, dataclasses.replace(wish, seed=seed)).groups[1] != ("x",)
    labels[np.isin(groups, ["x", "z"])] = np.tile([0, 1, 2, 0], 10)
    made = source(labels, groups=groups)
    for seed in range(4):
        assert divided(made, dataclasses.replace(wish, seed=seed)).groups[1] in (("x",), ("z",))


def test_divided__classes_by_name_become_labels_in_their_order():
    split = divided(source(np.tile([0, 1, 2], 20)), DataSettings(classes=("c", "a")))
    assert split.class_names == ("c", "a")
    assert split.n_classes == 2
    for part in split.parts:
        assert part.labels.tolist() == [{2: 0, 0: 1}[place % 3] for place in places(part)]


@pytest.mark.parametrize(
    ("wish", "more", "words"),
    [
        ({"held_out": ["w"]}, {}, "made has no speakers or patients"),
        ({"validation_by": "group"}, {}, "made has no speakers or patients"),
        ({"held_out": ["w"]}, {"groups": np.array(list("uuvv"))}, r"'w'; made has \['u', 'v'\]"),
        ({"held_out": ["u"]}, {"groups": np.array(list("uuvv"))}, "one group to train on, 'v'"),
        ({"held_out": ["u", "v"]}, {"groups": np.array(list("uuvv"))}, "left for training"),
        ({}, {"is_test": np.zeros(4, dtype=bool)}, "left for test"),
        ({"test": 0.01}, {}, "left for test"),
        ({"train_from": 4}, {}, "left for training"),
        ({"classes": ["c"]}, {}, r"'c'; made has \['a', 'b'\]"),
        ({"classes": ["a", "a"]}, {}, "each once"),
    ],
)
def test_divided__says_what_is_missing(wish, more, words):
    with pytest.raises(InputError, match=words):
        divided(source([0, 1, 0, 1], **more), DataSettings.from_table(wish))


def test_source__refuses_labels_without_a_class():
    with pytest.raises(InputError, match=r"made: label 2 of sample 1; allowed 0\.\.1"):
        dataclasses.replace(source([0, 1]), labels=np.array([1, 2]))
    with pytest.raises(InputError, match="made: no samples"):
        dataclasses.replace(source([0, 1]), labels=np.array([], dtype=np.int64))
