"""A comparison as a table, as sentences and as plain types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from conversions.comparison.result import Comparison
from conversions.comparison.runners import Runner
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
                "accuracy": {r.name.lower(): run.accuracy(r) for r in found.runners},
            }
            for run in found.runs
        ],
        "executors": {r.name.lower(): _runner_dict(found, r) for r in found.runners},
        "per_sample": {
            "synaptic_operations": found.synaptic_operations,
            "spikes": found.spikes,
            "energy_low_j": found.energy.low,
            "energy_high_j": found.energy.high,
            "energy_source": LOIHI1_ENERGY.source,
        },
        "notes": list(found.notes),
        "circumstances": dict(found.circumstances),
    }


def heading(found: Comparison, runner: Runner) -> str:
    """Name of a runner, and on how many samples its figures rest if not on all."""
    if not found.is_partial(runner):
        return runner.value
    return f"{runner.value} ({found.n_samples(runner)} of {found.n_samples(Runner.ENGINE)} samples)"


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
    for runner in found.runners:
        rate = 1.0 / max(found.seconds_per_sample(runner), 1e-12)
        same = float(np.mean([run.same_decisions(runner) for run in found.runs]))
        table.append(
            [
                heading(found, runner),
                str(found.n_samples(runner)),
                f"{100 * found.accuracies(runner).mean():.2f} %",
                f"{100 * found.spread(runner):.2f}" if len(found.runs) > 1 else "-",
                f"{100 * same:.2f} %",
                _range(found.spike_agreement(runner)),
                _range(found.latency_agreement(runner)),
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
    for runner in found.runners:
        if runner is Runner.ENGINE:
            continue
        if found.is_partial(runner):
            lines.append(
                f"{runner.value} ran the first {len(found.runs[0].parts[runner].decisions)} of"
                f" {len(found.runs[0].labels)} samples of each run, of which it decides"
                f" {100 * found.accuracies(runner).mean():.2f} % as labelled and the engine"
                f" {100 * found.engine_accuracy(runner):.2f} %; do not compare that with the others"
                " on all samples."
            )
        place = found.first_difference(runner)
        if place is None:
            lines.append(f"{runner.value}: every spike as in the engine.")
            continue
        run, sample, layer, step, neuron = place
        layers = ", ".join(f"{n} {c}" for n, c in found.differing_samples(runner).items())
        lines.append(
            f"{runner.value}: first differs from the engine in {layer!r}, step {step}, neuron"
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


def _runner_dict(found: Comparison, runner: Runner) -> dict[str, Any]:
    place = found.first_difference(runner)
    keys = ("run", "sample", "layer", "step", "neuron")
    return {
        "accuracy_mean": float(found.accuracies(runner).mean()),
        "accuracy_std": found.spread(runner),
        "n_samples": found.n_samples(runner),
        "engine_accuracy_on_these": found.engine_accuracy(runner),
        "same_decisions": float(np.mean([run.same_decisions(runner) for run in found.runs])),
        "spike_agreement": found.spike_agreement(runner),
        "latency_agreement": found.latency_agreement(runner),
        "spikes_per_sample": found.counts_by_layer(runner),
        "seconds_per_sample": found.seconds_per_sample(runner),
        "confusion": found.confusion(runner).tolist(),
        "first_difference": None if place is None else dict(zip(keys, place, strict=True)),
        "differing_samples": found.differing_samples(runner),
    }


def _range(by_layer: dict[str, float]) -> str:
    low, high = min(by_layer.values()), max(by_layer.values())
    return f"{100 * low:.2f} %" if low == high else f"{100 * low:.2f}-{100 * high:.2f} %"
