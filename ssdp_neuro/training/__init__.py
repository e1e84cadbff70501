"""Train spiking networks in PyTorch, with the chip's neuron and the chip's grid."""

from hw_models import MissingExtraError

try:
    import torch as _torch  # noqa: F401
except ImportError as missing:
    raise MissingExtraError(
        'ssdp_neuro.training needs PyTorch: pip install "ssdp-neuro[train]"'
    ) from missing

from ssdp_neuro.data.digits import DigitsSplit, LabelledImages, load_digits
from ssdp_neuro.training.checkpoint import load_model, save_model
from ssdp_neuro.training.controls import (
    ConstantUpdate,
    GateAtOne,
    RandomUpdate,
    ShuffledLatencies,
)
from ssdp_neuro.training.da_ssdp import DASSDP
from ssdp_neuro.training.dopamine_gate import DopamineGate, GateFit, SaturationWarning
from ssdp_neuro.training.fake_quant import OnGrid
from ssdp_neuro.training.feed_forward import feed_forward
from ssdp_neuro.training.first_spike import first_spike, last_spike
from ssdp_neuro.training.fit import TrainingHistory, fit
from ssdp_neuro.training.network import SpikingNetwork, Stage, quantize, stages
from ssdp_neuro.training.neurons import CubaLif
from ssdp_neuro.training.rule_settings import (
    LossChoice,
    Positions,
    Preset,
    RuleSettings,
    SpikeChoice,
)
from ssdp_neuro.training.spike_tap import InputOf
from ssdp_neuro.training.ssdp import SSDP
from ssdp_neuro.training.surrogate import ArcTangent, Boxcar, FastSigmoid, spike
from ssdp_neuro.training.synchrony_update import da_ssdp_update, ssdp_update, synchrony
from ssdp_neuro.training.transformer import SpikingBlock, TokenLif

__all__ = [
    "DASSDP",
    "SSDP",
    "ArcTangent",
    "Boxcar",
    "ConstantUpdate",
    "CubaLif",
    "DigitsSplit",
    "DopamineGate",
    "FastSigmoid",
    "GateAtOne",
    "GateFit",
    "InputOf",
    "LabelledImages",
    "LossChoice",
    "OnGrid",
    "Positions",
    "Preset",
    "RandomUpdate",
    "RuleSettings",
    "SaturationWarning",
    "ShuffledLatencies",
    "SpikeChoice",
    "SpikingBlock",
    "SpikingNetwork",
    "Stage",
    "TokenLif",
    "TrainingHistory",
    "da_ssdp_update",
    "feed_forward",
    "first_spike",
    "fit",
    "last_spike",
    "load_digits",
    "load_model",
    "quantize",
    "save_model",
    "spike",
    "ssdp_update",
    "stages",
    "synchrony",
]
