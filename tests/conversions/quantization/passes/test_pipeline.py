"""The passes, run together and watched by the simulator of networks in real numbers."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import conversions
from conversions.quantization import BiasForm, Calibration, ScaleForm, to_fixed_point
from conversions.quantization.passes import PIPELINE, ConversionPass, ConversionState, Pipeline
from conversions.real_network import (
    NeuronDynamics,
    RealDense,
    RealInput,
    RealNetwork,
    RealNeurons,
    RealProjection,
)
from conversions.real_network.bit_planes import BitPlanes
from conversions.real_network.timing import Timing
from hw_models import ConversionError, InputError
from tests.conversions.quantization.networks import HALVING_STEPS, exact_networks
from tests.conversions.quantization.two_layers import SPIKES, agreement, conv_network, layers

pytestmark = pytest.mark.kernel
NAMES = ["bit planes", "schedule", "decays", "grids", "biases", "records", "chip check"]


def changed(report):
    return {one.name: one.spikes_changed for one in report.passes}


def test_pipeline__is_a_table_when_printed():
    assert [one.name for one in conversions.PIPELINE] == NAMES
    text = str(PIPELINE)
    for one in PIPELINE:
        assert one.name in text
        assert one.description.split()[0] in text
    assert text.count("may change") == sum(one.rounds for one in PIPELINE) == 4


@given(network=exact_networks(), seed=st.integers(0, 99), rate=st.sampled_from([0.1, 0.5]))
@settings(deadline=None, max_examples=25)
def test_verify_each__no_pass_changes_a_spike_of_what_lies_on_the_chips_grid(network, seed, rate):
    spikes = np.random.default_rng(seed).random((2, 25, 30)) < rate
    _, report = to_fixed_point(network, calibration=Calibration(spikes=spikes), verify_each=True)
    assert changed(report) == dict.fromkeys(NAMES, 0)


@given(network=exact_networks(halving=True), seed=st.integers(0, 99))
@settings(deadline=None, max_examples=15)
def test_verify_each__no_pass_changes_a_spike_while_the_bits_of_a_leak_last(network, seed):
    spikes = np.random.default_rng(seed).random((2, HALVING_STEPS, 30)) < 0.3
    _, report = to_fixed_point(network, calibration=Calibration(spikes=spikes), verify_each=True)
    # half of a current and none of a potential are not on 12 bits, but nearly
    assert {name: n for name, n in changed(report).items() if n} == {}


@pytest.mark.parametrize(
    "network",
    [
        layers(current_kept=0.8, bias=0.05),
        layers(bias=1.3, current_kept=0.5, output={"current_bias": 0.1, "current_kept": 0.5}),
        layers(latency=1, current_bias=0.13, output={"initial": 0.5, "refractory": 2}),
        conv_network(3),
    ],
)
def test_verify_each__says_how_many_spikes_each_rounding_changed(network):
    size = network.inputs[0].n_neurons
    spikes = np.random.default_rng(1).random((16, 25, size)) < 0.3
    fixed, report = to_fixed_point(
        network, calibration=Calibration(spikes=spikes), verify_each=True
    )
    counts = changed(report)
    assert {name: counts[name] for name in ("bit planes", "schedule", "chip check")} == {
        "bit planes": 0,
        "schedule": 0,
        "chip check": 0,
    }
    # what the last meaning of the passes and the engine differ from the source in all
    together = agreement(network, fixed, report, spikes)
    assert all(share > 0.9 for share in together.values())
    assert (sum(counts.values()) > 0) == (min(together.values()) < 1)
    plain, unwatched = to_fixed_point(network, calibration=Calibration(spikes=spikes))
    assert changed(unwatched) == dict.fromkeys(NAMES)
    assert all((a.weights == b.weights).all() for a, b in
               zip(plain.projections, fixed.projections, strict=True))  # fmt: skip


def test_verify_each__digits_send_what_values_send():
    weights = RealDense(weights=np.random.default_rng(0).normal(size=(6, 12)))
    network = RealNetwork(
        populations=[
            RealInput(name="image", shape=(12,)),
            RealNeurons(
                name="cells", shape=(6,), dynamics=NeuronDynamics(voltage_kept=0.9, threshold=2.0)
            ),
        ],
        projections=[RealProjection(source="image", target="cells", map=weights)],
    )
    planes = BitPlanes(bits=4, low=-1.0, name="image")
    values = planes.rounded(np.random.default_rng(1).random((5, 12, 12)) * 2 - 1)
    fixed, report = to_fixed_point(
        network,
        calibration=Calibration(spikes=planes.encode(values)),
        real_input=planes,
        verify_each=True,
    )
    assert changed(report)["bit planes"] == changed(report)["schedule"] == 0
    assert report.passes[0].changed == "image is 4 inputs of one binary digit each"
    assert [population.name for population in fixed.inputs] == list(planes.names)


def test_verify_each__names_the_pass_that_changes_what_it_must_not():
    """A schedule that forgets one step of the output's."""

    def late(state):
        state, text = next(one for one in PIPELINE if one.name == "schedule").apply(state)
        shifts = {**state.when.shifts, "out": state.when.shifts["out"] + 1}
        return dataclasses.replace(
            state, timing=Timing(shifts=shifts, delays=state.when.delays)
        ), text

    def dropped(state):
        synapses = state.network.projections[1]
        silent = dataclasses.replace(synapses, map=RealDense(weights=np.zeros((4, 30))))
        network = RealNetwork(
            populations=state.network.populations,
            projections=[state.network.projections[0], silent],
        )
        return dataclasses.replace(state, network=network), "lost a layer"

    broken = ConversionPass(name="dropper", description="", rounds=False, apply=dropped)
    state = ConversionState(network=layers(), calibration=Calibration(spikes=SPIKES))
    message = r"pass 'dropper' rounds nothing and changes \d+ spikes, first of out in sample \d+"
    with pytest.raises(ConversionError, match=message):
        Pipeline((PIPELINE[0], broken, *PIPELINE[1:])).run(state, verify_each=True)
    allowed = dataclasses.replace(broken, rounds=True)
    _, reports = Pipeline((allowed, *PIPELINE)).run(state, verify_each=True)
    assert reports[0].spikes_changed > 0
    assert reports[0].changed == "lost a layer"
    # a shift that all that follows knows of is no change
    moved = Pipeline((dataclasses.replace(PIPELINE[1], apply=late), *PIPELINE[2:]))
    assert all(one.spikes_changed is not None for one in moved.run(state, verify_each=True)[1])


def test_verify_each__needs_calibration_data():
    with pytest.raises(InputError, match="verify_each: calibration data are needed"):
        to_fixed_point(layers(), verify_each=True)


def test_report__says_what_each_pass_changed():
    _, report = to_fixed_point(
        layers(bias=0.05, voltage_kept=0.3), scales=ScaleForm.LAYER, bias=BiasForm.EXACT
    )
    told = {one.name: one.changed for one in report.passes}
    assert told["bit planes"] == told["chip check"] == ""
    assert told["schedule"] == "steps later: hidden 1, out 2"
    assert told["decays"].startswith("the share that a step leaves, by at most: hidden ")
    assert told["grids"] == "weights of hidden, out rounded"
    assert told["biases"] == "by the bias register: hidden"
    assert told["records"] == "states in whole units"
    rows = report.pass_rows()
    assert [row[0] for row in rows] == ["pass", "schedule", "decays", "grids", "biases", "records"]
    assert "What the passes changed" in str(report)
    assert report.to_dict()["passes"][1] == {
        "name": "schedule",
        "rounds": False,
        "changed": "steps later: hidden 1, out 2",
        "spikes_changed": None,
    }
