import dataclasses
import json
import re

import numpy as np
import pytest

from conversions.cli.main import main
from conversions.execution import engine
from hw_models import (
    DenseProjection,
    EpropParams,
    FixedPointNetwork,
    InputPopulation,
    LearningRule,
    LifPopulation,
    RandomStream,
    save,
)
from ssdp_neuro.oracle.simulate import simulate as oracle

pytestmark = pytest.mark.lava


@pytest.fixture
def network(tmp_path, monkeypatch):
    """The network of net.h5, in a folder with spikes.npy (12 steps, 2 samples)."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    made = FixedPointNetwork(
        populations=[
            InputPopulation(name="in", shape=(2,)),
            LifPopulation(name="out", shape=(3,), current_decay=9, voltage_decay=9, threshold=70),
        ],
        projections=[
            DenseProjection(source="in", target="out", weights=[[20, 9], [8, 40], [-9, 31]])
        ],
    )
    save(made, "net.h5")
    np.save("spikes.npy", np.random.default_rng(0).random((2, 12, 2)) < 0.5)
    return made


@pytest.fixture
def verify(network, capsys):
    def run(*arguments):
        with pytest.raises(SystemExit) as stop:
            main(["verify", *arguments])
        out, err = capsys.readouterr()
        return stop.value.code, out, re.sub(r"\s+", " ", err)

    return run


@pytest.mark.kernel
def test_verify__says_equal_in_a_table(verify):
    status, out, _ = verify("net.h5", "--steps", "30")
    assert status == 0
    assert "net.h5: 1 x 30 steps" in out
    assert [out.count(name) for name in ("engine", "Lava", "yes")] == [1, 1, 2]
    assert "Equal: every spike, u and v (330 values)." in out


@pytest.mark.kernel
def test_verify__lets_rules_learn_if_it_is_asked(verify, network):
    rule = LearningRule(dw="x0 - y0", random_stream=RandomStream.LAVA)
    (projection,) = network.projections
    save(network.replace(dataclasses.replace(projection, plasticity=rule)), "rule.h5")
    status, out, _ = verify("rule.h5", "--steps", "30", "--rules")
    assert status == 0
    # spikes, u and v; weights and two tags of six synapses; traces of both ends
    n_values = 30 * (2 + 3 * 3 + 3 * 6 + 2 * 2 + 3 * 3)
    assert f"Equal: every spike, u, v, weight, tag and trace ({n_values:,} values)." in out
    status, _, err = verify("net.h5", "--rules")
    assert (status, "no projection of the network has a LearningRule" in err) == (2, True)


@pytest.mark.kernel
def test_verify__teaches_e_prop_by_the_labels_of_a_file_or_random_ones(verify, network):
    (projection,) = network.projections
    rule = EpropParams(shift=6, wanted=100)
    save(network.replace(dataclasses.replace(projection, plasticity=rule)), "eprop.h5")
    status, out, _ = verify("eprop.h5", "--steps", "30", "--samples", "2", "--rules")
    assert status == 0
    assert "No labels are given: random ones of the 3 neurons of 'out'." in out
    n_values = 2 * 30 * (2 + 3 * 3 + 6 + 2)  # spikes, u and v; weights, and traces of sources
    assert f"Equal: every spike, u, v, weight and trace ({n_values:,} values)." in out
    shown = np.load("spikes.npy")
    np.savez("digits.npz", spikes=shown, labels=[1, 2])
    file = ("--steps", "12", "--spikes", "digits.npz", "--rules")
    status, out, _ = verify("eprop.h5", *file)
    assert (status, "No labels" in out) == (0, False)
    np.savez("digits.npz", spikes=shown, labels=[1, 3])
    status, _, err = verify("eprop.h5", *file)
    assert (status, "labels: value 3 at index (1,); allowed 0..2" in err) == (2, True), err


def test_verify__json_is_one_object(verify, network):
    status, out, _ = verify("net.h5", "--steps", "12", "--spikes", "spikes.npy", "--json")
    said = json.loads(out)
    expected = oracle(network, np.load("spikes.npy"), n_steps=12).counts.spikes
    assert status == 0
    assert said["equal"] is True
    assert said["first_difference"] is None
    assert (said["n_samples"], said["n_steps"]) == (2, 12)
    assert list(said["executors"]) == ["oracle", "engine", "lava"]
    for executor in said["executors"].values():
        assert executor["spikes"] == sum(expected.values()) > 0


def test_verify__runs_lavas_runtime(verify, tmp_path):
    stranger = tmp_path / "conversions.py"  # of the same name, in the working directory
    stranger.write_text("raise SystemExit('the wrong module')")
    arguments = ("--steps", "5", "--rate", "0.4", "--samples", "1", "--seed", "3")
    status, out, _ = verify("net.h5", *arguments, "--runtime", "--json")
    assert status == 0
    assert list(json.loads(out)["executors"]) == ["oracle", "engine", "lava_runtime"]


def test_verify__shows_a_difference(verify, network, monkeypatch):
    def broken(executable):
        slower = dataclasses.replace(executable.network.population("out"), voltage_decay=10)
        changed = executable.network.replace(slower)
        return lambda given, n_steps, probes: oracle(changed, given, n_steps=n_steps, probes=probes)

    monkeypatch.setattr(engine, "prepare", broken)
    status, out, _ = verify("net.h5", "--steps", "12", "--spikes", "spikes.npy")
    assert status == 1
    assert re.search(
        r"First difference: v of 'out', sample \d, step \d+, neuron \d: oracle -?\d+, engine -?\d+,"
        r"\s+Lava -?\d+",
        out,
    )
    assert [out.count(word) for word in (" no ", " yes ")] == [1, 1]
    status, out, _ = verify("net.h5", "--steps", "12", "--spikes", "spikes.npy", "--json")
    said = json.loads(out)
    assert (status, said["equal"], said["executors"]["engine"]["equal"]) == (1, False, False)
    values = said["first_difference"]["values"]
    assert values["oracle"] == values["lava"] != values["engine"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nowhere.h5"], "nowhere.h5"),
        (["spikes.npy"], "spikes.npy"),
        (["net.h5", "--rate", "2"], "allowed 0..1"),
        (["net.h5", "--steps", "0"], "n_steps: 0"),
        (["net.h5", "--spikes", "spikes.npy", "--rate", "0.1"], "--spikes and --rate"),
        (["net.h5", "--spikes", "spikes.npy", "--steps", "9"], "shape (2, 12, 2)"),
        (["net.h5", "--spikes", "nowhere.npy"], "nowhere.npy"),
    ],
    ids=str,
)
def test_verify__refuses(verify, arguments, says):
    status, _, err = verify(*arguments)
    assert status == 2
    assert says in err


def test_verify__help_has_examples(verify):
    status, out, _ = verify("--help")
    assert status == 0
    assert "ssdp-neuro verify net.h5 --steps 50 --samples 4" in out
