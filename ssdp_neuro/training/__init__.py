"""Train spiking networks in PyTorch, with the chip's neuron and the chip's grid."""

from hw_models import MissingExtraError

try:
    import torch as _torch  # noqa: F401
except ImportError as missing:
    raise MissingExtraError(
        'ssdp_neuro.training needs PyTorch: pip install "ssdp-neuro[train]"'
    ) from missing

from ssdp_neuro.data.digits import DigitsSplit, LabelledImages, load_digits
from ssdp_neuro.training.adaptation import Adaptation
from ssdp_neuro.training.checkpoint import load_model, save_model
from ssdp_neuro.training.controls import (
    ConstantUpdate,
    GateAtOne,
    RandomUpdate,
    ShuffledLatencies,
)
from ssdp_neuro.training.convolutional import convolutional
from ssdp_neuro.training.da_ssdp import DASSDP
from ssdp_neuro.training.decays import decay_of
from ssdp_neuro.training.delays import DelayedLinear
from ssdp_neuro.training.dopamine_gate import DopamineGate, GateFit, SaturationWarning
from ssdp_neuro.training.fake_quant import OnGrid
from ssdp_neuro.training.feed_forward import feed_forward
from ssdp_neuro.training.first_spike import first_spike, last_spike
from ssdp_neuro.training.fit_arrays import TrainingHistory, fit_arrays
from ssdp_neuro.training.lif_state import LifState
from ssdp_neuro.training.memory_reuse import reuse_memory
from ssdp_neuro.training.network import SpikingNetwork
from ssdp_neuro.training.neurons import CubaLif, Lif
from ssdp_neuro.training.quantization import quantize
from ssdp_neuro.training.recurrent import recurrent
from ssdp_neuro.training.rule_settings import (
    LossChoice,
    Positions,
    Preset,
    RuleSettings,
    SpikeChoice,
)
from ssdp_neuro.training.run.config import RunConfig, config_of, read_config
from ssdp_neuro.training.run.errors import TrainingError
from ssdp_neuro.training.run.fit import TrainingResult, fit
from ssdp_neuro.training.run.progress_record import EpochRecord
from ssdp_neuro.training.spike_tap import InputOf
from ssdp_neuro.training.ssdp import SSDP
from ssdp_neuro.training.stages import Stage, stages
from ssdp_neuro.training.surrogate import (
    ArcTangent,
    Boxcar,
    FastSigmoid,
    MultiGaussian,
    Triangular,
    spike,
)
from ssdp_neuro.training.synchrony_update import da_ssdp_update, ssdp_update, synchrony
from ssdp_neuro.training.transformer import SpikingBlock, SpikingTransformer, TokenLif

__all__ = [
    "DASSDP",
    "SSDP",
    "Adaptation",
    "ArcTangent",
    "Boxcar",
    "ConstantUpdate",
    "CubaLif",
    "DelayedLinear",
    "DigitsSplit",
    "DopamineGate",
    "EpochRecord",
    "FastSigmoid",
    "GateAtOne",
    "GateFit",
    "InputOf",
    "LabelledImages",
    "Lif",
    "LifState",
    "LossChoice",
    "MultiGaussian",
    "OnGrid",
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
    "Stage",
    "TokenLif",
    "TrainingError",
    "TrainingHistory",
    "TrainingResult",
    "Triangular",
    "config_of",
    "convolutional",
    "da_ssdp_update",
    "decay_of",
    "feed_forward",
    "first_spike",
    "fit",
    "fit_arrays",
    "last_spike",
    "load_digits",
    "load_model",
    "quantize",
    "read_config",
    "recurrent",
    "reuse_memory",
    "save_model",
    "spike",
    "ssdp_update",
    "stages",
    "synchrony",
]
