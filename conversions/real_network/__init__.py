"""A spiking network in real numbers: what every framework's model is read into."""

from conversions.real_network.dynamics import NeuronDynamics, RealReset
from conversions.real_network.network import RealInput, RealNetwork, RealNeurons
from conversions.real_network.projections import (
    RealConv,
    RealDense,
    RealProjection,
    RealSparse,
)

__all__ = [
    "NeuronDynamics",
    "RealConv",
    "RealDense",
    "RealInput",
    "RealNetwork",
    "RealNeurons",
    "RealProjection",
    "RealReset",
    "RealSparse",
]
