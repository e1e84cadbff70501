"""A comparison cut into pieces, computed, and put together again."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import os
import platform
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from conversions.comparison.result import ComparedRun, Comparison
from conversions.comparison.runners import Runner, is_quantized
from conversions.comparison.shard import (
    BATCH,
    RunnerPart,
    ShardResult,
    ShardTask,
    run_shard,
)
from conversions.comparison.workers import map_tasks
from conversions.conversion_report import ConversionReport
from hw_models import (
    LOIHI2,
    Chip,
    FixedPointNetwork,
    InputError,
    RangeError,
    TypeMismatchError,
    save,
)
from hw_models.chips import chip_of
from hw_models.energy import estimate_energy
from hw_models.errors import brief
from hw_models.integers import integer
from ssdp_neuro.data import as_spike_dataset

if TYPE_CHECKING:
    from ssdp_neuro.training import SpikingNetwork

SHARD = 4 * BATCH
PACKAGES = ("ssdp-neuro", "torch", "numpy", "numba")
CALIBRATION = 256  # samples that choose the integers of a model trained in real numbers


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class _Contestant:
    """A model with its network, and their files' contents."""

    name: str
    model: bytes
    network_file: bytes
    network: FixedPointNetwork
    shifts: Mapping[str, int]
    quantized: bool


def compare(
    models: Any,
    data: Any,
    *,
    seeds: int | Sequence[int] = 1,
    calibration: Any = None,
    lava_samples: int = 0,
    n_samples: int | None = None,
    chip: Chip | str = LOIHI2,
    n_workers: int = 1,
    cluster: str | None = None,
    circumstances: Mapping[str, str] | None = None,
    show_progress: bool = False,
) -> Comparison:
    """Run a trained model in PyTorch, in the engine and in Lava, and compare all they do.

    Results do not depend on the workers: samples go through PyTorch in batches of one
    size, and everything else treats them one by one.

    Parameters
    ----------
    models
        Safetensors file of :func:`ssdp_neuro.training.save_model`, or a sequence of them:
        one for each training seed.
    data
        :class:`ssdp_neuro.data.SpikeDataset` to test on, or a data set or loader of PyTorch
        that gives pairs (spikes, label); see :func:`ssdp_neuro.data.as_spike_dataset`.
    seeds
        How many drawings of the input spikes, or which: the ``epoch`` that the data set is
        asked for. One that draws nothing gives the same spikes each time.
    calibration
        Data set from which the integers of a model trained in real numbers are chosen,
        never the one tested on. Without it they cover the weights.
    lava_samples
        How many samples of each run Lava's models compute, from the first; 0 for none.
    n_samples
        Samples to test, from the first; all if not given.
    chip
        Whose registers are filled.
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
    InputError, RangeError
        If an argument does not fit.
    ConversionError
        If a model cannot be converted; see :func:`conversions.from_torch`.
    MissingExtraError, ExecutorError
        See :func:`conversions.comparison.workers.map_tasks`.
    """
    chip = chip_of("chip", chip)
    models = _paths(models)
    data = as_spike_dataset("compare.data", data)
    if calibration is not None:
        calibration = as_spike_dataset("compare.calibration", calibration)
    drawings = list(range(seeds)) if isinstance(seeds, int) else [int(seed) for seed in seeds]
    if not drawings:
        raise RangeError(f"compare.seeds: {seeds!r}; at least one is needed")
    n_workers = integer("compare.n_workers", n_workers, 1, 4096)
    total = len(data) if n_samples is None else integer("compare.n_samples", n_samples, 1, 2**31)
    if total > len(data):
        raise RangeError(f"compare.n_samples: {n_samples}; the data set has {len(data)}")
    n_lava = min(integer("compare.lava_samples", lava_samples, 0, 2**31), total)
    contestants = _contestants(models, data, calibration, chip)
    runners = _runners(contestants, n_lava)
    starts = range(0, total, SHARD)
    cases = [(c, seed) for c in contestants for seed in drawings]
    digest = hashlib.sha256()

    def tasks() -> Iterator[ShardTask]:
        for contestant, seed in cases:
            for start in starts:
                indices = np.arange(start, min(start + SHARD, total))
                spikes = np.asarray(data.spikes(indices, epoch=seed), dtype=bool)
                if contestant is contestants[0]:  # all are given the same
                    digest.update(np.packbits(spikes.reshape(len(spikes), -1), axis=1).tobytes())
                yield ShardTask(
                    model=contestant.model,
                    network=contestant.network_file,
                    spikes=np.packbits(spikes),
                    shape=spikes.shape,
                    shifts=contestant.shifts,
                    runners=runners,
                    n_lava=max(0, min(n_lava - start, len(indices))),
                )

    bar = _bar(len(cases) * len(starts), show_progress)
    with bar as done:
        results = map_tasks(run_shard, tasks(), n_workers=n_workers, cluster=cluster, done=done)
    labels = np.asarray(data.labels)[:total]
    runs = tuple(
        ComparedRun(
            model=contestant.name,
            seed=seed,
            labels=labels,
            parts=_joined(results[i * len(starts) : (i + 1) * len(starts)], runners),
        )
        for i, (contestant, seed) in enumerate(cases)
    )
    digest.update(labels.astype("<i8").tobytes())
    said = {
        **(circumstances or {}),
        **_circumstances(contestants, data, calibration, drawings, total, chip),
        "spikes and labels": f"SHA-256 {digest.hexdigest()}",
        "versions": _versions(with_lava=Runner.LAVA in runners),
    }
    return _comparison(runs, results, contestants, data, calibration is not None, said)


def _circumstances(
    contestants: list[_Contestant],
    data: Any,
    calibration: Any,
    drawings: list[int],
    total: int,
    chip: Chip,
) -> dict[str, str]:
    shape = " x ".join(map(str, data.input_shape))
    chosen = "none" if calibration is None else f"{min(CALIBRATION, len(calibration))} samples"
    said = {}
    for number, contestant in enumerate(contestants):
        digest = hashlib.sha256(contestant.model).hexdigest()
        said[f"model {number}"] = f"{contestant.name} (SHA-256 {digest})"
    said["samples"] = (
        f"{total} of {len(data)}, {data.n_steps} steps of {shape} inputs, {data.n_classes} classes"
    )
    said["drawings of the spikes"] = ", ".join(map(str, drawings))
    said["calibration"] = chosen
    said["chip"] = chip.name
    return said


def _versions(*, with_lava: bool) -> str:
    names = [*PACKAGES, *(["lava-nc"] if with_lava else [])]
    found = [f"Python {platform.python_version()}"]
    for name in names:
        with contextlib.suppress(metadata.PackageNotFoundError):  # Lava may be elsewhere
            found.append(f"{name} {metadata.version(name)}")
    return ", ".join(found)


def _comparison(
    runs: tuple[ComparedRun, ...],
    results: list[ShardResult],
    contestants: list[_Contestant],
    data: Any,
    is_calibrated: bool,
    circumstances: Mapping[str, str],
) -> Comparison:
    network = contestants[0].network
    samples = sum(len(run.labels) for run in runs)
    operations = sum(result.synaptic_operations for result in results) / samples
    spikes = sum(result.spikes for result in results) / samples
    layers = {lif.name: lif.n_neurons for lif in network.neurons}
    notes = []
    late = max(contestants[0].shifts.values())
    if late:
        notes.append(
            f"Layers of latency 0 are up to {late} step{'s' * (late > 1)} late on the chip; each is"
            " compared from its own first step on."
        )
    if not contestants[0].quantized:
        chosen = "chosen on calibration data" if is_calibrated else "covering the weights"
        notes.append(f"Trained in real numbers; converted with integers {chosen}.")
    return Comparison(
        runs=runs,
        layers=layers,
        n_steps=data.n_steps,
        n_classes=data.n_classes,
        energy=estimate_energy(
            synaptic_operations=operations,
            spikes=spikes,
            neuron_steps=sum(layers.values()) * (data.n_steps + late),
        ),
        synaptic_operations=operations,
        spikes=spikes,
        example=results[0].example,
        notes=tuple(notes),
        circumstances=circumstances,
    )


def _paths(models: Any) -> list[Any]:
    """Model files of one or several; TypeMismatchError if they are something else."""
    paths = list(models) if isinstance(models, (list, tuple)) else [models]
    for path in paths:
        if not isinstance(path, (str, os.PathLike)):
            raise TypeMismatchError(
                f"compare.models: {brief(path)}; the path of a model file is needed, or several"
                " (conversions.verify compares the executors of a network)"
            )
    if not paths:
        raise InputError("compare.models: none given; at least one file is needed")
    return paths


def _contestants(models: Any, data: Any, calibration: Any, chip: Chip) -> list[_Contestant]:
    from ssdp_neuro.training import load_model

    found = []
    for path in models:
        model = load_model(path)
        if model.input_shape != tuple(data.input_shape):
            raise InputError(
                f"{path}: input shape {model.input_shape}; the data have {tuple(data.input_shape)}"
            )
        network, report = _converted(model, calibration, chip)
        with tempfile.TemporaryDirectory() as folder:
            save(network, Path(folder) / "n.h5")
            contents = (Path(folder) / "n.h5").read_bytes()
        found.append(
            _Contestant(
                name=str(path),
                model=Path(path).read_bytes(),
                network_file=contents,
                network=network,
                shifts={lif.name: report.shifts[lif.name] for lif in network.neurons},
                quantized=is_quantized(model),
            )
        )
    shapes = {tuple((lif.name, lif.shape) for lif in c.network.neurons) for c in found}
    if len(shapes) > 1 or len({c.quantized for c in found}) > 1:
        raise InputError("compare.models: they differ in layers or in being quantized")
    return found


def _converted(
    model: SpikingNetwork, calibration: Any, chip: Chip
) -> tuple[FixedPointNetwork, ConversionReport]:
    from conversions.pytorch.conversion import from_torch

    given = None
    if calibration is not None:
        indices = np.arange(min(CALIBRATION, len(calibration)))
        given = (calibration.spikes(indices), np.asarray(calibration.labels)[indices])
    return from_torch(model, chip=chip, calibration=given)


def _runners(contestants: list[_Contestant], n_lava: int) -> tuple[Runner, ...]:
    wanted = {
        Runner.FLOAT: True,
        Runner.QUANTIZED: contestants[0].quantized,
        Runner.ENGINE: True,
        Runner.LAVA: n_lava > 0,
    }
    return tuple(runner for runner in Runner if wanted[runner])


def _joined(results: list[ShardResult], runners: tuple[Runner, ...]) -> dict[Runner, RunnerPart]:
    joined = {}
    for runner in runners:
        parts = [result.parts[runner] for result in results]
        arrays = {
            field.name: np.concatenate([getattr(part, field.name) for part in parts])
            for field in dataclasses.fields(RunnerPart)
            if field.name != "seconds"
        }
        joined[runner] = RunnerPart(**arrays, seconds=sum(part.seconds for part in parts))
    return joined


def _bar(total: int, show: bool) -> Any:
    from ssdp_neuro.progress import progress_bar

    return progress_bar("comparing", total, show=show)
