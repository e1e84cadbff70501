"""What the model itself decided in its own run, and what it would by the rule that was followed."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

import numpy as np

from conversions.decision_rule import POTENTIAL, SPIKES, DecisionRule, ScoreTerm, Ties
from conversions.pytorch.network.model_output import ModelOutput
from conversions.pytorch.network.output_numbers import disagrees, is_multiple, ranks_otherwise
from conversions.pytorch.network.readouts import Readout
from conversions.pytorch.network.wiring import Wiring, with_gates
from conversions.real_network import RealNetwork
from conversions.real_network.multi_spike_neurons import copies
from conversions.real_network.potential_readout import shown_name
from hw_models import ConversionError


def decision_values(
    rule: DecisionRule,
    readouts: Mapping[str, Readout],
    wired: Wiring,
    spikes: Mapping[str, np.ndarray],
) -> dict[tuple[str, str], np.ndarray]:
    """What a rule looks at in the model's own run, ``(B, T, N)`` by population and variable.

    Parameters
    ----------
    spikes
        What each population sent, gates included.
    """
    values: dict[tuple[str, str], np.ndarray] = {}
    for term in rule.terms:
        name = term.population
        if term.variable == SPIKES:
            values[name, SPIKES] = spikes[name]
        elif name in readouts:
            values[name, POTENTIAL] = readouts[name].arriving.of(dict(spikes))
        else:
            arrived = wired.arriving[name].of(dict(spikes))
            values[name, POTENTIAL] = wired.layers[name].reading.dynamics.run(arrived)[1]
    return values


def explains(
    output: ModelOutput, wired: Wiring, sent: Mapping[str, np.ndarray], own: np.ndarray
) -> bool:
    """Whether the model's own numbers are the rule's scores, or at least order the classes alike.

    A model may have steps built in that a shorter run never showed.

    Parameters
    ----------
    sent
        What each population sent in the model's own run.
    own
        Its numbers in that run, of :meth:`ModelOutput.own_numbers`.
    """
    spikes = with_gates(dict(sent), wired.gates)
    scores = output.rule.scores_by(decision_values(output.rule, output.readouts, wired, spikes))
    if output.chosen:
        return not disagrees(own.reshape(-1), scores).any()
    if output.up_to_scale:
        return not ranks_otherwise(own, scores).any()
    return is_multiple(own, scores)


def checked_decisions(
    rule: DecisionRule, own: np.ndarray, values: Mapping[tuple[str, str], np.ndarray]
) -> np.ndarray:
    """Classes that the model decided for, int64 ``(B,)``.

    Parameters
    ----------
    own
        Its own scores ``(B, K)``, or classes ``(B,)``.
    values
        As of :func:`decision_values`.

    Raises
    ------
    ConversionError
        If the rule does not explain them.
    """
    if rule.ties is Ties.EARLIEST_SPIKE:
        return rule.decide_by(values)
    decided = (own if own.ndim == 1 else own.argmax(axis=1)).astype(np.int64)
    wrong = disagrees(decided, rule.scores_by(values))
    if wrong.any():
        firing = [t.population for t in rule.terms if t.variable == POTENTIAL]
        shown = f" The potentials of {', '.join(dict.fromkeys(firing))} may be others than those"
        raise ConversionError(
            f"the model decides {wrong.mean():.2%} of the samples otherwise than what its output"
            f" was followed to ({rule})."
            + (f"{shown} after each step's reset, which the chip has." if firing else "")
        )
    return decided


def in_network(
    rule: DecisionRule, beside: Collection[str], read: RealNetwork, made: RealNetwork
) -> DecisionRule:
    """The rule of a model as one of the network that was made of it.

    Parameters
    ----------
    beside
        Layers whose potential a readout of its own has.
    read
        The network as it was read.
    made
        Where neurons that send several spikes in a step are several.
    """
    return replace(rule, terms=tuple(_in_network(t, beside, read, made) for t in rule.terms))


def _in_network(
    term: ScoreTerm, beside: Collection[str], read: RealNetwork, made: RealNetwork
) -> ScoreTerm:
    name = term.population
    if term.variable == POTENTIAL and name in beside:
        return replace(term, population=shown_name(name))
    before = read.population(name)
    count = made.population(name).n_neurons // before.n_neurons
    if count == 1:
        return term
    if term.variable == POTENTIAL:
        raise ConversionError(
            f"{name}: the model decides by the potential of neurons that send several spikes in a"
            " step; supported is a decision by their spikes"
        )
    return replace(
        term,
        classes=np.tile(term.classes, count),
        neurons=copies(before.shape, count)[:, term.neurons].reshape(-1),
        weights=np.tile(term.weights, count),
    )
