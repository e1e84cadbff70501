import numpy as np
import pytest

from ssdp_neuro.data.codes.cochlea import Cochlea
from ssdp_neuro.data.codes.spectrogram import Spectrogram
from ssdp_neuro.data.formats.wave_file import Sound
from tests.ssdp_neuro.data.made_files import tone


@pytest.mark.parametrize("speaker_db", [0, 6, 12])
def test_spectrogram__a_threshold_fires_in_every_step_where_it_is_reached(speaker_db):
    cochlea = Cochlea(7, 0, 5, speaker_db=speaker_db, range_db=48)
    code = Spectrogram(3, cochlea, 2)
    level = np.random.default_rng(0).integers(-60, 129, (7, 5))
    spikes = code.spikes(level)
    assert (spikes.shape, spikes.dtype) == ((3, *code.input_shape), bool)
    unit = {0: 0, 6: 16, 12: 32}[speaker_db]  # of 0.375 dB
    for step in range(3):
        for band in range(5):
            for column in range(7):
                here = int(level[column, band])
                if speaker_db:
                    wanted = [
                        side * here >= least
                        for side in (1, -1)
                        for least in (unit // 2, unit + unit // 2)
                    ]
                else:
                    wanted = [here >= least for least in (128 // 3, 2 * 128 // 3)]
                assert spikes[step, :, band, column].tolist() == wanted
    assert spikes.any(axis=(0, 2, 3)).all()
    assert not spikes.all(axis=(0, 2, 3)).any()


def test_spectrogram__columns_are_the_steps_of_the_cochlea():
    sound = Sound(np.concatenate([tone(500, 0.06), tone(1500, 0.06)]), 8000)
    code = Spectrogram(2, Cochlea(4, 0, 8), 1)
    level = code.level(sound)
    assert (level == Cochlea(4, 0, 8).level(sound)).all()
    spikes = code.spikes(level)
    assert spikes.shape == (2, 1, 8, 4)
    first, *_, last = (column.argmax() for column in level)
    assert first < last  # the lower tone comes first
    assert spikes[:, 0, first, 0].all()
    assert spikes[:, 0, last, 3].all()
    assert not spikes[:, 0, last, 0].any()
