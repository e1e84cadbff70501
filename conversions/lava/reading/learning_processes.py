"""Lava's learning connections: weights, tags and rule as loaded, and what their ports hear."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from lava.magma.core.learning.constants import GradedSpikeCfg
from lava.magma.core.process.process import AbstractProcess
from lava.proc.lif.process import LearningLIF
from lava.proc.sparse.process import LearningSparse
from lava.utils.weightutils import SignMode as LavaSignMode
from lava.utils.weightutils import truncate_weights

from conversions.lava.reading.connection_processes import (
    EXPONENTS,
    ReadSynapses,
    takes_graded_spikes,
)
from conversions.lava.reading.graded_spikes import sends_numbers
from conversions.lava.reading.initial_values import change_note, loaded
from conversions.lava.reading.learning_rules import from_lava_rule
from conversions.lava.reading.neuron_processes import NEURONS
from conversions.lava.reading.sources import SOURCES
from conversions.lava.reading.sparse_learning import (
    check_factors,
    check_stored,
    sparse_tags,
    sparse_weights,
)
from conversions.lava.reading.walk import ProcessConnection, connections_into, label
from hw_models.errors import ConversionError
from hw_models.learning_engine import GradedSpikes, LearningRule, PostTraces, SignMode
from hw_models.learning_engine.learning_rule import NUMBER_HIGH

TAG_LIMITS = {"tag_1": (-256, 255), "tag_2": (0, 255)}
SENT = ("s_in_y1", "s_in_y2", "s_in_y3")
AT_REST = ("x0", "tx", "x1", "x2", "y0", "ty", "y1", "y2", "y3")


@dataclass(frozen=True, kw_only=True, eq=False)
class Heard:
    """What arrives at a port: neurons of a population, in the order of the port.

    Parameters
    ----------
    population
        Its name.
    order
        Flat index of the neuron at each flat position of the port, int64.
    """

    population: str
    order: np.ndarray


@dataclass(frozen=True, kw_only=True, eq=False)
class PlasticConnection:
    """A connection that learns: what it begins with, and what it learns from.

    Parameters
    ----------
    name
        Of the Process.
    rule
        What changes its synapses.
    weights, tag_1, tag_2
        At the beginning, int32 ``(n_post, n_pre)`` over flat positions of its ports.
    pre, post
        What ``s_in`` and ``s_in_bap`` hear.
    sent
        What ``s_in_y1``, ``s_in_y2`` and ``s_in_y3`` hear; empty for a rule of two factors.
    projections
        The projections that have its weights: name, and the neuron at each position of ``s_in``
        and of ``a_out``. None if nothing is connected to one of them, several if ``a_out`` goes
        to several populations, or graded spikes come in.
    reads_numbers
        Whether ``s_in`` hears numbers other than 0 and 1, and the connection asks for them.
    tag_places
        Of a ``LearningSparse``: where it has tags, bool ``(n_post, n_pre)`` by Var; None of others.
    """

    name: str
    rule: LearningRule
    weights: np.ndarray
    tag_1: np.ndarray
    tag_2: np.ndarray
    pre: tuple[Heard, ...]
    post: tuple[Heard, ...]
    sent: tuple[tuple[Heard, ...], ...]
    projections: tuple[tuple[str, np.ndarray, np.ndarray], ...]
    reads_numbers: bool
    tag_places: Mapping[str, np.ndarray] | None

    @property
    def is_network_rule(self) -> bool:
        """Whether the rule is that of its projections, tags too."""
        return (
            self.tag_places is None
            or not (self.rule.dt or self.rule.dd)
            or all(
                np.array_equal(self.tag_places[name], self.weights != 0)
                for name, products in (("tag_1", self.rule.dt), ("tag_2", self.rule.dd))
                if products
            )
        )

    def hears_only(self, target: str) -> bool:
        """Whether ``s_in_bap`` hears the neurons that ``a_out`` goes to, ``target``, in its order.

        Also where it hears nothing: the rule's terms of y0 are multiplied by 0 then. Not with
        numbers that are sent, as the spikes of a target clip them.
        """
        _, _, order = self.projections[0]
        if not self.post:
            return not self.sent
        (first, *others) = self.post
        return not others and first.population == target and np.array_equal(first.order, order)


def read_learning_synapses(process: AbstractProcess) -> ReadSynapses:
    """Weights, tags and rule of a learning connection as Lava's fixed-point model loads them.

    Raises
    ------
    ConversionError
        If a value is not one that the model and a network share.
    """
    where = label(process)
    params = process.proc_params
    sign_mode, bits = _number_format(process)
    for name in AT_REST:
        if np.any(np.asarray(getattr(process, name).init)):
            raise ConversionError(f"{where}.{name}: learning starts from 0")
    hears_target = bool(connections_into(process.s_in_bap))
    graded = GradedSpikes[GradedSpikeCfg(params["graded_spike_cfg"]).name]
    try:
        read = from_lava_rule(
            params["learning_rule"],
            sign_mode=sign_mode,
            hears_target=hears_target,
            graded_spikes=graded,
        )
    except ConversionError as error:
        raise ConversionError(f"{where}: {error}") from error
    rule = read.rule
    weights: Any
    tag_places = None
    if isinstance(process, LearningSparse):
        check_factors(process, rule)
        weights, notes = sparse_weights(process, sign_mode, bits)
        tags, tag_places = sparse_tags(process, rule)
        check_stored(process, rule, tag_places | {"weights": weights.toarray() != 0})
    else:
        weights, tags, notes = _dense_values(process, sign_mode, bits)
    _check_range(f"{where}.weights", weights, *sign_mode.limits)
    for name, limits in TAG_LIMITS.items():
        _check_range(f"{where}.{name}", tags[name], *limits)
    notes += [f"{where}: {note}" for note in read.notes]
    return ReadSynapses(
        weights=weights,
        delays=None,
        exponent=_exponent(where, params.get("weight_exp", 0)),
        notes=notes,
        rule=rule,
        tag_places=tag_places,
        **tags,
    )


def _dense_values(
    process: AbstractProcess, sign_mode: SignMode, bits: int
) -> tuple[np.ndarray, dict[str, np.ndarray], list[str]]:
    """Weights, tags, and what Lava changes of them."""
    given, notes = loaded(process, "weights", np.int32)
    weights = truncate_weights(given, LavaSignMode[sign_mode.name], bits)
    reason = f"{sign_mode.name}, {bits} bits"
    notes = notes + change_note(f"{label(process)}.weights", given, weights, reason)
    tags = {}
    for name in TAG_LIMITS:
        tags[name], more = loaded(process, name, np.int32)
        notes += more
    return weights, tags, notes


def plastic_connection(
    process: AbstractProcess,
    read: ReadSynapses,
    names: dict[int, str],
    projections: list[tuple[str, np.ndarray, np.ndarray]],
    ring_data: Mapping[str, np.ndarray],
) -> tuple[PlasticConnection, list[str]]:
    """What a learning connection learns from, and sentences.

    Parameters
    ----------
    process, read
        The Process, and :func:`read_learning_synapses` of it.
    names
        Of all Processes, by id.
    projections
        Of :class:`PlasticConnection`.
    ring_data
        What each ring buffer sends, by its name.

    Raises
    ------
    ConversionError
        If a port hears what sends no spikes, or what never sends.
    """
    rule, tag_1, tag_2 = read.rule, read.tag_1, read.tag_2
    assert rule is not None
    assert tag_1 is not None
    assert tag_2 is not None
    notes: list[str] = []
    post, more = _heard(process, "s_in_bap", names)
    notes += more
    is_sent = rule.post_traces is PostTraces.SENT
    sent = []
    for name in SENT:
        if is_sent:
            found, more = _heard(process, name, names)
            sent.append(found)
            notes += more
        elif connections_into(getattr(process, name)):
            notes.append(
                f"{label(process)}.{name}: left out, a rule of two factors does not read it"
                " (Lava hangs after 64 steps)"
            )
    pre, _ = _heard(process, "s_in", names)
    senders = [ring_data[each.population] for each in pre if each.population in ring_data]
    if rule.takes_numbers:
        _check_numbers(process, senders)
    weights: Any = read.weights
    connection = PlasticConnection(
        name=names[process.id],
        rule=rule,
        weights=weights.toarray() if read.tag_places is not None else weights,
        tag_1=tag_1,
        tag_2=tag_2,
        pre=pre,
        post=post,
        sent=tuple(sent),
        projections=tuple(projections),
        reads_numbers=any(sends_numbers(process, data) for data in senders),
        tag_places=read.tag_places,
    )
    return connection, notes


def _check_numbers(process: AbstractProcess, senders: list[np.ndarray]) -> None:
    for data in senders:
        low, high = int(data.min()), int(data.max())
        if takes_graded_spikes(process) and (low < 0 or high > NUMBER_HIGH):
            raise ConversionError(
                f"{label(process)}.s_in: graded spikes of {low}..{high}; allowed 0..{NUMBER_HIGH},"
                " Lava keeps half of them in 8 bits"
            )


def is_in_network(connection: PlasticConnection, target: str) -> bool:
    """Whether it learns from the spikes of its one target and from nothing else.

    Then the network alone says how it learns; otherwise it takes the program.
    """
    is_alone = len(connection.projections) == 1 and not any(connection.sent)
    is_all = connection.is_network_rule and not connection.reads_numbers
    return is_alone and is_all and connection.hears_only(target)


def _heard(
    process: AbstractProcess, port: str, names: dict[int, str]
) -> tuple[tuple[Heard, ...], list[str]]:
    notes = []
    heard = []
    for connection in connections_into(getattr(process, port)):
        notes += _check_sender(connection, port)
        sender = names[connection.sender.process.id]
        heard.append(Heard(population=sender, order=connection.order))
    return tuple(heard), notes


def _check_sender(connection: ProcessConnection, port: str) -> list[str]:
    sender, receiver = connection.sender.process, connection.receiver.process
    where = f"{label(sender)}.{connection.sender.name} -> {label(receiver)}.{port}"
    if type(sender) not in (*NEURONS, *SOURCES):
        raise ConversionError(f"{where}: only neurons and sources send to a learning connection")
    if type(sender) is LearningLIF and connection.sender.name == "s_out_bap":
        return [f"{where}: read as s_out, Lava's model never sends on s_out_bap and hangs"]
    if type(sender) is LearningLIF and connection.sender.name != "s_out":
        raise ConversionError(
            f"{where}: Lava's model never sends on it and hangs; a RingBuffer can send y1, y2 and"
            " y3, and conversions.EngineCfg runs neurons of yours that do"
        )
    return []


def _number_format(process: AbstractProcess) -> tuple[SignMode, int]:
    where, params = label(process), process.proc_params
    given = params.get("sign_mode", LavaSignMode.MIXED)
    if not isinstance(given, LavaSignMode) or given is LavaSignMode.NULL:
        raise ConversionError(
            f"{where}: sign_mode {given!r}; MIXED, EXCITATORY or INHIBITORY is needed"
        )
    sign_mode = SignMode[given.name]
    bits = params.get("num_weight_bits", 8)
    widest = 8 + (sign_mode is SignMode.MIXED)
    if not isinstance(bits, (int, np.integer)) or not 0 <= bits <= widest:
        raise ConversionError(
            f"{where}: num_weight_bits {bits!r}; an integer 0..{widest} is needed with"
            f" {given.name} weights"
        )
    return sign_mode, int(bits)


def _check_range(where: str, given: Any, low: int, high: int) -> None:
    values = given if isinstance(given, np.ndarray) else given.toarray()
    outside = (values < low) | (values > high)
    if outside.any():
        index = tuple(int(i) for i in np.argwhere(outside)[0])
        raise ConversionError(
            f"{where}: {values[index]} at index {index}; allowed {low}..{high} (Lava keeps it"
            " until the first epoch ends, and clips it then)"
        )


def _exponent(where: str, given: Any) -> int:
    low, high = EXPONENTS
    try:
        exponent = operator.index(given)
    except TypeError:
        exponent = high + 1
    if not low <= exponent <= high:
        raise ConversionError(f"{where}: weight_exp {given!r}; an integer {low}..{high} is needed")
    return exponent
