"""Data sets of the user's own are refused where they are not what training needs."""

import dataclasses

import numpy as np
import pytest

from hw_models import InputError
from ssdp_neuro.training import fit
from tests.ssdp_neuro.training.run.made_runs import ToySpikes, toy_config, toy_split, weights

CONFIG = toy_config(rule__kind="none", training__epochs=1, model__quantize_from_epoch=None)


class OtherLabels(ToySpikes):
    def __init__(self, labels):
        super().__init__(len(labels), 1)
        self.labels = labels


class OtherSpikes(ToySpikes):
    def __init__(self, change):
        super().__init__(30, 1)
        self.change = change

    def spikes(self, indices, *, epoch=0):
        return self.change(super().spikes(indices, epoch=epoch))


def trained(part, data):
    split = dataclasses.replace(toy_split(30), **{part: data})
    return fit(CONFIG, data=split, show_progress=False)


@pytest.mark.parametrize("part", ["train", "validation", "test"])
@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (np.array([0, 1, 3]), r"3 of sample 2; allowed 0\.\.2"),
        (np.array([0, -1, 2]), "-1 of sample 1"),
        (np.array([0.0, 1.0, 2.0]), r"float64; integers \(3,\) are needed"),
        (np.array([[0], [1], [2]]), r"shape \(3, 1\)"),
        ([0, 1, 2], "list; a NumPy array is needed"),
    ],
)
def test_refuse_unfit__labels(part, labels, words):
    with pytest.raises(InputError, match=rf"data\.{part}\.labels: .*{words}"):
        trained(part, OtherLabels(labels))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda s: s.astype(float), r"shape \(2, 6, 12\), float64 for 2 samples; bool"),
        (lambda s: s * np.nan, ".*float64"),
        (lambda s: s[:, :-1], r"shape \(2, 5, 12\)"),
        (lambda s: s[..., :7], r"shape \(2, 6, 7\)"),
        (lambda s: s + 1, "values 1 to 2; allowed 0 and 1"),
        (lambda s: s.astype(np.int8) - 1, "values -1 to 0"),
    ],
)
def test_refuse_unfit__spikes(change, words):
    with pytest.raises(InputError, match=rf"data\.train\.spikes: {words}"):
        trained("train", OtherSpikes(change))


@pytest.mark.parametrize("kind", [np.int32, np.uint8])
def test_fit__labels_of_any_integer_type_are_the_same(kind):
    labels = np.arange(30) % 3
    ours, other = (trained("train", OtherLabels(of)) for of in (labels, labels.astype(kind)))
    assert weights(ours.model) == weights(other.model)
