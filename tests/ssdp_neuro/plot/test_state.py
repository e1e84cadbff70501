import dataclasses

import numpy as np
import pytest

from hw_models import InputError, RangeError, UnknownNameError
from ssdp_neuro import plot


def lines_of(axes):
    return {line.get_label(): line for line in axes.lines if not line.get_label().startswith("_")}


@pytest.mark.parametrize("variable", ["u", "v"])
def test_potentials__are_what_was_probed(run, variable):
    axes = plot.potentials(run, "out", variable, neurons=[3, 1], sample=2)
    lines = lines_of(axes)
    assert list(lines) == ["neuron 3", "neuron 1"]
    for neuron in (3, 1):
        drawn = lines[f"neuron {neuron}"].get_ydata()
        assert drawn.tolist() == run.probe("out", variable)[2, :, neuron].tolist()
    assert axes.get_ylabel() == f"{variable}, 1/64 of a weight step"


def test_potentials__have_the_spikes_above(single):
    axes = plot.potentials(single, "out")
    drawn = [line.get_xdata().tolist() for line in axes.lines if line.get_label().startswith("_")]
    raster = single.raster("out")
    assert drawn == [np.flatnonzero(raster[:, neuron]).tolist() for neuron in range(4)]
    assert raster.any()


def test_potentials__show_thresholds(run, network):
    (dashed,) = (
        line
        for line in plot.potentials(run, "out", network=network, neurons=[0, 1]).lines
        if line.get_label() == "threshold"
    )
    assert set(dashed.get_ydata()) == {60 << 6}
    axes = plot.potentials(run, "out", network=network, neurons=[1, 2])
    levels = [line.get_ydata()[0] for line in axes.lines if line.get_linestyle() == "--"]
    assert levels == [60 << 6, 90 << 6]
    axes = plot.potentials(run, "out", "u", network=network)
    assert not [line for line in axes.lines if line.get_linestyle() == "--"]


@pytest.mark.parametrize("neurons", [[0, 1], [1, 2]])
def test_potentials__say_that_a_threshold_which_rises_is_drawn_at_rest(run, network, neurons):
    rising = dataclasses.replace(network.population("out"), threshold_rise=[0, 5, 0, 0])
    labels = {
        name: [one for one in lines_of(axes) if one.startswith("threshold")]
        for name, axes in {
            "rising": plot.potentials(run, "out", network=network.replace(rising), neurons=neurons),
            "constant": plot.potentials(run, "out", network=network.replace(rising), neurons=[0]),
        }.items()
    }
    assert labels == {"rising": ["threshold at rest"], "constant": ["threshold"]}


def test_potentials__refuse_what_is_not_there(run, network):
    with pytest.raises(InputError, match="no probe"):
        plot.potentials(run, "seen")
    with pytest.raises(RangeError, match=r"neurons: 4; allowed 0\.\.3"):
        plot.potentials(run, "out", neurons=[4])
    with pytest.raises(RangeError, match="sample: 3"):
        plot.potentials(run, "out", sample=3)
    with pytest.raises(InputError, match="neurons: 7 given; allowed up to 6"):
        plot.potentials(run, "out", neurons=[0] * 7)
    with pytest.raises(UnknownNameError, match="no population named 'out'"):
        plot.potentials(run, "out", network=type(network)(populations=[], projections=[]))
