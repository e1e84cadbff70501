"""The rules of a network at work: the state of each, and one call that runs and learns."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from hw_models import (
    FixedPointNetwork,
    InputError,
    LearningRule,
    PostTraces,
    RangeError,
    ShapeError,
)
from hw_models.arrays import integer_array
from hw_models.errors import brief
from hw_models.learning_engine.learning_rule import TARGETS, TRACE_HIGH
from ssdp_neuro.engine.kernels.catalog import LEARN_STEP, addresses_of
from ssdp_neuro.engine.kernels.native import handles_of
from ssdp_neuro.engine.kernels.rule_tables import WEIGHT, Learner, RunSteps
from ssdp_neuro.engine.kernels.tables import RuleTable
from ssdp_neuro.engine.plan import Plan
from ssdp_neuro.engine.plastic_synapses import MOST_STEPS, NO_DRAWS, NOTHING_SENT, LavaGenerators
from ssdp_neuro.engine.projection_table import PlasticList
from ssdp_neuro.engine.rule_log import NO_LOG
from ssdp_neuro.engine.rule_program import changes_of, rule_program
from ssdp_neuro.engine.rule_state import count_lowest_tags, dense_state, listed_state
from ssdp_neuro.engine.session_state import RuleState
from ssdp_neuro.engine.teaching import SampleStart

NO_TRAINS = np.zeros((0, 1), dtype=np.uint8)
NO_WEIGHTS = np.zeros(0, dtype=np.int16)
SYNAPTIC = {"weights": "dw", "tag_1": "dt", "tag_2": "dd"}  # variables, and what changes them


def rules_of(network: FixedPointNetwork) -> dict[str, Any]:
    """The projections that learn by a :class:`LearningRule`, by name."""
    return {
        projection.name: projection
        for projection in network.projections
        if isinstance(getattr(projection, "plasticity", None), LearningRule)
    }


def chosen_rules(network: FixedPointNetwork, wanted: Any) -> tuple[str, ...]:
    """Names of the projections that shall learn by their rule: all, none, or those named.

    Raises
    ------
    InputError
        If all are wanted and there are none, or a name is not one of them.
    """
    known = tuple(rules_of(network))
    if wanted is True and not known:
        raise InputError("learning: no projection of the network has a LearningRule")
    if wanted is True or wanted is False:
        return known if wanted else ()
    if isinstance(wanted, str) or not isinstance(wanted, Iterable):
        raise InputError(f"learning: {brief(wanted)}; True, False or names are needed")
    names = tuple(wanted)
    for name in names:
        if name not in known:
            raise InputError(f"learning: {brief(name)}; projections with rules are {list(known)}")
    return tuple(name for name in known if name in names)


class RuleLearner:
    """One projection under a rule.

    Parameters
    ----------
    projection
        With what it begins with.
    plan
        With weights of its own, which are changed: those of a matrix without delays in place,
        those of a list are written anew after an epoch that changed some.
    """

    def __init__(self, projection: Any, plan: Plan) -> None:
        self.projection = projection
        self.rule: LearningRule = projection.plasticity
        ends = (projection.source, projection.target)
        self._ends = np.array([plan.index[name] for name in ends], dtype=np.int64)
        n_pre, n_post = (int(size) for size in plan.populations.size[self._ends])
        self.shape = (n_post, n_pre)
        self.program = rule_program(self.rule, waits=False)
        place = plan.plastic[projection.name]
        self._listed = NO_WEIGHTS
        if isinstance(place, PlasticList):
            pre, post = (np.asarray(end, np.int64) for end in place.synapses[:2])
            self.state = listed_state(self.program, self.shape, pre, post, (None, None, None))
            if not pre.size:  # a state without targets would be one of all to all
                none = np.zeros(1, dtype=np.int32)
                self.state = dataclasses.replace(self.state, post=none)
            if self.program.place[WEIGHT] == 0:  # the first of the rows
                self._listed = plan.weights(projection.name)
        else:
            self.state = dense_state(self.program, self.shape, (None, None, None))
            if self.program.place[WEIGHT] == 0:  # the first of the rows
                size = self.state.variables.size
                shared = plan.synapses.dense16[place.base : place.base + size]
                rows = shared.reshape(self.state.variables.shape)
                self.state = dataclasses.replace(self.state, variables=rows)
        self._idle: dict[str, Any] = {}  # what the rule knows nothing of
        self._n_visited = np.zeros(1, dtype=np.int64)
        self._lava: LavaGenerators | None = None
        self._lava_clock = 0
        self.begin_as(projection)

    @property
    def is_sent(self) -> bool:
        """Whether the target sends y1, y2 and y3."""
        return self.rule.post_traces is PostTraces.SENT

    def variables(self) -> dict[str, np.ndarray]:
        """All variables by Lava's names, copies; synapses in the projection's shape."""
        (n_post, n_pre), state = self.shape, self.state
        found = {}
        for name in SYNAPTIC:
            table = self._table(name)
            values = self._idle[name] if table is None else table
            found[name] = np.array(values, dtype=np.int16, order="C")
        for k in range(2):
            found[f"x{k + 1}"] = state.x[k, :n_pre].astype(np.int64)
        for k in range(3):
            found[f"y{k + 1}"] = state.y[k, :n_post].astype(np.int64)
        return found

    def put(self, name: str, values: Any) -> None:
        """Change weights, tag_1 or tag_2."""
        table = self._table(name)
        self.state.knows_reach[0] = False
        if values is None:
            values = np.zeros(self.projection.weights.shape, dtype=np.int16)
        if table is None:
            self._idle[name] = values
        else:
            table[...] = values
        if name == "tag_1":
            count_lowest_tags(self.program, self.state, values)

    def write_list(self) -> None:
        """Hand weights of listed synapses to the network; those of a matrix are there."""
        self._listed[:] = self.state.variables[0, : self._listed.size]

    def clear_traces(self) -> None:
        """Forget all spikes; epochs are counted on."""
        state = self.state
        for array in (state.x, state.y, state.tx, state.ty, state.n_fired):
            array[...] = 0

    def begin_as(self, projection: Any) -> None:
        """Weights and tags of a record like its own, no spike heard, no step counted."""
        for name in SYNAPTIC:
            self.put(name, getattr(projection, name))
        self.clear_traces()
        self.clock = 0

    def rule_state(self) -> RuleState:
        """All but the weights."""
        (n_post, n_pre), state, now = self.shape, self.state, self.variables()
        return RuleState(
            clock=self.clock,
            tag_1=now["tag_1"],
            tag_2=now["tag_2"],
            x=state.x[:, :n_pre],
            y=state.y[:, :n_post],
            last_pre=state.tx[:n_pre],
            last_post=state.ty[:n_post],
        )

    def check_state(self, given: RuleState) -> None:
        """Refuse what this rule cannot have come to."""
        n_post, n_pre = self.shape
        where = f"SessionState.rules[{self.projection.name!r}]"
        shapes = {"tag_1": self.projection.weights.shape, "tag_2": self.projection.weights.shape}
        shapes |= {"x": (2, n_pre), "y": (3, n_post), "last_pre": (n_pre,), "last_post": (n_post,)}
        for name, shape in shapes.items():
            if getattr(given, name).shape != shape:
                raise ShapeError(f"{where}.{name}: shape {getattr(given, name).shape}; {shape}")
        if given.clock >= MOST_STEPS:
            raise RangeError(f"{where}.clock: {given.clock}; allowed {MOST_STEPS - 1}")
        within = given.clock % self.rule.epoch
        for name in ("last_pre", "last_post"):
            integer_array(f"{where}.{name}", getattr(given, name), 0, within, np.int64)
        if not self.is_sent:
            integer_array(f"{where}.y", given.y, 0, TRACE_HIGH, np.int64)

    def restore(self, given: RuleState, projection: Any) -> None:
        """Go to a checked state; weights are those of a record."""
        self.begin_as(projection)
        self.put("tag_1", given.tag_1)
        self.put("tag_2", given.tag_2)
        (n_post, n_pre), state = self.shape, self.state
        state.x[:, :n_pre], state.y[:, :n_post] = given.x, given.y
        state.tx[:n_pre], state.ty[:n_post] = given.last_pre, given.last_post
        for end, (fired, last) in enumerate(
            ((state.pre_fired, given.last_pre), (state.post_fired, given.last_post))
        ):
            neurons = np.flatnonzero(last)
            fired[: neurons.size], state.n_fired[end] = neurons, neurons.size
        self.clock = given.clock

    def begin_run(self, n_steps: int, begin: int, sent: np.ndarray | None) -> Learner:
        """Prepare for so many steps; ``sent`` as of :meth:`RuleLearning.numbers_sent`."""
        draws = NO_DRAWS
        if self.program.is_lava:
            epoch = self.rule.epoch
            if self._lava is None or self._lava_clock != self.clock:
                self._lava = LavaGenerators(self.rule.seed)
                self._lava.pass_by(self.clock, self.clock // epoch)
            self._lava_clock = self.clock + n_steps
            draws = self._lava.draws(n_steps, self._lava_clock // epoch - self.clock // epoch)
        steps = RunSteps(
            pre=NO_TRAINS,
            post=NO_TRAINS,
            halves=NO_TRAINS,
            sent=NOTHING_SENT if sent is None else sent,
            draws=draws,
            clock=self.clock,
            begin=begin,
        )
        return Learner(
            program=self.program,
            synapses=self.state,
            log=NO_LOG,
            steps=steps,
            ends=self._ends,
            weights=self._listed,
            changes=changes_of(self.program),
            n_visited=self._n_visited,
        )

    @property
    def n_visited(self) -> int:
        """Synapses looked at so far, each as often as it was."""
        return int(self._n_visited[0])

    def _table(self, name: str) -> np.ndarray | None:
        """Values of its synapses in the projection's shape, a view; None if they are not kept."""
        place = self.program.place[TARGETS.index(SYNAPTIC[name])]
        if place < 0:
            return None
        n_synapses = int(self.state.first[-1])
        values: np.ndarray = self.state.variables[place, :n_synapses]
        if self.projection.weights.ndim == 1:
            return values
        return values.reshape(self.shape[1], -1)[:, : self.shape[0]].T


class RuleLearning:
    """All rules of a network, and which of them are at work.

    Parameters
    ----------
    network
        With weights as they are now.
    plan
        As of a :class:`RuleLearner`.
    """

    def __init__(
        self, network: FixedPointNetwork, plan: Plan, active: tuple[str, ...] = ()
    ) -> None:
        self.learners = {name: RuleLearner(p, plan) for name, p in rules_of(network).items()}
        self.active = active
        self._at_work: list[Learner] = []  # tables, which live as long as the run

    def start_over(self, start: SampleStart) -> None:
        """Keep of learning what a new sample begins with."""
        for learner in self.learners.values():
            if start is SampleStart.TRACES_CLEARED:
                learner.clear_traces()
            elif start is SampleStart.ALL_AS_GIVEN:
                learner.begin_as(learner.projection)
                learner.write_list()

    def states(self) -> dict[str, RuleState]:
        """All but the weights, by projection."""
        return {name: learner.rule_state() for name, learner in self.learners.items()}

    def restore(self, states: Mapping[str, RuleState], projections: Mapping[str, Any]) -> None:
        """Go to given states; without any, no rule has ever been at work.

        Raises
        ------
        InputError, ShapeError, RangeError
            If they are of other projections, or not such as these rules can come to.
        """
        if states and sorted(states) != sorted(self.learners):
            raise InputError(
                f"SessionState.rules of {sorted(states)}; needed {sorted(self.learners)}"
            )
        for name, state in states.items():
            self.learners[name].check_state(state)
        for name, learner in self.learners.items():
            if states:
                learner.restore(states[name], projections[name])
            else:
                learner.begin_as(projections[name])

    def numbers_sent(self, sent: Any, n_steps: int) -> dict[str, np.ndarray]:
        """What targets send in a run, checked: int64 ``(n_steps, 3, n_post)`` by projection."""
        if sent is None:
            return {}
        if not isinstance(sent, Mapping):
            raise InputError(f"sent: {brief(sent)}; a mapping from projections is needed")
        numbers = {}
        for name, values in sent.items():
            takers = [each for each in self.active if self.learners[each].is_sent]
            if name not in takers:
                raise InputError(
                    f"sent: {brief(name)}; projections that learn and whose rule has"
                    f" PostTraces.SENT are {takers}"
                )
            where = f"sent[{name!r}]"
            array = integer_array(where, values, -(2**31), 2**31 - 1, np.int64)
            needed = (n_steps, 3, self.learners[name].shape[0])
            if array.shape != needed:
                raise ShapeError(
                    f"{where}: shape {array.shape}; {needed} is needed: steps, y1 y2 y3, neurons"
                )
            numbers[name] = array
        return numbers

    def begin_run(self, n_steps: int, begin: int, sent: Mapping[str, np.ndarray]) -> RuleTable:
        """Prepare for the steps ``begin`` and on of a run.

        Raises
        ------
        RangeError
            If a rule would learn more steps than its random numbers have keys for.
        """
        active = [self.learners[name] for name in self.active]
        longest = max(learner.clock for learner in active) + n_steps
        if longest >= MOST_STEPS:
            raise RangeError(f"n_steps: {longest} steps of learning; allowed {MOST_STEPS - 1}")
        self._at_work = [
            learner.begin_run(n_steps, begin, sent.get(learner.projection.name))
            for learner in active
        ]
        kernels = addresses_of([LEARN_STEP] * len(self._at_work))
        return RuleTable(learn=kernels, learners=handles_of(self._at_work))

    def end_run(self, n_steps: int) -> None:
        """Count the steps of a run."""
        for name in self.active:
            self.learners[name].clock += n_steps

    def with_tags(self, network: FixedPointNetwork) -> FixedPointNetwork:
        """The network with the tags and delays that its rules have changed."""
        records = []
        for name, learner in self.learners.items():
            now = learner.variables()
            changed = {
                field: now[field]
                for field, target in SYNAPTIC.items()
                if getattr(learner.rule, target)
            }
            records.append(dataclasses.replace(network.projection(name), **changed))  # type: ignore[arg-type]
        return network.replace(*records)
