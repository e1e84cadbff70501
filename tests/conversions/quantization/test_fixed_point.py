"""What to_fixed_point does with biases, resets, delays and readouts, and what it refuses."""

import dataclasses
import json

import numpy as np
import pytest

import conversions
from conversions.quantization import (
    BiasForm,
    Calibration,
    ReadoutDecision,
    ScaleForm,
    to_fixed_point,
)
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
from conversions.real_network.simulator import simulate_real
from conversions.report import GridChoice
from hw_models import (
    LOIHI1,
    LOIHI2,
    ConversionError,
    ConvProjection,
    InputError,
    ResetMode,
    TypeMismatchError,
    check,
)
from hw_models.weight_grid import WeightGrid
from ssdp_neuro import simulate

RNG = np.random.default_rng(7)
W1, W2 = RNG.normal(size=(30, 20)) * 0.25, RNG.normal(size=(4, 30)) * 0.5
SPIKES = RNG.random((24, 25, 20)) < 0.3


def layers(*, output=None, **settings):
    """20 inputs, 30 hidden neurons, 4 outputs."""
    hidden = NeuronDynamics(**{"voltage_kept": 0.9, "threshold": 1.0, **settings})
    last = NeuronDynamics(**{"voltage_kept": 0.9, "threshold": 1.0, **(output or {})})
    return RealNetwork(
        populations=[
            RealInput(name="in", shape=(20,)),
            RealNeurons(name="hidden", shape=(30,), dynamics=hidden),
            RealNeurons(name="out", shape=(4,), dynamics=last),
        ],
        projections=[
            RealProjection(source="in", target="hidden", map=RealDense(weights=W1)),
            RealProjection(source="hidden", target="out", map=RealDense(weights=W2)),
        ],
    )


def agreement(network, fixed, report, spikes=SPIKES):
    """Of every population that fires, over all its steps."""
    wanted = simulate_real(network, spikes).spikes
    late = max(report.shifts.values())
    padded = np.pad(spikes, ((0, 0), (0, late), (0, 0)))
    run = simulate(fixed, padded, n_steps=padded.shape[1])
    found = {}
    for neurons in network.neurons:
        shift = report.shifts[neurons.name]
        fired = run.raster(neurons.name)[:, shift : shift + spikes.shape[1]]
        both = wanted[neurons.name].sum() + fired.sum()
        if both:
            found[neurons.name] = 1 - (fired != wanted[neurons.name]).sum() / both
    return found


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


@pytest.mark.parametrize(
    ("settings", "how"),
    [
        ({"bias": 0.13}, "cleared at the start of network step 1"),
        ({"current_bias": 0.13}, "cleared at the start of network step 1"),
        ({"current_bias": 0.13, "latency": 1}, "cleared at the start of network step 1"),
        ({"current_bias": 0.09, "current_kept": 0.5}, "a neuron that fires in every step"),
        ({"bias": 1.3}, "a neuron that fires in every step"),
        ({"bias": 1.3, "current_kept": 0.5}, "a neuron that fires in every step"),
        ({"bias": -0.37, "current_bias": 0.5, "latency": 1}, "a neuron that fires in every step"),
    ],
)
def test_to_fixed_point__a_bias_alone_fires_in_the_steps_of_the_source(settings, how):
    network = layers(**settings, fires_at_threshold=True)
    fixed, report = to_fixed_point(network, scales=ScaleForm.NEURON)
    assert any(how in note for note in report.notes)
    silent = np.zeros_like(SPIKES[:1])
    assert agreement(network, fixed, report, silent)["hidden"] == 1
    assert agreement(network, fixed, report)["hidden"] > 0.95
    assert 0 < max(layer.bias_error for layer in report.layers) < 0.001


def test_to_fixed_point__the_register_alone_is_for_those_who_ask():
    network = layers(bias=0.4)
    fixed, report = to_fixed_point(network, bias=BiasForm.REGISTER)
    assert fixed.population("hidden").reset_interval == 0
    assert any("also acts in the 1 network steps before" in note for note in report.notes)
    silent = np.zeros_like(SPIKES[:1])
    assert agreement(network, fixed, report, silent)["hidden"] == 0
    with pytest.raises(ConversionError, match="current_bias: of a current with memory"):
        to_fixed_point(layers(current_bias=0.4, current_kept=0.5), bias=BiasForm.REGISTER)


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


def conv_network(delayed):
    dynamics = NeuronDynamics(voltage_kept=1.0, threshold=0.5)
    conv = RealConv(weights=RNG.integers(-2, 4, (2, 1, 2, 2)) / 8)
    projections = [RealProjection(source="in", target="maps", map=conv, latency=delayed)]
    if delayed:
        copied = RealSparse(pre=np.arange(20), post=np.arange(20), weights=np.ones(20))
        skip = RealConv(weights=np.ones((2, 1, 2, 2)) / 4)
        projections += [
            RealProjection(source="in", target="copy", map=copied),
            RealProjection(source="copy", target="maps", map=skip, latency=0),
        ]
    copy = [RealNeurons(name="copy", shape=(1, 4, 5), dynamics=dynamics)] if delayed else []
    return RealNetwork(
        populations=[
            RealInput(name="in", shape=(1, 4, 5)),
            *copy,
            RealNeurons(name="maps", shape=(2, 3, 4), dynamics=dynamics),
        ],
        projections=projections,
    )


@pytest.mark.parametrize("delayed", [0, 1, 5])
def test_to_fixed_point__a_convolution_waits_in_a_relay(delayed):
    network = conv_network(delayed)
    fixed, report = to_fixed_point(network)
    assert isinstance(fixed.projection("in->maps"), ConvProjection)
    assert ("in->maps.later" in [p.name for p in fixed.populations]) == (delayed > 0)
    assert agreement(network, fixed, report)["maps"] == 1


def readout(**settings):
    return layers(output={"threshold": np.inf, "voltage_kept": 0.95, **settings})


@pytest.mark.parametrize("calibrated", [True, False])
def test_to_fixed_point__a_readout_gives_potentials_and_never_fires(calibrated):
    network = readout(bias=-0.1, voltage_kept=1.0)
    data = Calibration(spikes=SPIKES, labels=np.zeros(24, int)) if calibrated else None
    fixed, report = to_fixed_point(network, calibration=data)
    late = report.shifts["out"]
    spikes = np.pad(SPIKES, ((0, 0), (0, late), (0, 0)))
    run = simulate(fixed, spikes, n_steps=spikes.shape[1], probes=[("out", "v")])
    real = simulate_real(network, SPIKES).potentials["out"]
    made = run.probe("out", "v")[:, late:] * report.layers[-1].potential_unit
    assert not run.raster("out").any()
    assert np.abs(made - real).max() < 0.2 * np.abs(real).max()
    if calibrated:
        assert report.layers[-1].potential_error < 0.1
        assert report.layers[-1].spike_agreement is None
        was, now = real.mean(axis=1).argmax(axis=1), made.mean(axis=1).argmax(axis=1)
        assert report.accuracy_before == (was == 0).mean()
        assert report.accuracy_after == (now == 0).mean()
        assert report.decisions_changed == (was != now).mean()


def test_readout_decision__looks_where_it_says():
    potentials = np.array([[[5.0, 0, 0], [-9, 1, 2], [0, 2.5, 1]]])
    assert [int(decision.decide(potentials)[0]) for decision in ReadoutDecision] == [1, 1, 0]


@pytest.mark.parametrize("scales", list(ScaleForm))
def test_to_fixed_point__the_current_can_never_wrap_where_an_exponent_allows_that(scales):
    _, report = to_fixed_point(layers(current_kept=0.9), scales=scales)
    assert 0.3 < report.layers[0].largest_current < 1
    assert not any("can wrap" in note for note in report.notes)


def test_to_fixed_point__registers_hold_what_the_data_reach():
    """A slow current of many inputs: with all bits of the weights it would wrap on the data."""
    network = layers(current_kept=0.999, voltage_kept=0.5, threshold=900.0)
    weights = RealDense(weights=RNG.uniform(0.8, 1.0, (30, 20)))
    network = changed(
        network,
        projections=[
            dataclasses.replace(network.projections[0], map=weights),
            network.projections[1],
        ],
    )
    spikes = RNG.random((6, 60, 20)) < 0.9
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


def test_to_fixed_point__neurons_of_different_thresholds_keep_them():
    network = layers(threshold=np.linspace(0.5, 2.0, 30), gain=np.linspace(2.0, 0.5, 30))
    for scales in ScaleForm:
        fixed, report = to_fixed_point(network, scales=scales)
        assert report.layers[0].largest_threshold == fixed.population("hidden").threshold.max()
        assert agreement(network, fixed, report)["hidden"] > 0.95


def test_to_fixed_point__calibration_lowers_the_mismatch_on_other_data():
    network = layers()
    other = np.random.default_rng(3).random((60, 25, 20)) < 0.3
    found = {}
    for name, data in (("without", None), ("with", Calibration(spikes=SPIKES))):
        found[name] = agreement(network, *to_fixed_point(network, calibration=data), other)
    assert found["with"]["hidden"] > found["without"]["hidden"]
    assert found["with"]["out"] > found["without"]["out"]


def test_to_fixed_point__the_report_compares_with_spikes_that_were_given():
    network = layers()
    before = simulate_real(network, SPIKES).spikes
    moved = {**before, "out": ~before["out"]}
    _, report = to_fixed_point(network, calibration=Calibration(spikes=SPIKES), before=moved)
    assert report.layers[0].rate_before == before["hidden"].mean()
    assert report.layers[1].rate_before == moved["out"].mean()
    assert report.layers[1].spike_agreement < 0.2


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


def test_conversion_report__is_plain_and_complete():
    _, report = to_fixed_point(
        readout(), calibration=Calibration(spikes=SPIKES, labels=np.zeros(24, int))
    )
    plain = json.loads(json.dumps(report.to_dict()))
    assert plain["shifts"] == {"in": 0, "hidden": 1, "out": 2}
    assert plain["layers"][0]["choice"] == "calibrated"
    headings, *rows = report.rows()
    assert {len(row) for row in rows} == {len(headings)}
    assert report.table().row_count == len(headings) - 1
    assert any("hidden 1, out 2" in line for line in report.summary())


def test_to_fixed_point__a_trained_grid_is_kept():
    grid = WeightGrid(weight_exponent=2, threshold=900, real_threshold=1.0, bits=6)
    network = layers(grid=grid)
    fixed, report = to_fixed_point(network, calibration=Calibration(spikes=SPIKES))
    assert report.layers[0].choice is GridChoice.TRAINED
    assert (fixed.projection("in->hidden").weights == grid.mantissas(W1)).all()
    assert fixed.projection("in->hidden").weight_exponent == 2
    assert fixed.population("hidden").threshold.tolist() == [900]
    assert fixed.population("hidden").reset is ResetMode.ZERO


def changed(network, **fields):
    return dataclasses.replace(network, **fields)


def with_projection(network, **fields):
    return changed(network, projections=[*network.projections, RealProjection(**fields)])


EYE4 = RealDense(weights=np.eye(4))


@pytest.mark.parametrize(
    ("network", "chip", "message"),
    [
        (
            with_projection(layers(), source="out", target="out", map=EYE4),
            LOIHI2,
            "loop out -> out: takes 0 steps",
        ),
        (
            layers(threshold=[1.0] * 29 + [np.inf]),
            LOIHI2,
            "hidden.threshold: infinite for some neurons only",
        ),
        (layers(threshold=1e-6), LOIHI2, "hidden: its threshold is .* of the steps"),
        (layers(refractory=63, reset=RealReset.NONE, current_kept=0.5), LOIHI2, "delay of 64"),
        (
            with_projection(
                layers(),
                source="in",
                target="out",
                map=RealDense(weights=np.ones((4, 20))),
                latency=64,
            ),
            LOIHI2,
            "in->out: a delay of 65 steps",
        ),
        (
            RealNetwork(
                populations=[
                    RealInput(name="in", shape=(5000,)),
                    RealNeurons(
                        name="out",
                        shape=(1,),
                        dynamics=NeuronDynamics(voltage_kept=1.0, threshold=1.0),
                    ),
                ],
                projections=[
                    RealProjection(
                        source="in", target="out", map=RealDense(weights=np.ones((1, 5000)))
                    )
                ],
            ),
            LOIHI1,
            "does not fit Loihi 1: out.sources",
        ),
    ],
)
def test_to_fixed_point__refuses_what_the_chip_cannot_do(network, chip, message):
    with pytest.raises(ConversionError, match=message):
        to_fixed_point(network, chip=chip)


def test_to_fixed_point__refuses_gains_that_differ_inside_a_channel():
    network = conv_network(0)
    maps = network.population("maps")
    gains = dataclasses.replace(maps.dynamics, gain=np.arange(24.0))
    uneven = changed(
        network,
        populations=[network.inputs[0], dataclasses.replace(maps, dynamics=gains)],
    )
    with pytest.raises(ConversionError, match="gain: differs inside a channel"):
        to_fixed_point(uneven)


def test_to_fixed_point__refuses_what_is_no_network():
    with pytest.raises(TypeMismatchError, match="a RealNetwork is needed"):
        to_fixed_point("network")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"spikes": np.zeros((3, 4))}, "shape"),
        ({"spikes": np.full((3, 4, 20), 2)}, "other than 0 and 1"),
        ({"spikes": np.zeros((3, 4, 19))}, "shape"),
        ({"spikes": {"pixels": np.zeros((3, 4, 20))}}, r"of \['pixels'\]"),
        ({"spikes": np.zeros((3, 4, 20)), "labels": [1, 2]}, "labels"),
        ({"spikes": np.zeros((3, 4, 20)), "labels": [1.0, 2.0, 0.0]}, "labels"),
    ],
)
def test_calibration__refuses_what_does_not_fit(data, message):
    with pytest.raises(InputError, match=f"calibration: .*{message}"):
        to_fixed_point(layers(), calibration=Calibration(**data))


@pytest.mark.parametrize(
    ("before", "message"),
    [
        ({}, "before: no spikes of 'hidden'"),
        ({"hidden": np.zeros((24, 25, 29)), "out": np.zeros((24, 25, 4))}, "'hidden' of shape"),
    ],
)
def test_to_fixed_point__refuses_recordings_that_do_not_fit(before, message):
    with pytest.raises(InputError, match=message):
        to_fixed_point(layers(), calibration=Calibration(spikes=SPIKES), before=before)
