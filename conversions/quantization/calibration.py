"""Calibration data: spikes that a network is known to see."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from conversions.real_network import RealNetwork
from conversions.real_network.simulator import input_spikes
from hw_models import InputError, ShapeError
from hw_models.arrays import batch_first_hint, plain_array, spike_array
from hw_models.choices import member
from hw_models.integers import integer
from hw_models.records import short_repr


class ReadoutDecision(enum.Enum):
    """How the potentials of a readout become a class."""

    MEAN = "highest mean over the steps"
    LAST = "highest in the last step"
    LARGEST = "highest in any step"

    def decide(self, potentials: np.ndarray) -> np.ndarray:
        """Class of each sample, int64 ``(B,)``, of potentials ``(B, T, N)``."""
        if self is ReadoutDecision.LAST:
            return potentials[:, -1].argmax(axis=1)
        if self is ReadoutDecision.LARGEST:
            return potentials.max(axis=1).argmax(axis=1)
        return potentials.mean(axis=1).argmax(axis=1)


@dataclass(frozen=True, kw_only=True, eq=False)
class Calibration:
    """Spikes that a network is known to see, with or without their classes.

    Parameters
    ----------
    spikes
        bool or 0/1, ``(B, T, *input_shape)`` of the only input, or a mapping from the
        inputs' names to such arrays.
    labels
        Integers ``(B,)``, or None.
    decision
        Of a network that ends in a readout.
    neurons_per_class
        Of a network that ends in neurons that fire: how many neighbours vote for a class.

    Raises
    ------
    InputError
        If spikes or labels have a wrong shape or other values.
    RangeError, TypeMismatchError
        If no neuron votes for a class, or the decision is none of these.
    """

    spikes: Any
    labels: Any = None
    decision: ReadoutDecision = ReadoutDecision.MEAN
    neurons_per_class: int = 1

    __repr__ = short_repr

    def __post_init__(self) -> None:
        member("calibration.decision", self.decision, ReadoutDecision)
        votes = integer("calibration.neurons_per_class", self.neurons_per_class, 1, 2**20)
        object.__setattr__(self, "neurons_per_class", votes)
        given = self.spikes if isinstance(self.spikes, Mapping) else {"": self.spikes}
        try:
            arrays = {name: plain_array("calibration", one) for name, one in given.items()}
        except ShapeError:  # arrays of several shapes in a list
            raise InputError(
                "calibration: spikes as a list of different shapes; an array (B, T, ...) is needed,"
                " or a tuple of this and labels"
            ) from None
        for name, array in arrays.items():
            of = f" of {name!r}" if name else ""
            try:
                spike_array("calibration", array)
            except InputError:
                raise InputError(
                    f"calibration: spikes{of} other than 0 and 1. Where a model is given real"
                    " values, such as the same image in every step, say so to from_torch by"
                    " real_input=BitPlanes(), which makes inputs of their binary digits"
                ) from None
            if array.ndim < 3 or 0 in array.shape:
                raise InputError(
                    f"calibration: spikes{of} of shape {array.shape}; (B, T, ...) is needed"
                )
        is_one = not isinstance(self.spikes, Mapping)
        object.__setattr__(self, "spikes", arrays[""] if is_one else arrays)
        if self.labels is not None:
            labels = plain_array("calibration: labels", self.labels)
            first = next(iter(arrays.values()))
            n_samples = len(first)
            if labels.shape != (n_samples,) or labels.dtype.kind not in "iu":
                raise InputError(
                    f"calibration: labels of shape {labels.shape} and dtype {labels.dtype};"
                    f" integers of shape ({n_samples},) are needed"
                    f"{batch_first_hint(first.shape, labels.size)}"
                )
            object.__setattr__(self, "labels", labels)

    def of(self, network: RealNetwork) -> dict[str, np.ndarray]:
        """Spikes by input, bool ``(B, T, N)``; InputError if they do not fit the network."""
        try:
            return input_spikes(network, self.spikes)
        except InputError as error:
            raise InputError(f"calibration: {error}") from None
