"""A projection under a learning rule as Lava's ``LearningDense``, and the rule as Lava's record."""

from __future__ import annotations

from typing import Any

import numpy as np
from lava.magma.core.learning.learning_rule import Loihi2FLearningRule, Loihi3FLearningRule
from lava.proc.dense.process import LearningDense
from lava.utils.weightutils import SignMode as LavaSignMode

from hw_models.errors import RangeError
from hw_models.lava_processes.sample_learning_dense.learning_dense_process import (
    SampleLearningDense,
)
from hw_models.learning_engine import LearningRule, PostTraces, RandomStream, SignMode
from hw_models.learning_engine.learning_rule import TARGETS, TRACES
from hw_models.learning_schedule import LearningPlan
from hw_models.projections import DenseProjection


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


def rule_process(projection: Any, plan: LearningPlan | None = None) -> LearningDense:
    """The Process that delivers and learns as the projection does, bit for bit.

    Its ``s_in_bap`` wants the target's spikes. It is Lava's own; with a plan, one that is told by
    a clock of samples when to learn.

    Raises
    ------
    RangeError
        If Lava has no such Process: of listed synapses, with delays, or with random numbers that
        are not Lava's.
    """
    where, rule = projection.name, projection.plasticity
    if not isinstance(projection, DenseProjection) or projection.delays is not None:
        raise RangeError(
            f"{where}: {type(projection).__name__}"
            f"{' with delays' if projection.delays is not None else ''} cannot learn by a rule in"
            " Lava; a DenseProjection without delays can"
        )
    if rule.random_stream is not RandomStream.LAVA:
        raise RangeError(
            f"{where}.plasticity.random_stream: {rule.random_stream}; Lava draws its own random"
            " numbers, RandomStream.LAVA is needed"
        )
    tags = {
        name: getattr(projection, name).astype(np.int32)
        for name in ("tag_1", "tag_2")
        if getattr(projection, name) is not None
    }
    fields: dict[str, Any] = {
        "weights": projection.weights.astype(np.int32),
        "weight_exp": projection.weight_exponent,
        "sign_mode": LavaSignMode[rule.sign_mode.name],
        "num_weight_bits": 9 if rule.sign_mode is SignMode.MIXED else 8,  # learned ones are odd too
        "learning_rule": lava_rule(rule),
        "name": projection.name,
        **tags,
    }
    if plan is None:
        return LearningDense(**fields)
    learns = plan.schedules[projection.name].learns
    return SampleLearningDense(
        clock=plan.clock, learns=learns, clears_traces=plan.clears_traces, **fields
    )
