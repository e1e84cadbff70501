"""From real numbers to the chip's integers, with a report of what that cost."""

from conversions.quantization.calibration import Calibration, ReadoutDecision
from conversions.quantization.constant_drive import BiasForm
from conversions.quantization.fixed_point import to_fixed_point
from conversions.quantization.grid_proposals import ScaleForm

__all__ = ["BiasForm", "Calibration", "ReadoutDecision", "ScaleForm", "to_fixed_point"]
