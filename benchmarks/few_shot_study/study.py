"""The study: every rule on every data set, lesson, drift and seed."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.few_shot_study.drift import drifted
from benchmarks.few_shot_study.extractor import Extractor, train_extractor
from benchmarks.few_shot_study.learners import learn_on_chip
from benchmarks.few_shot_study.readers import nearest_prototype, offline_decisions, offline_readout
from benchmarks.few_shot_study.readout import decisions, readout_network
from benchmarks.few_shot_study.result import Measurement, Task, measurement
from benchmarks.few_shot_study.settings import (
    DIGITS,
    N_CLASSES,
    ON_CHIP,
    Drift,
    Method,
    StudyData,
    StudySettings,
)
from hw_models import FixedPointNetwork
from hw_models.random_bits import random_bits
from ssdp_neuro.data import DataSettings, SpikeDataset, Subset, few_of_each, load, of_classes

Say = Callable[[str], None]


class Experiment:
    """One data set and seed: the extractor, and hidden spikes of everything, made once.

    Parameters
    ----------
    folder
        Holds a folder for each data set.
    data, settings
        Sizes.
    seed
        Which classes are trained, which samples are taken, weights, rounding.
    validation
        Whether to measure on samples set aside from the training part, as choices have to
        be made, and not on the test part.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        data: StudyData,
        settings: StudySettings,
        seed: int,
        *,
        validation: bool = False,
    ) -> None:
        self.data, self.settings, self.seed = data, settings, seed
        split = load(
            DataSettings(
                name=data.name,
                folder="" if data is DIGITS else str(Path(folder, data.name)),
                n_steps=settings.n_steps,
                window=settings.window if data.n_channels == 1 else 0,
                pool=data.pool,
                validation=0,
            )
        )
        self.classes = np.argsort(random_bits(seed, np.arange(N_CLASSES)), kind="stable")
        each = data.train_per_class
        kept = each - max(each // 5, 1) if validation else each
        part = few_of_each(split.train, kept, seed=seed)
        test = (
            few_of_each(split.train, each - kept, seed=seed, skip=kept)
            if validation
            else few_of_each(split.test, settings.test_per_class, seed=seed)
        )
        self._train, self._test = (of_classes(one, self.classes) for one in (part, test))
        old = range(settings.n_trained)
        self.extractor: Extractor = train_extractor(
            of_classes(self._train, old), data, settings, seed
        )
        self.train, self.test = map(self.extractor.features, (self._train, self._test))

    def start(self, n_classes: int = N_CLASSES) -> FixedPointNetwork:
        """The readout before it learns."""
        network: FixedPointNetwork = readout_network(self.extractor, n_classes, self.settings)
        return network

    def few_shot(self, rules: Iterable[Method], shots: int) -> list[Measurement]:
        """All classes in one lesson, mixed: trained ones are rehearsed with as many samples."""
        lesson = few_of_each(self.train, shots, seed=self.seed)
        return [self._measured(rule, Task.REHEARSED, shots, lesson) for rule in rules]

    def continual(self, rules: Iterable[Method], shots: int) -> list[Measurement]:
        """New classes one after the other, each by itself, nothing rehearsed."""
        lesson = few_of_each(self.train, shots, seed=self.seed)
        found = []
        for rule in rules:
            began = time.perf_counter()
            network = self.start()
            warm_up = only(lesson, range(self.settings.n_trained))
            for label in range(self.settings.n_trained, N_CLASSES):
                network = learn_on_chip(
                    rule,
                    network,
                    only(lesson, [label]),
                    self.settings,
                    seed=self.seed,
                    warm_up=warm_up,
                )
            seconds = time.perf_counter() - began
            decided = decisions(network, self.test)
            found.append(self._row(decided, self.test, Task.CONTINUAL, rule, shots, seconds))
        return found

    def drift(self, rules: Iterable[Method], drift: Drift) -> list[Measurement]:
        """The trained classes behind a changed input, and as many samples of it to adapt."""
        old = range(self.settings.n_trained)
        shots = self.settings.drift_shots
        lesson_input = few_of_each(of_classes(self._train, old), shots, seed=self.seed)
        lesson, test = (
            self.extractor.features(drifted(part, drift, self.data, self.seed))
            for part in (lesson_input, of_classes(self._test, old))
        )
        return [
            self._measured(rule, Task.DRIFT, shots, lesson, test, drift.value) for rule in rules
        ]

    def _measured(
        self,
        rule: Method,
        task: Task,
        shots: int,
        lesson: SpikeDataset,
        test: SpikeDataset | None = None,
        drift: str = "",
    ) -> Measurement:
        test = self.test if test is None else test
        n_classes = self.settings.n_trained if task is Task.DRIFT else N_CLASSES
        began = time.perf_counter()
        decide: Any
        if rule is Method.NONE:
            decide = _on(decisions, self.start(n_classes))
        elif rule in ON_CHIP:
            start = self.start(n_classes)
            learned = learn_on_chip(rule, start, lesson, self.settings, seed=self.seed)
            decide = _on(decisions, learned)
        elif rule is Method.PROTOTYPE:
            decide = _on(nearest_prototype, lesson)
        else:
            shown = self.train if rule is Method.CEILING else lesson
            offline = offline_readout(self.extractor, shown, n_classes, seed=self.seed)
            decide = _on(offline_decisions, offline)
        seconds = time.perf_counter() - began
        return self._row(decide(test), test, task, rule, shots, seconds, drift)

    def _row(
        self,
        decided: np.ndarray,
        test: SpikeDataset,
        task: Task,
        rule: Method,
        shots: int,
        seconds: float,
        drift: str = "",
    ) -> Measurement:
        return measurement(
            decided,
            test.labels,
            self.settings.n_trained,
            data=self.data.name,
            task=task,
            rule=rule,
            seed=self.seed,
            shots=shots,
            drift=drift,
            seconds=seconds,
        )


def only(samples: SpikeDataset, classes: Iterable[int]) -> SpikeDataset:
    """Those of some classes, which keep their labels."""
    chosen = np.isin(samples.labels, list(classes))
    return Subset(dataset=samples, places=np.flatnonzero(chosen))


def _on(function: Callable[[Any, SpikeDataset], np.ndarray], given: Any) -> Any:
    return lambda samples: function(given, samples)


def run_study(
    folder: str | os.PathLike[str],
    data_sets: Iterable[StudyData],
    settings: StudySettings,
    *,
    rules: Iterable[Method] = tuple(Method),
    say: Say = lambda line: None,
) -> list[Measurement]:
    """Run the whole study.

    Parameters
    ----------
    folder
        Holds a folder for each data set.
    data_sets, settings
        Sizes.
    rules
        Those to compare.
    say
        Called with a line of text for each data set and seed.
    """
    found: list[Measurement] = []
    rules = set(rules)
    same_samples = [rule for rule in Method if rule in rules and rule is not Method.CEILING]
    on_chip = [rule for rule in ON_CHIP if rule in rules]
    for data in data_sets:
        for seed in settings.seeds:
            began = time.perf_counter()
            experiment = Experiment(folder, data, settings, seed)
            if Method.CEILING in rules:
                found += experiment.few_shot([Method.CEILING], len(experiment.train))
            for shots in settings.shots:
                found += experiment.few_shot(same_samples, shots)
                found += experiment.continual(on_chip, shots)
            for drift in Drift:
                found += experiment.drift(same_samples, drift)
            say(f"{data.name}, seed {seed}: {time.perf_counter() - began:.1f} s")
    return found
