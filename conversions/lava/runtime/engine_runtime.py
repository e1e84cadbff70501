"""The runtime behind ``EngineCfg``: a Lava program in one operating-system process."""

from __future__ import annotations

import contextlib
import sys
import threading
import warnings
from typing import Any

import numpy as np
from lava.magma.core.model.py.model import PyAsyncProcessModel
from lava.magma.core.run_conditions import RunContinuous, RunSteps
from lava.magma.runtime.mgmt_token_enums import MGMT_COMMAND
from lava.magma.runtime.runtime import Runtime
from lava.proc.io.extractor import Extractor

from conversions.lava.reading.walk import label
from conversions.lava.runtime.crew import Crew, StoppedRunError
from conversions.lava.runtime.engine_batch import CONNECTIONS, EngineBatch
from conversions.lava.runtime.loop_batch import LoopBatch
from conversions.lava.runtime.loop_worlds import FIXED_POINT, FLOATING_POINT
from conversions.lava.runtime.model_building import CHANNEL_SIZE, Actor, build_actors
from conversions.lava.runtime.monitor_reads import read_directly
from conversions.lava.runtime.program_graph import ProgramGraph
from conversions.lava.runtime.random_states import RandomStates
from conversions.lava.runtime.sent_spikes import SentSpikes, record_outputs
from conversions.lava.runtime.service_ports import AnswerPort, CommandPort
from conversions.lava.runtime.time_step import ANSWER, HOST, TimeStep, asked_by, turn_of
from conversions.lava.runtime.var_access import read_var, write_var
from hw_models.errors import ExecutorError, InputError, RangeError, SsdpError, brief

RUN = MGMT_COMMAND.RUN[0]


class EngineRuntime(Runtime):
    """Runs a program; what ``process.runtime`` is.

    A ``Runtime`` of Lava for those who ask, with nothing of it but what they may call.

    Parameters
    ----------
    graph
        Processes and their models.
    notes
        What differs from what the program asked for.
    channel_size
        Messages that a channel holds.
    keeps_spikes
        Whether to note what every Process sends by ``s_out``, for :meth:`raster`.
    """

    def __init__(
        self,
        graph: ProgramGraph,
        notes: tuple[str, ...] = (),
        channel_size: int = CHANNEL_SIZE,
        keeps_spikes: bool = False,
    ) -> None:
        self.notes = notes
        self.keeps_spikes = keeps_spikes
        self.num_steps = 0
        self.is_stepping = False  # whether models that run in steps are about to finish one
        self._graph = graph
        self._channel_size = channel_size
        self._crew = Crew()
        self._actors: dict[int, Actor] = {}
        self._vars: dict[int, tuple[Actor, Any]] = {}
        self._records: dict[int, SentSpikes] = {}
        self._is_initialized = self._is_started = self._is_running = False
        self._thread: threading.Thread | None = None
        self._failure: BaseException | None = None
        self._is_failure_told = False

    def initialize(self, node_cfg_idx: int = 0) -> None:
        """Build the models.

        Raises
        ------
        ConversionError
            If a model is not written in Python.
        ExecutorError
            If a model cannot be built; names the Process.
        """
        self._random = RandomStates()
        self._actors = build_actors(
            self._graph.leaves, self._crew, self._random, self._channel_size
        )
        if self.keeps_spikes:
            self._records = record_outputs(self._actors)
        for actor in self._actors.values():
            self._vars.update({var.id: (actor, var) for var in actor.process.vars.members})
            actor.model.process_to_service = AnswerPort(actor)
            actor.model.service_to_process = CommandPort(self, self._crew)
        read_directly(self.actors)
        self._asynchronous = [each for each in self._actors.values() if each.is_async]
        in_steps = [each for each in self._actors.values() if not each.is_async]
        self._has_steps = bool(in_steps)
        self._step = TimeStep(in_steps, self._crew, self._random)
        self._crew.place = self._step.place
        self._batch: EngineBatch | LoopBatch | None = None
        try:
            self._batch = self._whole()
        except SsdpError as error:
            self.notes = (*self.notes, f"not run as a whole by the engine: {error}")
        for process in (*self._graph.leaves, *self._graph.containers):
            process.runtime = self
        self._is_initialized = True

    def _whole(self) -> EngineBatch | LoopBatch:
        """What runs the program as a whole: the engine if it can, else one loop.

        Raises
        ------
        SsdpError
            If neither can.
        """
        if any(type(each.model) in FLOATING_POINT.neurons for each in self.actors):
            return LoopBatch(self.actors, self._records, FLOATING_POINT)
        try:
            return EngineBatch(self.actors, self._records)
        except SsdpError:
            return LoopBatch(self.actors, self._records, FIXED_POINT)

    # What Process and Var call

    def start(self, run_condition: Any) -> None:
        """Run; blocks unless the condition says otherwise.

        Raises
        ------
        ExecutorError
            If a model fails, or none can go on; names the Process.
        InputError
            If the condition is none of Lava's.
        """
        if isinstance(run_condition, RunSteps):
            n_steps = int(run_condition.num_steps)
        elif isinstance(run_condition, RunContinuous):
            n_steps = sys.maxsize
        else:
            raise InputError(f"condition: {run_condition!r}; choose from RunSteps, RunContinuous")
        if self._is_running:
            self.wait()
        self._check_usable()
        self.num_steps = n_steps
        self._is_started = self._is_running = True
        self._crew.ending = ""
        self._crew.is_active = True
        if run_condition.blocking:
            self._run(n_steps)
            for extractor in self.extractors:
                extractor.out_port.external_pipe_csp_recv_port.let_reader_finish()
            self._end_run()
        else:
            self._thread = threading.Thread(
                target=self._run, args=(n_steps,), name="lava-run", daemon=True
            )
            self._thread.start()

    def wait(self) -> None:
        """Wait until the run has ended; raises what it has raised."""
        self._join_thread()
        self._end_run()

    def pause(self) -> None:
        """End the run after the current time step; it can be continued.

        Raises
        ------
        ExecutorError
            As :meth:`start`, if the run had failed.
        """
        if self._is_running:
            self._ask_to_end("pause")
            self._end_run()

    def stop(self) -> None:
        """End the run after the current time step, and for good. Vars can still be read.

        Raises
        ------
        ExecutorError
            As :meth:`start`, if the run had failed and nobody was told.
        """
        if not self._crew.is_closed:
            self._ask_to_end("stop")
            self._crew.close()
            self._is_started = False
            self._end_run()

    def get_var(self, var_id: int, idx: Any = None) -> Any:
        """What ``Var.get`` returns: float64; None while a run goes on, as in Lava."""
        if self._crew.is_active:
            warnings.warn("a Var was not read: the program is running", stacklevel=3)
            return None
        for process in self._graph.containers:  # whose Vars that are no alias have no model
            for var in process.vars.members:
                if var.id == var_id:
                    return var.init
        actor, var = self._var(var_id)
        if self._batch is not None and type(actor.model) in CONNECTIONS:
            self._batch.settle()
        values = read_var(actor.model, var.name, var.shape)
        return values if idx is None else values[idx]

    def set_var(self, var_id: int, value: Any, idx: Any = None) -> None:
        """What ``Var.set`` does; nothing while a run goes on, as in Lava."""
        if self._crew.is_active:
            warnings.warn("a Var was not set: the program is running", stacklevel=3)
            return
        actor, var = self._var(var_id)
        if self._batch is not None and not self._batch.note_change(actor, var.name):
            self._leave_batch(f"{actor.name}: {var.name} was set")
        if actor.plastic is not None:
            actor.plastic.release()
        write_var(actor.model, var.name, value if idx is None else np.asarray(value)[idx])

    def model_of(self, process: Any) -> Any:
        """The running model of a Process.

        Raises
        ------
        InputError
            If it has none here.
        """
        if process.id not in self._actors:
            raise InputError(f"{label(process)} has no model in this program")
        if self._batch is not None:
            self._batch.settle()
        actor = self._actors[process.id]
        if actor.plastic is not None:
            actor.plastic.release()
        return actor.model

    def raster(self, process: Any) -> np.ndarray:
        """When a Process sent something other than 0 by ``s_out``: bool ``(n_steps, size)``.

        Raises
        ------
        InputError
            If that was not recorded.
        """
        if getattr(process, "id", None) not in self._records:
            known = ", ".join(self._actors[key].name for key in self._records) or "none"
            raise InputError(f"{brief(process)}: sends no spikes that were kept; known are {known}")
        return self._records[process.id].raster(self._step.number)

    @property
    def actors(self) -> list[Actor]:
        """The models of the program, oldest Process first."""
        return list(self._actors.values())

    @property
    def processes(self) -> list[Any]:
        """Processes with a model of their own, and those that are made of them."""
        return [*self._graph.leaves, *self._graph.containers]

    @property
    def network(self) -> tuple[Any, tuple[str, ...]] | None:
        """What the engine runs, and what Lava changes in it; None if it runs nothing."""
        if not isinstance(self._batch, EngineBatch):
            return None
        return self._batch.network, self._batch.notes

    @property
    def is_whole(self) -> bool:
        """Whether the program runs as a whole, in the engine or in one compiled loop."""
        return self._batch is not None

    def watch(self) -> dict[int, float]:
        """Seconds that each model runs from now on, by id of the Process; filled while it runs."""
        seconds = dict.fromkeys(self._actors, 0.0)
        self._step.watch(seconds)
        return seconds

    @property
    def extractors(self) -> list[Any]:
        """The Extractors of the program."""
        return [each.process for each in self.actors if isinstance(each.process, Extractor)]

    def join(self) -> None:
        """Nothing is left to join."""

    @property
    def node_cfg(self) -> list[Any]:
        """No nodes: everything runs in this process."""
        return []

    # A run

    def _run(self, n_steps: int) -> None:
        self._random.open()
        try:
            self._run_steps(n_steps)
        except StoppedRunError:
            pass
        except BaseException as error:
            self._failure = error
        finally:
            self._random.close()
            self._crew.is_active = False
            self._crew.notice()

    def _run_steps(self, n_steps: int) -> None:
        while self._batch is not None and n_steps > 0 and not self._crew.ending:
            n_steps -= self._run_batch(self._batch, n_steps)
        for actor in self._asynchronous:
            if actor.is_done:
                actor.is_done = False
                self._crew.start(turn_of(actor, actor.model._cmd_handlers[RUN], self._random))
        self.is_stepping = self._has_steps
        for _ in range(n_steps if self._has_steps else 0):
            self._obey(self._step.run(), ANSWER)
            if self._asynchronous:
                self._obey(asked_by(self._asynchronous), PyAsyncProcessModel.Response)
            if self._crew.ending:
                break
        self._step.phase, self.is_stepping = HOST, False
        self._crew.run((), drain=True)
        self._obey(asked_by(self._asynchronous), PyAsyncProcessModel.Response)
        self._step.run_phase(HOST)

    def _run_batch(self, batch: EngineBatch | LoopBatch, n_steps: int) -> int:
        """Run steps in the engine; how many it were."""
        n_done = 0
        try:
            while n_done < n_steps and not self._crew.ending:
                if not batch.can_run(min(n_steps - n_done, batch.chunk)):
                    self._leave_batch("a Monitor has no room for more steps")
                    return n_done
                n_done += batch.run(n_steps - n_done)
        except RangeError as error:  # a state that only the models can hold
            self._leave_batch(str(error))
            return n_done
        finally:
            self._step.number += n_done
            if n_done:
                batch.rest()
        return n_steps

    def _leave_batch(self, why: str) -> None:
        """Go on in one loop if the engine ends and that can, else by the models, for good."""
        if self._batch is not None:
            self._batch.settle()
            is_of_engine = isinstance(self._batch, EngineBatch)
            self._batch = None
            self.notes = (*self.notes, f"not run by the engine any more: {why}")
            with contextlib.suppress(SsdpError):
                if is_of_engine:
                    self._batch = LoopBatch(self.actors, self._records, FIXED_POINT)

    def _obey(self, asked: set[int], answer: Any) -> None:
        """End the run if a model asked for it."""
        if not asked:
            return
        if int(answer.REQ_PAUSE[0]) in asked:
            self._crew.ending = self._crew.ending or "pause"
        if int(answer.REQ_STOP[0]) in asked:
            self._crew.ending = "stop"

    # Beginning and end

    def _check_usable(self) -> None:
        if self._crew.is_closed:
            raise ExecutorError(
                "the program was stopped; build its Processes again to run it from the start"
            )
        if self._failure is not None:
            raise ExecutorError(f"an earlier run failed: {self._failure}") from self._failure

    def _ask_to_end(self, how: str) -> None:
        self._crew.ending = how
        self._crew.notice()
        self._join_thread()

    def _join_thread(self) -> None:
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()
            self._thread = None

    def _end_run(self) -> None:
        self._is_running = False
        if self._failure is not None and not self._is_failure_told:
            self._is_failure_told = True
            raise self._failure
        if self._crew.ending == "stop":
            self.stop()

    def _var(self, var_id: int) -> tuple[Actor, Any]:
        if var_id not in self._vars:
            raise InputError(f"Var {var_id} belongs to no model of this program")
        return self._vars[var_id]
