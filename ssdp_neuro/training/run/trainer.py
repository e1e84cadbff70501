"""The loop of a run: steps, measurements, checkpoints; it goes on where a checkpoint ends."""

from __future__ import annotations

import contextlib
import dataclasses
import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from hw_models import ConversionError, InputError
from hw_models.weight_grid import WeightGrid
from ssdp_neuro.data import DataSplit, SpikeDataset
from ssdp_neuro.training.progress import progress_bar
from ssdp_neuro.training.quantization import quantize, refuse_off_chip
from ssdp_neuro.training.run.batch_order import Batch, batches_of, n_batches
from ssdp_neuro.training.run.batch_reader import read_ahead
from ssdp_neuro.training.run.choices import ScheduleKind
from ssdp_neuro.training.run.config import RunConfig
from ssdp_neuro.training.run.device import Place, as_first_rank, seed_step, summed
from ssdp_neuro.training.run.finite_numbers import (
    Whereabouts,
    refuse_not_finite,
    refuse_weights_not_finite,
)
from ssdp_neuro.training.run.learning_rate import learning_rate, make_optimizer
from ssdp_neuro.training.run.losses import class_scores, sample_losses
from ssdp_neuro.training.run.measuring import as_input, measured
from ssdp_neuro.training.run.model_file import read_model, write_model
from ssdp_neuro.training.run.progress_record import EpochRecord, ProgressRecord
from ssdp_neuro.training.run.run_folder import BEST, RunFolder
from ssdp_neuro.training.run.stop_signals import StopSignals
from ssdp_neuro.training.run.tensor_tree import put_together, take_apart
from ssdp_neuro.training.run.tensorboard_log import tensorboard_log
from ssdp_neuro.training.stages import stages


class Trainer:
    """A model under training, with all that a checkpoint holds.

    Parameters
    ----------
    model
        On the device of ``place``.
    data
        Its test part is not touched here.
    config
        Of the run.
    place
        Device and rank.
    make_rule
        Called with the model and its optimizer; gives a rule or ``None``.
    folder
        Where checkpoints go; ``None``: nowhere.
    extra
        What checkpoints say beside: fingerprint of the data, versions.
    on_epoch
        Called after every epoch, by the first rank.
    """

    def __init__(
        self,
        model: nn.Module,
        data: DataSplit,
        config: RunConfig,
        place: Place,
        *,
        make_rule: Any,
        folder: RunFolder | None,
        extra: dict[str, Any],
        on_epoch: Callable[[EpochRecord], None] | None = None,
    ) -> None:
        self.model, self.data, self.config, self.place = model, data, config, place
        self.folder, self.extra = folder, extra
        self.settings = config.training
        self.on_epoch = on_epoch
        self.optimizer = make_optimizer(model.parameters(), config.optimizer)
        self.rule = make_rule(model, self.optimizer)
        self.progress = ProgressRecord()
        self.quantized = False
        self._refuse_off_chip()
        self.best_is_convertible = False
        self._best: dict[str, Any] = {}
        self._network = model
        self._clock = 0.0
        self._stop = StopSignals()
        as_first_rank(model, place)
        if self.settings.compile and self.rule is not None:
            raise InputError("[training] compile: not together with a rule, which taps layers")
        self.steps_per_epoch = n_batches(len(data.train), self.settings.batch_size)

    @property
    def finished(self) -> bool:
        """Whether all epochs are over, or early stop has ended them."""
        patience = self.settings.patience
        stopped = patience > 0 and self.progress.since_gain >= patience
        return self.progress.batch == 0 and (stopped or self.progress.epoch >= self.settings.epochs)

    def restore(self, tensors: dict[str, Tensor], rest: dict[str, Any]) -> None:
        """Take the state of a checkpoint of the same run."""
        state = put_together(rest["state"], tensors)
        if rest["grids"] is not None:
            quantize(
                self.model,  # type: ignore[arg-type]
                {name: WeightGrid(**grid) for name, grid in rest["grids"].items()},
            )
            self.quantized = True
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        if self.rule is not None:
            self.rule.load_state_dict(state["rule"])
        self.progress = ProgressRecord.of_plain(rest["progress"])
        self.best_is_convertible = rest["best_is_convertible"]

    def run(self, *, show_progress: bool = True) -> None:
        """Train until the last epoch, early stop, or a request to stop.

        Raises
        ------
        TrainingError
            If the loss or the gradient is no longer finite.
        KeyboardInterrupt
            If a signal asked to stop; a checkpoint was written.
        NetworkFileError
            If a checkpoint cannot be written; earlier ones are as they were.
        """
        total = self.settings.epochs * self.steps_per_epoch
        show = show_progress and self.place.is_first
        with (
            self._stop.caught(alone=self.place.n_ranks == 1),
            progress_bar("training", total, show=show, done=self.progress.step) as advance,
            tensorboard_log(self._log_folder(), self.progress.step) as log,
            self._network_wrapped(),
        ):
            self._clock = time.perf_counter()
            while not self.finished:
                if self.progress.batch == 0:
                    self._begin_epoch()
                for batch, spikes in self._batches():
                    stop = self._step(batch, spikes)
                    advance()
                    if self.progress.batch == self.steps_per_epoch:
                        break
                    every = self.settings.checkpoint_steps
                    if stop or (every and self.progress.batch % every == 0):
                        self.write_checkpoint()
                    if stop:
                        self._stop.raise_again(self.folder)
                self._end_epoch(log)
                due = self.progress.epoch % self.settings.checkpoint_epochs == 0
                if due or stop or self.finished:
                    self.write_checkpoint()
                if stop:
                    self._stop.raise_again(self.folder)

    def measure(self, data: SpikeDataset) -> float:
        """Share of the samples that are decided as labelled, by the chip's decision."""
        if self.rule is not None:
            self.rule.enabled = False
        share = measured(self.model, data, self.place)
        if self.rule is not None:
            self.rule.enabled = True
        return share

    def take_best(self) -> None:
        """Give the model the weights of its best epoch, on every rank.

        Mutates
        -------
        the model
        """
        if self.folder is None:
            self.model.load_state_dict(self._best)
        elif self.place.is_first:
            read_model(self.model, self.folder.path / BEST)
        as_first_rank(self.model, self.place)

    def write_checkpoint(self) -> None:
        """Write all of this to the folder; by the first rank."""
        now = time.perf_counter()
        self.progress.seconds += now - self._clock
        self._clock = now
        if self.folder is None or not self.place.is_first:
            return
        tensors: dict[str, Tensor] = {}
        state = {
            "model": dict(self.model.state_dict()),
            "optimizer": self.optimizer.state_dict(),
            "rule": None if self.rule is None else self.rule.state_dict(),
        }
        tree = take_apart(state, "", tensors)
        refuse_weights_not_finite(self.model, self._where())
        rest = {
            **self.extra,
            "progress": self.progress.to_plain(),
            "best_is_convertible": self.best_is_convertible,
            "config": self.config.plain(),
            "grids": self._grids(),
            "state": tree,
        }
        self.folder.write(self.progress.step, tensors, rest)
        self.folder.remove_old(self.settings.keep)

    @contextlib.contextmanager
    def _network_wrapped(self) -> Iterator[None]:
        """Compiled, and with gradients averaged over the ranks, as long as this lasts.

        The wrapper must be gone before the group of processes: were it the last to hold the
        group, it would wait for the group's threads while keeping Python's lock from them.
        """
        try:
            if self.place.n_ranks > 1:
                device = self.place.device
                self._network = DistributedDataParallel(
                    self.model, device_ids=[device] if device.type == "cuda" else None
                )
            if self.settings.compile:
                self._network = torch.compile(self._network)  # type: ignore[assignment]
            yield
        finally:
            self._network = self.model

    def _refuse_off_chip(self) -> None:
        """At once, not when the first epoch on integers begins."""
        begin = self.config.model.quantize_from_epoch
        if begin is None or begin >= self.settings.epochs:
            return
        try:
            refuse_off_chip(self.model)  # type: ignore[arg-type]
        except ConversionError as error:
            raise InputError(f"[model] quantize_from_epoch: {error}") from None

    def _begin_epoch(self) -> None:
        self.progress.loss_sum, self.progress.n_correct, self.progress.n_seen = 0.0, 0, 0
        begin = self.config.model.quantize_from_epoch
        if begin is None or self.quantized or self.progress.epoch < begin:
            return
        quantize(self.model)  # type: ignore[arg-type]
        self.quantized = True
        # what was best in real numbers is not compared with what is in integers
        self.progress.best_epoch, self.progress.best_accuracy = -1, -1.0
        self.progress.since_gain = 0

    def _batches(self) -> Iterator[tuple[Batch, np.ndarray]]:
        """Read the part of this rank of the steps that remain of the epoch."""
        epoch, data = self.progress.epoch, self.data.train
        batches = batches_of(
            self.settings.seed,
            epoch,
            len(data),
            self.settings.batch_size,
            rank=self.place.rank,
            n_ranks=self.place.n_ranks,
        )
        return read_ahead(data, batches[self.progress.batch :], epoch)

    def _step(self, batch: Batch, spikes: np.ndarray) -> bool:
        """One step of the optimizer and of the rule; whether it is to be the last."""
        progress = self.progress
        seed_step(self.settings.seed, progress.step, self.place.rank)
        self.model.train()
        rate = self._rate()
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        labels = torch.from_numpy(self.data.train.labels[batch.places]).to(self.place.device)
        per_sample, right = self._losses(as_input(spikes, self.place), labels)
        loss, n_right = summed([float(per_sample.detach().sum()), float(right)], self.place)
        refuse_not_finite("loss", loss / batch.n_all, self._where())
        self.optimizer.zero_grad()
        # ranks' gradients are averaged, so each counts as often as there are ranks
        (per_sample.sum() * (self.place.n_ranks / batch.n_all)).backward()
        limit = self.config.optimizer.clip_norm
        norm = nn.utils.clip_grad_norm_(
            self.model.parameters(), math.inf if limit is None else limit
        )
        refuse_not_finite("norm of the gradient", float(norm), self._where())
        self.optimizer.step()
        if self.rule is not None:
            self.rule.step(per_sample.detach())
        progress.loss_sum += loss
        progress.n_correct += int(n_right)
        progress.n_seen += batch.n_all
        progress.step += 1
        progress.batch += 1
        return self._stop.asked

    def _losses(self, spikes: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Loss of each sample, and how many have the highest score where they should."""
        if self.settings.dropped_spikes:
            kept = torch.rand(spikes.shape, device=spikes.device) >= self.settings.dropped_spikes
            spikes = spikes * kept
        # whole numbers of the chip do not fit in bfloat16
        mixed = self.settings.amp and not self.quantized
        with torch.autocast(self.place.device.type, dtype=torch.bfloat16, enabled=mixed):
            output = self._network(spikes)
        scores = class_scores(output, self.settings.loss)
        if scores.shape[1] < self.data.n_classes:
            raise InputError(
                f"the model gives {scores.shape[1]} classes; the data has {self.data.n_classes}"
            )
        return sample_losses(scores, labels), (scores.argmax(1) == labels).sum()

    def _rate(self) -> float:
        total = self.settings.epochs * self.steps_per_epoch
        return self.progress.rate_scale * learning_rate(
            self.config.optimizer, self.progress.step, total
        )

    def _end_epoch(self, log: Any) -> None:
        progress, optimizer = self.progress, self.config.optimizer
        as_first_rank(self.model, self.place, parameters=False)
        seed_step(self.settings.seed, progress.step, self.place.n_ranks)
        share = self.measure(self.data.validation) if len(self.data.validation) else None
        record = EpochRecord(
            epoch=progress.epoch,
            loss=progress.loss_sum / progress.n_seen,
            train_accuracy=progress.n_correct / progress.n_seen,
            validation_accuracy=share,
            learning_rate=self.optimizer.param_groups[0]["lr"],
            quantized=self.quantized,
        )
        progress.history.append(record)
        progress.epoch, progress.batch = progress.epoch + 1, 0
        if share is None or share > progress.best_accuracy:
            progress.best_epoch = record.epoch
            progress.best_accuracy = -1.0 if share is None else share
            progress.since_gain = progress.since_cut = 0
            self._keep_best()
        else:
            progress.since_gain += 1
            progress.since_cut += 1
            if (
                optimizer.schedule is ScheduleKind.PLATEAU
                and progress.since_cut >= optimizer.plateau_patience
            ):
                progress.rate_scale *= optimizer.plateau_factor
                progress.since_cut = 0
        log(record, progress.step)
        if self.on_epoch is not None and self.place.is_first:
            self.on_epoch(record)

    def _keep_best(self) -> None:
        if self.folder is None:
            state = self.model.state_dict()
            self._best = {
                name: value.clone() if isinstance(value, Tensor) else value
                for name, value in state.items()
            }
        elif self.place.is_first:
            refuse_weights_not_finite(self.model, self._where())
            self.best_is_convertible = write_model(self.model, self.folder.path / BEST)

    def _log_folder(self) -> Path | None:
        wanted = self.settings.tensorboard and self.folder is not None and self.place.is_first
        return self.folder.path if wanted and self.folder is not None else None

    def _grids(self) -> dict[str, Any] | None:
        if not self.quantized:
            return None
        grids = {s.neurons_path: s.neurons.grid for s in stages(self.model)}  # type: ignore[arg-type]
        return {name: dataclasses.asdict(grid) for name, grid in grids.items() if grid is not None}

    def _where(self) -> Whereabouts:
        return Whereabouts(
            step=self.progress.step,
            epoch=self.progress.epoch,
            learning_rate=self.optimizer.param_groups[0]["lr"],
            has_rule=self.rule is not None,
            folder=self.folder,
        )
