import json
from pathlib import Path

import numpy as np
import pytest

from conversions.cli.learning_run import decisions
from hw_models import (
    DenseProjection,
    FixedPointNetwork,
    InputPopulation,
    LifPopulation,
    load,
    save,
)
from ssdp_neuro.data.spike_data import load_samples
from tests.ssdp_neuro.data.made_files import mnist_like

DIGITS = "digits.h5 --data digits"
LEARN = f"learn {DIGITS}"


def test_learn__error_gated_learns_new_digits(command):
    line = f"{LEARN} --rule error-ssdp --add-classes 2 --shots 20 --epochs 5"
    report = json.loads(command(f"{line} --json --out learned.h5").out)
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
    again = json.loads(command(f"{line} --json").out)
    assert again["after"] == after


@pytest.mark.parametrize("rule", ["ssdp", "da-ssdp", "reward-ssdp"])
def test_learn__every_rule_changes_weights_and_leaves_no_teacher(command, rule):
    line = f"{LEARN} --rule {rule} --shots 3 --epochs 2 --out learned.h5 --json"
    report = json.loads(command(line).out)
    assert report["change"]["n_changed"] > 0
    assert report["warm_up"] == (24 if rule == "da-ssdp" else 0)
    learned = load("learned.h5")
    assert [p.name for p in learned.populations] == ["input", "hidden", "output"]
    assert learned.projection("to_output").plasticity is not None
    goes_on = command("learn learned.h5 --data digits --shots 3 --json")
    assert (goes_on.status, json.loads(goes_on.out)["rule"]) == (0, "stored")


def test_learn__only_the_classes_named(command):
    line = f"{LEARN} --rule error-ssdp --classes 0,3 --shots 4 --json"
    assert json.loads(command(line).out)["lesson"] == 8


def test_learn__table_shows_before_and_after(command):
    out = command(f"{LEARN} --rule da-ssdp --potentiation 0.5 --add-classes 2").out
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
        ("digits.h5 --data nowhere --rule ssdp", "nowhere: no such folder"),
        (
            "digits.h5 --data spikes.npy --rule ssdp",
            "spikes.npy: 2 x 34 x 34 pixels do not make 64",
        ),
        (f"{DIGITS}", "name one by --rule"),
        (f"{DIGITS} --rule stdp", "--rule"),
        (f"{DIGITS} --rule ssdp --classes 3,8", "--classes: 8"),
        (f"{DIGITS} --rule ssdp --classes a", "--classes 'a'"),
        (f"{DIGITS} --rule ssdp --projection other", "other"),
        (f"{DIGITS} --rule ssdp --shots 0", "--shots"),
        (f"{DIGITS} --rule ssdp --sigma 0", "sigma: 0"),
        (f"{DIGITS} --rule ssdp --sigma nan", "sigma: nan"),
        (f"{DIGITS} --rule ssdp --potentiation inf", "a_plus: inf"),
        (f"{DIGITS} --rule ssdp --potentiation 1e9", "amplitudes"),
        (f"{DIGITS} --rule ssdp --steps 99999999", "99999999"),
        (f"{DIGITS} --rule ssdp --steps 8355841", "8355841"),
        (
            f"{DIGITS} --rule error-ssdp --out nowhere/learned.h5",
            "nowhere/learned.h5",
        ),
        (f"{DIGITS} --rule ssdp --window 21", "window: 21"),
        ("digits.h5 --rule ssdp", "--data"),
    ],
)
def test_learn__a_users_mistake_is_one_message_and_status_2(command, arguments, words):
    ran = command(f"learn {arguments}")
    assert ran.status == 2
    assert words in ran.err
    assert "Traceback" not in ran.err
    assert ran.out == ""
