import json
import re
from pathlib import Path

import numpy as np
import pytest

from conversions.cli.main import main
from conversions.pytorch.model_conversion import from_torch
from hw_models import load, same_record
from ssdp_neuro.training import save_model
from tests.ssdp_neuro.training.models import dense_model


@pytest.fixture
def files(tmp_path):
    model = dense_model()
    save_model(model, tmp_path / "model.safetensors")
    spikes = np.random.default_rng(0).random((6, 10, 12)) < 0.4
    np.savez(tmp_path / "data.npz", spikes=spikes, labels=np.arange(6) % 4)
    return tmp_path, model, spikes


def refused(capsys, *arguments):
    with pytest.raises(SystemExit) as exit_:
        main(["convert", *map(str, arguments)])
    assert exit_.value.code == 2
    return re.sub(r"\s+", " ", capsys.readouterr().err)


def run(*arguments):
    main_exit = None
    try:
        main(["convert", *map(str, arguments)])
    except SystemExit as exit_:
        main_exit = exit_.code
    assert main_exit in (None, 0)


def test_convert__writes_the_network_and_prints_a_table(files, capsys, monkeypatch):
    folder, model, _ = files
    monkeypatch.setenv("COLUMNS", "160")
    run(folder / "model.safetensors", "--out", folder / "net.h5")
    printed = capsys.readouterr().out
    assert "Conversion to Loihi 2" in printed
    assert "hidden (covering)" in printed
    network, _ = from_torch(model)
    assert same_record(load(folder / "net.h5"), network)


def test_convert__json_is_one_object(files, capsys):
    folder, model, spikes = files
    data = ["--calibration", folder / "data.npz"]
    run(folder / "model.safetensors", "--out", folder / "net.h5", *data, "--json")
    result = json.loads(capsys.readouterr().out)
    network, report = from_torch(model, calibration=(spikes, np.arange(6) % 4))
    assert result["network"] == str(folder / "net.h5")
    assert {key: result[key] for key in report.to_dict()} == report.to_dict()
    assert same_record(load(folder / "net.h5"), network)


def test_convert__writes_a_report_of_either_kind(files, capsys):
    folder, model, _ = files
    for kind in ("json", "html"):
        report = folder / f"report.{kind}"
        run(folder / "model.safetensors", "--out", folder / "net.h5", "--report", report)
    assert json.loads((folder / "report.json").read_text()) == from_torch(model)[1].to_dict()
    page = (folder / "report.html").read_text()
    assert page.startswith("<!DOCTYPE html>")
    assert "hidden (covering)" in page
    assert "not compared" in page
    assert not re.search(r"(src|href)=", page)


def test_convert__verifies_each_pass_on_request(files, capsys, monkeypatch):
    folder, _, _ = files
    monkeypatch.setenv("COLUMNS", "160")
    given = [folder / "model.safetensors", "--out", folder / "net.h5", "--verify-each"]
    run(*given, "--calibration", folder / "data.npz")
    printed = capsys.readouterr().out
    assert "What the passes changed" in printed
    (schedule,) = [line for line in printed.splitlines() if "schedule" in line]
    assert schedule.rstrip(" │").endswith(" 0")
    run(*given, "--calibration", folder / "data.npz", "--json")
    passes = json.loads(capsys.readouterr().out)["passes"]
    assert all(one["spikes_changed"] == 0 for one in passes if not one["rounds"])
    assert "--verify-each: needs --calibration" in refused(capsys, *given)


def test_convert__refuses_a_network_file(files, capsys):
    folder, _, _ = files
    run(folder / "model.safetensors", "--out", folder / "net.h5")
    message = refused(capsys, folder / "net.h5", "--out", folder / "copy.h5")
    assert "net.h5: a network of ssdp-neuro already" in message
    assert not (folder / "copy.h5").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none.safetensors", "--out", "net.h5"], "error: none.safetensors: no such file"),
        (["data.npz", "--out", "net.h5"], "data.npz: not a readable safetensors file"),
        (["weights.pt", "--out", "net.h5"], "hand it to conversions.from_torch"),
        (["model.safetensors", "--out", "missing/net.h5"], "cannot be written"),
        (["model.safetensors", "--out", "model.safetensors"], "different files"),
        (["model.safetensors", "--out", "net.h5", "--report", "r.txt"], ".html and .json"),
        (
            ["model.safetensors", "--out", "net.h5", "--calibration", "model.safetensors"],
            "not a whole NumPy archive",
        ),
        (["model.safetensors", "--out", "net.h5", "--calibration", "other.npz"], "'spikes' is"),
        (["model.safetensors"], "--out"),
    ],
)
def test_convert__refuses_and_leaves_nothing(files, capsys, monkeypatch, arguments, message):
    folder, _, _ = files
    monkeypatch.chdir(folder)
    np.savez("other.npz", images=np.zeros(3))
    Path("weights.pt").write_bytes(b"not read")
    assert message in refused(capsys, *arguments)
    assert not (folder / "net.h5").exists()


def test_convert__reads_no_pickle(files, capsys):
    folder, _, _ = files
    np.savez(folder / "evil.npz", spikes=np.array([{"a": 1}], dtype=object))
    message = refused(
        capsys,
        *(folder / "model.safetensors", "--out", folder / "net.h5"),
        *("--calibration", folder / "evil.npz"),
    )
    assert "not a whole NumPy archive" in message
