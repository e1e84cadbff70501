"""``explain_lava``: how each Process of a Lava program runs here, and what differs."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import Any

from lava.magma.core.learning.learning_rule import LoihiLearningRule
from lava.magma.core.run_conditions import RunSteps

from conversions.lava.program_file import share_text
from conversions.lava.reading.walk import label
from conversions.lava.runtime.engine_cfg import EngineCfg, FixedPointFirst
from conversions.lava.runtime.engine_runtime import EngineRuntime
from conversions.lava.runtime.model_building import Actor
from hw_models import LOIHI2, InputError, TypeMismatchError, check
from hw_models.errors import brief
from hw_models.integers import integer
from hw_models.records import short_repr

ENGINE, COMPILED, LAVAS_PYTHON, OWN_PYTHON, CONTAINER = (
    "engine",
    "compiled loops",
    "Lava's Python",
    "own Python",
    "its parts",
)
# Rough seconds of a step that a model of few neurons costs, on two cores of 2026, in a chain of
# ten; Lava's runtime passes its messages between operating-system processes.
OVERHEAD_S = {ENGINE: 0.0, COMPILED: 5e-6, LAVAS_PYTHON: 10e-6, OWN_PYTHON: 10e-6}
OVERHEAD_LAVA_S = 250e-6


@dataclass(frozen=True, kw_only=True)
class ExplainedProcess:
    """How a Process runs.

    Parameters
    ----------
    name, process
        Of the Process, and its class.
    model
        The class of the ProcessModel that the run configuration chose.
    runs_by
        ``engine``, ``compiled loops``, ``Lava's Python``, ``own Python`` or, if it is made of
        others, ``its parts``.
    remarks
        What differs from hardware, or from what one may expect.
    share
        Of the time that was measured, 0 to 1; None if nothing was run.
    """

    name: str
    process: str
    model: str
    runs_by: str
    remarks: tuple[str, ...] = ()
    share: float | None = None


@dataclass(frozen=True, kw_only=True)
class ExplainedProgram:
    """What :func:`explain_lava` finds.

    Parameters
    ----------
    processes
        Each with how it runs, oldest first.
    notes
        On the program as a whole: why the engine does not run all of it, what Lava changes
        when it loads it, what Loihi 2 could not hold.
    overhead_us, overhead_lava_us
        Roughly what a step takes beside what large models compute, here and in Lava's runtime.
    measured_us
        Time of a step if some were run; None otherwise.
    """

    processes: tuple[ExplainedProcess, ...]
    notes: tuple[str, ...]
    overhead_us: float
    overhead_lava_us: float
    measured_us: float | None = None

    __repr__ = short_repr

    def to_dict(self) -> dict[str, Any]:
        """Everything, in plain types."""
        return asdict(self)

    def __str__(self) -> str:
        """A table, and the notes."""
        rows = [("Process", "class", "model", "runs by", "share")]
        rows += [
            (each.name, each.process, each.model, each.runs_by, share_text(each.share))
            for each in self.processes
        ]
        widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
                 .rstrip() for row in rows]  # fmt: skip
        remarks = [f"{each.name}: {text}" for each in self.processes for text in each.remarks]
        return "\n".join([*lines, "", self.speed(), *(f"- {x}" for x in (*self.notes, *remarks))])

    def speed(self) -> str:
        """One sentence on time."""
        expected = (
            f"beside what models compute, a step takes about {self.overhead_us:.0f} us here and"
            f" {self.overhead_lava_us:.0f} us in Lava's runtime"
        )
        if self.measured_us is None:
            return f"Expected: {expected}."
        return f"Measured: {self.measured_us:.1f} us a step; expected: {expected}."


def explain_lava(process: Any, run_cfg: Any = None, *, n_steps: int = 0) -> ExplainedProgram:
    """List how each Process of a Lava program runs here, and what differs.

    The program is compiled by this, as by ``process.create_runtime(run_cfg=EngineCfg(...))``:
    ``process.run(condition=...)`` then runs it here.

    Parameters
    ----------
    process
        Any Process of the program. One that was run by an ``EngineCfg`` is explained as it is.
    run_cfg
        Lava's run configuration that the program has, or an ``EngineCfg``. None for
        fixed-point models, and Lava's first model of a Process that has none.
    n_steps
        Run so many steps and say what time each Process takes. 0 runs nothing.

    Returns
    -------
    ExplainedProgram
        ``print`` shows it as a table.

    Raises
    ------
    MissingExtraError
        If Lava is not installed; names the commands that install it.
    TypeMismatchError
        If ``process`` is no Process.
    InputError
        If Lava's own runtime has the program already.
    ConversionError, ExecutorError
        If a model is not written in Python, cannot be built, or fails.

    Examples
    --------
    ::

        print(explain_lava(lif, Loihi2SimCfg(select_tag="fixed_pt"), n_steps=100))
    """
    if not hasattr(process, "create_runtime"):
        raise TypeMismatchError(f"process: {brief(process)}; a Lava Process is needed")
    n_steps = integer("n_steps", n_steps, 0, 2**31 - 1)
    if process.runtime is None:
        chosen = (
            run_cfg if isinstance(run_cfg, EngineCfg) else EngineCfg(run_cfg or FixedPointFirst())
        )
        process.create_runtime(chosen)
    runtime = process.runtime
    if not isinstance(runtime, EngineRuntime):
        raise InputError(f"{label(process)} runs in Lava's own runtime; it cannot be explained")
    way = {actor.process.id: _way(actor, runtime) for actor in runtime.actors}
    seconds, measured = _measured(process, runtime, n_steps)
    rows = [
        ExplainedProcess(
            name=str(each.name),
            process=type(each).__name__,
            model=each.model_class.__name__,
            runs_by=way.get(each.id, CONTAINER),
            remarks=_remarks(each, way.get(each.id, CONTAINER)),
            share=seconds.get(each.id),
        )
        for each in sorted(runtime.processes, key=lambda each: each.id)
    ]
    used = list(way.values())
    return ExplainedProgram(
        processes=tuple(rows),
        notes=(*runtime.notes, *_notes(runtime)),
        overhead_us=1e6 * max(sum(OVERHEAD_S[each] for each in used), 1e-6),
        overhead_lava_us=1e6 * OVERHEAD_LAVA_S * len(used),
        measured_us=measured,
    )


def _way(actor: Actor, runtime: EngineRuntime) -> str:
    if runtime.network is not None:
        return ENGINE
    if actor.compiled or runtime.is_whole:
        return COMPILED
    return LAVAS_PYTHON if type(actor.model).__module__.startswith("lava.") else OWN_PYTHON


def _measured(
    process: Any, runtime: EngineRuntime, n_steps: int
) -> tuple[dict[int, float], float | None]:
    """Share of each model, by id of its Process, and microseconds of a step."""
    if not n_steps:
        return {}, None
    if n_steps > 1:  # in which kernels are loaded
        process.run(condition=RunSteps(1))
        n_steps -= 1
    seconds = runtime.watch()
    began = time.perf_counter()
    process.run(condition=RunSteps(n_steps))
    measured = time.perf_counter() - began
    if runtime.is_whole:  # the engine, or one loop, has run them as one
        seconds = {}
    total = sum(seconds.values())
    shares = {key: each / total for key, each in seconds.items()} if total else {}
    return shares, 1e6 * measured / n_steps


def _remarks(process: Any, way: str) -> tuple[str, ...]:
    found = []
    if way == OWN_PYTHON:
        found.append("a model in Python has no place on a neuro core")
    if any(
        isinstance(each, LoihiLearningRule) for each in process.proc_params._parameters.values()
    ):
        found.append("Lava has released no model of it for a chip")
    if process.__class__.__name__ == "Conv" and process.proc_params.get("weight_exp", 0):
        found.append("Lava's model of Conv ignores weight_exp")
    return tuple(found)


def _notes(runtime: EngineRuntime) -> list[str]:
    real = [each.name for each in runtime.actors if "floating_pt" in type(each.model).tags]
    found = (
        [f"floating point, where a chip computes in integers: {', '.join(real)}"] if real else []
    )
    if runtime.network is None:
        return found
    network, notes = runtime.network
    return [*found, *notes, *(f"Loihi 2 cannot hold {each}" for each in check(network, LOIHI2))]
