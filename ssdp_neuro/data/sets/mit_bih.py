"""Heart beats of the MIT-BIH arrhythmia database, divided by patient."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hw_models import InputError
from ssdp_neuro.data.codes.level_crossing import LevelCrossing
from ssdp_neuro.data.dataset import SpikeDataset
from ssdp_neuro.data.formats.array_file import array_path, read_arrays, wanted_array
from ssdp_neuro.data.sets.usual_beats import PER_RATIO, QRS, usual_levels
from ssdp_neuro.data.settings import DataSettings, Encoding
from ssdp_neuro.data.source import Source
from ssdp_neuro.data.stored_spikes import stored

CLASSES = ("N", "S", "V", "F")  # of the AAMI, without Q
USUAL_CLASSES = ("N", "S", "V")
TRAINED, TESTED = 1, 2
R_PEAK = 90  # sample of the beat at which the interval before it is known
USUAL_DELTA = 8  # converter units of 5 microvolts
RHYTHM_BEATS = 8  # the mean to which an interval is compared
RHYTHM_STEPS = 8  # so long a rhythm channel fires
USUAL_STEPS = 8  # spread evenly over the sample, in which a comparison's channels fire


def mit_bih(settings: DataSettings) -> Source:
    """An ``.npz`` of cut-out beats and the records they come from.

    Arrays: ``beat`` integers (N, samples), ``label`` 0 N, 1 S, 2 V, 3 F, ``record`` (N,),
    ``split`` 1 for training and 2 for the test, and with ``rhythm`` also ``rr_prev``, the
    samples since the beat before, and ``sample``, when the beat was; with ``usual`` these and
    ``rr_next``, the samples to the next beat. A record stands for a patient, as
    usual; only 201 and 202, on different sides of the split, are of one person.
    """
    if settings.code not in (Encoding.AUTO, Encoding.DELTA):
        raise InputError(
            f"data.encoding: {settings.encoding!r} is not for the signals of {settings.name!r};"
            " allowed: auto, delta"
        )
    path = array_path(settings.folder)
    arrays = read_arrays(path)
    beats = wanted_array(arrays, path, "beat", "i", 2)
    labels = wanted_array(arrays, path, "label", "iu", 1, len(beats)).astype(np.int64)
    record = wanted_array(arrays, path, "record", "iu", 1, len(beats))
    split = wanted_array(arrays, path, "split", "iu", 1, len(beats))
    strange = np.flatnonzero((split != TRAINED) & (split != TESTED))
    if strange.size:
        raise InputError(
            f"{path}: split {split[strange[0]]} of beat {strange[0]}; 1 for training and 2 for"
            " the test are allowed"
        )
    early = early_ratio(arrays, path, record) if settings.rhythm else None
    unlike = _unlike(arrays, path, beats, record, settings.usual) if settings.usual else None
    encoder = LevelCrossing(settings.n_steps, settings.delta or USUAL_DELTA, settings.levels)

    def make(places: np.ndarray, labels: np.ndarray, n_classes: int) -> SpikeDataset:
        signals = beats[places][:, :, None]
        spikes = [encoder(signals)]
        start, n_steps = R_PEAK // encoder.span(beats.shape[1]), settings.n_steps
        if early is not None:
            spikes.append(rhythm_spikes(early[places], n_steps, settings.rhythm, start))
        if unlike is not None:
            fires = np.zeros((len(places), n_steps, unlike.shape[1]), dtype=bool)
            fires[:, np.arange(USUAL_STEPS) * n_steps // USUAL_STEPS] = unlike[places, None]
            spikes.append(fires)
        every = np.concatenate(spikes, axis=2)
        return stored(
            every,
            labels,
            n_steps=n_steps,
            input_shape=every.shape[2:],
            n_classes=n_classes,
        )

    return Source(
        where=str(path),
        labels=labels,
        class_names=CLASSES,
        usual_classes=USUAL_CLASSES,
        make=make,
        encoding=Encoding.DELTA,
        is_test=split == TESTED,
        groups=record.astype(str),
        by_group=True,
    )


def early_ratio(arrays: dict[str, np.ndarray], path: Path, record: np.ndarray) -> np.ndarray:
    """Interval before each beat, in thousandths of the mean of those stored before it.

    The mean is over the up to 8 beats of the same record that are in the file and came
    before; 1000 for the first.

    Returns
    -------
    int64, shape (N,)
    """
    interval = _intervals(arrays, path, "rr_prev", len(record))
    time = wanted_array(arrays, path, "sample", "iu", 1, len(record))
    ratio = np.full(len(record), PER_RATIO, dtype=np.int64)
    for one in np.unique(record):
        places = np.flatnonzero(record == one)
        places = places[np.argsort(time[places], kind="stable")]
        known = interval[places]
        for i in range(1, len(places)):
            before = known[max(0, i - RHYTHM_BEATS) : i]
            ratio[places[i]] = PER_RATIO * known[i] * len(before) // int(before.sum())
    return ratio


def _unlike(
    arrays: dict[str, np.ndarray], path: Path, beats: np.ndarray, record: np.ndarray, channels: int
) -> np.ndarray:
    """Levels of each beat beside its patient's others, bool ``(N, 10 * channels)``."""
    if beats.shape[1] <= QRS.start:
        raise InputError(
            f"{path}: beat of shape {beats.shape}; data.usual needs more than {QRS.start} samples"
        )
    before, after = (_intervals(arrays, path, name, len(beats)) for name in ("rr_prev", "rr_next"))
    time = wanted_array(arrays, path, "sample", "iu", 1, len(beats)).astype(np.int64)
    order = np.lexsort((time, record))
    same = (np.diff(time[order]) == 0) & (np.diff(record[order].astype(np.int64)) == 0)
    if same.any():
        one, two = sorted(order[same.argmax() :][:2].tolist())
        raise InputError(
            f"{path}: sample {time[one]} of beat {one} and of beat {two}, both of record"
            f" {record[one]}; a record's beats need times of their own"
        )
    return usual_levels(beats, before, after, time, record, channels)


def _intervals(arrays: dict[str, np.ndarray], path: Path, name: str, n_beats: int) -> np.ndarray:
    interval = wanted_array(arrays, path, name, "iu", 1, n_beats).astype(np.int64)
    if (interval <= 0).any():
        first = int((interval <= 0).argmax())
        raise InputError(f"{path}: {name} {interval[first]} of beat {first}; above 0 is needed")
    return interval


def rhythm_spikes(ratio: np.ndarray, n_steps: int, channels: int, start: int) -> np.ndarray:
    """One channel of ``channels`` fires for 8 steps from ``start`` on, by how early a beat came.

    The channels divide ratios from 500 to 1500 thousandths evenly; the first and the last also
    stand for what is beyond.

    Returns
    -------
    bool, shape (N, n_steps, channels)
    """
    channel = np.clip((ratio - PER_RATIO // 2) * channels // PER_RATIO, 0, channels - 1)
    spikes = np.zeros((len(ratio), n_steps, channels), dtype=bool)
    fires = np.arange(channels) == channel[:, None]
    spikes[:, start : start + RHYTHM_STEPS] = fires[:, None]
    return spikes
