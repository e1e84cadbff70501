"""One piece of a comparison: some samples through every executor, as plain arrays."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from conversions.comparison.value_dataset import inputs_of
from conversions.execution import Executable, Executor, decisions_of
from conversions.verification.differences import NOWHERE, first_places
from ssdp_neuro.decision import first_spikes
from ssdp_neuro.engine.results import EventCounts, RunResult


@dataclass(frozen=True, kw_only=True, eq=False)
class ShardTask:
    """What a worker needs, whole, so that it may be on another machine.

    Parameters
    ----------
    executable
        The model and its network.
    spikes
        Bits of bool ``(B, T, *input_shape)``, packed; ``(B, T, digits, *input_shape)`` of a
        model whose input is real values.
    shape
        That shape.
    layers
        Populations that are compared, from input to output.
    executors
        Who runs.
    n_lava
        How many of the samples Lava runs, from the first.
    """

    executable: Executable
    spikes: np.ndarray
    shape: tuple[int, ...]
    layers: tuple[str, ...]
    executors: tuple[Executor, ...]
    n_lava: int


@dataclass(frozen=True, kw_only=True, eq=False)
class ExecutorPart:
    """What one executor made of the samples of a shard.

    Parameters
    ----------
    decisions
        int64 ``(B,)``.
    spikes
        Of each layer, int64 ``(B, L)``.
    unmatched
        Spikes without a counterpart in the engine at the same neuron and step, counted
        on both sides, int64 ``(B, L)``.
    same_latency
        Neurons whose first spike is in the same step as in the engine, int64 ``(B, L)``.
    first_difference
        Layer, step and neuron where it first differs from the engine, int64 ``(B, 3)``;
        -1 where it does not.
    seconds
        Time of the run.
    """

    decisions: np.ndarray
    spikes: np.ndarray
    unmatched: np.ndarray
    same_latency: np.ndarray
    first_difference: np.ndarray
    seconds: float


@dataclass(frozen=True, kw_only=True, eq=False)
class ShardResult:
    """All executors on the samples of a shard, what the engine counted, the first sample."""

    parts: dict[Executor, ExecutorPart]
    counts: EventCounts
    example: dict[Executor, dict[str, np.ndarray]]


def run_shard(task: ShardTask) -> ShardResult:
    """Run every executor on the samples of a task."""
    executable = task.executable
    bits = np.unpackbits(task.spikes, count=int(np.prod(task.shape)))
    spikes = bits.reshape(task.shape).astype(bool)
    n_steps: int = task.shape[1]
    late = ((0, 0), (0, executable.later), *((0, 0),) * (spikes.ndim - 2))
    given = np.pad(spikes, late)
    rasters: dict[Executor, dict[str, np.ndarray]] = {}
    decisions, seconds = {}, {}
    counts = None
    for executor in task.executors:
        n_samples = task.n_lava if executor is Executor.LAVA else len(given)
        run, seconds[executor] = _run(executor, executable, given[:n_samples])
        rasters[executor] = {name: _raster(executable, run, name, n_steps) for name in task.layers}
        decisions[executor] = _decisions(executable, run)
        if executor is Executor.ENGINE and run is not None:
            counts = run.counts
    assert counts is not None
    engine = rasters[Executor.ENGINE]
    return ShardResult(
        parts={
            executor: _part(rasters[executor], engine, decisions[executor], seconds[executor])
            for executor in task.executors
        },
        counts=counts,
        example={
            executor: {name: raster[0] for name, raster in rasters[executor].items()}
            for executor in (Executor.PYTORCH, Executor.ENGINE)
            if executor in rasters
        },
    )


def _run(
    executor: Executor, executable: Executable, spikes: np.ndarray
) -> tuple[RunResult | None, float]:
    if not len(spikes):
        return None, 0.0
    of_network = executor not in (Executor.PYTORCH, Executor.PYTORCH_INTEGERS)
    rule = executable.decision
    probes = rule.probes if of_network and rule is not None else ()
    if executable.planes is None and (of_network or executable.model is None):
        shape = executable.network.inputs[0].shape  # flat, of a network that sees images so
        spikes = spikes.reshape(*spikes.shape[:2], *shape)
    run = executor.prepare(executable)
    started = time.perf_counter()
    result = run(inputs_of(executable.planes, spikes), spikes.shape[1], probes)
    return result, time.perf_counter() - started


def _decisions(executable: Executable, run: RunResult | None) -> np.ndarray:
    if run is None or executable.decision is None:
        return np.zeros(0, dtype=np.int64)
    return decisions_of(run, executable.decision)


def _raster(executable: Executable, run: RunResult | None, name: str, n_steps: int) -> np.ndarray:
    """Spikes ``(B, T, N)`` in the model's steps; of a network without a model, in all its own."""
    start = executable.shifts.get(name, 0)
    end = start + n_steps if name in executable.shifts else n_steps + executable.later
    if run is None:
        size = executable.network.population(name).n_neurons
        return np.zeros((0, end - start, size), dtype=bool)
    return run.raster(name)[:, start:end]


def _part(
    mine: dict[str, np.ndarray],
    engine: dict[str, np.ndarray],
    decisions: np.ndarray,
    seconds: float,
) -> ExecutorPart:
    n_samples = len(decisions)
    reference = {name: fired[:n_samples] for name, fired in engine.items()}
    differing = [mine[name] != reference[name] for name in engine]
    same = [first_spikes(mine[n]) == first_spikes(reference[n]) for n in engine]
    return ExecutorPart(
        decisions=decisions,
        spikes=np.stack([mine[name].sum(axis=(1, 2)) for name in engine], axis=1),
        unmatched=np.stack([differs.sum(axis=(1, 2)) for differs in differing], axis=1),
        same_latency=np.stack([equal.sum(axis=1) for equal in same], axis=1),
        first_difference=first_places(differing),
        seconds=seconds,
    )


__all__ = ["NOWHERE", "ExecutorPart", "ShardResult", "ShardTask", "run_shard"]
