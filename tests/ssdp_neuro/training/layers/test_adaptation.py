import numpy as np
import pytest
import torch

from hw_models import RangeError, TypeMismatchError
from ssdp_neuro.training import Adaptation, CubaLif


def by_hand(currents, kept, strength):
    """A memoryless current, a leak of a quarter, threshold 0.7, reset to zero."""
    v = a = 0.0
    spikes = [0]
    for x in currents[:-1]:
        v = v * 0.75 + x
        a = kept * a + strength * spikes[-1]
        spikes.append(int(v > 0.7 * (1 + a)))
        v = 0.0 if spikes[-1] else v
    return spikes


def test_adaptation__threshold_rises_with_every_spike_and_falls_back():
    currents = np.random.default_rng(0).random(60)
    neurons = CubaLif(
        current_decay=4095,
        voltage_decay=1024,
        threshold=0.7,
        adaptation=Adaptation(kept=0.8, strength=0.5),
    )
    given = torch.tensor(currents).reshape(1, -1, 1)
    fired = neurons(given).flatten().tolist()
    assert fired == by_hand(currents.tolist(), 0.8, 0.5)
    assert sum(fired) < sum(by_hand(currents.tolist(), 0.8, 0.0))


def test_adaptation__lets_the_gradient_through_the_threshold():
    neurons = CubaLif(current_decay=4095, voltage_decay=4095, adaptation=Adaptation(strength=2.0))
    given = torch.full((1, 3, 1), 1.5, requires_grad=True)
    neurons(given)[:, 2].sum().backward()
    assert given.grad[0, 0, 0] < 0  # an earlier spike makes the next one less likely
    assert given.grad[0, 1, 0] > 0


@pytest.mark.parametrize("settings", [{"kept": 1.0}, {"kept": -0.1}, {"strength": 0.0}])
def test_adaptation__refuses_what_would_not_adapt(settings):
    with pytest.raises(RangeError, match="Adaptation"):
        Adaptation(**settings)


def test_cuba_lif__refuses_recurrent_biases_and_other_adaptations():
    with pytest.raises(RangeError, match=r"CubaLif\.recurrent"):
        CubaLif(current_decay=1, voltage_decay=1, recurrent=torch.nn.Linear(2, 2))
    with pytest.raises(TypeMismatchError, match=r"CubaLif\.adaptation"):
        CubaLif(current_decay=1, voltage_decay=1, adaptation=0.5)
