"""The circuit as a network in the chip's integers.

A step of Lava's neurons is the exact step of the paper's (``iaf_psc_exp`` on a grid), with a
current counted in what it adds to the potential: ``u`` keeps 3354 / 4096 = 0.8188 of itself
(0.5 ms), ``v`` 4055 / 4096 = 0.9900 (9.94 ms for 10), a spike that is sent in a step acts
``delay`` steps later, and reset, refractory period and constant current are the chip's own.
An excitatory weight is 32 on average, an inhibitory one -32 with an exponent of 2, the
stronger projection 32 with an exponent of 1: with more, the current could wrap if all sources
of a neuron fired at once, and the engine would need wider numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from benchmarks.microcircuit import parameters
from benchmarks.microcircuit.parameters import POPULATIONS, Scale
from hw_models import FixedPointNetwork, InputPopulation, LifPopulation, SparseProjection
from hw_models.arrays import HandedOver
from hw_models.projections import MAX_DELAY

MANTISSA = 32  # a mean weight
EXPONENTS = {1: 0, 2: 1, 4: 2}  # by mean weight over that of an excitatory synapse
FINER = 64  # units of a membrane potential in one of a weight
COUNT_BITS = 4  # inputs of a neuron that tell how many background spikes arrive
AT_ONCE = 1 << 20  # synapses drawn together
Say = Callable[[int, int], None]


def unit_mv(scale: Scale) -> float:
    """Millivolts of a potential in one unit of a weight."""
    return parameters.mv_per_pa()[0] * scale.background_pa / MANTISSA


def circuit(
    scale: Scale, seed: int, is_poisson: bool, say: Say = lambda done, total: None
) -> FixedPointNetwork:
    """The network; ``say`` is told how many synapses are there, and of how many."""
    rng = np.random.default_rng([seed, 0])
    populations: list[InputPopulation | LifPopulation] = list(_neurons(scale, rng, is_poisson))
    projections: list[SparseProjection] = []
    expected, total = scale.synapses, int(scale.synapses.sum())
    done = 0
    for target in range(len(POPULATIONS)):
        for source in range(len(POPULATIONS)):
            if expected[target, source] == 0:
                continue
            stream = np.random.default_rng([seed, 1, target, source])
            projections.append(_synapses(scale, target, source, stream))
            done += projections[-1].pre.size
            say(done, total)
    if is_poisson:
        for name, size in zip(POPULATIONS, scale.sizes, strict=True):
            populations.append(InputPopulation(name=f"to {name}", shape=(COUNT_BITS * size,)))
            projections.append(_background(name, size))
    return FixedPointNetwork(populations=populations, projections=projections)


def _neurons(scale: Scale, rng: np.random.Generator, is_poisson: bool) -> Iterator[LifPopulation]:
    kept_u, kept_v = parameters.kept_shares()
    unit = unit_mv(scale)
    mean, spread = parameters.START_MV
    currents = scale.currents_pa(is_poisson)
    for name, size, current in zip(POPULATIONS, scale.sizes, currents, strict=True):
        begin = rng.normal(mean - parameters.REST_MV, spread, size)
        yield LifPopulation(
            name=name,
            shape=(size,),
            current_decay=round(4096 * (1 - kept_u)) - 1,
            voltage_decay=round(4096 * (1 - kept_v)),
            threshold=round((parameters.THRESHOLD_MV - parameters.REST_MV) / unit),
            bias_mantissa=round(current * parameters.mv_per_pa()[1] / unit * FINER),
            refractory=round(parameters.REFRACTORY_MS / parameters.STEP_MS),
            v=np.rint(begin / unit * FINER).astype(np.int64),
        )


def _synapses(scale: Scale, target: int, source: int, rng: np.random.Generator) -> SparseProjection:
    """Every pair has a synapse with the same probability, and at most one.

    The paper draws pairs with replacement, so that a pair may have several; their mean number
    is the same here. Distances between the pairs that have one are geometric.
    """
    n_post, n_pre = int(scale.sizes[target]), int(scale.sizes[source])
    n_pairs = n_post * n_pre
    probability = scale.synapses[target, source] / n_pairs
    most = int(n_pairs * probability + 8 * np.sqrt(n_pairs * probability) + 8)
    columns = {
        name: np.empty(most, dtype=dtype)
        for name, dtype in (
            ("pre", np.int32),
            ("post", np.int32),
            ("weights", np.int16),
            ("delays", np.int16),
        )
    }
    relative = scale.weights_pa[target, source] / scale.background_pa
    sign = 1 if relative > 0 else -1
    done, last = 0, -1
    while last < n_pairs:
        pairs = _pairs(rng, probability, min(AT_ONCE, most), last)
        last = int(pairs[-1])
        pairs = pairs[: np.searchsorted(pairs, n_pairs)]
        part = slice(done, done + pairs.size)
        done += pairs.size
        np.floor_divide(pairs, n_post, out=columns["pre"][part], casting="unsafe")
        columns["post"][part] = pairs - columns["pre"][part].astype(np.int64) * n_post
        columns["weights"][part] = sign * _weights(rng, pairs.size)
        columns["delays"][part] = _delays(rng, pairs.size, parameters.DELAY_MS[sign < 0])
    for column in columns.values():
        column.resize(done, refcheck=False)  # gives the room behind it back
    return SparseProjection(
        source=POPULATIONS[source],
        target=POPULATIONS[target],
        weight_exponent=EXPONENTS[round(abs(relative))],
        **{name: column.view(HandedOver) for name, column in columns.items()},
    )


def _pairs(rng: np.random.Generator, probability: float, count: int, last: int) -> np.ndarray:
    """The next pairs with a synapse, behind number ``last``."""
    if probability >= 1:
        return np.arange(last + 1, last + 1 + count)
    gaps = rng.standard_exponential(count, dtype=np.float32)
    gaps *= np.float32(-1 / np.log1p(-probability))
    pairs = gaps.astype(np.int64)
    pairs += 1
    pairs[0] += last
    return np.cumsum(pairs, out=pairs)


def _weights(rng: np.random.Generator, count: int) -> np.ndarray:
    drawn = rng.standard_normal(count, dtype=np.float32)
    drawn *= np.float32(MANTISSA * parameters.WEIGHT_SPREAD)
    drawn += np.float32(MANTISSA)
    return np.rint(drawn, out=drawn).astype(np.int16)


def _delays(rng: np.random.Generator, count: int, mean_ms: float) -> np.ndarray:
    """Normal, in steps; those below half a step, or beyond what the chip has, are drawn again."""
    mean = np.float32(mean_ms / parameters.STEP_MS)
    spread = np.float32(mean * parameters.DELAY_SPREAD)
    drawn = rng.standard_normal(count, dtype=np.float32) * spread + mean
    steps = np.rint(drawn, out=drawn).astype(np.int16)
    wrong = np.flatnonzero((steps < 1) | (steps > MAX_DELAY))
    while wrong.size:
        again = rng.standard_normal(wrong.size, dtype=np.float32) * spread + mean
        steps[wrong] = np.rint(again).astype(np.int16)
        wrong = wrong[(steps[wrong] < 1) | (steps[wrong] > MAX_DELAY)]
    return steps


def _background(name: str, size: int) -> SparseProjection:
    """The number of a neuron's background spikes in a step, bit by bit: weights 1, 2, 4, 8."""
    pre = np.arange(COUNT_BITS * size)
    return SparseProjection(
        source=f"to {name}",
        target=name,
        pre=pre,
        post=pre // COUNT_BITS,
        weights=(MANTISSA // 2) << (pre % COUNT_BITS),
        weight_exponent=1,
    )
