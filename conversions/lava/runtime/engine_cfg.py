"""``EngineCfg``, the run configuration that makes a Lava program run here."""

from __future__ import annotations

import functools
import logging
from typing import Any

import hw_models.lava_processes  # noqa: F401 makes Lava importable

# isort: split
from lava.magma.compiler.executable import Executable
from lava.magma.core import run_configs
from lava.magma.core.model.py.model import AbstractPyProcessModel
from lava.magma.core.model.sub.model import AbstractSubProcessModel
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.run_configs import AbstractLoihiHWRunCfg, Loihi2SimCfg, RunConfig

from conversions.lava.reading.walk import label
from conversions.lava.runtime.engine_runtime import EngineRuntime
from conversions.lava.runtime.model_building import CHANNEL_SIZE
from conversions.lava.runtime.program_graph import ProgramGraph
from hw_models.errors import TypeMismatchError


class EngineCfg(Loihi2SimCfg):
    """Run a Lava program in this operating-system process.

    In place of the program's own run configuration: ``process.run(condition=RunSteps(n),
    run_cfg=EngineCfg(...))``. Every Process runs by the Python ProcessModel that Lava would
    choose, phase by phase as in Lava, with the same results; no process is forked, and what
    would hang in Lava is an error that names who waits for what. ``run``, ``pause``,
    ``wait``, ``stop``, ``Var.get`` and ``Var.set`` work as before.

    Parameters
    ----------
    run_cfg
        The configuration that the program had, of any class: its ``select`` chooses the
        models. Hardware configurations without a tag choose models in fixed point, where
        there are any, and never a model for the chip where a Process has one in Python.
        None for Lava's ``Loihi2SimCfg`` with the arguments below.
    select_tag, select_sub_proc_model, exception_proc_model_map, custom_sync_domains, loglevel
        As of ``Loihi2SimCfg``; not with ``run_cfg``.

    Raises
    ------
    TypeMismatchError
        If ``run_cfg`` is no run configuration, or other arguments come with it.
    MissingExtraError
        If Lava is not installed; names the commands that install it.

    Examples
    --------
    ::

        lif.run(condition=RunSteps(100), run_cfg=EngineCfg(select_tag="fixed_pt"))
        lif.run(condition=RunSteps(100), run_cfg=EngineCfg(MyRunConfig(...)))
    """

    def __init__(
        self,
        run_cfg: RunConfig | None = None,
        *,
        select_tag: str | None = None,
        select_sub_proc_model: bool = False,
        exception_proc_model_map: dict[Any, Any] | None = None,
        custom_sync_domains: list[Any] | None = None,
        loglevel: int = logging.WARNING,
    ) -> None:
        given = (select_tag, select_sub_proc_model, exception_proc_model_map, custom_sync_domains)
        if run_cfg is not None and (not isinstance(run_cfg, RunConfig) or any(given)):
            raise TypeMismatchError(
                f"run_cfg: {run_cfg!r}; EngineCfg takes one of Lava's run configurations alone, or"
                " the arguments of Loihi2SimCfg"
            )
        super().__init__(
            custom_sync_domains=custom_sync_domains,
            select_tag=select_tag,
            select_sub_proc_model=select_sub_proc_model,
            exception_proc_model_map=exception_proc_model_map,
            loglevel=loglevel,
        )
        self.notes: tuple[str, ...] = ()
        self.keeps_spikes = False  # whether the runtime notes what every Process sends by s_out
        self._original = run_cfg
        if run_cfg is not None:
            self.exception_proc_model_map = getattr(run_cfg, "exception_proc_model_map", {})
        if isinstance(run_cfg, AbstractLoihiHWRunCfg):
            self.notes = (
                f"{type(run_cfg).__name__}: there is no hardware; every Process runs by its"
                " Python model, in fixed point if it has one and no tag says otherwise",
            )

    def select(self, process: Any, proc_models: list[Any]) -> Any:
        """The model that the original configuration chooses."""
        original = self._original
        if original is None:
            return super().select(process, proc_models)
        if not isinstance(original, AbstractLoihiHWRunCfg):
            return original.select(process, proc_models)
        running = [each for each in proc_models if issubclass(each, _RUNNING_HERE)] or proc_models
        if not original.select_tag:
            running = sorted(running, key=_computes_in_real_numbers)
        chosen = original.select(process, running)
        if not issubclass(chosen, _RUNNING_HERE) and issubclass(running[0], _RUNNING_HERE):
            note = (
                f"{label(process)}: {running[0].__name__} in place of {chosen.__name__}, which only"
                " the chip runs"
            )
            self.notes = (*(each for each in self.notes if each != note), note)
            return running[0]
        return chosen


_RUNNING_HERE = (AbstractPyProcessModel, AbstractSubProcessModel)


def _computes_in_real_numbers(model: Any) -> bool:
    """Whether a chip would compute something else: Lava takes the first Python model."""
    return "fixed_pt" not in model.tags


class FixedPointFirst(Loihi2SimCfg):
    """Lava's choice of fixed-point models; where a Process has none, its choice without a tag."""

    def __init__(self) -> None:
        super().__init__(select_tag="fixed_pt")
        self._any = Loihi2SimCfg()

    def select(self, process: Any, proc_models: list[Any]) -> Any:
        """The model that is chosen."""
        try:
            return super().select(process, proc_models)
        except AssertionError:  # so Lava says that no model has the tag
            return self._any.select(process, proc_models)


class CompiledProgram(Executable):
    """What ``process.compile`` returns for an ``EngineCfg``; ``create_runtime`` takes it.

    An ``Executable`` of Lava without its builders, so that Lava's ``save`` takes it too.

    Parameters
    ----------
    graph
        Processes and their models.
    notes
        What differs from what the program asked for.
    channel_size
        Messages that a channel holds.
    keeps_spikes
        Whether the runtime notes what every Process sends by ``s_out``.
    """

    def __init__(
        self,
        graph: ProgramGraph,
        notes: tuple[str, ...],
        channel_size: int,
        keeps_spikes: bool,
    ) -> None:
        super().__init__(graph.leaves, {}, [], [], [])
        self.graph, self.notes = graph, notes
        self.channel_size, self.keeps_spikes = channel_size, keeps_spikes

    def runtime(self) -> EngineRuntime:
        """A runtime with the models of the program, built."""
        runtime = EngineRuntime(self.graph, self.notes, self.channel_size, self.keeps_spikes)
        runtime.initialize()
        return runtime


def _compiled(process: Any, run_cfg: EngineCfg, options: dict[str, Any] | None) -> CompiledProgram:
    size = (options or {}).get("pypy_channel_size", CHANNEL_SIZE)
    graph = ProgramGraph(process, run_cfg)
    return CompiledProgram(graph, run_cfg.notes, size, run_cfg.keeps_spikes)


def _take_over() -> None:
    """Have Lava's Processes ask for our runtime where an ``EngineCfg`` asks for it.

    Everything else goes to Lava as before.
    """
    compile_by_lava, create_by_lava = AbstractProcess.compile, AbstractProcess.create_runtime

    @functools.wraps(compile_by_lava)
    def compile(self: Any, run_cfg: Any, compile_config: Any = None) -> Any:
        if isinstance(run_cfg, EngineCfg):
            return _compiled(self, run_cfg, compile_config)
        return compile_by_lava(self, run_cfg, compile_config)

    @functools.wraps(create_by_lava)
    def create_runtime(
        self: Any, run_cfg: Any = None, executable: Any = None, compile_config: Any = None
    ) -> None:
        if executable is None and isinstance(run_cfg, EngineCfg):
            executable = _compiled(self, run_cfg, compile_config)
        if isinstance(executable, CompiledProgram):
            self._runtime = executable.runtime()
        else:
            create_by_lava(self, run_cfg, executable, compile_config)

    AbstractProcess.compile = compile
    AbstractProcess.create_runtime = create_runtime


def _mend_hardware_configurations() -> None:
    """Lava's hardware configurations ask for a class that only members of INRC have."""
    if not hasattr(run_configs, "CLoihiProcessModel"):
        run_configs.CLoihiProcessModel = type("CLoihiProcessModel", (), {})


_take_over()
_mend_hardware_configurations()
