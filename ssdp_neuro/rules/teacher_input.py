"""A teacher that forces spikes: an input population with strong fixed synapses.

What docs/explanation/fixed_point_da_ssdp.md says of teacher forcing with known labels: no rule of
its own is needed. The teacher has two neurons per taught one: the first makes it fire, the second
keeps all the others silent, so that they learn as silent neurons.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from hw_models import (
    DenseProjection,
    FixedPointNetwork,
    InputPopulation,
    LifPopulation,
    RangeError,
    ShapeError,
    TypeMismatchError,
)
from hw_models.arrays import integer_array
from hw_models.integers import integer

TEACHER, FORCE = "teacher", "force"
FORCING = 3  # what the forcing spike delivers, in thresholds
SUPPRESSION = 2  # the same of the suppressing one of every step: more could wrap the current
LARGEST_MANTISSA = 254


def with_teacher(network: FixedPointNetwork, target: str) -> FixedPointNetwork:
    """The network with a teacher of one population; without spikes it changes nothing.

    Parameters
    ----------
    network
        Any; a teacher it has is replaced.
    target
        Population that is taught, neurons with one common threshold above 0.

    Raises
    ------
    NameClashError, RangeError, TypeMismatchError
        If the target has no such threshold, or a too large one.

    Examples
    --------
    >>> neurons = LifPopulation(
    ...     name="out", shape=(2,), current_decay=1023, voltage_decay=256, threshold=900)
    >>> force = with_teacher(
    ...     FixedPointNetwork(populations=[neurons], projections=[]), "out").projection("force")
    >>> force.weights.tolist(), force.weight_exponent
    ([[170, 0, 0, -114], [0, 170, -114, 0]], 4)
    """
    neurons = network.population(target)
    if not isinstance(neurons, LifPopulation):
        raise TypeMismatchError(f"{target}: {type(neurons).__name__}; a LifPopulation is needed")
    if neurons.threshold.size != 1 or neurons.threshold[0] < 1:
        raise RangeError(
            f"{target}.threshold: {neurons.threshold.tolist()}; one above 0 is needed to force it"
        )
    if neurons.adapts:
        raise RangeError(
            f"{target}.threshold_rise: up to {neurons.threshold_rise.max()}; 0 is needed, a"
            " threshold that rises cannot be forced by weights of one size"
        )
    threshold = int(neurons.threshold[0])
    exponent = 0
    while -(-FORCING * threshold >> exponent) > LARGEST_MANTISSA:
        exponent += 1
    force_of, suppression = (
        # rounded up, to the even mantissas of Loihi's weights
        (-(-strength * threshold >> exponent) + 1) // 2 * 2
        for strength in (FORCING, SUPPRESSION)
    )
    own = np.eye(neurons.n_neurons, dtype=np.int64)
    force = DenseProjection(
        source=TEACHER,
        target=target,
        name=FORCE,
        weights=np.concatenate([force_of * own, -suppression * (1 - own)], axis=1),
        weight_exponent=exponent,
    )
    untaught = without_teacher(network)
    return FixedPointNetwork(
        populations=[
            *untaught.populations,
            InputPopulation(name=TEACHER, shape=(2, neurons.n_neurons)),
        ],
        projections=[*untaught.projections, force],
    )


def without_teacher(network: FixedPointNetwork) -> FixedPointNetwork:
    """The network without a teacher that :func:`with_teacher` gave it."""
    return FixedPointNetwork(
        populations=[p for p in network.populations if p.name != TEACHER],
        projections=[p for p in network.projections if p.source != TEACHER],
    )


def teacher_spikes(neurons: Any, n_neurons: int, n_steps: int, *, step: int = 3) -> np.ndarray:
    """Spikes of the teacher that force one neuron per sample, bool ``(B, T, 2 * n_neurons)``.

    Parameters
    ----------
    neurons
        int ``(B,)``; -1 forces and suppresses none.
    n_neurons, n_steps
        Size of the target, steps of a sample.
    step
        Step in which the forced neuron fires, 1..n_steps - 1; all others are silent in all steps.

    Raises
    ------
    RangeError, ShapeError, TypeMismatchError
        If neurons or the step are not such integers.
    """
    step = integer("teacher_spikes.step", step, 1, n_steps - 1)
    wanted = integer_array("teacher_spikes.neurons", neurons, -1, n_neurons - 1, np.int64)
    if wanted.ndim != 1:
        raise ShapeError(f"teacher_spikes.neurons: shape {wanted.shape}; (B,) is needed")
    spikes = np.zeros((len(wanted), n_steps, 2 * n_neurons), dtype=bool)
    known = np.flatnonzero(wanted >= 0)
    spikes[known, step - 1, wanted[known]] = True
    spikes[known, :, n_neurons + wanted[known]] = True
    return spikes
