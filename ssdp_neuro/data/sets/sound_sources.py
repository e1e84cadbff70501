"""Recordings of spoken words as wave files named ``word_speaker_index.wav``."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator

import numpy as np

from hw_models import InputError
from ssdp_neuro.data.codes.cochlea import Cochlea
from ssdp_neuro.data.codes.spectrogram import Spectrogram
from ssdp_neuro.data.dataset import SpikeDataset
from ssdp_neuro.data.formats.file_tree import contents, find_files
from ssdp_neuro.data.formats.wave_file import decode_wave
from ssdp_neuro.data.settings import DataSettings, Encoding
from ssdp_neuro.data.source import Maker, Source
from ssdp_neuro.data.stored_spikes import stored

NAME = re.compile(r"(?:.*/)?([^/_]+)_([^/]+)_(\d+)\.wav")
WARPS = (-1.0, -0.5, 0.5, 1.0)  # of data.warp, beside none
TEST_BELOW = 5  # the data set's own test: the first of each digit and speaker


def fsdd(settings: DataSettings) -> Source:
    """The Free Spoken Digit Dataset, or other words named like its files.

    Its own test is index 0..4 of every word and speaker; with ``held_out`` it is all of the
    speakers named there.
    """
    if settings.code not in (Encoding.AUTO, Encoding.COCHLEA, Encoding.SPECTROGRAM):
        raise InputError(
            f"data.encoding: {settings.encoding!r} is not for the sound of {settings.name!r};"
            " allowed: auto, cochlea, spectrogram"
        )
    if settings.code is Encoding.SPECTROGRAM and settings.step_us:
        raise InputError(
            f"data.step_us: {settings.step_us}; the columns of a spectrogram share a word's time"
        )
    files = find_files(settings.folder, NAME)
    if not files:
        raise InputError(f"{settings.folder}: no file <word>_<speaker>_<index>.wav in it")
    names = sorted({file.match[1] for file in files}, key=_by_number)
    speaker = np.array([file.match[2] for file in files])

    def maker(warp: float) -> Maker:
        code = sound_code(settings, warp)

        def levels(places: Iterable[int]) -> Iterator[np.ndarray]:
            wanted = [files[place] for place in places]
            for file, data in zip(wanted, contents(wanted), strict=True):
                yield code.level(decode_wave(data, str(file)))

        @functools.cache
        def beside_speaker() -> np.ndarray:  # the other words of a speaker are in any part
            every = np.stack(list(levels(range(len(files)))))
            for one in np.unique(speaker):
                own = speaker == one
                every[own] -= every[own].sum(axis=0) // own.sum()
            return every

        def make(places: np.ndarray, labels: np.ndarray, n_classes: int) -> SpikeDataset:
            given = beside_speaker()[places] if settings.speaker_db else levels(places)
            samples = map(code.spikes, given)
            return stored(
                samples,
                labels,
                n_steps=settings.n_steps,
                input_shape=code.input_shape,
                n_classes=n_classes,
            )

        return make

    return Source(
        where=settings.folder,
        labels=np.array([names.index(file.match[1]) for file in files], dtype=np.int64),
        class_names=tuple(names),
        make=maker(0.0),
        variants=tuple(maker(share * settings.warp) for share in WARPS if settings.warp),
        encoding=Encoding.COCHLEA,
        is_test=np.array([int(file.match[3]) < TEST_BELOW for file in files]),
        groups=speaker,
    )


def sound_code(settings: DataSettings, warp: float = 0.0) -> Cochlea | Spectrogram:
    """What makes spikes of recordings."""
    image = settings.code is Encoding.SPECTROGRAM
    cochlea = Cochlea(
        settings.columns if image else settings.n_steps,
        settings.step_us,
        settings.channels,
        warp,
        settings.speaker_db,
        settings.range_db,
    )
    return Spectrogram(settings.n_steps, cochlea, settings.levels) if image else cochlea


def _by_number(name: str) -> tuple[int, str]:
    """Numbers by value, and before words."""
    return (int(name), name) if name.isdecimal() else (2**31, name)
