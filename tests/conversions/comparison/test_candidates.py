"""What can be compared, and on what: models of any framework, networks, files; any data."""

import json
import pickle
import tempfile
from collections import OrderedDict
from dataclasses import replace

import numpy as np
import pytest
import snntorch
import torch
from torch import nn

import ssdp_neuro
from conversions import SNNTORCH, Executor, compare, from_torch, to_nir, write_graph
from conversions.execution import Executable, decisions_of
from conversions.execution.pytorch import BATCH
from hw_models import (
    DenseProjection,
    FixedPointNetwork,
    InputError,
    InputPopulation,
    LifPopulation,
    MissingFileError,
    ShapeError,
    TypeMismatchError,
    save,
)
from ssdp_neuro.data import DataSplit, as_spike_dataset
from ssdp_neuro.training import CubaLif, SpikingNetwork, feed_forward, quantize, save_model

RNG = np.random.default_rng(4)
SPIKES, LABELS = RNG.random((BATCH + 9, 9, 16)) < 0.4, RNG.integers(0, 3, BATCH + 9)
DATA = (SPIKES, LABELS)
CALIBRATION = (RNG.random((30, 9, 16)) < 0.4, RNG.integers(0, 3, 30))


class Net(nn.Module):
    """As snnTorch's users write it; ends in neurons that fire, or in numbers."""

    def __init__(self, *, ends_in_numbers):
        super().__init__()
        self.fc1, self.lif1 = nn.Linear(16, 12, bias=False), snntorch.Leaky(beta=0.8, threshold=0.5)
        self.fc2, self.lif2 = nn.Linear(12, 3, bias=False), snntorch.Leaky(beta=0.8, threshold=0.3)
        for layer in (self.fc1, self.fc2):
            nn.init.normal_(layer.weight, 0.0, 0.5)
        self.ends_in_numbers = ends_in_numbers

    def forward(self, spikes):
        one, two, out = self.lif1.reset_mem(), self.lif2.reset_mem(), []
        for step in spikes:
            fired, one = self.lif1(self.fc1(step), one)
            if self.ends_in_numbers:
                out.append(self.fc2(fired))
            else:
                fired, two = self.lif2(self.fc2(fired), two)
                out.append(fired)
        return torch.stack(out).sum(0)


@pytest.fixture(scope="module", params=[False, True], ids=["spikes", "numbers"])
def net(request):
    torch.manual_seed(2)
    return Net(ends_in_numbers=request.param)


def decided(found, executor):
    return found.runs[0].parts[executor].decisions.tolist()


def test_compare__a_model_of_another_framework_decides_as_it_does_itself(net):
    found = compare(net, DATA, calibration=CALIBRATION, lava_samples=2)
    assert found.executors == (Executor.PYTORCH, Executor.ENGINE, Executor.LAVA)
    with torch.no_grad():
        numbers = net(torch.tensor(SPIKES.swapaxes(0, 1), dtype=torch.float32)).numpy()
    unique = (numbers == numbers.max(1, keepdims=True)).sum(1) == 1
    own = np.array(decided(found, Executor.PYTORCH))
    assert len(set(own)) > 1
    assert unique.sum() > BATCH / 2
    assert own[unique].tolist() == numbers.argmax(1)[unique].tolist()
    network, report = from_torch(net, calibration=CALIBRATION)
    n_steps = 9 + report.decision.later
    padded = np.pad(SPIKES, ((0, 0), (0, report.decision.later), (0, 0)))
    run = ssdp_neuro.simulate(network, padded, n_steps=n_steps, probes=report.decision.probes)
    assert decided(found, Executor.ENGINE) == report.decision.decide(run).tolist()
    assert dict(found.counts.spikes) == dict(run.counts.spikes)
    assert found.first_difference(Executor.LAVA) is None
    assert list(found.layers) == (["lif1"] if net.ends_in_numbers else ["lif1", "lif2"])
    assert 0.5 < min(found.spike_agreement(Executor.PYTORCH).values()) < 1


def test_compare__networks_and_their_conversions_run_as_the_model_does(net, tmp_path):
    whole = compare(net, DATA, calibration=CALIBRATION)
    network, report = from_torch(net, calibration=CALIBRATION)
    save(network, tmp_path / "net.h5")
    for given, rule in (
        ((network, report), None),
        (network, report.decision),
        (tmp_path / "net.h5", report.decision),
    ):
        found = compare(given, DATA, decision=rule, lava_samples=1)
        assert found.executors == (Executor.ENGINE, Executor.LAVA)
        assert decided(found, Executor.ENGINE) == decided(whole, Executor.ENGINE)
        assert dict(found.counts.spikes) == dict(whole.counts.spikes)
        assert found.first_difference(Executor.LAVA) is None


def test_compare__takes_a_nir_file_with_what_it_leaves_open(tmp_path):
    model = feed_forward((16, 12, 3), gain=2.0, current_decay=4095, voltage_decay=512)
    network, _ = from_torch(model)
    write_graph(to_nir(network), tmp_path / "net.nir")
    exact = compare(tmp_path / "net.nir", DATA)
    assert decided(exact, Executor.ENGINE) == decided(compare(network, DATA), Executor.ENGINE)
    assert exact.circumstances["model 0"].startswith(f"{tmp_path / 'net.nir'} (SHA-256 ")
    anew = compare(
        tmp_path / "net.nir",
        DATA,
        calibration=CALIBRATION,
        file_options={"discretization": SNNTORCH, "reset": "zero"},
    )
    assert "chosen on calibration data" in anew.notes[-1]


def test_compare__a_flat_network_alone_sees_images_row_after_row():
    model = feed_forward((16, 12, 3), gain=2.0, current_decay=4095, voltage_decay=512)
    network, _ = from_torch(model)
    spikes, labels = SPIKES[:20], DATA[1][:20]
    images = spikes.reshape(*spikes.shape[:2], 1, 4, 4)
    found = compare(network, (images, labels), lava_samples=2)
    assert decided(found, Executor.ENGINE) == decided(
        compare(network, (spikes, labels)), Executor.ENGINE
    )
    assert found.first_difference(Executor.LAVA) is None
    with pytest.raises(ShapeError, match=r"input shape \(16,\); the data have \(1, 4, 5\)"):
        compare(network, (np.zeros((2, 3, 1, 4, 5), dtype=bool), labels[:2]))


def test_compare__says_which_layers_never_fire():
    model = feed_forward((16, 12, 3), gain=2.0, current_decay=4095, voltage_decay=512)
    assert not [note for note in compare(model, DATA).notes if "no spike" in note]
    with torch.no_grad():
        model.to_output.weight.fill_(-1.0)
    notes = compare(model, DATA).notes
    assert notes[-1].endswith(f"no spike of output in {len(DATA[1])} samples.")


def test_compare__takes_data_in_every_form():
    model = feed_forward((16, 12, 3), gain=2.0, current_decay=4095, voltage_decay=512)
    test = as_spike_dataset("test", [DATA])
    kept = as_spike_dataset("kept", [CALIBRATION], n_classes=3)
    pairs = torch.utils.data.TensorDataset(torch.tensor(SPIKES), torch.tensor(LABELS))
    found = [compare(model, data, calibration=kept) for data in (DATA, test, pairs)]
    split = DataSplit(train=kept, validation=kept, test=test, class_names=("a", "b", "c"))
    found.append(compare(model, split))
    first, *others = [one.to_dict() for one in found]
    for one in (first, *others):
        for part in one["executors"].values():
            part.pop("seconds_per_sample")
    assert all(one == first for one in others)
    assert first["circumstances"]["calibration"] == "30 samples"
    json.dumps(first)


def test_compare__leaves_dropout_of_a_model_in_training_out():
    plain = feed_forward((16, 40, 3), gain=2.0, current_decay=4095, voltage_decay=512)
    layers = list(plain.named_children())
    layers.insert(2, ("drop", nn.Dropout(0.9)))
    model = SpikingNetwork(OrderedDict(layers), input_shape=(16,)).train()
    found = compare(model, DATA)
    assert model.training
    assert decided(found, Executor.PYTORCH) == model.eval().decide(SPIKES).tolist()


def test_compare__in_this_process_writes_no_file(monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("a temporary folder")

    model = feed_forward((16, 12, 3), gain=2.0, current_decay=4095, voltage_decay=512).eval()
    monkeypatch.setattr(tempfile, "TemporaryDirectory", refuse)
    assert len(decided(compare(model, DATA), Executor.ENGINE)) == len(LABELS)


def test_executable__goes_to_another_process_whole():
    model = feed_forward((16, 12, 3), gain=2.0, current_decay=4095, voltage_decay=512)
    quantize(model)
    network, report = from_torch(model)
    here = Executable(
        network=network, shifts=report.shifts, decision=report.decision, model=model.eval()
    )
    there = pickle.loads(pickle.dumps(here))
    for executor in (Executor.PYTORCH, Executor.PYTORCH_INTEGERS, Executor.ENGINE):
        ours, theirs = (
            decisions_of(executor.prepare(one)(SPIKES, 9), report.decision) for one in (here, there)
        )
        assert ours.tolist() == theirs.tolist()
    integers = Executor.PYTORCH_INTEGERS.prepare(there)(SPIKES, 9)
    engine = Executor.ENGINE.prepare(there)(SPIKES, 9)
    for lif in network.neurons:
        assert (integers.raster(lif.name) == engine.raster(lif.name)).all()


def test_prepare__refuses_what_an_executor_cannot_do():
    model = nn.Sequential(nn.Linear(16, 3), CubaLif(current_decay=4095, voltage_decay=400))
    network, report = from_torch(model)
    with pytest.raises(InputError, match="without the PyTorch model"):
        Executor.PYTORCH.prepare(Executable(network=network))
    whole = Executable(network=network, shifts=report.shifts, model=model)
    with pytest.raises(InputError, match="in real numbers"):
        Executor.PYTORCH_INTEGERS.prepare(whole)
    with pytest.raises(InputError, match="spikes only"):
        Executor.PYTORCH.prepare(whole)(SPIKES, 9, [("1", "v")])


def network_of(n_outputs, *, n_inputs=16):
    lif = LifPopulation(name="out", shape=n_outputs, current_decay=0, voltage_decay=0, threshold=90)
    weights = np.full((n_outputs, n_inputs), 30)
    return FixedPointNetwork(
        populations=[InputPopulation(name="in", shape=n_inputs), lif],
        projections=[DenseProjection(source="in", target="out", weights=weights)],
    )


@pytest.mark.parametrize(
    ("models", "settings", "error", "says"),
    [
        (network_of(2), {}, InputError, "output populations out 2; 3 classes"),
        (network_of(3, n_inputs=8), {}, ShapeError, r"input shape \(8,\); the data have \(16,\)"),
        (
            FixedPointNetwork(
                populations=[*network_of(3).populations, InputPopulation(name="ear", shape=2)],
                projections=network_of(3).projections,
            ),
            {},
            InputError,
            r"\['in', 'ear'\]; a data set is given to one",
        ),
        ([network_of(3), network_of(4)], {}, InputError, "differ in layers"),
        (network_of(3), {"decision": "votes"}, TypeMismatchError, "'votes'; a DecisionRule"),
        ("nowhere.h5", {}, MissingFileError, "nowhere.h5: no such file"),
        ([], {}, InputError, "at least one is needed"),
        (3, {}, TypeMismatchError, "compare.models: 3; a PyTorch model, a FixedPointNetwork"),
    ],
    ids=["outputs", "inputs", "two inputs", "two forms", "decision", "file", "none", "number"],
)
def test_compare__refuses(models, settings, error, says):
    with pytest.raises(error, match=says):
        compare(models, DATA, **settings)


def test_comparison__shows_itself_in_a_notebook(tmp_path):
    model = feed_forward((16, 12, 3), gain=2.0, current_decay=4095, voltage_decay=512)
    quantize(model)
    save_model(model, tmp_path / "m.safetensors")
    found = compare(tmp_path / "m.safetensors", DATA)
    share = f"{found.accuracies(Executor.ENGINE)[0]:.2%}"
    assert repr(found).endswith(f"PyTorch, integers {share}, engine {share})")
    view = found._repr_html_()
    assert view.count("<svg") == 2
    assert "PyTorch, integers: every spike as in the engine." in view
    assert sum(one.high for one in found.energies.values()) == pytest.approx(found.energy.high)
    neurons = found.to_dict()["chip"]["neurons"]
    assert (neurons["used"], neurons["available"]) == (15, found.chip.neurons)
    with pytest.raises(InputError, match="counts, not every spike"):
        found.engine_run.raster("input")
    with pytest.raises(InputError, match="LAVA did not run"):
        found.accuracies(Executor.LAVA)
    assert replace(found, notes=("x",)).notes == ("x",)
