"""Fixed-point ProcessModel of :class:`SampleLearningDense`: Lava's own, told when to learn."""

from typing import Any

import numpy as np
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.learning.learning_rule import Loihi3FLearningRule
from lava.magma.core.model.py.connection import LearningConnectionModelBitApproximate
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol
from lava.proc.dense.models import (
    AbstractPyDenseModelBitAcc,
    PyLearningDenseModelBitApproximate,
)

from hw_models.lava_processes.sample_learning_dense.learning_dense_process import (
    SampleLearningDense,
)

CLEARED = ("x0", "tx", "x1", "x2", "y0", "ty", "y1", "y2", "y3")


@implements(proc=SampleLearningDense, protocol=LoihiProtocol)
@requires(CPU)
@tag("bit_approximate_loihi", "fixed_pt")
class PySampleLearningDenseModel(LearningConnectionModelBitApproximate, AbstractPyDenseModelBitAcc):
    """Lava's steps of learning, counted only where there is something to learn."""

    time_step: int

    def __init__(self, proc_params: Any) -> None:
        super().__init__(proc_params)
        self.num_weight_bits = proc_params["num_weight_bits"]
        self.clock = proc_params["clock"]
        self.learns = proc_params["learns"]
        self.clears_traces = proc_params["clears_traces"]
        self.n_learned = 0  # steps, which stand for Lava's time steps in all that is learned
        self.is_learning = False

    def run_spk(self) -> None:
        """Begin a sample if it is time, then deliver and listen."""
        sample, step = self.clock.sample(self.time_step), self.clock.step(self.time_step)
        if step == 0 and self.clears_traces:
            for name in CLEARED:
                setattr(self, name, np.zeros_like(getattr(self, name)))
        self.is_learning = bool(step < self.clock.n_steps and self.learns[sample])
        self.n_learned += self.is_learning
        PyLearningDenseModelBitApproximate.run_spk(self)  # Lava lets no model be a base of two

    def recv_traces(self, s_in: np.ndarray) -> None:
        """Hear both ends, or take the messages only."""
        if self.is_learning:
            self._in_learned_time(lambda: super(PySampleLearningDenseModel, self).recv_traces(s_in))
            return
        self.s_in_bap.recv()
        if isinstance(self._learning_rule, Loihi3FLearningRule):
            for port in (self.s_in_y1, self.s_in_y2, self.s_in_y3):
                port.recv()

    def lrn_guard(self) -> bool:
        """Whether an epoch ends with this step."""
        return self.is_learning and self.n_learned % self._learning_rule.t_epoch == 0

    def run_lrn(self) -> None:
        """Learn as Lava does."""
        self._in_learned_time(super().run_lrn)

    def _in_learned_time(self, act: Any) -> None:
        now, self.time_step = self.time_step, self.n_learned
        act()
        self.time_step = now
