from dataclasses import replace

import numpy as np
import pytest
import torch

from hw_models import RangeError
from ssdp_neuro.data.subset import Subset
from ssdp_neuro.training.run.choices import LossKind
from ssdp_neuro.training.run.losses import class_scores, sample_weights
from ssdp_neuro.training.run.settings.training import TrainingSettings
from tests.ssdp_neuro.training.run.made_runs import toy_config, toy_split
from tests.ssdp_neuro.training.run.test_fit import trained

SPIKES = torch.tensor([[[1, 0, 0], [1, 0, 1], [0, 1, 1]]])  # three steps, three classes


@pytest.mark.parametrize(
    ("kind", "scores"),
    [(LossKind.COUNTS, [2.0, 1.0, 2.0]), (LossKind.LATENCY, [2.5, 0.5, 1.5])],
)
@pytest.mark.parametrize("weight", [1.0, 0.5, 3.0])
def test_class_scores__a_spike_weighs_what_it_is_given(kind, scores, weight):
    found = class_scores(SPIKES, kind, weight)
    assert found.tolist() == [[weight * score for score in scores]]


def test_class_scores__of_a_model_that_gives_scores_are_its_own():
    given = torch.tensor([[0.5, -1.0]])
    assert class_scores(given, LossKind.COUNTS, 3.0).tolist() == given.tolist()


def test_fit__the_weight_of_a_spike_makes_another_loss():
    first = {"training__epochs": 1, "rule__kind": "none", "model__quantize_from_epoch": None}
    light, heavy = (
        trained(toy_config(**first, training__spike_weight=weight)).history[0].loss
        for weight in (1e-9, 2.0)
    )
    assert light == pytest.approx(torch.log(torch.tensor(3.0)).item(), abs=1e-6)
    assert heavy < light - 0.05 or heavy > light + 0.05


@pytest.mark.parametrize("weight", [0.0, -1.0, float("nan")])
def test_training_settings__refuse_a_spike_without_weight(weight):
    with pytest.raises(RangeError, match=r"\[training\] spike_weight"):
        TrainingSettings(spike_weight=weight)


@pytest.mark.parametrize(("balance", "wanted"), [(1.0, [6 / 9, 2.0, 1.0]), (0.5, None)])
def test_sample_weights__a_class_counts_by_how_rare_it_is(balance, wanted):
    labels = np.repeat([0, 1, 2], [9, 3, 6])
    weights = sample_weights(labels, 4, balance)[:3].double().numpy()
    assert weights[labels].mean() == pytest.approx(1.0)
    ratio = (9 / 3) ** balance
    assert weights[1] / weights[0] == pytest.approx(ratio)
    if wanted is not None:
        assert weights.tolist() == pytest.approx(wanted)
    assert sample_weights(labels, 3, 0.0) is None


def test_fit__rare_classes_can_count_as_much_as_others():
    first = {"training__epochs": 1, "rule__kind": "none", "model__quantize_from_epoch": None}
    data = toy_split()
    rare = np.flatnonzero(data.train.labels == 0)[1:]
    uneven = replace(
        data, train=Subset(dataset=data.train, places=np.setdiff1d(range(len(data.train)), rare))
    )
    plain, even = (
        trained(toy_config(**first, training__class_balance=balance), data=uneven).history[0].loss
        for balance in (0.0, 1.0)
    )
    assert abs(plain - even) > 1e-3


def test_training_settings__refuse_to_turn_rare_classes_upside_down():
    with pytest.raises(RangeError, match=r"class_balance: 1\.5; allowed from 0, to 1"):
        TrainingSettings(class_balance=1.5)
