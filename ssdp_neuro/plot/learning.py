"""What learning did to weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hw_models import FixedPointNetwork, InputError, ShapeError
from ssdp_neuro.engine.learn_result import LearnResult
from ssdp_neuro.plot.palette import BLUE, VERMILION
from ssdp_neuro.plot.style import drawing, legend_above, thousands, whole_ticks

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_BINS = 64


def weights(
    before: FixedPointNetwork | LearnResult,
    after: FixedPointNetwork | LearnResult | None = None,
    projection: str | None = None,
    *,
    ax: Axes | None = None,
) -> Axes:
    """Distribution of a projection's weights before and after learning.

    Parameters
    ----------
    before
        A network; or what learning returned, which has both.
    after
        The network it became; not needed with what learning returned.
    projection
        Its name; not needed if learning changed only one.
    ax
        Where to draw; a new figure if not given.

    Raises
    ------
    InputError
        If ``after`` or ``projection`` is missing, or the projection has no weights.
    UnknownNameError
        If there is no such projection.
    ShapeError
        If the projection has other sizes before and after.
    MissingExtraError
        If matplotlib is not installed.

    Examples
    --------
    >>> from hw_models import DenseProjection, InputPopulation, LifPopulation
    >>> network = FixedPointNetwork(
    ...     populations=[
    ...         InputPopulation(name="eye", shape=2),
    ...         LifPopulation(name="out", shape=1, current_decay=0, voltage_decay=0, threshold=9),
    ...     ],
    ...     projections=[DenseProjection(source="eye", target="out", weights=[[3, 5]])],
    ... )
    >>> changed = DenseProjection(source="eye", target="out", weights=[[3, 6]])
    >>> weights(network, network.replace(changed), "eye->out").get_title(loc="left")
    'eye->out: 1 of 2 weights changed'
    """
    if isinstance(before, LearnResult):
        if after is None:
            after = before.network
        before = before.before
    if isinstance(after, LearnResult):
        after = after.network
    if after is None:
        raise InputError("after: not given; a network is needed, or what learning returned")
    name = _changing(before) if projection is None else projection
    pair = [_mantissas(network, name) for network in (before, after)]
    if pair[0].shape != pair[1].shape:
        raise ShapeError(f"{name}: weights {pair[0].shape} before, {pair[1].shape} after")
    low, high = (int(limit) for limit in (np.min(pair), np.max(pair)))
    width = -(-(high - low + 1) // MOST_BINS)
    edges = np.arange(low, high + width + 1, width) - 0.5
    changed = int((pair[0] != pair[1]).sum())
    with drawing(ax) as axes:
        for array, label, colour, fill in (
            (pair[0], "before", BLUE, True),
            (pair[1], "after", VERMILION, False),
        ):
            counts, _ = np.histogram(array, bins=edges)
            axes.stairs(
                counts, edges, label=label, color=colour, fill=fill, alpha=0.45 if fill else 1,
                linewidth=1.6,
            )  # fmt: skip
        axes.set_title(
            f"{name}: {changed:,} of {pair[0].size:,} weights changed", fontsize=9, pad=24
        )
        axes.set(xlabel="weight, mantissa", ylabel="synapses")
        axes.set_xlim(edges[0], edges[-1])
        axes.set_ylim(bottom=0)
        whole_ticks(axes.yaxis, 6)
        thousands(axes.yaxis)
        legend_above(axes)
    return axes


def _changing(network: FixedPointNetwork) -> str:
    """The only projection that learns."""
    names = [p.name for p in network.projections if getattr(p, "plasticity", None) is not None]
    if len(names) != 1:
        known = ", ".join(map(repr, names)) or "none"
        raise InputError(f"projection: not given; {known} can learn, and one is needed")
    return names[0]


def _mantissas(network: FixedPointNetwork, name: str) -> np.ndarray:
    projection: Any = network.projection(name)
    if not hasattr(projection, "weights"):
        raise InputError(f"projection: {name!r} has no weights of its own")
    return projection.weights
