"""The loop of a run: steps, measurements, checkpoints; it goes on where a checkpoint ends."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from hw_models import ConversionError, InputError, RangeError
from hw_models.chips import LOIHI2, Chip
from ssdp_neuro.data import DataSplit, SpikeDataset
from ssdp_neuro.progress import progress_bar
from ssdp_neuro.rules.eprop.feedback import Feedback
from ssdp_neuro.training.networks.eprop_eligibility import ResetCredit
from ssdp_neuro.training.networks.eprop_feedback import EpropFeedback
from ssdp_neuro.training.networks.eprop_gradient import eprop_layers, warn_of_runaway
from ssdp_neuro.training.networks.quantization import refuse_off_chip, refuse_weight_bits
from ssdp_neuro.training.networks.rate_pass import begin_half_a_spike_up, refuse_without_rates
from ssdp_neuro.training.run.batch_order import Batch, batches_of, n_batches
from ssdp_neuro.training.run.batch_reader import read_ahead
from ssdp_neuro.training.run.best_model import BestModel
from ssdp_neuro.training.run.choices import GradientKind, LossKind
from ssdp_neuro.training.run.config import RunConfig
from ssdp_neuro.training.run.device import Place, as_first_rank, seed_step
from ssdp_neuro.training.run.finite_numbers import refuse_weights_not_finite
from ssdp_neuro.training.run.learning_rate import make_optimizer
from ssdp_neuro.training.run.measuring import MOST_AT_ONCE, as_input, measured
from ssdp_neuro.training.run.progress_record import EpochRecord
from ssdp_neuro.training.run.run_folder import RunFolder
from ssdp_neuro.training.run.stop_signals import StopSignals
from ssdp_neuro.training.run.tensorboard_log import tensorboard_log
from ssdp_neuro.training.run.training_state import TrainingState
from ssdp_neuro.training.run.training_step import TrainingStep
from ssdp_neuro.training.silence import (
    SilenceWarning,
    first_silent_layer,
    refuse_too_few_steps,
    silence_message,
)
from ssdp_neuro.training.torch_settings import real_type


class Trainer:
    """The course of a run, from its state on.

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
    chip
        Whose registers the integer epochs have.
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
        chip: Chip = LOIHI2,
    ) -> None:
        self.data, self.config, self.place = data, config, place
        self.chip = chip
        self.folder, self.extra = folder, extra
        self.settings = config.training
        self.on_epoch = on_epoch
        optimizer = make_optimizer(model, config.optimizer)
        self.state = TrainingState(model, optimizer, make_rule(model, optimizer), folder)
        self.best = BestModel(self.state, place, data.code)
        self._refuse_off_chip()
        self._clock = 0.0
        self._silent = False
        refuse_too_few_steps("[data] n_steps", model, data.n_steps)
        self._stop = StopSignals()
        as_first_rank(model, place)
        self._refuse_not_eprop()
        self.steps_per_epoch = n_batches(len(data.train), self.settings.batch_size)
        self._prepare_rates()
        self._prepare_normalization()
        if self.settings.feedback is not Feedback.SYMMETRIC:
            kind, seed = self.settings.feedback, self.settings.seed
            self.state.feedback = EpropFeedback(model, kind, seed)
        self._step = TrainingStep(
            self.state,
            config,
            place,
            train=data.train,
            n_steps=self.settings.epochs * self.steps_per_epoch,
        )

    @property
    def finished(self) -> bool:
        """Whether all epochs are over, or early stop has ended them."""
        progress, patience = self.state.progress, self.settings.patience
        stopped = patience > 0 and progress.since_gain >= patience
        return progress.batch == 0 and (stopped or progress.epoch >= self.settings.epochs)

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
        progress, total = self.state.progress, self.settings.epochs * self.steps_per_epoch
        show = show_progress and self.place.is_first
        with (
            self._stop.caught(alone=self.place.n_ranks == 1),
            progress_bar("training", total, show=show, done=progress.step) as advance,
            tensorboard_log(self._log_folder(), progress.step) as log,
            self._step.network_wrapped(),
        ):
            self._clock = time.perf_counter()
            while not self.finished:
                if progress.batch == 0:
                    self._begin_epoch()
                for batch, spikes in self._batches():
                    self._step.make(batch, spikes, self.data.train.labels[batch.places])
                    stop = self._stop.asked
                    advance()
                    if progress.batch == self.steps_per_epoch:
                        break
                    every = self.settings.checkpoint_steps
                    if stop or (every and progress.batch % every == 0):
                        self._step.settle()
                        self.write_checkpoint()
                    if stop:
                        self._stop.raise_again(self.folder)
                self._step.settle()
                self._end_epoch(log)
                due = progress.epoch % self.settings.checkpoint_epochs == 0
                if due or stop or self.finished:
                    self.write_checkpoint()
                if stop:
                    self._stop.raise_again(self.folder)

    def measure(self, data: SpikeDataset) -> float:
        """Share of the samples that are decided as labelled, by the chip's decision."""
        rule = self.state.rule
        if rule is not None:
            rule.enabled = False
        share = measured(self.state.network, data, self.place, self.settings.batch_size)
        if rule is not None:
            rule.enabled = True
        return share

    def write_checkpoint(self) -> None:
        """Write the state to the folder; by the first rank."""
        now = time.perf_counter()
        self.state.progress.seconds += now - self._clock
        self._clock = now
        if self.folder is None or not self.place.is_first:
            return
        tensors, rest = self.state.taken_apart()
        refuse_weights_not_finite(self.state.model, self.state.where())
        described = {**self.extra, "config": self.config.plain(), **rest}
        self.folder.write(self.state.progress.step, tensors, described)
        self.folder.remove_old(self.settings.keep, up_to=self.state.progress.step)

    def _refuse_off_chip(self) -> None:
        """At once, not when the first epoch on integers begins."""
        begin = self.config.model.quantize_from_epoch
        if begin is None or begin >= self.settings.epochs:
            return
        try:
            refuse_off_chip(self.state.model, self.chip)  # type: ignore[arg-type]
        except ConversionError as error:
            raise InputError(f"[model] quantize_from_epoch: {error}") from None
        try:
            refuse_weight_bits(self.state.model, self.config.model.weight_bits, self.chip)  # type: ignore[arg-type]
        except RangeError as error:
            raise RangeError(f"[model] {error}") from None

    def _refuse_not_eprop(self) -> None:
        """At once, not after an epoch, or with another gradient than was asked for."""
        if self.settings.gradient is not GradientKind.E_PROP:
            if self.settings.feedback is not Feedback.SYMMETRIC:
                kind = self.settings.feedback.value
                raise InputError(f'[training] feedback: {kind}; it needs gradient = "e-prop"')
            if self.settings.reset_credit != ResetCredit():
                raise InputError(
                    '[training] reset_eligibility and psi_refractory: they need gradient = "e-prop"'
                )
            return
        begin = self.config.model.quantize_from_epoch
        for what, wanted in (
            ("[training] amp", self.settings.amp),
            ("[training] compile", self.settings.compile),
            ("several ranks", self.place.n_ranks > 1),
            ("[model] quantize_from_epoch", begin is not None and begin < self.settings.epochs),
        ):
            if wanted:
                raise InputError(f'[training] gradient = "e-prop": not together with {what}')
        try:
            warn_of_runaway(eprop_layers(self.state.model, self.settings.reset_credit))
        except InputError as error:
            raise InputError(f"[training] gradient: {error}") from None

    def _prepare_rates(self) -> None:
        """Refuse, at once, rates of other networks, or beside what listens to spikes."""
        n_epochs, begin = self.settings.rate_epochs, self.config.model.quantize_from_epoch
        if not n_epochs:
            return
        for what, wanted in (
            ('[training] gradient = "e-prop"', self.settings.gradient is GradientKind.E_PROP),
            ('[training] loss = "latency"', self.settings.loss is LossKind.LATENCY),
            ("[training] compile", self.settings.compile),
            ("several ranks", self.place.n_ranks > 1),
            ("a rule", self.state.rule is not None),
            (
                "[model] quantize_from_epoch before their end",
                begin is not None and begin < n_epochs,
            ),
        ):
            if wanted:
                raise InputError(f"[training] rate_epochs: not together with {what}")
        try:
            refuse_without_rates(self.state.model)
        except InputError as error:
            raise InputError(f"[training] rate_epochs: {error}") from None
        begin_half_a_spike_up(self.state.model, self.data.n_steps)  # type: ignore[arg-type]

    def _prepare_normalization(self) -> None:
        """Refuse, at once, batch normalisation beside what it does not fit."""
        if not self.settings.batch_norm:
            return
        for what, wanted in (
            ('gradient = "e-prop"', self.settings.gradient is GradientKind.E_PROP),
            ("compile", self.settings.compile),
            ("several ranks", self.place.n_ranks > 1),
            ("a rule", self.state.rule is not None),
            ("batches of one sample", 2 * self.steps_per_epoch > len(self.data.train)),
        ):
            if wanted:
                raise InputError(f"[training] batch_norm: not together with {what}")
        try:
            self.state.normalize(self.settings.spike_weight)
        except InputError as error:
            raise InputError(f"[training] {error}") from None

    def _begin_epoch(self) -> None:
        state, begin = self.state, self.config.model.quantize_from_epoch
        state.progress.begin_epoch()
        if begin is not None and not state.quantized and state.progress.epoch >= begin:
            state.quantize(self.config.model.weight_bits, self.chip)

    def _batches(self) -> Iterator[tuple[Batch, np.ndarray]]:
        """Read the part of this rank of the steps that remain of the epoch."""
        progress, data = self.state.progress, self.data.train
        batches = batches_of(
            self.settings.seed,
            progress.epoch,
            len(data),
            self.settings.batch_size,
            rank=self.place.rank,
            n_ranks=self.place.n_ranks,
        )
        return read_ahead(data, batches[progress.batch :], progress.epoch)

    def _end_epoch(self, log: Any) -> None:
        state, progress = self.state, self.state.progress
        as_first_rank(state.model, self.place, parameters=False)
        self._warn_of_silence()
        seed_step(self.settings.seed, progress.step, self.place.n_ranks)
        share = self.measure(self.data.validation) if len(self.data.validation) else None
        record = EpochRecord(
            epoch=progress.epoch,
            loss=progress.loss_sum / progress.n_seen,
            train_accuracy=progress.n_correct / progress.n_seen,
            validation_accuracy=share,
            learning_rate=state.learning_rate,
            quantized=state.quantized,
        )
        if progress.end_epoch(record, self.config.optimizer):
            self.best.keep()
        log(record, progress.step)
        if self.on_epoch is not None and self.place.is_first:
            self.on_epoch(record)

    def _warn_of_silence(self) -> None:
        """Once for as many silent epochs as follow each other."""
        was_silent, self._silent = self._silent, not self.state.progress.has_fired
        if not self._silent or was_silent or not self.place.is_first:
            return
        some = np.arange(min(len(self.data.train), self.settings.batch_size, MOST_AT_ONCE))
        model, epoch = self.state.network, self.state.progress.epoch
        spikes = as_input(self.data.train.spikes(some, epoch=epoch), self.place, real_type(model))
        reason = silence_message(first_silent_layer(model, spikes))
        warnings.warn(f"epoch {epoch}: {reason}", SilenceWarning, stacklevel=2)

    def _log_folder(self) -> Path | None:
        wanted = self.settings.tensorboard and self.folder is not None and self.place.is_first
        return self.folder.path if wanted and self.folder is not None else None
