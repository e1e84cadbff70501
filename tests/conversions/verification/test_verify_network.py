import dataclasses

import numpy as np
import pytest

from conversions import Executor, verify
from conversions.verification.differences import compare_results
from conversions.verification.verify_network import Verification
from hw_models import (
    DenseProjection,
    FixedPointNetwork,
    InputError,
    InputPopulation,
    LifPopulation,
    TypeMismatchError,
)
from ssdp_neuro.oracle.simulate import simulate as oracle

pytestmark = [pytest.mark.lava, pytest.mark.kernel]

NETWORK = FixedPointNetwork(
    populations=[
        InputPopulation(name="in", shape=(2,)),
        LifPopulation(name="mid", shape=(3,), current_decay=9, voltage_decay=9, threshold=70),
        LifPopulation(name="out", shape=(2,), current_decay=9, voltage_decay=9, threshold=40),
    ],
    projections=[
        DenseProjection(source="in", target="mid", weights=[[20, 9], [8, 40], [-9, 31]]),
        DenseProjection(source="mid", target="out", weights=[[31, 2, 3], [4, 5, 36]]),
    ],
)
SPIKES = np.random.default_rng(2).random((3, 20, 2)) < 0.4


def test_verify__says_equal():
    outcome = verify(NETWORK, SPIKES, 20)
    assert outcome.equal
    assert outcome.executors == (Executor.ORACLE, Executor.ENGINE, Executor.LAVA)
    assert outcome.first_difference is None
    assert outcome.unequal == ()
    assert (outcome.n_samples, outcome.n_steps) == (3, 20)
    assert outcome.n_values == 3 * 20 * (2 + 3 * (3 + 2))  # all spikes, u and v of 5 neurons
    assert len(set(outcome.spikes.values())) == 1
    assert "oracle, engine, Lava agree on all 1020 values" in str(outcome)
    assert repr(outcome) == f"Verification({outcome})"
    page = outcome._repr_html_()
    assert f"<caption>{outcome}; 3 samples of 20 steps</caption>" in page
    assert page.count("<td>equal</td>") == 2


def test_verify__compares_the_probes_asked_for():
    executors = [Executor.ENGINE, Executor.ORACLE]
    outcome = verify(NETWORK, SPIKES[0], 20, probes=[("out", "v")], executors=executors)
    assert outcome.executors == tuple(executors)
    assert (outcome.n_samples, outcome.n_values) == (1, 20 * (2 + 3 + 2 + 2))


def changed(name, **fields):
    return NETWORK.replace(dataclasses.replace(NETWORK.population(name), **fields))


def test_compare_results__finds_the_first_place_and_what_came_first_in_it():
    probes = [(name, variable) for name in ("out", "mid") for variable in "vu"]
    same, other = (
        oracle(network, SPIKES, n_steps=20, probes=probes)
        for network in (NETWORK, changed("mid", current_decay=900))
    )
    differs = same.probe("mid", "u") != other.probe("mid", "u")
    sample, step, neuron = np.argwhere(differs)[0]
    of_v = same.probe("mid", "v") != other.probe("mid", "v")
    of_spikes = same.raster("mid") != other.raster("mid")
    assert np.argwhere(of_v)[0].tolist() == [sample, step, neuron]  # in the same place
    assert tuple(np.argwhere(of_spikes)[0][:2]) > (sample, step)  # later
    results = {Executor.ORACLE: same, Executor.ENGINE: same, Executor.LAVA: other}
    n_values, unequal, difference = compare_results(results, probes)
    assert n_values == 1020
    assert unequal == (Executor.LAVA,)
    assert (difference.population, difference.variable) == ("mid", "u")
    assert (difference.sample, difference.step, difference.neuron) == (sample, step, neuron)
    assert difference.values == {
        Executor.ORACLE: same.probe("mid", "u")[sample, step, neuron],
        Executor.ENGINE: same.probe("mid", "u")[sample, step, neuron],
        Executor.LAVA: other.probe("mid", "u")[sample, step, neuron],
    }
    assert str(difference).startswith(f"u of 'mid', sample {sample}, step {step}, neuron {neuron}:")


def test_compare_results__sees_a_spike_without_probes():
    same, other = (oracle(n, SPIKES, n_steps=20) for n in (NETWORK, changed("out", threshold=41)))
    differs = same.raster("out") != other.raster("out")
    sample, step, neuron = np.argwhere(differs)[0]
    results = {Executor.ENGINE: same, Executor.LAVA: other}
    _, unequal, difference = compare_results(results, [])
    assert unequal == (Executor.LAVA,)
    assert (difference.population, difference.variable) == ("out", "spikes")
    assert (difference.sample, difference.step, difference.neuron) == (sample, step, neuron)
    assert difference.values == {Executor.ENGINE: 1, Executor.LAVA: 0}


def test_verification__shows_who_differs():
    runs = [oracle(n, SPIKES, n_steps=20) for n in (NETWORK, changed("out", threshold=41))]
    results = dict(zip((Executor.ENGINE, Executor.LAVA), runs, strict=True))
    n_values, unequal, difference = compare_results(results, [])
    outcome = Verification(
        executors=tuple(results),
        n_samples=3,
        n_steps=20,
        n_values=n_values,
        spikes=dict.fromkeys(results, 1234),
        seconds=dict.fromkeys(results, 0.5),
        unequal=unequal,
        first_difference=difference,
    )
    assert repr(outcome) == f"Verification(engine, Lava differ first in {difference})"
    page = outcome._repr_html_()
    assert "<tr><td>engine</td><td>1,234</td><td>0.50</td><td>the first</td></tr>" in page
    assert "<tr><td>Lava</td><td>1,234</td><td>0.50</td><td>differs</td></tr>" in page


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        ({"network": 3}, TypeMismatchError, "FixedPointNetwork is needed"),
        ({"executors": ["engine", "lava"]}, TypeMismatchError, "Executor is needed"),
        ({"executors": [Executor.LAVA, Executor.LAVA]}, InputError, "at least two"),
        ({"spikes": SPIKES * 0.5}, InputError, "value 0.5 at index"),
    ],
    ids=["network", "strings", "one executor", "spikes"],
)
def test_verify__refuses(change, error, says):
    arguments = {"network": NETWORK, "spikes": SPIKES, "n_steps": 20, **change}
    with pytest.raises(error, match=says):
        verify(**arguments)
