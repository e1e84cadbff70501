"""The decision of a network whose source says nothing about it, and what a source decided."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from conversions.decision_rule import (
    POTENTIAL,
    SPIKES,
    DecisionRule,
    Reduction,
    StepWeights,
    usual_rule,
)
from conversions.quantization.calibration import Calibration, ReadoutDecision
from conversions.quantization.layer import Layer
from conversions.quantization.layer_grid import LayerGrid
from conversions.quantization.recordings import Recordings
from conversions.real_network.simulator import run_alone
from hw_models import ShapeError
from hw_models.arithmetic import ALIGN_SHIFT

_STEPS = {
    ReadoutDecision.MEAN: (StepWeights.ALL, None),
    ReadoutDecision.LAST: (StepWeights.LAST, None),
    ReadoutDecision.LARGEST: (StepWeights.EACH, Reduction.LARGEST),
}


def usual_decision(
    layers: list[Layer], calibration: Calibration | None
) -> tuple[DecisionRule, tuple[str, ...]]:
    """Most spikes, or the highest potential, of the last population that none listens to.

    Returns
    -------
    rule : DecisionRule
        In the time of the source.
    notes
        Where there are several such populations.
    """
    labels = None if calibration is None else calibration.labels
    heard = {name for layer in layers for name in layer.sources if name != layer.name}
    silent = [layer for layer in layers if layer.name not in heard] or layers
    classes = 0 if labels is None else int(labels.max()) + 1
    output = ([layer for layer in silent if layer.n_neurons >= classes] or silent)[-1]
    votes = 1 if calibration is None else calibration.neurons_per_class
    if output.n_neurons % votes:
        raise ShapeError(
            f"calibration.neurons_per_class: {votes}; {output.name!r} has {output.n_neurons}"
            " neurons, a multiple of those that vote for a class is needed"
        )
    way = ReadoutDecision.MEAN if calibration is None else calibration.decision
    is_readout = output.dynamics.is_readout
    steps, reduction = _STEPS[way] if is_readout else _STEPS[ReadoutDecision.MEAN]
    rule = usual_rule(
        output.name,
        output.n_neurons,
        is_readout=is_readout,
        steps=steps,
        reduction=reduction,
        neurons_per_class=votes,
    )
    if len(silent) == 1:
        return rule, ()
    names = ", ".join(layer.name for layer in silent)
    note = f"{output.name}: the decisions are its alone; nothing listens to any of {names}."
    return rule, (note,)


def potential_units(grids: Mapping[str, LayerGrid]) -> Callable[[str], np.ndarray]:
    """By population, what one unit of ``v`` stands for, float64 ``(N,)`` or ``(1,)``."""
    return lambda name: np.ldexp(1.0 / np.asarray(grids[name].units).reshape(-1), -ALIGN_SHIFT)


def decided_by(rule: DecisionRule, recordings: Recordings) -> np.ndarray:
    """Classes of what the source did, int64 ``(B,)``."""
    values = {}
    for term in rule.terms:
        name = term.population
        if term.variable == SPIKES:
            values[name, SPIKES] = recordings.before[name]
        else:
            run = run_alone(recordings.network, name, recordings.before)
            values[name, POTENTIAL] = run.potentials
    return rule.decide_by(values)
