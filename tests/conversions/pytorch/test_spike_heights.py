"""Spikes that are not 1: one height of a neuron joins the weights after it, others are refused."""

import numpy as np
import pytest
import snntorch as snn
import torch
from spikingjelly.activation_based import neuron
from torch import nn

from conversions.pytorch.network.model_reading import read_model
from conversions.real_network.simulator import simulate_real
from hw_models import ConversionError

SPIKES = np.random.default_rng(0).random((20, 11, 12)) < 0.4


class Scaled(snn.Leaky):
    """What a user writes who wants other spikes."""

    height = 0.3

    def forward(self, input_, mem=None):
        spk, mem = super().forward(input_, mem)
        return spk * self.height, mem


class ScaledByChannel(Scaled):
    height = torch.linspace(-1.0, 2.0, 9)


class Analog(snn.Leaky):
    def forward(self, input_, mem=None):
        spk, mem = super().forward(input_, mem)
        return spk * mem, mem


class Net(nn.Module):
    def __init__(self, hidden, readout=False):
        super().__init__()
        torch.manual_seed(0)
        self.fc1, self.hidden, self.fc2 = nn.Linear(12, 9), hidden, nn.Linear(9, 4)
        self.out = nn.Identity() if readout else snn.Leaky(beta=0.7, threshold=0.2)
        self.readout = readout

    def forward(self, x):
        mem1, mem2, made = self.hidden.reset_mem(), torch.zeros(1), []
        for step in x:
            spk, mem1 = self.hidden(self.fc1(step), mem1)
            current = self.fc2(spk)
            if not self.readout:
                current, mem2 = self.out(current, mem2)
            made.append(current)
        return torch.stack(made).sum(0)


HIDDEN = {
    "0.3": lambda: Scaled(beta=0.8, threshold=0.2),
    "-1 to 2": lambda: ScaledByChannel(beta=0.8, threshold=0.2),
    "2": lambda: snn.Leaky(beta=0.8, threshold=0.2, graded_spikes_factor=2.0),
}


@pytest.mark.parametrize("readout", [False, True])
@pytest.mark.parametrize("height", HIDDEN)
def test_read_model__one_height_of_a_neuron_joins_the_weights_after_it(height, readout):
    model = Net(HIDDEN[height](), readout)
    found = read_model(model, spikes=SPIKES)
    assert any(note.startswith("hidden: spikes of height") for note in found.notes)
    run = simulate_real(found.network, SPIKES)
    assert (run.spikes["hidden"] == found.sent["hidden"]).all()
    with torch.no_grad():
        own = model(torch.tensor(SPIKES, dtype=torch.float32).transpose(0, 1)).numpy()
    if readout:
        values = {("readout", "v"): run.potentials["readout"]}
        scores = found.decision.scores_by(values)
        ratio = scores / own
        np.testing.assert_allclose(ratio, ratio[0, 0], rtol=1e-4)
    else:
        np.testing.assert_array_equal(run.spikes["out"].sum(1), own)
    assert (found.decided == own.argmax(1)).all()


def test_read_model__heights_of_the_last_layer_are_in_the_decision():
    class Last(nn.Module):
        def __init__(self):
            super().__init__()
            torch.manual_seed(0)
            self.fc, self.lif = nn.Linear(12, 9), ScaledByChannel(beta=0.8, threshold=0.2)

        def forward(self, x):
            mem, made = self.lif.reset_mem(), []
            for step in x:
                spk, mem = self.lif(self.fc(step), mem)
                made.append(spk)
            return torch.stack(made).mean(0)

    found = read_model(Last(), spikes=SPIKES)
    with torch.no_grad():
        own = Last()(torch.tensor(SPIKES, dtype=torch.float32).transpose(0, 1)).numpy()
    scores = found.decision.scores_by({("lif", "spikes"): found.sent["lif"]})
    scale = (scores * own).sum() / np.square(own).sum()
    np.testing.assert_allclose(scores, scale * own, atol=1e-5 * np.abs(scores).max())
    assert (found.decided == own.argmax(1)).all()


def analog_of_spikingjelly():
    return nn.Sequential(
        nn.Linear(12, 9),
        neuron.LIAFNode(act=torch.sigmoid, threshold_related=True, v_threshold=0.2),
    )


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (
            lambda: Net(Analog(beta=0.8, threshold=0.2)),
            "hidden: the spikes of Analog differ in heig",
        ),
        (analog_of_spikingjelly, "1: the spikes of LIAFNode differ in height"),
    ],
)
def test_read_model__spikes_of_several_heights_are_refused_by_name(build, message):
    with pytest.raises(ConversionError, match=message):
        read_model(build(), spikes=SPIKES)


def test_read_model__says_that_nobody_has_seen_spikes_of_a_class_of_the_users_own():
    for build, said in ((Scaled, True), (snn.Leaky, False)):
        found = read_model(Net(build(beta=0.8, threshold=50.0)), spikes=SPIKES)
        assert any("nobody has seen how high" in note for note in found.notes) == said
