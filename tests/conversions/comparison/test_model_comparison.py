import io

import numpy as np
import pytest

import ssdp_neuro
from conversions import from_torch, run_lava
from conversions.comparison.model_comparison import compare
from conversions.comparison.presentation import as_dict, as_table, sentences
from conversions.execution import Executor
from conversions.lava.lava_run import LavaExecution
from hw_models import InputError, RangeError
from ssdp_neuro.decision import decide
from ssdp_neuro.training import load_model


def test_compare__gives_each_executor_what_it_gives_alone(model_file, digits):
    _, test = digits
    found = compare(model_file, test, seeds=[3], n_samples=80, lava_samples=5)
    spikes = test.spikes(np.arange(80), epoch=3)
    model = load_model(model_file)
    network, _ = from_torch(model)
    engine = ssdp_neuro.simulate(network, spikes, n_steps=6)
    lava = run_lava(network, spikes[:5], 6, execution=LavaExecution.DIRECT)
    (run,) = found.runs
    assert run.parts[Executor.PYTORCH].decisions.tolist() == model.decide(spikes).tolist()
    decided = decide(engine.raster("output"))
    assert run.parts[Executor.ENGINE].decisions.tolist() == decided.tolist()
    assert run.parts[Executor.LAVA].decisions.tolist() == decide(lava.raster("output")).tolist()
    assert run.accuracy(Executor.ENGINE) == (decided == test.labels[:80]).mean() > 0.5
    assert found.synaptic_operations * 80 == sum(engine.counts.synaptic_operations.values())
    counts = found.counts_by_layer(Executor.ENGINE)
    assert counts["hidden"] * 80 == engine.counts.spikes["hidden"]
    assert set(found.spike_agreement(Executor.LAVA).values()) == {1.0}
    assert found.first_difference(Executor.LAVA) is None


def test_compare__says_where_real_numbers_leave_the_engine(model_file, digits):
    _, test = digits
    found = compare(model_file, test, n_samples=64)
    model = load_model(model_file)
    network, _ = from_torch(model)
    spikes = test.spikes(np.arange(64))
    engine = ssdp_neuro.simulate(network, spikes, n_steps=6)
    real = {
        name: fired.detach().numpy() != 0 for name, fired in model.record(_floats(spikes)).items()
    }
    differs = {name: real[name] != engine.raster(name) for name in real}
    first = min(
        (sample, step, layer, neuron)
        for layer, name in enumerate(differs)
        for sample, step, neuron in np.argwhere(differs[name])
    )
    run, sample, layer, step, neuron = found.first_difference(Executor.PYTORCH)
    assert run == 0
    assert (sample, step, list(differs).index(layer), neuron) == first
    unmatched = {name: differs[name].sum() for name in differs}
    total = {name: real[name].sum() + engine.raster(name).sum() for name in differs}
    for name, agreement in found.spike_agreement(Executor.PYTORCH).items():
        assert agreement == pytest.approx(1 - unmatched[name] / total[name])
        assert agreement < 1


def _floats(spikes):
    import torch

    return torch.as_tensor(spikes, dtype=torch.float32)


def test_compare__integers_in_pytorch_are_the_engine(integer_file, digits):
    _, test = digits
    found = compare(integer_file, test, seeds=2, n_samples=100)
    assert found.executors == (Executor.PYTORCH, Executor.PYTORCH_INTEGERS, Executor.ENGINE)
    assert set(found.spike_agreement(Executor.PYTORCH_INTEGERS).values()) == {1.0}
    assert set(found.latency_agreement(Executor.PYTORCH_INTEGERS).values()) == {1.0}
    assert found.first_difference(Executor.PYTORCH_INTEGERS) is None
    assert min(found.spike_agreement(Executor.PYTORCH).values()) < 1
    assert (
        found.accuracies(Executor.ENGINE).tolist()
        == found.accuracies(Executor.PYTORCH_INTEGERS).tolist()
    )
    first, second = found.runs
    assert (first.seed, second.seed) == (0, 1)
    assert (
        first.parts[Executor.ENGINE].spikes.tolist()
        != second.parts[Executor.ENGINE].spikes.tolist()
    )


def test_compare__does_not_depend_on_the_workers(model_file, digits, monkeypatch):
    _, test = digits
    settings = {"n_samples": 100, "seeds": 2, "lava_samples": 3}
    alone = as_dict(compare(model_file, test, **settings))
    monkeypatch.setattr("conversions.comparison.model_comparison.SHARD", 64)
    together = as_dict(compare(model_file, test, n_workers=2, **settings))
    for found in (alone, together):
        for part in found["executors"].values():
            assert part.pop("seconds_per_sample") > 0
    assert alone == together


def test_compare__calibration_data_choose_the_integers(model_file, digits):
    validation, test = digits
    with_data = compare(model_file, test, calibration=validation, n_samples=64)
    without = compare(model_file, test, n_samples=64)
    assert "calibration data" in with_data.notes[0]
    assert "covering" in without.notes[0]


def test_presentation__table_and_sentences_hold_what_was_found(integer_file, digits):
    from rich.console import Console

    _, test = digits
    found = compare(integer_file, test, n_samples=70, lava_samples=2)
    console = Console(width=160, record=True, file=io.StringIO())
    console.print(as_table(found))
    text = console.export_text()
    for executor in found.executors:
        assert executor.value in text
    said = " ".join(sentences(found))
    assert "PyTorch, integers: every spike as in the engine." in said
    places = found.runs[0].parts[Executor.PYTORCH].first_difference
    layer, step, neuron = places[places[:, 0] >= 0][0]
    where = f"'{list(found.layers)[layer]}', step {step}, neuron {neuron} (sample"
    assert f"PyTorch, real numbers: first differs from the engine in {where}" in said
    assert "uJ" in said


def test_compare__refuses_data_of_another_shape(model_file, digits):
    _, test = digits
    wide = type(test)(test.images[:, :32], test.labels, input_shape=(32,))
    with pytest.raises(InputError, match=r"input shape \(64,\)"):
        compare(model_file, wide)
    with pytest.raises(RangeError, match="n_samples: 99999"):
        compare(model_file, test, n_samples=99999)
    with pytest.raises(RangeError, match="seeds"):
        compare(model_file, test, seeds=0)
    with pytest.raises(InputError, match="at least one is needed"):
        compare([], test)
