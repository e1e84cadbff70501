"""Train a network by a config: what the command ``ssdp-neuro train`` does."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from hw_models import InputError
from hw_models.atomic_file import write_whole
from hw_models.chips import LOIHI2, Chip, chip_of
from ssdp_neuro.data import DataSplit, SpikeDataset, Subset, as_split, load
from ssdp_neuro.training.memory_reuse import reuse_memory
from ssdp_neuro.training.networks.spiking_network import SpikingNetwork
from ssdp_neuro.training.plasticity.ssdp import SSDP
from ssdp_neuro.training.run.circumstances import circumstances, refuse_other_run
from ssdp_neuro.training.run.config import RunConfig
from ssdp_neuro.training.run.data_check import refuse_unfit
from ssdp_neuro.training.run.device import (
    Place,
    chosen_place,
    random_states_kept,
    refuse_apart,
    summed,
)
from ssdp_neuro.training.run.model_choice import make_model
from ssdp_neuro.training.run.model_file import read_model
from ssdp_neuro.training.run.progress_record import EpochRecord
from ssdp_neuro.training.run.rule_choice import make_rule
from ssdp_neuro.training.run.run_folder import BEST, CONFIG, RESULT, RunFolder
from ssdp_neuro.training.run.trainer import Trainer
from ssdp_neuro.training.thread_count import threads
from ssdp_neuro.training.torch_settings import real_type, usual_torch

RuleMaker = Callable[[nn.Module, torch.optim.Optimizer], "SSDP | None"]


@dataclass(frozen=True, kw_only=True, eq=False)
class TrainingResult:
    """What a run gave.

    Parameters
    ----------
    model
        With the weights of its best epoch, in evaluation mode.
    history
        One record per epoch.
    best_epoch
        That of the highest validation accuracy, the earliest of equal ones; the last epoch
        without validation samples.
    validation_accuracy
        Of the best epoch; ``None`` without validation samples.
    test_accuracy
        Of the model; measured once, after everything was chosen. ``None`` without test samples.
    steps
        Of the optimizer.
    seconds
        Spent in training and measuring on validation samples.
    folder
        Of the run, or ``None``.
    convertible
        Whether the best model's file is one that ``ssdp-neuro convert`` reads.
    """

    model: nn.Module
    history: tuple[EpochRecord, ...]
    best_epoch: int
    validation_accuracy: float | None
    test_accuracy: float | None
    steps: int
    seconds: float
    folder: Path | None
    convertible: bool

    def to_dict(self) -> dict[str, Any]:
        """All but the model, as JSON can hold it."""
        return {
            "history": [dataclasses.asdict(record) for record in self.history],
            "best_epoch": self.best_epoch,
            "validation_accuracy": self.validation_accuracy,
            "test_accuracy": self.test_accuracy,
            "steps": self.steps,
            "seconds": self.seconds,
            "seconds_per_epoch": self.seconds / max(len(self.history), 1),
            "folder": None if self.folder is None else str(self.folder),
            "best": None if self.folder is None else str(self.folder / BEST),
            "convertible": self.convertible,
        }


def fit(
    config: RunConfig,
    *,
    model: nn.Module | None = None,
    data: DataSplit | SpikeDataset | Sequence[Any] | None = None,
    rule: RuleMaker | None = None,
    out: str | os.PathLike[str] | None = None,
    resume: bool = False,
    show_progress: bool = True,
    on_epoch: Callable[[EpochRecord], None] | None = None,
    chip: Chip | str = LOIHI2,
) -> TrainingResult:
    """Train, choose the best epoch by validation samples, and measure it once on the test.

    The same config gives the same weights, bit for bit, on the same machine with the same
    number of threads; also if the run was killed and resumed any number of times. Under
    ``torchrun`` all ranks hold the same weights, and the first one writes.

    Parameters
    ----------
    config
        See :func:`ssdp_neuro.training.read_config`.
    model
        Trained instead of the one that the config describes: any module that gives spikes
        ``(B, T, classes)`` or scores ``(B, classes)`` for spikes ``(B, T, *input_shape)``.
        To resume, give it anew as it was at the start.
    data
        Instead of what the config names: a split, or training, validation (or None) and test
        part, each also a data set or loader of PyTorch that gives pairs (spikes, label); see
        :func:`ssdp_neuro.data.as_split`. One :class:`ssdp_neuro.data.SpikeDataset` is trained on
        whole: then nothing is chosen by validation or measured.
        :func:`ssdp_neuro.data.from_arrays` makes one of arrays.
    rule
        Makes the rule instead of the config, from the model and the optimizer.
    out
        Folder of the run: config, checkpoints, best model, result. Nothing is written if
        not given.
    resume
        Go on from the last whole checkpoint in ``out``; from the start if the run was killed
        before it had one.
    show_progress
        Whether there is a bar, on stderr.
    on_epoch
        Called after every epoch, by the first rank.
    chip
        Whose registers of weights, thresholds and biases the epochs in integers have, such as a
        :class:`hw_models.Chip` of your own; to convert the model, give the same one.

    Raises
    ------
    InputError
        If the data, the model or the folder do not fit, or a resumed run had other settings,
        or there is none to resume.
    TrainingError
        If the loss is no longer a number, or another process uses the folder.
    NetworkFileError
        If a checkpoint cannot be written, or none is whole.

    Mutates
    -------
    model
    """
    chip = chip_of("fit.chip", chip)
    if resume and out is None:
        raise InputError("fit.resume: needs the folder of the run as out")
    if data is None:
        if config.data is None:
            raise InputError("[data]: the section is needed, or data given to fit()")
        data = load(config.data)
    is_alone = isinstance(data, SpikeDataset)
    split = _all_for_training(data) if isinstance(data, SpikeDataset) else as_split(data)
    refuse_unfit(config, split, has_test=not is_alone)
    with chosen_place(config.training.device) as place, random_states_kept(place.device):
        folder = None if out is None else RunFolder(out)
        found = None
        before: list[int] = []
        if folder is not None:
            if resume:
                _refuse_no_run(folder, place)
            else:
                folder.refuse_used()
            before = folder.steps()
            found = folder.newest()
        n_threads = config.training.threads or None
        if found is not None:
            n_threads = n_threads or found[1]["circumstances"]["threads"]
        reuse_memory()
        with threads(n_threads):
            extra = circumstances(split, place)
            if found is not None:
                refuse_other_run(found[1], config, extra, str(out))
            if model is None:
                model = make_model(
                    config.model, tuple(split.input_shape), split.n_classes, config.training.seed
                )
                if config.model.start_from and found is None:
                    read_model(model, Path(config.model.start_from))
            _refuse_other_type(model)
            with usual_torch(real_type(model), place.device.type):
                trainer = Trainer(
                    model.to(place.device),
                    split,
                    config,
                    place,
                    make_rule=rule or _rule_of(config),
                    folder=folder,
                    extra=extra,
                    on_epoch=on_epoch,
                    chip=chip,
                )
                if found is not None:
                    trainer.state.restore(*found)
                refuse_apart(trainer.state.progress.step, place)
                return _run(trainer, before, show_progress)


def _refuse_other_type(model: nn.Module) -> None:
    if isinstance(model, SpikingNetwork) and real_type(model) != torch.float32:
        raise InputError(
            f"fit.model: {real_type(model)}; networks of the chip are trained in float32:"
            " model.float()"
        )


def _refuse_no_run(folder: RunFolder, place: Place) -> None:
    """Refuse to go on where no rank sees a run; ranks that differ are refused later."""
    if not summed([float(folder.has_run())], place)[0]:
        raise InputError(
            f"{folder.path}: there is no run to go on with; check --out, or leave --resume out to"
            " begin one"
        )


def _all_for_training(data: SpikeDataset) -> DataSplit:
    nothing = Subset(dataset=data, places=())
    names = tuple(str(label) for label in range(data.n_classes))
    return DataSplit(train=data, validation=nothing, test=nothing, class_names=names)


def _run(trainer: Trainer, before: list[int], show_progress: bool) -> TrainingResult:
    folder, place = trainer.folder, trainer.place
    if folder is None or not place.is_first:
        return _trained(trainer, show_progress)
    with folder.locked():
        folder.refuse_changed(before)
        write_whole(folder.path / CONFIG, trainer.config.to_toml().encode())
        result = _trained(trainer, show_progress)
        described = {**result.to_dict(), "config": trainer.config.plain(), **trainer.extra}
        write_whole(folder.path / RESULT, (json.dumps(described, indent=1) + "\n").encode())
    return result


def _trained(trainer: Trainer, show_progress: bool) -> TrainingResult:
    try:
        trainer.run(show_progress=show_progress)
        trainer.best.give_back()
        test = trainer.data.test
        test_accuracy = trainer.measure(test) if len(test) else None
    finally:
        if trainer.state.rule is not None:
            trainer.state.rule.remove()
    progress = trainer.state.progress
    has_validation = len(trainer.data.validation) > 0
    return TrainingResult(
        model=trainer.state.model.eval(),
        history=tuple(progress.history),
        best_epoch=progress.best_epoch,
        validation_accuracy=progress.best_accuracy if has_validation else None,
        test_accuracy=test_accuracy,
        steps=progress.step,
        seconds=progress.seconds,
        folder=None if trainer.folder is None else trainer.folder.path,
        convertible=trainer.state.best_is_convertible,
    )


def _rule_of(config: RunConfig) -> RuleMaker:
    return lambda model, optimizer: make_rule(config.rule, model, optimizer, config.training.seed)
