"""The part that learns: hidden spikes as input, a teacher beside them, the output neurons."""

from __future__ import annotations

import numpy as np

from benchmarks.few_shot_study.extractor import HIDDEN, Extractor
from benchmarks.few_shot_study.settings import Method, StudySettings
from hw_models import FixedPointNetwork, InputPopulation
from ssdp_neuro import simulate
from ssdp_neuro.data import SpikeDataset, to_arrays
from ssdp_neuro.dataset_run import decisions as network_decisions
from ssdp_neuro.rules.plastic_readout import with_plastic_readout
from ssdp_neuro.rules.teacher_input import TEACHER, teacher_spikes, with_teacher

OUTPUT = "output"


def readout_network(
    extractor: Extractor, n_classes: int, settings: StudySettings
) -> FixedPointNetwork:
    """The readout alone, behind its hidden neurons' spikes: the same outputs, much faster.

    With neurons for all classes, and a teacher population that is silent unless spikes are
    given for it.
    """
    whole = extractor.network
    alone = FixedPointNetwork(
        populations=[
            InputPopulation(name=HIDDEN, shape=whole.population(HIDDEN).shape),
            whole.population(OUTPUT),
        ],
        projections=[extractor.readout],
    )
    n_new = n_classes - whole.population(OUTPUT).n_neurons
    rule = settings.synchrony_rule(Method.ERROR_SSDP)
    return with_teacher(with_plastic_readout(alone, rule, n_new=n_new), OUTPUT)


def taught(
    samples: SpikeDataset, neurons: np.ndarray, n_classes: int, step: int
) -> dict[str, np.ndarray]:
    """The samples with one output neuron each forced to fire in a step; none where it is -1."""
    teacher = teacher_spikes(neurons, n_classes, samples.n_steps, step=step)
    return {HIDDEN: to_arrays(samples)[0], TEACHER: teacher}


def counts_of(network: FixedPointNetwork, samples: SpikeDataset) -> np.ndarray:
    """Output spikes of each class, untaught, int64 ``(B, n_classes)``."""
    given = {HIDDEN: to_arrays(samples)[0]}
    run = simulate(network, given, n_steps=samples.n_steps, n_threads=1)
    return run.raster(OUTPUT).sum(axis=1)


def decisions(network: FixedPointNetwork, samples: SpikeDataset) -> np.ndarray:
    """The class decided for each sample, untaught, int64 ``(B,)``."""
    return network_decisions(network, samples, OUTPUT, source=HIDDEN)
