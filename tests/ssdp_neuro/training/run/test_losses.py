import pytest
import torch

from hw_models import RangeError
from ssdp_neuro.training.run.choices import LossKind
from ssdp_neuro.training.run.losses import class_scores
from ssdp_neuro.training.run.settings.training import TrainingSettings
from tests.ssdp_neuro.training.run.made_runs import toy_config
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
