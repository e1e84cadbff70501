"""Choosing the constants of the rules, on validation samples of seeds that no study uses."""

from __future__ import annotations

import dataclasses
import itertools
import os
from collections.abc import Callable, Iterable

import numpy as np

from benchmarks.few_shot_study.result import Measurement
from benchmarks.few_shot_study.settings import (
    Method,
    MethodConstants,
    StudyData,
    StudySettings,
)
from benchmarks.few_shot_study.study import Experiment

# those of STDP, SADP and e-prop where a wider look had been best
GRIDS: dict[Method, dict[str, tuple[int, ...]]] = {
    Method.SSDP: {"shift": (21, 22, 23, 24, 26), "depression": (0, 1, 4), "forced_step": (3, 10)},
    Method.DA_SSDP: {
        "shift": (21, 22, 23, 24, 26),
        "depression": (0, 1, 4),
        "forced_step": (3, 10),
    },
    Method.ERROR_SSDP: {"shift": (18, 19, 20, 21), "depression": (0, 1)},
    Method.PAIR_STDP: {
        "shift": (23, 24, 25),
        "depression": (16, 24, 32),
        "forced_step": (10, 15),
    },
    Method.REWARD_STDP: {
        "shift": (21, 22, 23),
        "depression": (16, 24, 32),
        "forced_step": (3, 10),
    },
    Method.SADP: {"shift": (14, 15, 16), "depression": (4, 16), "forced_step": (10, 15)},
    Method.EPROP: {"shift": (16, 17, 18), "psi_shift": (15, 17, 19), "wanted": (60, 120)},
}
SHOTS = 5


def grid(rule: Method) -> list[MethodConstants]:
    """What is tried for a rule."""
    names, values = zip(*GRIDS[rule].items(), strict=True)
    return [
        MethodConstants(**dict(zip(names, one, strict=True))) for one in itertools.product(*values)
    ]


def tuned(
    folder: str | os.PathLike[str],
    data_sets: Iterable[StudyData],
    settings: StudySettings,
    rules: Iterable[Method],
    seeds: Iterable[int],
    *,
    say: Callable[[str], None] = lambda line: None,
) -> dict[Method, MethodConstants]:
    """The constants with the best mean score, rehearsed and continual, by rule.

    The score is the harmonic mean of the accuracies on trained and on new classes: by the
    accuracy on all classes, a rule that hardly learns is better than one that forgets.

    Parameters
    ----------
    folder, data_sets, settings
        As for the study.
    rules
        Those to choose constants for.
    seeds
        Not those of a study.
    say
        Called with a line of text for each constant tried.
    """
    experiments = [
        Experiment(folder, data, settings, seed, validation=True)
        for data in data_sets
        for seed in seeds
    ]
    best = {}
    for rule in rules:
        scores = {}
        for constants in grid(rule):
            trial = dataclasses.replace(settings, rules={**settings.rules, rule: constants})
            found = []
            for experiment in experiments:
                experiment.settings = trial
                found += experiment.few_shot([rule], SHOTS)
                found += experiment.continual([rule], SHOTS)
            scores[constants] = float(np.mean([harmonic_mean(m) for m in found]))
            each = ", ".join(f"{m.data} {m.everything:.3f}/{m.new:.3f}" for m in found)
            say(f"{rule.value}: {constants}: {scores[constants]:.3f} ({each})")
        best[rule] = max(scores, key=lambda constants: scores[constants])
    return best


def harmonic_mean(found: Measurement) -> float:
    """Of the accuracies on trained and on new classes; 0 if one of them is."""
    trained, new = found.trained, found.new or 0.0
    return 2 * trained * new / (trained + new) if trained * new else 0.0
