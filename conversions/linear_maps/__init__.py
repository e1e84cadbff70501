"""Linear maps between populations in float64, and what becomes of them one after another.

Knows NumPy only; every framework's chains of linear layers are composed here.
"""

from conversions.linear_maps.composition import compose, scaled_outputs
from conversions.linear_maps.convolutions import fused
from conversions.linear_maps.pooling import pooling
from conversions.linear_maps.synapses import Synapses, apply, identity, meetings, synapses

__all__ = [
    "Synapses",
    "apply",
    "compose",
    "fused",
    "identity",
    "meetings",
    "pooling",
    "scaled_outputs",
    "synapses",
]
