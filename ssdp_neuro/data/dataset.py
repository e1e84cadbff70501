"""What a data set of spikes is to those who train on it, run it or compare by it."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import Any, Protocol, cast, runtime_checkable

import numpy as np

from hw_models import InputError, ShapeError, TypeMismatchError
from hw_models.arrays import plain_array
from hw_models.spike_code import SpikeCode


@runtime_checkable
class SpikeDataset(Protocol):
    """Labelled samples that become spikes when they are asked for.

    Attributes
    ----------
    n_steps : int
        Steps of a sample.
    input_shape : tuple of int
        Shape of one step's spikes; images and event frames have channels first.
    n_classes : int
        Labels are 0..n_classes - 1; a part need not hold every class.
    labels : int64 array ``(N,)``
    """

    @property
    def n_steps(self) -> int:
        """Steps of a sample."""

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one step's spikes."""

    @property
    def n_classes(self) -> int:
        """Labels are below this."""

    @property
    def labels(self) -> np.ndarray:
        """Classes, int64 ``(N,)``."""

    def __len__(self) -> int:
        """Count the samples."""

    def spikes(self, indices: Any, *, epoch: int = 0) -> np.ndarray:
        """Spikes of some samples.

        Parameters
        ----------
        indices
            Places in this part, 0..N - 1, in any order.
        epoch
            Random encodings draw anew in every epoch; others do not look at it.

        Returns
        -------
        bool, shape (B, n_steps, *input_shape)
            A function of (index, epoch): what else is in the batch makes no difference.
        """


class IndexedPairs:
    """A :class:`SpikeDataset` whose items are what PyTorch's ``DataLoader`` asks for.

    An item is a pair: spikes, float32 ``(n_steps, *input_shape)``, as layers of PyTorch take
    them, and the label, an int. Random codes are those of epoch 0; ask :meth:`spikes` for those
    of others.
    """

    def __getitem__(self, index: Any) -> tuple[np.ndarray, int]:
        place, data = operator.index(index), cast("SpikeDataset", self)
        if not -len(data) <= place < len(data):
            raise IndexError(f"sample {place} of {len(data)}")
        return self.__getitems__([place])[0]

    def __getitems__(self, indices: list[int]) -> list[tuple[np.ndarray, int]]:
        """Items of a batch, made together."""
        data = cast("SpikeDataset", self)
        places = np.asarray(indices, dtype=np.int64) % len(data)
        spikes = data.spikes(places).astype(np.float32)
        return list(zip(spikes, np.asarray(data.labels)[places].tolist(), strict=True))


@dataclass(frozen=True, kw_only=True, eq=False)
class DataSplit:
    """A data set in three parts that share no sample.

    Parameters
    ----------
    train
        To learn from.
    validation
        To make choices by; taken from what was meant for training, never from the test.
        It has no samples if none were asked for.
    test
        To be looked at once.
    class_names
        One for each label.
    groups
        For each part in this order the groups (speakers, patients) in it, sorted; empty
        where the data set has none.
    code
        How the samples became spikes; None if that is not known.

    Raises
    ------
    TypeMismatchError
        If a part is no :class:`SpikeDataset`.
    ShapeError
        If the parts do not have the same steps, shape and classes.
    """

    train: SpikeDataset
    validation: SpikeDataset
    test: SpikeDataset
    class_names: tuple[str, ...]
    groups: tuple[tuple[str, ...], ...] = ((), (), ())
    code: SpikeCode | None = None

    def __post_init__(self) -> None:
        for name, part in zip(("train", "validation", "test"), self.parts, strict=True):
            if not isinstance(part, SpikeDataset):
                raise TypeMismatchError(
                    f"DataSplit.{name}: {type(part).__name__}; a SpikeDataset is needed"
                    " (as_split and fit take data sets and loaders of PyTorch)"
                )
        forms = {(p.n_steps, tuple(p.input_shape), p.n_classes) for p in self.parts}
        if len(forms) != 1 or len(self.class_names) != self.n_classes:
            raise ShapeError(
                f"DataSplit: parts of (steps, shape, classes) {sorted(forms)} and"
                f" {len(self.class_names)} class names; the three must be alike"
            )

    @property
    def parts(self) -> tuple[SpikeDataset, SpikeDataset, SpikeDataset]:
        """Train, validation and test."""
        return self.train, self.validation, self.test

    @property
    def n_steps(self) -> int:
        """Steps of a sample."""
        return self.train.n_steps

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one step's spikes."""
        return self.train.input_shape

    @property
    def n_classes(self) -> int:
        """Labels are below this."""
        return self.train.n_classes


def places_in(indices: Any, n_samples: int) -> np.ndarray:
    """Checked places of samples, int64 ``(B,)``.

    Raises
    ------
    InputError
        If they are not integers, or one is not in ``0..n_samples - 1``.
    """
    places = np.atleast_1d(plain_array("indices", indices))
    if places.size == 0:
        return np.zeros(0, dtype=np.int64)
    if places.ndim != 1 or places.dtype.kind not in "iu":
        raise InputError(f"indices: shape {places.shape}, {places.dtype}; integers (B,) are needed")
    wrong = np.flatnonzero((places < 0) | (places >= n_samples))
    if wrong.size:
        raise InputError(f"indices: {places[wrong[0]]}; allowed 0..{n_samples - 1}")
    return places.astype(np.int64)
