"""What the passes of a conversion hand on to each other."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from conversions.quantization.calibration import Calibration
from conversions.quantization.constant_drive import BiasForm, Drive
from conversions.quantization.grid_proposals import ScaleForm
from conversions.quantization.layer import Layer
from conversions.quantization.layer_grid import LayerGrid
from conversions.quantization.lowering import Lowered, free_name
from conversions.quantization.recordings import Recordings
from conversions.real_network import RealNetwork
from conversions.real_network.bit_planes import BitPlanes
from conversions.real_network.timing import Timing
from hw_models import LOIHI2, Chip, FixedPointNetwork


@dataclass(frozen=True, kw_only=True, eq=False)
class ConversionState:
    """A network on its way to integers; what a later pass finds out is still empty.

    Parameters
    ----------
    network
        In real numbers, in the time of its source.
    chip, scales, bias, progress
        As of :func:`conversions.to_fixed_point`.
    planes
        How the network's input of real values becomes binary digits; None for spikes, and when
        it has become them.
    calibration
        Spikes (of the digits, if there are planes) that the network is known to see.
    before
        Spikes of the source itself on them, by population.
    timing
        Network step of each population's first step, and delays of projections.
    layers
        Populations that compute, with their decays on the chip's 12 bits.
    grids
        Scale, threshold and mantissas, by population.
    recordings
        What the source does on the calibration data, and what was converted of it.
    drives
        Constant inputs, by population.
    lowered
        Records of the chip, by population.
    fixed
        The network in integers.
    """

    network: RealNetwork
    chip: Chip = LOIHI2
    scales: ScaleForm | None = None
    bias: BiasForm = BiasForm.EXACT
    progress: bool | None = None
    planes: BitPlanes | None = None
    calibration: Calibration | None = None
    before: Mapping[str, Any] | None = None
    timing: Timing | None = None
    layers: tuple[Layer, ...] = ()
    grids: Mapping[str, LayerGrid] = dataclasses.field(default_factory=dict)
    recordings: Recordings | None = None
    drives: Mapping[str, Drive] = dataclasses.field(default_factory=dict)
    lowered: Mapping[str, Lowered] = dataclasses.field(default_factory=dict)
    fixed: FixedPointNetwork | None = None

    @property
    def when(self) -> Timing:
        """The timing, once there is one."""
        assert self.timing is not None, "the schedule comes first"
        return self.timing

    @property
    def clock_name(self) -> str:
        """Name of the neuron that fires in every step."""
        return free_name("bias", [population.name for population in self.network.populations])
