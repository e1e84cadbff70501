"""Pictures of runs, learning, scores, costs and networks: axes in, axes out, a line each.

Importing it needs no matplotlib; drawing does, the extra ``plot``. What is drawn without
``ax`` is a figure of pyplot. Colours are in :mod:`ssdp_neuro.plot.palette`; ``style`` gives
everything drawn inside it a light, dark or transparent background.

Examples
--------
>>> import numpy as np
>>> import ssdp_neuro
>>> from hw_models import DenseProjection, FixedPointNetwork, InputPopulation, LifPopulation
>>> net = FixedPointNetwork(
...     populations=[
...         InputPopulation(name="eye", shape=2),
...         LifPopulation(name="out", shape=1, current_decay=0, voltage_decay=0, threshold=90),
...     ],
...     projections=[DenseProjection(source="eye", target="out", weights=[[30, 50]])],
... )
>>> run = ssdp_neuro.simulate(net, np.ones((6, 2), bool), n_steps=6, probes=[("out", "v")])
>>> run
RunResult(engine, 6 steps, spikes: eye 12, out 4)
>>> [axes.get_title(loc="left") for axes in rasters(run)]
['eye (2)', 'out (1)']
>>> potentials(run, "out", network=net).get_ylabel()
'v, 1/64 of a weight step'
>>> rates(run).lines[0].get_ydata().tolist()  # %
[100.0, 100.0, 100.0, 100.0, 100.0, 100.0]
>>> [line.get_xdata()[0] for line in latencies(run, ["out"]).lines]  # the median
[2.0]
>>> figure = new_figure(6, 3)  # a figure of your own, for a paper
>>> left, right = figure.subplots(1, 2)
>>> network(net, run, ax=left) is left and raster(run, "out", ax=right) is right
True
>>> svg(figure).startswith("<?xml")
True
"""

from ssdp_neuro.plot.costs import energy
from ssdp_neuro.plot.learning import weights
from ssdp_neuro.plot.scores import confusion, shares
from ssdp_neuro.plot.spikes import latencies, raster, rasters, rates
from ssdp_neuro.plot.state import potentials
from ssdp_neuro.plot.structure import network
from ssdp_neuro.plot.style import Background, new_figure, style, svg

__all__ = [
    "Background",
    "confusion",
    "energy",
    "latencies",
    "network",
    "new_figure",
    "potentials",
    "raster",
    "rasters",
    "rates",
    "shares",
    "style",
    "svg",
    "weights",
]
