"""Learning rules as text, in Lava's notation: ``"2^-4 * x0 * y1 - 3 * 2^-2 * y0 * (x1 - 5)"``.

    equation  = ["+" | "-"] term {("+" | "-") term}
    term      = atom {"*" atom}
    atom      = scale | name | "(" sum ")" | "sgn(" sum ")"
    sum       = variable | variable ("+" | "-") whole | whole ("+" | "-") variable
    scale     = number | "2^" exponent | "(" ["-"] scale ")"; those of a term are multiplied
    whole     = a whole number, written as 12, 2^3 or 3 * 2^2
    name      = x0 x1 x2 y0 y1 y2 y3 w d t, or u0..u9

The first of x0, y0 and u_k in a term is its dependency, later spike flags are factors. What Lava
accepts by accident and understands otherwise than it reads is refused: ``(-x1)`` (Lava: x1),
``(x1 * 2)`` (x1 + 2), ``(x0)`` (nothing), ``u10`` (u1, times 0), missing ``*``. Numbers may have a
decimal point where they are exactly a mantissa times a power of two; nothing is rounded.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from hw_models.errors import LearningRuleError, RangeError, brief
from hw_models.learning_engine.rule_product import (
    EXPONENT_HIGH,
    EXPONENT_LOW,
    MANTISSA_HIGH,
    MANTISSA_LOW,
    MOST_DECIMATION,
    Dependency,
    Factor,
    Product,
    Variable,
)

MOST_PRODUCTS = 16  # of one equation; a bound of ours, no figure of a chip is public
LONGEST_EQUATION = 4000
VARIABLES = {variable.value: variable for variable in Variable}
SPIKE_FLAGS = {"x0": Dependency.PRE_SPIKE, "y0": Dependency.POST_SPIKE}
EPOCH_NAME = re.compile(r"u([0-9]+)")
TOKEN = re.compile(
    r"(?P<power>2\s*\^\s*[-+]?\s*[0-9]{1,3}(?![0-9]))"
    r"|(?P<number>[0-9]{1,30}(?:\.[0-9]{0,30})?(?![0-9.]))"
    r"|(?P<name>[^\W\d]\w*)|(?P<mark>[-+*()])"
)
NAMES = ", ".join(VARIABLES)


def parse_equation(target: str, text: str) -> tuple[Product, ...]:
    """The products of an equation in Lava's notation; see the module for the grammar.

    Parameters
    ----------
    target
        What the equation changes, for messages: ``"dw"``, ``"dd"`` or ``"dt"``.
    text
        At most 4000 characters and 16 terms.

    Returns
    -------
    tuple of Product
        In the order of the terms, with the scales that Lava itself would choose. Scales that
        Lava refuses although a mantissa and an exponent hold them, such as 2^9, are accepted.

    Raises
    ------
    LearningRuleError
        Names the term: an unknown name, no dependency, a scale that cannot be held, a constant
        outside of its factor, and everything that the grammar does not know.

    Examples
    --------
    >>> (product,) = parse_equation("dw", "-3 * 2^-2 * y0 * (x1 - 5)")
    >>> product.mantissa, product.exponent, product.factors
    (-3, -2, (Factor(variable=Variable.X1, constant=-5),))
    >>> print(product)
    -3 * 2^-2 * y0 * (x1 - 5)
    """
    if not isinstance(text, str):
        raise LearningRuleError(f"{target}: {brief(text)}; an equation is needed, as a string")
    if len(text) > LONGEST_EQUATION:
        raise LearningRuleError(f"{target}: {len(text)} characters; allowed {LONGEST_EQUATION}")
    terms = _terms(target, text)
    if len(terms) > MOST_PRODUCTS:
        raise LearningRuleError(
            f"{target}: {len(terms)} terms, the first too many is {terms[MOST_PRODUCTS].text!r};"
            f" allowed {MOST_PRODUCTS}"
        )
    return tuple(
        _TermReader(f"{target}, term {number}", term).product()
        for number, term in enumerate(terms, 1)
    )


def equation_text(products: Iterable[Product]) -> str:
    """Products as an equation that :func:`parse_equation` and Lava read back as the same ones.

    Examples
    --------
    >>> equation_text(parse_equation("dt", "y0*x1*2^-1 + (-2)*u3*t"))
    '2^-1 * y0 * x1 - 2 * u3 * t'
    """
    text = ""
    for product in products:
        one = str(product)
        if not text:
            text = one
        elif one.startswith("-"):
            text += f" - {one[1:]}"
        else:
            text += f" + {one}"
    return text


Token = tuple[str, str]  # kind and word


@dataclass
class _Term:
    """Sign and tokens of one term, and its text for messages."""

    sign: int
    tokens: list[Token]
    text: str = ""


def _terms(target: str, text: str) -> list[_Term]:
    """Cut an equation at the signs that stand outside of brackets."""
    terms: list[_Term] = []
    depth = position = 0
    while True:
        while position < len(text) and text[position].isspace():
            position += 1
        if position == len(text):
            break
        match = TOKEN.match(text, position)
        if match is None:
            raise _unreadable(target, text, position, terms)
        kind, word = str(match.lastgroup), "".join(match.group().split())
        depth += (word == "(") - (word == ")")
        if depth == 0 and word in ("+", "-"):
            terms.append(_Term(-1 if word == "-" else 1, []))
            term_start = match.end()
        else:
            if not terms:
                terms.append(_Term(1, []))
                term_start = position
            terms[-1].tokens.append((kind, word))
        position = match.end()
        terms[-1].text = text[term_start:position].strip()
    if not terms:
        raise LearningRuleError(f"{target}: an empty equation; leave it out, None, for no rule")
    return terms


def _unreadable(target: str, text: str, position: int, terms: list[_Term]) -> LearningRuleError:
    """Names the term, which goes on up to the next sign outside of brackets."""
    begun = terms[-1].text if terms else ""
    rest = re.match(r"(?:\([^()]*\)|[^-+])*", text[position:])
    term = begun + (rest.group() if rest else "")
    where = f"{target}, term {max(len(terms), 1)} ({brief(term.strip())})"
    return LearningRuleError(f"{where}: {text[position : position + 20]!r} cannot be read")


class _TermReader:
    """Reads one term's tokens, left to right."""

    def __init__(self, where: str, term: _Term):
        self.where = f"{where} ({brief(term.text)})"
        self.tokens = term.tokens
        self.position = 0
        self.mantissa = Fraction(term.sign)
        self.exponent = 0
        self.dependency: Dependency | None = None
        self.decimation = 0
        self.factors: list[Factor] = []

    def product(self) -> Product:
        self.atom()
        while self.position < len(self.tokens):
            _, word = self.tokens[self.position]
            if word != "*":
                raise self.error(f"{word!r} where '*' is needed")
            self.position += 1
            self.atom()
        if self.dependency is None:
            raise self.error("no dependency; one of x0, y0 and u0..u9 is needed in every term")
        mantissa, exponent = self.mantissa_and_exponent()
        try:
            return Product(
                dependency=self.dependency,
                factors=tuple(self.factors),
                mantissa=mantissa,
                exponent=exponent,
                decimation=self.decimation,
            )
        except RangeError as error:
            raise self.error(str(error)) from None

    def error(self, message: str) -> LearningRuleError:
        return LearningRuleError(f"{self.where}: {message}")

    def next(self) -> tuple[str, str]:
        if self.position == len(self.tokens):
            raise self.error("ends where a name, a number or a bracket is needed")
        token = self.tokens[self.position]
        self.position += 1
        return token

    def atom(self) -> None:
        kind, word = self.next()
        if word == "(":
            self.bracket(False)
        elif kind == "name" and word == "sgn":
            if self.next()[1] != "(":
                raise self.error("sgn without '('; sgn(w), sgn(d + 3), sgn(t - 1) are forms of it")
            self.bracket(True)
        elif kind == "name":
            self.name(word)
        elif kind in ("power", "number"):
            self.multiply(kind, word)
        else:
            raise self.error(f"{word!r} where a name, a number or a bracket is needed")

    def name(self, word: str) -> None:
        epoch = EPOCH_NAME.fullmatch(word)
        if epoch is not None:
            if len(epoch[1]) > 1:
                raise self.error(f"{word!r}; allowed u0..u{MOST_DECIMATION}")
            if self.dependency is not None:
                raise self.error(f"{word!r} after another dependency; it must be the first")
            self.dependency, self.decimation = Dependency.EPOCH, int(epoch[1])
        elif self.dependency is None and word in SPIKE_FLAGS:
            self.dependency = SPIKE_FLAGS[word]
        else:
            self.factors.append(Factor(self.variable(word)))

    def variable(self, word: str) -> Variable:
        if word not in VARIABLES:
            raise self.error(f"unknown name {word!r}; known are {NAMES} and u0..u{MOST_DECIMATION}")
        return VARIABLES[word]

    def multiply(self, kind: str, word: str) -> None:
        if kind == "power":
            self.exponent += int(word[2:])
        else:
            self.mantissa *= Fraction(word)

    def bracket(self, is_sign: bool) -> None:
        """What stands between an open bracket and its end: a scale, or a variable and a number."""
        summands = self.summands()
        variables = [(sign, tokens[0][1]) for sign, tokens in summands if tokens[0][0] == "name"]
        numbers = [(sign, tokens) for sign, tokens in summands if tokens[0][0] != "name"]
        if not variables and len(numbers) == 1 and not is_sign:
            sign, tokens = numbers[0]
            self.mantissa *= sign
            for kind, word in tokens:
                self.multiply(kind, word)
            return
        if len(variables) != 1 or len(numbers) > 1:
            raise self.error("a bracket holds one variable and at most one whole number")
        sign, word = variables[0]
        variable = self.variable(word)
        if sign < 0 and (is_sign or not numbers):
            raise self.error(f"'-{word}' in a bracket; put the minus before the whole term")
        if word in SPIKE_FLAGS and not numbers:
            raise self.error(f"({word}): write {word} without the bracket")
        constant = Fraction(0)
        for number_sign, tokens in numbers:
            values = (Fraction(2) ** int(w[2:]) if k == "power" else Fraction(w) for k, w in tokens)
            constant += number_sign * sign * math.prod(values)
        if constant.denominator != 1:
            raise self.error(f"constant {float(constant)}; whole numbers are needed in a bracket")
        self.mantissa *= sign
        try:
            self.factors.append(Factor(variable, int(constant), is_sign))
        except RangeError as error:
            raise self.error(str(error)) from None

    def summands(self) -> list[tuple[int, list[Token]]]:
        """Sign and tokens of each summand, up to the closing bracket: a name, 3, 2^4 or 3 * 2^4."""
        found: list[tuple[int, list[Token]]] = []
        sign = 1
        is_open = True  # a summand must follow
        while True:
            kind, word = self.next()
            if word == ")" and not is_open:
                return found
            if word in ("+", "-") and (not is_open or not found):
                sign = -1 if word == "-" else 1
                is_open = True
            elif kind in ("name", "number", "power") and is_open:
                found.append((sign, [(kind, word)]))
                is_open = False
            elif word == "*" and not is_open and found[-1][1][-1][0] == "number":
                token = self.next()
                if token[0] != "power":
                    raise self.error(f"'* {token[1]}' in a bracket; (x1 + 3 * 2^1) is a form of it")
                found[-1][1].append(token)
            else:
                raise self.error(f"{word!r} in a bracket; (x1 + 3), (3 - x1), (-2) are forms of it")

    def mantissa_and_exponent(self) -> tuple[int, int]:
        """The scale as Lava keeps it: literals multiplied, then halved while too large."""
        rest = self.mantissa.denominator  # of decimals, a power of two where they are exact
        if rest & (rest - 1):
            raise self.scale_error()
        mantissa, exponent = self.mantissa.numerator, self.exponent - (rest.bit_length() - 1)
        while mantissa and (abs(mantissa) > MANTISSA_HIGH or exponent < EXPONENT_LOW):
            if mantissa % 2 or exponent >= EXPONENT_HIGH:
                break
            mantissa, exponent = mantissa // 2, exponent + 1
        while exponent > EXPONENT_HIGH and mantissa and abs(2 * mantissa) <= MANTISSA_HIGH:
            mantissa, exponent = 2 * mantissa, exponent - 1
        if mantissa == 0 and not EXPONENT_LOW <= exponent <= EXPONENT_HIGH:
            exponent = 0
        in_range = MANTISSA_LOW <= mantissa <= MANTISSA_HIGH
        if not in_range or not EXPONENT_LOW <= exponent <= EXPONENT_HIGH:
            raise self.scale_error()
        return mantissa, exponent

    def scale_error(self) -> LearningRuleError:
        scale = self.mantissa * Fraction(2) ** self.exponent
        nearest = min(
            (
                mantissa * Fraction(2) ** exponent
                for mantissa in range(-MANTISSA_HIGH, MANTISSA_HIGH + 1)
                for exponent in range(EXPONENT_LOW, EXPONENT_HIGH + 1)
            ),
            key=lambda value: abs(value - scale),
        )
        return self.error(
            f"scale {_decimal(scale)} is no mantissa {MANTISSA_LOW}..{MANTISSA_HIGH} times"
            f" 2^{EXPONENT_LOW}..2^{EXPONENT_HIGH}; the nearest is {_decimal(nearest)}"
        )


def _decimal(value: Fraction) -> str:
    try:
        return repr(float(value))
    except OverflowError:
        return "beyond every float"
