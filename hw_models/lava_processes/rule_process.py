"""A projection under a learning rule as Lava's learning connection, and the rule as its record."""

from __future__ import annotations

from typing import Any

import numpy as np
from lava.magma.core.learning.constants import GradedSpikeCfg
from lava.magma.core.learning.learning_rule import Loihi2FLearningRule, Loihi3FLearningRule
from lava.proc.dense.process import LearningDense
from lava.proc.sparse.process import LearningSparse
from lava.utils.weightutils import SignMode as LavaSignMode
from scipy.sparse import csr_matrix

from hw_models.errors import RangeError
from hw_models.lava_processes.sample_learning_dense.learning_dense_process import (
    SampleLearningDense,
)
from hw_models.learning_engine import LearningRule, PostTraces, RandomStream, SignMode
from hw_models.learning_engine.learning_rule import TARGETS, TRACES
from hw_models.learning_schedule import LearningPlan
from hw_models.projections import SparseProjection


def lava_rule(rule: LearningRule) -> Loihi2FLearningRule | Loihi3FLearningRule:
    """The same rule as Lava's record: of three factors where the target sends y1, y2 and y3."""
    is_sent = rule.post_traces is PostTraces.SENT
    fields: dict[str, Any] = {target: rule.equation(target) or None for target in TARGETS}
    for name in TRACES:
        if not (is_sent and name.startswith("y")):
            trace = getattr(rule, name)
            fields |= {f"{name}_impulse": trace.impulse, f"{name}_tau": trace.tau}
    kind = Loihi3FLearningRule if is_sent else Loihi2FLearningRule
    return kind(**fields, t_epoch=rule.epoch, rng_seed=rule.seed)


def rule_process(
    projection: Any, shape: tuple[int, int], plan: LearningPlan | None = None
) -> LearningDense | LearningSparse:
    """The Process that delivers and learns as the projection does, bit for bit.

    Its ``s_in_bap`` wants the target's spikes. It is Lava's own; with a plan, one that is told by
    a clock of samples when to learn.

    Parameters
    ----------
    projection
        Dense or sparse, with a LearningRule.
    shape
        Neurons of target and source.
    plan
        How it learns from samples; None if it always does.

    Raises
    ------
    RangeError
        If Lava has no such Process: with delays, with random numbers that are not Lava's, of
        listed synapses that its sparse model cannot compute, or that learn from samples.
    """
    where, rule = projection.name, projection.plasticity
    if projection.delays is not None:
        raise RangeError(
            f"{where}: {type(projection).__name__} with delays cannot learn by a rule in Lava;"
            " one without delays can"
        )
    if rule.random_stream is not RandomStream.LAVA:
        raise RangeError(
            f"{where}.plasticity.random_stream: {rule.random_stream}; Lava draws its own random"
            " numbers, RandomStream.LAVA is needed"
        )
    is_listed = isinstance(projection, SparseProjection)
    if is_listed:
        _check_listed(projection, plan)

    def table(values: np.ndarray) -> Any:
        numbers = values.astype(np.int32)
        ends = (numbers, (projection.post, projection.pre)) if is_listed else None
        return numbers if ends is None else csr_matrix(ends, shape=shape)

    tags = {
        name: table(getattr(projection, name))
        for name in ("tag_1", "tag_2")
        if getattr(projection, name) is not None
    }
    if is_listed:  # Lava learns only tags that it stores, zeros too
        tags = {name: table(0 * projection.weights) for name in ("tag_1", "tag_2")} | tags
    fields: dict[str, Any] = {
        "weights": table(projection.weights),
        "graded_spike_cfg": GradedSpikeCfg[rule.graded_spikes.name],
        "weight_exp": projection.weight_exponent,
        "sign_mode": LavaSignMode[rule.sign_mode.name],
        "num_weight_bits": 9 if rule.sign_mode is SignMode.MIXED else 8,  # learned ones are odd too
        "learning_rule": lava_rule(rule),
        "name": projection.name,
        **tags,
    }
    if plan is None:
        return LearningSparse(**fields) if is_listed else LearningDense(**fields)
    learns = plan.schedules[projection.name].learns
    return SampleLearningDense(
        clock=plan.clock, learns=learns, clears_traces=plan.clears_traces, **fields
    )


def _check_listed(projection: SparseProjection, plan: LearningPlan | None) -> None:
    """Refuse what Lava's fixed-point ``LearningSparse`` drops or fails on."""
    where, rule = projection.name, projection.plasticity
    assert isinstance(rule, LearningRule)
    if plan is not None:
        raise RangeError(
            f"{where}: SparseProjection cannot learn from samples in Lava; a DenseProjection can,"
            " and rules=True of run_lava lets listed synapses learn in one run"
        )
    if rule.sign_mode is not SignMode.MIXED:
        raise RangeError(
            f"{where}.plasticity.sign_mode: {rule.sign_mode}; Lava's LearningSparse fails on all"
            " but MIXED"
        )
    for target in TARGETS:
        for number, product in enumerate(getattr(rule, target), 1):
            if any(factor.variable.is_synaptic for factor in product.factors):
                raise RangeError(
                    f"{where}: {target}, term {number} ({str(product)!r}): Lava's LearningSparse"
                    " fails on factors of the synapse (w, d and t)"
                )
    zeros = np.flatnonzero(projection.weights == 0)
    if zeros.size:
        raise RangeError(
            f"{where}.weights: 0 at synapse {int(zeros[0])}; Lava's LearningSparse drops it"
        )
