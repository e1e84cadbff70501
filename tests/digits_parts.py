"""Scikit-learn's digits in real numbers and three parts, for models that see brightness."""

import itertools
from dataclasses import dataclass

import numpy as np

from ssdp_neuro.data.sets.digits import read_digits

N_TRAIN, N_VALIDATION = 1078, 269


@dataclass(frozen=True)
class Part:
    """Brightness 0..1, float64 (N, 8, 8), and classes int64 (N,)."""

    images: np.ndarray
    labels: np.ndarray

    def __len__(self):
        return len(self.labels)

    def take(self, places):
        return Part(self.images[places], self.labels[places])


@dataclass(frozen=True)
class Parts:
    """Three parts without a common image; the held-out one is the test of the data set."""

    train: Part
    validation: Part
    held_out: Part


def digits_parts():
    """The parts, always the same."""
    found = read_digits()
    whole = Part(found.images / 16, found.labels)
    ends = np.cumsum([0, N_TRAIN, N_VALIDATION, found.n_test])
    return Parts(*(whole.take(slice(a, b)) for a, b in itertools.pairwise(ends)))
