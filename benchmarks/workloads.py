"""The workloads that the engine and its peers are timed on; same seeds for all of them.

Weights are ``2 * m`` with int8 mantissas ``m``, LIF neurons have ``du = 409`` and
``dv = 128`` unless said, no bias, reset to zero.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from hw_models import (
    ConvProjection,
    DenseProjection,
    FixedPointNetwork,
    InputPopulation,
    LifPopulation,
    PoolProjection,
    SparseProjection,
)

CURRENT_DECAY, VOLTAGE_DECAY = 409, 128


@dataclass(frozen=True, kw_only=True, eq=False)
class Workload:
    """A network and its input, bool ``(T, N)`` or ``(B, T, N)``, or (step, index) pairs.

    Spikes of peers are compared over the first ``compared`` samples.
    """

    name: str
    network: FixedPointNetwork
    spikes: np.ndarray
    n_steps: int
    compared: int = 1 << 30


def neurons(
    name: str,
    shape: int | tuple[int, ...],
    threshold: int,
    current_decay: int = CURRENT_DECAY,
) -> LifPopulation:
    return LifPopulation(
        name=name,
        shape=(shape,) if isinstance(shape, int) else shape,
        current_decay=current_decay,
        voltage_decay=VOLTAGE_DECAY,
        threshold=threshold,
    )


def mantissas(rng: np.random.Generator, shape: object, low: int, high: int) -> np.ndarray:
    return 2 * rng.integers(low, high + 1, size=shape)


def fan_out(rng: np.random.Generator, n_pre: int, n_post: int, count: int) -> dict[str, np.ndarray]:
    """``count`` different targets for each source: a random stretch of a random order."""
    order = rng.permutation(n_post)
    start = rng.integers(0, n_post, size=n_pre)
    post = order[(start[:, None] + np.arange(count) * (n_post // count)) % n_post]
    return {"pre": np.repeat(np.arange(n_pre), count), "post": post.reshape(-1)}


def dense(rate: float, n_steps: int = 1000) -> Workload:
    """W1: 1000 Poisson sources, all to all, 1000 neurons."""
    rng = np.random.default_rng(1)
    network = FixedPointNetwork(
        populations=[InputPopulation(name="in", shape=(1000,)), neurons("out", 1000, 24000)],
        projections=[
            DenseProjection(
                source="in", target="out", weights=mantissas(rng, (1000, 1000), -127, 127)
            )
        ],
    )
    spikes = rng.random((n_steps, 1000)) < rate
    return Workload(name=f"W1 {rate:.0%}", network=network, spikes=spikes, n_steps=n_steps)


def recurrent(n_steps: int = 1000) -> Workload:
    """W2: 10 000 neurons with 100 targets each, driven by 1000 sources at 5 %."""
    rng = np.random.default_rng(2)
    size = 10_000
    network = FixedPointNetwork(
        populations=[InputPopulation(name="in", shape=(1000,)), neurons("net", size, 5500)],
        projections=[
            SparseProjection(
                source=source,
                target="net",
                weights=mantissas(rng, n_pre * 100, low, high),
                **fan_out(rng, n_pre, size, 100),
            )
            for source, n_pre, low, high in (("in", 1000, -10, 60), ("net", size, -80, 60))
        ],
    )
    spikes = rng.random((n_steps, 1000)) < 0.05
    return Workload(name="W2", network=network, spikes=spikes, n_steps=n_steps)


def classifier(n_samples: int = 256, n_steps: int = 32) -> Workload:
    """W3: 784-512-10, a batch of samples at 5 % input."""
    rng = np.random.default_rng(3)
    network = FixedPointNetwork(
        populations=[
            InputPopulation(name="in", shape=(784,)),
            neurons("hidden", 512, 14000),
            neurons("out", 10, 60000),
        ],
        projections=[
            DenseProjection(
                source="in", target="hidden", weights=mantissas(rng, (512, 784), -60, 64)
            ),
            DenseProjection(
                source="hidden", target="out", weights=mantissas(rng, (10, 512), -60, 80)
            ),
        ],
    )
    spikes = rng.random((n_samples, n_steps, 784)) < 0.05
    return Workload(name="W3", network=network, spikes=spikes, n_steps=n_steps)


def large(n_steps: int = 1000, size: int = 100_000, n_events: int = 10) -> Workload:
    """W4: 100 000 neurons with 100 targets each; 10 events a step force a spike each.

    The current is memoryless here (``du = 4095``), or a forced neuron would fire on.
    """
    rng = np.random.default_rng(4)
    network = FixedPointNetwork(
        populations=[InputPopulation(name="in", shape=(size,)), neurons("net", size, 600, 4095)],
        projections=[
            SparseProjection(
                source="in",
                target="net",
                pre=np.arange(size),
                post=np.arange(size),
                weights=np.full(size, 254),
                weight_exponent=2,
            ),
            SparseProjection(
                source="net",
                target="net",
                weights=mantissas(rng, size * 100, -20, 20),
                **fan_out(rng, size, size, 100),
            ),
        ],
    )
    return Workload(
        name="W4",
        network=network,
        spikes=few_events(rng, size, n_steps, n_events),
        n_steps=n_steps,
    )


def convolutional(
    side: int, kernel: int, stride: int, n_classes: int, n_samples: int, n_steps: int
) -> Workload:
    """Two channels of events, 16 and 32 channels with pooling after each, then classes.

    A convolution of ``kernel`` and ``stride`` before, one of 3 after the first pooling; the
    pooling neurons keep a quarter of their current, or one input spike would make many.
    """
    rng = np.random.default_rng(6)
    populations: list[InputPopulation | LifPopulation] = [
        InputPopulation(name="in", shape=(2, side, side))
    ]
    projections: list[ConvProjection | PoolProjection | DenseProjection] = []
    for name, channels, taps, step, threshold in (
        ("a", 16, kernel, stride, 3000),
        ("b", 32, 3, 1, 14000),
    ):
        source = populations[-1]
        weights = mantissas(rng, (channels, source.shape[0], taps, taps), -60, 80)
        convolution = ConvProjection(
            source=source.name,
            target=name,
            weights=weights,
            stride=step,
            padding=taps // 2,
        )
        shape = convolution.output_shape(source.shape)
        pool = PoolProjection(source=name, target=f"pool {name}", kernel_size=2, weight=200)
        populations += [
            neurons(name, shape, threshold),
            neurons(pool.target, pool.output_shape(shape), 150, 3072),
        ]
        projections += [convolution, pool]
    last = populations[-1]
    assert isinstance(last, LifPopulation)
    weights = mantissas(rng, (n_classes, last.n_neurons), -60, 64)
    populations.append(neurons("out", n_classes, 20000))
    projections.append(DenseProjection(source=last.name, target="out", weights=weights))
    spikes = rng.random((n_samples, n_steps, 2 * side * side)) < 0.02
    return Workload(
        name=f"2x{side}x{side}",
        network=FixedPointNetwork(populations=populations, projections=projections),
        spikes=spikes,
        n_steps=n_steps,
        compared=2,
    )


def delayed(longest: int, weight_exponent: int = 0, n_steps: int = 1000) -> Workload:
    """W1 at 5 %, with a delay of its own for every synapse, up to ``longest`` steps more."""
    plain = dense(0.05, n_steps)
    (wires,) = plain.network.projections
    rng = np.random.default_rng(7)
    wires = dataclasses.replace(
        wires,
        delays=rng.integers(0, longest + 1, (1000, 1000)),
        weight_exponent=weight_exponent,
    )
    return dataclasses.replace(plain, network=plain.network.replace(wires))


def delayed_list(weight_exponent: int = 0, n_steps: int = 1000) -> Workload:
    """1000 sources at 5 % with 100 of 10 000 targets each, delays of 0 to 60 steps more."""
    rng = np.random.default_rng(8)
    size = 10_000
    wires = SparseProjection(
        source="in",
        target="net",
        weights=mantissas(rng, 1000 * 100, -60, 80),
        delays=rng.integers(0, 61, 1000 * 100),
        weight_exponent=weight_exponent,
        **fan_out(rng, 1000, size, 100),
    )
    return Workload(
        name="delays, list",
        network=FixedPointNetwork(
            populations=[InputPopulation(name="in", shape=(1000,)), neurons("net", size, 5500)],
            projections=[wires],
        ),
        spikes=rng.random((n_steps, 1000)) < 0.05,
        n_steps=n_steps,
    )


def silent(size: int, n_steps: int = 1000) -> Workload:
    """1000 wired neurons at 10 events a step, inside a population of ``size``."""
    rng = np.random.default_rng(5)
    network = FixedPointNetwork(
        populations=[InputPopulation(name="in", shape=(1000,)), neurons("net", size, 1000)],
        projections=[
            SparseProjection(
                source="in",
                target="net",
                weights=mantissas(rng, 1000 * 100, -60, 80),
                **fan_out(rng, 1000, 1000, 100),
            )
        ],
    )
    return Workload(
        name=f"{size} neurons",
        network=network,
        spikes=few_events(rng, 1000, n_steps),
        n_steps=n_steps,
    )


def few_events(rng: np.random.Generator, size: int, n_steps: int, count: int = 10) -> np.ndarray:
    """So many different sources in every step, as (step, index) pairs."""
    starts = rng.integers(0, size, size=n_steps)
    each = np.arange(count)
    index = np.sort((starts[:, None] + each * (size // count) + each % 10) % size, axis=1)
    return np.stack([np.repeat(np.arange(n_steps), count), index.reshape(-1)], axis=1)


WORKLOADS: dict[str, Callable[[], Workload]] = {
    "W1 1%": lambda: dense(0.01),
    "W1 5%": lambda: dense(0.05),
    "W1 20%": lambda: dense(0.20),
    "W2": recurrent,
    "W3": classifier,
    "W4": large,
    "C 34": lambda: convolutional(34, 3, 1, n_classes=10, n_samples=64, n_steps=100),
    "C 128": lambda: convolutional(128, 5, 2, n_classes=11, n_samples=8, n_steps=100),
    "D matrix": lambda: delayed(60),
    "D list": delayed_list,
}
