"""Lava's fixed-point LearningDense between ring buffers: in Lava's runtime, and its model alone."""

from __future__ import annotations

import time
from importlib import metadata
from typing import Any

import numpy as np

from benchmarks.learning_rule_cases import Case, digest_of, timed
from hw_models import RandomStream

REPEATS = 3


def program(case: Case) -> tuple[Any, list[Any]]:
    """The connection, and the sources of what its ports hear."""
    from hw_models import lava_processes  # noqa: F401, I001 makes Lava importable
    from lava.magma.core.learning.learning_rule import Loihi2FLearningRule, Loihi3FLearningRule
    from lava.proc.dense.process import LearningDense
    from lava.proc.io.source import RingBuffer
    from lava.utils.weightutils import SignMode

    data, rule = case.data(), case.rule(RandomStream.LAVA)
    traces = {}
    for name in ("x1",) if case.has_tags else ("x1", "y1"):
        traces[f"{name}_impulse"] = getattr(rule, name).impulse
        traces[f"{name}_tau"] = getattr(rule, name).tau
    kind = Loihi3FLearningRule if case.has_tags else Loihi2FLearningRule
    equations = {name: rule.equation(name) or None for name in ("dw", "dt")}
    dense = LearningDense(
        weights=data["weights"],
        learning_rule=kind(**equations, **traces, t_epoch=1, rng_seed=rule.seed),
        sign_mode=SignMode.MIXED,
        num_weight_bits=9,
    )
    ports = {"s_in": data["pre"], "s_in_bap": data["post"]}
    if data["sent"] is not None:
        ports |= {f"s_in_y{k + 1}": data["sent"][:, k] for k in range(3)}
    sources = []
    for name, values in ports.items():
        sources.append(RingBuffer(data=np.ascontiguousarray(values.T.astype(np.int32))))
        sources[-1].s_out.connect(getattr(dense, name))
    return dense, sources


def in_runtime(case: Case) -> dict[str, Any]:
    """As users run it; further calls of ``run`` are timed."""
    dense, _ = program(case)
    from lava.magma.core.run_conditions import RunSteps
    from lava.magma.core.run_configs import Loihi2SimCfg
    from lava.proc.dense.models import PyLearningDenseModelBitApproximate
    from lava.proc.dense.process import LearningDense

    models = {LearningDense: PyLearningDenseModelBitApproximate}
    steps = RunSteps(num_steps=case.lava_steps)
    dense.run(
        condition=steps,
        run_cfg=Loihi2SimCfg(select_tag="fixed_pt", exception_proc_model_map=models),
    )
    digest = digest_of(dense.weights.get(), dense.tag_1.get())
    seconds = timed(
        lambda: dense.run(condition=steps), case.lava_steps, REPEATS, clock=time.perf_counter
    )
    dense.stop()
    return {"per_step": seconds, "digest": digest, "versions": versions()}


def alone(case: Case) -> dict[str, Any]:
    """The model, called step by step without runtime or messages."""
    dense, sources = program(case)
    from hw_models.lava_processes.direct_run import DirectRun

    run = DirectRun([*sources, dense])

    def steps() -> None:
        for _ in range(case.lava_steps):
            run.step()

    steps()
    model = run.model(dense)
    digest = digest_of(model.weights, model.tag_1)
    seconds = timed(steps, case.lava_steps, REPEATS)
    return {"per_step": seconds, "digest": digest, "versions": versions()}


def versions() -> dict[str, str]:
    return {"lava-nc": metadata.version("lava-nc")}
