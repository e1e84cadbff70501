"""Random parameters, codes and weights of the integer DA-SSDP rule."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st

from hw_models import DaSsdpParams, Rounding, ThirdFactor
from hw_models.plasticity import ROUNDINGS

RANGES = ((-128, 127), (-127, 127), (0, 100), (-20, 5), (7, 7), (-256, 255), (-200, 40), (3, 255))


@st.composite
def da_ssdp_params(draw: st.DrawFn, **fixed: Any) -> DaSsdpParams:
    """Parameters over all fields; a shift from none at all to one that leaves nothing."""
    bits = fixed.pop("latency_bits", None) or draw(st.integers(3, 8))
    low, high = draw(st.sampled_from(RANGES))
    silent = 2**bits - 1
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    gaussian = np.rint(255 * np.exp(-(np.arange(2**bits) ** 2) / 18.0)).astype(int)
    fields: dict[str, Any] = {
        "latency_bits": bits,
        "latency_shift": draw(st.integers(0, 3)),
        "silent_latency": draw(st.integers(0, silent)),
        "kernel": draw(st.sampled_from((gaussian, rng.integers(0, 256, 2**bits)))),
        "potentiation": draw(st.sampled_from((0, 1, 77, 255))),
        "depression": draw(st.sampled_from((0, 1, 31, 255))),
        "shift": draw(st.sampled_from((0, 1, 8, 15, 17, 20, 31))),
        "rounding": draw(st.sampled_from(ROUNDINGS)),
        "weight_low": low,
        "weight_high": high,
        "third_factor": fixed.pop("third_factor", None) or draw(st.sampled_from(ThirdFactor)),
        "teacher_latency": draw(st.integers(0, silent - 1)),
    }
    if fields["third_factor"] is ThirdFactor.DOPAMINE:
        fields["warm_up"] = draw(st.integers(2, 6))
        fields["least_correlation"] = draw(st.sampled_from((0, 0, 9000, 32768)))
    return DaSsdpParams(**{**fields, **fixed})


class Synapses(NamedTuple):
    """One projection at the end of a sample."""

    weights: np.ndarray
    pre_codes: np.ndarray
    post_codes: np.ndarray
    gates: np.ndarray


@st.composite
def synapses(draw: st.DrawFn, params: DaSsdpParams) -> Synapses:
    """Weights in the narrowest type the range allows, padded; codes; gates of both signs."""
    n_pre, n_post = draw(st.integers(1, 20)), draw(st.integers(1, 40))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    narrow = params.weight_low >= -128 and params.weight_high <= 127
    padding = draw(st.sampled_from((0, 1, 24)))
    weights = np.zeros((n_pre, n_post + padding), dtype=np.int8 if narrow else np.int16)
    weights[:, :n_post] = rng.integers(
        params.weight_low, params.weight_high + 1, size=(n_pre, n_post)
    )
    codes = [rng.integers(0, params.silent_code + 1, size=n) for n in (n_pre, n_post)]
    for some in codes:
        some[rng.random(some.size) < draw(st.sampled_from((0.0, 0.3, 1.0)))] = params.silent_code
    gates = draw(
        st.sampled_from(
            (
                rng.integers(-256, 256, size=n_post),
                rng.choice([-256, -128, 0, 128, 255], size=n_post),
                np.full(n_post, 128),
                np.zeros(n_post, dtype=int),
            )
        )
    )
    pre_codes, post_codes = (some.astype(np.uint8) for some in codes)
    return Synapses(weights, pre_codes, post_codes, gates.astype(np.int32))


NEAREST, STOCHASTIC = Rounding.NEAREST_AWAY, Rounding.STOCHASTIC
