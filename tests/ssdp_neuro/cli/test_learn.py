import json
import shlex
from pathlib import Path

import numpy as np
import pytest

from hw_models import (
    DenseProjection,
    FixedPointNetwork,
    InputPopulation,
    LifPopulation,
    load,
    save,
)
from ssdp_neuro.cli.learn import learn as learn_command
from ssdp_neuro.cli.lesson import decisions
from ssdp_neuro.training.spike_data import load_samples
from tests.ssdp_neuro.training.idx_files import mnist_like


@pytest.fixture
def digits_network(command):
    """Runs commands in a folder where net.h5 reads 8 x 8 digits, badly, in two layers."""
    rng = np.random.default_rng(1)
    lif = {"current_decay": 1023, "voltage_decay": 256}
    save(
        FixedPointNetwork(
            populations=[
                InputPopulation(name="input", shape=(64,)),
                LifPopulation(name="hidden", shape=(80,), threshold=300, **lif),
                LifPopulation(name="output", shape=(8,), threshold=600, **lif),
            ],
            projections=[
                DenseProjection(
                    source="input",
                    target="hidden",
                    weights=rng.integers(-30, 36, size=(80, 64)) * 2,
                ),
                DenseProjection(
                    source="hidden",
                    target="output",
                    weights=rng.integers(-20, 21, size=(8, 80)) * 2,
                    name="to_output",
                ),
            ],
        ),
        "net.h5",
    )
    return command


def examples():
    lines = [line.strip() for line in learn_command.__doc__.splitlines()]
    return [line for line in lines if line.startswith("ssdp-neuro ")]


@pytest.mark.parametrize("line", examples())
def test_learn__examples_of_its_help_run(digits_network, line):
    ran = digits_network(" ".join(shlex.split(line)[1:]))
    assert (ran.status, ran.err) == (0, "")
    assert "to_output" in ran.out


def test_learn__error_gated_learns_new_digits(digits_network):
    line = "learn net.h5 --data digits --rule error-ssdp --add-classes 2 --shots 20 --epochs 5"
    report = json.loads(digits_network(f"{line} --json --out learned.h5").out)
    before, after = report["before"], report["after"]
    assert after["all"] > before["all"] + 0.3
    assert before["new"] == 0 < after["new"]
    assert (report["lesson"], report["change"]["n_updates"]) == (200, 1000)
    learned = load("learned.h5")
    assert learned.population("output").n_neurons == 10
    _, test = load_samples(
        "digits", n_inputs=64, n_steps=20, window=12, train_per_class=20, test_per_class=50
    )
    right = decisions(learned, "output", test) == test.labels
    assert right.mean() == after["all"]
    assert right[test.labels >= 8].mean() == after["new"]
    again = json.loads(digits_network(f"{line} --json").out)
    assert again["after"] == after


@pytest.mark.parametrize("rule", ["ssdp", "da-ssdp", "reward-ssdp"])
def test_learn__every_rule_changes_weights_and_leaves_no_teacher(digits_network, rule):
    line = f"learn net.h5 --data digits --rule {rule} --shots 3 --epochs 2 --out learned.h5 --json"
    report = json.loads(digits_network(line).out)
    assert report["change"]["n_changed"] > 0
    assert report["warm_up"] == (24 if rule == "da-ssdp" else 0)
    learned = load("learned.h5")
    assert [p.name for p in learned.populations] == ["input", "hidden", "output"]
    assert learned.projection("to_output").plasticity is not None
    goes_on = digits_network("learn learned.h5 --data digits --shots 3 --json")
    assert (goes_on.status, json.loads(goes_on.out)["rule"]) == (0, "stored")


def test_learn__only_the_classes_named(digits_network):
    line = "learn net.h5 --data digits --rule error-ssdp --classes 0,3 --shots 4 --json --out a.h5"
    assert json.loads(digits_network(line).out)["lesson"] == 8


def test_learn__table_shows_before_and_after(digits_network):
    out = digits_network(
        "learn net.h5 --data digits --rule da-ssdp --potentiation 0.5 --add-classes 2"
    ).out
    for words in ("before", "after", "classes it had", "added classes", "warm-up of 50"):
        assert words in out


def test_learn__reads_a_folder_of_idx_files(command):
    Path("data").mkdir()
    mnist_like(Path("data"), np.random.default_rng(0), per_class=6)
    save(
        FixedPointNetwork(
            populations=[
                InputPopulation(name="pixels", shape=(16,)),
                LifPopulation(
                    name="out", shape=(4,), current_decay=1023, voltage_decay=256, threshold=60
                ),
            ],
            projections=[
                DenseProjection(source="pixels", target="out", weights=np.zeros((4, 16), int))
            ],
        ),
        "blank.h5",
    )
    line = (
        "learn blank.h5 --data data --rule error-ssdp --shots 6 --test-per-class 6"
        " --epochs 40 --json"
    )
    report = json.loads(command(line).out)
    assert report["before"]["all"] == 0
    assert report["after"]["all"] > 0.5
    assert report["projection"] == "pixels->out"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("missing.h5 --data digits --rule ssdp", "missing.h5"),
        ("net.h5 --data nowhere --rule ssdp", "nowhere: no such folder"),
        ("net.h5 --data spikes.npy --rule ssdp", "spikes.npy: 2 x 34 x 34 pixels do not make 64"),
        ("net.h5 --data digits", "name one by --rule"),
        ("net.h5 --data digits --rule stdp", "--rule"),
        ("net.h5 --data digits --rule ssdp --classes 3,8", "--classes: 8"),
        ("net.h5 --data digits --rule ssdp --classes a", "--classes 'a'"),
        ("net.h5 --data digits --rule ssdp --projection other", "other"),
        ("net.h5 --data digits --rule ssdp --shots 0", "--shots"),
        ("net.h5 --data digits --rule ssdp --sigma 0", "sigma: 0"),
        ("net.h5 --data digits --rule ssdp --sigma nan", "sigma: nan"),
        ("net.h5 --data digits --rule ssdp --potentiation inf", "a_plus: inf"),
        ("net.h5 --data digits --rule ssdp --potentiation 1e9", "amplitudes"),
        ("net.h5 --data digits --rule ssdp --steps 99999999", "99999999"),
        ("net.h5 --data digits --rule ssdp --steps 8355841", "8355841"),
        ("net.h5 --data digits --rule error-ssdp --out nowhere/learned.h5", "nowhere/learned.h5"),
        ("net.h5 --data digits --rule ssdp --window 21", "window: 21"),
        ("net.h5 --rule ssdp", "--data"),
    ],
)
def test_learn__a_users_mistake_is_one_message_and_status_2(digits_network, arguments, words):
    ran = digits_network(f"learn {arguments}")
    assert ran.status == 2
    assert words in ran.err
    assert "Traceback" not in ran.err
    assert ran.out == ""
