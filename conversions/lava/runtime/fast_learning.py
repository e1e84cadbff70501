"""Lava's floating-point ``LearningDense``: its traces by compiled loops, its rule as Python code.

Lava indexes a history of all traces for every pair of neurons, and reads the text of its rule
anew at every epoch, though it has compiled it. Replaced are single methods; what they compute is
the same to the last bit.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from lava.magma.core.learning.constants import GradedSpikeCfg
from lava.proc.dense.models import PyLearningDenseModelFloat

from conversions.lava.runtime.stored_weights import Stored
from ssdp_neuro.engine.kernels.lava_traces import follow_traces, note_post_spikes, note_spikes

OF_PRE, OF_POST = ("x1", "x2"), ("y1", "y2", "y3")
REPLACED = (
    "_process_pre_spikes",
    "_process_post_spikes",
    "_compute_trace_histories",
    "_extract_applier_evaluated_traces",
    "_apply_learning_rules",
)


class FastLearning:
    """Takes the place of methods of a model.

    Parameters
    ----------
    model
        As it was built.
    """

    def __init__(self, model: Any) -> None:
        self._model = model
        self._by_lava = {name: getattr(model, name) for name in REPLACED}
        self._keeps = Stored(model, _keeps_of, ("_x_taus", "_y_taus"))
        model.__dict__.update({name: getattr(self, name) for name in REPLACED})

    @classmethod
    def replace(cls, model: Any) -> tuple[str, ...]:
        """Names of the methods that were replaced; none of a model of another class."""
        if type(model) is not PyLearningDenseModelFloat:
            return ()
        cls(model)
        return ("recv_traces", "run_lrn")

    def _process_pre_spikes(self, s_in: np.ndarray) -> None:
        model = self._model
        is_regular = model._graded_spike_cfg == GradedSpikeCfg.USE_REGULAR_IMPULSE
        traces = (model.x1, model.x2)
        if not (is_regular and _are_plain(model.tx, *traces)):
            self._by_lava["_process_pre_spikes"](s_in)
            return
        now = model._within_epoch_time_step()
        note_spikes(s_in.astype(bool), now, model.tx, *traces, model._x_impulses.astype(float))

    def _process_post_spikes(self, s_in_bap: np.ndarray) -> None:
        model = self._model
        traces = (model.y1, model.y2, model.y3)
        if not (_are_plain(model.ty, *traces) and model.y0.dtype == bool):
            self._by_lava["_process_post_spikes"](s_in_bap)
            return
        now, impulses = model._within_epoch_time_step(), model._y_impulses.astype(float)
        note_post_spikes(s_in_bap, now, model.y0, model.ty, *traces, impulses)

    def _compute_trace_histories(self) -> tuple[np.ndarray, np.ndarray]:
        model = self._model
        if not self._keeps.are_usable(None):
            return self._by_lava["_compute_trace_histories"]()
        n_steps = model._learning_rule.t_epoch + 1
        found = []
        for names, keeps, impulses, last in (
            (OF_PRE, self._keeps.made[0], model._x_impulses, model.tx),
            (OF_POST, self._keeps.made[1], model._y_impulses, model.ty),
        ):
            history = np.empty((n_steps, len(names), last.size))
            for row, name in enumerate(names):
                history[0, row] = getattr(model, name)
            follow_traces(history, keeps, impulses.astype(float), last)
            found.append(history)
        return found[0], found[1]

    def _extract_applier_evaluated_traces(
        self, x_traces_history: np.ndarray, y_traces_history: np.ndarray
    ) -> dict[str, np.ndarray]:
        """Those that the rules name."""
        model = self._model
        named = {
            name
            for applier in model._learning_rule_appliers.values()
            for name in applier._applier_compiled.co_names
        }
        tx, ty = model.tx, model.ty
        pre, post = np.arange(tx.size), np.arange(ty.size)
        found = {}
        for row, name in enumerate(OF_PRE):
            if f"{name}_x0" in named:
                found[f"{name}_x0"] = x_traces_history[tx, row, pre][np.newaxis, :]
            if f"{name}_y0" in named:
                found[f"{name}_y0"] = x_traces_history[ty, row]
            if f"{name}_u" in named:
                found[f"{name}_u"] = x_traces_history[-1, row][np.newaxis, :]
        for row, name in enumerate(OF_POST):
            if f"{name}_x0" in named:
                found[f"{name}_x0"] = y_traces_history[tx, row].T
            if f"{name}_y0" in named:
                found[f"{name}_y0"] = y_traces_history[ty, row, post][:, np.newaxis]
            if f"{name}_u" in named:
                found[f"{name}_u"] = y_traces_history[-1, row][:, np.newaxis]
        return found

    def _apply_learning_rules(
        self, x_traces_history: np.ndarray, y_traces_history: np.ndarray
    ) -> None:
        model = self._model
        names = model._extract_applier_args(x_traces_history, y_traces_history)
        for name, applier in model._learning_rule_appliers.items():
            change = eval(applier._applier_compiled, {"__builtins__": {}}, names)
            values = getattr(model, name) + change
            setattr(model, name, model._saturate_synaptic_variable(name, values))


def _keeps_of(x_taus: np.ndarray, y_taus: np.ndarray, _: Any) -> tuple[np.ndarray, np.ndarray]:
    """What is left of traces after a step, by NumPy as in Lava; NaN where the constant is 0."""
    found = []
    for taus in (x_taus, y_taus):
        keeps = np.full(taus.size, np.nan)
        keeps[taus != 0] = np.exp(-1 / taus[taus != 0][:, np.newaxis])[:, 0]
        found.append(keeps)
    return found[0], found[1]


def _are_plain(last: np.ndarray, *traces: np.ndarray) -> bool:
    return last.dtype == np.int64 and all(each.dtype == np.float64 for each in traces)
