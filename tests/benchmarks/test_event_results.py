import json
import sys

import numpy as np
import pytest

from benchmarks import event_results
from benchmarks.event_report import mean_and_spread
from tests.ssdp_neuro.data.made_files import recordings_file

CONFIG = """
[data]
name = "nmnist"
n_steps = 5
pool = 17
validation = 0.3

[model]
hidden = [6]
voltage_decay = 512
quantize_from_epoch = 0

[training]
epochs = 1
class_balance = 1.0
"""


@pytest.fixture
def places(tmp_path, monkeypatch):
    """A small config in the place of the example's, and random recordings of ten digits."""
    for name in ("configs", "data/nmnist"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "configs" / "nmnist.toml").write_text(CONFIG)
    rng = np.random.default_rng(0)
    recordings_file(tmp_path / "data" / "nmnist" / "some.zip", rng, per_class=2, n_classes=10)
    monkeypatch.setattr(event_results, "CONFIGS", tmp_path / "configs")
    given = ["", "--only", "nmnist", "--seeds", "4", "5", "--lava", "1"]
    for name in ("folder", "runs", "out"):
        given += [f"--{name}", str(tmp_path / ("data" if name == "folder" else name))]
    monkeypatch.setattr(sys, "argv", given)
    return tmp_path


def test_event_results__records_what_training_engine_and_lava_found(places):
    event_results.main()
    (path,) = (places / "out").glob("*.json")
    (case,) = json.loads(path.read_text())["cases"]
    runs = [places / "runs" / f"nmnist-{seed}" / "result.json" for seed in (4, 5)]
    trained = [json.loads(run.read_text()) for run in runs]
    assert [one["config"]["training"]["seed"] for one in trained] == [4, 5]
    assert case["accuracy"]["engine"] == [100 * one["test_accuracy"] for one in trained]
    assert case["first_difference"]["Lava"] is None
    assert case["balanced_floor"]["tested on"] == case["floor"]["tested on"] == 20
    assert case["samples"] == {"train": 14, "validation": 6, "test": 20}
    for recalls, accuracy in zip(case["recalls"], case["accuracy"]["engine"], strict=True):
        assert np.mean(recalls) == pytest.approx(accuracy)  # classes of equal size
    text = path.with_suffix(".md").read_text()
    assert f"**{mean_and_spread(case['accuracy']['engine'])}**" in text
    assert "all equal (2 x 1 samples)" in text


def test_mean_and_spread__is_that_of_a_sample():
    assert mean_and_spread([80.0, 84.0]) == "82.0 ± 2.8"
    assert mean_and_spread([80.0]) == "80.0 ± 0.0"
