"""Edges of what networks in real numbers compute."""

import dataclasses

import numpy as np
import pytest

from conversions.nir.discretization import NORSE, SNNTORCH, Method
from conversions.real_network import (
    NeuronDynamics,
    RealDense,
    RealInput,
    RealNetwork,
    RealNeurons,
    RealProjection,
    RealReset,
)
from conversions.real_network.bit_planes import BitPlanes
from conversions.real_network.potential_readout import with_potential
from conversions.real_network.real_input import with_bit_planes
from conversions.real_network.simulator import run_alone, simulate_real
from conversions.real_network.timing import timing
from hw_models import ConversionError

RNG = np.random.default_rng(0)


def network(weights=None, *, latency=0, power=0, begins=0, **settings):
    dynamics = NeuronDynamics(**{"voltage_kept": 0.5, "threshold": 1.0, **settings})
    weights = RNG.integers(-4, 9, (3, 5)) / 8 if weights is None else weights
    linear = RealDense(weights=weights)
    return RealNetwork(
        populations=[
            RealInput(name="in", shape=(linear.weights.shape[1],)),
            RealNeurons(name="out", shape=(len(linear.weights),), dynamics=dynamics, begins=begins),
        ],
        projections=[
            RealProjection(source="in", target="out", map=linear, latency=latency, power=power)
        ],
    )


def test_dynamics__nothing_fires_while_it_rests():
    """What a subtraction leaves is above threshold still, and held."""
    dynamics = NeuronDynamics(
        voltage_kept=1.0, threshold=1.0, reset=RealReset.SUBTRACT, refractory=2
    )
    spikes, _ = dynamics.run(np.array([5.0, 0, 0, 0, 0, 0]).reshape(1, 6, 1))
    assert spikes.ravel().tolist() == [1, 0, 0, 1, 0, 0]


def test_bit_planes__are_silent_at_the_end():
    planes = BitPlanes(bits=2)
    for fired in planes.encode(np.ones((1, 2)), n_steps=2, later=1).values():
        assert fired[0, :, 0].tolist() == [True, True, False]


@pytest.mark.parametrize("current_kept", [0.0, 0.5])
def test_with_potential__is_what_was_there_before_every_reset(current_kept):
    settings = {"reset": RealReset.DELAYED_SUBTRACT, "current_kept": current_kept, "gain": 0.5}
    model = network(**settings)
    spikes = RNG.random((4, 12, 5)) < 0.6
    alone = run_alone(model, "out", {"in": spikes})
    assert alone.spikes.sum() > 10
    shown = simulate_real(with_potential(model, "out"), spikes).potentials["out potential"]
    assert (shown == alone.potentials).all()


def test_timing__takes_a_delay_of_63_and_no_more():
    assert timing(network(latency=64)).delays["in->out"] == 63
    forward = network(latency=63)
    relay = RealProjection(
        source="out", target="out", map=RealDense(weights=np.eye(3)), latency=64, name="back"
    )
    looped = dataclasses.replace(forward, projections=[*forward.projections, relay])
    assert timing(looped).delays["back"] == 63
    later = timing(forward, {"out": 1})
    assert later.delays["in->out"] == 63
    with pytest.raises(ConversionError, match=r"in->out: a delay of 64 steps.*0\.\.63"):
        timing(forward, {"out": 2})


def test_with_bit_planes__keeps_the_power_that_a_projection_has():
    values = BitPlanes(bits=3).rounded(RNG.random((2, 6, 5)))
    model = network(power=2, threshold=3.0)
    digits = BitPlanes(bits=3, name="in")
    expected = simulate_real(model, values, real_inputs={"in"}).spikes["out"]
    assert 0 < expected.mean() < 1
    fired = simulate_real(with_bit_planes(model, digits), digits.encode(values)).spikes["out"]
    assert (fired == expected).all()


def test_simulate_real__neurons_do_nothing_before_they_begin():
    """A bias and a first potential wait, and what arrives before is lost."""
    model = network(np.ones((1, 1)), bias=0.25, initial=1.0, begins=2)
    run = simulate_real(model, np.ones((1, 5, 1), dtype=bool))
    fresh = simulate_real(network(np.ones((1, 1)), bias=0.25, initial=1.0), np.ones((1, 3, 1)))
    assert run.spikes["out"][0, :2].sum() == 0
    assert (run.spikes["out"][0, 2:] == fresh.spikes["out"][0]).all()


@pytest.mark.parametrize("method", list(Method))
def test_method__shares_come_back_also_where_nothing_leaks_and_nothing_remains(method):
    shares = np.array([0.0, 0.25, 0.5, 0.999, 1.0])
    kept = method.kept(method.tau(shares, 1e-3), 1e-3)
    assert (np.abs(kept - shares) < 1e-12).all()
    assert kept[-1] == 1.0


def test_norse__starts_from_what_it_leaks_to():
    assert NORSE.starts_at_leak
    assert not SNNTORCH.starts_at_leak
