"""Synapses of one projection under a learning rule, moved on by spike trains of both ends."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hw_models import (
    InputError,
    LearningRule,
    PostTraces,
    RandomStream,
    RangeError,
    ShapeError,
    TypeMismatchError,
)
from hw_models.arrays import integer_array, spike_array
from hw_models.errors import brief
from hw_models.learning_engine.learning_rule import NUMBER_HIGH, TAG_LIMITS, TARGETS
from ssdp_neuro.engine.kernels.catalog import LEARN_TRAINS
from ssdp_neuro.engine.kernels.rule_tables import Draws, Learner, RunSteps
from ssdp_neuro.engine.rule_log import empty_log
from ssdp_neuro.engine.rule_program import changes_of, rule_program
from ssdp_neuro.engine.rule_state import count_lowest_tags, dense_state

MOST_SYNAPSES = 2**31 - 1
MOST_STEPS = 2**32  # steps are words of the random numbers' keys
NO_HALVES = np.zeros((0, 1), dtype=np.uint8)
NOTHING_SENT = np.zeros((0, 3, 1), dtype=np.int64)
_NO_ENDS = np.zeros(0, dtype=np.int64)
_NO_WEIGHTS = np.zeros(0, dtype=np.int16)


class PlasticSynapses:
    """Weights, tags and traces of one projection, all-to-all, that a :class:`LearningRule` changes.

    Spike trains of both ends are given, so this is the learning half of a network: of recorded
    spikes, of an experiment with fixed trains. Computes what the oracle
    (``ssdp_neuro.oracle.learning_connection``) and with ``RandomStream.LAVA`` Lava's fixed-point
    ``LearningDense`` compute. The cost follows spikes and epochs: only rows of sources and columns
    of targets that fired are visited.

    Parameters
    ----------
    rule
        What changes the synapses, see docs/explanation/learning_engine.md.
    weights
        Mantissas within the rule's sign mode, shape ``(n_post, n_pre)``.
    tag_1, tag_2
        Tags -257..255 and delays 0..255 at the beginning, same shape; None for zeros. Delays are
        a variable of the rule and delay nothing.

    Raises
    ------
    ShapeError, RangeError, TypeMismatchError
        If an array has another shape, or a value that its variable does not hold.

    Examples
    --------
    >>> from hw_models import LearningRule, TraceConfiguration
    >>> trace = TraceConfiguration(impulse=64, tau=0)
    >>> rule = LearningRule(dw="2^-4 * y0 * x1", x1=trace)
    >>> synapses = PlasticSynapses(rule, [[10, 10]])
    >>> synapses.run([[1, 0], [0, 1]], [[1], [0]])
    >>> synapses.weights
    array([[14, 10]], dtype=int16)
    """

    def __init__(
        self, rule: LearningRule, weights: Any, tag_1: Any = None, tag_2: Any = None
    ) -> None:
        if not isinstance(rule, LearningRule):
            raise TypeMismatchError(f"PlasticSynapses: {brief(rule)}; a LearningRule is needed")
        self.rule = rule
        limits = (rule.weight_low, rule.weight_high)
        first = integer_array("PlasticSynapses.weights", weights, *limits, np.int16)
        if first.ndim != 2 or 0 in first.shape or first.size > MOST_SYNAPSES:
            raise ShapeError(
                f"PlasticSynapses.weights: shape {first.shape}; two non-empty axes are needed"
            )
        self.shape = (int(first.shape[0]), int(first.shape[1]))
        self._program = rule_program(rule)
        given = (
            first,
            self._tags("tag_2", tag_2),
            self._tags("tag_1", tag_1),
        )
        self._state = dense_state(self._program, self.shape, given)
        count_lowest_tags(self._program, self._state, given[2])
        # what the rule knows nothing of stays what it is
        self._idle = {
            target: values
            for target, values, place in zip(TARGETS, given, self._program.place, strict=True)
            if place < 0 and values is not None
        }
        is_lava = rule.random_stream is RandomStream.LAVA
        self._lava = LavaGenerators(rule.seed) if is_lava else None
        self.n_steps = 0
        self._n_visited = np.zeros(1, dtype=np.int64)
        self._log = empty_log(self._program, self.shape)

    def run(self, pre: Any, post: Any, sent: Any = None) -> None:
        """Move on by T steps; several calls are one long one.

        Parameters
        ----------
        pre, post
            Spikes of both ends, bool or 0 and 1, shapes ``(T, n_pre)`` and ``(T, n_post)``. Of a
            source the numbers 0..510 that come with its spikes, int, where the rule takes them.
        sent
            What the targets send as y1, y2 and y3 in every step, int ``(T, 3, n_post)``, 32 bits;
            None for zeros. Only with ``PostTraces.SENT``.

        Raises
        ------
        InputError, ShapeError, RangeError, TypeMismatchError
            If spikes are none, or shapes do not fit; nothing has changed then.
        """
        n_post, n_pre = self.shape
        halves = NO_HALVES
        if self.rule.takes_numbers:
            where = "PlasticSynapses.run: pre"
            numbers_of_pre = integer_array(where, pre, 0, NUMBER_HIGH, np.int64)
            pre, halves = numbers_of_pre > 0, np.round(numbers_of_pre / 2).astype(np.uint8)
        spikes = []
        for name, values, size in (("pre", pre, n_pre), ("post", post, n_post)):
            raster = spike_array(f"PlasticSynapses.run: {name}", values)
            if raster.ndim != 2 or raster.shape[1] != size:
                raise ShapeError(
                    f"PlasticSynapses.run: {name}: shape {raster.shape}; (T, {size}) is needed"
                )
            spikes.append(raster)
        n_steps = len(spikes[0])
        if len(spikes[1]) != n_steps:
            raise ShapeError(
                f"PlasticSynapses.run: {n_steps} steps of pre and {len(spikes[1])} of post"
            )
        if self.n_steps + n_steps >= MOST_STEPS:
            raise RangeError(
                f"PlasticSynapses.run: {self.n_steps + n_steps} steps; allowed {MOST_STEPS - 1}"
            )
        numbers = self._sent(sent, n_steps)
        draws = NO_DRAWS
        if self._lava is not None:
            n_epochs = (self.n_steps + n_steps) // self.rule.epoch - self.n_steps // self.rule.epoch
            draws = self._lava.draws(n_steps, n_epochs)
        steps = RunSteps(
            pre=spikes[0].view(np.uint8),
            post=spikes[1].view(np.uint8),
            halves=halves,
            sent=numbers,
            draws=draws,
            clock=self.n_steps,
            begin=0,
        )
        learner = Learner(
            program=self._program,
            synapses=self._state,
            log=self._log,
            steps=steps,
            ends=_NO_ENDS,
            weights=_NO_WEIGHTS,
            changes=changes_of(self._program),
            n_visited=self._n_visited,
        )
        LEARN_TRAINS(0, 0, 0, n_steps, learner)
        self.n_steps += n_steps

    @property
    def n_visited(self) -> int:
        """Synapses looked at so far, each as often as it was."""
        return int(self._n_visited[0])

    @property
    def weights(self) -> np.ndarray:
        """Mantissas now, a copy, int16 ``(n_post, n_pre)``."""
        return self._values("dw")

    @property
    def tag_2(self) -> np.ndarray:
        """Delays now, a copy, int16 ``(n_post, n_pre)``."""
        return self._values("dd")

    @property
    def tag_1(self) -> np.ndarray:
        """Tags now, a copy, int16 ``(n_post, n_pre)``; -257 too, see learning_engine.md."""
        return self._values("dt")

    def _values(self, target: str) -> np.ndarray:
        n_post, n_pre = self.shape
        place = self._program.place[TARGETS.index(target)]
        if place < 0:
            return np.array(self._idle.get(target, np.zeros(self.shape, dtype=np.int16)))
        n_synapses = self._state.first[n_pre]
        rows = self._state.variables[place, :n_synapses].reshape(n_pre, -1)
        return np.array(rows[:, :n_post].T, order="C")

    def trace(self, name: str) -> np.ndarray:
        """A trace now, a copy, int64 ``(n_pre,)`` or ``(n_post,)``.

        Parameters
        ----------
        name
            ``"x1"``, ``"x2"``, ``"y1"``, ``"y2"`` or ``"y3"``. Within an epoch it is that of the
            epoch's start, with the impulses of spikes that others have followed.
        """
        if name in ("x1", "x2"):
            return self._state.x[int(name[1]) - 1, : self.shape[1]].astype(np.int64)
        if name in ("y1", "y2", "y3"):
            return self._state.y[int(name[1]) - 1, : self.shape[0]].astype(np.int64)
        raise InputError(f"PlasticSynapses.trace: {brief(name)}; one of x1, x2, y1, y2 and y3")

    def _tags(self, name: str, values: Any) -> np.ndarray | None:
        where = f"PlasticSynapses.{name}"
        if values is None:
            return None
        tags = integer_array(where, values, *TAG_LIMITS[name], np.int16)
        if tags.shape != self.shape:
            raise ShapeError(f"{where}: shape {tags.shape}; weights have {self.shape}")
        return tags

    def _sent(self, sent: Any, n_steps: int) -> np.ndarray:
        if sent is None:
            return NOTHING_SENT
        if self.rule.post_traces is not PostTraces.SENT:
            raise InputError(
                "PlasticSynapses.run: sent: the rule reads traces of spikes; only a rule with"
                " PostTraces.SENT takes numbers"
            )
        where = "PlasticSynapses.run: sent"
        numbers = integer_array(where, sent, -(2**31), 2**31 - 1, np.int64)
        if numbers.shape != (n_steps, 3, self.shape[0]):
            raise ShapeError(
                f"{where}: shape {numbers.shape}; {(n_steps, 3, self.shape[0])} is needed"
            )
        return numbers


class LavaGenerators:
    """Lava's generators; each was drawn from once at the beginning."""

    def __init__(self, seed: int) -> None:
        self._generators = [np.random.default_rng(seed + k) for k in range(4)]
        self._rounding = np.random.default_rng(2)
        for k, generator in enumerate(self._generators):
            _draw(generator, k, 1)
        self._rounding.random(1)

    def pass_by(self, n_steps: int, n_epochs: int) -> None:
        """Leave out the numbers of steps and epochs that are over."""
        self.draws(n_steps, n_epochs)

    def draws(self, n_steps: int, n_epochs: int) -> Draws:
        """The numbers of T steps, in which so many epochs end.

        Two draws in each step, after the spikes of either end; of every epoch one, times 128 and
        rounded down: compared with whole 1/128.
        """
        return lava_draws(self._generators, self._rounding, n_steps, n_epochs)


def lava_draws(
    generators: Sequence[np.random.Generator],
    rounding: np.random.Generator,
    n_steps: int,
    n_epochs: int,
) -> Draws:
    """The numbers of T steps that Lava's generators give.

    Parameters
    ----------
    generators
        Of decay and of impulse, of the source and then of the target.
    rounding
        Of synapses.
    n_steps, n_epochs
        T, and how many epochs end in them.
    """
    decay = np.empty((2, n_steps))
    impulse = np.empty((2, n_steps), dtype=np.int64)
    burst = np.empty(n_steps, dtype=np.int64)
    for k, generator in enumerate(generators):
        drawn = _draw(generator, k, 2 * n_steps)
        end, is_impulse = divmod(k, 2)
        (impulse if is_impulse else decay)[end] = drawn[1::2]
        if is_impulse:
            burst[:] = drawn[::2]
    rounded = (rounding.random(n_epochs) * 128).astype(np.int64)
    return Draws(decay=decay, impulse=impulse, burst=burst, rounding=rounded)


def _draw(generator: np.random.Generator, k: int, count: int) -> np.ndarray:
    """Numbers of a decay, in 0..1, or of an impulse, 0..127."""
    return generator.integers(0, 128, size=count) if k % 2 else generator.random(count)


NO_DRAWS = Draws(
    decay=np.zeros((2, 1)),
    impulse=np.zeros((2, 1), dtype=np.int64),
    burst=np.zeros(1, dtype=np.int64),
    rounding=np.zeros(0, dtype=np.int64),
)
