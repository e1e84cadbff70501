"""One model in all executors: cut into pieces, computed, and put together again."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from conversions.comparison.candidates import Candidate, calibration_of, candidates_of
from conversions.comparison.circumstances import circumstances_of
from conversions.comparison.comparison_result import ComparedRun, Comparison
from conversions.comparison.shard import ExecutorPart, ShardResult, ShardTask, run_shard
from conversions.comparison.value_dataset import ValueDataset, value_dataset
from conversions.comparison.workers import map_tasks
from conversions.decision_rule import DecisionRule
from conversions.execution import Executor
from conversions.quantization import Calibration
from conversions.real_network.bit_planes import BitPlanes
from conversions.report_pages.provenance import versions
from hw_models import LOIHI2, Chip, InputError, RangeError, TypeMismatchError
from hw_models.chips import chip_of
from hw_models.errors import brief
from hw_models.integers import integer
from ssdp_neuro.data import DataSplit, SpikeDataset, as_spike_dataset
from ssdp_neuro.engine.results import EventCounts

SHARD = 256  # samples


def compare(
    models: Any,
    data: Any,
    *,
    seeds: int | Sequence[int] = 1,
    calibration: Any = None,
    lava_samples: int = 0,
    n_samples: int | None = None,
    chip: Chip | str = LOIHI2,
    decision: DecisionRule | None = None,
    time_axis: Any = None,
    run: Any = None,
    real_input: BitPlanes | None = None,
    n_steps: int | None = None,
    file_options: Mapping[str, Any] | None = None,
    n_workers: int = 1,
    cluster: str | None = None,
    circumstances: Mapping[str, str] | None = None,
    show_progress: bool = False,
) -> Comparison:
    """Run your model in PyTorch, in the engine and in Lava, and compare all they do.

    What comes back has the accuracy in real numbers, in integers and on the engine, spikes and
    agreement by layer, operations, energy, and the share of the chip; it shows itself in a
    notebook, and writes itself as a page or as JSON. Results do not depend on the workers:
    samples go through PyTorch in batches of one size, and everything else treats them one by one.

    Parameters
    ----------
    models
        A PyTorch model of any framework that :func:`conversions.from_torch` takes; a
        ``FixedPointNetwork``, or a pair of one and the report of its conversion; or a file: of
        :func:`ssdp_neuro.training.save_model`, a network, NIR or netx. Several in a list, such
        as one for each training seed, must have the same layers.
    data
        To test on: a :class:`ssdp_neuro.data.SpikeDataset`; a data set or loader of PyTorch that
        gives pairs (spikes, label), see :func:`ssdp_neuro.data.as_spike_dataset`; a pair of
        arrays, spikes ``(B, T, *input_shape)`` and labels ``(B,)``; or a
        :class:`ssdp_neuro.data.DataSplit`, of which the test part is used, and the validation
        part (without one, the training part) as calibration.
    seeds
        How many drawings of the input spikes, or which: the ``epoch`` that the data set is
        asked for. One that draws nothing gives the same spikes each time.
    calibration
        Data from which the integers of a model trained in real numbers are chosen, in the forms
        of ``data``, never the ones tested on; or a :class:`conversions.Calibration`, which also
        says how a readout decides. Without it they cover the weights.
    lava_samples
        How many samples of each run Lava's models compute, from the first; 0 for none.
    n_samples
        Samples to test, from the first; all if not given.
    chip
        Whose registers are filled.
    decision
        How the network decides for a class; of a model or a conversion it is known, of a
        network alone it is most spikes of its last population.
    time_axis, run
        As of :func:`conversions.from_torch`.
    real_input, n_steps
        Of models whose input is real values: how they become binary digits. ``data`` and
        ``calibration`` then are pairs of values and labels ``(B,)``, or a data set or loader of
        PyTorch that gives such pairs; values ``(B, *input_shape)`` are the same in each of
        ``n_steps`` steps, without these they are ``(B, T, *input_shape)``.
    file_options
        Of NIR and netx files, arguments of :func:`conversions.from_nir` or
        :func:`conversions.from_netx`, such as what a spike does.
    n_workers
        Processes on this machine.
    cluster
        Address of a dask scheduler to use instead.
    circumstances
        What the report should say beside models, samples, chip and versions, such as the name
        of the data and their code.
    show_progress
        Whether to show a bar on stderr.

    Returns
    -------
    Comparison

    Raises
    ------
    InputError, RangeError, ShapeError, TypeMismatchError
        If an argument does not fit.
    ConversionError
        If a model cannot be converted; see :func:`conversions.from_torch`.
    MissingExtraError, ExecutorError
        See :func:`conversions.comparison.workers.map_tasks`.

    Examples
    --------
    >>> import torch
    >>> from ssdp_neuro.training import CubaLif
    >>> neuron = {"current_decay": 4095, "voltage_decay": 400}
    >>> model = torch.nn.Sequential(
    ...     torch.nn.Linear(4, 3), CubaLif(**neuron), torch.nn.Linear(3, 2), CubaLif(**neuron))
    >>> spikes = np.random.default_rng(0).random((20, 6, 4)) < 0.5
    >>> found = compare(model, (spikes, np.arange(20) % 2))
    >>> [executor.value for executor in found.executors]
    ['PyTorch, real numbers', 'engine']
    """
    chip = chip_of("chip", chip)
    test, calibration = _data(data, calibration, real_input, n_steps)
    drawings = list(range(seeds)) if isinstance(seeds, int) else [int(seed) for seed in seeds]
    if not drawings:
        raise RangeError(f"compare.seeds: {seeds!r}; at least one is needed")
    if decision is not None and not isinstance(decision, DecisionRule):
        raise TypeMismatchError(f"compare.decision: {brief(decision)}; a DecisionRule is needed")
    n_workers = integer("compare.n_workers", n_workers, 1, 4096)
    total = len(test) if n_samples is None else integer("compare.n_samples", n_samples, 1, 2**31)
    if total > len(test):
        raise RangeError(f"compare.n_samples: {n_samples}; the data set has {len(test)}")
    n_lava = min(integer("compare.lava_samples", lava_samples, 0, 2**31), total)
    calling = {"time_axis": time_axis, "run": run}
    candidates = candidates_of(
        models, test, calibration, chip, decision, calling, file_options or {}
    )
    planes = candidates[0].executable.planes
    if isinstance(test, ValueDataset) and planes is not None:  # bounds that the conversion found
        test = dataclasses.replace(test, planes=planes)
    executors = _executors(candidates[0], n_lava)
    starts = range(0, total, SHARD)
    cases = [(c, seed) for c in candidates for seed in drawings]
    digest = hashlib.sha256()

    def tasks() -> Iterator[ShardTask]:
        for candidate, seed in cases:
            for start in starts:
                indices = np.arange(start, min(start + SHARD, total))
                spikes = np.asarray(test.spikes(indices, epoch=seed), dtype=bool)
                if candidate is candidates[0]:  # all are given the same
                    digest.update(np.packbits(spikes.reshape(len(spikes), -1), axis=1).tobytes())
                yield ShardTask(
                    executable=candidate.executable,
                    spikes=np.packbits(spikes),
                    shape=spikes.shape,
                    layers=candidate.layers,
                    executors=executors,
                    n_lava=max(0, min(n_lava - start, len(indices))),
                )

    with _bar(len(cases) * len(starts), show_progress) as done:
        results = map_tasks(run_shard, tasks(), n_workers=n_workers, cluster=cluster, done=done)
    labels = np.asarray(test.labels)[:total]
    digest.update(labels.astype("<i8").tobytes())
    made_of = circumstances_of(candidates, test, calibration, drawings, total, chip)
    first = candidates[0]
    runs = tuple(
        ComparedRun(
            model=candidate.name,
            seed=seed,
            labels=labels,
            parts=_joined(results[i * len(starts) : (i + 1) * len(starts)], executors),
        )
        for i, (candidate, seed) in enumerate(cases)
    )
    return Comparison(
        runs=runs,
        layers={n: first.executable.network.population(n).n_neurons for n in first.layers},
        n_steps=test.n_steps,
        n_classes=max(test.n_classes, *(c.decision.n_classes for c in candidates)),
        network=first.executable.network,
        later=first.executable.later,
        chip=chip,
        counts=_summed([result.counts for result in results]),
        example=results[0].example,
        notes=(*_notes(first, calibration is not None), *_silence(cases, runs)),
        circumstances={
            **(circumstances or {}),
            **made_of,
            "spikes and labels": f"SHA-256 {digest.hexdigest()}",
            "versions": versions(with_lava=Executor.LAVA in executors),
        },
    )


def _data(
    data: Any, calibration: Any, planes: BitPlanes | None, n_steps: int | None
) -> tuple[SpikeDataset, Any]:
    """What to test on, and what integers are chosen by as the converters take it."""
    if planes is not None:
        test = value_dataset("compare.data", data, planes, n_steps)
        if calibration is not None:
            where = "compare.calibration"
            calibration = calibration_of(value_dataset(where, calibration, planes, n_steps))
        return test, calibration
    if n_steps is not None:
        raise InputError("compare.n_steps: only with real_input; spikes say how many they have")
    if isinstance(data, DataSplit):
        if calibration is None:
            calibration = data.validation if len(data.validation) else data.train
        data = data.test
    if calibration is not None and not isinstance(calibration, Calibration):
        calibration = calibration_of(_dataset("compare.calibration", calibration))
    return _dataset("compare.data", data), calibration


def _dataset(where: str, given: Any) -> SpikeDataset:
    is_pair = isinstance(given, tuple) and len(given) == 2
    return as_spike_dataset(where, [given] if is_pair else given)


def _executors(candidate: Candidate, n_lava: int) -> tuple[Executor, ...]:
    wanted = {
        Executor.PYTORCH: candidate.executable.model is not None,
        Executor.PYTORCH_INTEGERS: candidate.is_quantized,
        Executor.ENGINE: True,
        Executor.LAVA: n_lava > 0,
    }
    return tuple(executor for executor, is_wanted in wanted.items() if is_wanted)


def _silence(cases: list[tuple[Candidate, int]], runs: tuple[ComparedRun, ...]) -> Iterator[str]:
    """Layers that never fire: what is decided from them says nothing."""
    for (candidate, seed), run in zip(cases, runs, strict=True):
        n_spikes = run.parts[Executor.ENGINE].spikes.sum(axis=0)
        silent = [name for name, n in zip(candidate.layers, n_spikes, strict=True) if not n]
        if silent:
            yield (
                f"{candidate.name}, seed {seed}: no spike of {', '.join(silent)} in"
                f" {len(run.labels)} samples."
            )


def _notes(candidate: Candidate, is_calibrated: bool) -> tuple[str, ...]:
    notes = []
    late, report = candidate.executable.later, candidate.report
    if late:
        notes.append(
            f"Layers of latency 0 are up to {late} step{'s' * (late > 1)} late on the chip; each is"
            " compared from its own first step on."
        )
    if report is None:
        notes.append(f"A network alone. {candidate.decision}")
        return tuple(notes)
    if not candidate.is_quantized:
        chosen = "chosen on calibration data" if is_calibrated else "covering the weights"
        notes.append(f"Trained in real numbers; converted with integers {chosen}.")
    return tuple(notes)


def _joined(
    results: list[ShardResult], executors: tuple[Executor, ...]
) -> dict[Executor, ExecutorPart]:
    joined = {}
    for executor in executors:
        parts = [result.parts[executor] for result in results]
        arrays = {
            field.name: np.concatenate([getattr(part, field.name) for part in parts])
            for field in dataclasses.fields(ExecutorPart)
            if field.name != "seconds"
        }
        joined[executor] = ExecutorPart(**arrays, seconds=sum(part.seconds for part in parts))
    return joined


def _summed(counts: list[EventCounts]) -> EventCounts:
    def total(field: str) -> dict[str, int]:
        each = [getattr(count, field) for count in counts]
        return {name: sum(one[name] for one in each) for name in each[0]}

    return EventCounts(**{field.name: total(field.name) for field in dataclasses.fields(counts[0])})


def _bar(total: int, show: bool) -> Any:
    from ssdp_neuro.progress import progress_bar

    return progress_bar("comparing", total, show=show)
