import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conversions.real_network import (
    NeuronDynamics,
    RealDense,
    RealInput,
    RealNetwork,
    RealNeurons,
    RealProjection,
)
from conversions.real_network.simulator import run_alone, simulate_real
from hw_models import ConversionError, InputError
from tests.conversions.quantization.networks import exact_networks


def spikes_of(seed, shape, rate=0.4):
    return np.random.default_rng(seed).random(shape) < rate


def by_hand(network, pixels):
    """Spikes of one sample, a neuron and a synapse at a time, from the sources' whole past."""
    from conversions.real_network.delivery import by_delay, delivered

    n_steps = len(pixels)
    fired = {p.name: np.zeros((n_steps, p.n_neurons), bool) for p in network.populations}
    fired["pixels"] = pixels
    waiting = [p.name for p in network.neurons]
    currents = {name: np.zeros((n_steps, network.population(name).n_neurons)) for name in waiting}
    # a spike train is final once no earlier spike can change it: repeat until nothing moves
    for _ in range(n_steps * len(waiting) + 1):
        before = {name: train.copy() for name, train in fired.items()}
        for name in waiting:
            target = network.population(name)
            arrived = np.zeros_like(currents[name])
            for projection in network.into(name):
                source = network.population(projection.source)
                for delay, part in by_delay(projection):
                    age = projection.latency + delay
                    sent = delivered(part, fired[source.name], source.shape, target.n_neurons)
                    arrived[age:] += sent[: n_steps - age]
            fired[name] = target.dynamics.run(arrived[None])[0][0]
        if all((before[name] == fired[name]).all() for name in fired):
            return fired
    raise AssertionError("spikes do not settle")


@given(network=exact_networks(halving=True), seed=st.integers(0, 99))
@settings(deadline=None, max_examples=25)
def test_simulate_real__is_the_fixed_point_of_its_equations(network, seed):
    pixels = spikes_of(seed, (2, 9, 30))
    run = simulate_real(network, pixels)
    for sample in range(2):
        for name, fired in by_hand(network, pixels[sample]).items():
            assert (run.spikes[name][sample] == fired).all()


@given(network=exact_networks(halving=True), seed=st.integers(0, 99))
@settings(deadline=None, max_examples=15)
def test_run_alone__given_all_spikes_a_population_does_the_same(network, seed):
    run = simulate_real(network, spikes_of(seed, (2, 9, 2, 5, 3)))
    for neurons in network.neurons:
        assert (
            run_alone(network, neurons.name, run.spikes).spikes == run.spikes[neurons.name]
        ).all()


def readout_network(**loop):
    neurons = NeuronDynamics(voltage_kept=0.5, threshold=np.inf)
    return RealNetwork(
        populations=[
            RealInput(name="a", shape=(2,)),
            RealInput(name="b", shape=(1,)),
            RealNeurons(name="out", shape=(1,), dynamics=neurons),
        ],
        projections=[
            RealProjection(source="a", target="out", map=RealDense(weights=[[1.0, 2.0]])),
            RealProjection(source="b", target="out", map=RealDense(weights=[[-4.0]])),
            *(
                [RealProjection(source="out", target="out", map=RealDense(weights=[[1.0]]), **loop)]
                if loop
                else []
            ),
        ],
    )


def test_simulate_real__readouts_give_potentials():
    spikes = {"a": [[[1, 0], [0, 1], [0, 0]]], "b": [[[0], [0], [1]]]}
    run = simulate_real(readout_network(), spikes)
    assert run.potentials["out"].ravel().tolist() == [1.0, 2.5, -2.75]
    assert not run.spikes["out"].any()
    silent = simulate_real(readout_network(), {"a": spikes["a"]})
    assert silent.potentials["out"].ravel().tolist() == [1.0, 2.5, 1.25]


@pytest.mark.parametrize(
    ("spikes", "message"),
    [
        (np.zeros((1, 2, 2)), "a mapping by name is needed"),
        ({"c": np.zeros((1, 2, 2))}, r"of \['c'\]"),
        ({}, "of nothing"),
        ({"a": np.zeros((1, 2, 3))}, r"'a': shape \(1, 2, 3\); \(B, T, 2\)"),
        ({"a": np.zeros((1, 0, 2))}, "shape"),
        ({"a": np.full((1, 2, 2), 2)}, r"of .a.: value 2 at index \(0, 0, 0\); allowed 0 and 1"),
        ({"a": np.zeros((1, 2, 2)), "b": np.zeros((1, 3, 1))}, "differ"),
    ],
)
def test_simulate_real__refuses_spikes_that_do_not_fit(spikes, message):
    with pytest.raises(InputError, match=message):
        simulate_real(readout_network(), spikes)


def test_simulate_real__refuses_a_loop_without_a_step():
    with pytest.raises(ConversionError, match=r"\['out'\] takes no step"):
        simulate_real(readout_network(latency=0), {"a": np.zeros((1, 2, 2))})
    simulate_real(readout_network(latency=0, delays=[[1]]), {"a": np.zeros((1, 2, 2))})
