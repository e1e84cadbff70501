import json

import numpy as np
import pytest

from conversions.cli.calibration_file import read_calibration
from conversions.cli.spike_file import load_spikes
from conversions.pytorch.model_conversion import from_torch
from hw_models import LOIHI2, check, load, load_code, same_record
from ssdp_neuro import data, simulate
from ssdp_neuro.decision import accuracy, decide
from ssdp_neuro.training import load_model, load_model_code
from tests.conversions.demo.conftest import TINY
from tests.digits_parts import digits_parts

pytestmark = pytest.mark.lava


def held_out(folder):
    with np.load(folder / "held_out.npz") as arrays:
        return arrays["spikes"], arrays["labels"]


def test_run_demo__saves_spikes_that_the_other_commands_read(tiny_demo):
    _, _, folder = tiny_demo
    network = load(folder / "digits.h5")
    (given,) = load_spikes(folder / "held_out.npz", network).values()
    assert (given == held_out(folder)[0]).all()
    spikes, labels = read_calibration(folder / "held_out.npz")
    assert (spikes == given).all()
    assert (labels == held_out(folder)[1]).all()
    simulate(network, given[:2], n_steps=20)


def test_run_demo__numbers_are_those_of_what_it_saved(tiny_demo):
    result, _, folder = tiny_demo
    spikes, labels = held_out(folder)
    old = labels < 8
    model = load_model(folder / "digits.safetensors")
    network, learned = load(folder / "digits.h5"), load(folder / "digits_learned.h5")
    run = simulate(network, spikes[old], n_steps=20)
    assert result.accuracy_float == accuracy(model.decide(spikes[old]), labels[old])
    assert result.accuracy_fixed == accuracy(decide(run.raster("output")), labels[old])
    decided = decide(simulate(learned, spikes, n_steps=20).raster("output"))
    assert result.after.accuracy.everything == accuracy(decided, labels)
    assert result.after.accuracy.new == accuracy(decided[~old], labels[~old])
    assert result.n_held_out == (old.sum(), len(labels))


def test_run_demo__converts_the_model_that_it_saved(tiny_demo):
    _, _, folder = tiny_demo
    network, _ = from_torch(load_model(folder / "digits.safetensors"))
    saved = load(folder / "digits.h5")
    assert [p.name for p in saved.populations] == [p.name for p in network.populations]
    assert check(saved, LOIHI2) == ()
    assert not same_record(saved, load(folder / "digits_learned.h5"))


def test_run_demo__files_say_the_code_and_the_classes(tiny_demo):
    _, _, folder = tiny_demo
    code = load_code(folder / "digits_learned.h5")
    assert (code.n_steps, code.encoding, code.parameters["window"]) == (20, "latency", 12)
    assert code.class_names == tuple("0123456789")
    old = load_code(folder / "digits.h5")
    assert old == load_model_code(folder / "digits.safetensors")
    assert (old.class_names, old.differences(code)) == (tuple("01234567"), [])


def test_run_demo__held_out_digits_are_held_out(tiny_demo):
    _, _, folder = tiny_demo
    spikes, labels = held_out(folder)
    assert labels.tolist() == digits_parts().held_out.labels.tolist()
    assert spikes.shape == (450, 20, 1, 8, 8)
    trained = data.to_arrays(data.load(TINY.data).train)[0]
    assert len(trained) == 1797 - 450
    assert not {one.tobytes() for one in trained} & {one.tobytes() for one in spikes}


def test_run_demo__lava_agrees_and_learning_helps(tiny_demo):
    result, _, _ = tiny_demo
    assert result.lava.equal
    assert (result.lava.n_runtime, result.lava.n_models) == (2, 6)
    assert result.lava.n_spikes > 0
    assert result.before.new == 0
    assert result.after.shots == 8
    assert result.after.accuracy.new > 0.2
    assert result.after.accuracy.everything > result.before.everything
    assert [(x.shots, x.rehearsed) for x in result.learning] == [(2, True), (8, True), (8, False)]
    assert result.after.n_updates == 8 * 10 * 2 * 2


def test_run_demo__says_what_it_does_and_how_long_it_took(tiny_demo):
    result, said, _ = tiny_demo
    assert [line.split()[0] for line in said] == [
        "Training",
        "Converting",
        "Running",
        "Learning",
        "Running",
        "Learning",
    ]
    parts = {name: value for name, value in result.seconds.items() if name != "total"}
    assert set(parts) == {"training", "conversion", "engine", "learning", "lava", "latencies"}
    assert sum(parts.values()) <= result.seconds["total"]


def test_run_demo__latencies_teach_with_the_kernel_alone(tiny_demo):
    result, _, _ = tiny_demo
    found = {one.condition: one for one in result.latencies}
    assert all(len(one.shares) == TINY.n_latency_seeds for one in result.latencies)
    kernel = found["latency kernel, codes of 8 bits"]
    assert min(kernel.shares) > 0.85
    for control in ("flat kernel", "shuffled latencies", "ridge regression on who fired"):
        assert max(found[control].shares) < 0.55
    assert found["ridge regression on the latencies"].mean >= kernel.mean
    rows = result.latency_rows()
    assert result.latency_table().row_count == len(rows) - 1
    assert ("latency kernel, codes of 8 bits", f"{kernel.mean:.1%}") == rows[1][:2]
    assert result.to_dict()["latencies"]["flat kernel"] == list(found["flat kernel"].shares)


def test_demo_result__is_one_plain_object(tiny_demo):
    result, _, _ = tiny_demo
    plain = json.loads(json.dumps(result.to_dict()))
    assert plain["accuracy_float"] == result.accuracy_float
    assert plain["accuracy_fixed"] == result.accuracy_fixed
    assert plain["lava_equal"] is True
    assert plain["accuracy_before_learning"] == result.before.everything
    assert plain["accuracy_after_learning"] == result.after.accuracy.everything
    assert plain["seconds"] == result.seconds["total"]
    assert len(plain["learning"]) == 3


def test_demo_result__table_shows_every_experiment(tiny_demo):
    result, _, _ = tiny_demo
    headings, *rows = result.rows()
    assert result.table().row_count == len(rows) == 4 + len(result.learning)
    assert {len(row) for row in rows} == {len(headings)}
    assert rows[2][2:] == ("equal",) * 3
    assert f"{result.after.accuracy.everything:.1%}" in rows[-2]
    assert "361 of digits 0-7" in " ".join(result.remarks())
