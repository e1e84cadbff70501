"""The LIF step on a run of neurons, as :mod:`hw_models.populations` defines it.

Sums are int32 on purpose (Lava's arrays are, and wrap alike); every intermediate is cast
back, or Numba would widen it to 64 bits and halve the speed. The decay
``sign(x) * floor(|x| * k / 4096)`` is the product with ``k / 4096`` (which only shifts it)
cast to an integer, which truncates toward zero. It is exact in float64, as the product has
at most 44 bits, and for ``|x| < 2**24`` in float32 rounded toward zero, which REAL stands
for: callers turn the rounding, see :mod:`.rounding`. Neurons whose state may be larger
have ``update_wide``.
"""

import numpy as np

from ssdp_neuro.compilation.compiler import part
from ssdp_neuro.compilation.vector_width import wide_vectors
from ssdp_neuro.engine.kernels.rounding import REAL

LIMIT = np.int32(1 << 23)
SPAN = np.int32(1 << 24)
TOP = np.int32((1 << 23) - 1)
ALIGN = np.int32(6)
ZERO = np.int32(0)


@part
def update_uniform(u, v, drive, flags, keep_u, keep_v, bias, threshold):
    """One step of neurons that share their parameters and reset to zero.

    Mutates ``u``, ``v``, ``flags`` and clears ``drive``, all of one length.
    """
    wide_vectors()
    share_u, share_v = REAL(keep_u), REAL(keep_v)
    for i in range(u.shape[0]):
        x = np.int32(np.int32(REAL(u[i]) * share_u) + np.int32(drive[i] << ALIGN))
        drive[i] = ZERO
        above, below = np.int32(x - SPAN), np.int32(x + SPAN)
        x = above if x > LIMIT else (below if x <= -LIMIT else x)
        u[i] = x
        y = np.int32(np.int32(np.int32(REAL(v[i]) * share_v) + x) + bias)
        y = -TOP if y < -TOP else y
        y = TOP if y > TOP else y
        spike = y > threshold
        v[i] = ZERO if spike else y
        flags[i] = np.uint8(1) if spike else np.uint8(0)


@part
def update_memoryless(v, drive, flags, keep_v, bias, threshold):
    """The same where nothing of a current stays: it is the step's input and is not kept."""
    wide_vectors()
    share_v = REAL(keep_v)
    for i in range(v.shape[0]):
        x = np.int32(drive[i] << ALIGN)
        drive[i] = ZERO
        above, below = np.int32(x - SPAN), np.int32(x + SPAN)
        x = above if x > LIMIT else (below if x <= -LIMIT else x)
        y = np.int32(np.int32(np.int32(REAL(v[i]) * share_v) + x) + bias)
        y = -TOP if y < -TOP else y
        y = TOP if y > TOP else y
        spike = y > threshold
        v[i] = ZERO if spike else y
        flags[i] = np.uint8(1) if spike else np.uint8(0)


def _general(real):
    """Compiles for one type of decays: REAL or float64."""

    @part
    def update(u, v, wait, drive, flags, keep_u, keep_v, bias, threshold, refractory, subtract):
        """One step of neurons with their own parameters, refractory and either reset.

        Mutates ``u``, ``v``, ``wait``, ``flags`` and clears ``drive``, all of one length.
        """
        wide_vectors()
        for i in range(u.shape[0]):
            x = np.int32(np.int32(real(u[i]) * real(keep_u[i])) + np.int32(drive[i] << ALIGN))
            drive[i] = ZERO
            above, below = np.int32(x - SPAN), np.int32(x + SPAN)
            x = above if x > LIMIT else (below if x <= -LIMIT else x)
            u[i] = x
            held = wait[i] > 0
            y = np.int32(np.int32(np.int32(real(v[i]) * real(keep_v[i])) + x) + bias[i])
            y = -TOP if y < -TOP else y
            y = TOP if y > TOP else y
            y = v[i] if held else y
            spike = y > threshold[i] and not held
            after = np.int32(y - threshold[i]) if subtract else ZERO
            v[i] = after if spike else y
            wait[i] = refractory if spike else (np.int32(wait[i] - 1) if held else ZERO)
            flags[i] = np.uint8(1) if spike else np.uint8(0)

    return update


update_general = _general(REAL)
update_wide = _general(np.float64)


@part
def update_adaptive(
    u, v, wait, adapted, drive, flags, keep_u, keep_v, keep_rise, bias, threshold, rise,
    refractory, subtract,
):  # fmt: skip
    """The general step where a spike raises the threshold; ``adapted`` is by how much, mutated."""
    wide_vectors()
    for i in range(u.shape[0]):
        x = np.int32(np.int32(u[i] * np.float64(keep_u[i])) + np.int32(drive[i] << ALIGN))
        drive[i] = ZERO
        above, below = np.int32(x - SPAN), np.int32(x + SPAN)
        x = above if x > LIMIT else (below if x <= -LIMIT else x)
        u[i] = x
        held = wait[i] > 0
        y = np.int32(np.int32(np.int32(v[i] * np.float64(keep_v[i])) + x) + bias[i])
        y = -TOP if y < -TOP else y
        y = TOP if y > TOP else y
        y = v[i] if held else y
        raised = np.int32(adapted[i] * keep_rise[i])
        spike = y > np.int32(threshold[i] + raised) and not held
        after = np.int32(y - threshold[i]) if subtract else ZERO
        v[i] = after if spike else y
        higher = np.int32(raised + rise[i])
        higher = TOP if higher > TOP else higher
        adapted[i] = higher if spike else raised
        wait[i] = refractory if spike else (np.int32(wait[i] - 1) if held else ZERO)
        flags[i] = np.uint8(1) if spike else np.uint8(0)


@part
def at_rest(u, v):
    """Whether every neuron of a run has ``u = v = 0``."""
    wide_vectors()
    seen = np.int32(0)
    for i in range(u.shape[0]):
        seen |= np.int32(u[i] | v[i])
    return seen == 0
