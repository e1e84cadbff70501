import numpy as np
import pytest

from hw_models import InputError, RangeError, ShapeError, TypeMismatchError
from ssdp_neuro import plot
from ssdp_neuro.plot.scores import confusion_table


def texts(axes):
    return [text.get_text() for text in axes.texts]


def test_shares__are_bars_from_zero(run):
    runs = [0.91, 0.95, 0.93]
    axes = plot.shares({"PyTorch": runs, "engine": 0.9}, label="accuracy")
    assert [bar.get_width() for bar in axes.patches] == pytest.approx([93, 90])
    assert [bar.get_x() for bar in axes.patches] == [0, 0]
    assert axes.get_xlim() == (0, 100)
    assert texts(axes) == ["93.0 ± 2.0", "90.0"]
    assert axes.get_xlabel() == "accuracy, %"
    assert axes.collections[0].get_offsets()[:, 0].tolist() == pytest.approx([91, 95, 93])
    assert [label.get_text() for label in axes.get_yticklabels()] == ["PyTorch", "engine"]


def test_shares__come_in_groups():
    values = {"hidden": {"PyTorch": 0.5, "Lava": 1.0}, "output": {"Lava": 0.25}}
    axes = plot.shares(values, digits=0)
    assert [bar.get_width() for bar in axes.patches] == [50, 100, 25]
    assert texts(axes) == ["50", "100", "25"]
    colours = [bar.get_facecolor() for bar in axes.patches]
    assert colours[1] == colours[2] != colours[0]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["PyTorch", "Lava"]
    first, second, third = (bar.get_y() for bar in axes.patches)
    assert third - second > second - first


def test_shares__of_a_broken_axis_say_so():
    axes = plot.shares({"a": 0.97, "b": 0.98}, label="accuracy", low=0.9)
    assert axes.get_xlim() == (90, 100)
    assert "the axis begins at 90" in axes.get_xlabel()
    assert len(axes.lines) == 2 * (2 + 1)  # two strokes through each bar and the axis
    assert [bar.get_width() for bar in axes.patches] == [97, 98]


def test_shares__of_nothing_at_all_is_a_bar_too():
    axes = plot.shares({"a": 0.0, "b": [0.0, 0.5]})
    assert [bar.get_width() for bar in axes.patches] == [0, 25]
    assert axes.get_xlim() == (0, 100)


@pytest.mark.parametrize(
    ("values", "arguments", "error", "message"),
    [
        ({}, {}, InputError, "nothing given"),
        ({"a": 97.0}, {}, RangeError, r"'a' of 'a' is \[97.0\]; allowed 0..1"),
        ({"a": [0.5, float("nan")]}, {}, RangeError, "allowed 0..1"),
        ({"a": []}, {}, RangeError, "allowed 0..1"),
        ({"a": 0.5, "b": 0.9}, {"low": 0.5}, RangeError, "below the smallest share 0.5"),
        ({"a": 0.5}, {"low": -0.1}, RangeError, "low: -0.1"),
    ],
)
def test_shares__refuse_what_is_none(values, arguments, error, message):
    with pytest.raises(error, match=message):
        plot.shares(values, **arguments)


def test_confusion__counts_samples():
    rng = np.random.default_rng(1)
    labels, decisions = rng.integers(0, 5, 60), rng.integers(-1, 5, 60)
    axes = plot.confusion(labels, decisions)
    table = np.array(
        [[((labels == c) & (decisions == d)).sum() for d in [0, 1, 2, 3, 4, -1]] for c in range(5)]
    )
    assert confusion_table(labels, decisions).tolist() == table.tolist()
    np.testing.assert_allclose(axes.images[0].get_array(), table / table.sum(axis=1, keepdims=True))
    assert texts(axes) == [str(count) for count in table.ravel() if count]
    assert [label.get_text() for label in axes.get_xticklabels()] == [*"01234", "none"]


def test_confusion__has_no_column_for_none_where_all_are_decided():
    names = ["T-shirt", "dress", "bag"]
    axes = plot.confusion([0, 1], [0, 2], class_names=names)
    assert axes.images[0].get_array().shape == (3, 3)
    assert [label.get_text() for label in axes.get_xticklabels()] == names
    assert [label.get_text() for label in axes.get_yticklabels()] == names


def test_confusion__makes_no_table_of_a_label_that_is_far_off():
    with pytest.raises(RangeError, match=r"labels: value 1000000000 at index \(1,\)"):
        plot.confusion([0, 10**9], [0, 0])


@pytest.mark.parametrize(
    ("labels", "decisions", "error"),
    [
        ([0, 1], [0], ShapeError),
        ([[0]], [[0]], ShapeError),
        ([], [], InputError),
        ([-1], [0], RangeError),
        ([0], [-2], RangeError),
        ([0], [3], RangeError),
        ([0.0], [1], TypeMismatchError),
    ],
)
def test_confusion__refuses_what_does_not_fit(labels, decisions, error):
    with pytest.raises(error):
        plot.confusion(labels, decisions, class_names=["a", "b"])
