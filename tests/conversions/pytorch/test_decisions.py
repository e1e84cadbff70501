"""How the output of a model is made of its neurons is followed to the end, or refused by name."""

import functools
import json

import numpy as np
import pytest
import snntorch as snn
import torch
import torch.nn.functional as nnf
from torch import nn

import ssdp_neuro
from conversions import from_torch
from conversions.decision_rule import DecisionRule
from conversions.pytorch.network import score_terms
from conversions.pytorch.network.model_reading import read_model
from conversions.quantization import Calibration, ReadoutDecision
from hw_models import ConversionError, InputError, RangeError, ShapeError

N_STEPS = 15
SPIKES = np.random.default_rng(0).random((60, N_STEPS, 20)) < 0.3


class Net(nn.Module):
    """Two layers; ``ending`` makes the output of spikes, potentials and currents, (T, B, N)."""

    def __init__(self, ending, n_out=6, **settings):
        super().__init__()
        torch.manual_seed(1)
        self.fc1, self.lif1 = nn.Linear(20, 30), snn.Leaky(beta=0.8, threshold=0.2)
        self.fc2 = nn.Linear(30, n_out)
        self.lif2 = snn.Leaky(beta=0.7, **{"threshold": 0.3, **settings})
        self.head, self.ending = nn.Linear(n_out, 4), ending
        self.scale = nn.Parameter(torch.linspace(-1, 1, n_out).roll(2))
        self.weights = nn.Parameter(torch.linspace(2, -1, N_STEPS))

    def forward(self, x):
        mem1, mem2 = self.lif1.reset_mem(), self.lif2.reset_mem()
        spikes, potentials, currents = [], [], []
        for step in x:
            spk, mem1 = self.lif1(self.fc1(step), mem1)
            currents.append(self.fc2(spk))
            spk, mem2 = self.lif2(currents[-1], mem2)
            spikes.append(spk)
            potentials.append(mem2)
        return self.ending(self, *map(torch.stack, (spikes, potentials, currents)))


def leaky_integrator(currents, kept=0.9):
    """The usual readout of SpyTorch: a synapse and a membrane, written by hand."""
    syn = out = torch.zeros_like(currents[0])
    record = []
    for current in currents:
        syn, out = 0.6 * syn + current, kept * out + syn
        record.append(out)
    return torch.stack(record)


def sum_written_into_a_tensor(spikes):
    total = torch.zeros_like(spikes[0])
    for step in spikes:
        torch.add(total * 0.9, step, out=total)
    return torch.mul(total, torch.linspace(2, 1, total.shape[1]), out=total)


ENDINGS = {
    "written into a tensor": lambda m, s, v, c: sum_written_into_a_tensor(s),
    "spikes of every step": lambda m, s, v, c: s,
    "factors": lambda m, s, v, c: s.sum(0) * m.scale,
    "offsets": lambda m, s, v, c: s.mean(0) + 0.3 * m.scale,
    "flipped": lambda m, s, v, c: s.sum(0).flip(1),
    "permuted": lambda m, s, v, c: s.sum(0)[:, [3, 1, 0, 5, 2, 4]],
    "minus the mean": lambda m, s, v, c: (s.mean(0) - s.mean((0, 2))[:, None]) * m.scale,
    "differences": lambda m, s, v, c: s.sum(0)[:, :3] - s.sum(0)[:, 3:],
    "weights of the steps": lambda m, s, v, c: (s * m.weights[:, None, None]).sum(0),
    "some of the steps": lambda m, s, v, c: s[5:].mean(0) - s[:2].mean(0),
    "neighbours": lambda m, s, v, c: nnf.avg_pool1d(s.mean(0)[:, None], 2)[:, 0],
    "others": lambda m, s, v, c: s.sum(0).unflatten(1, (2, 3)).sum(1),
    "a class": lambda m, s, v, c: s.sum(0).argmax(1),
    "a class of max": lambda m, s, v, c: (s.sum(0) * m.scale).max(1)[1],
    "potential at last": lambda m, s, v, c: v[-1],
    "largest potential": lambda m, s, v, c: v.max(0)[0].log_softmax(1),
    "largest so far": lambda m, s, v, c: torch.maximum(torch.maximum(v[2], v[7]), v[12]),
    "a head of potentials": lambda m, s, v, c: m.head(v.mean(0)),
    "a head of spikes": lambda m, s, v, c: m.head(s.sum(0)),
    "spikes and potentials": lambda m, s, v, c: s.mean(0) + 0.5 * v[-1],
    "softmax in every step": lambda m, s, v, c: v.softmax(-1).sum(0),
    "softmax, a list": lambda m, s, v, c: [torch.softmax(step, 1) for step in v],
    "currents": lambda m, s, v, c: c[4:].mean(0) * m.scale - c[:4].mean(0),
    "integrator": lambda m, s, v, c: leaky_integrator(c)[-1],
    "integrator, largest": lambda m, s, v, c: leaky_integrator(c).max(0)[0],
    "integrator by class": lambda m, s, v, c: leaky_integrator(c, m.scale.abs())[-1],
    "integrator of spikes": lambda m, s, v, c: leaky_integrator(s).sum(0),
    "filter": lambda m, s, v, c: nnf.avg_pool1d(s.permute(1, 2, 0), 3, 1).sum(2),
    "more steps than a short run has": lambda m, s, v, c: s[:9].mean(0) - s[9:].mean(0),
    "the first of more steps": lambda m, s, v, c: v[:9].amax(0),
    "gathered": lambda m, s, v, c: s.mean(0).gather(
        1, torch.tensor([[4, 0, 2]]).repeat(len(s[0]), 1)
    ),
    "running average": lambda m, s, v, c: functools.reduce(lambda a, b: a.lerp(b, 0.2), s),
    "running sums": lambda m, s, v, c: s.cumsum(0)[[4, 9]].sum(0),
}


@pytest.mark.parametrize(
    "ending",
    [lambda m, s, v, c: s[:9].mean(0), lambda m, s, v, c: v[:9].mean(0).softmax(1)],
    ids=["spikes", "potentials"],
)
def test_read_model__sees_steps_that_only_a_long_run_has(ending):
    decision = read_model(Net(ending), spikes=SPIKES).decision
    assert decision.n_steps == N_STEPS
    assert all((term.factors[:, 9:] == 0).all() for term in decision.terms)
    assert all((term.factors[:, :9] != 0).all() for term in decision.terms)


@pytest.mark.parametrize("n_out", [6, 7, 8, N_STEPS])
def test_read_model__as_many_classes_as_steps_are_classes(n_out):
    decision = read_model(Net(lambda m, s, v, c: s.sum(0), n_out), n_steps=N_STEPS).decision
    assert decision.n_classes == n_out


@pytest.mark.parametrize("n_out", [6, 7])
def test_read_model__two_rows_of_as_many_scores_as_a_short_run_has_steps_are_scores(n_out):
    model = Net(lambda m, s, v, c: torch.stack((s.sum(0), s[0]), 1), n_out)
    assert read_model(model, n_steps=N_STEPS).decision.n_classes == 2 * n_out


def test_from_torch__says_that_a_model_looks_at_its_own_numbers():
    model = Net(lambda m, s, v, c: s.sum(0).flip(1) if s.sum() > 10**6 else s.sum(0))
    notes = [note for note in from_torch(model, n_steps=N_STEPS)[1].notes if "item()" in note]
    assert [note.split(":")[0] for note in notes] == ["forward (Net)"]


def test_read_model__says_which_of_several_outputs_decides():
    model = Net(lambda m, s, v, c: {"auxiliary": s.sum(0), "logits": s.sum(0) * m.scale})
    assert any(note.startswith("Output 2 of the model") for note in read_model(model).notes)


def own_classes(model):
    """The class a user takes: the largest of the scores, summed over the steps if there are any."""
    with torch.no_grad():
        out = model(torch.tensor(SPIKES, dtype=torch.float32).transpose(0, 1))
    out = torch.stack(out) if isinstance(out, list) else out
    out = out.sum(0) if out.ndim == 3 else out
    return (out if out.ndim == 1 else out.argmax(1)).numpy()


def run_on_chip(network, report):
    late = max(report.shifts.values())
    padded = np.pad(SPIKES, [(0, 0), (0, late), (0, 0)])
    return ssdp_neuro.simulate(
        network, padded, n_steps=N_STEPS + late, probes=report.decision.probes
    )


@pytest.mark.kernel
@pytest.mark.parametrize("name", ENDINGS)
def test_from_torch__the_network_decides_by_its_rule_as_the_model_by_its_output(name):
    model = Net(ENDINGS[name])
    own = own_classes(model)
    network, report = from_torch(model, calibration=(SPIKES, own))
    result = run_on_chip(network, report)
    decided = report.decision.decide(result)
    assert len(set(own.tolist())) > 1
    assert report.accuracy_before == 1.0  # it is the model's own
    assert report.decisions_changed == np.mean(decided != own) <= 0.1
    stored = json.loads(json.dumps(report.to_dict()))["decision"]
    assert (DecisionRule.from_dict(stored).decide(result) == decided).all()


@pytest.mark.parametrize("name", ENDINGS)
def test_read_model__the_rule_makes_the_scores_of_the_model(name, monkeypatch):
    """In real numbers, on the run it is followed on; a rule that is changed is noticed."""
    found = read_model(Net(ENDINGS[name]), spikes=SPIKES)
    assert found.decided.tolist() == own_classes(Net(ENDINGS[name])).tolist()
    kept = score_terms.step_weights
    monkeypatch.setattr(score_terms, "step_weights", lambda factors: kept(-factors))
    with pytest.raises(ConversionError, match="is not what its operations were followed to"):
        read_model(Net(ENDINGS[name]), spikes=SPIKES)


REFUSED = {
    "relu": (
        lambda m, s, v, c: (s.sum(0) * m.scale).relu(),
        r"forward \(Net\): relu comes between",
    ),
    "a square": (lambda m, s, v, c: s.sum(0) ** 2, r"forward \(Net\): pow comes between"),
    "a product": (
        lambda m, s, v, c: s.mean(0) / (v[-1] + 9),
        r"forward \(Net\): div comes between",
    ),
    "a deviation": (lambda m, s, v, c: s.std(0), r"forward \(Net\): std comes between"),
    "the others": (
        lambda m, s, v, c: s.sum(0) - s.sum(0).mean(0),
        "lif2: the model's output for one sample depends on another",
    ),
    "currents of others": (
        lambda m, s, v, c: c.sum(0) - c.sum(0).mean(0),
        "fc2: the model's output for one sample depends on another",
    ),
    "the batch's softmax": (lambda m, s, v, c: s.sum(0).softmax(0), "softmax comes between"),
    "a number": (lambda m, s, v, c: s.sum(), "the model returns nothing that is made of"),
    "nothing of theirs": (lambda m, s, v, c: torch.rand(5, 6), "made of the spikes or potentials"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_read_model__refuses_an_output_that_it_cannot_follow_by_name(name):
    ending, message = REFUSED[name]
    with pytest.raises(ConversionError, match=message):
        read_model(Net(ending), spikes=SPIKES)


def test_read_model__refuses_potentials_before_a_reset_to_zero():
    with pytest.raises(ConversionError, match="potentials of lif2 may be others than those after"):
        read_model(Net(lambda m, s, v, c: v[-1], reset_mechanism="zero"), spikes=SPIKES)


def test_read_model__a_layer_behind_the_last_neurons_is_named_by_its_path():
    for layer in (nn.LayerNorm(6), nn.LSTM(6, 3)):
        model = Net(lambda m, s, v, c: m.last(s.sum(0)))
        model.last = layer
        with pytest.raises(ConversionError, match=rf"last \({type(layer).__name__}\): .* comes"):
            read_model(model, spikes=SPIKES)


def test_read_model__of_several_tensors_the_first_whose_layer_no_other_listens_to_decides():
    class Several(Net):
        def forward(self, x):
            self.hidden = []
            hook = self.lif1.register_forward_hook(lambda *a: self.hidden.append(a[2][0]))
            out = super().forward(x)
            hook.remove()
            return {"hidden": torch.stack(self.hidden), "out": out}

    found = read_model(Several(lambda m, s, v, c: (s, v, c)), spikes=SPIKES)
    assert str(found.decision).endswith("spikes of 'lif2' summed over the steps.")
    assert [p.name for p in found.network.populations] == ["input", "lif1", "lif2"]
    assert any(note.startswith("Output 4 of the model is left out") for note in found.notes)
    found = read_model(Several(lambda m, s, v, c: (v, s)), spikes=SPIKES)
    assert str(found.decision).endswith("potential of 'lif2 potential' summed over the steps.")


def test_read_model__a_rule_that_holds_for_any_number_of_steps_says_so():
    for name, any_number in {"flipped": True, "potential at last": True, "offsets": False}.items():
        rule = read_model(Net(ENDINGS[name]), spikes=SPIKES).decision
        assert (rule.n_steps is None) == any_number


@pytest.mark.parametrize("way", ReadoutDecision)
def test_from_torch__what_the_user_does_with_every_step_is_said_by_the_calibration(way):
    model = Net(lambda m, s, v, c: v)
    said = Calibration(spikes=SPIKES, decision=way)
    found = read_model(model, spikes=SPIKES)
    _, report = from_torch(model, calibration=said)
    with torch.no_grad():
        own = model(torch.tensor(SPIKES, dtype=torch.float32).transpose(0, 1)).transpose(0, 1)
    assert found.decided.tolist() == own.sum(1).argmax(1).tolist()
    words = {"MEAN": "summed over the steps", "LAST": "in the last step", "LARGEST": "the largest"}
    assert words[way.name] in str(report.decision)


@pytest.mark.kernel
def test_from_torch__neurons_that_vote_for_a_class_are_counted_together():
    model = Net(lambda m, s, v, c: s, n_out=20, threshold=0.1)
    _, report = from_torch(model, calibration=(SPIKES, own_classes(model) // 5))
    assert any("If several neurons vote for a class" in note for note in report.notes)
    with torch.no_grad():
        counts = model(torch.tensor(SPIKES, dtype=torch.float32).transpose(0, 1)).sum(0)
    labels = counts.unflatten(1, (4, 5)).sum(2).argmax(1).numpy()
    said = Calibration(spikes=SPIKES, labels=labels, neurons_per_class=5)
    _, report = from_torch(model, calibration=said)
    assert report.accuracy_before == 1.0
    assert report.accuracy_after > 0.9
    assert not any("If several neurons vote" in note for note in report.notes)


@pytest.mark.kernel
def test_decision_rule__asks_for_the_probes_and_the_steps_it_needs():
    network, report = from_torch(Net(ENDINGS["potential at last"]), calibration=SPIKES)
    result = ssdp_neuro.simulate(network, SPIKES, n_steps=N_STEPS)
    with pytest.raises(InputError, match=r"no probe .'lif2 potential', 'v'. in this run"):
        report.decision.decide(result)
    network, report = from_torch(Net(ENDINGS["weights of the steps"]), calibration=SPIKES)
    with pytest.raises(InputError, match=r"a run of 15 steps; the decision needs 15, and \d more"):
        report.decision.decide(ssdp_neuro.simulate(network, SPIKES, n_steps=N_STEPS))


def test_read_model__a_model_that_returns_nothing_decides_nothing():
    found = read_model(Net(lambda m, s, v, c: None), spikes=SPIKES)
    assert found.decision is found.decided is None
    assert any("The model returns nothing" in note for note in found.notes)


@pytest.mark.parametrize(("votes", "error"), [(0, RangeError), (4, ShapeError)])
def test_calibration__refuses_votes_that_are_none_or_do_not_divide_the_neurons(votes, error):
    model = Net(lambda m, s, v, c: s)
    with pytest.raises(error, match="neurons"):
        from_torch(model, calibration=Calibration(spikes=SPIKES, neurons_per_class=votes))
