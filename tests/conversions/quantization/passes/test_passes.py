"""Each pass by itself."""

import dataclasses

import numpy as np
import pytest

from conversions.quantization.passes import PIPELINE, ConversionState
from conversions.real_network import RealConv
from conversions.real_network.bit_planes import BitPlanes
from hw_models import LOIHI1, ConversionError, Figure
from tests.conversions.quantization.two_layers import conv_network, layers

PASSES = {one.name: one for one in PIPELINE}


def state_before(name, network, **settings):
    """The state that a pass is given."""
    state = ConversionState(network=network, **settings)
    for one in PIPELINE:
        if one.name == name:
            return state
        state, _ = one.apply(state)
    raise KeyError(name)


@pytest.mark.parametrize("name", PASSES)
def test_passes__leave_the_state_that_they_are_given(name):
    state = state_before(name, layers(bias=0.1, current_kept=0.3))
    fields = {field.name: getattr(state, field.name) for field in dataclasses.fields(state)}
    after, changed = PASSES[name].apply(state)
    assert isinstance(changed, str)
    assert {field: getattr(state, field) for field in fields} == fields
    again, _ = PASSES[name].apply(state)
    assert {f for f in fields if getattr(after, f) is not fields[f]} == {
        f for f in fields if getattr(again, f) is not fields[f]
    }


def test_bit_planes__replace_the_input_of_values():
    network = conv_network(0)
    planes = BitPlanes(bits=3, name="in")
    state, changed = PASSES["bit planes"].apply(ConversionState(network=network, planes=planes))
    assert state.planes is None
    assert [one.name for one in state.network.inputs] == ["in.bit0", "in.bit1", "in.bit2"]
    assert changed == "in is 3 inputs of one binary digit each"
    same, changed = PASSES["bit planes"].apply(ConversionState(network=network))
    assert (same.network, changed) == (network, "")


def test_schedule__gives_a_step_to_every_connection_and_to_a_clock():
    state, changed = PASSES["schedule"].apply(state_before("schedule", layers()))
    assert state.timing.shifts == {"in": 0, "hidden": 1, "out": 2}
    assert changed == "steps later: hidden 1, out 2"
    network = layers(latency=1)
    assert PASSES["schedule"].apply(ConversionState(network=network))[1] == "steps later: out 1"
    begun = layers(latency=0, output={"initial": 0.5, "latency": 0})
    assert PASSES["schedule"].apply(ConversionState(network=begun))[0].timing.shifts["out"] == 2
    delayed = conv_network(3)
    assert "delays beyond its own" in PASSES["schedule"].apply(ConversionState(network=delayed))[1]


def test_decays__are_the_nearest_of_12_bits():
    state, changed = PASSES["decays"].apply(state_before("decays", layers(voltage_kept=0.3)))
    hidden, out = state.layers
    assert hidden.voltage_decay.tolist() == [2867]
    assert (
        changed == f"the share that a step leaves, by at most: hidden {hidden.decay_error:.2g}, "
        f"out {out.decay_error:.2g}"
    )
    exact = layers(voltage_kept=0.5, output={"voltage_kept": 1.0})
    assert PASSES["decays"].apply(state_before("decays", exact))[1] == ""


def test_grids__give_every_layer_integers():
    state, changed = PASSES["grids"].apply(state_before("grids", layers()))
    assert set(state.grids) == {"hidden", "out"}
    assert changed == "weights of hidden, out rounded"
    whole = conv_network(0)
    assert isinstance(whole.projections[0].map, RealConv)
    assert PASSES["grids"].apply(state_before("grids", whole))[1] == ""


def test_biases__go_to_the_register_or_the_clock():
    network = layers(bias=0.05, output={"bias": 0.1, "current_kept": 0.5, "initial": 0.5})
    state, changed = PASSES["biases"].apply(state_before("biases", network))
    assert changed == (
        "by the bias register: hidden, out; by a neuron that fires in every step: out"
    )
    assert state.drives["hidden"].clear_at == 1
    assert PASSES["biases"].apply(state_before("biases", layers()))[1] == ""


def test_records__are_one_network_with_what_was_added():
    network = layers(output={"initial": 0.5})
    state, changed = PASSES["records"].apply(state_before("records", network))
    assert [one.name for one in state.fixed.populations] == ["bias", "in", "hidden", "out"]
    assert changed.startswith("states in whole units; added: bias, out.bias, out.bias1")


def test_chip_check__lists_what_does_not_fit():
    state = state_before("chip check", layers())
    assert PASSES["chip check"].apply(state) == (state, "")
    small = dataclasses.replace(LOIHI1, neurons_per_core=Figure(1, "a test"),
                                cores_per_chip=Figure(3, "a test"))  # fmt: skip
    with pytest.raises(ConversionError, match="does not fit Loihi 1: "):
        PASSES["chip check"].apply(dataclasses.replace(state, chip=small))


def test_passes__weights_are_looked_at_in_the_order_of_the_network():
    state = state_before("biases", layers())
    assert np.all(state.grids["hidden"].threshold > 0)
