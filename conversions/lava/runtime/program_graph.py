"""The Processes of a program that compute something, each with its model."""

from __future__ import annotations

from typing import Any

from lava.magma.compiler.compiler_graphs import ProcGroupDiGraphs
from lava.magma.compiler.exceptions import ProcessAlreadyCompiled
from lava.magma.core.model.model import AbstractProcessModel
from lava.magma.core.model.sub.model import AbstractSubProcessModel

from conversions.lava.reading.walk import label
from conversions.lava.runtime.model_search import models_of
from hw_models.errors import InputError


class ProgramGraph:
    """Connected Processes with the models that a run configuration chooses.

    Parameters
    ----------
    process
        Any Process of the program.
    run_cfg
        Lava's ``RunConfig``; its ``select`` is asked as Lava's compiler asks it.

    Attributes
    ----------
    leaves
        Processes with a model of their own, oldest first.
    containers
        Processes that are made of others.
    """

    def __init__(self, process: Any, run_cfg: Any) -> None:
        self.leaves: list[Any] = []
        self.containers: list[Any] = []
        connected = _connected(process)
        for each in connected:
            if each.is_compiled:
                raise ProcessAlreadyCompiled(each)
        try:
            for each in connected:
                each._is_compiled = True
            self._choose(connected, run_cfg)
        except BaseException:
            for each in connected:
                each._is_compiled = False
            raise
        self.leaves.sort(key=lambda each: each.id)

    def _choose(self, processes: list[Any], run_cfg: Any) -> None:
        for process in processes:
            exceptions = getattr(run_cfg, "exception_proc_model_map", None) or {}
            if process in exceptions:
                model = exceptions[process]
            else:
                model = run_cfg.select(process, models_of(process))
            if not (isinstance(model, type) and issubclass(model, AbstractProcessModel)):
                raise InputError(
                    f"{label(process)}: the run configuration must choose a ProcessModel's class,"
                    f" it chose {model!r}"
                )
            process._model_class = model
            if issubclass(model, AbstractSubProcessModel):
                self.containers.append(process)
                inside = model(process)
                ProcGroupDiGraphs._propagate_var_ports(process)
                parts = inside.find_sub_procs()
                process.register_sub_procs(parts)
                process.validate_var_aliases()
                self._choose(list(parts.values()), run_cfg)
            else:
                self.leaves.append(process)


def _connected(process: Any) -> list[Any]:
    """All Processes that are connected with one, itself included, oldest first."""
    found, waiting = {process}, [process]
    while waiting:
        each = waiting.pop()
        ports = [
            port
            for kind in (each.in_ports, each.var_ports, each.out_ports, each.ref_ports)
            for port in kind.members
        ]
        for port in ports:
            for other in (*port.get_src_ports(), *port.get_dst_ports()):
                if other.process not in found:
                    found.add(other.process)
                    waiting.append(other.process)
    return sorted(found, key=lambda each: each.id)
