"""What the study does, in numbers."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from hw_models import DaSsdpParams, EpropParams, RangeError, Rounding, ThirdFactor
from hw_models.integers import integer
from ssdp_neuro.rules.da_ssdp import least_correlation

N_CLASSES = 10
LATENCY_BITS = 5
SILENT = (1 << LATENCY_BITS) - 1
AMPLITUDE = 255
STAGES = 3
SIGMA = 8.0


class Method(enum.Enum):
    """What changes the readout; the value is its name in tables."""

    NONE = "no learning"
    SSDP = "SSDP (gate one)"
    DA_SSDP = "DA-SSDP (dopamine gate)"
    ERROR_SSDP = "error-gated SSDP (teacher)"
    PAIR_STDP = "pair STDP"
    REWARD_STDP = "reward STDP"
    SADP = "SADP"
    EPROP = "e-prop"
    PROTOTYPE = "nearest prototype"
    OFFLINE = "offline last layer, same samples"
    CEILING = "offline last layer, all samples"


ON_CHIP = (
    Method.SSDP,
    Method.DA_SSDP,
    Method.ERROR_SSDP,
    Method.PAIR_STDP,
    Method.REWARD_STDP,
    Method.SADP,
    Method.EPROP,
)


class Drift(enum.Enum):
    """How the input changes after training."""

    NOISE = "noise"
    SHIFT = "shift"
    DEAD = "dead inputs"


@dataclass(frozen=True, kw_only=True)
class StudyData:
    """One data set and how its hidden neurons are trained.

    Parameters
    ----------
    name
        Of the folder that holds it, or ``digits``.
    n_channels, side
        Channels and side of the square that its input is pooled to.
    pool
        So many rows and columns of its pixels become one.
    train_per_class
        Samples of each class that training and lessons can draw from.
    epochs, learning_rate, gain
        Of the surrogate-gradient training.
    """

    name: str
    n_channels: int
    side: int
    pool: int
    train_per_class: int
    epochs: int
    learning_rate: float
    gain: float

    @property
    def n_inputs(self) -> int:
        """Size of the input population."""
        return self.n_channels * self.side**2


DATA_SETS = (
    StudyData(
        name="mnist", n_channels=1, side=14, pool=2, train_per_class=200, epochs=6,
        learning_rate=6e-3, gain=0.6,
    ),
    StudyData(
        name="fashion-mnist", n_channels=1, side=14, pool=2, train_per_class=200, epochs=6,
        learning_rate=6e-3, gain=0.6,
    ),
    StudyData(
        name="nmnist", n_channels=2, side=17, pool=2, train_per_class=60, epochs=15,
        learning_rate=2e-3, gain=0.3,
    ),
)  # fmt: skip
DIGITS = StudyData(
    name="digits", n_channels=1, side=8, pool=1, train_per_class=80, epochs=6, learning_rate=6e-3,
    gain=0.6,
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class MethodConstants:
    """The constants of a rule; ``benchmarks/few_shot.py --tune`` chose those in ``CHOSEN``.

    Parameters
    ----------
    shift
        Of the first stage; one more in each later one, so that changes are halved. The
        largest change of a weight is 2**(23 - shift) mantissas, about.
    depression
        Depression as a share of potentiation, in 1/16.
    forced_step
        Step in which the teacher makes the labelled neuron fire; not used by the error gate.
    psi_shift, wanted
        Of e-prop: how fast its pseudo-derivative falls, and the trace that the label's neuron
        should have.
    """

    shift: int
    depression: int = 0
    forced_step: int = 3
    psi_shift: int = 12
    wanted: int = 100

    @property
    def amplitudes(self) -> tuple[int, int]:
        """Mantissas of potentiation and depression."""
        return AMPLITUDE, AMPLITUDE * self.depression >> 4


CHOSEN: Mapping[Method, MethodConstants] = {
    Method.SSDP: MethodConstants(shift=22),
    Method.DA_SSDP: MethodConstants(shift=23, forced_step=10),
    Method.ERROR_SSDP: MethodConstants(shift=20),
    Method.PAIR_STDP: MethodConstants(shift=23, depression=32, forced_step=15),
    Method.REWARD_STDP: MethodConstants(shift=22, depression=16),
    Method.SADP: MethodConstants(shift=15, depression=4, forced_step=10),
    Method.EPROP: MethodConstants(shift=17, psi_shift=17, wanted=60),
}


@dataclass(frozen=True, kw_only=True)
class StudySettings:
    """Sizes of the study.

    Parameters
    ----------
    seeds
        One whole experiment for each: classes, samples, weights, rounding.
    n_trained
        Classes that the hidden neurons are trained on; the others are learned on the chip.
    n_hidden, n_steps, window
        Hidden neurons; steps of a sample; steps into which the spikes of images fall.
    shots
        Samples of each class in a lesson; one experiment for each number.
    drift_shots
        Samples of each class for the adaptation to drift.
    test_per_class
        Samples of each class that the results are measured on.
    presentations
        How often a rule sees each class in each of its three stages; a lesson is gone
        through at least twice.
    rules
        By rule: its constants.
    """

    seeds: tuple[int, ...] = (0, 1, 2, 3, 4)
    n_trained: int = 6
    n_hidden: int = 256
    n_steps: int = 20
    window: int = 12
    shots: tuple[int, ...] = (1, 5, 20)
    drift_shots: int = 20
    test_per_class: int = 50
    presentations: int = 20
    rules: Mapping[Method, MethodConstants] = field(default_factory=lambda: dict(CHOSEN))

    def __post_init__(self) -> None:
        for name, low, high in (
            ("n_trained", 2, N_CLASSES - 1),
            ("n_hidden", 1, 4096),
            ("n_steps", 2, SILENT),
            ("drift_shots", 1, 1000),
            ("test_per_class", 1, 10_000),
            ("presentations", 1, 1000),
        ):
            integer(f"StudySettings.{name}", getattr(self, name), low, high)
        integer("StudySettings.window", self.window, 1, self.n_steps)
        if not self.seeds or not self.shots or min(self.shots) < 1:
            raise RangeError(
                f"StudySettings: seeds {self.seeds} and shots {self.shots}; at least one of each"
            )

    def passes(self, lesson_size: int, n_classes: int) -> int:
        """How often a lesson is gone through in one stage."""
        return max(2, self.presentations * n_classes // lesson_size)

    def synchrony_rule(self, rule: Method, stage: int = 0, warm_up: int = 2) -> DaSsdpParams:
        """SSDP with one, a fitted dopamine gate or a teacher's error as third factor.

        The kernel is a Gaussian of 8 steps; a silent neuron stands one step after the
        last.
        """
        third_factor = {
            Method.SSDP: ThirdFactor.CONSTANT,
            Method.DA_SSDP: ThirdFactor.DOPAMINE,
            Method.ERROR_SSDP: ThirdFactor.TEACHER,
        }[rule]
        chosen = self.rules[rule]
        distance = np.arange(SILENT + 1)
        return DaSsdpParams(
            latency_bits=LATENCY_BITS,
            silent_latency=self.n_steps,
            kernel=np.rint(255 * np.exp(-(distance**2) / (2 * SIGMA**2))).astype(np.uint8),
            potentiation=chosen.amplitudes[0],
            depression=chosen.amplitudes[1],
            shift=chosen.shift + stage,
            rounding=Rounding.STOCHASTIC,
            weight_low=-128,
            weight_high=127,
            third_factor=third_factor,
            teacher_latency=3,
            warm_up=warm_up if rule is Method.DA_SSDP else 0,
            least_correlation=least_correlation(warm_up, 1e-3) if rule is Method.DA_SSDP else 0,
        )

    def eprop_rule(self, stage: int = 0) -> EpropParams:
        """e-prop of the readout, in which the label's neuron should have a trace."""
        chosen = self.rules[Method.EPROP]
        return EpropParams(
            shift=chosen.shift + stage,
            wanted=chosen.wanted,
            psi_shift=chosen.psi_shift,
            psi_levels=8,
            impulse=48,
        )
