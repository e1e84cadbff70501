import json
from collections import OrderedDict

import pytest
from torch import nn

from conversions.cli.main import main
from ssdp_neuro.training import SpikingNetwork, feed_forward, quantize, save_model


@pytest.fixture(scope="module")
def model_file(tmp_path_factory):
    layers = feed_forward((64, 12, 10), gain=2.0, current_decay=4095, voltage_decay=512)
    modules = OrderedDict([("flatten", nn.Flatten()), *layers.named_children()])
    model = SpikingNetwork(modules, input_shape=(1, 8, 8))
    quantize(model)
    path = tmp_path_factory.mktemp("model") / "m.safetensors"
    save_model(model, path)
    return path


def run(*arguments):
    with pytest.raises(SystemExit) as stop:
        main(["compare", *map(str, arguments)])
    return stop.value.code or 0


def test_compare__prints_one_json_object(model_file, tmp_path, capsys):
    config = tmp_path / "run.toml"
    config.write_text('[data]\nname = "digits"\nn_steps = 8\ntest_limit = 40\n', encoding="utf-8")
    report = tmp_path / "report.html"
    arguments = [model_file, "--data", config, "--lava", "--lava-samples", 3]
    assert run(*arguments, "--report", report, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert set(found["executors"]) == {"pytorch", "pytorch_integers", "engine", "lava"}
    assert found["runs"][0]["n_samples"] == 40
    assert found["executors"]["lava"]["n_samples"] == 3
    for name in ("pytorch_integers", "lava"):
        part = found["executors"][name]
        assert part["same_decisions"] == 1.0
        assert part["first_difference"] is None
    assert found["executors"]["engine"]["spikes_per_sample"]["hidden"] > 1
    assert found["per_sample"]["energy_high_j"] > found["per_sample"]["energy_low_j"] > 0
    text = report.read_text(encoding="utf-8")
    assert text.startswith("<!DOCTYPE html>")
    said = found["circumstances"]
    assert said["config"].startswith(f"{config} (SHA-256 ")
    for words in ("name = 'digits'", "n_steps = 8", "encoding = 'auto'", "test_limit = 40"):
        assert words in said["data"]
    assert "40 of 40" in text


def test_compare__prints_a_table(model_file, capsys):
    assert run(model_file, "--data", "digits", "--steps", 8, "--samples", 20) == 0
    printed = capsys.readouterr().out
    assert "PyTorch, integers: every spike as in the engine." in printed
    assert "uJ" in printed


def test_compare__takes_networks_and_nir_files_as_they_were_converted(model_file, tmp_path, capsys):
    data = ["--data", "digits", "--steps", 8, "--samples", 30, "--json"]
    assert run(model_file, *data) == 0
    whole = json.loads(capsys.readouterr().out)
    for arguments in (
        [model_file, "--out", tmp_path / "n.h5", "--report", tmp_path / "n.json"],
        [tmp_path / "n.h5", "--to", "nir", "--out", tmp_path / "n.nir"],
    ):
        with pytest.raises(SystemExit) as stop:
            main(["convert", *map(str, arguments)])
        assert not stop.value.code
    capsys.readouterr()
    for arguments in (
        [tmp_path / "n.h5", "--decision", tmp_path / "n.json"],
        [tmp_path / "n.nir"],
        [tmp_path / "n.nir", "--written-by", "snntorch", "--reset", "zero"],
    ):
        assert run(*arguments, *data) == 0
        found = json.loads(capsys.readouterr().out)
        assert set(found["executors"]) == {"engine"}
    assert run(tmp_path / "n.h5", "--decision", tmp_path / "n.json", *data) == 0
    found = json.loads(capsys.readouterr().out)
    engine, expected = (one["executors"]["engine"] for one in (found, whole))
    assert engine["confusion"] == expected["confusion"]
    assert found["per_sample"] == whole["per_sample"]


@pytest.mark.parametrize("content", ["", "3", "{}", '{"decision": null}', '{"decision": {}}'])
def test_compare__refuses_a_file_without_decision(model_file, tmp_path, capsys, content):
    (tmp_path / "r.json").write_text(content)
    assert run(model_file, "--data", "digits", "--decision", tmp_path / "r.json") == 2
    assert "not a report of convert with a decision" in capsys.readouterr().err
    assert run(model_file, "--data", "digits", "--decision", tmp_path / "no.json") == 2
    assert "no.json: No such file" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no [data] table"),
        ("data = 3", "no [data] table"),
        ("[[data]]\nn_steps = 3", "no [data] table"),
        ("[data", "not TOML"),
        ("[data]\nnme = 1", "'nme'"),
        (f"[data]\nn_steps = {'9' * 400}", "an integer of 1330 bits"),
    ],
)
def test_compare__refuses_a_wrong_config(model_file, tmp_path, capsys, text, message):
    config = tmp_path / "run.toml"
    config.write_text(text, encoding="utf-8")
    assert run(model_file, "--data", config) == 2
    assert message in capsys.readouterr().err


def test_compare__refuses_an_unknown_data_set_and_folder(model_file, tmp_path, capsys):
    assert run(model_file, "--data", "digitz") == 2
    assert "digitz" in capsys.readouterr().err
    report = tmp_path / "nowhere" / "r.html"
    assert run(model_file, "--data", "digits", "--report", report) == 2
    assert "there is no folder" in capsys.readouterr().err
