import numpy as np
import pytest

from hw_models import InputError
from ssdp_neuro.data.formats.wave_file import decode_wave
from tests.ssdp_neuro.data.made_files import tone, wave_bytes

WHOLE = wave_bytes(tone(440), rate=11025)


def test_decode_wave__gives_what_was_written():
    sound = decode_wave(WHOLE, "a.wav")
    assert (sound.samples == tone(440)).all()
    assert (sound.samples.dtype, sound.rate) == (np.int16, 11025)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "not a whole wave file of plain samples: cut off"),
        (WHOLE[:30], "not a whole wave file"),
        (WHOLE[:-7], "cut off: 800 samples announced, 796 there"),
        (b"RIFX" + WHOLE[4:], "not a whole wave file"),
        (WHOLE[:20] + b"\3\0" + WHOLE[22:], "not a whole wave file"),
        (wave_bytes(tone(440), channels=2), "2 channels of 16 bits"),
        (wave_bytes(tone(440).astype(np.uint8)), "1 channels of 8 bits"),
        (wave_bytes(tone(440)[:0]), "0 samples; allowed 1..262144"),
        (wave_bytes(np.zeros(2**18 + 1, np.int16)), "262145 samples; allowed 1..262144"),
        (wave_bytes(tone(440), rate=500), "500 Hz"),
    ],
)
def test_decode_wave__refuses_and_names_the_file(data, words):
    with pytest.raises(InputError, match=r"folder/a\.wav: ") as refused:
        decode_wave(data, "folder/a.wav")
    assert words in str(refused.value)
