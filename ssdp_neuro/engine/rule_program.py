"""A learning rule as the flat arrays that its kernels read."""

from __future__ import annotations

from typing import Any

import numpy as np

from hw_models import (
    Dependency,
    GradedSpikes,
    LearningRule,
    PostTraces,
    Product,
    RandomStream,
    SignMode,
    Variable,
)
from hw_models.learning_engine.learning_rule import TARGETS, TraceConfiguration
from ssdp_neuro.engine.kernels import rule_tables
from ssdp_neuro.engine.kernels.catalog import (
    CHANGE_REACHED,
    CHANGE_WAITING,
    FADE_ROWS,
    addresses_of,
)
from ssdp_neuro.engine.kernels.rule_tables import Program

DEPENDENCIES = {
    Dependency.PRE_SPIKE: rule_tables.PRE_SPIKE,
    Dependency.POST_SPIKE: rule_tables.POST_SPIKE,
    Dependency.EPOCH: rule_tables.EPOCH,
}
VARIABLES = {variable: getattr(rule_tables, variable.name) for variable in Variable}
SENT_TRACE = TraceConfiguration(impulse=0, tau=65535)  # by which Lava reads what is sent
DELAY_HIGH, TAG_LOW, TAG_HIGH = 255, rule_tables.LOWEST_TAG, 255
WIDE = 2**20  # beyond every accumulator
SOURCES = (Variable.X0, Variable.X1, Variable.X2)
TARGET_TRACES = (Variable.Y1, Variable.Y2, Variable.Y3)
SYNAPTIC = (Variable.W, Variable.D, Variable.T)  # in the order of TARGETS


def rule_program(rule: LearningRule, waits: bool = True) -> Program:
    """Lower a rule; see :class:`Program` for what each array holds.

    ``waits`` is whether spikes of targets may wait, if the rule is one of which they can.
    """
    products = [product for target in TARGETS for product in getattr(rule, target)]
    own = [[f for f in product.factors if not f.variable.is_synaptic] for product in products]
    synaptic = [[f for f in product.factors if f.variable.is_synaptic] for product in products]
    factors = [f for pair in zip(own, synaptic, strict=True) for part in pair for f in part]
    starts = _starts(len(product.factors) for product in products)
    is_sent = rule.post_traces is PostTraces.SENT
    posts = (SENT_TRACE,) * 3 if is_sent else (rule.y1, rule.y2, rule.y3)
    traces = (rule.x1, rule.x2, *posts)
    weight_floor = 0 if rule.sign_mode is SignMode.EXCITATORY else -WIDE
    weight_ceiling = 0 if rule.sign_mode is SignMode.INHIBITORY else WIDE
    return Program(
        first_product=_starts(len(getattr(rule, target)) for target in TARGETS),
        dependency=_integers(DEPENDENCIES[product.dependency] for product in products),
        mantissa=_integers(product.mantissa for product in products),
        right=_integers(max(0, product.width + 4 - 15) for product in products),
        left=_integers(product.exponent + 7 for product in products),
        first_factor=starts,
        first_synaptic=starts[:-1] + _integers(len(part) for part in own),
        variable=_integers(VARIABLES[factor.variable] for factor in factors),
        constant=_integers(factor.constant for factor in factors),
        bound=_integers(1 << factor.variable.width for factor in factors),
        is_sign=np.array([factor.is_sign for factor in factors], dtype=np.bool_),
        reads_source=np.array([any(f.variable in SOURCES for f in part) for part in own]),
        reads_target=np.array([any(f.variable not in SOURCES for f in part) for part in own]),
        place=_integers(places(rule)),
        decay=np.array([trace.decay for trace in traces]),
        whole=_integers(trace.impulse_parts[0] for trace in traces),
        units=_integers(trace.impulse_parts[1] for trace in traces),
        is_kept=np.array(
            [
                trace.impulse > 0 or (is_sent and k > 1) or (rule.takes_numbers and k == 0)
                for k, trace in enumerate(traces)
            ]
        ),
        low=_integers((rule.weight_low, 0, TAG_LOW)),
        high=_integers((rule.weight_high, DELAY_HIGH, TAG_HIGH)),
        accumulator_low=_integers((weight_floor, 0, -WIDE)),
        accumulator_high=_integers((weight_ceiling, WIDE, WIDE)),
        **waiting_products(rule, waits),
        **fading_products(rule),
        epoch=rule.epoch,
        first_plane=_integers(first_planes(rule)),
        period=1 << (rule.decimation or 0),
        has_epochs=rule.decimation is not None,
        is_sent=is_sent,
        graded=list(GradedSpikes).index(rule.graded_spikes),
        is_lava=rule.random_stream is RandomStream.LAVA,
        seed=rule.seed,
    )


def changes_of(program: Program) -> Any:
    """Kernels that change the synapses of a rule, as :class:`Learner` holds them.

    Only those of its kind are compiled.
    """
    change = CHANGE_WAITING if program.waits else CHANGE_REACHED
    return addresses_of([change, FADE_ROWS if program.fades else None])


def places(rule: LearningRule) -> tuple[int, ...]:
    """Rows where weight, delay and tag are kept; -1 for one that the rule knows nothing of."""
    products = [product for target in TARGETS for product in getattr(rule, target)]
    read = {factor.variable for product in products for factor in product.factors}
    found: list[int] = []
    for target, variable in zip(TARGETS, SYNAPTIC, strict=True):
        is_kept = target == "dw" or getattr(rule, target) or variable in read
        found.append(1 + max(found, default=-1) if is_kept else -1)
    return tuple(found)


def deciding_plane(product: Product) -> int:
    """The lowest bit of a random number that decides about one product's change.

    All bits do where the change itself may be cut off: that leaves no multiple of its power of two.
    """
    right, left = max(0, product.width + 4 - 15), product.exponent + 7
    largest = ((abs(product.mantissa) << product.width) >> right) + 1 << left
    is_cut = largest > rule_tables.ACCUMULATOR_HIGH
    return 0 if is_cut else min(left, rule_tables.PLANES)


def first_planes(rule: LearningRule) -> list[int]:
    """The same for each equation; all bits decide where a sum or a tag may be cut off."""
    equations = [getattr(rule, target) for target in TARGETS]
    return [
        deciding_plane(products[0]) if len(products) == 1 and target != "dt" else 0
        for target, products in zip(TARGETS, equations, strict=True)
    ]


def waiting_products(rule: LearningRule, waits: bool) -> dict[str, Any]:
    """Whether spikes of targets may wait, and the products of it by number.

    See :mod:`ssdp_neuro.engine.kernels.rule_waiting`.
    """
    found = {product.dependency: (p, product.factors) for p, product in enumerate(rule.dw)}
    y, y_factors = found.get(Dependency.POST_SPIKE, (-1, ()))
    x, x_factors = found.get(Dependency.PRE_SPIKE, (-1, ()))
    waits = (
        waits
        and not rule.takes_numbers  # which can be more than the log of traces holds
        and rule.epoch == 1
        and not (rule.dd or rule.dt or Dependency.EPOCH in found)
        and len(found) == len(rule.dw)
        and [factor.variable in (Variable.X1, Variable.X2) for factor in y_factors] == [True]
        and (x < 0 or [factor.variable in TARGET_TRACES for factor in x_factors] == [True])
    )
    return {
        "waits": waits,
        "waiting": y,
        "waiting_trace": VARIABLES[y_factors[0].variable] - rule_tables.X1 if waits else 0,
        "pair": x,
        "pair_trace": VARIABLES[x_factors[0].variable] - rule_tables.Y1 if waits and x >= 0 else 0,
        "waiting_plane": deciding_plane(rule.dw[y]) if waits else 0,
        "pair_plane": deciding_plane(rule.dw[x]) if waits and x >= 0 else 0,
        "is_post_first": y < x,
    }


def fading_products(rule: LearningRule) -> dict[str, Any]:
    """Whether rows may be passed over once in epochs of ``u`` products, and the products by number.

    See :mod:`ssdp_neuro.engine.kernels.rule_fading`.
    """
    fades, number = rule.decimation is not None, 0
    changed: set[Variable] = set()
    places: dict[str, list[int]] = {"fading": [], "fading_post": [], "fading_pre": []}
    for target, variable in zip(TARGETS, SYNAPTIC, strict=True):
        products = getattr(rule, target)
        read = {factor.variable for product in products for factor in product.factors}
        fades = fades and not read & changed
        for name, dependency, n_synaptic in (
            ("fading", Dependency.EPOCH, 1),
            ("fading_post", Dependency.POST_SPIKE, 0),
        ):
            found = [p for p, each in enumerate(products) if each.dependency is dependency]
            own = [f for p in found for f in products[p].factors if f.variable in SYNAPTIC]
            of_kind = len(own) == n_synaptic and not any(factor.is_sign for factor in own)
            fades = fades and (not found or (len(found) == 1 and of_kind))
            places[name].append(number + found[0] if found else -1)
        of_pre = [p for p, each in enumerate(products) if each.dependency is Dependency.PRE_SPIKE]
        is_plain = len(of_pre) == 1 and not any(
            factor.variable in SYNAPTIC for factor in products[of_pre[0]].factors
        )
        places["fading_pre"].append(number + of_pre[0] if is_plain else -2 if of_pre else -1)
        number += len(products)
        changed |= {variable} if products else set()
    return {"fades": fades, **{name: _integers(found) for name, found in places.items()}}


def _integers(values: object) -> np.ndarray:
    return np.array(list(values), dtype=np.int64)  # type: ignore[call-overload]


def _starts(counts: object) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(_integers(counts))]).astype(np.int64)
