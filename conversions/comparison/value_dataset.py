"""Real values that a comparison tests on, on the levels of :class:`BitPlanes`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from conversions.real_network.bit_planes import BitPlanes
from hw_models import InputError, ShapeError, TypeMismatchError
from hw_models.arrays import plain_array
from hw_models.integers import integer
from ssdp_neuro.data.torch_pairs import labelled_samples


@dataclass(frozen=True, kw_only=True, eq=False)
class ValueDataset:
    """A data set whose samples are real values and become binary digits when they are asked for.

    It is a :class:`ssdp_neuro.data.SpikeDataset` but for one axis more: the digits of each value.

    Parameters
    ----------
    values : real, shape (N, *input_shape) if they are repeated, else (N, T, *input_shape)
    labels : int64, shape (N,)
    n_steps
        Steps of a sample.
    repeated
        Whether a sample is the same in every step.
    planes
        Levels and bounds; without bounds only its form can be asked for.
    """

    values: np.ndarray
    labels: np.ndarray
    n_steps: int
    repeated: bool
    planes: BitPlanes

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of the values of one step."""
        return tuple(self.values.shape[1 if self.repeated else 2 :])

    @property
    def n_classes(self) -> int:
        """One more than the highest label."""
        return int(self.labels.max()) + 1

    def __len__(self) -> int:
        """Count the samples."""
        return len(self.labels)

    def spikes(self, indices: Any, *, epoch: int = 0) -> np.ndarray:
        """Digits of some samples, the lowest first, bool ``(B, n_steps, bits, *input_shape)``."""
        n_steps = self.n_steps if self.repeated else None
        return np.stack(list(self.planes.encode(self.values[indices], n_steps).values()), axis=2)


def inputs_of(planes: BitPlanes | None, given: np.ndarray) -> np.ndarray | dict[str, np.ndarray]:
    """What executors take: digits as spikes by input population, other spikes as they are."""
    if planes is None:
        return given
    return {name: given[:, :, place] for place, name in enumerate(planes.names)}


def value_dataset(where: str, given: Any, planes: Any, n_steps: int | None) -> ValueDataset:
    """Read real values and labels.

    Parameters
    ----------
    where
        Begins the message of an error.
    given
        A pair of arrays, values and labels ``(N,)``, or a data set or loader of PyTorch that
        gives such pairs of samples or batches.
    planes
        Levels.
    n_steps
        Steps in which each value is repeated; None for values with a time axis.

    Raises
    ------
    InputError, RangeError, ShapeError, TypeMismatchError
        If something does not fit; says which sample.
    """
    if not isinstance(planes, BitPlanes):
        raise TypeMismatchError(f"compare.real_input: {planes!r}; a BitPlanes is needed")
    is_pair = isinstance(given, tuple) and len(given) == 2
    rows: list[np.ndarray] = []
    labels: list[int] = []
    least = 1 if n_steps is not None else 2
    for sample, row, label in labelled_samples(
        where, [given] if is_pair else given, _real_numbers, "values"
    ):
        if row.ndim < least or (rows and row.shape != rows[0].shape):
            needed = rows[0].shape if rows else "(T, ...), or n_steps for values without time,"
            raise ShapeError(f"{sample}: values of shape {row.shape}; {needed} is needed")
        if label < 0:
            raise InputError(f"{sample}: label {label}; from 0")
        rows.append(row)
        labels.append(label)
    if not rows:
        raise InputError(f"{where}: no samples")
    values = np.stack(rows)
    return ValueDataset(
        values=values,
        labels=np.array(labels, dtype=np.int64),
        n_steps=integer(
            "compare.n_steps", values.shape[1] if n_steps is None else n_steps, 1, 2**20
        ),
        repeated=n_steps is not None,
        planes=planes,
    )


def _real_numbers(name: str, given: Any) -> np.ndarray:
    values = plain_array(name, given)
    if values.dtype.kind not in "biuf" or not np.isfinite(values).all():
        raise InputError(
            f"{name}: values of dtype {values.dtype}, or not finite; finite real numbers are needed"
        )
    return values
