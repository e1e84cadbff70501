"""Lava's ``LearningSparse``: where its synapses and tags lie, and what its model fails on.

Lava keeps weights and tags as sparse matrices of their own, and each changes only where it stores
something. Its fixed-point model multiplies no factor of the synapse and keeps no sign.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from lava.magma.core.process.process import AbstractProcess
from lava.utils.weightutils import SignMode as LavaSignMode
from lava.utils.weightutils import truncate_weights
from scipy.sparse import csr_matrix

from conversions.lava.reading.connection_processes import TAGS, given_sparse, weight_note
from conversions.lava.reading.walk import label
from hw_models.errors import ConversionError
from hw_models.learning_engine import LearningRule, SignMode
from hw_models.learning_engine.learning_rule import TARGETS

FAILS = "Lava's model fails at the end of the first epoch"
LEARNED = {"weights": "dw", "tag_1": "dt", "tag_2": "dd"}
WIDE = (np.int32, np.int64)


def sparse_weights(
    process: AbstractProcess, sign_mode: SignMode, bits: int
) -> tuple[csr_matrix, list[str]]:
    """Weights as the model loads them, int32; zeros are dropped, and learn nothing.

    Raises
    ------
    ConversionError
        If the model cannot learn with such weights.
    """
    if sign_mode is not SignMode.MIXED:
        raise ConversionError(
            f"{label(process)}: sign_mode {sign_mode.name}; MIXED is needed, {FAILS} where it"
            " keeps the sign of sparse weights"
        )
    weights, notes = given_sparse(process)
    kept = truncate_weights(weights, LavaSignMode[sign_mode.name], bits)
    reason = f"{sign_mode.name}, {bits} bits"
    return kept, notes + weight_note(process, weights, kept, reason)


def sparse_tags(
    process: AbstractProcess, rule: LearningRule
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Tags at the beginning, int32 ``(n_out, n_in)``, and where there are some, by Var.

    Raises
    ------
    ConversionError
        If an equation changes tags that are no matrix of wide integers.
    """
    values, places = {}, {}
    for name in TAGS:
        given: Any = getattr(process, name).init
        where = f"{label(process)}.{name}"
        if not isinstance(given, csr_matrix) or given.dtype.kind not in "biuf":
            raise ConversionError(f"{where}: {type(given).__name__}; numbers are needed")
        if getattr(rule, LEARNED[name]) and given.dtype not in WIDE:
            raise ConversionError(
                f"{where}: dtype {given.dtype}, which {LEARNED[name]} changes; give it as int32 or"
                f" int64: with zeros that are floats, as where it is not given, {FAILS}"
            )
        if not given.has_canonical_format:
            given = given.copy()
            given.sum_duplicates()
        full = given.toarray()
        values[name] = full.astype(np.int32)
        if not np.array_equal(values[name], full):
            raise ConversionError(f"{where}: whole numbers of 32 bits are needed")
        stored = given.tocoo()
        places[name] = np.zeros(full.shape, dtype=bool)
        places[name][stored.row, stored.col] = True
    return values, places


def check_factors(process: AbstractProcess, rule: LearningRule) -> None:
    """Refuse terms that the model cannot multiply.

    Raises
    ------
    ConversionError
        Names the term.
    """
    for target in TARGETS:
        for number, product in enumerate(getattr(rule, target), 1):
            for factor in product.factors:
                if factor.variable.is_synaptic:
                    raise ConversionError(
                        f"{label(process)}: {target}, term {number} ({str(product)!r}): factor"
                        f" {factor.variable.value} of sparse synapses; {FAILS} on it"
                        " (a LearningDense has it)"
                    )


def check_stored(
    process: AbstractProcess, rule: LearningRule, places: Mapping[str, np.ndarray]
) -> None:
    """Refuse to change a Var that stores nothing.

    Raises
    ------
    ConversionError
        Names the Var.
    """
    for name, target in LEARNED.items():
        if getattr(rule, target) and not places[name].any():
            raise ConversionError(
                f"{label(process)}.{name}: nothing is stored, and {target} changes it; {FAILS}"
            )
