"""The roads between worlds: to Lava and back, with proof that the spikes are the same.

Nothing heavy is imported before it is used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from conversions.comparison import Difference
    from conversions.executors import Executor
    from conversions.lava_executor import LavaExecution, run_lava
    from conversions.lava_graph.program import LavaProgram, from_lava, run_in_engine
    from conversions.lava_learner import learn_lava
    from conversions.lava_program import to_lava
    from conversions.netx_file import NetxMeaning, from_netx, to_netx
    from conversions.nir_graph import from_nir, to_nir
    from conversions.quantization import Calibration, to_fixed_point
    from conversions.real_network.bit_planes import BitPlanes
    from conversions.report import ConversionReport
    from conversions.torch_model.conversion import from_torch
    from conversions.torch_model.reading import TimeAxis
    from conversions.torch_model.registry import register_neuron, register_synapse
    from conversions.verification import Verification, verify
    from hw_models.lesson import LearningForm
    from ssdp_neuro.engine.random_input import random_spikes

__all__ = [
    "BitPlanes",
    "Calibration",
    "ConversionReport",
    "Difference",
    "Executor",
    "LavaExecution",
    "LavaProgram",
    "LearningForm",
    "NetxMeaning",
    "TimeAxis",
    "Verification",
    "from_lava",
    "from_netx",
    "from_nir",
    "from_torch",
    "learn_lava",
    "random_spikes",
    "register_neuron",
    "register_synapse",
    "run_in_engine",
    "run_lava",
    "to_fixed_point",
    "to_lava",
    "to_netx",
    "to_nir",
    "verify",
]

# A verb does not live in a file of its own name: importing that file would put the module
# in the place of the verb.
_HOMES = {
    "BitPlanes": "conversions.real_network.bit_planes",
    "Calibration": "conversions.quantization",
    "ConversionReport": "conversions.report",
    "Difference": "conversions.comparison",
    "Executor": "conversions.executors",
    "LavaExecution": "conversions.lava_executor",
    "LavaProgram": "conversions.lava_graph.program",
    "LearningForm": "hw_models.lesson",
    "NetxMeaning": "conversions.netx_file",
    "TimeAxis": "conversions.torch_model.reading",
    "Verification": "conversions.verification",
    "from_lava": "conversions.lava_graph.program",
    "from_netx": "conversions.netx_file",
    "from_nir": "conversions.nir_graph",
    "from_torch": "conversions.torch_model.conversion",
    "learn_lava": "conversions.lava_learner",
    "random_spikes": "ssdp_neuro.engine.random_input",
    "register_neuron": "conversions.torch_model.registry",
    "register_synapse": "conversions.torch_model.registry",
    "run_in_engine": "conversions.lava_graph.program",
    "run_lava": "conversions.lava_executor",
    "to_fixed_point": "conversions.quantization",
    "to_lava": "conversions.lava_program",
    "to_netx": "conversions.netx_file",
    "to_nir": "conversions.nir_graph",
    "verify": "conversions.verification",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'conversions' has no attribute {name!r}")
    if name == "from_torch":
        importlib.import_module("ssdp_neuro.training")  # says what to install without PyTorch
    return getattr(importlib.import_module(_HOMES[name]), name)
