import numpy as np
import pytest

from ssdp_neuro.engine.aligned import LINE_BYTES, aligned_zeros, joined
from ssdp_neuro.engine.kernels.delivery import (
    ROWS_PER_FLUSH,
    WIDE_ROWS_PER_FLUSH,
    deliver_dense8,
    deliver_dense16,
)
from ssdp_neuro.engine.kernels.tables import LANES

pytestmark = pytest.mark.kernel


def delivered(weights: np.ndarray, fired: np.ndarray, n_post: int, shift: int) -> np.ndarray:
    """Drive after the rows of ``fired``; ``weights`` has a row of zeros at its end."""
    drive = np.full(n_post, 7, dtype=np.int32)
    sums = aligned_zeros(weights.shape[1], np.int16)
    spare = np.concatenate([fired, [-9, -9, -9]])
    zero_row = weights.shape[0] - 1
    deliver = deliver_dense8 if weights.dtype == np.int8 else deliver_dense16
    flat = joined([weights.reshape(-1)], weights.dtype)
    done = deliver(spare, flat, 0, weights.shape[1], zero_row, sums, drive, shift)
    assert done == fired.size * n_post
    assert not sums.any()
    return drive


@pytest.mark.parametrize("n_fired", [*range(1, 14), 251, 252, 253, 260, 300])
@pytest.mark.parametrize("n_post", [1, 31, 32, 33, 100])
@pytest.mark.parametrize("dtype", [np.int8, np.int16])
def test_deliver_dense__adds_the_rows_that_fired(n_fired, n_post, dtype):
    rng = np.random.default_rng(n_fired)
    row = -(-n_post // LANES) * LANES
    high = 128 if dtype == np.int8 else 256
    weights = rng.integers(-high, high, (301, row)).astype(dtype)
    weights[:, n_post:] = weights[-1] = 0
    fired = np.sort(rng.choice(300, n_fired, replace=False))
    expected = 7 + (weights[fired, :n_post].sum(axis=0, dtype=np.int64) << 3)
    np.testing.assert_array_equal(delivered(weights, fired, n_post, 3), expected)


@pytest.mark.parametrize("n_fired", [128, ROWS_PER_FLUSH, 256, 257, 2 * ROWS_PER_FLUSH + 5])
@pytest.mark.parametrize("extreme", [-128, 127, -256, 255])
def test_deliver_dense__extreme_rows_do_not_overflow(n_fired, extreme):
    dtype = np.int8 if -128 <= extreme < 128 else np.int16
    weights = np.full((n_fired + 1, 40 + 24), extreme, dtype=dtype)
    weights[:, 40:] = weights[-1] = 0
    drive = delivered(weights, np.arange(n_fired), 40, 0)
    np.testing.assert_array_equal(drive, np.full(40, 7 + n_fired * extreme))
    assert ROWS_PER_FLUSH * 128 <= 2**15
    assert WIDE_ROWS_PER_FLUSH * 256 <= 2**15


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_aligned_zeros__begin_at_a_cache_line(size):
    for dtype in (np.uint8, np.int16, np.int32, np.float64):
        zeros = aligned_zeros(size, dtype)
        np.testing.assert_array_equal(zeros, np.zeros(size))
        assert zeros.dtype == dtype
        assert zeros.ctypes.data % LINE_BYTES == 0
