"""What to_fixed_point makes of resets, thresholds, decays and connections."""

import numpy as np
import pytest

import conversions
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
from hw_models import LOIHI2, ConvProjection, ResetMode, check
from hw_models.weight_grid import WeightGrid
from ssdp_neuro import simulate
from tests.conversions.quantization.two_layers import SPIKES, W1, agreement, conv_network, layers


def test_to_fixed_point__is_exposed():
    assert conversions.to_fixed_point is to_fixed_point
    assert conversions.Calibration is Calibration


@pytest.mark.parametrize("reset", list(RealReset))
@pytest.mark.parametrize("current_kept", [0.0, 0.6])
@pytest.mark.parametrize("refractory", [0, 2])
def test_to_fixed_point__every_reset_spikes_as_the_source(reset, current_kept, refractory):
    network = layers(reset=reset, current_kept=current_kept, refractory=refractory, bias=0.02)
    fixed, report = to_fixed_point(network, scales=ScaleForm.NEURON)
    assert check(fixed, LOIHI2) == ()
    assert agreement(network, fixed, report)["hidden"] > 0.95
    native = reset in {RealReset.ZERO, RealReset.SUBTRACT}
    assert any("a synapse of each neuron to itself" in note for note in report.notes) != native


def test_to_fixed_point__fires_at_equality_only_where_the_source_does():
    for fires, wanted in ((True, [0, 1]), (False, [1])):
        network = RealNetwork(
            populations=[
                RealInput(name="in", shape=(1,)),
                RealNeurons(
                    name="out",
                    shape=(1,),
                    dynamics=NeuronDynamics(
                        voltage_kept=0.9, threshold=0.7, fires_at_threshold=fires
                    ),
                ),
            ],
            projections=[RealProjection(source="in", target="out", map=RealDense(weights=[[0.7]]))],
        )
        fixed, report = to_fixed_point(network)
        run = simulate(fixed, np.ones((3, 1), bool), n_steps=3)
        assert [step - 1 for step, _ in run.events("out")] == wanted
        assert any("one unit below it" in note for note in report.notes) == fires


@pytest.mark.parametrize("delayed", [0, 1, 5])
def test_to_fixed_point__a_convolution_waits_in_a_relay(delayed):
    network = conv_network(delayed)
    fixed, report = to_fixed_point(network)
    assert isinstance(fixed.projection("in->maps"), ConvProjection)
    assert ("in->maps.later" in [p.name for p in fixed.populations]) == (delayed > 0)
    assert agreement(network, fixed, report)["maps"] == 1


def test_to_fixed_point__neurons_of_different_thresholds_keep_them():
    network = layers(threshold=np.linspace(0.5, 2.0, 30), gain=np.linspace(2.0, 0.5, 30))
    for scales in ScaleForm:
        fixed, report = to_fixed_point(network, scales=scales)
        assert report.layers[0].largest_threshold == fixed.population("hidden").threshold.max()
        assert agreement(network, fixed, report)["hidden"] > 0.95


def test_to_fixed_point__a_population_may_drive_itself():
    alone = RealNeurons(
        name="alone", shape=(3,), dynamics=NeuronDynamics(voltage_kept=0.9, threshold=1.0, bias=0.3)
    )
    network = layers()
    wider = RealNetwork(populations=[alone, *network.populations], projections=network.projections)
    _, report = to_fixed_point(wider, calibration=Calibration(spikes=SPIKES))
    row = report.layers[0]
    assert (row.population, row.projection, row.spike_agreement) == ("alone", "", 1.0)
    assert row.rate_after > 0.2


def test_to_fixed_point__decays_that_the_chip_has_not_are_said():
    _, report = to_fixed_point(layers(current_kept=1.0, voltage_kept=0.0))
    assert any("the chip's current always leaks" in note for note in report.notes)
    assert any("1/4096 of the potential remains" in note for note in report.notes)
    assert report.layers[0].decay_error == pytest.approx(1 / 4096)
    _, exact = to_fixed_point(layers(current_kept=0.5, voltage_kept=0.75))
    assert exact.layers[0].decay_error == 0


def test_to_fixed_point__a_trained_grid_is_kept():
    grid = WeightGrid(weight_exponent=2, threshold=900, real_threshold=1.0, bits=6)
    network = layers(grid=grid)
    fixed, report = to_fixed_point(network, calibration=Calibration(spikes=SPIKES))
    assert report.layers[0].choice is GridChoice.TRAINED
    assert (fixed.projection("in->hidden").weights == grid.mantissas(W1)).all()
    assert fixed.projection("in->hidden").weight_exponent == 2
    assert fixed.population("hidden").threshold.tolist() == [900]
    assert fixed.population("hidden").reset is ResetMode.ZERO
