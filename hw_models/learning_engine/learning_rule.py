"""A learning rule of the chip's learning engine, frozen: equations, traces, epoch, randomness.

    rule = LearningRule(
        dw="2^-2 * y0 * x1 - 2^-2 * x0 * y1",
        x1=TraceConfiguration(impulse=16, tau=10),
        y1=TraceConfiguration(impulse=16, tau=10),
    )

is pair STDP. A trace decays by ``exp(-1 / tau)`` a step and rises by its impulse with a spike.
At the end of every epoch the products whose dependency held are added to the synaptic variables,
``dw`` to the weight, ``dd`` to the delay (a variable that delays nothing), ``dt`` to the tag.
The exact arithmetic is that of lava-nc 0.10.0, ``LearningConnectionModelBitApproximate``; it is
written out in ``ssdp_neuro/oracle/learning_connection.py``, and in words in
docs/explanation/learning_engine.md.
"""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from hw_models.choices import member
from hw_models.errors import LearningRuleError, RangeError, TypeMismatchError, brief
from hw_models.integers import integer, real
from hw_models.learning_engine.rule_equation import MOST_PRODUCTS, equation_text, parse_equation
from hw_models.learning_engine.rule_product import Dependency, Product, Variable
from hw_models.records import FrozenRecord

TRACE_HIGH = 127
NUMBER_HIGH = 510  # of a graded spike: half of it is kept in 8 bits
IMPULSE_UNITS = 256  # an impulse's fraction is kept in 8 bits
LONGEST_EPOCH = 1023
MOST_SEED = 2**31 - 5  # Lava counts up to three further
TARGETS = ("dw", "dd", "dt")
TRACES = ("x1", "x2", "y1", "y2", "y3")
RULE_STATE = ("weights", "tag_1", "tag_2", *TRACES)  # all that a projection under a rule has
TAG_LIMITS = {"tag_1": (-257, 255), "tag_2": (0, 255)}  # -257 only after learning, see the docs


class SignMode(enum.Enum):
    """The sign that the weights of a projection have, learned ones too."""

    MIXED = "mixed"
    EXCITATORY = "excitatory"
    INHIBITORY = "inhibitory"

    @property
    def limits(self) -> tuple[int, int]:
        """Lowest and highest weight mantissa."""
        return _LIMITS[self.value]


_LIMITS = {"mixed": (-256, 255), "excitatory": (0, 255), "inhibitory": (-255, 0)}


class PostTraces(enum.Enum):
    """Where y1, y2 and y3 come from: traces of the target's spikes, or numbers that it sends.

    The first makes a rule of two factors, the second one of three: the target sends three
    integers per neuron and step, and a rule reads those of the last step of the epoch.
    """

    OF_SPIKES = "of spikes"
    SENT = "sent"


class GradedSpikes(enum.Enum):
    """What the number that comes with a source's spike does to its trace x1; Lava's names.

    Half of it, rounded to even, is ``h`` (of a spike of a network, whose number is 1, that is 0):

    - ``USE_REGULAR_IMPULSE``: nothing; the impulse of x1 is added.
    - ``OVERWRITE``: x1 becomes h.
    - ``ADD_WITH_SATURATION``: x1 becomes ``min((x1 + h) % 256, 127)``.
    - ``ADD_WITHOUT_SATURATION``: x1 becomes ``(x1 + h) % 256``, less 127 where that is above 127;
      the spike counts (x0, x2) only there.
    """

    USE_REGULAR_IMPULSE = "use regular impulse"
    OVERWRITE = "overwrite"
    ADD_WITH_SATURATION = "add with saturation"
    ADD_WITHOUT_SATURATION = "add without saturation"


class RandomStream(enum.Enum):
    """Which random numbers round traces and synaptic variables.

    ``COUNTER`` draws one for every trace of every neuron and every synapse, a function of seed,
    epoch and place. ``LAVA`` draws what lava-nc draws: one number for a whole matrix, one for
    all x traces and steps of an epoch, from NumPy's generators in Lava's order.
    """

    COUNTER = "counter"
    LAVA = "lava"


@dataclass(frozen=True, repr=False)
class TraceConfiguration(FrozenRecord):
    """How one trace answers spikes and how it forgets them; a trace holds 0..127.

    Parameters
    ----------
    impulse
        Added with a spike, 0..127, in units of 1/256: a fraction is added by chance. Lava
        rounds finer ones without a word; here they are refused.
    tau
        Time constant in steps, 0 or more; 0 forgets within the step.
    """

    impulse: float = 0
    tau: float = 0

    def __post_init__(self) -> None:
        for field, high in (("impulse", float(TRACE_HIGH)), ("tau", math.inf)):
            value = getattr(self, field)
            where = f"TraceConfiguration.{field}"
            if isinstance(value, (bool, np.bool_)) or not isinstance(
                value, (int, float, np.integer, np.floating)
            ):
                raise TypeMismatchError(f"{where}: {brief(value)}; a number is needed")
            number = real(where, float(value) if isinstance(value, np.generic) else value)
            if not 0 <= number <= high or math.isinf(number):
                raise RangeError(f"{where}: {number}; allowed 0 and above, up to {high}")
            object.__setattr__(self, field, number)
        units = self.impulse * IMPULSE_UNITS
        if units != int(units):
            nearest = round(units) / IMPULSE_UNITS
            raise RangeError(
                f"TraceConfiguration.impulse: {self.impulse} is no multiple of"
                f" 1/{IMPULSE_UNITS}; the nearest is {nearest}"
            )

    @property
    def decay(self) -> float:
        """What a step leaves of the trace, ``exp(-1 / tau)`` as NumPy computes it."""
        if self.tau == 0:
            return 0.0
        with np.errstate(over="ignore"):
            return float(np.exp(np.array([-1.0]) / self.tau)[0])

    @property
    def impulse_parts(self) -> tuple[int, int]:
        """Whole part of the impulse, and its fraction in 1/256."""
        return divmod(int(self.impulse * IMPULSE_UNITS), IMPULSE_UNITS)


NO_TRACE = TraceConfiguration()  # this very one stands for a trace that was not given


@dataclass(frozen=True, kw_only=True, repr=False)
class LearningRule(FrozenRecord):
    """What changes the synapses of one projection at the end of every epoch.

    Parameters
    ----------
    dw, dd, dt
        Products that change weight, delay and tag: an equation in Lava's notation (see
        :mod:`hw_models.learning_engine.rule_equation`) or :class:`Product` records, up to 16;
        None or () for none. At least one of the three. All ``u_k`` have the same k.
    x1, x2, y1, y2, y3
        Traces of source (x) and target (y); y ones only where they are traces of spikes. One that
        an equation reads has to be given, if only as ``TraceConfiguration()``, which stays 0.
    epoch
        Steps from one change to the next, 1..1023. A chip holds fewer: see ``check_rule``.
    sign_mode
        Range of the weights: -256..255, 0..255 or -255..0.
    post_traces
        Two factors (traces of the target's spikes) or three (numbers that it sends).
    graded_spikes
        What numbers of a source's spikes do to x1, whose impulse is 0 then.
    random_stream
        A number per synapse, or Lava's.
    seed
        Of the random numbers, 0..2**31 - 5. Lava's weights are rounded by a seed of their own.

    Raises
    ------
    LearningRuleError
        If an equation cannot be read or held, or reads a trace that is not given, or there is
        none; names the term.

    Examples
    --------
    >>> trace = TraceConfiguration(16, 10)
    >>> rule = LearningRule(dw="2^-2 * y0 * x1 - x0 * y1", x1=trace, y1=trace)
    >>> rule.equation("dw")
    '2^-2 * y0 * x1 - x0 * y1'
    >>> LearningRule(dw="0.7 * x0 * y1")
    Traceback (most recent call last):
    hw_models.errors.LearningRuleError: dw, term 1 ('0.7 * x0 * y1'): scale 0.7 is no mantissa \
-8..7 times 2^-7..2^8; the nearest is 0.75
    """

    dw: Any = ()
    dd: Any = ()
    dt: Any = ()
    x1: TraceConfiguration = NO_TRACE
    x2: TraceConfiguration = NO_TRACE
    y1: TraceConfiguration = NO_TRACE
    y2: TraceConfiguration = NO_TRACE
    y3: TraceConfiguration = NO_TRACE
    epoch: int = 1
    sign_mode: SignMode = SignMode.MIXED
    post_traces: PostTraces = PostTraces.OF_SPIKES
    graded_spikes: GradedSpikes = GradedSpikes.USE_REGULAR_IMPULSE
    random_stream: RandomStream = RandomStream.COUNTER
    seed: int = 0

    def __post_init__(self) -> None:
        put = object.__setattr__
        for target in TARGETS:
            put(self, target, _products(target, getattr(self, target)))
        if not any(getattr(self, target) for target in TARGETS):
            raise LearningRuleError("LearningRule: no equation; one of dw, dd and dt is needed")
        for field, kind in (
            ("sign_mode", SignMode),
            ("post_traces", PostTraces),
            ("graded_spikes", GradedSpikes),
            ("random_stream", RandomStream),
        ):
            member(f"LearningRule.{field}", getattr(self, field), kind)
        for field in TRACES:
            trace = getattr(self, field)
            if not isinstance(trace, TraceConfiguration):
                raise TypeMismatchError(
                    f"LearningRule.{field}: {brief(trace)}; a TraceConfiguration is needed"
                )
            sent = self.post_traces is PostTraces.SENT and field.startswith("y")
            if sent and trace != NO_TRACE:
                raise RangeError(
                    f"LearningRule.{field}: {trace}; the target sends it, so it is no trace here"
                )
        if self.takes_numbers and self.x1.impulse:
            raise RangeError(
                f"LearningRule.x1: impulse {self.x1.impulse}; 0 is needed with"
                f" {self.graded_spikes}, numbers of spikes take its place"
            )
        put(self, "epoch", integer("LearningRule.epoch", self.epoch, 1, LONGEST_EPOCH))
        put(self, "seed", integer("LearningRule.seed", self.seed, 0, MOST_SEED))
        self._check_decimation()
        self._check_traces()

    def _check_decimation(self) -> None:
        first = None
        for target in TARGETS:
            for number, product in enumerate(getattr(self, target), 1):
                if product.dependency is not Dependency.EPOCH:
                    continue
                first = product.decimation if first is None else first
                if product.decimation != first:
                    raise LearningRuleError(
                        f"{target}, term {number} ({str(product)!r}): u{product.decimation}"
                        f" beside u{first}; a rule has one k in all of its equations"
                    )

    def _check_traces(self) -> None:
        for target in TARGETS:
            for number, product in enumerate(getattr(self, target), 1):
                for name in (factor.variable.value for factor in product.factors):
                    is_sent = self.post_traces is PostTraces.SENT and name.startswith("y")
                    if name in TRACES and not is_sent and getattr(self, name) is NO_TRACE:
                        raise LearningRuleError(
                            f"{target}, term {number} ({str(product)!r}): {name} is no trace of"
                            f" this rule; give {name}=TraceConfiguration(impulse, tau)"
                        )

    def equation(self, target: str) -> str:
        """The equation of ``"dw"``, ``"dd"`` or ``"dt"`` in Lava's notation; empty if none."""
        if target not in TARGETS:
            raise LearningRuleError(f"LearningRule.equation: {brief(target)}; one of {TARGETS}")
        return equation_text(getattr(self, target))

    @property
    def takes_numbers(self) -> bool:
        """Whether numbers that come with a source's spikes go into x1."""
        return self.graded_spikes is not GradedSpikes.USE_REGULAR_IMPULSE

    @property
    def decimation(self) -> int | None:
        """The k of its ``u_k``; None if it has none."""
        for target in TARGETS:
            for product in getattr(self, target):
                if product.dependency is Dependency.EPOCH:
                    return int(product.decimation)
        return None

    @property
    def variables(self) -> frozenset[Variable]:
        """All that its equations read, the spikes of dependencies among them."""
        products = [product for target in TARGETS for product in getattr(self, target)]
        read = {factor.variable for product in products for factor in product.factors}
        spikes = {product.dependency for product in products} - {Dependency.EPOCH}
        return frozenset(read | {Variable(dependency.value) for dependency in spikes})

    def state_bits(self, n_pre: int, n_post: int, n_synapses: int) -> int:
        """Memory of a projection under this rule, beside its weights.

        A trace that is read takes 7 bits of every neuron, the step of a spike within the epoch
        as many as tell 0..epoch apart, a tag 9 bits and a delay variable 8 of every synapse.
        """
        bits = 0
        for end, size in (("x", n_pre), ("y", n_post)):
            names = {variable.value for variable in self.variables if variable.value[0] == end}
            traces = len(names - {f"{end}0"})
            bits += size * (7 * traces + (self.epoch.bit_length() if names else 0))
        for target, variable, width in (("dt", Variable.T, 9), ("dd", Variable.D, 8)):
            if getattr(self, target) or variable in self.variables:
                bits += n_synapses * width
        return bits

    @property
    def weight_low(self) -> int:
        """Lowest weight mantissa."""
        return self.sign_mode.limits[0]

    @property
    def weight_high(self) -> int:
        """Highest weight mantissa."""
        return self.sign_mode.limits[1]


def learning_names(network: Any) -> tuple[str, ...]:
    """Projections of a network that have a LearningRule."""
    return tuple(
        projection.name
        for projection in network.projections
        if isinstance(getattr(projection, "plasticity", None), LearningRule)
    )


def _products(target: str, given: Any) -> tuple[Product, ...]:
    if given is None:
        return ()
    if isinstance(given, str):
        return parse_equation(target, given)
    try:
        products = tuple(given)
    except TypeError:
        products = (given,)
    for product in products:
        if not isinstance(product, Product):
            raise TypeMismatchError(
                f"LearningRule.{target}: {brief(product)}; an equation or Products are needed"
            )
    if len(products) > MOST_PRODUCTS:
        raise LearningRuleError(
            f"{target}: {len(products)} terms, the first too many is"
            f" {str(products[MOST_PRODUCTS])!r}; allowed {MOST_PRODUCTS}"
        )
    return products
