"""Whether data can be trained on; said before anything is trained or written."""

from __future__ import annotations

import numpy as np

from hw_models import InputError
from ssdp_neuro.data import DataSplit, SpikeDataset
from ssdp_neuro.training.run.choices import ScheduleKind
from ssdp_neuro.training.run.config import RunConfig

PARTS = ("train", "validation", "test")
LOOKED_AT = 2  # samples


def refuse_unfit(config: RunConfig, data: DataSplit) -> None:
    """Refuse data that do not suit the run, or are not what a data set of spikes is.

    Of the test part only the labels are looked at.

    Raises
    ------
    InputError
        If there are no samples to train on, to measure, or to choose by; or labels or spikes
        have the wrong type, shape or values.
    """
    if not len(data.train) or not len(data.test):
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
