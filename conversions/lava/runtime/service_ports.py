"""Where a model meets what was Lava's runtime service: its answers, and the commands it hears."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from lava.magma.core.model.py.model import PyLoihiProcessModel
from lava.magma.runtime.mgmt_token_enums import MGMT_COMMAND

from conversions.lava.runtime.crew import Crew
from conversions.lava.runtime.model_building import Actor

if TYPE_CHECKING:
    from conversions.lava.runtime.engine_runtime import EngineRuntime

_DONE = PyLoihiProcessModel.Response.STATUS_DONE


class AnswerPort:
    """Keeps what a model asks for; where it sends to Lava's runtime service."""

    def __init__(self, actor: Actor) -> None:
        self._actor = actor

    def send(self, data: np.ndarray) -> None:
        """Keep an answer that is more than that a phase is done."""
        if data is not _DONE:
            self._actor.answers.append(int(data[0]))

    def start(self) -> None:
        """Nothing has to be started."""

    def join(self) -> None:
        """Nothing has to be ended."""


class CommandPort:
    """Tells asynchronous models of the end of a run; where they hear from the service."""

    def __init__(self, runtime: EngineRuntime, crew: Crew) -> None:
        self._runtime, self._crew = runtime, crew

    def recv(self) -> np.ndarray:
        """Steps of the run."""
        return np.array([self._runtime.num_steps], dtype=np.float64)

    def probe(self) -> bool:
        """Whether the run ends; not before the time step is over, which may need this model."""
        if self._runtime.is_stepping or not self._crew.ending:
            self._crew.wait_until(bool, "a command", polite=True)
        return bool(self._crew.ending) and not self._runtime.is_stepping

    def peek(self) -> np.ndarray:
        """The command that ends the run."""
        return MGMT_COMMAND.STOP if self._crew.ending == "stop" else MGMT_COMMAND.PAUSE

    def start(self) -> None:
        """Nothing has to be started."""

    def join(self) -> None:
        """Nothing has to be ended."""
