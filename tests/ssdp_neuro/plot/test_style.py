import json
import sys

import numpy as np
import pytest

import ssdp_neuro
from hw_models import EnergyEstimate, MissingExtraError, TypeMismatchError
from ssdp_neuro import plot
from ssdp_neuro.plot.costs import population_energies
from ssdp_neuro.plot.palette import NEUTRAL, SERIES
from tests.fresh_python import run_program


def pictures(network, run):
    labels = np.arange(30) % 10
    return {
        "raster": lambda: plot.raster(run, "seen"),
        "rasters": lambda: plot.rasters(run)[0],
        "rates": lambda: plot.rates(run),
        "latencies": lambda: plot.latencies(run),
        "potentials": lambda: plot.potentials(run, "out", network=network),
        "weights": lambda: plot.weights(network, network, "past"),
        "confusion": lambda: plot.confusion(labels, labels - 1),
        "shares": lambda: plot.shares({"a long name of a model": [0.9, 0.8], "b": 0.1}),
        "shares in groups": lambda: plot.shares({"g": {"a": 1.0, "b": 0.9}}, low=0.5),
        "energy": lambda: plot.energy(population_energies(network, run)),
        "network": lambda: plot.network(network, run),
    }


NAMES = list(pictures(None, None))


@pytest.mark.parametrize("name", NAMES)
def test_pictures__cut_nothing_off(network, run, name):
    figure = pictures(network, run)[name]().figure
    figure.canvas.draw()
    inside = figure.get_tightbbox()
    assert inside.x0 > -0.01
    assert inside.y0 > -0.01
    assert inside.x1 < figure.get_figwidth() + 0.01
    assert inside.y1 < figure.get_figheight() + 0.01


@pytest.mark.parametrize("name", NAMES)
def test_pictures__letters_are_legible_on_a_phone(network, run, name):
    from matplotlib.text import Text

    figure = pictures(network, run)[name]().figure
    points = [text.get_fontsize() for text in figure.findobj(Text) if text.get_text().strip()]
    pixels_a_point = 358 / (figure.get_figwidth() * 72)  # a phone of 390 with its margins
    assert min(points) * pixels_a_point > 8


@pytest.mark.parametrize("name", NAMES)
def test_pictures__need_matplotlib(network, run, name, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingExtraError, match=r'pip install "\.\[plot\]"'):
        pictures(network, run)[name]()


def test_plot__is_imported_without_matplotlib():
    program = """
        import json, sys
        import ssdp_neuro
        ssdp_neuro.plot.raster
        print(json.dumps([name for name in ("matplotlib", "numba") if name in sys.modules]))
    """
    assert json.loads(run_program(program)) == []
    assert ssdp_neuro.plot is plot


def test_pictures__are_drawn_into_axes_given(run):
    figure = plot.new_figure(6, 3)
    left, right = figure.subplots(1, 2)
    assert plot.raster(run, "out", ax=left) is left
    assert plot.rates(run, ax=right) is right
    assert figure.axes == [left, right]


def test_svg__is_the_same_text_for_the_same_picture(run):
    texts = [plot.svg(plot.raster(run, "out")) for _ in range(2)]
    assert texts[0] == texts[1]
    assert "step" in texts[0]


def test_style__has_backgrounds(run):
    from matplotlib.colors import to_hex, to_rgba

    with plot.style(plot.Background.TRANSPARENT):
        axes = plot.raster(run, "out")
    assert axes.figure.get_facecolor()[3] == axes.get_facecolor()[3] == 0
    assert to_hex(axes.xaxis.label.get_color()) == NEUTRAL
    assert to_hex(axes.collections[0].get_edgecolor()[0]) == NEUTRAL
    with plot.style(plot.Background.DARK):
        axes = plot.energy(EnergyEstimate(synaptic=1, spikes=0, updates_low=0, updates_high=0))
    assert sum(to_rgba(axes.xaxis.label.get_color())[:3]) > 2 > sum(axes.get_facecolor()[:3])
    with pytest.raises(TypeMismatchError, match="background: 'dark'"), plot.style("dark"):
        pass


def luminance(colour):
    from matplotlib.colors import to_rgb

    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    return np.dot(linear, (0.2126, 0.7152, 0.0722))


@pytest.mark.parametrize("ground", ["#ffffff", "#111111"])
def test_palette__stands_out_on_white_and_black(ground):
    def contrast(colour):
        light, dark = sorted((luminance(colour), luminance(ground)), reverse=True)
        return (light + 0.05) / (dark + 0.05)

    assert contrast(NEUTRAL) > 4
    assert all(contrast(colour) > 2 for colour in SERIES)


def test_pictures__show_names_as_they_are():
    from ssdp_neuro.plot.structure import network as picture
    from tests.ssdp_neuro.plot.test_structure import network_of

    names = ["_layer", "$a$", "a name that is far too long for any box", "100 %"]
    axes = plot.latencies({name: [0, 1] for name in names}, n_steps=2)
    axes.figure.canvas.draw()
    assert [text.get_text().strip() for text in axes.get_legend().get_texts()] == names
    bars = plot.shares({"all": dict.fromkeys(names, 0.5)})
    assert [text.get_text().strip() for text in bars.get_legend().get_texts()] == names
    bars.figure.canvas.draw()
    texts = [text.get_text() for text in picture(network_of(names, [])).texts]
    assert {"_layer", "$a$", "a name that ...for any box", "100 %"} <= set(texts)
    for drawn in (axes, bars):
        assert not any(text.get_parse_math() for text in drawn.get_legend().get_texts())


def test_svg__is_the_same_although_the_layout_is_solved_anew():
    def draw():
        figure = plot.new_figure(4.8, 6.1)
        for axes in figure.subplots(4, 1, sharex=True, height_ratios=[1.3, 2.0, 0.9, 0.9]):
            plot.raster(np.eye(20, dtype=bool), highlight=[3], ax=axes)
            axes.set_title("a layer", fontsize=9)
        return figure

    figures = [draw() for _ in range(8)]
    assert len({plot.svg(figure) for figure in figures}) == 1
    engines = {type(figure.get_layout_engine()).__name__ for figure in figures}
    assert engines == {"ConstrainedLayoutEngine"}
    assert all(axes.get_in_layout() for axes in figures[0].axes)


@pytest.mark.parametrize("turned", [True, False])
def test_pictures__leave_a_notebook_interactive(turned):
    """What a notebook's backend does when a picture is the first thing that imports pyplot."""
    import matplotlib as mpl

    was = mpl.is_interactive()
    try:
        mpl.interactive(not turned)
        with plot.style(plot.Background.DARK), plot.style():
            mpl.interactive(turned)
        assert mpl.is_interactive() == turned
        assert mpl.rcParams["figure.facecolor"] != "#16191c"
    finally:
        mpl.interactive(was)
