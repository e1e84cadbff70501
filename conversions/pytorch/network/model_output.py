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
    Squash,
    StepWeights,
)
from conversions.pytorch.calling import LayoutError, by_sample, output_tensors
from conversions.pytorch.network.output_map import OutputMap, output_map
from conversions.pytorch.network.potential_outputs import heard_layers
from conversions.pytorch.network.readouts import Readout, readout
from conversions.pytorch.network.score_terms import (
    atoms_of,
    score_terms,
    zeros_of_potentials,
)
from conversions.pytorch.network.wiring import FLOAT_NOISE, Wiring, with_gates
from conversions.pytorch.neurons.reading import TimeAxis
from conversions.pytorch.trace.expressions import Resolver
from conversions.pytorch.trace.tape import Tape
from conversions.pytorch.trace.tracing import INPUT, OutputTensor, Trace
from conversions.pytorch.trace.values import (
    Chosen,
    Combination,
    Greatest,
    Mapped,
    Opaque,
    Potentials,
    Spikes,
    Squashed,
    Total,
    Value,
)
from conversions.quantization import ReadoutDecision
from hw_models import ConversionError, ShapeError

PER_STEP = (TimeAxis.FIRST, TimeAxis.SECOND, TimeAxis.LAST, TimeAxis.FLATTENED)


class OutputWay(NamedTuple):
    """What the user does with numbers of every step, and how many neighbours vote for a class."""

    over_steps: ReadoutDecision = ReadoutDecision.MEAN
    votes: int = 1


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
    rule
        How it decides, in the model's own populations and time.
    readouts
        By name, what had to be added for it.
    """

    place: int
    axis: TimeAxis | None
    chosen: bool
    rule: DecisionRule
    readouts: dict[str, Readout]

    def own_numbers(self, out: Any, n_samples: int, n_steps: int, *, way: OutputWay) -> np.ndarray:
        """In what the model returned: scores ``(B, K)``, or classes ``(B, 1)``."""
        tensor = output_tensors(out, n_samples, n_steps)[self.place].detach().double().cpu()
        values = arranged(tensor, self.axis, n_samples, n_steps).numpy()
        return own_scores(values, self.chosen, way)


class _Looks(NamedTuple):
    """Cells of linear scores ``(L, K)``, and what makes one of them.

    ``up_to_scale`` says that an increasing function of the scores was left out.
    """

    cells: np.ndarray
    squash: Squash | None = None
    reduction: Reduction | None = None
    chosen: bool = False
    up_to_scale: bool = False


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
        elif one.readouts:
            notes.append(
                f"Output {place + 1} of the model is left out: its class is that of output"
                f" {(chosen or one).place + 1}, the first whose layer no other listens to."
            )
        spare = spare or one
    if chosen is None and spare is None:
        raise refused or ConversionError(
            "the model returns nothing that is made of the spikes or potentials which its neurons"
            " returned, sample by sample; supported are outputs made of these. What is read from"
            " a neuron's attributes is not seen: let forward return it, or call the model by"
            " from_torch(run=...)"
        )
    return chosen or spare, notes


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


def arranged(
    tensor: torch.Tensor, axis: TimeAxis | None, n_samples: int, n_steps: int
) -> torch.Tensor:
    """An output as ``(B, T, K)``, or ``(B, 1, K)`` without time; LayoutError if it is not that."""
    if axis is None:
        if tensor.ndim == 0 or len(tensor) != n_samples:
            raise LayoutError(f"an output of shape {tuple(tensor.shape)}")
        return tensor.reshape(n_samples, 1, -1)
    return by_sample(tensor, axis, n_samples, n_steps)


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
    looks = _looks(tape, cells[0], way.over_steps)
    matrix, readouts = _matrix(tape, resolver, looks.cells, wired)
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
    made = ModelOutput(place, axis, looks.chosen, rule, readouts)
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


def _looks(tape: Tape, cells: np.ndarray, over_steps: ReadoutDecision) -> _Looks:
    """Go back from an output ``(T or 1, K)`` over what does not change which is largest."""
    looks = _Looks(cells[-1:] if over_steps is ReadoutDecision.LAST else cells)
    while True:
        given = _unwrapped(tape, looks)
        if given is None:
            return looks
        looks = given


def _unwrapped(tape: Tape, looks: _Looks) -> _Looks | None:
    values = [_only(tape, row) for row in looks.cells]
    if all(isinstance(value, Squashed) for value in values):
        return _unsquashed(looks, values)  # type: ignore[arg-type]
    if looks.reduction is not Reduction.SUM and (
        len(values) == 1 or looks.reduction is Reduction.LARGEST
    ):
        rows = [
            value.given[row - value.start].T if isinstance(value, Greatest) else row[None]
            for value, row in zip(values, looks.cells, strict=True)
        ]
        if any(isinstance(value, Greatest) for value in values):
            return looks._replace(cells=np.concatenate(rows), reduction=Reduction.LARGEST)
    value = values[0]
    if value is None or len(values) > 1 or looks.reduction is not None:
        return None
    local = looks.cells[0] - value.start
    if isinstance(value, Chosen) and len(local) == 1 and not looks.chosen:
        return looks._replace(cells=value.given[local], chosen=True)
    if isinstance(value, Total) and value.factor > 0 and _is_nonlinear(tape, value.given[local]):
        cells = value.given[local].T
        return looks._replace(cells=cells, reduction=Reduction.SUM, up_to_scale=True)
    if isinstance(value, Combination) and len(value.parts) == 1:
        factor, given = value.parts[0]
        increasing = np.ndim(factor) == np.ndim(value.constant) == 0 and float(factor) > 0
        if increasing and _is_nonlinear(tape, given[local]):
            return looks._replace(cells=given[local][None], up_to_scale=True)
    return None


def _unsquashed(looks: _Looks, values: list[Squashed]) -> _Looks | None:
    """Without a function of the scores; it is kept where scores of steps are made one later."""
    several = len(values) > 1 or looks.reduction is not None
    operation = values[0].operation
    if any(value.operation != operation for value in values) or looks.squash is not None:
        return None
    rows = []
    for value, row in zip(values, looks.cells, strict=True):
        local = row - value.start
        if value.group is not None and len(local) != np.count_nonzero(
            value.group == value.group[local[0]]
        ):
            return None
        if value.group is not None and (value.group[local] != value.group[local[0]]).any():
            return None
        rows.append(value.given[local])
    if several and looks.reduction is not Reduction.LARGEST:
        return looks._replace(cells=np.stack(rows), squash=Squash(operation))
    if several and operation.endswith("softmax"):
        return looks._replace(cells=np.stack(rows), squash=Squash(operation))
    return looks._replace(cells=np.stack(rows), up_to_scale=True)


def _is_nonlinear(tape: Tape, cells: np.ndarray) -> bool:
    value = _only(tape, cells)
    if isinstance(value, Combination) and len(value.parts) == 1:
        return _is_nonlinear(tape, value.parts[0][1][cells - value.start])
    return isinstance(value, (Squashed, Greatest))


def _only(tape: Tape, cells: np.ndarray) -> Value | None:
    """The value that all cells belong to; of several, None. Cells of steps may be apart."""
    values = [value for value, _ in tape.values_of(np.unique(cells))]
    return values[0] if len(values) == 1 else None


def _matrix(
    tape: Tape, resolver: Resolver, cells: np.ndarray, wired: Wiring
) -> tuple[OutputMap, dict[str, Readout]]:
    """The scores as a matrix, of spikes, potentials and the outcome of synapses before them."""
    not_read: set[tuple[str, int]] = set()

    def stops(value: Value, local: np.ndarray) -> bool:
        return isinstance(value, Mapped) and value.is_synapses and _layer(value) not in not_read

    while True:
        made = output_map(tape, cells.reshape(-1), stops)
        rows: dict[tuple[str, int], dict[int, tuple[Mapped, int]]] = {}
        for value, places in tape.values_of(made.ends):
            if isinstance(value, Mapped):
                for row in np.unique((made.ends[places] - value.start) // value.map.n_post):
                    first = value.start + int(row) * value.map.n_post
                    rows.setdefault(_layer(value), {})[first] = (value, int(row))
        readouts: dict[str, Readout] = {}
        refused = set()
        for layer, parts in rows.items():
            one = readout(resolver, list(parts.values()))
            if one is None:
                refused.add(layer)
                continue
            number = len(readouts) + 1
            name = "readout" if number == 1 else f"readout {number}"
            while name in wired.layers or name in resolver.gates or name in readouts:
                name += "'"
            readouts[name] = one
        if not refused:
            return made, readouts
        not_read |= refused


def _layer(value: Mapped) -> tuple[str, int]:
    """Of synapses, whatever the step: their path and their map, of which there is one object."""
    return value.path, id(value.map)


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


def own_scores(values: np.ndarray, chosen: bool, way: OutputWay) -> np.ndarray:
    """The model's own numbers ``(B, K)``, of its output ``(B, T or 1, K)``: scores, or classes."""
    made: np.ndarray
    if way.over_steps is ReadoutDecision.LAST or chosen:
        made = values[:, -1]
    elif way.over_steps is ReadoutDecision.LARGEST:
        made = values.max(axis=1)
    else:
        made = values.sum(axis=1)
    return made if chosen else made.reshape(len(made), -1, way.votes).sum(axis=2)


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


def disagrees(decided: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Where scores ``(B, K)`` decide otherwise by more than rounding, bool ``(B,)``."""
    best = np.take_along_axis(scores, decided.astype(np.int64)[:, None], axis=1)[:, 0]
    noise = FLOAT_NOISE * np.maximum(np.abs(scores).max(axis=1), 1e-6)
    return np.asarray(scores.max(axis=1) - best > noise)


def _potentials(found: Trace, wired: Wiring, name: str, n_samples: int, n_steps: int) -> np.ndarray:
    """What a layer returned in the run, counted as its dynamics are, ``(B, T, N)``."""
    layer = wired.layers[name]
    made = np.zeros((n_samples, n_steps, int(np.prod(layer.shape))))
    for value in found.tape.values:
        if isinstance(value, Potentials) and value.population == name:
            made[value.sample, value.step, value.neuron] = value.numbers
    return made - layer.reading.voltage_zero
