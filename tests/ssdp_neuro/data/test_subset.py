import numpy as np
import pytest

from hw_models import InputError, RangeError, SsdpError
from ssdp_neuro.data import (
    DataSettings,
    Subset,
    few_of_each,
    from_arrays,
    load,
    of_classes,
    split_of_classes,
    to_arrays,
)
from tests.ssdp_neuro.data.made_files import mnist_like

LABELS = np.array([0, 1, 0, 1, 0, 1, 2])
DATA = from_arrays(np.eye(7, dtype=bool).reshape(7, 1, 7), LABELS)  # a sample shows its place


def places_of(dataset):
    return to_arrays(dataset)[0].argmax(axis=2).ravel().tolist()


def test_from_arrays__keeps_what_it_was_given():
    rng = np.random.default_rng(0)
    spikes, labels = rng.random((5, 4, 2, 3)) < 0.4, np.array([3, 0, 1, 1, 0])
    data = from_arrays(spikes.astype(np.uint8), labels)
    assert (data.n_steps, data.input_shape, data.n_classes) == (4, (2, 3), 4)
    again = to_arrays(data)
    floats = from_arrays(spikes.astype(np.float32), labels)
    assert (to_arrays(floats)[0] == spikes).all()
    assert (again[0] == spikes).all()
    assert (again[1] == labels).all()
    assert from_arrays(spikes, labels, n_classes=9).n_classes == 9


@pytest.mark.parametrize(
    ("spikes", "labels", "words"),
    [
        (np.zeros((2, 3)), [0, 1], r"spikes of shape \(3,\)"),
        (np.full((2, 3, 1), 2), [0, 1], "0 and 1"),
        (np.full((2, 3, 1), 0.5), [0, 1], r"value 0\.5 at index"),
        (np.zeros((2, 3, 1), bool), [0, 1, 1], r"labels \(3,\)"),
        (np.zeros((2, 3, 1), bool), [0.0, 1.0], "label of .*float64"),
        (np.zeros((2, 3, 1), bool), [0, -1], "label -1 of sample 1"),
        (np.zeros((2, 3, 1), bool), [0, 5], r"label 5 of sample 1; 0\.\.2"),
    ],
)
def test_from_arrays__refuses_what_is_no_data_set(spikes, labels, words):
    with pytest.raises(SsdpError, match=words):
        from_arrays(spikes, labels, n_classes=3)


def test_subset__is_some_samples_in_its_own_order():
    some = Subset(dataset=DATA, places=[4, 1, 6])
    assert len(some) == 3
    assert places_of(some) == [4, 1, 6]
    assert some.labels.tolist() == [0, 1, 2]
    assert (some.n_steps, some.input_shape, some.n_classes) == (1, (7,), 3)
    assert Subset(dataset=some, places=[2, 0]).spikes([1]).argmax() == 4
    with pytest.raises(InputError, match=r"7; allowed 0\.\.6"):
        Subset(dataset=DATA, places=[7])
    with pytest.raises(InputError, match=r"indices: 3; allowed 0\.\.2"):
        some.spikes([3])


def test_of_classes__become_labels_in_their_order():
    some = of_classes(DATA, [2, 0])
    assert places_of(some) == [0, 2, 4, 6]
    assert some.labels.tolist() == [1, 1, 1, 0]
    assert some.n_classes == 2
    with pytest.raises(RangeError, match="3"):
        of_classes(DATA, [3])
    with pytest.raises(InputError, match="each class once"):
        of_classes(DATA, [1, 1])
    with pytest.raises(InputError, match="a sample is of class 1"):
        Subset(dataset=DATA, places=[0, 1], classes=(0, 2))


def test_few_of_each__fewer_are_a_part_of_more_and_the_seed_chooses():
    labels = np.arange(60) % 3
    data = from_arrays(np.eye(60, dtype=bool).reshape(60, 1, 60), labels)
    few, more = (few_of_each(data, count, seed=5) for count in (2, 7))
    assert np.bincount(few.labels).tolist() == [2, 2, 2]
    assert np.bincount(more.labels).tolist() == [7, 7, 7]
    assert set(places_of(few)) < set(places_of(more))
    rest = few_of_each(data, 30, seed=5, skip=7)
    assert set(places_of(rest)) == set(range(60)) - set(places_of(more))
    assert places_of(few_of_each(data, 2, seed=5)) == places_of(few)
    assert places_of(few_of_each(data, 2, seed=6)) != places_of(few)
    assert more.labels.tolist() != sorted(more.labels.tolist())  # classes are mixed
    with pytest.raises(RangeError, match=r"few_of_each\.count: 0"):
        few_of_each(data, 0)


def test_split_of_classes__code_and_names_follow(tmp_path):
    mnist_like(tmp_path, np.random.default_rng(0), per_class=6)
    whole = load(DataSettings(name="mnist", folder=str(tmp_path), n_steps=5, window=3))
    split = split_of_classes(whole, [3, 1])
    assert (split.n_classes, split.class_names) == (2, ("3", "1"))
    for mine, theirs in zip(split.parts, whole.parts, strict=True):
        assert len(mine) == np.isin(theirs.labels, (1, 3)).sum()
    assert split.code.class_names == ("3", "1")
    assert (split.code.n_steps, split.code.parameters["window"]) == (5, 3)
