"""The executors by name, behind one call."""

from __future__ import annotations

import enum
import importlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from conversions.execution.executable import Executable
from hw_models import FixedPointNetwork, InputError
from ssdp_neuro.engine.results import RunResult

Run = Callable[..., RunResult]
"""``(spikes, n_steps, probes=()) -> RunResult``, arguments as of ``ssdp_neuro.simulate``.

Steps are the network's: those of the model, and as many more as the network is late.
"""


LearningRun = Callable[..., Iterator[dict[tuple[str, str], np.ndarray]]]
"""``(rasters, n_steps, probes, sent)``, of one sample, gives values after every step.

By ``(name, variable)``: spikes of populations, probes, and weights, tags and traces of projections
that learn by a LearningRule. A key that is missing in a step is not known then.
"""


EpropRun = Callable[..., Iterator[dict[tuple[str, str], np.ndarray]]]
"""``(task, probes)``, of a LearningTask whose projections learn by e-prop, gives the same.

All samples one after the other; of a projection that learns, its weights and its sources' trace.
"""


class Executor(enum.Enum):
    """What can run a network, or the model that it was made of.

    ``PYTORCH_INTEGERS`` is a model of this library on the chip's integers, as it is trained last;
    ``LAVA`` is Lava's models alone, without its runtime. Each is the file of this folder that has
    its name in small letters.
    """

    PYTORCH = "PyTorch, real numbers"
    PYTORCH_INTEGERS = "PyTorch, integers"
    ORACLE = "oracle"
    ENGINE = "engine"
    LAVA = "Lava"
    LAVA_RUNTIME = "Lava's runtime"

    def prepare(self, executable: Executable) -> Run:
        """Get ready, so that what is timed is nothing but the run.

        Raises
        ------
        InputError
            If a PyTorch model is needed, and there is none.
        """
        module: Any = importlib.import_module(f"conversions.execution.{self.name.lower()}")
        run: Run = module.prepare(executable)
        return run

    def prepare_learning(self, network: FixedPointNetwork) -> LearningRun:
        """The same for a network whose projections learn by rules.

        Raises
        ------
        InputError
            If it is not an executor of networks.
        """
        run: LearningRun = self._learning_module().prepare_learning(network)
        return run

    def prepare_eprop(self, network: FixedPointNetwork) -> EpropRun:
        """The same for a network whose projections learn by integer e-prop.

        Raises
        ------
        InputError
            If it is not an executor of networks.
        """
        run: EpropRun = self._learning_module().prepare_eprop(network)
        return run

    def _learning_module(self) -> Any:
        module: Any = importlib.import_module(f"conversions.execution.{self.name.lower()}")
        if not hasattr(module, "prepare_learning"):
            raise InputError(f"executors: {self.value} does not learn by rules")
        return module
