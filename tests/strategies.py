"""Random networks and inputs for property tests: small, fast, and fond of the edges.

Structure (sizes, kinds, exponents, modes) is drawn by Hypothesis and shrinks; the contents
of large arrays come from one drawn seed, which keeps examples cheap.
"""

from __future__ import annotations

import enum
from typing import Any

import numpy as np
from hypothesis import strategies as st

from hw_models import (
    ConvProjection,
    DenseProjection,
    FixedPointNetwork,
    InputPopulation,
    LifPopulation,
    PoolProjection,
    ResetMode,
    SparseProjection,
)

CROWD = 1100  # this many full weights at exponent 7 leave 32 bits after the shift by 6


class Kind(enum.Enum):
    """The projections that a random network may have."""

    DENSE = "dense"
    DENSE_DELAYS = "dense with delays"
    SPARSE = "sparse"
    SPARSE_DELAYS = "sparse with delays"
    CONV = "conv"
    POOL = "pool"


FLAT = (Kind.DENSE, Kind.DENSE_DELAYS, Kind.SPARSE, Kind.SPARSE_DELAYS)
IMAGE = (Kind.CONV, Kind.POOL)
ALL_KINDS = FLAT + IMAGE


def weight_grid(rng: np.random.Generator, style: str, shape: Any, even: bool) -> np.ndarray:
    """Weights of a style; ``even`` keeps them on the grid of Lava's 8-bit weights."""
    low, high = {
        "full": (-256, 255),
        "positive": (0, 255),
        "negative": (-255, 0),
        "small": (-3, 3),
        "extreme": (-256, 255),
        "zero": (0, 0),
    }[style]
    weights = rng.integers(low, high + 1, size=shape)
    if style == "extreme":
        weights = np.where(weights < 0, low, high)
    mixed = bool((weights < 0).any() and (weights > 0).any()) or bool((weights < -255).any())
    return weights // 2 * 2 if even and mixed else weights


WEIGHT_STYLES = ("full", "positive", "negative", "small", "extreme", "zero")
WEIGHT_EXPONENTS = st.sampled_from((0, 0, 1, 7, 6, -1, -2, -8))


@st.composite
def lif_populations(
    draw: st.DrawFn, name: str, shape: tuple[int, ...], lava_own: bool = False
) -> LifPopulation:
    """LIF neurons; parameters for all or for each, from plain to extreme."""
    size = int(np.prod(shape))

    def one_or_each(values: st.SearchStrategy[int]) -> st.SearchStrategy[Any]:
        if size > 12:
            return values
        each = st.lists(values, min_size=size, max_size=size).map(np.array)
        return st.one_of(values, values, each)

    fields: dict[str, Any] = {
        "current_decay": st.sampled_from((4095, 409, 0, 1, 2048, 4094)),
        "voltage_decay": st.sampled_from((0, 128, 1, 2048, 4095, 4096)),
        "threshold": st.one_of(
            st.integers(0, 3),
            st.integers(0, 200),
            st.integers(200, 20000),
            st.sampled_from((131071, 131072, 2**25 - 1, -1, -70, -(2**25))),
        ),
        "bias_mantissa": st.one_of(
            st.just(0), st.integers(-3000, 3000), st.sampled_from((2**15 - 1, -(2**15)))
        ),
        "bias_exponent": st.one_of(st.integers(0, 6), st.sampled_from((-15, -1, 15))),
    }
    values = {field: draw(one_or_each(strategy)) for field, strategy in fields.items()}
    if draw(st.integers(0, 3)) == 0:
        for variable, high in (("u", 2**23), ("v", 2**23 - 1)):
            begin = st.integers(-20000, 20000) | st.sampled_from((0, high, 1 - 2**23))
            values[variable] = draw(one_or_each(begin))
    moderate = np.abs(values["threshold"]).max() < 2**17
    if not lava_own and moderate and draw(st.integers(0, 2)) == 0:
        rises = st.sampled_from((0, 1, 30, 900, 2**17 - 1))
        values["threshold_rise"] = draw(one_or_each(rises))
        values["threshold_decay"] = draw(one_or_each(st.sampled_from((0, 40, 1000, 4095, 4096))))
    interval = draw(st.sampled_from((0, 0, 0, 1, 2, 3, 5)))
    return LifPopulation(
        name=name,
        shape=shape,
        reset=ResetMode.ZERO if lava_own else draw(st.sampled_from(ResetMode)),
        refractory=0 if lava_own else draw(st.sampled_from((0, 0, 1, 2, 3, 63))),
        reset_interval=interval,
        reset_offset=draw(st.integers(0, 7)) if interval else 0,
        **values,
    )


@st.composite
def flat_projections(
    draw: st.DrawFn, kind: Kind, name: str, source: Any, target: Any, lava_own: bool = False
) -> DenseProjection | SparseProjection:
    """A dense or sparse projection between two populations of any shape."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    style = draw(st.sampled_from(WEIGHT_STYLES))
    ends = {"source": source.name, "target": target.name, "name": name}
    exponent = draw(WEIGHT_EXPONENTS)
    shape: tuple[int, ...] = (target.n_neurons, source.n_neurons)
    chosen = np.ones(shape, dtype=bool)
    if kind in (Kind.SPARSE, Kind.SPARSE_DELAYS):
        chosen = rng.random(shape) < draw(st.sampled_from((0.8, 1.0, 0.3, 0.0)))
        shape = (int(chosen.sum()),)
    weights = weight_grid(rng, style, shape, lava_own)
    delays = None
    if kind in (Kind.DENSE_DELAYS, Kind.SPARSE_DELAYS):
        delays = rng.integers(0, draw(st.sampled_from((1, 3, 8, 64))), size=shape)
    if kind in (Kind.DENSE, Kind.DENSE_DELAYS):
        return DenseProjection(weights=weights, weight_exponent=exponent, delays=delays, **ends)
    post, pre = np.nonzero(chosen)
    order = rng.permutation(pre.size)
    return SparseProjection(
        pre=pre[order],
        post=post[order],
        weights=weights,
        weight_exponent=exponent,
        delays=delays,
        **ends,
    )


def _fitting(draw: st.DrawFn, size: int, extent: int) -> int:
    """A padding under which a kernel of ``extent`` fits into ``size``, often none."""
    least = max(0, (extent - size + 1) // 2)
    return least + draw(st.sampled_from((0, 0, 1, 2)))


@st.composite
def image_projections(
    draw: st.DrawFn, kind: Kind, name: str, source: Any, target: str, lava_own: bool = False
) -> ConvProjection | PoolProjection:
    """A convolution or pooling from a ``(C, H, W)`` population; the target's shape follows."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    style = draw(st.sampled_from(WEIGHT_STYLES))
    channels, *sizes = source.shape
    kernel = tuple(draw(st.integers(1, 3)) for _ in sizes)
    stride = tuple(draw(st.integers(1, 3)) for _ in sizes)
    dilation = (1, 1) if kind is Kind.POOL else tuple(draw(st.integers(1, 2)) for _ in sizes)
    padding = tuple(
        _fitting(draw, size, spread * (taps - 1) + 1)
        for size, spread, taps in zip(sizes, dilation, kernel, strict=True)
    )
    common: dict[str, Any] = {
        "source": source.name,
        "target": target,
        "name": name,
        "stride": stride,
        "padding": padding,
        "weight_exponent": 0 if lava_own else draw(WEIGHT_EXPONENTS),
    }
    if kind is Kind.POOL:
        weight = int(weight_grid(rng, style, (), False))
        return PoolProjection(kernel_size=kernel, weight=weight, **common)
    groups = draw(st.sampled_from([n for n in range(1, channels + 1) if channels % n == 0]))
    channels_out = groups * draw(st.integers(1, 2))
    weights = weight_grid(rng, style, (channels_out, channels // groups, *kernel), False)
    return ConvProjection(weights=weights, dilation=dilation, groups=groups, **common)


@st.composite
def networks(
    draw: st.DrawFn,
    kinds: tuple[Kind, ...] = ALL_KINDS,
    max_inputs: int = 2,
    max_lif: int = 3,
    crowd: bool = True,
    lava_own: bool = False,
) -> FixedPointNetwork:
    """Networks of a few small populations, loops and parallel projections included.

    Parameters
    ----------
    kinds
        Projections that may occur.
    max_inputs, max_lif
        Most input populations (there may be none) and LIF populations (there is one at least).
    crowd
        Whether an input of 1100 neurons may drive a population beyond 24 and 32 bits.
    lava_own
        Only what Lava's own LIF, LIFReset, Dense, DelayDense, Sparse and Conv express
        exactly: reset to zero, not refractory, 8-bit weight grid, no exponent in convolutions.
    """
    flat = tuple(kind for kind in kinds if kind in FLAT)
    image = tuple(kind for kind in kinds if kind in IMAGE)
    sizes = st.sampled_from((1, 2, 3, 6))
    images = st.tuples(
        st.sampled_from((1, 2, 4)), st.sampled_from((5, 1, 4)), st.sampled_from((4, 1, 6))
    )
    shapes = st.one_of(
        *([sizes.map(lambda n: (n,))] if flat or not image else []), *([images] if image else [])
    )
    populations: list[Any] = [
        InputPopulation(name=f"in{i}", shape=draw(shapes))
        for i in range(min(draw(st.sampled_from((1, 2, 2, 1, 0))), max_inputs))
    ]
    projections: list[Any] = []
    if crowd and Kind.DENSE in kinds and draw(st.integers(0, 9)) == 0:
        populations.append(InputPopulation(name="crowd", shape=(CROWD,)))
    for i in range(draw(st.integers(1, max_lif))):
        name = f"lif{i}"
        seen = [p for p in populations if len(p.shape) == 3]
        if image and seen and draw(st.booleans()):
            source = draw(st.sampled_from(seen))
            kind = draw(st.sampled_from(image))
            born = draw(image_projections(kind, f"{kind.value}{i}", source, name, lava_own))
            projections.append(born)
            shape: tuple[int, ...] = born.output_shape(source.shape)
        else:
            shape = draw(shapes)
        populations.append(draw(lif_populations(name, shape, lava_own)))
        if Kind.CONV in kinds and len(shape) == 3 and draw(st.booleans()):
            projections.append(draw(_self_convolution(populations[-1], f"loop{i}", lava_own)))
    targets = [p for p in populations if isinstance(p, LifPopulation)]
    for source in populations:
        if source.n_neurons == CROWD:
            target = draw(st.sampled_from(targets))
            weights = np.full((target.n_neurons, CROWD), draw(st.sampled_from((254, -255))))
            projections.append(
                DenseProjection(
                    source="crowd", target=target.name, weights=weights, weight_exponent=7
                )
            )
    if flat:
        sources = [p for p in populations if p.n_neurons != CROWD]
        driven = {projection.target for projection in projections}
        wanted = [target for target in targets if target.name not in driven]
        for i in range(len(wanted) + draw(st.integers(0, 3))):
            source = draw(st.sampled_from(sources))
            target = wanted[i] if i < len(wanted) else draw(st.sampled_from(targets))
            kind = draw(st.sampled_from(flat))
            projections.append(
                draw(flat_projections(kind, f"{kind.value}-{i}", source, target, lava_own))
            )
    order = draw(st.permutations(range(len(populations))))
    return FixedPointNetwork(populations=[populations[i] for i in order], projections=projections)


@st.composite
def _self_convolution(
    draw: st.DrawFn, population: Any, name: str, lava_own: bool
) -> ConvProjection:
    """A 3 x 3 convolution that keeps the shape: a recurrent loop over an image."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    channels = population.shape[0]
    weights = weight_grid(rng, "full", (channels, 1, 3, 3), False)
    return ConvProjection(
        source=population.name,
        target=population.name,
        weights=weights,
        padding=1,
        groups=channels,
        weight_exponent=0 if lava_own else draw(WEIGHT_EXPONENTS),
        name=name,
    )


@st.composite
def runs(
    draw: st.DrawFn, network: FixedPointNetwork, max_steps: int = 12, max_samples: int = 3
) -> tuple[dict[str, np.ndarray], int]:
    """Input for a network: ``(spikes, n_steps)``, spikes bool ``(B, T, N)`` by input name.

    Silent, full and sparse inputs all occur, and an input may be left out.
    """
    n_steps = draw(st.integers(1, max_steps))
    n_samples = draw(st.integers(1, max_samples))
    spikes = {}
    for population in network.inputs:
        density = draw(st.sampled_from((0.3, 1.0, 0.6, 0.05, 0.0, None)))
        if density is None:
            continue
        rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
        shape = (n_samples, n_steps, population.n_neurons)
        spikes[population.name] = rng.random(shape) < density
    return spikes, n_steps


@st.composite
def cases(
    draw: st.DrawFn, max_steps: int = 12, max_samples: int = 3, **knobs: Any
) -> tuple[FixedPointNetwork, dict[str, np.ndarray], int]:
    """``(network, spikes, n_steps)``: a network and an input for it; knobs as in networks."""
    network = draw(networks(**knobs))
    spikes, n_steps = draw(runs(network, max_steps, max_samples))
    return network, spikes, n_steps
