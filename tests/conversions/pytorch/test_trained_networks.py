import numpy as np
import pytest
import torch

from conversions import Executor, verify
from conversions.pytorch.model_conversion import from_torch
from ssdp_neuro import simulate
from tests.conversions.pytorch.trained_models import (
    MODELS,
    digits,
    outcome,
    trained,
)

pytestmark = [pytest.mark.kernel, pytest.mark.lava]

POINT = 0.01


def images_for(name, spikes):
    return spikes.reshape(*spikes.shape[:2], 1, 8, 8) if name == "Sinabs" else spikes


def padded(report, spikes):
    """With silent steps at the end, for what the network does later than its model."""
    later = [(0, 0), (0, max(report.shifts.values()))] + [(0, 0)] * (spikes.ndim - 2)
    return np.pad(spikes, later)


def decided(network, report, spikes):
    """Classes by the fixed-point network, by the rule that the report gives its user."""
    rule, given = report.decision, padded(report, spikes)
    return rule.decide(simulate(network, given, given.shape[1], probes=rule.probes))


@pytest.mark.parametrize("name", MODELS)
def test_from_torch__a_trained_network_keeps_its_accuracy_and_runs_the_same_on_lava(name):
    model = trained(name)
    learned, held_out = digits()["train"], digits()["held_out"]
    own = outcome(name, model, torch.tensor(held_out.spikes, dtype=torch.float32))
    accuracy = (own == held_out.labels).mean()
    assert accuracy > 0.85

    some = images_for(name, learned.spikes[:256])
    network, report = from_torch(model, calibration=(some, learned.labels[:256]))
    assert report.accuracy_after >= report.accuracy_before - POINT
    spikes = images_for(name, held_out.spikes)
    chosen = decided(network, report, spikes)
    assert (chosen == held_out.labels).mean() >= accuracy - POINT
    assert (chosen == own).mean() > 0.94

    given = padded(report, spikes[:2])
    executors = [Executor.ENGINE, Executor.LAVA]
    compared = verify(network, given, given.shape[1], executors=executors)
    assert compared.equal, str(compared)


def test_from_torch__leaves_a_trained_model_as_it_was():
    model = trained("snnTorch recurrent")
    spikes = torch.tensor(digits()["held_out"].spikes[:32], dtype=torch.float32)
    before = outcome("snnTorch recurrent", model, spikes)
    from_torch(model, calibration=digits()["train"].spikes[:16])
    np.testing.assert_array_equal(outcome("snnTorch recurrent", model, spikes), before)
