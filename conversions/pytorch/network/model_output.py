"""What a model's output is made of: the rule by which its user decides for a class."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import torch

from conversions.decision_rule import (
    POTENTIAL,
    SPIKES,
    DecisionRule,
    Reduction,
    ScoreTerm,
    StepWeights,
)
from conversions.pytorch.calling import LayoutError, output_tensors
from conversions.pytorch.network.output_looks import looks_of
from conversions.pytorch.network.output_numbers import (
    OutputWay,
    arranged,
    disagrees,
    own_scores,
)
from conversions.pytorch.network.potential_outputs import heard_layers
from conversions.pytorch.network.readouts import Readout, map_scores
from conversions.pytorch.network.score_terms import (
    atoms_of,
    score_terms,
    zeros_of_potentials,
)
from conversions.pytorch.network.wiring import FLOAT_NOISE, Wiring, with_gates
from conversions.pytorch.neurons.neuron_reading import TimeAxis
from conversions.pytorch.trace.expressions import Resolver
from conversions.pytorch.trace.tape import Tape
from conversions.pytorch.trace.tracing import INPUT, OutputTensor, Trace
from conversions.pytorch.trace.values import (
    Opaque,
    Potentials,
    Spikes,
)
from conversions.quantization import ReadoutDecision
from hw_models import ConversionError, ShapeError

PER_STEP = (TimeAxis.FIRST, TimeAxis.SECOND, TimeAxis.LAST, TimeAxis.FLATTENED)


class ModelOutput(NamedTuple):
    """One of the tensors that a model returns, followed.

    Parameters
    ----------
    place
        Its number among them.
    axis
        Where it has time; None if it has none.
    chosen
        Whether it holds classes and not their scores.
    up_to_scale
        Whether an increasing function stands between the rule's scores and its own.
    rule
        How it decides, in the model's own populations and time.
    readouts
        By name, what had to be added for it.
    """

    place: int
    axis: TimeAxis | None
    chosen: bool
    up_to_scale: bool
    rule: DecisionRule
    readouts: dict[str, Readout]

    def own_numbers(self, out: Any, n_samples: int, n_steps: int, *, way: OutputWay) -> np.ndarray:
        """In what the model returned: scores ``(B, K)``, or classes ``(B, 1)``."""
        tensor = output_tensors(out, n_samples, n_steps)[self.place].detach().double().cpu()
        values = arranged(tensor, self.axis, n_samples, n_steps).numpy()
        return own_scores(values, self.chosen, way)


def model_output(
    found: Trace, resolver: Resolver, wired: Wiring, way: OutputWay
) -> tuple[ModelOutput | None, list[str]]:
    """Follow what a model returns, and find what it decides by.

    Its class is that of the first tensor made of what no other layer listens to.

    Returns
    -------
    ModelOutput or None
        None if the model returns nothing at all.
    notes
        About further tensors that are not converted.

    Raises
    ------
    ConversionError
        If it is made of neurons in a way that is not followed.
    """
    if not found.outputs:
        return None, ["The model returns nothing, so what decides is said of its last neurons."]
    heard = heard_layers(wired)
    chosen: ModelOutput | None = None
    spare: ModelOutput | None = None
    refused: ConversionError | None = None
    notes: list[str] = []
    others: list[int] = []
    for place, tensor in enumerate(found.outputs):
        if tensor.cells is None or _arranged(tensor, found) is None:
            continue
        try:
            one = _followed(found, resolver, wired, place, way)
        except ConversionError as error:
            if chosen is None and not _is_state(found.tape, tensor.cells):
                raise
            refused = refused or error
            if not _is_state(found.tape, tensor.cells):
                notes.append(f"Output {place + 1} of the model is left out: {error}.")
            continue
        ends = {term.population for term in one.rule.terms}
        if chosen is None and (one.readouts or ends - heard):
            chosen = one
        elif one.readouts or not _is_state(found.tape, tensor.cells):
            others.append(place)
        spare = spare or one
    if chosen is None and spare is None:
        raise refused or ConversionError(
            "the model returns nothing that is made of the spikes or potentials which its neurons"
            " returned, sample by sample; supported are outputs made of these. What is read from"
            " a neuron's attributes is not seen: let forward return it, or call the model by"
            " from_torch(run=...)"
        )
    deciding = chosen or spare
    assert deciding is not None
    notes += [
        f"Output {place + 1} of the model is left out: its class is that of output"
        f" {deciding.place + 1}, the first whose layer no other listens to;"
        " from_torch(run=...) can return another alone."
        for place in others
        if place != deciding.place
    ]
    return deciding, notes


def _is_state(tape: Tape, cells: np.ndarray) -> bool:
    """Whether these are spikes or states as neurons returned them."""
    return all(
        isinstance(value, Spikes) or (isinstance(value, Opaque) and not value.given.size)
        for value, _ in tape.values_of(np.unique(cells))
    )


def _arranged(tensor: OutputTensor, found: Trace) -> tuple[TimeAxis | None, np.ndarray] | None:
    """Where time is, and the cells ``(B, T or 1, K)``; None if it has no samples."""
    n_samples, n_steps = found.spikes[INPUT].shape[:2]
    assert tensor.cells is not None
    for axis in (*PER_STEP, None):
        try:
            return axis, arranged(torch.from_numpy(tensor.cells), axis, n_samples, n_steps).numpy()
        except LayoutError:
            continue
    return None


def _followed(
    found: Trace,
    resolver: Resolver,
    wired: Wiring,
    place: int,
    way: OutputWay,
) -> ModelOutput:
    tape, tensor = found.tape, found.outputs[place]
    placed = _arranged(tensor, found)
    assert placed is not None
    axis, cells = placed
    looks = looks_of(tape, cells[0], way.over_steps)
    matrix, readouts = map_scores(tape, resolver, looks.cells, wired)
    n_looks, n_classes = looks.cells.shape
    n_steps = found.spikes[INPUT].shape[1]
    atoms = atoms_of(tape, resolver, wired, matrix, readouts)
    scores = matrix.matrix.post[atoms.entry]
    look, number = np.divmod(scores, n_classes)
    constant = matrix.constant.reshape(n_looks, n_classes) + zeros_of_potentials(
        wired, atoms, scores, n_looks * n_classes
    ).reshape(n_looks, n_classes)
    votes = way.votes
    if votes > 1:
        if n_classes % votes:
            raise ShapeError(
                f"calibration.neurons_per_class: {votes}; the model's output has {n_classes}"
                " numbers, a multiple of the neurons that vote for a class is needed"
            )
        number, n_classes = number // votes, n_classes // votes
        constant = constant.reshape(n_looks, n_classes, votes).sum(axis=2)
    reduction = looks.reduction
    if axis is not None and reduction is None:
        if way.over_steps is ReadoutDecision.LARGEST:
            reduction = Reduction.LARGEST
        elif looks.squash is not None and n_looks > 1:
            reduction = Reduction.SUM
        else:
            constant, look, n_looks = constant.sum(axis=0, keepdims=True), look * 0, 1
    terms: list[ScoreTerm] = []
    for source, (name, variable) in enumerate(atoms.names):
        here = np.flatnonzero(atoms.source == source)
        columns = (look[here], number[here], atoms.step[here], atoms.neuron[here])
        terms += score_terms(name, variable, columns, atoms.weight[here], n_looks, n_steps)
    if (constant == constant[0]).all():
        constant = constant[0]
    rule = DecisionRule(
        n_classes=n_classes,
        terms=tuple(terms),
        constant=constant,
        squash=looks.squash,
        reduction=reduction,
        n_steps=n_steps,
    )
    made = ModelOutput(place, axis, looks.chosen, looks.up_to_scale, rule, readouts)
    scores, own = _of_the_run(found, made, wired, resolver, way)
    noise = FLOAT_NOISE * max(1e-6, float(np.abs(own).max()), float(np.abs(scores).max()))
    if looks.chosen:
        wrong = disagrees(own.reshape(-1), scores)
    elif looks.up_to_scale:
        wrong = disagrees(own.argmax(axis=1), scores)
    else:
        wrong = (np.abs(own - scores) > noise).any(axis=1)
    if wrong.any():
        raise ConversionError(
            f"output {place + 1} of the model is not what its operations were followed to"
            f" ({rule}): what it is for one sample may depend on another"
        )
    return made._replace(rule=_for_any_steps(rule, readouts))


def _for_any_steps(rule: DecisionRule, readouts: Mapping[str, Readout]) -> DecisionRule:
    """Without a number of steps, where the same holds for any other."""
    kinds = {term.steps for term in rule.terms}
    if rule.n_steps == 1 or len(kinds) != 1 or any(one.has_steps for one in readouts.values()):
        return rule
    (kind,) = kinds
    if kind is StepWeights.GIVEN or rule.constant.ndim == 2:
        return rule
    if kind is not StepWeights.ALL:
        return replace(rule, n_steps=None)
    if rule.constant.any():
        return rule
    largest = max(float(np.abs(term.weights).max()) for term in rule.terms)
    return replace(
        rule,
        n_steps=None,
        terms=tuple(replace(term, weights=term.weights / largest) for term in rule.terms),
    )


def _of_the_run(
    found: Trace,
    output: ModelOutput,
    wired: Wiring,
    resolver: Resolver,
    way: OutputWay,
) -> tuple[np.ndarray, np.ndarray]:
    """Scores of the run that a rule comes from, by the rule and the model's own."""
    tensor, n_samples = found.outputs[output.place], len(found.spikes[INPUT])
    n_steps = found.spikes[INPUT].shape[1]
    numbers = arranged(tensor.numbers, output.axis, n_samples, n_steps).numpy()
    spikes = with_gates(found.spikes, resolver.gates)
    values: dict[tuple[str, str], np.ndarray] = {}
    for term in output.rule.terms:
        name = term.population
        if term.variable == SPIKES:
            values[name, SPIKES] = spikes[name]
        elif name in output.readouts:
            values[name, POTENTIAL] = output.readouts[name].arriving.of(spikes)
        else:
            values[name, POTENTIAL] = _potentials(found, wired, name, n_samples, n_steps)
    return output.rule.scores_by(values), own_scores(numbers, output.chosen, way)


def _potentials(found: Trace, wired: Wiring, name: str, n_samples: int, n_steps: int) -> np.ndarray:
    """What a layer returned in the run, counted as its dynamics are, ``(B, T, N)``."""
    layer = wired.layers[name]
    made = np.zeros((n_samples, n_steps, int(np.prod(layer.shape))))
    for value in found.tape.values:
        if isinstance(value, Potentials) and value.population == name:
            made[value.sample, value.step, value.neuron] = value.numbers
    return made - layer.reading.voltage_zero
