import json

import numpy as np
import pytest

from conversions.cli.data import raster_text
from ssdp_neuro.data import DataSettings, load
from tests.ssdp_neuro.data.made_files import mnist_like, words_file


def test_data__counts_samples_and_spikes(command, tmp_path):
    mnist_like(tmp_path, np.random.default_rng(0), per_class=5)
    line = "data idx --folder . --steps 9 --encoding rate --set max_rate=0.5 --set test_limit=8"
    report = json.loads(command(f"{line} --json").out)
    assert report["input_shape"] == [1, 4, 4]
    assert {part: row["samples"] for part, row in report["parts"].items()} == {
        "train": 18,
        "validation": 2,
        "test": 8,
    }
    assert report["parts"]["test"]["per_class"] == [2, 2, 2, 2]
    settings = DataSettings.from_table(report["settings"])
    assert (settings.max_rate, settings.n_steps, settings.test_limit) == (0.5, 9, 8)
    counts = load(settings).train.spikes(range(18)).reshape(18, -1).sum(axis=1)
    row = report["parts"]["train"]
    assert (row["fewest"], row["most"]) == (counts.min(), counts.max())
    assert row["spikes_per_sample"] == pytest.approx(counts.mean())
    assert row["rate"] == pytest.approx(counts.mean() / 9 / 16)


def test_data__shows_groups_a_raster_and_a_figure(command, tmp_path):
    words_file(tmp_path / "words.zip")
    line = "data fsdd --folder . --steps 12 --set channels=5 --held-out bob --figure words.svg"
    ran = command(line)
    assert "test: bob" in ran.out
    assert "12 steps of 3 x 5 inputs" in ran.out
    assert sum(row.startswith("|") for row in ran.out.splitlines()) == 15
    assert (tmp_path / "words.svg").read_text().count("step") >= 3


def test_raster_text__time_to_the_right_inputs_downwards():
    spikes = np.array([[1, 0], [0, 0], [0, 1]], dtype=bool)
    assert raster_text(spikes) == "|#  |\n|  #|"
    many = np.zeros((152, 48), dtype=bool)
    many[:2, :2] = True
    many[2, 0] = True  # a quarter of its place
    rows = raster_text(many).splitlines()
    assert [len(row) for row in rows] == [78] * 24
    assert rows[0].startswith("|#. ")
    assert not "".join(rows[1:]).strip("| ")
    assert set(raster_text(many & False)) == set("| \n")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("data imagenet", "data.name: 'imagenet'; one of"),
        ("data digits --set pools=2", "unknown field 'pools'"),
        ("data digits --set pool", "--set 'pool'; field=value is needed"),
        ("data digits --set pool=many", "data.pool: 'many'"),
        ("data mnist --folder nowhere", "nowhere does not exist"),
        ("data digits --held-out ann", "digits has no speakers or patients"),
        ("data digits --figure a.txt", ".png or .svg is needed"),
    ],
)
def test_data__says_what_is_wrong(command, line, words):
    ran = command(line)
    assert ran.status == 2
    assert words in ran.err
