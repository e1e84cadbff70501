"""Lava's learning rules as records, with the numbers that its fixed-point model computes with."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import hw_models.lava_processes  # noqa: F401 Lava runs on this Python only after this

# isort: split
import numpy as np
from lava.magma.core.learning.learning_rule import (
    Loihi2FLearningRule,
    Loihi3FLearningRule,
    LoihiLearningRule,
)
from lava.proc.learning_rules.r_stdp_learning_rule import RewardModulatedSTDP
from lava.proc.learning_rules.stdp_learning_rule import STDPLoihi

from hw_models.choices import member
from hw_models.errors import ConversionError, LearningRuleError, SsdpError, TypeMismatchError, brief
from hw_models.learning_engine import (
    Dependency,
    Factor,
    GradedSpikes,
    LearningRule,
    PostTraces,
    Product,
    RandomStream,
    SignMode,
    TraceConfiguration,
    Variable,
    equation_text,
    parse_equation,
)
from hw_models.learning_engine.learning_rule import IMPULSE_UNITS, TARGETS, TRACE_HIGH
from hw_models.learning_engine.rule_product import EXPONENT_LOW
from hw_models.records import short_repr

LAVA_KEEPS_SENT = 65535  # time constant of what a target sends, in every Loihi3FLearningRule
LAVA_HOLDS = 2**63  # it loads impulses and time constants as integers too
AMPLITUDES = {
    STDPLoihi: ("learning_rate", "A_plus", "A_minus"),
    RewardModulatedSTDP: ("learning_rate", "A_plus", "A_minus", "eligibility_trace_decay_tau"),
}


@dataclass(frozen=True, kw_only=True, eq=False)
class LavaRule:
    """A rule of Lava as a record.

    Parameters
    ----------
    rule
        With ``RandomStream.LAVA``: what Lava's fixed-point model computes, number for number.
    notes
        What Lava rounds, cuts off or understands otherwise than it is written, in sentences.
    """

    rule: LearningRule
    notes: tuple[str, ...]

    __repr__ = short_repr


def from_lava_rule(
    rule: Any,
    *,
    sign_mode: SignMode = SignMode.MIXED,
    hears_target: bool = True,
    graded_spikes: GradedSpikes = GradedSpikes.USE_REGULAR_IMPULSE,
) -> LavaRule:
    """Read a learning rule of Lava, as its fixed-point models run it.

    Parameters
    ----------
    rule
        ``Loihi2FLearningRule``, ``Loihi3FLearningRule``, ``STDPLoihi``, ``RewardModulatedSTDP``,
        a class of yours that is one of them, or ``LoihiLearningRule``.
    sign_mode
        Of the weights; in Lava it belongs to the connection.
    hears_target
        False for a connection to which no spikes of the target come back. A
        ``LoihiLearningRule`` never hears them.
    graded_spikes
        What numbers of the source's spikes do to x1; in Lava it belongs to the connection too.

    Raises
    ------
    TypeMismatchError
        If it is no rule of Lava, or ``sign_mode`` or ``graded_spikes`` is not what it has to be.
    ConversionError
        If it says what a :class:`LearningRule` does not hold; names the term or the trace.

    Examples
    --------
    ::

        found = from_lava_rule(STDPLoihi(0.25, 1, -1, 10, 10, t_epoch=4))
        found.rule.equation("dw")  # '-2^-2 * x0 * y1 + 2^-2 * y0 * x1'
        print(*found.notes)
    """
    member("sign_mode", sign_mode, SignMode)
    member("graded_spikes", graded_spikes, GradedSpikes)
    if not isinstance(rule, LoihiLearningRule):
        raise TypeMismatchError(f"rule: {brief(rule)}; a learning rule of Lava is needed")
    where = type(rule).__name__
    notes = _amplitudes(where, rule)
    is_sent = isinstance(rule, Loihi3FLearningRule)
    hears = hears_target and isinstance(rule, (Loihi2FLearningRule, Loihi3FLearningRule))
    fields: dict[str, Any] = {}
    for target in TARGETS:
        if getattr(rule, f"{target}_str") is not None:
            fields[target], more = _equation(where, target, rule)
            notes += more
    if not hears:
        never = (
            "Lava reads no spikes of the target for this class (and hangs after 64 of them);"
            " Loihi2FLearningRule does"
            if hears_target
            else "no spikes of the target come back (nothing is connected to s_in_bap)"
        )
        fields.update({target: _unheard(where, target, fields[target]) for target in fields})
        if any(p.dependency is Dependency.POST_SPIKE for found in fields.values() for p in found):
            notes.append(f"{where}: terms of y0 never happen, as {never}")
    for name in ("x1", "x2", "y1", "y2", "y3"):
        if is_sent and name.startswith("y"):
            _check_sent(where, rule, name)
            continue
        trace, more = _trace(where, rule, name)
        notes += more
        fields[name] = trace if hears or name.startswith("x") else TraceConfiguration()
    try:
        read = LearningRule(
            **fields,
            epoch=rule.t_epoch,
            sign_mode=sign_mode,
            post_traces=PostTraces.SENT if is_sent else PostTraces.OF_SPIKES,
            graded_spikes=graded_spikes,
            random_stream=RandomStream.LAVA,
            seed=rule.rng_seed,
        )
    except SsdpError as error:
        raise ConversionError(f"{where}: {error}") from error
    return LavaRule(rule=read, notes=tuple(notes))


def _amplitudes(where: str, rule: LoihiLearningRule) -> list[str]:
    """What ready rules have made of the numbers that they were given; those are lost."""
    notes = []
    for kind, names in AMPLITUDES.items():
        if isinstance(rule, kind):
            found = ", ".join(f"{name} {_value(getattr(rule, name)):g}" for name in names)
            notes.append(
                f"{where}: {found}; Lava keeps a whole number times a power of two of what it"
                " is given, so these may be rounded"
            )
    return notes


def _value(literal: str) -> float:
    """A number as Lava's ready rules write it, ``(-1) * 2 ^ -2`` or ``0``."""
    mantissa, _, exponent = literal.replace(" ", "").partition("*2^")
    return float(int(mantissa.strip("()")) * 2.0 ** int(exponent or 0))


def _equation(
    where: str, target: str, rule: LoihiLearningRule
) -> tuple[tuple[Product, ...], list[str]]:
    """The products of an equation; if we refuse its text, those that Lava understands."""
    text = getattr(rule, f"{target}_str")
    try:
        return parse_equation(target, text), []
    except LearningRuleError as error:
        refused = error
    try:
        products = tuple(_product(product) for product in getattr(rule, target).products)
    except (SsdpError, KeyError, ValueError, TypeError):
        raise ConversionError(f"{where}.{refused}") from refused
    return products, [f"{where}.{refused}. Lava computes {target} = {equation_text(products)}"]


def _product(product: Any) -> Product:
    dependency = Dependency(product.dependency)
    return Product(
        dependency=dependency,
        factors=[
            Factor(Variable(each.state_var), each.const or 0, bool(each.is_sgn))
            for each in product.factors
        ],
        mantissa=product.s_mantissa,
        exponent=product.s_exp + EXPONENT_LOW,  # Lava counts from its lowest
        decimation=product.decimate_exponent or 0 if dependency is Dependency.EPOCH else 0,
    )


def _unheard(where: str, target: str, products: tuple[Product, ...]) -> tuple[Product, ...]:
    """The same without spikes of the target: their terms are multiplied by 0."""
    for number, product in enumerate(products, 1):
        is_of_target = product.dependency is Dependency.POST_SPIKE
        if not is_of_target and any(f.variable is Variable.Y0 for f in product.factors):
            raise ConversionError(
                f"{where}: {target}, term {number} ({str(product)!r}): y0 as a factor, but no"
                " spikes of the target are heard"
            )
    return tuple(
        dataclasses.replace(product, mantissa=0)
        if product.dependency is Dependency.POST_SPIKE
        else product
        for product in products
    )


def _trace(where: str, rule: LoihiLearningRule, name: str) -> tuple[TraceConfiguration, list[str]]:
    given, tau = getattr(rule, f"{name}_impulse"), getattr(rule, f"{name}_tau")
    for field, value in ((f"{name}_impulse", given), (f"{name}_tau", tau)):
        is_number = isinstance(value, (int, float, np.integer, np.floating))
        if not is_number or isinstance(value, bool) or not 0 <= value < LAVA_HOLDS:
            raise ConversionError(
                f"{where}.{field}: {brief(value)}; a number 0 or more is needed, below 2^63"
            )
    whole = int(np.floor(given))
    units = whole * IMPULSE_UNITS + int(np.round((given - whole) * IMPULSE_UNITS))
    impulse = min(units / IMPULSE_UNITS, TRACE_HIGH)
    notes = []
    if impulse != given:
        notes.append(
            f"{where}.{name}_impulse: {float(given):g} is {impulse:g}; a trace holds"
            f" 0..{TRACE_HIGH} and impulses in 1/{IMPULSE_UNITS}"
        )
    return TraceConfiguration(impulse=impulse, tau=float(tau)), notes


def _check_sent(where: str, rule: LoihiLearningRule, name: str) -> None:
    """Refuse to let the connection change what the target sends."""
    impulse, tau = getattr(rule, f"{name}_impulse"), getattr(rule, f"{name}_tau")
    if impulse != 0 or tau != LAVA_KEEPS_SENT:
        raise ConversionError(
            f"{where}.{name}: impulse {impulse} and tau {tau}; the target sends {name}, so they"
            f" must stay 0 and {LAVA_KEEPS_SENT}"
        )
