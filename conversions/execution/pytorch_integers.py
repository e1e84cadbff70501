"""A model of this library in PyTorch, on the chip's integers."""

from __future__ import annotations

from conversions.execution.executable import Executable
from conversions.execution.executor import Run
from conversions.execution.pytorch import is_quantized, run_of
from hw_models import InputError


def prepare(executable: Executable) -> Run:
    """Nothing is to be done before."""
    model = executable.needed_model()
    if not is_quantized(model):
        raise InputError("the model runs in real numbers; quantize() puts it on integers")
    return run_of(model, executable)
