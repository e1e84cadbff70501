"""What all projections have: names of their ends, an exponent, mantissas within limits."""

from __future__ import annotations

from typing import Any

import numpy as np

from hw_models.arrays import integer_array
from hw_models.eprop import EpropParams
from hw_models.errors import InputError, RangeError, ShapeError, TypeMismatchError, brief
from hw_models.integers import integer, name_of
from hw_models.learning_engine.learning_rule import TAG_LIMITS, LearningRule
from hw_models.plasticity import DaSsdpParams

WEIGHT_LOW, WEIGHT_HIGH = -256, 255
MAX_DELAY = 63


def set_names(record: Any) -> None:
    """Check names and exponent of a projection under construction, and put them into it."""
    put = object.__setattr__
    kind = type(record).__name__
    put(record, "source", name_of(f"{kind}.source", record.source))
    put(record, "target", name_of(f"{kind}.target", record.target))
    default = f"{record.source}->{record.target}"
    put(record, "name", name_of(f"{kind}.name", record.name or default))
    where = f"{record.name}.weight_exponent"
    put(record, "weight_exponent", integer(where, record.weight_exponent, -8, 7))


def set_weights(record: Any, n_axes: int) -> None:
    """Check its mantissas, and put them into it, int16."""
    where = f"{record.name}.weights"
    weights = integer_array(where, record.weights, WEIGHT_LOW, WEIGHT_HIGH, np.int16)
    if weights.ndim != n_axes or 0 in weights.shape:
        raise ShapeError(f"{where}: shape {weights.shape}; {n_axes} non-empty axes are needed")
    object.__setattr__(record, "weights", weights)


def check_plasticity(record: Any) -> None:
    """Refuse a rule that is none, weights outside of its range, tags without a use for them.

    DA-SSDP counts in whole weights, so sums that are floored are refused beside it.
    """
    rule = record.plasticity
    if rule is not None and not isinstance(rule, (DaSsdpParams, EpropParams, LearningRule)):
        raise TypeMismatchError(
            f"{record.name}.plasticity: {brief(rule)}; DaSsdpParams, EpropParams, a LearningRule"
            " or None is needed"
        )
    if isinstance(rule, EpropParams):
        _check_eprop(record, rule)
    if isinstance(rule, DaSsdpParams) and record.weight_exponent < 0:
        raise RangeError(
            f"{record.name}.plasticity: not together with weight_exponent"
            f" {record.weight_exponent}; allowed 0..7"
        )
    if rule is not None:
        where = f"{record.name}.weights"
        integer_array(where, record.weights, rule.weight_low, rule.weight_high, np.int16)
    for field in TAG_LIMITS:
        if getattr(record, field) is not None and not isinstance(rule, LearningRule):
            raise InputError(
                f"{record.name}.{field}: given, but plasticity is {brief(rule)}; only a"
                " LearningRule has tags"
            )


def _check_eprop(record: Any, rule: EpropParams) -> None:
    if np.ndim(record.weights) != 2:
        return  # listed: the network knows how many targets there are
    if rule.feedback is not None and len(rule.feedback) != len(record.weights):
        raise ShapeError(
            f"{record.name}.plasticity.feedback: shape {rule.feedback.shape};"
            f" {len(record.weights)} rows are needed"
        )
