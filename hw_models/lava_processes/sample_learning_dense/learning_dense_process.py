"""Lava's ``LearningDense`` that knows where a sample begins, and which samples are learned from."""

from typing import Any

import numpy as np
from lava.proc.dense.process import LearningDense

from hw_models.learning_schedule import SampleClock


class SampleLearningDense(LearningDense):
    """Synapses that learn as Lava's ``LearningDense``, from samples.

    Between samples, and in samples that are not learned from, the rule stands still: it hears no
    spikes, its traces and tags stay, and its epochs are not counted.

    Parameters
    ----------
    clock
        Of the samples.
    learns
        Which samples are learned from, bool ``(B,)``.
    clears_traces
        Whether each sample begins with traces of 0 and without spikes of an epoch under way.
    fields
        As of ``LearningDense``.
    """

    def __init__(
        self, *, clock: SampleClock, learns: np.ndarray, clears_traces: bool, **fields: Any
    ) -> None:
        super().__init__(clock=clock, learns=learns, clears_traces=clears_traces, **fields)
