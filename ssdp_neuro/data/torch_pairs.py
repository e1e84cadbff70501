"""Data sets as PyTorch's loaders give and take them: pairs of spikes and label."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from hw_models import InputError, ShapeError, TypeMismatchError
from hw_models.arrays import batch_first_hint, plain_array, spike_array
from ssdp_neuro.data.dataset import DataSplit, SpikeDataset
from ssdp_neuro.data.stored_spikes import StoredSpikes, cells_of

PARTS = ("train", "validation", "test")


def as_spike_dataset(where: str, samples: Any, *, n_classes: int | None = None) -> SpikeDataset:
    """A data set of spikes from whatever gives pairs ``(spikes, label)``.

    Pairs are read once, in their order, and kept as the places of their spikes: what a
    transformation draws at random is the same in every epoch.

    Parameters
    ----------
    where
        Begins the message of an error.
    samples
        A :class:`SpikeDataset`, which is returned as it is; a data set or loader of PyTorch
        (``Dataset``, ``IterableDataset``, ``DataLoader``) or a sequence. Its items are pairs of
        spikes ``(T, *input_shape)`` and a label, or batches ``(B, T, *input_shape)`` with
        labels ``(B,)``; spikes are bool or exact zeros and ones, labels integers from 0.
    n_classes
        Labels are below it; one more than the highest if not given.

    Raises
    ------
    InputError, ShapeError, TypeMismatchError
        If it is none of those, or a sample does not fit; says which.
    """
    if isinstance(samples, SpikeDataset):
        return samples
    cells: list[np.ndarray] = []
    labels: list[int] = []
    shape: tuple[int, ...] = ()
    for name, spikes, label in labelled_samples(where, samples, spike_array, "spikes"):
        if spikes.ndim < 2 or (labels and spikes.shape != shape):
            needed = shape if labels else "(T, *input_shape)"
            raise ShapeError(f"{name}: spikes of shape {spikes.shape}; {needed} is needed")
        shape = spikes.shape
        cells.append(cells_of(spikes))
        labels.append(label)
    if not labels:
        raise InputError(f"{where}: no samples")
    highest = max(labels)
    if min(labels) < 0 or (n_classes is not None and highest >= n_classes):
        allowed = "from 0" if n_classes is None else f"0..{n_classes - 1}"
        wrong = min(labels) if min(labels) < 0 else highest
        raise InputError(f"{where}: label {wrong} of sample {labels.index(wrong)}; {allowed}")
    return StoredSpikes(
        cells=np.concatenate(cells),
        starts=np.cumsum([0, *map(len, cells)], dtype=np.int64),
        labels=np.array(labels, dtype=np.int64),
        n_steps=shape[0],
        input_shape=shape[1:],
        n_classes=n_classes or highest + 1,
    )


def as_split(data: Any) -> DataSplit:
    """Three parts from a :class:`DataSplit`, or from three data sets in the order of PARTS.

    Parameters
    ----------
    data
        Training, validation (None for none) and test part; each as
        :func:`as_spike_dataset` takes it. Classes are called by their labels.

    Raises
    ------
    InputError, ShapeError, TypeMismatchError
        If there are not three parts, or they do not fit together.
    """
    if isinstance(data, DataSplit):
        return data
    if not isinstance(data, Sequence) or len(data) != len(PARTS):
        raise InputError(
            f"data: {type(data).__name__}; a DataSplit, or (train, validation, test) with None for"
            " no validation, is needed"
        )
    made = {
        name: as_spike_dataset(f"data.{name}", part)
        for name, part in zip(PARTS, data, strict=True)
        if part is not None or name != "validation"
    }
    n_classes = max(part.n_classes for part in made.values())
    same = {name: _of_classes(part, n_classes) for name, part in made.items()}
    train = same["train"]
    nothing = np.zeros(0, dtype=np.int64)
    empty = StoredSpikes(
        cells=nothing.astype(np.int32),
        starts=np.zeros(1, dtype=np.int64),
        labels=nothing,
        n_steps=train.n_steps,
        input_shape=tuple(train.input_shape),
        n_classes=n_classes,
    )
    return DataSplit(
        train=train,
        validation=same.get("validation", empty),
        test=same["test"],
        class_names=tuple(map(str, range(n_classes))),
    )


def _of_classes(part: SpikeDataset, n_classes: int) -> SpikeDataset:
    """The same samples among as many classes as the other parts have, if it was made here."""
    return replace(part, n_classes=n_classes) if isinstance(part, StoredSpikes) else part


def labelled_samples(
    where: str, samples: Any, read: Callable[[str, Any], np.ndarray], what: str
) -> Iterator[tuple[str, np.ndarray, int]]:
    """Name, array and label of each sample, whether they come alone or in batches.

    Parameters
    ----------
    where
        Begins the message of an error.
    samples
        Whatever gives pairs, as of :func:`as_spike_dataset`.
    read
        ``(name, value) -> array``, checked.
    what
        Word for the arrays, such as ``"spikes"``.
    """
    number = 0
    for item in _items(where, samples):
        name = f"{where}: sample {number}"
        if not isinstance(item, (tuple, list)) or len(item) != 2:
            raise TypeMismatchError(
                f"{name}: {type(item).__name__}; a pair ({what}, label) is needed"
            )
        array, label = read(name, _on_cpu(item[0])), plain_array(name, _on_cpu(item[1]))
        if label.dtype.kind not in "iu" or label.ndim > 1:
            raise TypeMismatchError(
                f"{name}: label of shape {label.shape}, {label.dtype}; an integer, or integers (B,)"
                " for a batch, is needed"
            )
        if label.ndim == 0:
            array, label = array[None], label[None]
        if array.ndim == 0 or array.shape[0] != len(label):
            raise ShapeError(
                f"{name}: batch of {what} {array.shape} and labels {label.shape}; (B, ...) and (B,)"
                f" are needed{batch_first_hint(array.shape, len(label))}"
            )
        for one, its_label in zip(array, label.tolist(), strict=True):
            yield f"{where}: sample {number}", one, its_label
            number += 1


def _items(where: str, samples: Any) -> Iterator[Any]:
    if callable(getattr(samples, "spikes", None)):
        needed = ("n_steps", "input_shape", "n_classes", "labels", "__len__")
        missing = [name for name in needed if not hasattr(samples, name)]
        raise TypeMismatchError(
            f"{where}: {type(samples).__name__} has no {missing[0]}; a SpikeDataset needs it"
        )
    if hasattr(samples, "__iter__") and not isinstance(samples, (str, dict, DataSplit)):
        yield from samples
        return
    if not (hasattr(samples, "__getitem__") and hasattr(samples, "__len__")) or isinstance(
        samples, (str, dict)
    ):
        raise TypeMismatchError(
            f"{where}: {type(samples).__name__}; a SpikeDataset, or a Dataset or DataLoader of"
            " PyTorch that gives (spikes, label) is needed"
        )
    for index in range(len(samples)):
        yield samples[index]


def _on_cpu(value: Any) -> Any:
    """A tensor wherever it is, without its gradient; anything else as it is."""
    return value.detach().cpu() if hasattr(value, "detach") else value
