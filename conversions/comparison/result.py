"""What a comparison found, in numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from conversions.comparison.runners import Runner
from conversions.comparison.shard import NOWHERE, RunnerPart
from hw_models import InputError
from hw_models.choices import member
from hw_models.energy import EnergyEstimate
from hw_models.records import short_repr


@dataclass(frozen=True, kw_only=True, eq=False)
class ComparedRun:
    """One model on one drawing of the input spikes.

    Parameters
    ----------
    model
        Name of the model's file.
    seed
        Of the input spikes.
    labels
        int64 ``(B,)``.
    parts
        What each executor made of the samples; Lava of the first ones only.
    """

    model: str
    seed: int
    labels: np.ndarray
    parts: dict[Runner, RunnerPart]

    __repr__ = short_repr

    def part(self, runner: Runner) -> RunnerPart:
        """What a runner made; InputError if it did not run."""
        if member("runner", runner, Runner) not in self.parts:
            ran = ", ".join(one.name for one in self.parts)
            raise InputError(f"runner: {runner.name} did not run; those that did are {ran}")
        return self.parts[runner]

    def accuracy(self, runner: Runner) -> float:
        """Share of the samples that a runner saw and decided as labelled."""
        decided = self.part(runner).decisions
        return float((decided == self.labels[: len(decided)]).mean())

    def same_decisions(self, runner: Runner) -> float:
        """Share of the samples decided as the engine does."""
        decided = self.part(runner).decisions
        engine = self.part(Runner.ENGINE).decisions[: len(decided)]
        return float((decided == engine).mean())


@dataclass(frozen=True, kw_only=True, eq=False)
class Comparison:
    """All runs of a comparison.

    Parameters
    ----------
    runs
        One for each model and seed.
    layers
        Names of the layers, from input to output, and their neurons.
    n_steps, n_classes
        Of the data.
    energy
        Of one sample on average, from the engine's counts; J.
    synaptic_operations, spikes
        Of one sample on average.
    example
        Spikes of the first sample by executor and layer, bool ``(T, N)``: real numbers and
        the engine.
    notes
        What a reader should know.
    circumstances
        Of what it was made and by what, each by its name: models, data, chip, versions.
    """

    runs: tuple[ComparedRun, ...]
    layers: dict[str, int]
    n_steps: int
    n_classes: int
    energy: EnergyEstimate
    synaptic_operations: float
    spikes: float
    example: dict[Runner, dict[str, np.ndarray]]
    notes: tuple[str, ...] = ()
    circumstances: Mapping[str, str] = field(default_factory=dict)

    __repr__ = short_repr

    @property
    def runners(self) -> tuple[Runner, ...]:
        """Who ran, in the order of the enumeration."""
        return tuple(runner for runner in Runner if runner in self.runs[0].parts)

    def n_samples(self, runner: Runner) -> int:
        """Samples that a runner saw, over all runs."""
        return sum(len(run.parts[runner].decisions) for run in self.runs)

    def is_partial(self, runner: Runner) -> bool:
        """Whether a runner saw fewer samples than the engine, so that its figures rest on less."""
        return self.n_samples(runner) < self.n_samples(Runner.ENGINE)

    def engine_accuracy(self, runner: Runner) -> float:
        """Mean over the runs of the engine's accuracy on the samples that a runner saw."""
        shares = []
        for run in self.runs:
            n_seen = len(run.parts[runner].decisions)
            decided = run.parts[Runner.ENGINE].decisions[:n_seen]
            shares.append((decided == run.labels[:n_seen]).mean())
        return float(np.mean(shares))

    def accuracies(self, runner: Runner) -> np.ndarray:
        """Of each run, float64 ``(R,)``."""
        return np.array([run.accuracy(runner) for run in self.runs])

    def spread(self, runner: Runner) -> float:
        """Standard deviation of the accuracy over the runs; 0 of a single one."""
        values = self.accuracies(runner)
        return float(values.std(ddof=1)) if len(values) > 1 else 0.0

    def spike_agreement(self, runner: Runner) -> dict[str, float]:
        """By layer: one minus the share of spikes without a counterpart in the engine."""
        agreement = {}
        for layer, name in enumerate(self.layers):
            unmatched = sum(int(r.part(runner).unmatched[:, layer].sum()) for r in self.runs)
            fired = 0
            for run in self.runs:
                part = run.part(runner)
                engine = run.part(Runner.ENGINE).spikes[: len(part.spikes), layer]
                fired += int(part.spikes[:, layer].sum() + engine.sum())
            agreement[name] = 1.0 - unmatched / fired if fired else 1.0
        return agreement

    def latency_agreement(self, runner: Runner) -> dict[str, float]:
        """By layer: share of neurons whose first spike is in the same step as the engine's."""
        same = self._sum_by_layer(runner, "same_latency")
        samples = sum(len(run.part(runner).decisions) for run in self.runs)
        return {
            name: float(count / (samples * size))
            for (name, size), count in zip(self.layers.items(), same, strict=True)
        }

    def counts_by_layer(self, runner: Runner) -> dict[str, float]:
        """Spikes of a sample by layer, on average."""
        samples = sum(len(run.part(runner).decisions) for run in self.runs)
        spikes = self._sum_by_layer(runner, "spikes")
        return {n: float(s / samples) for n, s in zip(self.layers, spikes, strict=True)}

    def first_difference(self, runner: Runner) -> tuple[int, int, str, int, int] | None:
        """Run, sample, layer, step and neuron where a runner first leaves the engine."""
        for number, run in enumerate(self.runs):
            places = run.part(runner).first_difference
            samples = np.flatnonzero(places[:, 0] != NOWHERE)
            if samples.size:
                layer, step, neuron = (int(i) for i in places[samples[0]])
                return number, int(samples[0]), list(self.layers)[layer], step, neuron
        return None

    def differing_samples(self, runner: Runner) -> dict[str, int]:
        """By layer: samples in which the runner leaves the engine there first."""
        where = np.concatenate([r.part(runner).first_difference[:, 0] for r in self.runs])
        return {name: int((where == layer).sum()) for layer, name in enumerate(self.layers)}

    def seconds_per_sample(self, runner: Runner) -> float:
        """Time of a sample on one core, on average."""
        parts = [run.part(runner) for run in self.runs]
        return sum(part.seconds for part in parts) / sum(len(part.decisions) for part in parts)

    def confusion(self, runner: Runner) -> np.ndarray:
        """Samples by class and decision, int64 ``(C, C + 1)``; undecided ones come last."""
        table = np.zeros((self.n_classes, self.n_classes + 1), dtype=np.int64)
        for run in self.runs:
            decided = run.part(runner).decisions
            np.add.at(table, (run.labels[: len(decided)], decided), 1)
        return table

    def _sum_by_layer(self, runner: Runner, field: str) -> np.ndarray:
        return np.sum([getattr(run.part(runner), field).sum(axis=0) for run in self.runs], axis=0)
