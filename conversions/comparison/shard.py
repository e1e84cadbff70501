"""One piece of a comparison: some samples through every executor, as plain arrays."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from conversions.comparison.runners import (
    Recording,
    Runner,
    is_quantized,
    make_real,
    run_model,
    run_network,
)
from hw_models import FixedPointNetwork, load
from ssdp_neuro.decision import decide, first_spikes

BATCH = 64  # samples that PyTorch sees at once: a constant, for sums to round alike in any shard
NOWHERE = -1


@dataclass(frozen=True, kw_only=True, eq=False)
class ShardTask:
    """What a worker needs, whole, so that it may be on another machine.

    Parameters
    ----------
    model, network
        Contents of the safetensors and of the network file.
    spikes
        Bits of bool ``(B, T, *input_shape)``, packed.
    shape
        That shape.
    shifts
        Network step of the model's first one, by layer from input to output.
    runners
        Who runs, the reference first.
    n_lava
        How many of the samples Lava runs, from the first.
    """

    model: bytes
    network: bytes
    spikes: np.ndarray
    shape: tuple[int, ...]
    shifts: Mapping[str, int]
    runners: tuple[Runner, ...]
    n_lava: int


@dataclass(frozen=True, kw_only=True, eq=False)
class RunnerPart:
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

    parts: dict[Runner, RunnerPart]
    synaptic_operations: int
    spikes: int
    example: dict[Runner, dict[str, np.ndarray]]


def run_shard(task: ShardTask) -> ShardResult:
    """Run every executor on the samples of a task."""
    from ssdp_neuro.training import load_model
    from ssdp_neuro.training.thread_count import threads

    with tempfile.TemporaryDirectory() as folder:
        model_file, network_file = Path(folder) / "m.safetensors", Path(folder) / "n.h5"
        model_file.write_bytes(task.model)
        network_file.write_bytes(task.network)
        model, real, network = load_model(model_file), load_model(model_file), load(network_file)
    bits = np.unpackbits(task.spikes, count=int(np.prod(task.shape)))
    spikes = bits.reshape(task.shape).astype(bool)
    forms = {Runner.FLOAT: make_real(real)}
    if is_quantized(model):
        forms[Runner.QUANTIZED] = model
    recordings: dict[Runner, Recording] = {}
    with threads(1):  # sums of several threads may round otherwise
        for runner, form in forms.items():
            if runner in task.runners:
                recordings[runner] = _in_batches(form, spikes)
    for runner in (Runner.ENGINE, Runner.LAVA):
        if runner in task.runners:
            given = spikes[: task.n_lava] if runner is Runner.LAVA else spikes
            recordings[runner] = _network_recording(runner, network, given, task.shifts)
    engine = recordings[Runner.ENGINE]
    assert engine.counts is not None
    return ShardResult(
        parts={runner: _part(recordings[runner], engine) for runner in task.runners},
        synaptic_operations=sum(engine.counts.synaptic_operations.values()),
        spikes=sum(engine.counts.spikes.values()),
        example={
            runner: {name: recordings[runner].layers[name][0] for name in task.shifts}
            for runner in (Runner.FLOAT, Runner.ENGINE)
        },
    )


def _network_recording(
    runner: Runner, network: FixedPointNetwork, spikes: np.ndarray, shifts: Mapping[str, int]
) -> Recording:
    if len(spikes):
        return run_network(runner, network, spikes, shifts)
    empty = {
        n: np.zeros((0, spikes.shape[1], network.population(n).n_neurons), bool) for n in shifts
    }
    return Recording(layers=empty, seconds=0.0)


def _in_batches(model: object, spikes: np.ndarray) -> Recording:
    """A run in batches of one size; the last one is filled up with silence."""
    pieces = []
    for start in range(0, len(spikes), BATCH):
        batch = spikes[start : start + BATCH]
        filled = np.zeros((BATCH, *spikes.shape[1:]), dtype=bool)
        filled[: len(batch)] = batch
        piece = run_model(model, filled)  # type: ignore[arg-type]
        kept = {name: raster[: len(batch)] for name, raster in piece.layers.items()}
        pieces.append(Recording(layers=kept, seconds=piece.seconds))
    return Recording(
        layers={
            name: np.concatenate([piece.layers[name] for piece in pieces])
            for name in pieces[0].layers
        },
        seconds=sum(piece.seconds for piece in pieces),
    )


def _part(recording: Recording, engine: Recording) -> RunnerPart:
    names = list(engine.layers)
    n_samples = len(recording.layers[names[0]])
    n_layers = len(names)
    spikes, unmatched, same = (np.zeros((n_samples, n_layers), dtype=np.int64) for _ in range(3))
    difference = np.full((n_samples, 3), NOWHERE, dtype=np.int64)
    steps = np.full(n_samples, np.iinfo(np.int64).max)
    for layer, name in enumerate(names):
        mine, reference = recording.layers[name], engine.layers[name][:n_samples]
        differs = mine != reference
        spikes[:, layer] = mine.sum(axis=(1, 2))
        unmatched[:, layer] = differs.sum(axis=(1, 2))
        same[:, layer] = (first_spikes(mine) == first_spikes(reference)).sum(axis=1)
        flat = differs.reshape(n_samples, differs.shape[1] * differs.shape[2])
        place = flat.argmax(axis=1)
        step, neuron = np.divmod(place, mine.shape[2])
        # an earlier step explains a later one; within a step, a layer nearer the input
        earlier = flat.any(axis=1) & (step < steps)
        steps = np.where(earlier, step, steps)
        found = np.stack([np.full(n_samples, layer), step, neuron], axis=1)
        difference = np.where(earlier[:, None], found, difference)
    return RunnerPart(
        decisions=decide(recording.layers[names[-1]]),
        spikes=spikes,
        unmatched=unmatched,
        same_latency=same,
        first_difference=difference,
        seconds=recording.seconds,
    )
