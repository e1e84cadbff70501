import numpy as np
import pytest

from ssdp_neuro.engine.kernels.spike_list import PLACES, list_flags, list_spikes
from ssdp_neuro.engine.kernels.tables import SPARE

pytestmark = pytest.mark.kernel


def test_places__of_each_byte_begin_with_its_set_bits():
    for byte in range(256):
        bits = [i for i in range(8) if byte >> i & 1]
        assert PLACES[byte, : len(bits)].tolist() == bits


@pytest.mark.parametrize("n_blocks", [1, 2, 9])
@pytest.mark.parametrize("rate", [0.0, 0.01, 0.3, 1.0])
def test_list_spikes__appends_the_flagged_in_order(n_blocks, rate):
    rng = np.random.default_rng(4)
    for _ in range(20):
        flags = (rng.random(n_blocks * 64) < rate).astype(np.uint8)
        indices = np.full(3 + flags.sum() + SPARE, -1)
        marked = np.zeros(n_blocks + 1, dtype=np.int64)
        n = list_spikes(flags, 1000, marked, indices, 3)
        assert indices[:3].tolist() == [-1, -1, -1]
        np.testing.assert_array_equal(indices[3:n], 1000 + np.flatnonzero(flags))


@pytest.mark.parametrize("size", [1, 7, 63, 64, 65, 100, 128, 200])
def test_list_flags__appends_the_flagged_of_any_number(size):
    rng = np.random.default_rng(4)
    for rate in (0.0, 0.1, 1.0):
        flags = (rng.random(size) < rate).astype(np.uint8)
        indices = np.full(3 + size + SPARE, -1)
        n = list_flags(flags, np.zeros(size // 64 + 1, dtype=np.int64), indices, 3)
        assert indices[:3].tolist() == [-1, -1, -1]
        np.testing.assert_array_equal(indices[3:n], np.flatnonzero(flags))
