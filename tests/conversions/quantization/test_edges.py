"""Edges that a look at whole conversions does not see."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversions.conversion_report import GridChoice
from conversions.quantization import BiasForm, Calibration, ScaleForm, to_fixed_point
from conversions.quantization.constant_drive import drive
from conversions.quantization.grid_proposals import Range, covering_steps, settle
from conversions.quantization.layer import Layer
from conversions.quantization.measurement import _more_classes_than_labels
from conversions.quantization.recordings import Recordings
from conversions.quantization.search import COVERAGES, best_grid
from conversions.quantization.trial import Trial
from conversions.real_network import (
    NeuronDynamics,
    RealDense,
    RealInput,
    RealNetwork,
    RealNeurons,
    RealProjection,
    RealReset,
)
from conversions.real_network.simulator import run_alone
from conversions.real_network.timing import timing
from hw_models import LOIHI2
from tests.conversions.quantization.two_layers import SPIKES, layers

pytestmark = pytest.mark.kernel


def one_layer(weights, **settings):
    dynamics = NeuronDynamics(**{"voltage_kept": 1.0, "threshold": 1.0, **settings})
    linear = RealDense(weights=weights)
    network = RealNetwork(
        populations=[
            RealInput(name="in", shape=(linear.weights.shape[1],)),
            RealNeurons(name="out", shape=(len(linear.weights),), dynamics=dynamics),
        ],
        projections=[RealProjection(source="in", target="out", map=linear)],
    )
    return Layer(network, network.neurons[0], timing(network), LOIHI2)


def test_range__counts_what_was_there_before_a_subtraction():
    layer = one_layer([[0.5] * 5], reset=RealReset.SUBTRACT, fires_at_threshold=True)
    spikes = np.ones((1, 1, 5), dtype=bool)
    run = run_alone(layer.network, "out", {"in": spikes})
    assert run.potentials.tolist() == [[[1.5]]]
    assert Range.seen(layer, run).potential.tolist() == [1.25 * 2.5]


def test_settle__a_threshold_that_has_to_shrink_takes_a_smaller_exponent():
    """With 2**6 the threshold is beyond 17 bits; with 2**5 all mantissas can be used."""
    rng = np.random.default_rng(0)
    layer = one_layer(rng.uniform(0.5, 1.0, (1, 5)), threshold=10.0, voltage_kept=0.0)
    none = np.zeros(1)
    known = Range(potential=none + 1.0, current=none + 1.0, observed=True)
    grid = settle(layer, covering_steps(layer, ScaleForm.LAYER), known)
    assert grid.weights(layer.synapses[0]).max() == 255
    assert 2**16 < int(grid.threshold[0]) < 2**17


@pytest.mark.parametrize("parts", range(1, 9))
def test_whole_steps__the_smallest_weight_may_be_up_to_eight_of_them(parts):
    layer = one_layer([[0.3, 0.3 * (parts + 1) / parts]])
    _, report = to_fixed_point(layer.network)
    assert report.layers[0].choice is GridChoice.EXACT


@given(
    values=st.lists(st.floats(-524160.0, 524160.0), min_size=1, max_size=4)
    | st.lists(st.sampled_from([4095.0, 4095.49, 4095.5, 4096.0, 8191.0]), min_size=1, max_size=4)
)
def test_drive__the_register_has_the_smallest_exponent_that_holds_a_bias(values):
    """In 1/64 of a unit, mantissas of 13 bits with a sign."""
    bias = np.array(values) / 64
    layer = one_layer(np.ones((len(values), 1)), bias=bias)
    one = np.ones(len(values))
    early = dataclasses.replace(layer, timing=dataclasses.replace(layer.timing, shifts={"out": 0}))
    register = drive(early, one, np.full(len(values), 2**17 - 1), BiasForm.REGISTER)
    finer = np.rint(np.array(values) / 2.0 ** (register.exponent - 1))
    assert (np.abs(register.mantissa) <= 4095).all()
    assert ((register.exponent == 0) | (np.abs(finer) > 4095)).all()
    assert (
        np.abs((register.mantissa << register.exponent) - values) <= 2.0**register.exponent / 2
    ).all()


def test_drive__a_bias_that_only_reaches_the_threshold_does_not_fire_early():
    """One step of it is the threshold itself, which does not fire; with a little more it would."""
    for bias, silenced in ((1.0, False), (1.01, True)):
        layer = one_layer([[0.25, 0.75]], bias=bias)
        network, report = to_fixed_point(layer.network)
        assert any("cleared at the start" in note for note in report.notes)
        assert bool(network.population(layer.name).v.any()) is silenced


def test_recordings__a_part_has_the_first_and_the_last_sample():
    network = layers()
    recordings = Recordings.of(network, timing(network), Calibration(spikes=SPIKES), None)
    part = recordings.part(3)
    for number, sample in enumerate((0, 11, len(SPIKES) - 1)):
        assert (part.before["in"][number] == SPIKES[sample]).all()


@pytest.mark.parametrize("seed", range(6))
def test_best_grid__misses_no_more_than_any_that_it_tried(seed):
    rng = np.random.default_rng(seed)
    layer = one_layer(rng.normal(size=(3, 12)), voltage_kept=0.9, threshold=2.0)
    spikes = rng.random((6, 20, 12)) < 0.3
    recordings = Recordings.of(layer.network, layer.timing, Calibration(spikes=spikes), None)
    trial = Trial(layer, recordings, BiasForm.EXACT)
    known = Range.seen(layer, trial.model)
    tried = [
        settle(layer, covering_steps(layer, ScaleForm.LAYER, share), known) for share in COVERAGES
    ]
    best = min(map(trial.missed, tried))
    assert trial.missed(best_grid(trial, ScaleForm.LAYER)) <= best


def test_measurement__twice_as_many_classes_as_labels_are_said():
    assert _more_classes_than_labels(3, np.array([0, 1])) == ()
    assert len(_more_classes_than_labels(4, np.array([0, 1]))) == 1
