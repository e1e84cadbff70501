"""From a network in real numbers to one in the chip's integers, as named passes."""

from conversions.quantization.passes.conversion_pass import ConversionPass
from conversions.quantization.passes.pipeline import PIPELINE, Pipeline
from conversions.quantization.passes.state import ConversionState

__all__ = ["PIPELINE", "ConversionPass", "ConversionState", "Pipeline"]
