"""Classes that differ only in which inputs fire together, learned by every rule; a made task.

100 inputs fire exactly once in 40 steps, each at any time; 20 of them, another 20 for each class,
fire in the same step (with jitter), which is any step too. So neither counts nor single latencies
say anything of the class. Five leaky neurons of the chip with 8-bit weights read it.
"""

from __future__ import annotations

import numpy as np

from benchmarks.readout_rules import (
    FLAT,
    ReadoutTask,
    Rule,
    by_class,
    dopamine_gated,
    eprop,
    error_gated,
    grid,
    offline,
    prototypes,
    reward_gates,
    sadp,
    share_itself,
    stdp,
    ungated,
)

N_INPUTS, N_STEPS, N_CLASSES, N_TOGETHER = 100, 40, 5, 20
LAST = N_STEPS - 4  # no input fires later, so that every spike is felt
N_TEST, EPOCHS = 200, 12


class SynchronyTask(ReadoutTask):
    """Samples of a seed, their latencies ``(samples, N_INPUTS)`` too."""

    def __init__(self, seed: int, *, shots: int = 5, jitter: float = 1.0) -> None:
        rng = self.rng = np.random.default_rng(seed)
        self.together = np.stack([rng.permutation(N_INPUTS)[:N_TOGETHER] for _ in range(N_CLASSES)])
        labels, test_labels = (np.arange(n) % N_CLASSES for n in (shots * N_CLASSES, N_TEST))
        self.latencies = self._draw(labels, jitter)
        tested = self._draw(test_labels, jitter)
        super().__init__(
            spikes_of(self.latencies),
            labels,
            spikes_of(tested),
            test_labels,
            stages=((0, EPOCHS),),
            voltage_decay=2048,
            first_weights=(0, 12),
            rng=rng,
        )

    def _draw(self, labels: np.ndarray, jitter: float) -> np.ndarray:
        latencies = self.rng.integers(0, LAST, (len(labels), N_INPUTS))
        for row, label in zip(latencies, labels, strict=True):
            drawn = self.rng.normal(self.rng.integers(4, LAST - 4), jitter, N_TOGETHER)
            row[self.together[label]] = np.rint(drawn).clip(0, LAST - 1)
        return latencies

    def shuffled(self) -> np.ndarray:
        """Latencies exchanged between the inputs, which all fire."""
        return spikes_of(self.rng.permuted(self.latencies, axis=1))


def spikes_of(latencies: np.ndarray) -> np.ndarray:
    """One spike of an input at its latency."""
    return latencies[:, None, :] == np.arange(N_STEPS)[:, None]


THRESHOLDS = (40, 60)
AMPLITUDES = grid(threshold=(*THRESHOLDS, 90), amplitude=(0.03, 0.06, 0.12))
RULES = {
    "error-gated SSDP": Rule(error_gated, AMPLITUDES),
    "the same, flat kernel": Rule(error_gated, tuple({**c, "sigma": FLAT} for c in AMPLITUDES)),
    "the same, shuffled latencies": Rule(
        error_gated, tuple({**c, "shuffled": True} for c in AMPLITUDES)
    ),
    "SSDP, no third factor": Rule(ungated, AMPLITUDES, by_class),
    "DA-SSDP": Rule(dopamine_gated, AMPLITUDES, by_class),
    "SADP, label gates": Rule(sadp, grid(threshold=THRESHOLDS, shift=(13, 14, 15))),
    "pair STDP, label gates": Rule(stdp, grid(threshold=THRESHOLDS, shift=(21, 22, 23))),
    "reward-modulated STDP": Rule(
        stdp, grid(threshold=THRESHOLDS, shift=(21, 22, 23), gates=(reward_gates,))
    ),
    "e-prop": Rule(
        eprop, grid(threshold=(40, 90), shift=(13, 15), psi_shift=(8, 10), wanted=(15, 60))
    ),
    "prototypes of latencies": Rule(prototypes, read=share_itself),
    "offline, surrogate gradients": Rule(offline, grid(learning_rate=(0.01, 0.02)), share_itself),
}
