"""What is shown to a network that learns new classes on the chip."""

from __future__ import annotations

import numpy as np

from conversions.demo.digits_task import SpikingDigits
from conversions.demo.settings import DemoSettings


def lesson(
    digits: SpikingDigits, shots: int, settings: DemoSettings, *, rehearse: bool
) -> SpikingDigits:
    """The first samples of each new class and, to rehearse them, as many of each old one.

    They stay in the order of the training part, which mixes the classes.
    """
    first_class = 0 if rehearse else settings.n_trained_classes
    places = [
        np.flatnonzero(digits.labels == label)[:shots]
        for label in range(first_class, settings.n_trained_classes + settings.n_new_classes)
    ]
    return digits.take(np.sort(np.concatenate(places)))
