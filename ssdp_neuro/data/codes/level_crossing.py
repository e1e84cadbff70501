"""Signals to spikes: up and down channels that fire when the signal has moved by a step."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class LevelCrossing:
    """Send on delta, with several step sizes side by side.

    Step size k is ``delta * 2**k``. Its reference begins at the first value; in a step where
    the signal is a whole step size or more above it (below it), the up (down) channel fires
    once and the reference moves by as many whole step sizes as there are. Signals longer
    than ``n_steps`` are averaged over equal spans of samples, a last incomplete one is left
    out; shorter ones end in silence.

    Parameters
    ----------
    n_steps
        Steps of a sample.
    delta
        The smallest step size, in units of the signal.
    levels
        Step sizes.
    """

    n_steps: int
    delta: int
    levels: int

    def __call__(self, signals: np.ndarray) -> np.ndarray:
        """Encode.

        Parameters
        ----------
        signals
            Integers ``(N, samples, leads)``, magnitudes below 2**31.

        Returns
        -------
        bool, shape (N, n_steps, 2 * levels * leads)
            Channel ``2 * (lead * levels + k)`` goes up by step size k, the next one down.
        """
        n, n_samples, leads = signals.shape
        span = -(-n_samples // self.n_steps)
        whole = n_samples // span
        # sums in place of means, and step sizes as many times as large: no rounding
        sums = signals[:, : whole * span].astype(np.int64)
        sums = sums.reshape(n, whole, span, leads).sum(axis=2)
        sizes = self.delta * span << np.arange(self.levels, dtype=np.int64)
        spikes = np.zeros((n, self.n_steps, leads, self.levels, 2), dtype=bool)
        reference = np.repeat(sums[:, 0, :, None], self.levels, axis=2)
        for step in range(1, whole):
            moved = sums[:, step, :, None] - reference
            crossed = np.sign(moved) * (np.abs(moved) // sizes)
            spikes[:, step, ..., 0] = crossed > 0
            spikes[:, step, ..., 1] = crossed < 0
            reference += crossed * sizes
        return spikes.reshape(n, self.n_steps, leads * self.levels * 2)

    def span(self, n_samples: int) -> int:
        """How many samples of a signal make a step."""
        return -(-n_samples // self.n_steps)
