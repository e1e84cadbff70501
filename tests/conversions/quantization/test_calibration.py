"""What to_fixed_point learns from data, and what it reports of them."""

import json

import numpy as np
import pytest

from conversions.quantization import Calibration, ReadoutDecision, to_fixed_point
from conversions.real_network import RealDense, RealNetwork, RealNeurons, RealProjection
from conversions.real_network.simulator import simulate_real
from ssdp_neuro import simulate
from tests.conversions.quantization.two_layers import SPIKES, W2, agreement, layers, readout


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
    page = report._repr_html_()
    assert f"<caption>Conversion to {report.chip}</caption>" in page
    assert page.count("<tr>") == 1 + len(rows)
    assert page.count("<p>") == len(report.summary())


def test_to_fixed_point__of_several_outputs_the_one_with_a_neuron_for_every_class_decides():
    one = layers()
    few = RealNeurons(name="few", shape=(2,), dynamics=one.neurons[-1].dynamics)
    more = RealProjection(source="hidden", target="few", map=RealDense(weights=W2[:2]))
    network = RealNetwork(populations=[*one.populations, few], projections=[*one.projections, more])
    labels = np.arange(24) % 4
    _, alone = to_fixed_point(one, calibration=Calibration(spikes=SPIKES, labels=labels))
    _, report = to_fixed_point(network, calibration=Calibration(spikes=SPIKES, labels=labels))
    assert (report.accuracy_before, report.accuracy_after) == (
        alone.accuracy_before,
        alone.accuracy_after,
    )
    said = "out: the decisions are its alone; nothing listens to any of out, few."
    assert said in report.notes
    assert not any("its alone" in note for note in alone.notes)
