"""Third factors of a learning run: what the user gives, checked, as gates per sample."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from hw_models import (
    FixedPointNetwork,
    InputError,
    ShapeError,
    ThirdFactor,
    UnknownNameError,
)
from hw_models.arrays import integer_array, plain_array
from hw_models.dopamine import LOSS_HIGH, LOSS_LOW
from hw_models.plasticity import GATE_HIGH, GATE_LOW
from hw_models.records import short_repr


def winner(counts: np.ndarray, first_spikes: np.ndarray) -> int:
    """Decide for the neuron with most spikes, then the earliest first one, then lowest index.

    Parameters
    ----------
    counts, first_spikes : ``(n,)``, spikes and first spike step of each neuron

    Returns
    -------
    int
        Index of the winner, -1 if all are silent.

    Examples
    --------
    >>> winner(np.array([1, 3, 3]), np.array([0, 5, 4]))
    2
    """
    if not counts.any():
        return -1
    return int(np.lexsort((first_spikes, -counts))[0])


@dataclass(frozen=True, kw_only=True, eq=False)
class ThirdFactors:
    """Checked labels, rewards, losses and teacher gates of a batch.

    Parameters
    ----------
    labels
        int64 ``(B,)``, or None.
    rewards
        int64 ``(B,)`` in 1/128, or None.
    losses
        int64 ``(B,)``, or None.
    teacher
        By target population: int32 ``(B, n_post)`` in 1/128.
    """

    labels: np.ndarray | None
    rewards: np.ndarray | None
    losses: np.ndarray | None
    teacher: Mapping[str, np.ndarray]

    __repr__ = short_repr


def third_factors(
    network: FixedPointNetwork,
    n_samples: int,
    *,
    labels: Any,
    rewards: Any,
    teacher: Any,
    losses: Any,
    is_warming_up: bool,
) -> ThirdFactors:
    """Check that the rules of the network get what they need, and nothing is left over.

    Parameters
    ----------
    is_warming_up
        Whether a dopamine gate is not fitted yet, so that losses are needed.

    Raises
    ------
    InputError, UnknownNameError, ShapeError, RangeError, TypeMismatchError
    """
    plastic = [p for p in network.projections if getattr(p, "plasticity", None) is not None]
    kinds = {p.plasticity.third_factor for p in plastic}
    targets = sorted(
        {p.target for p in plastic if p.plasticity.third_factor is ThirdFactor.TEACHER}
    )
    for what, given, kind in (
        ("rewards", rewards, ThirdFactor.REWARD),
        ("losses", losses, ThirdFactor.DOPAMINE),
        ("labels", labels, ThirdFactor.TEACHER),
        ("teacher", teacher, ThirdFactor.TEACHER),
    ):
        if given is not None and kind not in kinds:
            raise InputError(f"{what}: no plastic projection has third factor {kind.name}")
    if ThirdFactor.REWARD in kinds and rewards is None:
        raise InputError("rewards: needed, a plastic projection has third factor REWARD")
    if is_warming_up and losses is None:
        raise InputError("losses: needed, a dopamine gate is in its warm-up")
    if targets and (labels is None) == (teacher is None):
        raise InputError("either labels or teacher is needed, the third factor is TEACHER")
    if labels is not None and len(targets) > 1:
        raise InputError(f"labels fit one target population, not {targets}; give teacher gates")
    if rewards is not None:
        rewards = _per_sample("rewards", rewards, n_samples, GATE_LOW, GATE_HIGH)
    if losses is not None:
        losses = _per_sample("losses", losses, n_samples, LOSS_LOW, LOSS_HIGH)
    if labels is not None:
        n_classes = network.population(targets[0]).n_neurons
        labels = _per_sample("labels", labels, n_samples, 0, n_classes - 1)
    return ThirdFactors(
        labels=labels,
        rewards=rewards,
        losses=losses,
        teacher=_teacher(network, n_samples, targets, teacher),
    )


def _per_sample(where: str, values: Any, n_samples: int, low: int, high: int) -> np.ndarray:
    array = integer_array(where, np.atleast_1d(plain_array(where, values)), low, high, np.int64)
    if array.shape != (n_samples,):
        raise ShapeError(f"{where}: shape {array.shape}; ({n_samples},) is needed")
    return array


def _teacher(
    network: FixedPointNetwork, n_samples: int, targets: list[str], teacher: Any
) -> dict[str, np.ndarray]:
    if teacher is None:
        return {}
    if not isinstance(teacher, Mapping):
        if len(targets) > 1:
            raise InputError(f"teacher: a mapping from the target populations {targets} is needed")
        teacher = {targets[0]: teacher}
    if sorted(teacher) != targets:
        raise UnknownNameError(f"teacher: for {sorted(teacher)}; target populations are {targets}")
    gates = {}
    for name, values in teacher.items():
        where = f"teacher of {name!r}"
        array = integer_array(where, values, GATE_LOW, GATE_HIGH, np.int32)
        needed = (n_samples, network.population(name).n_neurons)
        if array.shape not in {needed, needed[1:] if n_samples == 1 else needed}:
            raise ShapeError(f"{where}: shape {array.shape}; {needed} is needed")
        gates[name] = array.reshape(needed)
    return gates
