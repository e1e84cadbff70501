"""A small network with every kind of loop that the engine has, its input, and what comes out.

Weights and spikes come from the counter-based random bits of this distribution: NumPy may
change what its own generators give.
"""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

from hw_models import (
    ConvProjection,
    DaSsdpParams,
    DenseProjection,
    FixedPointNetwork,
    InputPopulation,
    LifPopulation,
    PoolProjection,
    ResetMode,
    Rounding,
    SparseProjection,
    ThirdFactor,
)
from hw_models.random_bits import random_bits

N_SAMPLES, N_STEPS, N_HIDDEN, N_CLASSES = 6, 24, 130, 10
LABELS = [3, 0, 7, 3, 9, 1]
PROBES = [("hidden", "u"), ("hidden", "v"), ("map", "v"), ("out", "v")]


def drawn(key: int, low: int, high: int, *shape: int) -> np.ndarray:
    """Integers ``low..high`` of a shape, int64, of their key alone."""
    bits = random_bits(key, np.arange(int(np.prod(shape)))).astype(np.int64)
    return (low + bits % (high - low + 1)).reshape(shape)


def listed(key: int, n_pre: int, n_post: int, one_in: int, longest: int) -> dict[str, np.ndarray]:
    """Synapses between a part of all pairs, with delays."""
    pairs = np.flatnonzero(drawn(key, 0, one_in - 1, n_pre * n_post) == 0)
    return {
        "pre": pairs // n_post,
        "post": pairs % n_post,
        "weights": drawn(key + 1, -100, 120, pairs.size),
        "delays": drawn(key + 2, 0, longest, pairs.size),
    }


def golden_network() -> FixedPointNetwork:
    """Convolution, pooling, delays, a sparse loop, shared and single parameters, a rule."""
    distance = np.arange(32)
    rule = DaSsdpParams(
        latency_bits=5,
        silent_latency=31,
        kernel=255 * 64 // (64 + distance * distance),
        potentiation=200,
        depression=90,
        shift=17,
        rounding=Rounding.STOCHASTIC,
        third_factor=ThirdFactor.TEACHER,
        teacher_latency=4,
    )
    return FixedPointNetwork(
        populations=[
            InputPopulation(name="eye", shape=(1, 8, 8)),
            LifPopulation(
                name="map", shape=(4, 4, 4), current_decay=2048, voltage_decay=300, threshold=90
            ),
            LifPopulation(
                name="pooled", shape=(4, 2, 2), current_decay=4095, voltage_decay=128, threshold=3
            ),
            LifPopulation(
                name="hidden",
                shape=(N_HIDDEN,),
                current_decay=drawn(1, 500, 4095, N_HIDDEN),
                voltage_decay=200,
                threshold=drawn(2, 120, 400, N_HIDDEN),
                bias_mantissa=drawn(3, -3, 6, N_HIDDEN),
                bias_exponent=5,
                reset=ResetMode.SUBTRACT,
                refractory=2,
            ),
            LifPopulation(
                name="out", shape=(N_CLASSES,), current_decay=1024, voltage_decay=128, threshold=500
            ),
        ],
        projections=[
            ConvProjection(
                source="eye", target="map", weights=drawn(4, -60, 120, 4, 1, 3, 3), stride=2,
                padding=1,
            ),
            PoolProjection(source="map", target="pooled", kernel_size=2, weight=2),
            SparseProjection(source="map", target="hidden", **listed(5, 64, N_HIDDEN, 6, 5)),
            SparseProjection(source="hidden", target="hidden",
                             **listed(8, N_HIDDEN, N_HIDDEN, 20, 40)),
            DenseProjection(source="pooled", target="hidden", weights=drawn(11, -90, 200, 130, 16),
                            weight_exponent=-1),
            DenseProjection(source="eye", target="out", weights=drawn(12, -30, 60, 10, 64),
                            delays=drawn(13, 0, 7, 10, 64)),
            DenseProjection(source="hidden", target="out", weights=drawn(14, -60, 60, 10, 130),
                            plasticity=rule),
        ],
    )  # fmt: skip


def golden_spikes() -> np.ndarray:
    """Input bool ``(B, T, 1, 8, 8)``: about one spike in twelve."""
    return drawn(15, 0, 11, N_SAMPLES, N_STEPS, 1, 8, 8) == 0


def digest(array: np.ndarray) -> str:
    """Of the values, whatever the machine's byte order."""
    plain = np.ascontiguousarray(array, dtype="<i8")
    return hashlib.sha256(plain.tobytes()).hexdigest()


def described(result: Any) -> dict[str, Any]:
    """A run in numbers that point to where another one differs, and digests of all bits."""
    return {
        "spikes": {
            name: result.spike_counts(name).sum(axis=1).tolist() for name in result.populations
        },
        "operations": dict(result.counts.synaptic_operations),
        "rasters": {name: digest(result.raster(name)) for name in result.populations},
        "probes": {f"{name}.{what}": digest(result.probe(name, what)) for name, what in PROBES},
    }


def golden_result(n_threads: int) -> dict[str, Any]:
    """What the engine makes of it: a batch, one long sample, and what is learned."""
    from ssdp_neuro import Teaching, learn, simulate

    network, spikes = golden_network(), golden_spikes()
    long = spikes.reshape(1, N_SAMPLES * N_STEPS, 1, 8, 8)
    settings: dict[str, Any] = {"probes": PROBES, "n_threads": n_threads}
    told = Teaching(labels=LABELS, seed=5, epochs=2)
    learned = learn(network, spikes, told, n_steps=N_STEPS, progress=False)
    return {
        "batch": described(simulate(network, spikes, n_steps=N_STEPS, **settings)),
        "long": described(simulate(network, long, n_steps=long.shape[1], **settings)),
        "learned": {
            "weights": learned.network.projection("hidden->out").weights.tolist(),
            "decisions": learned.decisions["out"].tolist(),
            "next_sample": learned.next_sample,
        },
    }
