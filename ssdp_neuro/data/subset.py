"""Some samples of a data set, in an order of their own."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from hw_models import InputError
from hw_models.integers import integer
from hw_models.random_bits import random_bits
from ssdp_neuro.data.dataset import DataSplit, SpikeDataset, places_in
from ssdp_neuro.data.derived import DerivedDataset


@dataclass(frozen=True, kw_only=True, eq=False)
class Subset(DerivedDataset):
    """Chosen samples of another data set; a :class:`~ssdp_neuro.data.SpikeDataset`.

    Parameters
    ----------
    dataset
        The other one.
    places
        Integers ``(M,)``: which of its samples, in this order.
    classes
        The class there that each label here stands for; labels are kept if not given.

    Raises
    ------
    InputError
        If a place is not there, a class comes twice, or a sample is of none of the classes.
    """

    places: Any
    classes: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        places = places_in(self.places, len(self.dataset))
        object.__setattr__(self, "places", places)
        if self.classes is None:
            return
        if len(set(self.classes)) != len(self.classes):
            raise InputError(f"Subset.classes: {self.classes}; each class once")
        found = self.dataset.labels[places]
        others = found[~np.isin(found, self.classes)]
        if others.size:
            raise InputError(f"Subset.classes: {self.classes}; a sample is of class {others[0]}")

    def __len__(self) -> int:
        return len(self.places)

    @property
    def n_classes(self) -> int:
        """Labels are below this."""
        return self.dataset.n_classes if self.classes is None else len(self.classes)

    @property
    def labels(self) -> np.ndarray:
        """Classes, int64 ``(M,)``."""
        labels = self.dataset.labels[self.places]
        if self.classes is None:
            return labels
        new = np.zeros(self.dataset.n_classes, dtype=np.int64)
        new[list(self.classes)] = np.arange(len(self.classes))
        return new[labels]

    def spikes(self, indices: Any, *, epoch: int = 0) -> np.ndarray:
        """Spikes of some samples, bool ``(B, n_steps, *input_shape)``."""
        return self.dataset.spikes(self.places[places_in(indices, len(self))], epoch=epoch)


def of_classes(dataset: SpikeDataset, classes: Iterable[int]) -> Subset:
    """The samples of some classes, in their order; the classes become labels 0, 1, ...

    Raises
    ------
    InputError
        If a class comes twice, or is none of the data set's.
    """
    chosen = tuple(
        integer("of_classes.classes", label, 0, dataset.n_classes - 1) for label in classes
    )
    places = np.flatnonzero(np.isin(dataset.labels, chosen))
    return Subset(dataset=dataset, places=places, classes=chosen)


def few_of_each(dataset: SpikeDataset, count: int, *, seed: int = 0, skip: int = 0) -> Subset:
    """At most ``count`` samples of each class, in an order that mixes the classes.

    Which ones is a function of the seed and the sample's place: fewer are a part of more.

    Parameters
    ----------
    dataset
        To choose from.
    count
        Of each class, from 1.
    seed
        Key of the choice.
    skip
        So many of each class are left out before.
    """
    count = integer("few_of_each.count", count, 1, 2**31 - 1)
    first = integer("few_of_each.skip", skip, 0, 2**31 - 1)
    labels, keys = dataset.labels, random_bits(seed, np.arange(len(dataset)))
    order = np.argsort(keys, kind="stable")
    chosen = [order[labels[order] == label][first : first + count] for label in np.unique(labels)]
    places = np.concatenate(chosen) if chosen else order
    return Subset(dataset=dataset, places=places[np.argsort(keys[places], kind="stable")])


def split_of_classes(split: DataSplit, classes: Iterable[int]) -> DataSplit:
    """The parts of a data set with some of its classes, which become labels 0, 1, ..."""
    chosen = tuple(classes)
    train, validation, test = (of_classes(part, chosen) for part in split.parts)
    names = tuple(split.class_names[label] for label in chosen)
    code = split.code
    return DataSplit(
        train=train,
        validation=validation,
        test=test,
        class_names=names,
        groups=split.groups,
        code=None if code is None else dataclasses.replace(code, class_names=names),
    )
