"""Decays in float32 rounded toward zero, where kernels have them, else in float64."""

import numpy as np
import pytest

from hw_models import DenseProjection, FixedPointNetwork, InputPopulation, LifPopulation
from hw_models.arithmetic import decay_toward_zero
from ssdp_neuro.compilation.compiler import kernel
from ssdp_neuro.engine.kernels import rounding
from ssdp_neuro.engine.kernels.lif import update_uniform
from ssdp_neuro.engine.simulator import simulate

pytestmark = pytest.mark.kernel

TOP = 2**23 - 1


@kernel
def one_step(u, v, drive, flags, keep_u, keep_v):
    """A step that only decays: nothing arrives and nobody fires."""
    rounding.set_rounding(rounding.TOWARD_ZERO)
    update_uniform(u, v, drive, flags, keep_u, keep_v, np.int32(0), np.int32(2**31 - 1))
    rounding.set_rounding(rounding.TO_NEAREST)


def states() -> np.ndarray:
    """Where a wrong rounding shows: large states, powers of two, and some of all."""
    near = np.add.outer(2 ** np.arange(24), np.arange(-3, 4)).reshape(-1)
    near = near[np.abs(near) <= TOP]
    some = np.random.default_rng(6).integers(-TOP, TOP + 1, 300)
    return np.concatenate([near, -near, TOP - np.arange(300), some]).astype(np.int32)


def test_decay__is_exact_for_every_constant():
    start_u = states()
    start_v = start_u[::-1]
    flags, drive = np.zeros(start_u.size, np.uint8), np.zeros(start_u.size, np.int32)
    for kept in range(4097):
        u, v = start_u.copy(), start_v.copy()
        one_step(u, v, drive, flags, kept / 4096, (4096 - kept) / 4096)
        np.testing.assert_array_equal(u, decay_toward_zero(start_u, kept))
        expected = np.clip(decay_toward_zero(start_v, 4096 - kept) + u, -TOP, TOP)
        np.testing.assert_array_equal(v, expected)


def test_simulate__leaves_the_rounding_as_it_was():
    network = FixedPointNetwork(
        populations=[
            InputPopulation(name="in", shape=(3,)),
            LifPopulation(name="net", shape=(2,), current_decay=9, voltage_decay=9, threshold=200),
        ],
        projections=[DenseProjection(source="in", target="net", weights=np.full((2, 3), 90))],
    )
    simulate(network, np.ones((50, 3), dtype=bool), n_steps=50, n_threads=1)
    thirds = np.arange(1, 100, dtype=np.float32) / np.float32(3)
    np.testing.assert_array_equal(
        thirds, (np.arange(1, 100, dtype=np.float64) / 3).astype(np.float32)
    )
    assert float(thirds[0]) > 1 / 3  # to the nearest, which is above
