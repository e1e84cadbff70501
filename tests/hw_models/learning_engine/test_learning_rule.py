import copy
import pickle

import pytest
from hypothesis import given, settings

from hw_models import (
    Factor,
    LearningRule,
    LearningRuleError,
    PostTraces,
    Product,
    RangeError,
    SignMode,
    TraceConfiguration,
    TypeMismatchError,
    Variable,
    check_rule,
)
from hw_models.learning_engine.rule_product import Dependency
from tests.learning_rule_strategies import learning_rules

PRE = Dependency.PRE_SPIKE


@given(rule=learning_rules())
@settings(max_examples=50)
def test_learning_rule__is_written_and_read_copied_and_pickled_as_itself(rule):
    equations = {target: rule.equation(target) or None for target in ("dw", "dd", "dt")}
    enums = ("sign_mode", "post_traces", "graded_spikes", "random_stream")
    others = ("x1", "x2", "y1", "y2", "y3", "epoch", "seed", *enums)
    same = {name: getattr(rule, name) for name in others}
    for other in (LearningRule(**equations, **same), pickle.loads(pickle.dumps(rule))):
        assert other == rule
    assert copy.deepcopy(rule) is rule


@pytest.mark.parametrize(
    ("fields", "error", "message"),
    [
        ({}, LearningRuleError, "no equation; one of dw, dd and dt"),
        ({"dw": "u1*w + u2*w"}, LearningRuleError, r"dw, term 2 \('u2 \* w'\): u2 beside u1"),
        ({"dw": "u1*w", "dt": "x0 - u3*t"}, LearningRuleError, r"dt, term 2 .* u3 beside u1"),
        ({"dw": "x0", "epoch": 0}, RangeError, r"epoch: 0; allowed 1\.\.1023"),
        ({"dw": "x0", "seed": 2**31 - 4}, RangeError, "seed: 2147483644"),
        ({"dw": "x0", "x1": 3}, TypeMismatchError, "x1: 3; a TraceConfiguration"),
        ({"dw": "x0", "sign_mode": "mixed"}, TypeMismatchError, "sign_mode: 'mixed'"),
        ({"dw": [Variable.W]}, TypeMismatchError, "dw: <Variable.W"),
        ({"dw": 3}, TypeMismatchError, "dw: 3; an equation or Products"),
        ({"dw": [Product(dependency=PRE)] * 17}, LearningRuleError, "17 terms, .* 'x0'"),
        (
            {"dw": "x0 - 2 * y0 * x1 * (x2 - 1)", "x1": TraceConfiguration(9)},
            LearningRuleError,
            r"dw, term 2 \('-2 \* y0 \* x1 \* \(x2 - 1\)'\): x2 is no trace of this rule; give x2=",
        ),
        (
            {"dw": "x0", "post_traces": PostTraces.SENT, "y1": TraceConfiguration(1)},
            RangeError,
            "y1: .*; the target sends it",
        ),
    ],
)
def test_learning_rule__refuses_what_no_chip_holds(fields, error, message):
    with pytest.raises(error, match=message):
        LearningRule(**fields)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"impulse": -1}, r"impulse: -1\.0; allowed 0 and above, up to 127"),
        ({"impulse": 127.5}, "impulse: 127.5"),
        ({"impulse": 16.3}, r"impulse: 16\.3 is no multiple of 1/256; the nearest is 16\.30078125"),
        ({"impulse": float("nan")}, "impulse: nan"),
        ({"tau": -1}, r"tau: -1\.0"),
        ({"tau": float("inf")}, "tau: inf"),
        ({"tau": 10**400}, "tau: "),
    ],
)
def test_trace_configuration__rounds_nothing(fields, message):
    with pytest.raises(RangeError, match=message):
        TraceConfiguration(**fields)


def test_learning_rule__takes_a_trace_that_stays_at_0_if_it_is_given():
    rule = LearningRule(dw="x0 * x1", x1=TraceConfiguration())
    assert pickle.loads(pickle.dumps(rule)) == rule
    assert LearningRule(dw="x0 * y3", post_traces=PostTraces.SENT).variables


def test_trace_configuration__takes_numbers_only():
    for value in ("3", None, True):
        with pytest.raises(TypeMismatchError, match="impulse"):
            TraceConfiguration(impulse=value)


def test_trace_configuration__splits_its_impulse_and_forgets_at_once_without_tau():
    assert TraceConfiguration(16.25, 10).impulse_parts == (16, 64)
    assert [TraceConfiguration(1, tau).decay for tau in (0, 1e-320)] == [0.0, 0.0]
    assert 0.9048 < TraceConfiguration(1, 10).decay < 0.9049


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"mantissa": 8}, r"mantissa: 8; allowed -8\.\.7"),
        ({"exponent": 9}, r"exponent: 9; allowed -7\.\.8"),
        ({"mantissa": -8, "exponent": 3}, "mantissa: -8 with exponent 3; .* use -4 and 4"),
        ({"decimation": 1}, r"decimation: 1; allowed 0\.\.0"),
    ],
)
def test_product__refuses_what_its_fields_do_not_hold(fields, message):
    with pytest.raises(RangeError, match=message):
        Product(dependency=PRE, **fields)
    with pytest.raises(TypeMismatchError, match="a Factor is needed"):
        Product(dependency=PRE, factors=[Variable.X1])


def test_factor__is_checked_by_its_variable():
    with pytest.raises(RangeError, match=r"Factor\(y0\)\.constant: 2; allowed -2\.\.1"):
        Factor(Variable.Y0, 2)
    with pytest.raises(TypeMismatchError, match="is_sign: 1"):
        Factor(Variable.W, 0, 1)


def test_check_rule__lists_an_epoch_beyond_the_chips_field():
    rule = LearningRule(dw="x0", epoch=64, x1=TraceConfiguration(127), sign_mode=SignMode.MIXED)
    (violation,) = check_rule(rule, "loihi2", "a->b.plasticity")
    assert str(violation).startswith("a->b.plasticity.epoch: 64; allowed 0..63")
    assert check_rule(LearningRule(dw="x0", epoch=63), "loihi1") == ()
    with pytest.raises(TypeMismatchError, match="check_rule: None; a LearningRule"):
        check_rule(None, "loihi1")
