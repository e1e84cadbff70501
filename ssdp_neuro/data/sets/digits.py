"""Scikit-learn's handwritten digits, split once and for all into three parts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from hw_models import ShapeError
from hw_models.extras import import_extra
from hw_models.random_bits import random_bits
from hw_models.records import short_repr

TRAINED_SHARE, VALIDATION_SHARE = 0.60, 0.15
BRIGHTEST = 16.0


@dataclass(frozen=True, kw_only=True, eq=False)
class LabelledImages:
    """Images with their classes.

    Parameters
    ----------
    images
        Brightness 0..1, float64 ``(B, 8, 8)``.
    labels
        int64 ``(B,)``.
    """

    images: np.ndarray
    labels: np.ndarray

    __repr__ = short_repr

    def __post_init__(self) -> None:
        if len(self.images) != len(self.labels):
            raise ShapeError(
                f"LabelledImages: {len(self.images)} images and {len(self.labels)} labels"
            )

    def __len__(self) -> int:
        return len(self.labels)

    def of_classes(self, classes: Any) -> LabelledImages:
        """Those of the given classes, in the same order."""
        return self.take(np.flatnonzero(np.isin(self.labels, list(classes))))

    def take(self, indices: Any) -> LabelledImages:
        """Those at the given places."""
        return LabelledImages(images=self.images[indices], labels=self.labels[indices])

    def first_of_each(self, counts: dict[int, int]) -> LabelledImages:
        """The first ``counts[c]`` of each class ``c``, in their order here."""
        places = [np.flatnonzero(self.labels == c)[:n] for c, n in counts.items()]
        return self.take(np.sort(np.concatenate(places)))


@dataclass(frozen=True, kw_only=True, eq=False)
class DigitsSplit:
    """The 1797 digits in three parts that share no image, classes in equal proportion.

    Parameters
    ----------
    train
        60 %, to learn from.
    validation
        15 %, to make choices by.
    held_out
        25 %, to be looked at once.
    """

    train: LabelledImages
    validation: LabelledImages
    held_out: LabelledImages


def load_digits(seed: int = 0) -> DigitsSplit:
    """Scikit-learn's bundled 8 x 8 digits (UCI optdigits); works offline.

    Parameters
    ----------
    seed
        Key of the split; the same seed gives the same parts everywhere.

    Raises
    ------
    MissingExtraError
        If scikit-learn is not installed.
    """
    datasets = import_extra("sklearn.datasets", "train", "data set digits", "scikit-learn")
    bunch = datasets.load_digits()
    everything = LabelledImages(
        images=np.asarray(bunch.images, dtype=np.float64) / BRIGHTEST,
        labels=np.asarray(bunch.target, dtype=np.int64),
    )
    keys = random_bits(seed, np.arange(len(everything)))
    parts: tuple[list[Any], list[Any], list[Any]] = ([], [], [])
    for label in range(10):
        places = np.flatnonzero(everything.labels == label)
        places = places[np.argsort(keys[places], kind="stable")]
        ends = np.rint(
            np.array([TRAINED_SHARE, TRAINED_SHARE + VALIDATION_SHARE]) * len(places)
        ).astype(int)
        for part, chosen in zip(parts, np.split(places, ends), strict=True):
            part.append(chosen)
    train, validation, held_out = (
        everything.take(_shuffled(np.concatenate(part), keys)) for part in parts
    )
    return DigitsSplit(train=train, validation=validation, held_out=held_out)


def _shuffled(places: np.ndarray, keys: np.ndarray) -> np.ndarray:
    return places[np.argsort(keys[places], kind="stable")]
