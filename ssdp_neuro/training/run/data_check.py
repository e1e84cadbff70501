"""Whether data can be trained on; said before anything is trained or written."""

from __future__ import annotations

import warnings

import numpy as np

from hw_models import InputError
from ssdp_neuro.data import DataSplit, SpikeDataset
from ssdp_neuro.training.run.choices import ScheduleKind
from ssdp_neuro.training.run.config import RunConfig

PARTS = ("train", "validation", "test")
LOOKED_AT = 2  # samples
SHOWN = 5  # classes that are named
AT_ONCE = 16  # samples that are searched for a spike


class MissingClassWarning(UserWarning):
    """Nothing can be learned of a class: no training sample is of it."""


def refuse_unfit(config: RunConfig, data: DataSplit, *, has_test: bool = True) -> None:
    """Refuse data that do not suit the run, or are not what a data set of spikes is.

    Of the test part only the labels are looked at. It may be empty where ``has_test`` says so.

    Raises
    ------
    InputError
        If there are no samples to train on, to measure, or to choose by; or labels or spikes
        have the wrong type, shape or values; or no training sample has a spike.

    Warns
    -----
    MissingClassWarning
        If no training sample is of one of the classes.
    """
    if not len(data.train) or (has_test and not len(data.test)):
        raise InputError(
            f"{len(data.train)} training and {len(data.test)} test samples; one of each at least"
        )
    if not len(data.validation):
        if config.training.patience:
            raise InputError("[training] patience: needs validation samples; see [data] validation")
        if config.optimizer.schedule is ScheduleKind.PLATEAU:
            raise InputError("[optimizer] schedule: 'plateau' needs validation samples")
    for name, part in zip(PARTS, data.parts, strict=True):
        _refuse_labels(f"data.{name}.labels", part)
    _refuse_spikes("data.train.spikes", data.train)
    _refuse_silence("data.train.spikes", data.train)
    _warn_of_missing_classes(data)


def _refuse_labels(where: str, part: SpikeDataset) -> None:
    labels, n_samples = part.labels, len(part)
    if not isinstance(labels, np.ndarray):
        raise InputError(f"{where}: {type(labels).__name__}; a NumPy array is needed")
    if labels.shape != (n_samples,) or labels.dtype.kind not in "iu":
        raise InputError(
            f"{where}: shape {labels.shape}, {labels.dtype}; integers ({n_samples},) are needed"
        )
    wrong = np.flatnonzero((labels < 0) | (labels >= part.n_classes))
    if wrong.size:
        raise InputError(
            f"{where}: {labels[wrong[0]]} of sample {wrong[0]}; allowed 0..{part.n_classes - 1}"
        )


def _refuse_spikes(where: str, part: SpikeDataset) -> None:
    places = np.arange(min(LOOKED_AT, len(part)))
    spikes = np.asarray(part.spikes(places, epoch=0))
    needed = (len(places), part.n_steps, *part.input_shape)
    if spikes.shape != needed or spikes.dtype.kind not in "biu":
        raise InputError(
            f"{where}: shape {spikes.shape}, {spikes.dtype} for {len(places)} samples; bool of"
            f" shape {needed} is needed"
        )
    if spikes.size and not 0 <= int(spikes.min()) <= int(spikes.max()) <= 1:
        raise InputError(
            f"{where}: values {spikes.min()} to {spikes.max()}; allowed 0 and 1 (bool)"
        )


def _refuse_silence(where: str, part: SpikeDataset) -> None:
    """All are read only where the first ones are silent."""
    for start in range(0, len(part), AT_ONCE):
        places = np.arange(start, min(start + AT_ONCE, len(part)))
        if part.spikes(places, epoch=0).any():
            return
    raise InputError(f"{where}: none of the {len(part)} samples has a spike")


def _warn_of_missing_classes(data: DataSplit) -> None:
    counts = np.bincount(data.train.labels, minlength=data.n_classes)
    missing = np.flatnonzero(counts == 0)
    if missing.size:
        names = ", ".join(data.class_names[label] for label in missing[:SHOWN])
        more = ", ..." if missing.size > SHOWN else ""
        warnings.warn(
            f"data.train.labels: no sample of {missing.size} of the {data.n_classes} classes"
            f" ({names}{more})",
            MissingClassWarning,
            stacklevel=3,
        )
