"""Learning by integer e-prop: samples one after the other, weights changed in every step."""

from __future__ import annotations

from typing import Any

import numpy as np

from hw_models.arithmetic import ALIGN_SHIFT
from hw_models.eprop import error_rule, taught_population
from ssdp_neuro.engine.job import Job
from ssdp_neuro.engine.kernels.catalog import EPROP_LISTED_STEP, EPROP_STEP, addresses_of
from ssdp_neuro.engine.kernels.eprop_tables import EpropListed, EpropSynapses, EpropTeacher
from ssdp_neuro.engine.kernels.native import handles_of
from ssdp_neuro.engine.kernels.tables import RuleTable
from ssdp_neuro.engine.learn_result import LearnResult
from ssdp_neuro.engine.learning_task import LearningRecord, LearningTask
from ssdp_neuro.engine.plan import Plan
from ssdp_neuro.engine.projection_table import LoweredSynapses, PlasticList
from ssdp_neuro.engine.simulator import Simulator
from ssdp_neuro.progress import Progress

NO_FEEDBACK = np.zeros((0, 0), dtype=np.int8)
OF_RULE = (
    "psi_levels",
    "psi_shift",
    "psi_refractory",
    "stamped",
    "decay_shift",
    "impulse",
    "trace_high",
    "shift",
    "weight_low",
    "weight_high",
    "feedback_shift",
)


class EpropLearning:
    """What projections that learn by e-prop keep within a sample, in the kernels' tables.

    Parameters
    ----------
    task
        Its network is that of ``plan``; its seeds are those of the rounding.
    plan
        With weights of its own.
    """

    def __init__(self, task: LearningTask, plan: Plan) -> None:
        self._teacher = _teacher(task, plan)
        self._learners = {name: _synapses(task, name, plan, self._teacher) for name in task.plastic}
        self._shapes = {name: p.weights.shape for name, p in task.plastic.items()}
        learners = list(self._learners.values())
        kernels = [
            EPROP_LISTED_STEP if isinstance(each, EpropListed) else EPROP_STEP for each in learners
        ]
        self.rules = RuleTable(learn=addresses_of(kernels), learners=handles_of(learners))

    def begin(self, task: LearningTask, sample: int, first_step: int) -> None:
        """Begin a sample of the task, whose first step is ``first_step`` of the network's life."""
        assert task.factors.labels is not None  # the task was checked
        self._teacher.target[0] = task.factors.labels[sample]
        for name, learner in self._learners.items():
            learner.key[1] = first_step
            learner.key[2] = task.mask[name][sample]

    @property
    def names(self) -> tuple[str, ...]:
        """Of the projections."""
        return tuple(self._learners)

    def variables(self, name: str) -> dict[str, np.ndarray]:
        """Weights, int16 in their projection's shape, and traces of the sources, as copies."""
        learner, shape = self._learners[name], self._shapes[name]
        weights = learner.weights
        if weights.ndim == 2:
            weights = weights[:, : shape[0]].T
        elif len(shape) == 2:  # with delays: listed by source, then target
            weights = weights.reshape(shape[::-1]).T
        return {"weights": weights.astype(np.int16), "trace": learner.trace.copy()}

    def visited(self) -> dict[str, int]:
        """Synapses looked at so far, by projection."""
        return {name: int(learner.n_visited[0]) for name, learner in self._learners.items()}


def learn_by_eprop(task: LearningTask, *, progress: bool | None) -> LearnResult:
    """Samples one after the other; result as of :func:`ssdp_neuro.learn`."""
    simulator = Simulator(task.network, n_threads=1, own_weights=True)
    plan = simulator.plan
    learning = EpropLearning(task, plan)
    record, state, silent = LearningRecord(task), plan.new_state(), Progress(False)
    with Progress(progress, "learning") as bar:
        for seen in range(task.n_seen):
            sample = seen % task.n_samples
            learning.begin(task, sample, (task.first_sample + seen) * task.n_steps)
            given = task.given.sample(sample, task.n_steps)
            job = Job(task.network, plan, 1, given, task.n_steps, (), rules=learning.rules)
            job.go_on(state, silent)
            reader = job.reader()
            for name in record.spike_counts:
                counts, first_spikes = reader.counts(name)[0], reader.first_spikes(name)[0]
                record.note_spikes(seen, name, counts, first_spikes)
            bar.update(seen + 1, task.n_seen, "samples")
    return record.result(simulator.current_network(), learning.visited())


def _teacher(task: LearningTask, plan: Plan) -> EpropTeacher:
    taught, rule = taught_population(task.network), error_rule(task.network)
    return EpropTeacher(
        population=plan.index[taught.name],
        trace=np.zeros(taught.n_neurons, dtype=np.int64),
        error=np.zeros(taught.n_neurons, dtype=np.int64),
        target=np.array([0, rule.wanted]),
        decay_shift=rule.decay_shift,
        impulse=rule.impulse,
        trace_high=rule.trace_high,
    )


def _synapses(
    task: LearningTask, name: str, plan: Plan, teacher: EpropTeacher
) -> EpropSynapses | EpropListed:
    projection = task.plastic[name]
    rule: Any = projection.plasticity
    target: Any = task.network.population(projection.target)
    n_pre, n_post = task.network.population(projection.source).n_neurons, target.n_neurons
    place = plan.plastic[name]
    kind: Any = EpropSynapses
    own: dict[str, Any] = {}
    if isinstance(place, PlasticList):
        kind, own = EpropListed, _listed(place.synapses, n_pre, n_post, rule.stamped)
    threshold = target.threshold.astype(np.int64) << ALIGN_SHIFT
    made: EpropSynapses | EpropListed = kind(
        **own,
        teacher=teacher,
        ends=np.array([plan.index[projection.source], plan.index[projection.target]]),
        weights=plan.weights(name),
        feedback=NO_FEEDBACK if rule.feedback is None else rule.feedback,
        threshold=np.broadcast_to(threshold, n_post).copy(),
        key=np.array([task.seeds[name], 0, 0]),
        trace=np.zeros(n_pre, dtype=np.int64),
        sent=np.zeros(n_pre, dtype=np.int64),
        n_sent=np.zeros(1, dtype=np.int64),
        resting=np.zeros(n_post, dtype=np.int64),
        heard=np.zeros(n_pre if rule.stamped else 0, dtype=np.int64),
        fired=np.zeros(n_post if rule.stamped else 0, dtype=np.int64),
        cleared=np.zeros(n_post if rule.stamped else 0, dtype=np.int64),
        factor=np.zeros(n_post, dtype=np.int64),
        live=np.zeros(n_post, dtype=np.int64),
        offsets=np.zeros(n_post, dtype=np.uint32),
        n_visited=np.zeros(1, dtype=np.int64),
        refractory=target.refractory,
        **{field: getattr(rule, field) for field in OF_RULE},
    )
    return made


def _listed(synapses: LoweredSynapses, n_pre: int, n_post: int, stamped: bool) -> dict[str, Any]:
    """What only listed synapses have."""
    late = np.zeros(synapses.pre.size) if synapses.delay is None else synapses.delay
    delay = late.astype(np.int64)
    n_rows = int(delay.max(initial=0)) + 1
    return {
        "row_start": np.searchsorted(synapses.pre, np.arange(n_pre + 1)).astype(np.int64),
        "post": synapses.post.astype(np.int64),
        "delay": delay,
        "past_trace": np.zeros((n_rows, n_pre), dtype=np.int64),
        "past_heard": np.zeros((n_rows, n_pre if stamped else 0), dtype=np.int64),
        "last_trace": np.zeros(n_pre, dtype=np.int64),
        "place": np.zeros(n_post, dtype=np.int64),
    }
