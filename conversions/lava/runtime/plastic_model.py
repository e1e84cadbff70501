"""Lava's fixed-point ``LearningDense`` and ``LearningSparse`` in compiled kernels, by messages.

The kernels are those of :class:`ssdp_neuro.PlasticSynapses`. While they run, the model's Vars
are views of their state, so that ``get`` and Monitors see what Lava's model would hold; before
anybody else changes a Var, or where a value is none that a chip holds, the model gets arrays of
its own back, its random numbers too, and goes on by Lava's Python. Weights of ``LearningSparse``
are no views: what was learned is copied to their places in its matrix.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from lava.magma.core.learning.constants import GradedSpikeCfg
from lava.magma.core.learning.learning_rule import Loihi2FLearningRule, Loihi3FLearningRule
from lava.proc.dense.models import PyLearningDenseModelBitApproximate
from lava.proc.monitor.process import Monitor
from lava.proc.sparse.models import PyLearningSparseModelBitApproximate
from scipy.sparse import csr_matrix

from conversions.lava.reading.learning_rules import from_lava_rule
from hw_models.errors import ConversionError
from hw_models.learning_engine import GradedSpikes, LearningRule, SignMode
from hw_models.learning_engine.learning_rule import NUMBER_HIGH, TAG_LIMITS, TRACE_HIGH, TRACES
from ssdp_neuro.engine.kernels.catalog import LEARN_TRAINS
from ssdp_neuro.engine.kernels.lava_models import add_columns, add_stored_columns
from ssdp_neuro.engine.kernels.rule_tables import Learner, Program, RunSteps, Synapses
from ssdp_neuro.engine.plastic_synapses import lava_draws
from ssdp_neuro.engine.rule_log import empty_log
from ssdp_neuro.engine.rule_program import changes_of, rule_program
from ssdp_neuro.engine.rule_state import count_lowest_tags, dense_state, listed_state, padded

BLOCK = 64  # steps whose random numbers are drawn at once
SYNAPTIC = ("weights", "tag_2", "tag_1")  # in the order of the kernels' tables
METHODS = ("run_spk", "run_lrn")
MODELS = (PyLearningDenseModelBitApproximate, PyLearningSparseModelBitApproximate)
MIXED = SignMode.MIXED
_NOTHING = np.zeros(0, dtype=np.int64)


class PlasticModel:
    """Runs the steps of a model.

    Parameters
    ----------
    model
        As it was built; its methods are replaced.
    """

    def __init__(self, model: Any) -> None:
        self._model = model
        self._is_listed = type(model) is PyLearningSparseModelBitApproximate
        self._by_lava = {name: getattr(model, name) for name in METHODS}
        self._shape: tuple[int, int] = model._shape
        self._has_learned = False  # in the last step, by the kernels
        self._state: Synapses | None = None
        self._at = self._clock = 0  # steps of the block, and those before it
        self._steps: RunSteps
        self._learner: Learner
        self._rule = readable_rule(model)
        tell = model.on_var_update

        def on_var_update() -> None:
            tell()  # it rounds impulses and time constants
            self._rule = readable_rule(model)

        model.__dict__.update(
            run_spk=self._run_spk, run_lrn=self._run_lrn, on_var_update=on_var_update
        )

    @classmethod
    def of(cls, model: Any, asking: list[Any]) -> PlasticModel | None:
        """The same, if the kernels can run a model; None if Lava's Python has to.

        ``asking`` are Processes that read or write its Vars while it runs. A Monitor reads them
        when all models have learned; others may earlier.
        """
        if type(model) not in MODELS or any(type(each) is not Monitor for each in asking):
            return None
        return cls(model) if _hears_integers(model) and readable_rule(model) else None

    def release(self) -> None:
        """Give the model arrays and random numbers of its own; the next step takes them again."""
        state, model = self._state, self._model
        if state is None:
            return
        self._state = None
        for generator, kept in zip(self._generators, self._kept, strict=True):
            generator.bit_generator.state = kept
        for _ in range(2 * self._at):
            model._update_trace_randoms()
        epoch = self._rule_now.epoch
        for _ in range((self._clock + self._at) // epoch - self._clock // epoch):
            model._update_synaptic_variable_random()
        for name, dtype in self._dtypes.items():
            setattr(model, name, np.array(getattr(model, name), dtype=dtype, order="C"))

    def _run_spk(self) -> None:
        model = self._model
        self._has_learned = False
        if self._state is None and not self._take():
            self._by_lava["run_spk"]()
            return
        model.weight_exp = exponent = model.proc_params.get("weight_exp", 0)
        model.a_out.send(model.a_buff)
        spikes = model.s_in.recv()
        if model.num_message_bits.item() > 0:
            weights = model.weights
            if not self._is_listed:
                weights = weights.astype(self._dtypes["weights"])
            total = weights.dot(spikes)
        else:
            spikes = spikes.astype(bool)
            total = self._total(spikes)
        model.a_buff = (
            np.left_shift(total, exponent) if exponent > 0 else np.right_shift(total, -exponent)
        )
        if self._rule_now.takes_numbers and not _are_within(spikes, 0, NUMBER_HIGH):
            self.release()
            self._rule = None  # until a Var is set
            model.recv_traces(spikes)
            return
        self._learn(spikes)
        self._has_learned = True

    def _total(self, spikes: np.ndarray) -> np.ndarray:
        n_post = self._shape[0]
        total = np.empty(n_post if self._is_listed else self._rows.shape[1], dtype=np.int64)
        if self._is_listed:
            assert self._state is not None
            add_stored_columns(self._state.first, self._state.post, self._learned, spikes, total)
        else:
            add_columns(self._rows, spikes, total)
        return total[:n_post]

    def _run_lrn(self) -> None:
        if not self._has_learned:
            self._by_lava["run_lrn"]()

    def _learn(self, spikes: np.ndarray) -> None:
        """Hear the target, and learn if an epoch ends; the traces are those after both phases."""
        model, rule, epoch = self._model, self._model._learning_rule, self._rule_now.epoch
        if self._at == BLOCK:
            self._begin_block()
        at = self._at
        steps = self._steps
        np.not_equal(spikes, 0, out=steps.pre[at].view(bool))
        if self._rule_now.takes_numbers:
            steps.halves[at] = np.round(spikes / 2)
        if isinstance(rule, Loihi2FLearningRule | Loihi3FLearningRule):
            steps.post[at] = model.s_in_bap.recv().astype(bool)
        if isinstance(rule, Loihi3FLearningRule):
            for k, port in enumerate((model.s_in_y1, model.s_in_y2, model.s_in_y3)):
                steps.sent[at, k] = port.recv()
        LEARN_TRAINS(0, 0, at, at + 1, self._learner)
        self._at = at + 1
        if epoch > 1:
            np.greater(model.ty, 0, out=model.y0)
        if self._is_listed and model.time_step % epoch == 0:
            model.weights.data[self._places] = self._learned

    def _take(self) -> bool:
        """Put what the model holds into the kernels' state, and views of it into the model."""
        model, rule = self._model, self._rule
        if rule is None or not model.weights_set:  # Lava cuts off bits in the first step
            return False
        if not self._can_hold(rule):
            self._rule = None
            return False
        program = rule_program(rule)
        n_post, n_pre = self._shape
        self._state = state = self._listed(program) if self._is_listed else self._dense(program)
        views = {name: state.x[int(name[1]) - 1, :n_pre] for name in ("x1", "x2")}
        views |= {name: state.y[int(name[1]) - 1, :n_post] for name in ("y1", "y2", "y3")}
        views |= {"tx": state.tx[:n_pre], "ty": state.ty[:n_post]}
        for end, name in enumerate(("tx", "ty")):
            fired = np.flatnonzero(getattr(model, name))
            (state.pre_fired, state.post_fired)[end][: fired.size] = fired
            state.n_fired[end] = fired.size
        for name, view in views.items():
            view[...] = getattr(model, name)
        if not self._is_listed:
            row = padded(n_post)
            for name, place in zip(SYNAPTIC, program.place, strict=True):
                if place >= 0:
                    rows = state.variables[place, : n_pre * row].reshape(n_pre, row)
                    views[name] = rows[:, :n_post].T
            self._rows = state.variables[program.place[0], : n_pre * row].reshape(n_pre, row)
        self._dtypes = {name: getattr(model, name).dtype for name in views}
        for name, view in views.items():
            setattr(model, name, view)
        self._rule_now, self._program = rule, program
        self._log = empty_log(program, self._shape)
        x, y = model._x_random, model._y_random
        traces = [each for r in (x, y) for each in (r._rng_trace_decay, r._rng_impulse_addition)]
        self._generators = [*traces, model._conn_var_random._rng]
        self._begin_block()
        return True

    def _dense(self, program: Program) -> Synapses:
        given = [getattr(self._model, name).astype(np.int16) for name in SYNAPTIC]
        state = dense_state(program, self._shape, given)
        count_lowest_tags(program, state, given[2])
        return state

    def _listed(self, program: Program) -> Synapses:
        """Synapses by source, and where each lies in the model's matrix by target."""
        weights = self._model.weights
        numbers = (np.arange(weights.nnz), weights.indices, weights.indptr)
        by_source = csr_matrix(numbers, weights.shape).tocsc()
        self._places = by_source.data
        pre = np.repeat(np.arange(self._shape[1]), np.diff(by_source.indptr))
        given = [weights.data[self._places].astype(np.int16), None, None]
        state = listed_state(program, self._shape, pre, by_source.indices, given)
        self._learned = state.variables[program.place[0], : weights.nnz]
        return state

    def _can_hold(self, rule: LearningRule) -> bool:
        model, within = self._model, (self._model.time_step - 1) % rule.epoch
        limits = {**TAG_LIMITS, "weights": (rule.weight_low, rule.weight_high)}
        limits |= {"tx": (0, within), "ty": (0, within)}
        is_kept = rule_program(rule).is_kept
        is_sent = isinstance(model._learning_rule, Loihi3FLearningRule)
        for name, kept in zip(TRACES, is_kept, strict=True):
            limits[name] = (0, TRACE_HIGH if kept else 0)
            if is_sent and name.startswith("y"):  # heard anew in every step
                limits[name] = (-(2**31), 2**31 - 1)
        held = {name: getattr(model, name) for name in limits}
        if self._is_listed:
            weights = held["weights"]
            if not (type(weights) is csr_matrix and weights.has_canonical_format and weights.nnz):
                return False
            held |= {"weights": weights.data, **dict.fromkeys(TAG_LIMITS, _NOTHING)}
        return all(_are_within(held[name], *pair) for name, pair in limits.items())

    def _begin_block(self) -> None:
        """Draw random numbers of the next steps, and make room for what they hear."""
        assert self._state is not None
        (n_post, n_pre), epoch = self._shape, self._rule_now.epoch
        self._at, self._clock = 0, self._model.time_step - 1
        self._kept = [each.bit_generator.state for each in self._generators]
        n_epochs = (self._clock + BLOCK) // epoch - self._clock // epoch
        *traces, rounding = self._generators
        self._steps = RunSteps(
            pre=np.zeros((BLOCK, n_pre), np.uint8),
            post=np.zeros((BLOCK, n_post), np.uint8),
            halves=np.zeros((BLOCK if self._rule_now.takes_numbers else 0, n_pre), np.uint8),
            sent=np.zeros((BLOCK if self._program.is_sent else 0, 3, n_post), np.int64),
            draws=lava_draws(traces, rounding, BLOCK, n_epochs),
            clock=self._clock,
            begin=0,
        )
        self._learner = Learner(
            program=self._program,
            synapses=self._state,
            log=self._log,
            steps=self._steps,
            ends=_NOTHING,
            weights=_NOTHING.astype(np.int16),
            changes=changes_of(self._program),
            n_visited=np.zeros(1, np.int64),
        )


def readable_rule(model: Any) -> LearningRule | None:
    """The rule that a model has now, as the kernels run it; None if they cannot."""
    try:
        rule = from_lava_rule(
            model._learning_rule,
            sign_mode=SignMode[model.sign_mode.name],
            graded_spikes=GradedSpikes[GradedSpikeCfg(model._graded_spike_cfg).name],
        ).rule
    except (ConversionError, KeyError):
        return None
    is_listed = type(model) is PyLearningSparseModelBitApproximate
    return rule if not is_listed or _learns_weights_alone(rule) else None


def _learns_weights_alone(rule: LearningRule) -> bool:
    """Whether Lava's sparse model does no more: tags lie elsewhere, it fails on factors of them."""
    is_plain = not any(factor.variable.is_synaptic for each in rule.dw for factor in each.factors)
    return bool(is_plain and rule.dw and not rule.dt and not rule.dd and rule.sign_mode == MIXED)


def _hears_integers(model: Any) -> bool:
    """Whether what arrives fits into the kernels' 32 bits."""
    ports = (model.s_in, model.s_in_bap, model.s_in_y1, model.s_in_y2, model.s_in_y3)
    types = [np.dtype(end.d_type) for port in ports for end in port.csp_ports]
    return all(each.kind in "bi" and each.itemsize <= 4 for each in types)


def _are_within(values: Any, low: int, high: int) -> bool:
    is_whole = type(values) is np.ndarray and values.dtype.kind in "biu"
    return is_whole and (not values.size or bool(low <= values.min() and values.max() <= high))
