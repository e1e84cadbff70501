"""That to_fixed_point leaves room in the registers of the chip."""

import dataclasses

import numpy as np
import pytest

from conversions.conversion_report import GridChoice
from conversions.quantization import Calibration, ScaleForm, to_fixed_point
from conversions.real_network import (
    NeuronDynamics,
    RealDense,
    RealInput,
    RealNetwork,
    RealNeurons,
    RealProjection,
    RealReset,
)
from conversions.real_network.simulator import simulate_real
from tests.conversions.quantization.two_layers import agreement, layers


@pytest.mark.parametrize("scales", list(ScaleForm))
def test_to_fixed_point__the_current_can_never_wrap_where_an_exponent_allows_that(scales):
    _, report = to_fixed_point(layers(current_kept=0.9), scales=scales)
    assert 0.3 < report.layers[0].largest_current < 1
    assert not any("can wrap" in note for note in report.notes)


def test_to_fixed_point__registers_hold_what_the_data_reach():
    """A slow current of many inputs: with all bits of the weights it would wrap on the data."""
    network = layers(current_kept=0.999, voltage_kept=0.5, threshold=900.0)
    rng = np.random.default_rng(9)
    weights = RealDense(weights=rng.uniform(0.8, 1.0, (30, 20)))
    network = dataclasses.replace(
        network,
        projections=[
            dataclasses.replace(network.projections[0], map=weights),
            network.projections[1],
        ],
    )
    spikes = rng.random((6, 60, 20)) < 0.9
    _, report = to_fixed_point(network, calibration=Calibration(spikes=spikes))
    assert report.layers[0].largest_current > 1
    assert any("hidden: the current can wrap" in note for note in report.notes)
    assert report.layers[0].rate_before > 0.2
    assert report.layers[0].spike_agreement > 0.97


def one_synapse(weight, *, inputs=1, **settings):
    dynamics = NeuronDynamics(voltage_kept=1.0, **settings)
    return RealNetwork(
        populations=[
            RealInput(name="in", shape=(inputs,)),
            RealNeurons(name="out", shape=(1,), dynamics=dynamics),
        ],
        projections=[
            RealProjection(source="in", target="out", map=RealDense(weights=[[weight] * inputs]))
        ],
    )


def test_to_fixed_point__registers_hold_what_is_there_before_a_subtraction():
    """Five spikes raise the potential to 2.5; after its resets it is never above 1.5."""
    network = one_synapse(
        0.5, threshold=1.0, reset=RealReset.SUBTRACT, fires_at_threshold=True, inputs=5
    )
    spikes = np.zeros((1, 4, 5), dtype=bool)
    spikes[0, 0] = spikes[0, 2, 0] = True
    assert simulate_real(network, spikes).spikes["out"].ravel().tolist() == [1, 1, 1, 0]
    fixed, report = to_fixed_point(network, calibration=Calibration(spikes=spikes))
    assert agreement(network, fixed, report, spikes)["out"] == 1


def test_to_fixed_point__whole_weights_stay_whole_where_the_register_is_small():
    network = one_synapse(0.5, threshold=400.0)
    spikes = np.ones((1, 900, 1), dtype=bool)
    fixed, report = to_fixed_point(network, calibration=Calibration(spikes=spikes))
    assert report.layers[0].choice is GridChoice.EXACT
    assert report.layers[0].largest_rounding_error == 0
    assert agreement(network, fixed, report, spikes)["out"] == 1
