"""Lava's LearningDense under a rule, step by step."""

from __future__ import annotations

from typing import Any

import hw_models.lava_processes  # noqa: F401 Lava runs on this Python only after this

# isort: split
import numpy as np
from lava.magma.core.learning.constants import GradedSpikeCfg
from lava.proc.dense.process import LearningDense
from lava.proc.io.source import RingBuffer
from lava.utils.weightutils import SignMode as LavaSignMode

from hw_models import GradedSpikes, LearningRule, SignMode
from hw_models.lava_processes.direct_run import DirectRun
from hw_models.learning_engine import RULE_STATE


def learning_dense(rule: Any, sign_mode: SignMode, weights: Any, **fields: Any) -> LearningDense:
    """Lava's LearningDense that keeps all weights of its sign mode as they are."""
    return LearningDense(
        weights=weights,
        learning_rule=rule,
        sign_mode=LavaSignMode[sign_mode.name],
        num_weight_bits=9 if sign_mode is SignMode.MIXED else 8,
        **fields,
    )


def graded_fields(rule: LearningRule) -> dict[str, Any]:
    """What a LearningDense is told of numbers that come with spikes."""
    if rule.graded_spikes is GradedSpikes.USE_REGULAR_IMPULSE:
        return {}
    return {"graded_spike_cfg": GradedSpikeCfg[rule.graded_spikes.name], "num_message_bits": 9}


def numbers_of(rule: LearningRule, rng: np.random.Generator, spikes: Any) -> Any:
    """Spikes, or the numbers that come with them if the rule takes some."""
    if not rule.takes_numbers:
        return spikes
    high = rng.choice([2, 60, 511])
    return spikes * rng.integers(1, high, spikes.shape)


def lava_states(dense: LearningDense, pre: Any, post: Any, sent: Any) -> Any:
    """State of Lava's fixed-point LearningDense after every step; all its ports are connected.

    Spikes are ``(n_steps, N)``, and what the target sends ``(n_steps, 3, n_post)``.
    """
    ports = {"s_in": pre, "s_in_bap": post}
    ports |= {f"s_in_y{k + 1}": sent[:, k] for k in range(3)}
    sources = []
    for name, values in ports.items():
        sources.append(RingBuffer(data=np.ascontiguousarray(values.T)))
        sources[-1].s_out.connect(getattr(dense, name))
    run = DirectRun([*sources, dense])
    model = run.model(dense)
    for _ in range(len(pre)):
        run.step()
        yield {name: np.array(getattr(model, name)) for name in RULE_STATE}
