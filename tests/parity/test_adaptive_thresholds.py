"""Thresholds that rise with a spike: by hand, in every executor, beside real numbers."""

import dataclasses

import numpy as np
import pytest
import torch

from conversions import Executor, to_netx, verify
from conversions.cli.info import description
from hw_models import (
    LOIHI1,
    LOIHI2,
    ConversionError,
    DenseProjection,
    FixedPointNetwork,
    InputPopulation,
    LifPopulation,
    RangeError,
    ResetMode,
    check,
    load,
    same_record,
    save,
)
from ssdp_neuro import Session, SessionState, simulate
from ssdp_neuro.rules.teacher_input import with_teacher
from ssdp_neuro.training import Adaptation, CubaLif
from tests.parity.test_eprop_learning import digits_network

pytestmark = pytest.mark.kernel


def driven(n=1, amount=100, **fields):
    """Neurons without memory that are given ``amount`` in every step of an input spike."""
    lif = {"current_decay": 4095, "voltage_decay": 4096, "threshold": 50, **fields}
    return FixedPointNetwork(
        populations=[
            InputPopulation(name="in", shape=(n,)),
            LifPopulation(name="out", shape=(n,), **lif),
        ],
        projections=[
            DenseProjection(source="in", target="out", weights=amount * np.eye(n, dtype=int))
        ],
    )


@pytest.mark.parametrize(
    ("fields", "fires"),
    [
        ({"threshold_rise": 30}, [1, 2]),  # 50, 80, then 110 for ever
        ({"threshold_rise": 30, "refractory": 2}, [1, 4]),
        # 50 | 50 + 30 / 2 | 50 + 45 / 2 ... 50 + 60 / 2 at most
        ({"threshold_rise": 30, "threshold_decay": 2048}, [1, 2, 3, 4, 5, 6, 7, 8, 9]),
        # 50 | 50 + 70 / 2 | 50 + 105 / 2: no | 50 + 105 / 4 | 50 + 96.25 / 2 | 50 + 118 / 2: no
        ({"threshold_rise": 70, "threshold_decay": 2048}, [1, 2, 4, 5, 7, 8]),
        ({"threshold_rise": 2**17 - 1, "threshold_decay": 4096}, [1, 2, 3, 4, 5, 6, 7, 8, 9]),
        ({"threshold_rise": 30, "reset_interval": 4}, [1, 2, 3, 4, 7, 8]),
        ({"threshold_rise": 30, "reset": ResetMode.SUBTRACT}, [1, 2]),
    ],
)
def test_threshold__rises_and_falls_as_counted_by_hand(fields, fires):
    network = driven(**fields)
    spikes = np.ones((10, 1), bool)
    fired = simulate(network, spikes, n_steps=10).raster("out")[:, 0]
    assert np.flatnonzero(fired).tolist() == fires
    spikes = np.ones((2, 10, 1), bool)
    outcome = verify(network, spikes, 10, executors=[Executor.ENGINE, Executor.ORACLE])
    assert outcome.equal, outcome
    again = simulate(network, spikes, n_steps=10).raster("out")[1, :, 0]
    assert np.flatnonzero(again).tolist() == fires, "each sample begins without a rise"


def adaptive_digits(n_hidden=200):
    network, spikes, _ = digits_network(n_hidden=n_hidden)
    rng = np.random.default_rng(3)
    hidden = dataclasses.replace(
        network.population("hidden"),
        threshold_rise=rng.integers(0, 120, n_hidden),
        threshold_decay=rng.integers(20, 900, n_hidden),
        bias_mantissa=rng.integers(0, 3000, n_hidden),
    )
    populations = [hidden if p.name == "hidden" else p for p in network.populations]
    fixed = [dataclasses.replace(p, plasticity=None) for p in network.projections]
    return FixedPointNetwork(populations=populations, projections=fixed), spikes


@pytest.mark.lava
def test_adaptive_neurons__are_equal_everywhere_on_real_digits(tmp_path):
    network, spikes = adaptive_digits()
    outcome = verify(network, np.tile(spikes[:20], (1, 4, 1)), 48)
    assert outcome.equal, outcome
    assert {Executor.ORACLE, Executor.ENGINE, Executor.LAVA} <= set(outcome.spikes)
    plain = network.replace(dataclasses.replace(network.population("hidden"), threshold_rise=0))
    counts = [
        simulate(one, np.tile(spikes[:20], (1, 4, 1)), n_steps=48).counts.spikes["hidden"]
        for one in (network, plain)
    ]
    assert 500 < counts[0] < 0.8 * counts[1]
    save(network, tmp_path / "network.h5")
    assert same_record(load(tmp_path / "network.h5"), network)


def test_session__goes_on_from_a_file_with_thresholds_as_they_stand(tmp_path):
    network = driven(3, threshold_rise=30, threshold_decay=100)
    spikes = np.random.default_rng(0).random((60, 3)) < 0.7
    whole = simulate(network, spikes, n_steps=60).raster("out")
    session = Session(network)
    session.run(spikes[:20], 20)
    state = session.state()
    assert state.adapted["out"].max() > 0
    state.save(tmp_path / "state.h5")
    other = Session(network)
    other.restore(SessionState.load(tmp_path / "state.h5"))
    assert (other.run(spikes[20:], 40).raster("out") == whole[20:]).all()
    with pytest.raises(RangeError, match=r"SessionState.adapted\['out'\]: values"):
        other.restore(dataclasses.replace(state, adapted={"out": np.full(3, 2**23)}))


def test_neurons__fire_as_those_of_training_do():
    """Half of a rise remains: what is added before the decay is twice what is added after it."""
    kept, strength = 0.5, 0.25
    layer = CubaLif(
        current_decay=4095,
        voltage_decay=2048,
        threshold=64.0,
        adaptation=Adaptation(kept=kept, strength=strength),
    )
    rng = np.random.default_rng(0)
    n = 40
    given = rng.random((60, n)) < 0.6
    weights = rng.integers(60, 127, n)
    network = driven(
        n, 1, threshold=64, threshold_rise=int(64 * strength / kept), threshold_decay=2048
    )
    (synapses,) = network.projections
    network = network.replace(dataclasses.replace(synapses, weights=np.diag(weights)))
    (neurons,) = network.neurons
    network = network.replace(dataclasses.replace(neurons, voltage_decay=2048))
    fired = simulate(network, given, n_steps=60).raster("out")
    real = layer(torch.tensor((given * weights)[None].astype(np.float32)))[0].detach().numpy() > 0
    assert 300 < fired.sum() < 0.8 * given.sum()
    assert (fired == real).all()


def test_threshold__that_rises_is_refused_where_it_cannot_be():
    with pytest.raises(RangeError, match="threshold"):
        driven(threshold=2**17, threshold_rise=1)
    with pytest.raises(RangeError, match="threshold_rise"):
        driven(threshold_rise=2**17)
    with pytest.raises(RangeError, match="threshold_decay"):
        driven(threshold_decay=4097)
    network = driven(threshold_rise=3, voltage_decay=4095)
    assert [str(v) for v in check(network, LOIHI1)] == [
        "out.threshold_rise: 3; allowed 0..0 (lava-nc 0.10.0, docstring of PyLifModelBitAcc)"
    ]
    assert check(network, LOIHI2) == ()
    with pytest.raises(RangeError, match="threshold_rise: up to 3"):
        with_teacher(network, "out")
    with pytest.raises(ConversionError, match="threshold_rise: 3; netx files have 0 only"):
        to_netx(network, "nowhere.net")
    assert description(network)["populations"][1]["threshold_rise"] == 3
