import json
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest

from hw_models import FixedPointNetwork, InputPopulation, LifPopulation, load, save
from ssdp_neuro import simulate


def test_simulate__reports_what_the_engine_says(command):
    report = json.loads(command("simulate net.h5 --steps 20 --spikes spikes.npy --json").out)
    run = simulate(load("net.h5"), np.load("spikes.npy"), n_steps=20)
    hidden = report["populations"]["hidden"]
    first = run.first_spikes("hidden")
    assert hidden["spikes"] == run.counts.spikes["hidden"] == run.raster("hidden").sum() > 0
    assert hidden["rate"] == run.raster("hidden").mean()
    assert hidden["fired"] == (first < 20).mean()
    assert hidden["earliest_first_spike"] == first.min()
    assert hidden["median_first_spike"] == np.median(first[first < 20])
    assert report["synaptic_operations"] == run.counts.synaptic_operations
    assert (report["n_samples"], report["n_steps"], report["network"]) == (3, 20, "net.h5")


def test_simulate__writes_events_and_probes(command):
    ran = command(
        "simulate net.h5 --steps 20 --spikes spikes.npy --probe hidden.v --probe hidden.u"
        " --out run.npz"
    )
    assert "written: run.npz" in ran.out
    run = simulate(
        load("net.h5"),
        np.load("spikes.npy"),
        n_steps=20,
        probes=[("hidden", "v"), ("hidden", "u")],
    )
    with np.load("run.npz", allow_pickle=False) as stored:
        for name in ("pixels", "hidden"):
            assert np.array_equal(stored[f"events/{name}"], run.events(name))
        for variable in "uv":
            assert np.array_equal(stored[f"probe/hidden.{variable}"], run.probe("hidden", variable))
        assert json.loads(str(stored["report"]))["n_samples"] == 3
    names = sorted(path.name for path in Path().iterdir())
    assert names == ["digits.h5", "net.h5", "run.npz", "spikes.npy"]


def test_simulate__random_input_is_a_function_of_the_seed(command):
    lines = [f"simulate net.h5 --steps 9 --rate 0.4 --samples 2 --json --seed {s}" for s in (1, 2)]
    reports = [json.loads(command(line).out) for line in [*lines, f"{lines[0]} --threads 2"]]
    for report in reports:
        del report["seconds"]
    assert reports[0] == reports[2]
    assert reports[0]["populations"] != reports[1]["populations"]


def test_simulate__npz_holds_one_array_per_input_population(command):
    np.savez("named.npz", pixels=np.load("spikes.npy"))
    lines = [f"simulate net.h5 --steps 20 --json --spikes {f}" for f in ("named.npz", "spikes.npy")]
    populations = [json.loads(command(line).out)["populations"] for line in lines]
    assert populations[0] == populations[1]


def test_simulate__takes_an_npz_of_labelled_samples_as_every_command_does(command):
    spikes = np.load("spikes.npy")
    about = {"labels": [0, 1, 0], "test": [True] * 3, "classes": ["a", "b"], "groups": [1, 1, 2]}
    np.savez("samples.npz", spikes=spikes, **about)
    lines = [
        f"simulate net.h5 --steps 20 --json --spikes {f}" for f in ("samples.npz", "spikes.npy")
    ]
    populations = [json.loads(command(line).out)["populations"] for line in lines]
    assert populations[0] == populations[1]


def test_simulate__network_without_inputs_needs_no_spikes(command):
    neuron = LifPopulation(
        name="a", shape=(1,), current_decay=0, voltage_decay=0, threshold=1, bias_mantissa=100
    )
    save(FixedPointNetwork(populations=[neuron], projections=[]), "alone.h5")
    report = json.loads(command("simulate alone.h5 --steps 10 --json").out)
    assert report["populations"]["a"]["spikes"] == 10


def test_simulate__table_names_the_populations(command):
    out = command("simulate net.h5 --steps 20 --rate 0").out
    assert "hidden" in out
    assert "pixels->hidden: 0 synaptic operations" in out
    assert "1 x 20 steps" in out


def wrong_files():
    """Files that are not what they should be."""
    np.save("floats.npy", np.full((20, 8), 0.5))
    np.save("nan.npy", np.full((20, 8), np.nan))
    np.save("shape.npy", np.zeros((20, 9), dtype=bool))
    np.save("late.npy", np.array([[3, 0], [20, 1]]))
    np.save("pickled.npy", np.array([None]), allow_pickle=True)
    np.savez("names.npz", pixels=np.zeros((20, 8), bool), others=np.zeros((20, 8), bool))
    Path("text.npy").write_text("step,index\n0,1\n")
    Path("empty.npy").write_bytes(b"")
    Path("cut.npy").write_bytes(Path("spikes.npy").read_bytes()[:200])
    with zipfile.ZipFile("foreign.npz", "w") as archive:
        archive.writestr("readme.txt", "hello")
    Path("text.h5").write_text("hello")
    Path("cut.h5").write_bytes(Path("net.h5").read_bytes()[:600])
    with h5py.File("foreign.h5", "w") as file:
        file["x"] = 1
    Path("folder").mkdir()
    population = [InputPopulation(name=name, shape=(2,)) for name in "ab"]
    save(FixedPointNetwork(populations=population, projections=[]), "two.h5")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("missing.h5 --steps 5 --rate 0.1", "missing.h5"),
        ("folder --steps 5 --rate 0.1", "folder"),
        ("text.h5 --steps 5 --rate 0.1", "text.h5"),
        ("cut.h5 --steps 5 --rate 0.1", "cut.h5"),
        ("foreign.h5 --steps 5 --rate 0.1", "foreign.h5"),
        ("net.h5 --steps 20 --spikes missing.npy", "missing.npy: No such file"),
        ("net.h5 --steps 20 --spikes folder", "folder: Is a directory"),
        ("net.h5 --steps 20 --spikes text.npy", "text.npy: not a NumPy file"),
        ("net.h5 --steps 20 --spikes empty.npy", "empty.npy: not a NumPy file"),
        ("net.h5 --steps 20 --spikes cut.npy", "cut.npy: not a NumPy file"),
        ("net.h5 --steps 20 --spikes pickled.npy", "pickled.npy: not a NumPy file"),
        ("net.h5 --steps 20 --spikes foreign.npz", "foreign.npz"),
        ("net.h5 --steps 20 --spikes names.npz", "arrays ['others', 'pixels']"),
        ("two.h5 --steps 20 --spikes spikes.npy", "2 input populations"),
        ("net.h5 --steps 20 --spikes floats.npy", "value 0.5 at index (0, 0)"),
        ("net.h5 --steps 20 --spikes nan.npy", "value nan at index (0, 0)"),
        ("net.h5 --steps 20 --spikes shape.npy", "(20, 9)"),
        ("net.h5 --steps 20 --spikes late.npy", "step 20; allowed 0..19"),
        ("net.h5 --steps 19 --spikes spikes.npy", "(3, 20, 8)"),
        ("net.h5 --steps 0 --rate 0.1", "n_steps: 0"),
        ("net.h5 --steps -3 --rate 0.1", "n_steps: -3"),
        ("net.h5 --steps 5.5 --rate 0.1", "--steps"),
        ("net.h5 --steps 99999999999 --rate 0.1", "n_steps: 99999999999"),
        ("net.h5 --steps 5 --rate 1.5", "rate: 1.5"),
        ("net.h5 --steps 5 --rate nan", "rate: nan"),
        ("net.h5 --steps 5", "--spikes or --rate is needed"),
        ("net.h5 --steps 20 --rate 0.1 --spikes spikes.npy", "not both"),
        ("net.h5 --steps 20 --samples 2 --spikes spikes.npy", "only with --rate"),
        ("net.h5 --steps 5 --rate 0.1 --samples 0", "n_samples: 0"),
        ("net.h5 --steps 5 --rate 0.1 --seed -1", "seed: -1"),
        ("net.h5 --steps 5 --rate 0.1 --threads 0", "n_threads: 0"),
        ("net.h5 --steps 5 --rate 0.1 --probe hidden", "--probe 'hidden'"),
        ("net.h5 --steps 5 --rate 0.1 --probe hidden.w", "('hidden', 'w')"),
        ("net.h5 --steps 5 --rate 0.1 --probe pixels.v", "('pixels', 'v')"),
        ("net.h5 --steps 5 --rate 0.1 --probe other.v", "no population named 'other'"),
        ("net.h5 --steps 5 --rate 0.1 --out nowhere/run.npz", "nowhere/run.npz"),
        ("net.h5 --steps 5 --rate 0.1 --out r.txt", "--out r.txt: a name that ends in .npz"),
        ("net.h5 --rate 0.1", "--steps"),
    ],
)
def test_simulate__a_users_mistake_is_one_message_and_status_2(command, arguments, words):
    wrong_files()
    ran = command(f"simulate {arguments}")
    assert ran.status == 2
    assert words in ran.err
    assert "Traceback" not in ran.err
    assert ran.out == ""
