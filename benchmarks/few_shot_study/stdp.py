"""Pair STDP in integers: the control that has spike times where SSDP has latencies.

For one sample, over all pairs of a pre spike at step ``r`` and a post spike at ``s`` (a
spike arrives one step late, so a causal pair has ``s - r >= 1``),

    product = gate * sum of (potentiation * table[s - r - 1] if s > r
                             else -depression * table[r - s])
    delta   = floor((product + bits) / 2**shift), bits uniform below 2**shift
    weight <- saturate(weight + delta, weight_low, weight_high)

with ``table[d] = round(255 * exp(-d / time_constant))``: formats, rounding and random bits
are those of docs/explanation/fixed_point_da_ssdp.md, so that rules differ in the rule only.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hw_models.random_bits import random_bits


@dataclass(frozen=True, kw_only=True)
class StdpParams:
    """Constants of the rule.

    Parameters
    ----------
    potentiation, depression
        Amplitude mantissas.
    time_constant
        Steps in which the table falls to 1/e.
    shift
        Right shift of the product, 0..31.
    weight_low, weight_high
        Saturation of the weight mantissa.
    """

    potentiation: int
    depression: int
    time_constant: float
    shift: int
    weight_low: int = -128
    weight_high: int = 127

    def window(self, n_steps: int) -> np.ndarray:
        """Signed table x amplitude of each pair of steps, int64 ``(post step, pre step)``."""
        steps = np.arange(n_steps)
        distance = steps[:, None] - steps[None, :]
        table = np.rint(255 * np.exp(-steps / self.time_constant)).astype(np.int64)
        causal = self.potentiation * table[np.maximum(distance - 1, 0)]
        return np.where(distance > 0, causal, -self.depression * table[np.maximum(-distance, 0)])


def stdp_update(
    weights: np.ndarray,
    params: StdpParams,
    pre: np.ndarray,
    post: np.ndarray,
    *,
    gate: int = 128,
    seed: int = 0,
    sample: int = 0,
) -> np.ndarray:
    """Weights after one sample.

    Parameters
    ----------
    weights : integers, shape (n_pre, n_post)
    params
        Constants.
    pre, post : bool, shape (T, n_pre) and (T, n_post)
    gate
        Third factor in 1/128: a reward, or one.
    seed, sample
        Key of the random bits, with the post and pre index.

    Returns
    -------
    int64, shape (n_pre, n_post)
    """
    window = params.window(len(pre))
    product = gate * (pre.T.astype(np.int64) @ window.T @ post.astype(np.int64))
    indices = np.arange(pre.shape[1])[:, None], np.arange(post.shape[1])[None, :]
    bits = random_bits(seed, sample, indices[1], indices[0]).astype(np.int64)
    delta = (product + (bits & ((1 << params.shift) - 1))) >> params.shift
    return np.clip(weights.astype(np.int64) + delta, params.weight_low, params.weight_high)
