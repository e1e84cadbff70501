"""Settings of the synchrony rules in training, and three sets of them: published and ours."""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass

from hw_models import RangeError
from hw_models.choices import member
from hw_models.integers import integer

PUBLISHED_LEARNING_RATE = 5e-4


class SpikeChoice(enum.Enum):
    """Which spike of the window stands for the neuron."""

    FIRST = "first"
    LAST = "last"


class LossChoice(enum.Enum):
    """Which loss the gate's warm-up sees."""

    PER_SAMPLE = "per-sample"
    BATCH_MEAN = "batch-mean"


class Positions(enum.Enum):
    """What stands for a neuron that is there once per position (pixel, token).

    ``FIRST_ARRIVAL``: the channel has one latency, that of its first spike anywhere; all
    taps of a kernel change alike. Cheap, but with many positions every channel fires
    somewhere, synchrony saturates, and the gate has nothing to go by.

    ``EACH``: every position is a sample of its own, and of a kernel each tap sees the
    position it reads (padding is silent). What the equation says, and costs about twice
    ``n_steps + 1`` times the multiplications of the layer in one step.
    """

    FIRST_ARRIVAL = "first-arrival"
    EACH = "each"


@dataclass(frozen=True, kw_only=True)
class RuleSettings:
    """Settings of SSDP and DA-SSDP in training.

    Parameters
    ----------
    a_plus, a_baseline
        Amplitudes, in units of the weight; >= 0.
    sigma
        Width of the latency kernel, steps; > 0.
    spike
        Which spike gives the latency.
    loss
        Which loss the warm-up sees.
    positions
        What stands for a neuron with many positions.
    trend_steps
        Optimizer steps per block within which synchrony and loss are compared, so that a
        trend of training is no correlation; the last block has what is left over, too.
        ``None``: the whole warm-up is one block.
    significance, minimum_spread
        As for :class:`ssdp_neuro.training.DopamineGate`.
    scale_by_learning_rate
        Multiply the amplitudes by the present learning rate over 5e-4, the one they were
        published with. Needs the optimizer.

    Raises
    ------
    RangeError, TypeMismatchError
    """

    a_plus: float = 1.5e-3
    a_baseline: float = 1.0e-4
    sigma: float = 1.0
    spike: SpikeChoice = SpikeChoice.FIRST
    loss: LossChoice = LossChoice.PER_SAMPLE
    positions: Positions = Positions.FIRST_ARRIVAL
    trend_steps: int | None = 100
    significance: float | None = 1e-3
    minimum_spread: float = 1e-4
    scale_by_learning_rate: bool = False

    def __post_init__(self) -> None:
        for field in ("a_plus", "a_baseline", "sigma"):
            value = getattr(self, field)
            if not math.isfinite(value) or value < 0 or (field == "sigma" and value == 0):
                raise RangeError(
                    f"RuleSettings.{field}: {value}; finite and not negative, sigma > 0"
                )
        for field, kind in (
            ("spike", SpikeChoice),
            ("loss", LossChoice),
            ("positions", Positions),
        ):
            member(f"RuleSettings.{field}", getattr(self, field), kind)
        if self.significance is not None and not 0 < self.significance < 1:
            raise RangeError(
                f"RuleSettings.significance: {self.significance}; allowed above 0, below 1"
            )
        if not 0 <= self.minimum_spread < math.inf:
            raise RangeError(f"RuleSettings.minimum_spread: {self.minimum_spread}; allowed from 0")
        if self.trend_steps is not None:
            integer("RuleSettings.trend_steps", self.trend_steps, 1, 2**31 - 1)


class Preset(enum.Enum):
    """Sets of settings; docs/explanation/plasticity_in_pytorch.md says what differs and why.

    ``REFERENCE``: what the published code does, where that is meaningful. ``PAPER``: the
    paper's constants and text. ``CORRECTED``: the paper's constants, and a gate that
    believes only what the warm-up really showed.
    """

    REFERENCE = RuleSettings(
        a_baseline=5.0e-4,
        spike=SpikeChoice.LAST,
        loss=LossChoice.BATCH_MEAN,
        trend_steps=None,
        significance=None,
        minimum_spread=0.0,
    )
    PAPER = RuleSettings(trend_steps=None, significance=None, minimum_spread=0.0)
    CORRECTED = RuleSettings()
