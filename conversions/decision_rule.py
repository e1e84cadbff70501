"""What the user of a converted network does with its output: how a class is made of a run."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from hw_models import InputError
from hw_models.choices import member
from ssdp_neuro.decision import UNDECIDED, first_spikes

if TYPE_CHECKING:
    from ssdp_neuro.engine.results import RunResult

SPIKES, POTENTIAL = "spikes", "v"


class StepWeights(enum.Enum):
    """Which of the model's steps a term looks at; all but ``GIVEN`` hold for any number of them."""

    ALL = "summed over the steps"
    LAST = "in the last step"
    EACH = "in each step"
    GIVEN = "weighed by the step"


class Reduction(enum.Enum):
    """What makes one score of several, one for each step."""

    SUM = "sum"
    LARGEST = "largest"


class Squash(enum.Enum):
    """A function of the scores of one step."""

    SOFTMAX = "softmax"
    LOG_SOFTMAX = "log_softmax"
    SIGMOID = "sigmoid"
    TANH = "tanh"
    EXP = "exp"

    def of(self, scores: np.ndarray) -> np.ndarray:
        """The function of scores ``(..., K)``; the classes are the last axis."""
        if self is Squash.SIGMOID:
            return 0.5 * (1.0 + np.tanh(0.5 * scores))
        if self is Squash.TANH:
            return np.tanh(scores)
        if self is Squash.EXP:
            return np.exp(scores)
        lowered = scores - scores.max(axis=-1, keepdims=True)
        total = np.exp(lowered).sum(axis=-1, keepdims=True)
        return lowered - np.log(total) if self is Squash.LOG_SOFTMAX else np.exp(lowered) / total


class Ties(enum.Enum):
    """Which of several classes of the same score is decided for."""

    LOWEST = "the lowest class"
    EARLIEST_SPIKE = "the class that spiked first, and none where nothing spiked"


@dataclass(frozen=True, kw_only=True, eq=False)
class ScoreTerm:
    """A linear map of what one population does, added to the scores.

    Parameters
    ----------
    population
        Name in the network.
    variable
        ``"spikes"``, or ``"v"`` for the membrane potential after each step.
    classes, neurons, weights
        int64, int64 and float64 ``(n,)``: score of which class is given which neuron's value
        times what.
    steps
        Which steps count.
    factors
        float64 ``(L, T)`` of ``GIVEN``: what each of T steps counts in each of L scores
        that are reduced to one.
    shift
        Step of a run in which the population does what it does in step 0 of the model.
    """

    population: str
    variable: str
    classes: np.ndarray
    neurons: np.ndarray
    weights: np.ndarray
    steps: StepWeights
    factors: np.ndarray | None = None
    shift: int = 0

    def __post_init__(self) -> None:
        member("ScoreTerm.steps", self.steps, StepWeights)

    def of(self, values: np.ndarray, n_classes: int) -> np.ndarray:
        """Scores float64 ``(B, L, n_classes)`` of values ``(B, T, N)`` in the model's steps."""
        over = values.astype(np.float64)
        if self.steps is StepWeights.LAST:
            over = over[:, -1:]
        elif self.steps is StepWeights.ALL:
            over = over.sum(axis=1, keepdims=True)
        elif self.factors is not None:
            over = np.einsum("lt,btn->bln", self.factors, over)
        flat = over.reshape(-1, over.shape[2])
        made = np.zeros((n_classes, len(flat)))
        np.add.at(made, self.classes, (flat[:, self.neurons] * self.weights).T)
        return made.T.reshape(*over.shape[:2], n_classes)

    def __str__(self) -> str:
        """In words."""
        what = SPIKES if self.variable == SPIKES else "potential"
        one_to_one = np.array_equal(self.classes, self.neurons)
        one_to_one = one_to_one and bool(np.ptp(self.weights) <= 1e-9 * np.abs(self.weights).max())
        by = "" if one_to_one else " by a matrix"
        return f"{what} of {self.population!r}{by} {self.steps.value}"


@dataclass(frozen=True, kw_only=True, eq=False)
class DecisionRule:
    """How a class is made of what a network does: the largest of linear scores.

    Parameters
    ----------
    n_classes
        Number of scores.
    terms
        Their sum is the scores, ``(L, n_classes)``.
    constant
        float64 ``(n_classes,)`` or ``(L, n_classes)``, added to it.
    squash
        Function of the scores of each step, if it is not a matter of the last of all.
    reduction
        What makes one of L scores; None where L is 1.
    ties
        For equal scores.
    n_steps
        Of the model, where the rule holds for no other number of steps; else None.
    later
        Steps that a run of the network has more than the model.

    Examples
    --------
    >>> every = np.arange(3)
    >>> counts = ScoreTerm(population="out", variable="spikes", classes=every, neurons=every[::-1],
    ...                    weights=np.ones(3), steps=StepWeights.ALL)
    >>> rule = DecisionRule(n_classes=3, terms=(counts,), constant=np.zeros(3))
    >>> rule.decide_by({("out", "spikes"): np.array([[[1, 0, 0], [1, 1, 0]]])}).tolist()
    [2]
    >>> print(rule)
    The class is that of the largest of 3 scores: spikes of 'out' by a matrix summed over the steps.
    """

    n_classes: int
    terms: tuple[ScoreTerm, ...]
    constant: np.ndarray
    squash: Squash | None = None
    reduction: Reduction | None = None
    ties: Ties = Ties.LOWEST
    n_steps: int | None = None
    later: int = 0

    def __post_init__(self) -> None:
        member("DecisionRule.ties", self.ties, Ties)
        if self.squash is not None:
            member("DecisionRule.squash", self.squash, Squash)
        if self.reduction is not None:
            member("DecisionRule.reduction", self.reduction, Reduction)

    @property
    def probes(self) -> tuple[tuple[str, str], ...]:
        """What ``simulate(..., probes=...)`` has to record."""
        wanted = [(t.population, t.variable) for t in self.terms if t.variable != SPIKES]
        return tuple(dict.fromkeys(wanted))

    def scores(self, result: RunResult) -> np.ndarray:
        """Scores of each sample of a run, float64 ``(B, n_classes)``.

        Parameters
        ----------
        result
            Of the converted network, from whichever executor; with :attr:`probes`, and with
            ``later`` steps more than the model's.

        Raises
        ------
        InputError
            If a probe is missing, or there are too few steps, or more or less than it holds for.
        """
        return self.scores_by(self._values(result))

    def decide(self, result: RunResult) -> np.ndarray:
        """Class of each sample of a run, int64 ``(B,)``; errors as of :meth:`scores`."""
        return self.decide_by(self._values(result))

    def scores_by(self, values: Mapping[tuple[str, str], np.ndarray]) -> np.ndarray:
        """Scores of values ``(B, T, N)`` by population and variable, in the model's steps."""
        made = self._looks(values)
        return _reduced(made, self.squash, self.reduction)

    def decide_by(self, values: Mapping[tuple[str, str], np.ndarray]) -> np.ndarray:
        """Classes of values ``(B, T, N)`` by population and variable, in the model's steps."""
        scores = self.scores_by(values)
        best: np.ndarray = scores.argmax(axis=1)
        if self.ties is Ties.LOWEST:
            return best
        first = self._first_spikes(values)
        tied = scores == scores.max(axis=1, keepdims=True)
        latest = int(first.max(initial=0)) + 1
        silent = ~np.any([values[t.population, t.variable].any((1, 2)) for t in self.terms], axis=0)
        return np.where(silent, UNDECIDED, np.where(tied, first, latest).argmin(axis=1))

    def at(
        self,
        *,
        shifts: Mapping[str, int],
        units: Callable[[str], np.ndarray],
    ) -> DecisionRule:
        """The same rule where populations are late, and potentials are integers.

        Parameters
        ----------
        shifts
            Of each population, in steps.
        units
            ``name -> float64 (N,) or (1,)``: what one unit of a population's ``v`` stands for.
        """
        terms = []
        for term in self.terms:
            weights = term.weights
            if term.variable != SPIKES:
                unit = np.asarray(units(term.population))
                weights = weights * (unit[term.neurons] if unit.size > 1 else unit.reshape(-1))
            terms.append(replace(term, weights=weights, shift=int(shifts[term.population])))
        return replace(self, terms=tuple(terms), later=max(shifts.values(), default=0))

    def __str__(self) -> str:
        """In words."""
        numbers: dict[str, int] = {}
        for term in self.terms:
            numbers[str(term)] = numbers.get(str(term), 0) + 1
        several = (f"{n} of {text}" if n > 1 else text for text, n in numbers.items())
        parts = " plus ".join(several) or "nothing"
        if self.constant.any():
            parts += ", plus a constant"
        if self.squash is not None:
            parts = f"{self.squash.value} of {parts}"
        if self.reduction is not None:
            parts = f"the {self.reduction.value} over the steps of {parts}"
        end = "" if self.n_steps is None else f" (of {self.n_steps})"
        return f"The class is that of the largest of {self.n_classes} scores: {parts}{end}."

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON; :meth:`from_dict` reads them."""
        return _plain(self)

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> DecisionRule:
        """The rule that :meth:`to_dict` wrote."""
        terms = tuple(
            ScoreTerm(
                **{
                    **term,
                    "steps": StepWeights[term["steps"].upper()],
                    "classes": np.array(term["classes"], dtype=np.int64),
                    "neurons": np.array(term["neurons"], dtype=np.int64),
                    "weights": np.array(term["weights"], dtype=np.float64),
                    "factors": None
                    if term["factors"] is None
                    else np.array(term["factors"], dtype=np.float64),
                }
            )
            for term in plain["terms"]
        )
        named: dict[str, Any] = {
            "squash": Squash,
            "reduction": Reduction,
            "ties": Ties,
        }
        enums = {
            name: None if plain[name] is None else kind[plain[name].upper()]
            for name, kind in named.items()
        }
        constant = np.array(plain["constant"], dtype=np.float64)
        return cls(**{**plain, **enums, "terms": terms, "constant": constant})

    def _values(self, result: RunResult) -> dict[tuple[str, str], np.ndarray]:
        n_steps = result.n_steps - self.later
        if n_steps < 1 or self.n_steps not in (None, n_steps):
            wanted = "1 at least" if self.n_steps is None else str(self.n_steps)
            raise InputError(
                f"a run of {result.n_steps} steps; the decision needs {wanted}, and {self.later}"
                " more that the network is late"
            )
        found = {}
        for term in self.terms:
            key = (term.population, term.variable)
            values = (
                result.raster(term.population) if term.variable == SPIKES else result.probe(*key)
            )
            if result.n_samples is None:
                values = values[None]
            found[key] = values[:, term.shift : term.shift + n_steps]
        return found

    def _looks(self, values: Mapping[tuple[str, str], np.ndarray]) -> np.ndarray:
        made: Any = self.constant if self.constant.ndim == 2 else self.constant[None]
        if not self.terms:
            raise InputError("a decision without terms")
        for term in self.terms:
            made = made + term.of(values[term.population, term.variable], self.n_classes)
        return np.asarray(made)

    def _first_spikes(self, values: Mapping[tuple[str, str], np.ndarray]) -> np.ndarray:
        """Step in which the first neuron of each class spikes, int64 ``(B, n_classes)``."""
        (term,) = self.terms
        fired = values[term.population, term.variable]
        first = first_spikes(fired)
        made = np.full((self.n_classes, len(first)), fired.shape[1])
        np.minimum.at(made, term.classes, first[:, term.neurons].T)
        return made.T


def _reduced(looks: np.ndarray, squash: Squash | None, reduction: Reduction | None) -> np.ndarray:
    made = looks if squash is None else squash.of(looks)
    if reduction is Reduction.LARGEST:
        return np.asarray(made.max(axis=1))
    return np.asarray(made.sum(axis=1))


def usual_rule(
    population: str,
    n_neurons: int,
    *,
    is_readout: bool,
    steps: StepWeights = StepWeights.ALL,
    reduction: Reduction | None = None,
    neurons_per_class: int = 1,
) -> DecisionRule:
    """Most spikes of as many neighbours as stand for a class, or the highest potential."""
    neurons = np.arange(n_neurons)
    n_classes = n_neurons // neurons_per_class
    term = ScoreTerm(
        population=population,
        variable=POTENTIAL if is_readout else SPIKES,
        classes=neurons // neurons_per_class,
        neurons=neurons,
        weights=np.ones(n_neurons),
        steps=steps,
    )
    return DecisionRule(
        n_classes=n_classes,
        terms=(term,),
        constant=np.zeros(n_classes),
        reduction=reduction,
        ties=Ties.LOWEST if is_readout else Ties.EARLIEST_SPIKE,
    )


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, enum.Enum):
        return value.name.lower()
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    if isinstance(value, (DecisionRule, ScoreTerm)):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    return value
