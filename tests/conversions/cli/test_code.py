"""The code in which a network was trained, through the files and commands that it passes."""

import json
from collections import OrderedDict

import pytest
from torch import nn

from hw_models import SpikeCode, load, load_code, save
from ssdp_neuro.data import DataSettings
from ssdp_neuro.data import load as load_data
from ssdp_neuro.training import (
    SpikingNetwork,
    config_of,
    feed_forward,
    fit,
    load_model_code,
    save_model,
)

CODE = SpikeCode(
    n_steps=20,
    encoding="latency",
    parameters={"pool": 1, "window": 12, "darkest": 0.1},
    class_names=tuple("01234567"),
)


@pytest.fixture
def coded(command):
    """The command, in a folder with coded.h5 and the model m.safetensors."""
    save(load("digits.h5"), "coded.h5", code=CODE)
    layers = feed_forward((64, 12, 8), gain=2.0, current_decay=4095, voltage_decay=512)
    modules = OrderedDict([("flatten", nn.Flatten()), *layers.named_children()])
    model = SpikingNetwork(modules, input_shape=(1, 8, 8))
    save_model(model, "m.safetensors", code=CODE)
    return command


def test_fit__writes_the_code_into_the_best_model(tmp_path):
    settings = {"n_steps": 6, "window": 4, "train_limit": 60, "test_limit": 20}
    data = DataSettings(name="digits", **settings)
    config = config_of(
        {
            "data": {"name": "digits", **settings},
            "model": {"hidden": [8], "gain": 4.0},
            "training": {"epochs": 1, "threads": 1},
        }
    )
    fit(config, out=tmp_path / "run", show_progress=False)
    code = load_model_code(tmp_path / "run" / "best.safetensors")
    assert code == load_data(data).code
    assert (code.n_steps, code.parameters["window"]) == (6, 4)


def test_convert__hands_the_code_on(coded):
    assert coded("convert m.safetensors --out net.h5").status == 0
    assert load_code("net.h5") == CODE
    assert coded("convert net.h5 --to lava --out program.py").status == 0
    assert load_code("program.h5") == CODE
    lost = json.loads(coded("convert net.h5 --to nir --out net.nir --json").out)["notes"]
    assert any("Not in the file: the code it was trained in, latency, 20 steps" in n for n in lost)


def test_info__shows_the_code(coded):
    out = " ".join(coded("info coded.h5").out.split())
    assert "trained in 20 steps of latency code (darkest 0.1, pool 1, window 12)" in out
    assert json.loads(coded("info coded.h5 --json").out)["code"]["n_steps"] == 20
    assert json.loads(coded("info digits.h5 --json").out)["code"] is None


@pytest.mark.parametrize("name", ["simulate", "verify"])
def test_commands__take_the_steps_of_the_code_and_note_others(coded, name):
    own = json.loads(coded(f"{name} coded.h5 --rate 0.05 --json").out)
    assert (own["n_steps"], own["notes"]) == (20, [])
    other = json.loads(coded(f"{name} coded.h5 --rate 0.05 --steps 10 --json").out)
    assert other["n_steps"] == 10
    assert other["notes"] == ["coded.h5 was trained with samples of 20 steps, not 10."]
    printed = coded(f"{name} coded.h5 --rate 0.05 --steps 10").out
    assert "trained with samples of 20 steps" in " ".join(printed.split())


def test_simulate__needs_steps_where_the_file_does_not_say_them(coded):
    ran = coded("simulate digits.h5 --rate 0.05")
    assert ran.status == 2
    assert "--steps: needed, digits.h5 does not say how long a sample is" in ran.err


def test_compare__shows_the_code_of_the_model_and_notes_another(coded):
    line = "compare m.safetensors --data digits --samples 5 --json --set classes="
    first = '["0","1","2","3","4","5","6","7"]'
    own = json.loads(coded(f"{line}'{first}'").out)
    assert own["n_steps"] == 20
    assert not any("another code" in note for note in own["notes"])
    other = json.loads(coded(f"{line}'{first}' --steps 10 --set darkest=0.4").out)
    found = [note for note in other["notes"] if "another code" in note]
    assert ["n_steps was 20 and is 10" in n for n in found] == [True, False, False]
    assert "darkest was 0.1 and is 0.4" in found[1]
    assert "window was 12 and is 10" in found[2]
    ran = coded(f'{line}\'["7","1"]\'')
    assert ran.status == 2
    assert "stands for the classes 0, 1, 2" in ran.err
