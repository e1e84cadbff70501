"""The rules at work: each makes of a readout and a lesson a readout that has learned."""

from __future__ import annotations

import dataclasses

import numpy as np

from benchmarks.few_shot_study.readout import (
    HIDDEN,
    OUTPUT,
    counts_of,
    taught,
)
from benchmarks.few_shot_study.settings import ON_CHIP, STAGES, Method, StudySettings
from benchmarks.few_shot_study.stdp import StdpParams, stdp_update
from hw_models import (
    DaSsdpParams,
    DenseProjection,
    EpropParams,
    FixedPointNetwork,
    InputError,
    SynchronyStatistics,
)
from hw_models.random_bits import random_bits
from ssdp_neuro import Teaching, learn
from ssdp_neuro.data import SpikeDataset, to_arrays
from ssdp_neuro.engine.simulator import Simulator
from ssdp_neuro.engine.third_factors import winner
from ssdp_neuro.rules import SadpParams
from ssdp_neuro.rules.plastic_readout import READOUT
from ssdp_neuro.rules.teacher_input import TEACHER

TIME_CONSTANT = 8.0
BIN_WIDTH = 4  # of SADP, in steps
GUESSES_IN_256 = 128  # reward STDP acts at random in half of the samples


def learn_on_chip(
    rule: Method,
    network: FixedPointNetwork,
    lesson: SpikeDataset,
    settings: StudySettings,
    *,
    seed: int,
    warm_up: SpikeDataset | None = None,
) -> FixedPointNetwork:
    """Let the readout learn a lesson by one of the rules, in three stages of falling amplitude.

    Parameters
    ----------
    rule
        One of ``ON_CHIP``.
    network
        As :func:`readout_network` makes it.
    lesson
        Hidden spikes and labels, gone through several times in each stage.
    settings
        Constants of the rules.
    seed
        Of the rounding and of the guesses.
    warm_up
        Samples by which the dopamine gate is fitted; the lesson if not given. Nothing is
        learned from them.

    Raises
    ------
    InputError
        If the rule is not one that learns on the chip.
    """
    if rule not in ON_CHIP:
        raise InputError(f"learn_on_chip: {rule}; one of {ON_CHIP} is needed")
    if rule in (Method.ERROR_SSDP, Method.EPROP):
        return _by_labels(rule, network, lesson, settings, seed)
    if rule in (Method.SSDP, Method.DA_SSDP):
        warm_up = lesson if warm_up is None else warm_up
        return _synchrony(rule, network, lesson, settings, seed, warm_up)
    return _of_trains(rule, network, lesson, settings, seed)


def _passes(lesson: SpikeDataset, settings: StudySettings) -> int:
    return settings.passes(len(lesson), len(np.unique(lesson.labels)))


def _with_rule(network: FixedPointNetwork, params: DaSsdpParams | EpropParams) -> FixedPointNetwork:
    readout = network.projection(READOUT)
    assert isinstance(readout, DenseProjection)
    return network.replace(dataclasses.replace(readout, plasticity=params))


def _by_labels(
    rule: Method,
    network: FixedPointNetwork,
    lesson: SpikeDataset,
    settings: StudySettings,
    seed: int,
) -> FixedPointNetwork:
    n_seen = 0
    for stage in range(STAGES):
        params = (
            settings.eprop_rule(stage)
            if rule is Method.EPROP
            else settings.synchrony_rule(rule, stage)
        )
        result = learn(
            _with_rule(network, params),
            {HIDDEN: to_arrays(lesson)[0]},
            Teaching(
                labels=lesson.labels,
                seed=seed,
                epochs=_passes(lesson, settings),
                first_sample=n_seen,
            ),
            n_steps=lesson.n_steps,
            progress=False,
        )
        network, n_seen = result.network, result.next_sample
    return network


def _synchrony(
    rule: Method,
    network: FixedPointNetwork,
    lesson: SpikeDataset,
    settings: StudySettings,
    seed: int,
    warm_up: SpikeDataset,
) -> FixedPointNetwork:
    dopamine: dict[str, SynchronyStatistics] | None = None
    n_classes = network.population(OUTPUT).n_neurons
    n_seen, n_counted = 0, max(2, len(warm_up))
    step = settings.rules[rule].forced_step
    if rule is Method.DA_SSDP:
        counted = learn(
            _with_rule(network, settings.synchrony_rule(rule, 0, n_counted)),
            taught(warm_up, warm_up.labels, n_classes, step),
            Teaching(losses=losses_of(network, warm_up), epochs=-(-n_counted // len(warm_up))),
            n_steps=lesson.n_steps,
            progress=False,
        )
        dopamine = dict(counted.dopamine)
    given = taught(lesson, lesson.labels, n_classes, step)
    for stage in range(STAGES):
        result = learn(
            _with_rule(network, settings.synchrony_rule(rule, stage, n_counted)),
            given,
            Teaching(
                dopamine=dopamine, seed=seed, epochs=_passes(lesson, settings), first_sample=n_seen
            ),
            n_steps=lesson.n_steps,
            progress=False,
        )
        network, n_seen = result.network, result.next_sample
    return network


def losses_of(network: FixedPointNetwork, samples: SpikeDataset) -> np.ndarray:
    """Loss of each sample before learning: spikes of the best rival less those of its class."""
    counts = counts_of(network, samples).astype(np.int64)
    rows = np.arange(len(samples))
    own = counts[rows, samples.labels]
    counts[rows, samples.labels] = -1
    return counts.max(axis=1) - own


def _of_trains(
    rule: Method,
    network: FixedPointNetwork,
    lesson: SpikeDataset,
    settings: StudySettings,
    seed: int,
) -> FixedPointNetwork:
    chosen = settings.rules[rule]
    n_classes = network.population(OUTPUT).n_neurons
    simulator = Simulator(network, n_threads=1, own_weights=True)
    weights = simulator.plastic_weights(READOUT)
    n_seen = 0
    for stage in range(STAGES):
        potentiation, depression = chosen.amplitudes
        stdp = StdpParams(
            potentiation=potentiation,
            depression=depression,
            time_constant=TIME_CONSTANT,
            shift=chosen.shift + stage,
        )
        for _ in range(_passes(lesson, settings)):
            forced = (
                guesses(lesson, n_classes, seed, n_seen)
                if rule is Method.REWARD_STDP
                else lesson.labels
            )
            given = taught(lesson, forced, n_classes, chosen.forced_step)
            for place, label in enumerate(lesson.labels):
                one = {HIDDEN: given[HIDDEN][place], TEACHER: given[TEACHER][place]}
                run = simulator.run(one, n_steps=lesson.n_steps, progress=False)
                post = run.raster(OUTPUT)
                gate = 128
                if rule is Method.REWARD_STDP:
                    acted = winner(run.spike_counts(OUTPUT), run.first_spikes(OUTPUT))
                    gate = 128 if acted == label else -128
                    # the reward is for what was done: other neurons keep their weights
                    post = post & (np.arange(n_classes) == acted)
                if rule is Method.SADP:
                    sadp = SadpParams(
                        potentiation=potentiation,
                        depression=min(depression, 255),
                        shift=chosen.shift + stage,
                        bin_width=BIN_WIDTH,
                    )
                    key = {"seed": seed, "sample": n_seen}
                    old = weights[:, :n_classes].T
                    weights[:, :n_classes] = sadp.update(old, one[HIDDEN], post, **key).T
                    n_seen += 1
                    continue
                weights[:, :n_classes] = stdp_update(
                    weights[:, :n_classes],
                    stdp,
                    one[HIDDEN],
                    post,
                    gate=gate,
                    seed=seed,
                    sample=n_seen,
                )
                n_seen += 1
    return simulator.current_network()


def guesses(lesson: SpikeDataset, n_classes: int, seed: int, first: int) -> np.ndarray:
    """Neurons that reward STDP tries out by chance, -1 where it leaves the network alone."""
    samples = np.arange(first, first + len(lesson))
    guessing = (random_bits(seed, samples, 0) & 255) < GUESSES_IN_256
    return np.where(guessing, random_bits(seed, samples, 1).astype(np.int64) % n_classes, -1)
