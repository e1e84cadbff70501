"""Train spiking networks in PyTorch, with the chip's neuron and the chip's grid."""

from hw_models import MissingExtraError

try:
    import torch as _torch  # noqa: F401
except ImportError as missing:
    raise MissingExtraError(
        'ssdp_neuro.training needs PyTorch: pip install "ssdp-neuro[train]"'
    ) from missing

from ssdp_neuro.training.checkpoint import load_model, save_model
from ssdp_neuro.training.digits import DigitsSplit, LabelledImages, load_digits
from ssdp_neuro.training.fake_quant import OnGrid
from ssdp_neuro.training.feed_forward import feed_forward
from ssdp_neuro.training.fit import TrainingHistory, fit
from ssdp_neuro.training.network import SpikingNetwork, Stage, quantize, stages
from ssdp_neuro.training.neurons import CubaLif
from ssdp_neuro.training.surrogate import ArcTangent, Boxcar, FastSigmoid, spike

__all__ = [
    "ArcTangent",
    "Boxcar",
    "CubaLif",
    "DigitsSplit",
    "FastSigmoid",
    "LabelledImages",
    "OnGrid",
    "SpikingNetwork",
    "Stage",
    "TrainingHistory",
    "feed_forward",
    "fit",
    "load_digits",
    "load_model",
    "quantize",
    "save_model",
    "spike",
    "stages",
]
