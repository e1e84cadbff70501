"""What the settings of a run choose between."""

from __future__ import annotations

import enum


class ModelKind(enum.Enum):
    """Architectures that a config can name."""

    FEED_FORWARD = "feed-forward"
    CONVOLUTIONAL = "convolutional"
    RECURRENT = "recurrent"
    TRANSFORMER = "transformer"


class SurrogateKind(enum.Enum):
    """Slopes that stand in for the spike's when going back."""

    FAST_SIGMOID = "fast-sigmoid"
    ARC_TANGENT = "arc-tangent"
    BOXCAR = "boxcar"
    TRIANGULAR = "triangular"
    MULTI_GAUSSIAN = "multi-gaussian"


class DelayKind(enum.Enum):
    """Which synapses share a delay that is learned."""

    NONE = "none"
    PER_AXON = "per-axon"
    PER_SYNAPSE = "per-synapse"


class OptimizerKind(enum.Enum):
    """Optimizers of PyTorch."""

    ADAMW = "adamw"
    ADAM = "adam"
    SGD = "sgd"


class ScheduleKind(enum.Enum):
    """How the learning rate goes."""

    CONSTANT = "constant"
    COSINE = "cosine"
    ONE_CYCLE = "one-cycle"
    PLATEAU = "plateau"


class LossKind(enum.Enum):
    """What the cross-entropy is taken of."""

    COUNTS = "counts"
    LATENCY = "latency"


class GradientKind(enum.Enum):
    """How the gradient of the weights is found."""

    SURROGATE = "surrogate"
    E_PROP = "e-prop"


class DeviceKind(enum.Enum):
    """Where the tensors live; chosen once."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"
