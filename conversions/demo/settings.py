"""What the demo does, in numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hw_models import DaSsdpParams, RangeError, Rounding, ThirdFactor
from hw_models.integers import integer
from ssdp_neuro.data import DataSettings

if TYPE_CHECKING:
    from ssdp_neuro.training import RunConfig

N_CLASSES = 10
LATENCY_BITS = 5


@dataclass(frozen=True, kw_only=True)
class DemoSettings:
    """Sizes of the demo; chosen on parts of the training digits, never on the held-out ones.

    Parameters
    ----------
    seed
        Of the split, the initial weights, the order of the samples and the stochastic
        rounding.
    n_trained_classes
        Digits 0 to this one less are trained in PyTorch; the others are learned on the chip.
    n_hidden
        Hidden neurons.
    n_steps
        Steps of a sample.
    window
        Steps into which the pixels' spikes fall.
    epochs
        Of training.
    n_calibration
        Training digits by which the conversion chooses its integers.
    shots
        Samples of each class for learning on the chip; one experiment for each number.
    amplitudes
        Potentiation of the rule, from one stage of learning to the next.
    learning_epochs
        How often the samples are gone through in each stage.
    n_lava_runtime
        Held-out digits that Lava's multiprocess runtime runs, before and after learning.
    n_lava_models
        Held-out digits that Lava's models run without the runtime.
    n_latency_seeds
        Tasks in which only latencies tell the classes, each with every condition.
    """

    seed: int = 0
    n_trained_classes: int = 8
    n_hidden: int = 512
    n_steps: int = 20
    window: int = 12
    epochs: int = 16
    n_calibration: int = 200
    shots: tuple[int, ...] = (5, 10, 20)
    amplitudes: tuple[int, ...] = (255, 128, 64)
    learning_epochs: int = 4
    n_lava_runtime: int = 6
    n_lava_models: int = 60
    n_latency_seeds: int = 5

    def __post_init__(self) -> None:
        for field, low, high in (
            ("seed", 0, 2**31 - 1),
            ("n_trained_classes", 1, N_CLASSES - 1),
            ("n_hidden", 1, 4096),
            ("n_steps", 2, (1 << LATENCY_BITS) - 1),
            ("epochs", 1, 1000),
            ("n_calibration", 1, 800),
            ("learning_epochs", 1, 1000),
            ("n_lava_runtime", 1, 450),
            ("n_lava_models", 1, 450),
            ("n_latency_seeds", 2, 100),
        ):
            integer(f"DemoSettings.{field}", getattr(self, field), low, high)
        integer("DemoSettings.window", self.window, 1, self.n_steps)
        if not self.amplitudes or any(not 1 <= value <= 255 for value in self.amplitudes):
            raise RangeError(
                f"DemoSettings.amplitudes: {self.amplitudes}; one or more, each 1..255"
            )
        if not self.shots or any(not 1 <= shots <= 100 for shots in self.shots):
            raise RangeError(f"DemoSettings.shots: {self.shots}; one or more, each 1..100")

    @property
    def n_new_classes(self) -> int:
        """Classes learned on the chip."""
        return N_CLASSES - self.n_trained_classes

    @property
    def data(self) -> DataSettings:
        """All ten digits in latency code."""
        return DataSettings(
            name="digits",
            n_steps=self.n_steps,
            window=self.window,
            validation=0,  # nothing is chosen by it: the last epoch is taken
            seed=self.seed,
        )

    @property
    def training(self) -> RunConfig:
        """How the network is trained: what a config file of ``ssdp-neuro train`` would say.

        The current forgets a quarter of itself in a step, the potential a 16th.
        """
        from ssdp_neuro.training import config_of

        return config_of(
            {
                "model": {
                    "hidden": [self.n_hidden],
                    "current_decay": 1023,
                    "voltage_decay": 256,
                    "reset": "zero",
                },
                "optimizer": {"learning_rate": 6e-3, "weight_decay": 0.3},
                "training": {
                    "epochs": self.epochs,
                    "batch_size": 32,
                    "dropped_spikes": 0.2,
                    "seed": self.seed,
                    "device": "cpu",
                    "threads": 1,
                },
            }
        )

    def rule(self, amplitude: int) -> DaSsdpParams:
        """Integer DA-SSDP with a teacher's error as third factor.

        The kernel is a Gaussian of 8 steps: spikes closer in time change the weight
        more. The largest change, 255 * amplitude * 128 / 2**20, is 8 units at amplitude
        255, rounded stochastically. A forced neuron counts as firing in step 3, about
        when the first hidden ones do.
        """
        distance = np.arange(1 << LATENCY_BITS)
        return DaSsdpParams(
            latency_bits=LATENCY_BITS,
            silent_latency=(1 << LATENCY_BITS) - 1,
            kernel=np.rint(255 * np.exp(-(distance**2) / (2 * 8.0**2))).astype(np.uint8),
            potentiation=amplitude,
            depression=0,
            shift=20,
            rounding=Rounding.STOCHASTIC,
            weight_low=-128,
            weight_high=127,
            third_factor=ThirdFactor.TEACHER,
            teacher_latency=3,
        )


def quick_settings(seed: int = 0) -> DemoSettings:
    """The same demo, smaller: less training and fewer digits in Lava."""
    return DemoSettings(
        seed=seed,
        n_hidden=128,
        epochs=5,
        shots=(10,),
        n_lava_runtime=1,
        n_lava_models=20,
        n_latency_seeds=2,
    )
