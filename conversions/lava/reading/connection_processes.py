"""Lava's connections as projections, with the weights that its fixed-point models load."""

from __future__ import annotations

import dataclasses
import operator
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from lava.magma.core.process.connection import LearningConnectionProcess
from lava.magma.core.process.process import AbstractProcess
from lava.proc.conv.process import Conv
from lava.proc.dense.process import DelayDense, Dense, LearningDense
from lava.proc.sparse.process import DelaySparse, LearningSparse, Sparse
from lava.utils.weightutils import SignMode, clip_weights, determine_sign_mode, truncate_weights
from scipy.sparse import csr_array, csr_matrix

from conversions.lava.reading.initial_values import change_note, check_numbers, loaded
from conversions.lava.reading.walk import label
from hw_models.errors import ConversionError
from hw_models.learning_engine import LearningRule
from hw_models.learning_engine.learning_rule import TARGETS
from hw_models.projections import (
    MAX_DELAY,
    WEIGHT_HIGH,
    WEIGHT_LOW,
    DenseProjection,
    Projection,
    SparseProjection,
)

MATRICES = (Dense, DelayDense, Sparse, DelaySparse)
LEARNING = (LearningDense, LearningSparse)
SYNAPSES = (*MATRICES, *LEARNING, Conv)
EXPONENTS = (-8, 7)
TAGS = ("tag_1", "tag_2")


@dataclass(frozen=True, kw_only=True, eq=False)
class Ends:
    """Where a connection Process lies between two populations.

    Parameters
    ----------
    name
        Of the projection.
    source, target
        Names of the populations.
    pre, post
        Neuron at each flat position of the Process's ``s_in`` and ``a_out``; int64.
    shift
        Of graded spikes: ``source`` sends one bit of them, which counts ``2**shift``; else 0.
    """

    name: str
    source: str
    target: str
    pre: np.ndarray
    post: np.ndarray
    shift: int = 0


@dataclass(frozen=True, kw_only=True, eq=False)
class ReadSynapses:
    """Weights of a matrix connection as loaded, and what Lava changes.

    Parameters
    ----------
    weights
        int32 ``(n_out, n_in)`` over flat positions of the ports, dense or sparse.
    delays
        Likewise, dense; or for sparse weights one per stored weight; None for none.
    exponent
        Of the projection.
    notes
        Sentences.
    rule, tag_1, tag_2
        Of a connection that learns: its rule, and tags, int32 ``(n_out, n_in)``; None of others.
    tag_places
        Of a ``LearningSparse``: where it has tags, bool ``(n_out, n_in)`` by Var.
    """

    weights: np.ndarray | csr_matrix
    delays: np.ndarray | None
    exponent: int
    notes: list[str]
    rule: LearningRule | None = None
    tag_1: np.ndarray | None = None
    tag_2: np.ndarray | None = None
    tag_places: Mapping[str, np.ndarray] | None = None

    @property
    def network_rule(self) -> LearningRule | None:
        """The rule as listed synapses learn it: tags that lie elsewhere are no part of them."""
        if self.rule is None or self.tag_places is None:
            return self.rule
        weights: Any = self.weights
        has_weight = weights.toarray() != 0
        kept: dict[str, Any] = {
            target: ()
            for target, name in (("dt", "tag_1"), ("dd", "tag_2"))
            if not np.array_equal(self.tag_places[name], has_weight)
        }
        if not any(getattr(self.rule, target) for target in TARGETS if target not in kept):
            return None
        return dataclasses.replace(self.rule, **kept)


def read_synapses(process: AbstractProcess) -> ReadSynapses:
    """The weights of one of ``MATRICES``.

    Raises
    ------
    ConversionError
        If a value is not one that Lava's fixed-point model and a network share.
    """
    is_sparse = isinstance(process, Sparse)
    weights, notes = given_sparse(process) if is_sparse else loaded(process, "weights", np.int32)
    sign_mode, bits = _number_format(process, weights)
    if isinstance(process.weights.init, csr_array):
        # Lava clips and truncates dense arrays and sparse matrices, but not sparse arrays
        kept, reason = weights.astype(np.int32), "kept as int32"
    else:
        kept = truncate_weights(clip_weights(weights, sign_mode, num_bits=8), sign_mode, bits)
        reason = f"{sign_mode.name}, {bits} bits"
    notes = notes + weight_note(process, weights, kept, reason)
    delays = None
    if isinstance(process, (DelayDense, DelaySparse)):
        kept, delays, more = _delayed(process, kept)
        notes = notes + more
    exponent, factor = _exponent(process, kept)
    return ReadSynapses(weights=kept * factor, delays=delays, exponent=exponent, notes=notes)


def is_learning(process: AbstractProcess) -> bool:
    """Whether a Process is a connection that learns."""
    return isinstance(process, LearningConnectionProcess)


def takes_graded_spikes(process: AbstractProcess) -> bool:
    """Whether a connection multiplies by what arrives, instead of asking whether it is 0."""
    return bool(loaded(process, "num_message_bits", np.int64)[0][0] > 0)


def check_start(process: AbstractProcess) -> None:
    """Refuse a connection that begins with something under way."""
    buffer = process.a_buf if isinstance(process, Conv) else process.a_buff
    if np.any(np.asarray(buffer.init)):
        raise ConversionError(f"{label(process)}.{buffer.name}: a network starts from 0")


def matrix_projection(read: ReadSynapses, ends: Ends) -> Projection:
    """The projection between two populations."""
    common: dict[str, Any] = {
        "name": ends.name,
        "source": ends.source,
        "target": ends.target,
        "weight_exponent": read.exponent + ends.shift,
        "plasticity": read.network_rule,
    }
    if isinstance(read.weights, csr_matrix):
        stored = read.weights.tocoo()
        pre, post = ends.pre[stored.col], ends.post[stored.row]
        tags = {}
        for tag in TAGS if common["plasticity"] is not None else ():
            tags[tag] = getattr(read, tag)[stored.row, stored.col]
        return SparseProjection(
            pre=pre, post=post, weights=stored.data, delays=read.delays, **tags, **common
        )
    place = np.ix_(ends.post, ends.pre)
    arrays = {}
    for name in ("weights", "delays", "tag_1", "tag_2"):
        if getattr(read, name) is not None:
            arrays[name] = np.empty_like(getattr(read, name))
            arrays[name][place] = getattr(read, name)
    return DenseProjection(**arrays, **common)


def given_sparse(process: AbstractProcess) -> tuple[csr_matrix, list[str]]:
    """Weights of a sparse connection as they are given, each stored once; and no sentences.

    Raises
    ------
    ConversionError
        If Lava could not load them.
    """
    where = f"{label(process)}.weights"
    given = process.weights.init
    if isinstance(given, csr_array) and _multiplies(process):
        given = csr_matrix(given)
    if not isinstance(given, csr_matrix):
        raise ConversionError(f"{where}: {type(given).__name__}; Lava needs a csr_matrix")
    check_numbers(where, given.data)
    if not given.has_canonical_format:
        given = given.copy()
        given.sort_indices()
        if not given.has_canonical_format:
            raise ConversionError(f"{where}: a synapse is stored twice; call sum_duplicates")
    return given, []


def _multiplies(process: AbstractProcess) -> bool:
    """Whether Lava's model multiplies by its weights; else it sums columns as of a matrix only."""
    return isinstance(process, DelaySparse) or takes_graded_spikes(process)


def weight_note(process: AbstractProcess, before: Any, after: Any, reason: str) -> list[str]:
    """:func:`change_note` of weights, dense or sparse."""
    where = f"{label(process)}.weights"
    if not isinstance(before, csr_matrix):
        return change_note(where, before, after, reason)
    stored = before.tocoo()
    kept = after.data if after.nnz == stored.nnz else _at(after, stored)
    places = np.stack([stored.row, stored.col], axis=1)
    return change_note(where, stored.data, kept, reason, places)


def _at(matrix: Any, stored: Any) -> np.ndarray:
    """Values of a matrix, sparse or not, where a sparse one stores some."""
    if stored.nnz == 0:
        return np.zeros(0, dtype=np.int32)
    indexed = matrix if isinstance(matrix, np.ndarray) else matrix.tocsr()
    return np.asarray(indexed[stored.row, stored.col]).reshape(-1)


def _number_format(process: AbstractProcess, weights: Any) -> tuple[SignMode, int]:
    """Sign mode and width, as the model takes them from the Process."""
    sign_mode = process.proc_params.get("sign_mode") or determine_sign_mode(weights)
    bits = process.proc_params.get("num_weight_bits", 8)
    where = label(process)
    if not isinstance(sign_mode, SignMode):
        raise ConversionError(f"{where}: sign_mode {sign_mode!r}; a SignMode is needed")
    widest = 8 + (sign_mode is SignMode.MIXED)
    if not isinstance(bits, (int, np.integer)) or not 0 <= bits <= widest:
        raise ConversionError(
            f"{where}: num_weight_bits {bits!r}; an integer 0..{widest} is needed with"
            f" {sign_mode.name} weights"
        )
    return sign_mode, int(bits)


def _delayed(
    process: AbstractProcess, weights: np.ndarray | csr_matrix
) -> tuple[np.ndarray | csr_matrix, np.ndarray, list[str]]:
    """Delays of the synapses; those beyond ``max_delay`` are lost in Lava, and here."""
    given = process.delays.init
    where = f"{label(process)}.delays"
    if np.max(given) > MAX_DELAY:
        raise ConversionError(f"{where}: {int(np.max(given))}; allowed 0..{MAX_DELAY}")
    stored: Any = weights
    if isinstance(weights, csr_matrix):
        stored = weights.tocoo()
        if isinstance(given, int):
            delays = np.full(stored.data.shape, given, dtype=np.int32)
        else:
            delays = _at(given, stored)
        values = stored.data
    else:
        delays = loaded(process, "delays", np.int32)[0]
        values = weights
    longest = process.a_buff.shape[-1] - 1
    lost = (delays > longest) & (values != 0)
    notes = []
    if lost.any():
        notes.append(
            f"{where}: Lava drops {int(lost.sum())} synapses with delays beyond max_delay {longest}"
        )
        values = np.where(lost, 0, values)
        delays = np.where(lost, 0, delays)
    if isinstance(weights, csr_matrix):
        # explicit zeros stay, so that delays and weights keep the same order
        weights = csr_matrix((values, (stored.row, stored.col)), shape=weights.shape)
        return weights, delays, notes
    return values, delays, notes


def _exponent(process: AbstractProcess, weights: Any) -> tuple[int, int]:
    """Exponent of the projection, and what its weights are multiplied by in addition."""
    where = f"{label(process)}: weight_exp"
    given = process.proc_params.get("weight_exp", 0)
    try:
        exponent = operator.index(given)
    except TypeError:
        raise ConversionError(f"{where} {given!r}; an integer is needed") from None
    low, high = EXPONENTS
    values = weights.data if isinstance(weights, csr_matrix) else weights
    if not values.any():
        return 0, 1
    more = max(exponent - high, 0)
    if more < 9:
        factor = 1 << more
        fits = values.min() * factor >= WEIGHT_LOW and values.max() * factor <= WEIGHT_HIGH
        if exponent >= low and fits:
            return exponent - more, factor
    raise ConversionError(
        f"{where} {exponent} with weights up to {np.abs(values).max()};"
        f" allowed {low}..{high}, beyond it only for weights that take up the rest"
    )
