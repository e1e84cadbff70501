import json
import re
from pathlib import Path

import numpy as np
import pytest

from hw_models import load
from tests.ssdp_neuro.data.made_files import mnist_like

QUICK = """
[data]
name = "digits"
n_steps = 8
encoding = "regular"
train_limit = 200
validation_limit = 50
test_limit = 50
[model]
hidden = [16]
[training]
epochs = 2
batch_size = 25
threads = 1
"""


@pytest.fixture
def quick(command):
    """Run commands where quick.toml is."""
    Path("quick.toml").write_text(QUICK)
    return command


def test_train__prints_epochs_and_how_to_convert_the_best(quick):
    ran = quick("train --config quick.toml --out runs/a")
    assert (ran.status, ran.err) == (0, "")
    for words in ("epoch 1: loss", "validation", "test accuracy", "time per epoch", "best"):
        assert words in ran.out
    line = re.search(r"ssdp-neuro (convert .*)$", ran.out, re.MULTILINE).group(1)
    assert quick(line).status == 0
    assert load("runs/a/network.h5").population("output").n_neurons == 10


def test_train__json_is_the_result_and_resume_gives_it_again(quick):
    line = "train --config quick.toml --out a --set training.epochs=1 --json"
    ran = quick(line)
    report = json.loads(ran.out)
    assert len(report["history"]) == 1
    assert json.loads(quick(f"{line} --resume").out) == report
    assert json.loads(Path("a/result.json").read_text())["config"]["training"]["epochs"] == 1
    again = quick("train --config a/config.toml --out b --json")
    assert json.loads(again.out)["history"] == report["history"]


def test_train__fields_and_example_name_every_section(quick):
    fields = quick("train --fields").out
    quick("train --example new.toml")
    example = Path("new.toml").read_text()
    for text in (fields, example):
        for section in ("[data]", "[model]", "[rule]", "[optimizer]", "[training]"):
            assert section in text
    assert 'kind = "adamw"' in example


def test_train__out_is_named_after_the_config(quick):
    assert quick("train --config quick.toml --set training.epochs=1").status == 0
    assert Path("runs/quick/best.safetensors").is_file()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("", "--config: needed"),
        ("--config nowhere.toml", "nowhere.toml"),
        ("--config quick.toml --set training.epoch=3", "did you mean 'epochs'"),
        ("--config quick.toml --set training.epochs=three", 'epochs: "three"; integer'),
        ("--config quick.toml --set data.name=digit", "data.name: 'digit'"),
        ("--config quick.toml --set training.device=cuda", "finds no GPU"),
        ("--config quick.toml --set model.kind=convolutional --set model.hidden=[]", "hidden"),
        ("""--config quick.toml --set rule.kind=ssdp --set 'rule.layers=["out"]'""", "'output'"),
        ("--config quick.toml --out used", "--resume"),
        ("--example quick.toml", "exists already"),
    ],
)
def test_train__a_users_mistake_is_one_message_and_status_2(quick, monkeypatch, arguments, words):
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    Path("used").mkdir()
    Path("used/result.json").write_text("{}")
    ran = quick(f"train {arguments}")
    assert ran.status == 2
    assert words in ran.err
    assert "Traceback" not in ran.err


def test_train__truncated_data_are_named(quick):
    Path("data").mkdir()
    mnist_like(Path("data"), np.random.default_rng(0), per_class=6)
    (images,) = Path("data").glob("train-images*")
    images.write_bytes(images.read_bytes()[:200])
    ran = quick("train --config quick.toml --set data.name=idx --set data.folder=data")
    assert ran.status == 2
    assert images.name in ran.err
    assert not Path("runs").exists()


def test_train__only_the_first_rank_speaks(quick, monkeypatch):
    monkeypatch.setenv("RANK", "1")
    ran = quick("train --config quick.toml --set training.epochs=1 --json")
    assert (ran.status, ran.out) == (0, "")
