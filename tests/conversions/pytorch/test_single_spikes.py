import numpy as np
import pytest

from conversions.real_network import (
    NeuronDynamics,
    RealDense,
    RealInput,
    RealNetwork,
    RealNeurons,
    RealProjection,
    RealReset,
)
from conversions.real_network.multi_spike_neurons import MOST_COPIES, copies, single_spikes

SHAPE = (2, 1, 3)


def network(reset=RealReset.SUBTRACT):
    dynamics = NeuronDynamics(voltage_kept=1.0, threshold=1.0, reset=reset)
    return RealNetwork(
        populations=[
            RealInput(name="in", shape=(4,)),
            RealNeurons(name="out", shape=SHAPE, dynamics=dynamics),
        ],
        projections=[
            RealProjection(source="in", target="out", map=RealDense(weights=np.ones((6, 4))))
        ],
    )


def numbers(largest):
    given = np.random.default_rng(0).integers(0, largest + 1, (3, 5, 6)).astype(np.float32)
    given[0, 0, 0] = largest
    return {"in": np.zeros((3, 5, 4)), "out": given}


def test_single_spikes__as_many_copies_as_spikes_were_seen():
    sent = numbers(4)
    made, bits, (note,) = single_spikes(network(), sent, {"out": 1000})
    assert made.population("out").n_neurons == 4 * 6
    assert bits["out"].dtype == bool
    together = sum(bits["out"][:, :, place].astype(int) for place in copies(SHAPE, 4))
    np.testing.assert_array_equal(together, sent["out"])
    assert note.startswith("out: sends up to 4 spikes in a step on the samples looked at, by 4")


def test_single_spikes__too_many_are_cut_and_said():
    made, bits, (note,) = single_spikes(network(), numbers(40), {"out": 1000})
    assert made.population("out").n_neurons == MOST_COPIES * 6 == bits["out"].shape[2]
    assert "up to 40" in note
    assert "by 16 copies" in note


@pytest.mark.parametrize("most", [{}, {"out": 1000}])
def test_single_spikes__one_at_most_changes_nothing(most):
    given = network()
    sent = numbers(1)
    made, bits, notes = single_spikes(given, sent, most)
    assert made is given
    assert bits["out"] is sent["out"]
    assert [note[:24] for note in notes] == ["out: may send several sp"] * len(most)


def test_single_spikes__what_copies_can_not_do_is_said():
    given = network(RealReset.ZERO)
    made, _, (note,) = single_spikes(given, numbers(3), {"out": 1000})
    assert made is given
    assert (
        note
        == "out: sends up to 3 in a step on the samples looked at; a spike is one bit on"
        + (" the chip.")
    )
