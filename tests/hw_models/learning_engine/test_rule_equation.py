import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hw_models import Dependency, Factor, LearningRuleError, Product, SsdpError, Variable
from hw_models.learning_engine import equation_text, parse_equation
from tests.learning_rule_strategies import products

PRE, POST, EPOCH = Dependency.PRE_SPIKE, Dependency.POST_SPIKE, Dependency.EPOCH
X1, Y1, W, T = Variable.X1, Variable.Y1, Variable.W, Variable.T


@pytest.mark.parametrize(
    ("text", "product"),
    [
        ("x0", Product(dependency=PRE)),
        (
            "-2^-4 * x0 * y1",
            Product(dependency=PRE, factors=[Factor(Y1)], mantissa=-1, exponent=-4),
        ),
        (
            "x1 * 3*2^2 * (-2) * y0",
            Product(dependency=POST, factors=[Factor(X1)], mantissa=-6, exponent=2),
        ),
        (
            "u3 * (2 - w)",
            Product(dependency=EPOCH, factors=[Factor(W, -2)], mantissa=-1, decimation=3),
        ),
        ("u0*sgn(t+1)", Product(dependency=EPOCH, factors=[Factor(T, 1, is_sign=True)])),
        ("y0 * x0", Product(dependency=POST, factors=[Factor(Variable.X0)])),
        ("80 * x0", Product(dependency=PRE, mantissa=5, exponent=4)),
        ("0.75 * x0", Product(dependency=PRE, mantissa=3, exponent=-2)),
        ("2^9 * x0", Product(dependency=PRE, mantissa=2, exponent=8)),
        ("4 * 2^-9 * x0", Product(dependency=PRE, exponent=-7)),
        ("x0 * (x1 - 3 * 2^2)", Product(dependency=PRE, factors=[Factor(X1, -12)])),
    ],
)
def test_parse_equation__reads_what_is_written(text, product):
    assert parse_equation("dw", text) == (product,)


@given(terms=st.lists(products(decimation=2), min_size=1, max_size=16))
def test_equation_text__is_read_back_as_the_same_products(terms):
    assert parse_equation("dw", equation_text(terms)) == tuple(terms)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x0 + 2*y0*q1", r"dd, term 2 \('2\*y0\*q1'\): unknown name 'q1'; known are x0"),
        ("x0*x3", "unknown name 'x3'"),
        ("x1 * y1", "no dependency"),
        ("x0 * u1", "'u1' after another dependency"),
        ("u10 * x1", r"'u10'; allowed u0\.\.u9"),
        ("9 * x0", "scale 9.0 is no mantissa.*; the nearest is 8.0"),
        ("0.7 * x0", "scale 0.7 is no mantissa.*; the nearest is 0.75"),
        ("2^-8 * x0", "scale 0.00390625 is no mantissa"),
        ("2^999 * 2^999 * x0", "scale beyond every float"),
        ("x0 * (x1 + 128)", r"Factor\(x1\)\.constant: 128; allowed -128\.\.127"),
        ("x0 * (w - 257)", r"Factor\(w\)\.constant: -257; allowed -256\.\.255"),
        ("x0 * (x1 + 0.5)", "constant 0.5; whole numbers"),
        ("x0 * (-x1)", "'-x1' in a bracket"),
        ("x0 * (x1 * 2)", r"'\*' in a bracket"),
        ("y0 * (x0)", r"\(x0\): write x0 without the bracket"),
        ("x0 * (x1 + y1)", "a bracket holds one variable"),
        ("x0 * (x1 + 2 + 3)", "a bracket holds one variable"),
        ("x0 * sgn(x1)", r"sgn\(x1\): a sign is taken of w, d and t only"),
        ("x0 * sgn(3 - w)", "'-w' in a bracket"),
        ("x0 * sgn w", r"sgn without '\('"),
        ("x0 y1", r"'y1' where '\*' is needed"),
        ("x0 - - y0", r"term 2 \(''\): ends where"),
        ("x0 * (x1", "ends where"),
        ("x0 * y1)", r"'\)' where '\*' is needed"),
        ("12^3 * x0", r"'\^3 \* x0' cannot be read"),
        ("", "an empty equation"),
        (" + ".join(["x0"] * 17), "17 terms, the first too many is 'x0'; allowed 16"),
        ("*".join(["x0"] + ["x1"] * 9), r"Product\.factors: 9 of them; allowed 0\.\.8"),
        ("x0" * 2001, "4002 characters; allowed 4000"),
        (3, "dd: 3; an equation is needed"),
    ],
)
def test_parse_equation__names_the_term_that_it_refuses(text, message):
    with pytest.raises(LearningRuleError, match=message):
        parse_equation("dd", text)


PIECES = ["x0", "x1", "y0", "w", "t", "u1", "2^-3", "3", "0.5", "*", "+", "-", "(", ")", "sgn", " "]


@given(text=st.lists(st.sampled_from(PIECES)).map("".join) | st.text())
@settings(max_examples=300)
def test_parse_equation__answers_any_text_with_products_or_an_error(text):
    try:
        found = parse_equation("dw", text)
    except SsdpError:
        return
    assert parse_equation("dw", equation_text(found)) == found
