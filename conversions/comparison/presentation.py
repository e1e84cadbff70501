"""A comparison as a table, as sentences and as plain types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from conversions.comparison.comparison_result import Comparison
from conversions.execution import Executor
from hw_models.energy import LOIHI1_ENERGY

if TYPE_CHECKING:
    from rich.table import Table


def as_dict(found: Comparison) -> dict[str, Any]:
    """Everything in plain types, for ``--json``."""
    return {
        "n_steps": found.n_steps,
        "layers": found.layers,
        "runs": [
            {
                "model": run.model,
                "seed": run.seed,
                "n_samples": len(run.labels),
                "accuracy": {r.name.lower(): run.accuracy(r) for r in found.executors},
            }
            for run in found.runs
        ],
        "executors": {r.name.lower(): _executor_dict(found, r) for r in found.executors},
        "per_sample": {
            "synaptic_operations": found.synaptic_operations,
            "spikes": found.spikes,
            "energy_low_j": found.energy.low,
            "energy_high_j": found.energy.high,
            "energy_source": LOIHI1_ENERGY.source,
            "by_population": {
                name: {
                    "neurons": found.network.population(name).n_neurons,
                    "spikes": found.counts.spikes[name] / found.n_samples(Executor.ENGINE),
                    "energy_low_j": cost.low,
                    "energy_high_j": cost.high,
                }
                for name, cost in found.energies.items()
            },
        },
        "chip": {
            "name": found.chip.name,
            **{
                use.what: {"used": use.used, "available": use.available, "source": use.source}
                for use in found.chip_use
            },
        },
        "notes": list(found.notes),
        "circumstances": dict(found.circumstances),
    }


def heading(found: Comparison, executor: Executor) -> str:
    """Name of a executor, and on how many samples its figures rest if not on all."""
    if not found.is_partial(executor):
        return executor.value
    seen, all_of_them = found.n_samples(executor), found.n_samples(Executor.ENGINE)
    return f"{executor.value} ({seen} of {all_of_them} samples)"


def rows(found: Comparison) -> list[list[str]]:
    """Headings, then accuracy, agreement and speed of every executor."""
    table = [
        [
            "executor",
            "samples",
            "accuracy",
            "spread",
            "decides as the engine",
            "spikes as the engine",
            "latencies as the engine",
            "samples/s",
        ]
    ]
    for executor in found.executors:
        rate = 1.0 / max(found.seconds_per_sample(executor), 1e-12)
        same = float(np.mean([run.same_decisions(executor) for run in found.runs]))
        table.append(
            [
                heading(found, executor),
                str(found.n_samples(executor)),
                f"{100 * found.accuracies(executor).mean():.2f} %",
                f"{100 * found.spread(executor):.2f}" if len(found.runs) > 1 else "-",
                f"{100 * same:.2f} %",
                _range(found.spike_agreement(executor)),
                _range(found.latency_agreement(executor)),
                f"{rate:,.0f}",
            ]
        )
    return table


def as_table(found: Comparison) -> Table:
    """The rows on their side, for the terminal."""
    from rich.table import Table

    n_samples = sum(len(run.labels) for run in found.runs)
    table = Table(title=f"{len(found.runs)} runs, {n_samples} samples of {found.n_steps} steps")
    # a column for each executor: a row for each would be too wide for many terminals
    for number, line in enumerate(zip(*rows(found), strict=True)):
        heading, *values = line
        if number == 0:
            table.add_column(heading)
            for value in values:
                table.add_column(value, justify="right")
        else:
            table.add_row(heading, *values)
    return table


def sentences(found: Comparison) -> list[str]:
    """What the table does not hold: differences, energy, notes."""
    lines = []
    for executor in found.executors:
        if executor is Executor.ENGINE:
            continue
        if found.is_partial(executor):
            lines.append(
                f"{executor.value} ran the first {len(found.runs[0].parts[executor].decisions)} of"
                f" {len(found.runs[0].labels)} samples of each run, of which it decides"
                f" {100 * found.accuracies(executor).mean():.2f} % as labelled and the engine"
                f" {100 * found.engine_accuracy(executor):.2f} %; the others are of all samples."
            )
        place = found.first_difference(executor)
        if place is None:
            lines.append(f"{executor.value}: every spike as in the engine.")
            continue
        run, sample, layer, step, neuron = place
        layers = ", ".join(f"{n} {c}" for n, c in found.differing_samples(executor).items())
        lines.append(
            f"{executor.value}: first differs from the engine in {layer!r}, step {step}, neuron"
            f" {neuron} (sample {sample} of run {run}); samples by the layer where they first"
            f" differ: {layers}."
        )
    lines.append(
        f"A sample costs {found.synaptic_operations:,.0f} synaptic operations and"
        f" {found.spikes:,.0f} spikes; by the figures of {LOIHI1_ENERGY.name},"
        f" {1e6 * found.energy.low:.3g} to {1e6 * found.energy.high:.3g} uJ"
        f" ({LOIHI1_ENERGY.source}; dynamic part only)."
    )
    return [*lines, *found.notes]


def _executor_dict(found: Comparison, executor: Executor) -> dict[str, Any]:
    place = found.first_difference(executor)
    keys = ("run", "sample", "layer", "step", "neuron")
    return {
        "accuracy_mean": float(found.accuracies(executor).mean()),
        "accuracy_std": found.spread(executor),
        "n_samples": found.n_samples(executor),
        "engine_accuracy_on_these": found.engine_accuracy(executor),
        "same_decisions": float(np.mean([run.same_decisions(executor) for run in found.runs])),
        "spike_agreement": found.spike_agreement(executor),
        "latency_agreement": found.latency_agreement(executor),
        "spikes_per_sample": found.counts_by_layer(executor),
        "seconds_per_sample": found.seconds_per_sample(executor),
        "confusion": found.confusion(executor).tolist(),
        "first_difference": None if place is None else dict(zip(keys, place, strict=True)),
        "differing_samples": found.differing_samples(executor),
    }


def _range(by_layer: dict[str, float]) -> str:
    low, high = min(by_layer.values()), max(by_layer.values())
    return f"{100 * low:.2f} %" if low == high else f"{100 * low:.2f}-{100 * high:.2f} %"
