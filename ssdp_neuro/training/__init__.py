"""Train spiking networks in PyTorch, with the chip's neuron and the chip's grid."""

from hw_models.extras import missing_extra

try:
    import torch as _torch  # noqa: F401
except ImportError as missing:
    raise missing_extra("ssdp_neuro.training", "torch") from missing

from ssdp_neuro.training.layers.adaptation import Adaptation
from ssdp_neuro.training.layers.delay_windows import DelayWindow
from ssdp_neuro.training.layers.delays import DelayedLinear, narrow_delay_windows
from ssdp_neuro.training.layers.neurons import CubaLif, Lif
from ssdp_neuro.training.layers.surrogate import (
    ArcTangent,
    Boxcar,
    FastSigmoid,
    MultiGaussian,
    Triangular,
    spike,
)
from ssdp_neuro.training.networks.checkpoint import load_model, load_model_code, save_model
from ssdp_neuro.training.networks.convolutional import convolutional
from ssdp_neuro.training.networks.feed_forward import feed_forward
from ssdp_neuro.training.networks.integer_network import IntegerNetwork
from ssdp_neuro.training.networks.quantization import quantize
from ssdp_neuro.training.networks.recurrent import recurrent
from ssdp_neuro.training.networks.spiking_network import SpikingNetwork
from ssdp_neuro.training.networks.transformer import SpikingBlock, SpikingTransformer, TokenLif
from ssdp_neuro.training.plasticity.controls import (
    ConstantUpdate,
    GateAtOne,
    RandomUpdate,
    ShuffledLatencies,
)
from ssdp_neuro.training.plasticity.da_ssdp_rule import DASSDP
from ssdp_neuro.training.plasticity.dopamine_gate import DopamineGate, GateFit, SaturationWarning
from ssdp_neuro.training.plasticity.first_spike import first_spike
from ssdp_neuro.training.plasticity.rule_settings import (
    LossChoice,
    Positions,
    Preset,
    RuleSettings,
    SpikeChoice,
)
from ssdp_neuro.training.plasticity.spike_tap import InputOf
from ssdp_neuro.training.plasticity.ssdp import SSDP
from ssdp_neuro.training.plasticity.synchrony_update import da_ssdp_update, ssdp_update, synchrony
from ssdp_neuro.training.run.config import RunConfig, config_of, read_config
from ssdp_neuro.training.run.errors import TrainingError
from ssdp_neuro.training.run.fit import TrainingResult, fit
from ssdp_neuro.training.run.progress_record import EpochRecord

__all__ = [
    "DASSDP",
    "SSDP",
    "Adaptation",
    "ArcTangent",
    "Boxcar",
    "ConstantUpdate",
    "CubaLif",
    "DelayWindow",
    "DelayedLinear",
    "DopamineGate",
    "EpochRecord",
    "FastSigmoid",
    "GateAtOne",
    "GateFit",
    "InputOf",
    "IntegerNetwork",
    "Lif",
    "LossChoice",
    "MultiGaussian",
    "Positions",
    "Preset",
    "RandomUpdate",
    "RuleSettings",
    "RunConfig",
    "SaturationWarning",
    "ShuffledLatencies",
    "SpikeChoice",
    "SpikingBlock",
    "SpikingNetwork",
    "SpikingTransformer",
    "TokenLif",
    "TrainingError",
    "TrainingResult",
    "Triangular",
    "config_of",
    "convolutional",
    "da_ssdp_update",
    "feed_forward",
    "first_spike",
    "fit",
    "load_model",
    "load_model_code",
    "narrow_delay_windows",
    "quantize",
    "read_config",
    "recurrent",
    "save_model",
    "spike",
    "ssdp_update",
    "synchrony",
]
