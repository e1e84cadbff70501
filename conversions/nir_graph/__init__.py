"""NIR graphs and files: read into networks, and networks written as them."""

from conversions.nir_graph.conversion import from_nir, nir_to_real
from conversions.nir_graph.discretization import (
    NORSE,
    SINABS,
    SINABS_UNSCALED,
    SNNTORCH,
    SPIKINGJELLY,
    Discretization,
    InputScale,
    Method,
)
from conversions.nir_graph.nir_file import write_graph
from conversions.nir_graph.spike_reset import SpikeReset
from conversions.nir_graph.writing import real_to_nir, to_nir

__all__ = [
    "NORSE",
    "SINABS",
    "SINABS_UNSCALED",
    "SNNTORCH",
    "SPIKINGJELLY",
    "Discretization",
    "InputScale",
    "Method",
    "SpikeReset",
    "from_nir",
    "nir_to_real",
    "real_to_nir",
    "to_nir",
    "write_graph",
]
