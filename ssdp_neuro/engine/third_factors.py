"""Third factors of a learning run: what the user gives, checked, as gates per sample."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from hw_models import (
    DaSsdpParams,
    FixedPointNetwork,
    InputError,
    ShapeError,
    SynchronyStatistics,
    ThirdFactor,
    UnknownNameError,
)
from hw_models.arrays import integer_array, plain_array
from hw_models.dopamine import GATE_ONE, LOSS_HIGH, LOSS_LOW
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


def label_gates(counts: np.ndarray, first_spikes: np.ndarray, label: int) -> np.ndarray:
    """Make the teacher's gates from a label: raise the right neuron, lower its rivals.

    Returns
    -------
    int32, ``(n,)``, in 1/128
        +128 for the labelled neuron unless it wins; -128 for every other that fired,
        and at least as often as the labelled one; else 0.
    """
    gates = np.where((counts > 0) & (counts >= counts[label]), -GATE_ONE, 0).astype(np.int32)
    gates[label] = 0 if winner(counts, first_spikes) == label else GATE_ONE
    return gates


def dopamine_gate(params: DaSsdpParams, statistics: SynchronyStatistics, synchrony: int) -> int:
    """The dopamine gate of a sample, in 1/128: 0 in the warm-up, as fitted afterwards."""
    if statistics.n_samples < params.warm_up:
        return 0
    return statistics.fit(params.least_correlation).gate(synchrony)


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

    def gates(
        self, projection: Any, sample: int, counts: np.ndarray, first_spikes: np.ndarray
    ) -> np.ndarray:
        """Gates int32 ``(n_post,)`` of a plastic projection, from its target's spikes.

        All but the dopamine gate, which has a history.
        """
        kind = projection.plasticity.third_factor
        if kind is ThirdFactor.TEACHER and projection.target in self.teacher:
            return self.teacher[projection.target][sample]
        if kind is ThirdFactor.TEACHER and self.labels is not None:
            return label_gates(counts, first_spikes, int(self.labels[sample]))
        gate = GATE_ONE
        if kind is ThirdFactor.REWARD and self.rewards is not None:
            gate = int(self.rewards[sample])
        return np.full(counts.shape, gate, dtype=np.int32)


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
