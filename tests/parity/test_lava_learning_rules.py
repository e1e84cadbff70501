"""Our reading of learning rules beside Lava's own: the same products for the same strings."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hw_models.lava_processes  # noqa: F401 Lava runs on this Python only after this
from hw_models import Dependency, LearningRuleError
from hw_models.learning_engine import equation_text, parse_equation
from tests.learning_rule_strategies import products

from lava.magma.core.learning.learning_rule import Loihi2FLearningRule  # isort: skip
from lava.proc.learning_rules.r_stdp_learning_rule import RewardModulatedSTDP  # isort: skip
from lava.proc.learning_rules.stdp_learning_rule import STDPLoihi  # isort: skip

pytestmark = pytest.mark.lava


def of_lava(text):
    """What Lava makes of a string, in plain tuples; it keeps exponents from 0 on."""
    return [
        (
            product.dependency,
            product.decimate_exponent or 0,
            product.s_mantissa,
            product.s_exp - 7,
            [(f.state_var, f.const or 0, f.is_sgn) for f in product.factors],
        )
        for product in Loihi2FLearningRule(dw=text).dw.products
    ]


def of_ours(found):
    return [
        (
            product.dependency.value,
            product.decimation,
            product.mantissa,
            product.exponent,
            [(f.variable.value, f.constant, f.is_sign) for f in product.factors],
        )
        for product in found
    ]


@given(terms=st.lists(products(decimation=3), min_size=1, max_size=5))
@settings(max_examples=200, deadline=None)
def test_equation_text__is_read_by_lava_as_the_same_products(terms):
    assert of_lava(equation_text(terms)) == of_ours(terms)


SCALES = ["2", "3*2^-2", "2 ^ -3", "2^+1", "(-1)", "(2^2)", "(-3*2^1)", "14", "1", "0"]
FACTORS = ["x1", "y2", "(x1 - 3)", "(2 - y1)", "(y0 + 1)", "( w+5 )", "sgn(t)", "sgn(-2 + d)"]


@given(
    terms=st.lists(
        st.tuples(
            st.sampled_from("+-"),
            st.permutations(["x0", "y0", "x2"]) | st.permutations(["u2", "(t + 2^3)", "w"]),
            st.lists(st.sampled_from(SCALES), max_size=2),
            st.lists(st.sampled_from(FACTORS), max_size=3),
            st.randoms(use_true_random=False),
        ),
        min_size=1,
        max_size=4,
    )
)
@settings(max_examples=300, deadline=None)
def test_parse_equation__reads_what_lava_reads(terms):
    text = ""
    for sign, names, scales, factors, random in terms:
        rest = [*scales, *factors, *names[1:]]
        random.shuffle(rest)
        text += f" {sign}{' * '.join([names[0], *rest])}"
    try:
        expected = of_lava(text)
    except ValueError:  # a scale that no mantissa holds, or in Lava's eyes no exponent
        with suppress(LearningRuleError):
            assert of_lava(equation_text(parse_equation("dw", text)))
        return
    assert of_ours(parse_equation("dw", text)) == expected


@pytest.mark.parametrize("scale", [1, 0.25, 2, -1, 0.3, 0.7, 1.5, 3.7])
def test_parse_equation__reads_what_lavas_ready_rules_write(scale):
    """They round their amplitudes, 0.7 to 0.5 and 1.5 to 2, before anyone can see it."""
    stdp = STDPLoihi(
        learning_rate=1, A_plus=scale, A_minus=-scale, tau_plus=10, tau_minus=10, t_epoch=4
    )
    reward = RewardModulatedSTDP(
        learning_rate=1,
        A_plus=2,
        A_minus=-2,
        pre_trace_decay_tau=10,
        post_trace_decay_tau=10,
        pre_trace_kernel_magnitude=16,
        post_trace_kernel_magnitude=16,
        eligibility_trace_decay_tau=abs(scale),
        t_epoch=4,
    )
    for text in (stdp.dw_str, reward.dt_str, reward.dw_str):
        found = parse_equation("dw", text)
        assert of_ours(found) == of_lava(text)
        assert {product.dependency for product in found} <= set(Dependency)


@pytest.mark.parametrize(
    ("text", "lava"),
    [
        ("x0 * (-x1)", "x0 * x1"),
        ("x0 * (x1 * 2)", "x0 * (x1 + 2)"),
        ("y0 * (x0)", "y0"),
        ("x0 y1", "x0 * y1"),
        ("x0 * (x1 + 2 + 3)", "x0 * (x1 + 2)"),
        ("u10 * w", "0 * u1 * w"),
    ],
)
def test_parse_equation__refuses_what_lava_misreads(text, lava):
    assert of_lava(text) == of_lava(lava)
    with pytest.raises(LearningRuleError, match="term 1"):
        parse_equation("dw", text)
