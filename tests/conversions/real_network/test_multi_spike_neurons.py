import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conversions.real_network import (
    NeuronDynamics,
    RealConv,
    RealDense,
    RealInput,
    RealNetwork,
    RealNeurons,
    RealProjection,
    RealReset,
    RealSparse,
)
from conversions.real_network.multi_spike_neurons import (
    copies,
    counted_spikes,
    may_be_copied,
    with_copies,
)
from conversions.real_network.simulator import simulate_real

MOST, N_STEPS = 3, 10


def sending(shape=(4,), **fields):
    values = {"voltage_kept": 0.5, "threshold": 1.0, "fires_at_threshold": True, **fields}
    dynamics = NeuronDynamics(reset=RealReset.SUBTRACT, **values)
    return RealNeurons(name="several", shape=shape, dynamics=dynamics)


def sent_together(network, spikes, shape):
    """Spikes of all copies of each neuron, summed (B, T, N)."""
    fired = simulate_real(network, spikes).spikes["several"]
    return sum(fired[:, :, place].astype(int) for place in copies(shape, MOST))


def eighths(generator, *shape):
    return generator.integers(-4, 13, shape) / 8.0


DYNAMICS = {
    "leak": {},
    "no leak": {"voltage_kept": 1.0},
    "above threshold": {"fires_at_threshold": False},
    "current with memory": {"current_kept": 0.5, "gain": 0.5},
    "its own for each": {
        "voltage_kept": [0.0, 0.5, 1.0, 0.5],
        "threshold": [0.5, 1.0, 2.0, 1.0],
        "bias": 0.25,
        "current_bias": 0.125,
    },
}


@pytest.mark.parametrize("name", DYNAMICS)
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_with_copies__they_send_together_what_a_neuron_sends(name, seed):
    generator = np.random.default_rng(seed)
    neurons = sending(**DYNAMICS[name])
    weights = eighths(generator, 4, 5)
    network = RealNetwork(
        populations=[RealInput(name="in", shape=(5,)), neurons],
        projections=[RealProjection(source="in", target="several", map=RealDense(weights=weights))],
    )
    spikes = generator.random((6, N_STEPS, 5)) < 0.5
    expected = counted_spikes(neurons.dynamics, spikes @ weights.T, MOST)
    copied = with_copies(network, {"several": MOST})
    np.testing.assert_array_equal(sent_together(copied, spikes, (4,)), expected)


def test_counted_spikes__one_at_most_is_the_neuron_itself():
    currents = eighths(np.random.default_rng(0), 5, N_STEPS, 4)
    for fields in DYNAMICS.values():
        dynamics = sending(**fields).dynamics
        np.testing.assert_array_equal(
            counted_spikes(dynamics, currents, 1), dynamics.run(currents)[0]
        )


def test_counted_spikes__what_exceeds_the_most_waits():
    dynamics = sending(voltage_kept=1.0).dynamics
    currents = np.array([7.5, 0, 0, 0]).reshape(1, 4, 1)
    assert counted_spikes(dynamics, currents, 3).ravel().tolist() == [3, 3, 1, 0]


@pytest.mark.parametrize("kind", ["dense", "sparse", "conv", "depthwise"])
def test_with_copies__maps_from_and_to_them(kind):
    """Given by a map, given back to itself, and heard by the next population."""
    generator = np.random.default_rng(3)
    shape = (2, 3, 4)
    n = int(np.prod(shape))

    def linear():
        if kind == "dense":
            return RealDense(weights=eighths(generator, n, n))
        if kind == "sparse":
            pre, post = generator.integers(0, n, (2, 60))
            return RealSparse(pre=pre, post=post, weights=eighths(generator, 60))
        if kind == "conv":
            return RealConv(weights=eighths(generator, 2, 2, 3, 3), padding=1)
        return RealConv(weights=eighths(generator, 2, 1, 3, 3), padding=1, groups=2)

    maps = {ends: linear() for ends in (("in", "several"), ("several", "several"),
                                        ("several", "next"))}  # fmt: skip
    after = RealNeurons(
        name="next", shape=shape, dynamics=NeuronDynamics(voltage_kept=0.5, threshold=2.0)
    )
    network = RealNetwork(
        populations=[RealInput(name="in", shape=shape), sending(shape), after],
        projections=[
            RealProjection(source=source, target=target, map=one, latency=int(source == target))
            for (source, target), one in maps.items()
        ],
    )
    copied = with_copies(network, {"several": MOST})
    assert [population.name for population in copied.populations] == ["in", "several", "next"]
    spikes = generator.random((3, N_STEPS, n)) < 0.3
    together = sent_together(copied, spikes, shape)
    assert together.max() > 1

    def through(ends, values):
        return np.stack([apply(maps[ends], row, shape) for row in values])

    currents = np.stack([through(("in", "several"), row) for row in spikes.astype(float)])
    back = np.stack([through(("several", "several"), row) for row in together.astype(float)])
    currents[:, 1:] += back[:, :-1]
    expected = counted_spikes(sending(shape).dynamics, currents, MOST)
    np.testing.assert_array_equal(together, expected)
    heard = np.stack([through(("several", "next"), row) for row in together.astype(float)])
    fired = simulate_real(copied, spikes).spikes["next"]
    np.testing.assert_array_equal(fired, after.dynamics.run(heard)[0])


def apply(linear, values, shape):
    """A map of one vector, by the definition of each kind."""
    if isinstance(linear, RealDense):
        return linear.weights @ values
    made = np.zeros(values.size)
    if isinstance(linear, RealSparse):
        np.add.at(made, linear.post, linear.weights * values[linear.pre])
        return made
    image = np.pad(values.reshape(shape), ((0, 0), (1, 1), (1, 1)))
    out = np.zeros(shape)
    for target, row, column in np.ndindex(shape):
        group = range(shape[0]) if linear.groups == 1 else [target]
        for number, source in enumerate(group):
            window = image[source, row : row + 3, column : column + 3]
            out[target, row, column] += (linear.weights[target, number] * window).sum()
    return out.reshape(-1)


def test_with_copies__an_output_is_counted():
    network = RealNetwork(
        populations=[RealInput(name="in", shape=(2,)), sending((2,), voltage_kept=1.0)],
        projections=[
            RealProjection(source="in", target="several", map=RealDense(weights=2.5 * np.eye(2)))
        ],
    )
    copied = with_copies(network, {"several": MOST})
    assert [population.name for population in copied.populations][-1] == "several count"
    run = simulate_real(copied, np.array([[[1, 0], [0, 1], [1, 0]]], dtype=bool))
    assert run.potentials["several count"][0].tolist() == [[2, 0], [0, 2], [3, 0]]


def test_with_copies__one_leaves_the_network():
    network = RealNetwork(populations=[sending()], projections=[])
    assert with_copies(network, {"several": 1}) is network


def test_may_be_copied__reset_by_subtraction_alone():
    assert may_be_copied(sending())
    for reset in (RealReset.ZERO, RealReset.NONE, RealReset.DELAYED_SUBTRACT):
        dynamics = NeuronDynamics(voltage_kept=0.5, threshold=1.0, reset=reset)
        assert not may_be_copied(RealNeurons(name="n", shape=(1,), dynamics=dynamics))
    assert not may_be_copied(sending(refractory=1))
    assert not may_be_copied(sending(gain=0.0))
