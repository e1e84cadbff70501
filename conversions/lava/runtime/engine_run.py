"""``run_in_engine``: a Lava program in one call, whatever it is made of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

import hw_models.lava_processes  # noqa: F401 makes Lava importable

# isort: split
from lava.magma.core.run_conditions import RunSteps
from lava.proc.monitor.process import Monitor

from conversions.lava.program import LavaProgram, ProgramRun, from_lava
from conversions.lava.reading.walk import label
from conversions.lava.runtime.engine_cfg import EngineCfg, FixedPointFirst
from conversions.lava.runtime.engine_runtime import EngineRuntime
from hw_models import ConversionError, InputError
from hw_models.errors import brief
from hw_models.integers import integer
from hw_models.records import short_repr

LARGEST_RUN = 2**31 - 1


def run_in_engine(
    process: Any,
    n_steps: int,
    *,
    run_cfg: Any = None,
    refractory_in_fixed_point: bool = False,
    spikes: Mapping[str, Any] | None = None,
    probes: Iterable[tuple[str, str]] = (),
) -> ProgramRun | RuntimeRun:
    """Run any Lava program from its start, without Lava's runtime.

    In place of ``process.run(condition=RunSteps(n_steps), run_cfg=...)``. A program that
    :func:`from_lava` can read runs as its network in the engine, and can be run again. Any
    other program (Processes of your own, hierarchies, floating-point numbers, graded spikes)
    runs as by ``run_cfg=EngineCfg(...)``, once; ``process.run(RunSteps(n))`` then goes on with
    it. What is computed is the same on both ways.

    Parameters
    ----------
    process
        Any Process of the program.
    n_steps
        Steps, as of Lava's ``RunSteps``.
    run_cfg
        Lava's run configuration that the program had, or an ``EngineCfg``. None for
        fixed-point models, and Lava's first model of a Process that has none.
    refractory_in_fixed_point, spikes, probes
        As of :func:`from_lava` and :meth:`LavaProgram.run`, for programs that it reads, run
        without ``run_cfg``.

    Returns
    -------
    ProgramRun or RuntimeRun
        Both answer to ``raster``, ``value``, ``data`` and ``notes``.

    Raises
    ------
    MissingExtraError
        If Lava is not installed; names the commands that install it.
    ConversionError
        If a model is not written in Python, or if ``spikes``, ``probes`` or
        ``refractory_in_fixed_point`` are given for a program that ``from_lava`` cannot read.
    InputError
        If the program was run before, and is not one that ``from_lava`` reads.
    ExecutorError
        If a model fails, or none can go on; names the Process.

    Examples
    --------
    ::

        run = run_in_engine(lif, 1000)
        recorded = run.data(sink)
        learned = run.value(learning_dense.weights)  # what .weights.get() would give
    """
    n_steps = integer("n_steps", n_steps, 1, LARGEST_RUN)
    network_only = refractory_in_fixed_point or spikes or tuple(probes)
    if run_cfg is None or network_only:
        if run_cfg is not None:
            raise InputError(
                "spikes, probes, refractory_in_fixed_point: for a program that runs as a network,"
                " without run_cfg; use Injectors and Monitors"
            )
        program = _read(process, refractory_in_fixed_point, bool(network_only))
        if program is not None:
            return program.run(n_steps, spikes=spikes, probes=probes)
    return _by_runtime(process, n_steps, run_cfg)


def _read(process: Any, refractory: bool, is_needed: bool) -> LavaProgram | None:
    try:
        return from_lava(process, refractory_in_fixed_point=refractory)
    except ConversionError:
        if is_needed:
            raise
        return None


def _by_runtime(process: Any, n_steps: int, run_cfg: Any) -> RuntimeRun:
    runtime: Any = process.runtime
    if runtime is not None:
        raise InputError(
            f"{label(process)} was run before; run_in_engine begins from the start. Build the"
            " Processes again, or go on by process.run(condition=RunSteps(n))"
        )
    if not isinstance(run_cfg, EngineCfg):
        run_cfg = EngineCfg(run_cfg or FixedPointFirst())
    run_cfg.keeps_spikes = True
    process.create_runtime(run_cfg)
    runtime = process.runtime
    extracted: dict[Any, list[np.ndarray]] = {each: [] for each in runtime.extractors}
    for _ in range(n_steps if extracted else 1):  # an Extractor has room for few steps
        process.run(condition=RunSteps(1 if extracted else n_steps))
        for extractor, kept in extracted.items():
            end = extractor.out_port.external_pipe_csp_recv_port
            while end.probe():
                kept.append(end.recv())
    return RuntimeRun(runtime=runtime, n_steps=n_steps, extracted=extracted)


@dataclass(frozen=True, kw_only=True, eq=False)
class RuntimeRun:
    """A Lava program that was run by its models.

    Parameters
    ----------
    runtime
        Holds the models.
    n_steps
        Steps that were asked for.
    extracted
        What every Extractor was given.
    """

    runtime: EngineRuntime
    n_steps: int
    extracted: Mapping[Any, list[np.ndarray]]

    __repr__ = short_repr

    @property
    def notes(self) -> tuple[str, ...]:
        """What differs from what the program asked for, and why the engine did not run it."""
        return self.runtime.notes

    def raster(self, process: Any) -> np.ndarray:
        """When a Process sent something other than 0 by ``s_out``: bool ``(n_steps, size)``.

        Raises
        ------
        InputError
            If it is not of this program, or has no ``s_out``.
        """
        return self.runtime.raster(process)[: self.n_steps]

    def value(self, variable: Any) -> np.ndarray:
        """What a Var is now: ``variable.get()``, float64 in the shape of the Var."""
        if not hasattr(variable, "process"):
            raise InputError(f"{brief(variable)} is no Var of a Process")
        return variable.get()

    def data(self, process: Any) -> Any:
        """What a ring-buffer sink, a Monitor or an Extractor recorded.

        Returns
        -------
        As of :meth:`ProgramRun.data`; of an Extractor what it holds, ``(messages, *shape)``.

        Raises
        ------
        InputError
            If the Process is none of these.
        """
        if isinstance(process, Monitor):
            return process.get_data()
        if process in self.extracted:
            kept = self.extracted[process]
            shape = process.out_port.shape
            return np.array(kept, dtype=np.float64).reshape(len(kept), *shape)
        if not hasattr(process, "data") or not hasattr(process.data, "get"):
            raise InputError(
                f"{brief(process)} records nothing; recorders are ring-buffer sinks, Monitors and"
                " Extractors"
            )
        return process.data.get()
