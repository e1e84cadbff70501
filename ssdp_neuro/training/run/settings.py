"""Settings of a training run, by section of its config file. Knows no PyTorch."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from hw_models import RangeError, ResetMode
from hw_models.integers import integer
from ssdp_neuro.training.run.choices import (
    DeviceKind,
    LossKind,
    ModelKind,
    OptimizerKind,
    PresetName,
    RuleKind,
    ScheduleKind,
    SurrogateKind,
)

LARGEST_RATE = 1e30  # PyTorch's optimizers divide it by small numbers, in float32

OTHER_NEURONS = (  # of the other architectures
    "current_decay",
    "voltage_decay",
    "threshold",
    "reset",
    "refractory",
    "learn_decays",
)


@dataclass(frozen=True, kw_only=True)
class ModelSettings:
    """The network; its input and classes are those of the data.

    Parameters
    ----------
    kind
        Architecture.
    hidden
        Neurons of each hidden layer; channels of each convolution; channels of the
        transformer's tokens (one number).
    current_decay
        Of every neuron, 0..4095 in 1/4096 per step; 4095 is memoryless.
    voltage_decay
        Of every neuron, 0..4095 in 1/4096 per step; 0 does not leak.
    threshold
        Of every neuron, positive, in the unit of the weights.
    reset
        What a spike does to the membrane potential.
    surrogate
        Slope of the spike going back.
    sharpness
        First parameter of the surrogate (of the boxcar and the triangle the width),
        positive; its own default if left out.
    refractory
        Steps after a spike in which a neuron cannot fire again, 0..63.
    learn_decays
        Whether training moves the decays, from the given ones.
    gain
        Initial weights have a standard deviation of gain / sqrt(inputs), positive; 1.5 for
        the convolutional architecture and 1 for others if left out.
    recurrent_gain
        The same of recurrent weights.
    kernel_size
        Of every convolution.
    stride
        Of every convolution.
    blocks
        Of the transformer.
    patch
        Side of the transformer's patches, in pixels.
    start_from
        Model file whose weights it begins with, for instance the best.safetensors of
        another run; random ones if empty.
    quantize_from_epoch
        First epoch (from 0) trained on the chip's integers; never if left out. The best
        model is then chosen among those epochs, and mixed precision is off in them.
    """

    kind: ModelKind = ModelKind.FEED_FORWARD
    hidden: tuple[int, ...] = (256,)
    current_decay: int = 4095
    voltage_decay: int = 256
    threshold: float = 1.0
    reset: ResetMode = ResetMode.SUBTRACT
    surrogate: SurrogateKind = SurrogateKind.FAST_SIGMOID
    sharpness: float | None = None
    refractory: int = 0
    learn_decays: bool = False
    gain: float | None = None
    recurrent_gain: float = 0.2
    kernel_size: int = 3
    stride: int = 2
    blocks: int = 2
    patch: int = 4
    start_from: str = ""
    quantize_from_epoch: int | None = None

    def __post_init__(self) -> None:
        for size in self.hidden:
            integer("[model] hidden", size, 1, 2**24)
        integer("[model] current_decay", self.current_decay, 0, 4095)
        integer("[model] voltage_decay", self.voltage_decay, 0, 4095)
        for field in ("kernel_size", "stride", "blocks", "patch"):
            integer(f"[model] {field}", getattr(self, field), 1, 1024)
        integer("[model] refractory", self.refractory, 0, 63)
        for field in ("threshold", "recurrent_gain", "gain", "sharpness"):
            if getattr(self, field) is not None:
                _number(f"[model] {field}", getattr(self, field), above=0)
        if not self.hidden and self.kind is not ModelKind.FEED_FORWARD:
            raise RangeError(f"[model] hidden: []; {self.kind.value!r} needs at least one number")
        if self.kind is ModelKind.TRANSFORMER:
            self._refuse_other_neurons()
        if self.quantize_from_epoch is not None:
            integer("[model] quantize_from_epoch", self.quantize_from_epoch, 0, 2**31 - 1)

    def _refuse_other_neurons(self) -> None:
        """The transformer has neurons of its own, and one number of channels."""
        if len(self.hidden) > 1:
            raise RangeError(f"[model] hidden: {list(self.hidden)}; 'transformer' takes one number")
        for field in OTHER_NEURONS:
            if getattr(self, field) != getattr(ModelSettings, field):
                raise RangeError(
                    f"[model] {field}: {getattr(self, field)}; the neurons of 'transformer' are"
                    " as they are, so it has to be left out"
                )


@dataclass(frozen=True, kw_only=True)
class RuleSection:
    """The rule of synchrony that also changes weights, after each step of the optimizer.

    Parameters
    ----------
    kind
        Which rule, or which control; the one switch.
    preset
        Constants to start from.
    layers
        Names of the neurons whose incoming weights it changes; the last ones if empty,
        and all with ["all"].
    warm_up_steps
        Optimizer steps before it changes anything; the gate is fitted on them. From 1.
    a_plus
        Largest change by a pair that fired, in the unit of the weights; the preset's if
        left out.
    a_baseline
        Change of every other pair; the preset's if left out.
    sigma
        Width of the latency kernel, steps; the preset's if left out.
    scale_by_learning_rate
        Whether changes follow the learning rate; the preset's if left out.
    """

    kind: RuleKind = RuleKind.NONE
    preset: PresetName = PresetName.CORRECTED
    layers: tuple[str, ...] = ()
    warm_up_steps: int = 1000
    a_plus: float | None = None
    a_baseline: float | None = None
    sigma: float | None = None
    scale_by_learning_rate: bool | None = None

    def __post_init__(self) -> None:
        integer("[rule] warm_up_steps", self.warm_up_steps, 1, 2**63 - 1)
        for field in ("a_plus", "a_baseline"):
            if getattr(self, field) is not None:
                _number(f"[rule] {field}", getattr(self, field), least=0)
        if self.sigma is not None:
            _number("[rule] sigma", self.sigma, above=0)

    def changes(self) -> dict[str, Any]:
        """Fields of the rule's settings that differ from the preset."""
        names = ("a_plus", "a_baseline", "sigma", "scale_by_learning_rate")
        return {name: getattr(self, name) for name in names if getattr(self, name) is not None}


@dataclass(frozen=True, kw_only=True)
class OptimizerSettings:
    """The optimizer and the course of its learning rate.

    Parameters
    ----------
    kind
        Optimizer.
    learning_rate
        At its peak, positive, to 1e30.
    weight_decay
        From 0; decoupled with adamw.
    momentum
        Of sgd, 0 to below 1.
    clip_norm
        Largest norm of the gradient of all weights, positive; no limit if left out.
    schedule
        Course of the learning rate: constant; cosine (down to final_share); one-cycle (up
        over 30 % of the steps, then down); plateau (cut when validation no longer gains).
    warm_up_steps
        Steps over which the rate rises from 0; not used by one-cycle, which has its own.
    final_share
        Of the peak, what is left at the end of cosine and one-cycle, 0..1.
    plateau_factor
        What a plateau multiplies the rate by, above 0, below 1.
    plateau_patience
        Epochs without a gain that make a plateau.
    """

    kind: OptimizerKind = OptimizerKind.ADAMW
    learning_rate: float = 4e-3
    weight_decay: float = 0.01
    momentum: float = 0.9
    clip_norm: float | None = 1.0
    schedule: ScheduleKind = ScheduleKind.ONE_CYCLE
    warm_up_steps: int = 0
    final_share: float = 1e-3
    plateau_factor: float = 0.5
    plateau_patience: int = 3

    def __post_init__(self) -> None:
        _number("[optimizer] learning_rate", self.learning_rate, above=0, most=LARGEST_RATE)
        _number("[optimizer] weight_decay", self.weight_decay, least=0)
        _number("[optimizer] momentum", self.momentum, least=0, below=1)
        if self.clip_norm is not None:
            _number("[optimizer] clip_norm", self.clip_norm, above=0)
        integer("[optimizer] warm_up_steps", self.warm_up_steps, 0, 2**63 - 1)
        _number("[optimizer] final_share", self.final_share, least=0, most=1)
        _number("[optimizer] plateau_factor", self.plateau_factor, above=0, below=1)
        integer("[optimizer] plateau_patience", self.plateau_patience, 1, 2**31 - 1)


@dataclass(frozen=True, kw_only=True)
class TrainingSettings:
    """How long, how many at a time, on what, and what is kept.

    Parameters
    ----------
    epochs
        Passes over the training samples, from 1.
    batch_size
        Samples per step, of all ranks together; batches are made equal to within one.
    seed
        Of initial weights, order of the samples, dropped spikes, random layers.
    loss
        Cross-entropy of the output's spike counts, or (latency) of counts in which a spike
        weighs the more the earlier it comes.
    dropped_spikes
        Share of input spikes left out at random in training, 0 to below 1.
    device
        auto takes a GPU if there is one.
    threads
        Of PyTorch; 0: as many as it takes by itself. Same numbers only with as many.
    amp
        Mixed precision (bfloat16) in training; measuring is in float32.
    compile
        Whether torch.compile is used in training. Not together with a rule.
    patience
        Epochs without a gain on validation samples that end training; 0: never.
    checkpoint_epochs
        Epochs from one checkpoint to the next, from 1.
    checkpoint_steps
        Also one after so many steps within an epoch; 0: none.
    keep
        Checkpoints kept beside the best model, from 1.
    tensorboard
        Whether the run's folder also gets TensorBoard's event files.
    """

    epochs: int = 20
    batch_size: int = 128
    seed: int = 0
    loss: LossKind = LossKind.COUNTS
    dropped_spikes: float = 0.0
    device: DeviceKind = DeviceKind.AUTO
    threads: int = 0
    amp: bool = False
    compile: bool = False
    patience: int = 0
    checkpoint_epochs: int = 1
    checkpoint_steps: int = 0
    keep: int = 2
    tensorboard: bool = False

    def __post_init__(self) -> None:
        lowest = {"epochs": 1, "batch_size": 1, "checkpoint_epochs": 1, "keep": 1}
        for field in (*lowest, "threads", "patience", "checkpoint_steps"):
            integer(f"[training] {field}", getattr(self, field), lowest.get(field, 0), 2**31 - 1)
        integer("[training] seed", self.seed, 0, 2**31 - 1)
        _number("[training] dropped_spikes", self.dropped_spikes, least=0, below=1)


def _number(
    where: str,
    value: float,
    *,
    least: float = -math.inf,
    above: float = -math.inf,
    most: float = math.inf,
    below: float = math.inf,
) -> None:
    if math.isfinite(value) and least <= value <= most and above < value < below:
        return
    bounds = {"from": least, "above": above, "to": most, "below": below}
    allowed = ", ".join(f"{word} {x:g}" for word, x in bounds.items() if math.isfinite(x))
    raise RangeError(f"{where}: {value}; allowed {allowed or 'finite numbers'}")
