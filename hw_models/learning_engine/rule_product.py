"""One product of a learning rule: when it is added, what it multiplies, and its scale.

A rule changes a synaptic variable by a sum of products,

    mantissa * 2**exponent * dependency * (variable + constant) * (variable + constant) * ...

which is added at the end of an epoch in which the dependency holds.

References
----------
Davies et al., IEEE Micro 38(1), 2018 (sums of products); lava-nc 0.10.0,
``lava.magma.core.learning`` (``product_series``, ``constants``) for widths and limits.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any

from hw_models.choices import member
from hw_models.errors import RangeError, TypeMismatchError, brief
from hw_models.integers import integer
from hw_models.records import FrozenRecord

MANTISSA_LOW, MANTISSA_HIGH = -8, 7
EXPONENT_LOW, EXPONENT_HIGH = -7, 8
MOST_DECIMATION = 9
MOST_FACTORS = 8


class Dependency(enum.Enum):
    """When a product is added: the epoch had a spike of this neuron, or it was a k-th epoch."""

    PRE_SPIKE = "x0"
    POST_SPIKE = "y0"
    EPOCH = "u"


class Variable(enum.Enum):
    """What a factor reads: spike flags, traces, and the synapse's weight, delay and tag."""

    X0 = "x0"
    X1 = "x1"
    X2 = "x2"
    Y0 = "y0"
    Y1 = "y1"
    Y2 = "y2"
    Y3 = "y3"
    W = "w"
    D = "d"
    T = "t"

    @property
    def width(self) -> int:
        """Bits of a factor with this variable, without its sign: it saturates beyond them."""
        return _WIDTHS.get(self, 7)

    @property
    def is_synaptic(self) -> bool:
        """The synapse's own: weight, delay or tag."""
        return self in (Variable.W, Variable.D, Variable.T)


_WIDTHS = {Variable.X0: 1, Variable.Y0: 1, Variable.W: 9, Variable.D: 9, Variable.T: 9}
CONSTANT_BITS = 8


@dataclass(frozen=True, repr=False)
class Factor(FrozenRecord):
    """``variable + constant``, or the sign of it: -1, 0 or 1.

    Parameters
    ----------
    variable
        A spike flag counts 0 or 1.
    constant
        A traces': -128..127. A weight's, delay's or tag's: -256..255. A spike flag's: -2..1.
        Beyond these the factor would stand at the end of its range, whatever the variable.
    is_sign
        Only of weight, delay and tag.
    """

    variable: Variable
    constant: int = 0
    is_sign: bool = False

    def __post_init__(self) -> None:
        member("Factor.variable", self.variable, Variable)
        bits = min(self.variable.width, CONSTANT_BITS)
        where = f"Factor({self.variable.value}).constant"
        constant = integer(where, self.constant, -(1 << bits), (1 << bits) - 1)
        object.__setattr__(self, "constant", constant)
        if not isinstance(self.is_sign, bool):
            raise TypeMismatchError(f"Factor.is_sign: {brief(self.is_sign)}; a bool is needed")
        if self.is_sign and not self.variable.is_synaptic:
            raise RangeError(f"sgn({self.variable.value}): a sign is taken of w, d and t only")

    def __str__(self) -> str:
        """As Lava writes it: ``x1``, ``(x1 - 3)`` or ``sgn(w + 2)``."""
        text = self.variable.value
        if self.constant:
            text = f"{text} {'+' if self.constant > 0 else '-'} {abs(self.constant)}"
        if self.is_sign:
            return f"sgn({text})"
        return f"({text})" if self.constant else text


@dataclass(frozen=True, kw_only=True, repr=False)
class Product(FrozenRecord):
    """One term of a learning rule.

    Parameters
    ----------
    dependency
        When it is added.
    factors
        Up to 8 of :class:`Factor`, multiplied; none is a product of one.
    mantissa, exponent
        Scale ``mantissa * 2**exponent``, -8..7 and -7..8. A mantissa of -8 goes with the
        exponent 8 only: with any other, Lava's strings have no way to say it but as -4.
    decimation
        With :attr:`Dependency.EPOCH`: added in every ``2**decimation``-th epoch, 0..9.
    """

    dependency: Dependency
    factors: Any = ()
    mantissa: int = 1
    exponent: int = 0
    decimation: int = 0

    def __post_init__(self) -> None:
        put = object.__setattr__
        member("Product.dependency", self.dependency, Dependency)
        factors = tuple(self.factors)
        for factor in factors:
            if not isinstance(factor, Factor):
                raise TypeMismatchError(f"Product.factors: {brief(factor)}; a Factor is needed")
        if len(factors) > MOST_FACTORS:
            raise RangeError(f"Product.factors: {len(factors)} of them; allowed 0..{MOST_FACTORS}")
        put(self, "factors", factors)
        highest = MOST_DECIMATION if self.dependency is Dependency.EPOCH else 0
        for field, low, high in (
            ("mantissa", MANTISSA_LOW, MANTISSA_HIGH),
            ("exponent", EXPONENT_LOW, EXPONENT_HIGH),
            ("decimation", 0, highest),
        ):
            put(self, field, integer(f"Product.{field}", getattr(self, field), low, high))
        if self.mantissa == MANTISSA_LOW and self.exponent != EXPONENT_HIGH:
            raise RangeError(
                f"Product.mantissa: -8 with exponent {self.exponent}; allowed with"
                f" {EXPONENT_HIGH} only, use -4 and {self.exponent + 1}"
            )

    @property
    def width(self) -> int:
        """Bits of all factors together: Lava shifts a product back to 15 bits by them."""
        return sum(factor.variable.width for factor in self.factors)

    def __str__(self) -> str:
        """As Lava writes it, ``-3 * 2^-4 * x0 * y1``."""
        sign = "-" if self.mantissa < 0 else ""
        gate = self.dependency.value
        if self.dependency is Dependency.EPOCH:
            gate += str(self.decimation)
        magnitude = abs(self.mantissa)
        scale = [] if magnitude == 1 else [str(magnitude)]
        if self.exponent:
            scale.append(f"2^{self.exponent}")
        return sign + " * ".join([*scale, gate, *map(str, self.factors)])
