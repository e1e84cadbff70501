"""Section ``[model]``: the network."""

from __future__ import annotations

from dataclasses import dataclass

from hw_models import RangeError, ResetMode
from hw_models.choices import member
from hw_models.integers import integer
from hw_models.projections import MAX_DELAY
from ssdp_neuro.training.layers.delay_windows import DelayWindow
from ssdp_neuro.training.run.choices import DelayKind, ModelKind, SurrogateKind
from ssdp_neuro.training.run.settings.real_number import number

OTHER_NEURONS = (  # of the other architectures
    "current_decay",
    "voltage_decay",
    "threshold",
    "reset",
    "refractory",
    "learn_decays",
    "bias",
    "latency",
    "learned_delays",
    "adaptation",
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
    bias
        Whether every neuron, or every channel of a convolution, learns a constant input.
    adaptation
        Rise of a hidden neuron's threshold by one of its spikes, in thresholds, positive; 0 for
        thresholds that stay. The output's stay: their counts are the classes' scores.
    adaptation_kept
        Share of the rise that remains after a step, 0 to below 1; integers take the nearest of 12
        bits.
    latency
        Steps until neurons feel what is sent to them: 1 as on the chip, or 0. With 0 a sample
        takes a step more per layer on the chip than in training, and none to cross the layers.
    learned_delays
        Delays of the synapses between layers that training moves: one for all synapses of
        an axon, or one for each synapse; random to begin with.
    longest_delay
        To which they are learned, in steps, 1..63. A sample needs steps enough for them.
    delay_window
        How a spike is spread over the steps around its delay, so that it can be learned.
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
    weight_bits
        In those epochs, of the weights of each layer from input to output, or one number for
        all, 2..8; 8 if left out. With fewer the largest weights may saturate.
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
    bias: bool = False
    adaptation: float = 0.0
    adaptation_kept: float = 0.97
    latency: int = 1
    learned_delays: DelayKind = DelayKind.NONE
    longest_delay: int = 16
    delay_window: DelayWindow = DelayWindow.GAUSSIAN
    gain: float | None = None
    recurrent_gain: float = 0.2
    kernel_size: int = 3
    stride: int = 2
    blocks: int = 2
    patch: int = 4
    start_from: str = ""
    quantize_from_epoch: int | None = None
    weight_bits: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        member("[model] kind", self.kind, ModelKind)
        member("[model] reset", self.reset, ResetMode)
        member("[model] surrogate", self.surrogate, SurrogateKind)
        for size in self.hidden:
            integer("[model] hidden", size, 1, 2**24)
        integer("[model] current_decay", self.current_decay, 0, 4095)
        integer("[model] voltage_decay", self.voltage_decay, 0, 4095)
        for field in ("kernel_size", "stride", "blocks", "patch"):
            integer(f"[model] {field}", getattr(self, field), 1, 1024)
        integer("[model] refractory", self.refractory, 0, 63)
        integer("[model] latency", self.latency, 0, 1)
        number("[model] adaptation", self.adaptation, least=0)
        number("[model] adaptation_kept", self.adaptation_kept, least=0, below=1)
        if not self.adaptation and self.adaptation_kept != ModelSettings.adaptation_kept:
            raise RangeError(
                f"[model] adaptation_kept: {self.adaptation_kept}; without an adaptation it has to"
                " be left out"
            )
        member("[model] learned_delays", self.learned_delays, DelayKind)
        member("[model] delay_window", self.delay_window, DelayWindow)
        integer("[model] longest_delay", self.longest_delay, 1, MAX_DELAY)
        if self.learned_delays is not DelayKind.NONE and self.kind is ModelKind.CONVOLUTIONAL:
            raise RangeError(
                f"[model] learned_delays: {self.learned_delays.value!r}; 'convolutional' has"
                " none, so it has to be left out"
            )
        for field in ("threshold", "recurrent_gain", "gain", "sharpness"):
            if getattr(self, field) is not None:
                number(f"[model] {field}", getattr(self, field), above=0)
        if not self.hidden and self.kind is not ModelKind.FEED_FORWARD:
            raise RangeError(f"[model] hidden: []; {self.kind.value!r} needs at least one number")
        if self.kind is ModelKind.TRANSFORMER:
            self._refuse_other_neurons()
        if self.quantize_from_epoch is not None:
            integer("[model] quantize_from_epoch", self.quantize_from_epoch, 0, 2**31 - 1)
        for bits in self.weight_bits:
            integer("[model] weight_bits", bits, 2, 8)

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
