"""Pictures of runs, learning, scores, costs and networks: axes in, axes out, a line each.

Importing it needs no matplotlib; drawing does, the extra ``plot``.
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
