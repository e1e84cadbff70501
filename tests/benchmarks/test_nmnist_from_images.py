import json
import sys

import numpy as np
import pytest

from benchmarks import event_results, nmnist_from_images
from tests.ssdp_neuro.data.made_files import mnist_like, recordings_file

DATA = """
[data]
n_steps = 5
pool = 17
validation = 0.3
"""
MODEL = """
[model]
hidden = [6]
voltage_decay = 512
"""


@pytest.fixture
def places(tmp_path, monkeypatch):
    """Small configs in the place of the examples', images, and random recordings."""
    for name in ("configs", "data/nmnist", "data/mnist"):
        (tmp_path / name).mkdir(parents=True)
    first = 'name = "mnist"\nencoding = "saccades"\nlevels = 8\ntrain_from = 4\n'
    second = "quantize_from_epoch = 0\n"
    (tmp_path / "configs" / "nmnist_from_images.toml").write_text(
        DATA + first + MODEL + "[training]\nepochs = 1\n"
    )
    (tmp_path / "configs" / "nmnist_from_images_second.toml").write_text(
        DATA + 'name = "nmnist"\n' + MODEL + second + "[training]\nepochs = 1\n"
    )
    rng = np.random.default_rng(0)
    recordings_file(tmp_path / "data" / "nmnist" / "some.zip", rng, per_class=2, n_classes=10)
    mnist_like(tmp_path / "data" / "mnist", rng, per_class=4, n_classes=10, side=28)
    monkeypatch.setattr(event_results, "CONFIGS", tmp_path / "configs")
    given = ["", "--seeds", "4", "5", "6", "--before", "1", "2", "--lava", "1"]
    for name in ("folder", "runs", "out"):
        given += [f"--{name}", str(tmp_path / ("data" if name == "folder" else name))]
    monkeypatch.setattr(sys, "argv", given)
    return tmp_path


def test_nmnist_from_images__seeds_go_on_from_what_was_before_in_turn(places):
    nmnist_from_images.main()
    (path,) = (places / "out").glob("*.json")
    table = json.loads(path.read_text())
    (case,) = table["cases"]
    for seed, seed_before in ((4, 1), (5, 2), (6, 1)):
        first, second = (
            json.loads((places / "runs" / name / "result.json").read_text())
            for name in (f"nmnist_from_images-{seed_before}", f"nmnist_from_images_second-{seed}")
        )
        assert second["config"]["model"]["start_from"] == first["best"]
        assert second["config"]["training"]["seed"] == seed
        assert first["config"]["training"]["seed"] == seed_before
        assert first["config"]["data"]["train_from"] == 4
    assert [one["data"]["name"] for one in case["before"]] == ["mnist", "mnist"]
    assert case["first_difference"]["Lava"] is None
    assert case["samples"] == {"train": 14, "validation": 6, "test": 20}
    assert table["likeness"]["latest image"] == 19
    assert 0 < table["likeness"]["recorded spikes that are simulated"] < 1
    for text in (path.read_text(), path.with_suffix(".md").read_text()):
        assert str(places) not in text
    assert "recordings are of images 0 to 19" in path.with_suffix(".md").read_text()


def test_nmnist_from_images__refuses_recordings_of_other_images(places):
    mnist_like(places / "data" / "mnist", np.random.default_rng(0), per_class=8, n_classes=5)
    with pytest.raises(ValueError, match="not the recordings of these images"):
        nmnist_from_images.main()
