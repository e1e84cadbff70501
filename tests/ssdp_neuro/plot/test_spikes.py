import dataclasses

import numpy as np
import pytest
from matplotlib.colors import to_hex

from hw_models import InputError, RangeError, ShapeError, TypeMismatchError, UnknownNameError
from ssdp_neuro import plot
from ssdp_neuro.plot.palette import VERMILION


def marks(axes):
    """Step and neuron of every mark, and of those in vermilion."""
    every = [tuple(map(int, xy)) for marks in axes.collections for xy in marks.get_offsets()]
    odd = [
        tuple(map(int, xy))
        for marks in axes.collections
        for xy in marks.get_offsets()
        if to_hex(marks.get_edgecolor()[0]) == VERMILION
    ]
    return sorted(every), sorted(odd)


def fired(raster):
    return [tuple(place) for place in np.argwhere(raster).tolist()]


@pytest.mark.parametrize("sample", [0, 2])
@pytest.mark.parametrize("name", ["eye", "seen", "out"])
def test_raster__has_a_mark_for_every_spike(run, name, sample):
    axes = plot.raster(run, name, sample=sample)
    assert marks(axes) == (fired(run.raster(name)[sample]), [])
    assert fired(run.raster(name)[sample])
    assert axes.get_xlim() == (-0.5, run.n_steps - 0.5)
    assert axes.get_ylim() == (-0.5, run.sizes[name] - 0.5)
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("step", f"{name}, neuron")


def test_raster__draws_runs_without_a_batch_and_arrays_alike(single):
    assert marks(plot.raster(single, "seen")) == marks(plot.raster(single.raster("seen")))


def test_raster__shows_what_has_no_counterpart(run):
    one, other = run.raster("seen")[0], run.raster("seen")[1]
    axes = plot.raster(one, against=other)
    assert marks(axes) == (fired(one), fired(one & ~other))
    assert fired(one & ~other)
    assert marks(plot.raster(run, "seen", against=run)) == (fired(one), [])


def test_raster__highlights_neurons(run):
    out = run.raster("out")[0]
    chosen = out.copy()
    chosen[:, [0, 3]] = False
    assert marks(plot.raster(run, "out", highlight=[1, 2])) == (fired(out), fired(chosen))


def test_raster__of_many_spikes_is_pixels():
    few, many = np.ones((5, 4), bool), np.ones((50, 40), bool)
    assert not plot.raster(few).collections[0].get_rasterized()
    axes = plot.raster(many)
    assert axes.collections[0].get_rasterized()
    assert len(axes.collections[0].get_offsets()) == 2000
    assert plot.svg(axes).count("<use") < 100


def test_raster__of_very_many_spikes_is_pale():
    rng = np.random.default_rng(0)
    shades = []
    for rate in (0.001, 0.5, 0.9):
        (drawn,) = plot.raster(rng.random((1000, 500)) < rate).collections
        shades.append(1.0 if drawn.get_alpha() is None else drawn.get_alpha())
    assert shades[0] == 1.0
    assert shades[1] > shades[2] > 0


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"population": "ear"}, UnknownNameError, "no population named 'ear'"),
        ({}, InputError, "population: not given; there are 'eye', 'seen'"),
        ({"population": "out", "sample": 3}, RangeError, r"sample: 3; allowed 0\.\.2"),
        ({"population": "out", "sample": -1}, RangeError, r"sample: -1; allowed 0\.\.2"),
        ({"population": "out", "sample": 1.0}, TypeMismatchError, "sample: 1.0 is float"),
        ({"population": "out", "highlight": [4]}, RangeError, r"highlight: 4; allowed 0\.\.3"),
        ({"population": "out", "highlight": [0.5]}, TypeMismatchError, "highlight: 0.5"),
    ],
)
def test_raster__refuses_what_is_not_there(run, arguments, error, message):
    with pytest.raises(error, match=message):
        plot.raster(run, **arguments)


def test_raster__refuses_arrays_that_do_not_fit():
    with pytest.raises(ShapeError, match=r"shape \(2, 3, 4\)"):
        plot.raster(np.ones((2, 3, 4)))
    with pytest.raises(InputError, match="allowed 0 and 1"):
        plot.raster(np.full((3, 4), 0.5))
    with pytest.raises(ShapeError, match=r"against: \(steps, neurons\) \(3, 4\)"):
        plot.raster(np.ones((3, 3), int), against=np.ones((3, 4)))


def test_rasters__are_one_for_each_population(run):
    panels = plot.rasters(run, sample=1)
    for name, axes in zip(run.populations, panels, strict=True):
        assert marks(axes)[0] == fired(run.raster(name)[1])
        assert axes.get_title(loc="left") == f"{name} ({run.sizes[name]})"
    figure = plot.new_figure(4, 3)
    (only,) = plot.rasters(run, ["out"], figure=figure)
    assert figure.axes == [only]
    with pytest.raises(InputError, match="at least one"):
        plot.rasters(run, [])


def test_rates__are_shares_of_the_neurons(run, single):
    for given, samples in ((run, 3), (single, 1)):
        axes = plot.rates(given)
        for line, name in zip(axes.lines, given.populations, strict=True):
            raster = given.raster(name).reshape(samples, given.n_steps, -1)
            assert line.get_label() == name
            np.testing.assert_allclose(line.get_ydata(), 100 * raster.mean(axis=(0, 2)))
        assert axes.get_ylim()[0] == 0
        assert axes.get_ylabel() == "neurons that fire, %"


def test_latencies__are_shares_of_those_that_fire(run):
    axes = plot.latencies(run, ["seen", "out"])
    for stairs, name in zip(axes.patches, ["seen", "out"], strict=True):
        first = run.first_spikes(name)
        counts = np.array([(first == step).sum() for step in range(run.n_steps)])
        np.testing.assert_allclose(stairs.get_data().values, 100 * counts / counts.sum())
        silent = (first == run.n_steps).mean()
        assert stairs.get_label() == (f"{name}, {silent:.0%} silent" if silent else name)
    medians = [line.get_xdata()[0] for line in axes.lines]
    first = run.first_spikes("out")
    assert medians[1] == np.median(first[first < run.n_steps])


def test_latencies__come_from_steps_too(run):
    given = {name: run.first_spikes(name) for name in ("eye", "out")}
    ours = plot.latencies(given, n_steps=run.n_steps).patches
    for mine, theirs in zip(ours, plot.latencies(run, ["eye", "out"]).patches, strict=True):
        assert mine.get_data().values.tolist() == theirs.get_data().values.tolist()
    with pytest.raises(InputError, match="n_steps is needed"):
        plot.latencies(given)
    with pytest.raises(RangeError, match="first spikes of 'out': value -1"):
        plot.latencies({"out": [3, -1]}, n_steps=8)
    with pytest.raises(TypeMismatchError, match="first spikes of 'out': dtype float64"):
        plot.latencies({"out": [0.5]}, n_steps=8)


def test_latencies__of_silence_draw_nothing():
    axes = plot.latencies({"out": np.full(3, 8)}, n_steps=8)
    assert axes.patches[0].get_data().values.tolist() == [0] * 8
    assert axes.patches[0].get_label() == "out, 100% silent"
    assert not axes.lines


def test_pictures__need_a_sample(run):
    empty = dataclasses.replace(run, n_samples=0)
    for picture in (plot.rates, plot.latencies, plot.rasters):
        with pytest.raises(InputError, match="0 samples"):
            picture(empty)
