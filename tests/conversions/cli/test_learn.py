import json
from pathlib import Path

import numpy as np
import pytest

from hw_models import (
    DenseProjection,
    FixedPointNetwork,
    InputPopulation,
    LifPopulation,
    SpikeCode,
    load,
    load_code,
    save,
)
from ssdp_neuro import data
from ssdp_neuro.dataset_run import decisions
from tests.ssdp_neuro.data.made_files import mnist_like

DIGITS = "digits.h5 --data digits --set window=12"
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
    digits = data.load(data.DataSettings(name="digits", n_steps=20, window=12))
    test = data.few_of_each(digits.test, 50)
    right = decisions(learned, test, "output") == test.labels
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
    goes_on = command("learn learned.h5 --data digits --shots 3 --json")  # the file says the code
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
        "learn blank.h5 --data idx --folder data --rule error-ssdp --shots 5 --test-per-class 6"
        " --epochs 40 --json"
    )
    report = json.loads(command(line).out)
    assert report["before"]["all"] == 0
    assert report["after"]["all"] > 0.5
    assert report["projection"] == "pixels->out"


def in_code(**changes):
    """The fixture's network in a file that says how it was trained."""
    fields = {
        "n_steps": 20,
        "encoding": "latency",
        "parameters": {"pool": 1, "window": 12, "darkest": 0.3},
        "class_names": tuple("01234567"),
    }
    code = SpikeCode(**{**fields, **changes})
    save(load("digits.h5"), "coded.h5", code=code)
    return code


def test_learn__shows_the_code_that_the_network_was_trained_with(command):
    code = in_code()
    shown = "--rule error-ssdp --shots 2 --epochs 1 --json"
    plain, coded, other = (
        json.loads(command(f"learn {line} {shown} --out learned.h5").out)
        for line in (
            "digits.h5 --data digits --set window=12 --set darkest=0.3",
            "coded.h5 --data digits",
            "digits.h5 --data digits --set window=12 --set darkest=0.8",
        )
    )
    assert coded["code"]["parameters"] == {"pool": 1, "window": 12, "darkest": 0.3}
    assert (coded["before"], coded["after"]) == (plain["before"], plain["after"])
    assert coded["notes"] == plain["notes"] == []
    assert other["after"] != plain["after"]
    command("learn coded.h5 --data digits --rule error-ssdp --add-classes 2 --out learned.h5")
    learned = load_code("learned.h5")
    assert learned.class_names == tuple("0123456789")
    assert code.differences(learned) == []


def test_learn__another_code_than_that_of_the_network_is_never_silent(command):
    in_code()
    rest = "--data digits --rule error-ssdp --shots 1 --epochs 1"
    ran = command(f"learn coded.h5 {rest} --steps 10 --set encoding=rate")
    for words in ("n_steps was 20 and is 10", "encoding was latency and is rate"):
        assert words in " ".join(ran.out.split())
    asked = json.loads(command(f"learn coded.h5 {rest} --set darkest=0.1 --json").out)
    assert ["darkest was 0.3 and is 0.1" in note for note in asked["notes"]] == [True]
    in_code(class_names=tuple("76543210"))
    ran = command(f"learn coded.h5 {rest}")
    assert ran.status == 2
    assert "stands for the classes 7, 6, 5" in ran.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("missing.h5 --data digits --rule ssdp", "missing.h5"),
        ("digits.h5 --data nowhere --rule ssdp", "data.name: 'nowhere'; one of"),
        ("digits.h5 --data nowhere.toml --rule ssdp", "nowhere.toml"),
        ("net.h5 --data digits --rule ssdp", "8 neurons; samples of 1 x 8 x 8 inputs do not fit"),
        ("digits.h5 --data digits --rule ssdp --set pool=2", "64 neurons; samples of 1 x 4 x 4"),
        ("digits.h5 --data digits --rule ssdp --set window", "--set 'window'"),
        ("digits.h5 --data digits --rule ssdp --set windows=3", "'windows'"),
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
        (f"{DIGITS} --rule ssdp --set window=21", "window: 21"),
        ("digits.h5 --rule ssdp", "--data"),
    ],
)
def test_learn__a_users_mistake_is_one_message_and_status_2(command, arguments, words):
    ran = command(f"learn {arguments}")
    assert ran.status == 2
    assert words in ran.err
    assert "Traceback" not in ran.err
    assert ran.out == ""
