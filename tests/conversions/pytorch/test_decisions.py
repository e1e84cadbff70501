import numpy as np
import pytest
import snntorch as snn
import torch
from torch import nn

from conversions import from_torch
from conversions.pytorch.network.decisions import ModelDecision, model_decision, scores_of
from conversions.pytorch.network.model_reading import read_model
from conversions.quantization import Calibration, ReadoutDecision
from hw_models import RangeError, ShapeError

SPIKES = np.random.default_rng(0).random((64, 9, 20)) < 0.3


class Net(nn.Module):
    """Ends in potentials that never are reset, or in spikes; ``ending`` makes them numbers."""

    def __init__(self, n_out, ending, **settings):
        super().__init__()
        torch.manual_seed(0)
        self.fc1, self.lif1 = nn.Linear(20, 30), snn.Leaky(beta=0.75, threshold=0.2)
        self.fc2, self.lif2 = nn.Linear(30, n_out), snn.Leaky(beta=0.6, **settings)
        self.ending = ending

    def forward(self, x):
        mem1, mem2 = self.lif1.reset_mem(), self.lif2.reset_mem()
        spikes, potentials = [], []
        for step in x:
            spk, mem1 = self.lif1(self.fc1(step), mem1)
            spk, mem2 = self.lif2(self.fc2(spk), mem2)
            spikes.append(spk)
            potentials.append(mem2)
        return self.ending(torch.stack(spikes), torch.stack(potentials))


ENDINGS = {
    ReadoutDecision.MEAN: lambda _, v: v.sum(0).softmax(1),
    ReadoutDecision.LAST: lambda _, v: v[-1],
    ReadoutDecision.LARGEST: lambda _, v: torch.max(v, 0)[0].log_softmax(1),
}


def own_classes(model):
    with torch.no_grad():
        return model(torch.tensor(SPIKES, dtype=torch.float32).transpose(0, 1)).argmax(1).numpy()


@pytest.mark.parametrize("way", ENDINGS)
def test_read_model__finds_which_potential_the_model_decides_by(way):
    found = read_model(Net(6, ENDINGS[way], reset_mechanism="none"), spikes=SPIKES)
    assert found.decision == ModelDecision(readout=way)
    said = "The model's class is that of the potential " + way.value in " ".join(found.notes)
    assert said == (way is not ReadoutDecision.MEAN)


@pytest.mark.parametrize("way", [ReadoutDecision.MEAN, ReadoutDecision.LARGEST])
def test_read_model__says_which_step_of_a_readout_without_memory_counts(way):
    class Ending(nn.Module):
        def __init__(self):
            super().__init__()
            torch.manual_seed(1)
            self.fc1, self.fc2 = nn.Linear(20, 30), nn.Linear(30, 6)
            self.lif = snn.Leaky(beta=0.75, threshold=0.2, init_hidden=True)

        def forward(self, x):
            return ENDINGS[way](None, self.fc2(torch.stack([self.lif(self.fc1(s)) for s in x])))

    found = read_model(Ending(), spikes=SPIKES)
    assert found.decision.readout is way
    ends = {
        ReadoutDecision.MEAN: "to be summed over the steps.",
        ReadoutDecision.LARGEST: "to be looked at in the step in which it is highest.",
    }
    assert found.notes[0].endswith(ends[way])


@pytest.mark.kernel
def test_from_torch__neurons_that_vote_for_a_class_are_counted_together():
    def votes(spikes, _):
        return spikes.sum(0).unflatten(1, (4, 5)).sum(2)

    model = Net(20, votes, threshold=0.1)
    labels = own_classes(model)
    _, report = from_torch(model, calibration=(SPIKES, labels))
    assert report.accuracy_before > 0.8  # all but ties, which the model gives to the lower class
    assert report.accuracy_after > 0.7
    assert "5 neighbours of the last layer vote for a class." in report.notes
    model.ending = lambda spikes, _: spikes
    _, report = from_torch(model, calibration=(SPIKES, labels))
    assert any("If several vote for a class" in note for note in report.notes)
    said = Calibration(spikes=SPIKES, labels=labels, neurons_per_class=5)
    _, report = from_torch(model, calibration=said)
    assert report.accuracy_before > 0.8
    assert not any("If several vote" in note for note in report.notes)


def test_model_decision__the_ways_that_decide_alike_are_told_apart_by_their_numbers():
    strength = np.random.default_rng(0).random((40, 5))
    potentials = np.stack([strength, 10 * strength, strength**3], axis=1)
    ways = {ReadoutDecision.LAST: strength**3, ReadoutDecision.LARGEST: 10 * strength}
    for way, numbers in ways.items():
        scores = [3 * numbers - numbers.sum(axis=1, keepdims=True)]
        found = model_decision(scores, potentials=potentials, spikes=None)
        assert found == ModelDecision(readout=way)


def test_scores_of__sums_what_is_given_for_every_step():
    steps = torch.arange(2 * 3 * 4.0).reshape(2, 3, 4)
    for out in ([steps], (None, steps.transpose(0, 1))):
        (found,) = scores_of(out, n_samples=3, n_steps=2)
        np.testing.assert_array_equal(found, steps.sum(0))
    (found,) = scores_of([steps, steps[0]], n_samples=3, n_steps=2)
    np.testing.assert_array_equal(found, steps[0])


def test_model_decision__says_nothing_where_the_output_does_not():
    spikes = np.random.default_rng(0).random((40, 6, 8)) < 0.5
    usual = {"potentials": None, "spikes": spikes}
    other = np.random.default_rng(1).random((40, 4))
    assert model_decision([], **usual) is None
    assert model_decision([other], **usual) is None  # decides something else
    assert model_decision([other[:, :3]], **usual) is None  # 8 neurons are not for 3 classes
    interleaved = spikes.sum(1).reshape(40, 2, 4).sum(1)
    assert model_decision([interleaved], **usual) is None
    counts = spikes.sum(1).reshape(40, 4, 2).sum(2)
    assert model_decision([counts], **usual) == ModelDecision(neurons_per_class=2)
    assert model_decision([counts, counts], **usual) is None


@pytest.mark.parametrize(("votes", "error"), [(0, RangeError), (3, ShapeError)])
def test_calibration__refuses_votes_that_are_none_or_do_not_divide_the_neurons(votes, error):
    model = Net(20, lambda spikes, _: spikes, threshold=0.1)
    with pytest.raises(error, match="neurons"):
        from_torch(model, calibration=Calibration(spikes=SPIKES, neurons_per_class=votes))
