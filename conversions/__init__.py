"""The roads between worlds: to Lava and back, with proof that the spikes are the same.

Nothing heavy is imported before it is used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from conversions.comparison.model_comparison import compare
    from conversions.conversion_report import ConversionReport
    from conversions.decision_rule import DecisionRule
    from conversions.lava.executor import LavaExecution, run_lava
    from conversions.lava.lava_model import to_lava
    from conversions.lava.learner import learn_lava
    from conversions.lava.program import LavaProgram, from_lava, run_in_engine
    from conversions.netx import NetxMeaning, from_netx, to_netx
    from conversions.nir import from_nir, to_nir
    from conversions.pytorch.conversion import from_torch
    from conversions.pytorch.neurons.reading import TimeAxis
    from conversions.pytorch.neurons.registry import register_neuron, register_synapse
    from conversions.quantization import Calibration, to_fixed_point
    from conversions.real_network.bit_planes import BitPlanes
    from conversions.verification.differences import Difference
    from conversions.verification.executors import Executor
    from conversions.verification.verify_network import Verification, verify
    from hw_models.learning_schedule import LearningForm
    from ssdp_neuro.engine.random_input import random_spikes

__all__ = [
    "BitPlanes",
    "Calibration",
    "ConversionReport",
    "DecisionRule",
    "Difference",
    "Executor",
    "LavaExecution",
    "LavaProgram",
    "LearningForm",
    "NetxMeaning",
    "TimeAxis",
    "Verification",
    "compare",
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
    "ConversionReport": "conversions.conversion_report",
    "DecisionRule": "conversions.decision_rule",
    "Difference": "conversions.verification.differences",
    "Executor": "conversions.verification.executors",
    "LavaExecution": "conversions.lava.executor",
    "LavaProgram": "conversions.lava.program",
    "LearningForm": "hw_models.learning_schedule",
    "NetxMeaning": "conversions.netx",
    "TimeAxis": "conversions.pytorch.neurons.reading",
    "Verification": "conversions.verification.verify_network",
    "compare": "conversions.comparison.model_comparison",
    "from_lava": "conversions.lava.program",
    "from_netx": "conversions.netx",
    "from_nir": "conversions.nir",
    "from_torch": "conversions.pytorch.conversion",
    "learn_lava": "conversions.lava.learner",
    "random_spikes": "ssdp_neuro.engine.random_input",
    "register_neuron": "conversions.pytorch.neurons.registry",
    "register_synapse": "conversions.pytorch.neurons.registry",
    "run_in_engine": "conversions.lava.program",
    "run_lava": "conversions.lava.executor",
    "to_fixed_point": "conversions.quantization",
    "to_lava": "conversions.lava.lava_model",
    "to_netx": "conversions.netx",
    "to_nir": "conversions.nir",
    "verify": "conversions.verification.verify_network",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'conversions' has no attribute {name!r}")
    if name == "from_torch":
        importlib.import_module("ssdp_neuro.training")  # says what to install without PyTorch
    return getattr(importlib.import_module(_HOMES[name]), name)
