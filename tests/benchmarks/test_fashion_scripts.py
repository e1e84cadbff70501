"""The scripts on Fashion-MNIST, one after the other, on images of four pixels by four."""

import json
import sys

import numpy as np
import pytest
import torch

from benchmarks import fashion_fine_tuned, fashion_robustness, fashion_rules
from tests.ssdp_neuro.data.made_files import mnist_like

# these images are of four classes of ten
pytestmark = pytest.mark.filterwarnings("ignore:data.train.labels.*no sample of 6 of the 10")
BEST = "best.safetensors"
RULES, SEEDS = ("none", "ssdp", "da-ssdp"), (0, 1)


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    """Folders of the images and of runs by :mod:`benchmarks.fashion_rules`."""
    images, runs, out = (tmp_path_factory.mktemp(name) for name in ("images", "runs", "out"))
    mnist_like(images, np.random.default_rng(0), per_class=5)
    arguments = ["--seeds", *map(str, SEEDS), "--rules", *RULES, "--epochs", "1"]
    call(fashion_rules, images, runs, out, *arguments)
    return images, runs, out


def call(script, images, runs, out, *arguments):
    given = ["", "--folder", str(images), "--runs", str(runs), "--out", str(out), *arguments]
    before, precision = sys.argv, torch.get_float32_matmul_precision()
    sys.argv = given
    try:
        script.main()
    finally:
        sys.argv = before
        torch.set_float32_matmul_precision(precision)


def only(out, pattern):
    (path,) = out.glob(pattern)
    return path.read_text(encoding="utf-8")


def test_fashion_rules__takes_what_is_there(places, tmp_path):
    images, runs, _ = places
    result = runs / "none-0" / "result.json"
    table = json.loads(result.read_text(encoding="utf-8"))
    changed = tmp_path / "runs"
    for seed, accuracy in zip(SEEDS, (0.5, 0.75), strict=True):
        (changed / f"recurrent-none-{seed}").mkdir(parents=True)
        described = json.dumps({**table, "test_accuracy": accuracy})
        (changed / f"recurrent-none-{seed}" / "result.json").write_text(described)
    arguments = ["--seeds", "0", "1", "--rules", "none", "--network", "recurrent"]
    call(fashion_rules, images, changed, tmp_path, *arguments)
    assert "| none | 62.50 ± 17.68 | 50.00 75.00 |" in only(
        tmp_path, "fashion_rules_recurrent_*.md"
    )
    assert sorted(path.name for path in runs.iterdir()) == sorted(
        f"{rule}-{seed}" for rule in RULES for seed in SEEDS
    )


def test_fashion_rules__tables_differ_by_network_only():
    forward, recurrent = (
        fashion_rules.tables("here", "ssdp", 3, fashion_rules.CONSTANTS, 4, network=network)
        for network in fashion_rules.NETWORKS
    )
    assert forward["model"].pop("kind") == "feed-forward"
    assert recurrent["model"].pop("kind") == "recurrent"
    assert forward == recurrent


def test_fashion_robustness__measures_each_rule_under_each_disturbance(places):
    images, runs, out = places
    arguments = ["--seeds", *map(str, SEEDS), "--samples", "20"]
    call(fashion_robustness, images, runs, out, *arguments)
    found = json.loads(only(out, "fashion_robustness_*.json"))["accuracy"]
    assert len(found) == len(fashion_robustness.DISTURBANCES)
    for rule in RULES:  # undisturbed it is the accuracy that training has measured
        trained = [
            100 * json.loads((runs / f"{rule}-{s}" / "result.json").read_text())["test_accuracy"]
            for s in SEEDS
        ]
        assert found["none"][rule] == pytest.approx(trained)
    assert found["lost 0.5"] != found["none"]


def test_fashion_fine_tuned__finds_in_the_engine_what_training_measured(places):
    images, runs, out = places
    call(fashion_fine_tuned, images, runs, out, "--seeds", "0", "1", "--lava", "0")
    found = json.loads(only(out, "fashion_fine_tuned_*.json"))
    assert found["executors"]["pytorch_integers"]["first_difference"] is None
    for one, seed in zip(found["runs"], SEEDS, strict=True):
        result = json.loads((runs / f"integers-{seed}" / "result.json").read_text())
        assert result["config"]["model"]["start_from"] == str(runs / f"none-{seed}" / BEST)
        assert one["accuracy"]["engine"] == result["test_accuracy"]
