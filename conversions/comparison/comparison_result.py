"""What a comparison found, in numbers."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from conversions.comparison.shard import NOWHERE, ExecutorPart
from conversions.execution import Executor
from hw_models import Chip, EnergyEstimate, FixedPointNetwork, InputError, estimate_energy
from hw_models.choices import member
from hw_models.constraints import ChipUse, chip_use
from hw_models.records import short_repr
from ssdp_neuro.engine.results import EventCounts, RunResult
from ssdp_neuro.plot.costs import population_energies
from ssdp_neuro.plot.scores import confusion_table

if TYPE_CHECKING:
    from ssdp_neuro.engine.results import SpikeReader


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
    parts: dict[Executor, ExecutorPart]

    __repr__ = short_repr

    def part(self, executor: Executor) -> ExecutorPart:
        """What an executor made; InputError if it did not run."""
        if member("executor", executor, Executor) not in self.parts:
            ran = ", ".join(one.name for one in self.parts)
            raise InputError(f"executor: {executor.name} did not run; those that did are {ran}")
        return self.parts[executor]

    def accuracy(self, executor: Executor) -> float:
        """Share of the samples that an executor saw and decided as labelled."""
        decided = self.part(executor).decisions
        return float((decided == self.labels[: len(decided)]).mean())

    def same_decisions(self, executor: Executor) -> float:
        """Share of the samples decided as the engine does."""
        decided = self.part(executor).decisions
        engine = self.part(Executor.ENGINE).decisions[: len(decided)]
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
    network
        What the engine ran; of several models, of the first.
    later
        Steps that a run of it has more than the model.
    chip
        Whose registers were filled.
    counts
        Events in the engine, of all samples of all runs.
    example
        Spikes of the first sample by executor and layer, bool ``(T, N)``: of the engine, and of
        real numbers where they ran.
    notes
        What a reader should know.
    circumstances
        Of what it was made and by what, each by its name: models, data, chip, versions.
    """

    runs: tuple[ComparedRun, ...]
    layers: dict[str, int]
    n_steps: int
    n_classes: int
    network: FixedPointNetwork
    later: int
    chip: Chip
    counts: EventCounts
    example: dict[Executor, dict[str, np.ndarray]]
    notes: tuple[str, ...] = ()
    circumstances: Mapping[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        shares = ", ".join(
            f"{executor.value} {self.accuracies(executor).mean():.2%}"
            for executor in self.executors
            if not self.is_partial(executor)
        )
        return f"Comparison({self.n_samples(Executor.ENGINE)} samples; accuracy: {shares})"

    def _repr_html_(self) -> str:
        from conversions.comparison.comparison_page import comparison_view

        return comparison_view(self)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        from conversions.comparison.presentation import as_dict

        return as_dict(self)

    def write_html(self, path: str | os.PathLike[str]) -> None:
        """Write a page with figures, whole or not at all.

        Raises
        ------
        MissingExtraError
            If matplotlib is not installed.
        NetworkFileError
            If the file cannot be written.
        """
        from conversions.comparison.comparison_page import write_comparison

        write_comparison(path, self)

    @property
    def engine_run(self) -> RunResult:
        """All samples of all runs in the engine: counts, without the spikes themselves."""
        return RunResult(
            sizes={
                population.name: population.n_neurons for population in self.network.populations
            },
            n_steps=self.n_steps + self.later,
            n_samples=self.n_samples(Executor.ENGINE),
            reader=cast("SpikeReader", _NoSpikes()),
            probes={},
            counts=self.counts,
            executor="engine",
        )

    @property
    def synaptic_operations(self) -> float:
        """Of one sample on average."""
        return sum(self.counts.synaptic_operations.values()) / self.n_samples(Executor.ENGINE)

    @property
    def spikes(self) -> float:
        """Of one sample on average, those of the input too."""
        return sum(self.counts.spikes.values()) / self.n_samples(Executor.ENGINE)

    @property
    def energy(self) -> EnergyEstimate:
        """Of one sample on average, from the engine's counts by Loihi 1's figures; J."""
        return estimate_energy(
            synaptic_operations=self.synaptic_operations,
            spikes=self.spikes,
            neuron_steps=sum(lif.n_neurons for lif in self.network.neurons)
            * (self.n_steps + self.later),
        )

    @property
    def energies(self) -> dict[str, EnergyEstimate]:
        """The same by population; inputs have spikes only."""
        return population_energies(self.network, self.engine_run)

    @property
    def chip_use(self) -> tuple[ChipUse, ...]:
        """Neurons, synapses and their memory, beside what the chip has of them."""
        return chip_use(self.network, self.chip)

    @property
    def executors(self) -> tuple[Executor, ...]:
        """Who ran, in the order of the enumeration."""
        return tuple(executor for executor in Executor if executor in self.runs[0].parts)

    def n_samples(self, executor: Executor) -> int:
        """Samples that an executor saw, over all runs."""
        return sum(len(run.part(executor).decisions) for run in self.runs)

    def is_partial(self, executor: Executor) -> bool:
        """Whether an executor saw fewer samples than the engine."""
        return self.n_samples(executor) < self.n_samples(Executor.ENGINE)

    def engine_accuracy(self, executor: Executor) -> float:
        """Mean over the runs of the engine's accuracy on the samples that an executor saw."""
        shares = []
        for run in self.runs:
            n_seen = len(run.part(executor).decisions)
            decided = run.part(Executor.ENGINE).decisions[:n_seen]
            shares.append((decided == run.labels[:n_seen]).mean())
        return float(np.mean(shares))

    def accuracies(self, executor: Executor) -> np.ndarray:
        """Of each run, float64 ``(R,)``."""
        return np.array([run.accuracy(executor) for run in self.runs])

    def spread(self, executor: Executor) -> float:
        """Standard deviation of the accuracy over the runs; 0 of a single one."""
        values = self.accuracies(executor)
        return float(values.std(ddof=1)) if len(values) > 1 else 0.0

    def spike_agreement(self, executor: Executor) -> dict[str, float]:
        """By layer: one minus the share of spikes without a counterpart in the engine."""
        agreement = {}
        for layer, name in enumerate(self.layers):
            unmatched = sum(int(r.part(executor).unmatched[:, layer].sum()) for r in self.runs)
            fired = 0
            for run in self.runs:
                part = run.part(executor)
                engine = run.part(Executor.ENGINE).spikes[: len(part.spikes), layer]
                fired += int(part.spikes[:, layer].sum() + engine.sum())
            agreement[name] = 1.0 - unmatched / fired if fired else 1.0
        return agreement

    def latency_agreement(self, executor: Executor) -> dict[str, float]:
        """By layer: share of neurons whose first spike is in the same step as the engine's."""
        same = self._sum_by_layer(executor, "same_latency")
        samples = sum(len(run.part(executor).decisions) for run in self.runs)
        return {
            name: float(count / (samples * size))
            for (name, size), count in zip(self.layers.items(), same, strict=True)
        }

    def counts_by_layer(self, executor: Executor) -> dict[str, float]:
        """Spikes of a sample by layer, on average."""
        samples = sum(len(run.part(executor).decisions) for run in self.runs)
        spikes = self._sum_by_layer(executor, "spikes")
        return {n: float(s / samples) for n, s in zip(self.layers, spikes, strict=True)}

    def first_difference(self, executor: Executor) -> tuple[int, int, str, int, int] | None:
        """Run, sample, layer, step and neuron where an executor first leaves the engine."""
        for number, run in enumerate(self.runs):
            places = run.part(executor).first_difference
            samples = np.flatnonzero(places[:, 0] != NOWHERE)
            if samples.size:
                layer, step, neuron = (int(i) for i in places[samples[0]])
                return number, int(samples[0]), list(self.layers)[layer], step, neuron
        return None

    def differing_samples(self, executor: Executor) -> dict[str, int]:
        """By layer: samples in which the executor leaves the engine there first."""
        where = np.concatenate([r.part(executor).first_difference[:, 0] for r in self.runs])
        return {name: int((where == layer).sum()) for layer, name in enumerate(self.layers)}

    def seconds_per_sample(self, executor: Executor) -> float:
        """Time of a sample on one core, on average."""
        parts = [run.part(executor) for run in self.runs]
        return sum(part.seconds for part in parts) / sum(len(part.decisions) for part in parts)

    def confusion(self, executor: Executor) -> np.ndarray:
        """Samples by class and decision, int64 ``(C, C + 1)``; undecided ones come last."""
        parts = [run.part(executor) for run in self.runs]
        labels = [r.labels[: len(p.decisions)] for r, p in zip(self.runs, parts, strict=True)]
        decided = np.concatenate([part.decisions for part in parts])
        return confusion_table(np.concatenate(labels), decided, self.n_classes)

    def _sum_by_layer(self, executor: Executor, field: str) -> np.ndarray:
        return np.sum([getattr(run.part(executor), field).sum(axis=0) for run in self.runs], axis=0)


class _NoSpikes:
    """In the place of a run's spikes, of which a comparison keeps counts only."""

    def __getattr__(self, name: str) -> Any:
        raise InputError("spikes: a comparison keeps counts, not every spike")
