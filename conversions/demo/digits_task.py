"""The digits as spikes, and the network that learns to read them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from conversions.demo.settings import N_PIXELS, DemoSettings
from ssdp_neuro.data.codes.encoding import latency_code

if TYPE_CHECKING:
    from ssdp_neuro.training import LabelledImages, SpikingNetwork

# decays in 1/4096 per step: the current forgets a quarter of itself, the potential a 16th
CURRENT_DECAY, VOLTAGE_DECAY = 1023, 256


@dataclass(frozen=True, kw_only=True, eq=False)
class SpikingDigits:
    """Digits as spikes.

    Parameters
    ----------
    spikes
        bool ``(B, T, 64)``, one spike per pixel, the earlier the brighter.
    labels
        int64 ``(B,)``.
    """

    spikes: np.ndarray
    labels: np.ndarray

    def take(self, indices: np.ndarray | slice) -> SpikingDigits:
        """Those at the given places."""
        return SpikingDigits(spikes=self.spikes[indices], labels=self.labels[indices])

    def of_classes(self, low: int, high: int) -> SpikingDigits:
        """Those of classes ``low`` to ``high - 1``."""
        return self.take(np.flatnonzero((self.labels >= low) & (self.labels < high)))


def spiking_digits(part: LabelledImages, settings: DemoSettings) -> SpikingDigits:
    """A part of the digits in latency code."""
    pixels = part.images.reshape(len(part), N_PIXELS)
    spikes = latency_code(pixels, settings.n_steps, window=settings.window)
    return SpikingDigits(spikes=spikes, labels=part.labels)


def train(
    digits: SpikingDigits, settings: DemoSettings, *, show_progress: bool = True
) -> SpikingNetwork:
    """A network with one output neuron per trained class, in real numbers."""
    from ssdp_neuro.training import feed_forward, fit_arrays

    model = feed_forward(
        (N_PIXELS, settings.n_hidden, settings.n_trained_classes),
        seed=settings.seed,
        current_decay=CURRENT_DECAY,
        voltage_decay=VOLTAGE_DECAY,
    )
    fit_arrays(
        model,
        digits.spikes,
        digits.labels,
        epochs=settings.epochs,
        seed=settings.seed,
        n_threads=1,
        title="training",
        show_progress=show_progress,
    )
    return model
