import json
import subprocess
import sys

import pytest

from conversions.cli.main import main
from hw_models import load
from ssdp_neuro.training import load_model

pytestmark = pytest.mark.lava

RUN = "import sys; from conversions.cli.main import main; main(sys.argv[1:])"


@pytest.fixture(scope="module")
def quick_demo(tmp_path_factory):
    """The command with every option, once, as a user runs it."""
    folder = tmp_path_factory.mktemp("quick")
    options = ["--quick", "--json", "--report", "demo.html", "--save", "saved", "--seed", "1"]
    finished = subprocess.run(
        [sys.executable, "-c", RUN, "demo", *options],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert finished.returncode == 0, finished.stderr
    return folder, finished


def test_demo__json_is_exactly_one_object_on_stdout(quick_demo):
    _, finished = quick_demo
    result = json.loads(finished.stdout)
    assert finished.stdout.count("\n") == 1
    assert result["lava_equal"] is True
    assert result["accuracy_float"] > 0.9
    assert abs(result["accuracy_fixed"] - result["accuracy_float"]) <= 0.01
    gain = result["accuracy_after_learning"] - result["accuracy_before_learning"]
    assert gain > 0.03
    assert 0 < result["seconds"] < 240
    assert result["seed"] == 1


def test_demo__says_on_stderr_what_it_does(quick_demo):
    _, finished = quick_demo
    for word in ("Training", "Converting", "engine", "Learning", "Lava"):
        assert word in finished.stderr


def test_demo__writes_report_and_files(quick_demo):
    folder, _ = quick_demo
    assert (folder / "demo.html").read_text().startswith("<!DOCTYPE html>")
    assert load_model(folder / "saved" / "digits.safetensors").input_shape == (1, 8, 8)
    assert load(folder / "saved" / "digits.h5").population("output").n_neurons == 8
    assert load(folder / "saved" / "digits_learned.h5").population("output").n_neurons == 10


def test_convert__takes_what_the_demo_saved(quick_demo, capsys):
    folder, _ = quick_demo
    saved = folder / "saved"
    main_exit = 0
    try:
        main(["convert", str(saved / "digits.safetensors"), "--out", str(folder / "net.h5")])
    except SystemExit as exit_:
        main_exit = exit_.code or 0
    assert main_exit == 0
    assert load(folder / "net.h5").population("hidden").n_neurons == 128


def test_verify__takes_the_held_out_digits_as_the_demo_advises(quick_demo, capsys):
    folder, _ = quick_demo
    saved = folder / "saved"
    files = [str(saved / "digits.h5"), "--spikes", str(saved / "held_out.npz")]
    with pytest.raises(SystemExit) as exit_:
        main(["simulate", *files, "--json"])
    assert not exit_.value.code
    report = json.loads(capsys.readouterr().out)
    assert (report["n_samples"], report["n_steps"], report["notes"]) == (450, 20, [])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--seed", "-1"], "--seed"),
        (["--seed", str(2**31)], "DemoSettings.seed"),
        (["--report", "missing/demo.html"], "there is no folder"),
        (["--save", "a_file"], "a_file: File exists"),
    ],
)
def test_demo__refuses_at_once(tmp_path, monkeypatch, capsys, options, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a_file").touch()
    with pytest.raises(SystemExit) as exit_:
        main(["demo", *options])
    assert exit_.value.code == 2
    assert message in capsys.readouterr().err
