"""Scikit-learn's handwritten digits (UCI optdigits), in an order whose last quarter is the test."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hw_models.extras import import_extra
from hw_models.random_bits import random_bits
from hw_models.records import short_repr

SHARES = np.array([0.60, 0.75])  # of each class, where the second and the third part begin
N_CLASSES = 10


@dataclass(frozen=True, kw_only=True, eq=False)
class Digits:
    """All 1797 digits.

    Parameters
    ----------
    images
        Brightness 0..16, uint8 ``(N, 8, 8)``.
    labels
        int64 ``(N,)``.
    n_test
        So many at the end are to be looked at once; 25 % of each class.
    """

    images: np.ndarray
    labels: np.ndarray
    n_test: int

    __repr__ = short_repr


def read_digits() -> Digits:
    """The digits that scikit-learn brings along; works offline, always in the same order.

    Raises
    ------
    MissingExtraError
        If scikit-learn is not installed.
    """
    datasets = import_extra("sklearn.datasets", "train", "data set digits", "scikit-learn")
    bunch = datasets.load_digits()
    labels = np.asarray(bunch.target, dtype=np.int64)
    keys = random_bits(0, np.arange(len(labels)))
    parts: tuple[list[np.ndarray], ...] = ([], [], [])
    for label in range(N_CLASSES):
        places = np.flatnonzero(labels == label)
        places = places[np.argsort(keys[places], kind="stable")]
        ends = np.rint(SHARES * len(places)).astype(int)
        for part, chosen in zip(parts, np.split(places, ends), strict=True):
            part.append(chosen)
    mixed = [np.concatenate(part) for part in parts]
    mixed = [places[np.argsort(keys[places], kind="stable")] for places in mixed]
    order = np.concatenate(mixed)
    return Digits(
        images=np.asarray(bunch.images)[order].astype(np.uint8),
        labels=labels[order],
        n_test=len(mixed[-1]),
    )
