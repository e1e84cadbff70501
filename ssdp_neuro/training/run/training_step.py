"""One step of training: loss of a batch, gradients, optimizer, rule."""

from __future__ import annotations

import contextlib
import math
import traceback
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from hw_models import InputError
from ssdp_neuro.data import SpikeDataset
from ssdp_neuro.training.layers.delays import narrow_delay_windows
from ssdp_neuro.training.networks.eprop_gradient import add_eprop_gradient, output_by_steps
from ssdp_neuro.training.networks.rate_pass import output_drive
from ssdp_neuro.training.networks.spiking_network import SpikingNetwork
from ssdp_neuro.training.plasticity.ranks import sum_over_ranks
from ssdp_neuro.training.run.batch_order import Batch
from ssdp_neuro.training.run.choices import GradientKind
from ssdp_neuro.training.run.config import RunConfig
from ssdp_neuro.training.run.device import Place, on_device, seed_step
from ssdp_neuro.training.run.finite_numbers import Whereabouts, refuse_not_finite
from ssdp_neuro.training.run.late_numbers import LateNumbers, Reader
from ssdp_neuro.training.run.learning_rate import RATE_FACTOR, learning_rate
from ssdp_neuro.training.run.losses import class_scores, sample_losses, sample_weights
from ssdp_neuro.training.run.measuring import as_input
from ssdp_neuro.training.run.training_state import TrainingState
from ssdp_neuro.training.torch_settings import real_type


class TrainingStep:
    """Steps of the optimizer and of the rule, over batches that the ranks share.

    Parameters
    ----------
    state
        Changed by every step.
    config
        Of the run.
    place
        Device and rank.
    train
        The samples that are learned, of which the classes are counted.
    n_steps
        Of the whole run, for the learning rate.
    late
        Whether a step's numbers are read while the next one is computed, so that the device is
        never waited for; by default where it is a GPU. :meth:`settle` reads the last ones.
    """

    def __init__(
        self,
        state: TrainingState,
        config: RunConfig,
        place: Place,
        *,
        train: SpikeDataset,
        n_steps: int,
        late: bool | None = None,
    ) -> None:
        self.state, self.config, self.place = state, config, place
        self.n_classes, self.n_steps = train.n_classes, n_steps
        weights = sample_weights(train.labels, train.n_classes, config.training.class_balance)
        self._weights = None if weights is None else weights.to(place.device)
        self._network = state.model
        self._numbers = LateNumbers(late=place.device.type == "cuda" if late is None else late)
        self._forwards = config.training.gradient is GradientKind.E_PROP
        self._credit = config.training.reset_credit
        self._seen: tuple[Tensor, Tensor] | None = None  # between backward() and e-prop

    @contextlib.contextmanager
    def network_wrapped(self) -> Iterator[None]:
        """Compiled, and with gradients averaged over the ranks, as long as this lasts.

        The wrapper must be gone before the group of processes: were it the last to hold the
        group, it would wait for the group's threads while keeping Python's lock from them.
        """
        try:
            if self.place.n_ranks > 1:
                device = self.place.device
                self._network = DistributedDataParallel(
                    self.state.model, device_ids=[device] if device.type == "cuda" else None
                )
            if self.config.training.compile:
                self._network = torch.compile(self._network)  # type: ignore[assignment]
            yield
        except BaseException as error:
            if self.place.n_ranks > 1:
                traceback.clear_frames(error.__traceback__)  # they may hold the wrapper
            raise
        finally:
            self._network = self.state.model

    def make(self, batch: Batch, spikes: np.ndarray, labels: np.ndarray) -> None:
        """Make one step.

        Parameters
        ----------
        batch
            Its samples on this rank, and how many there are on all.
        spikes : bool, shape (B, T, *input_shape)
            Of this rank's samples.
        labels : integers, shape (B,)
            Of the same.

        Raises
        ------
        TrainingError
            If the loss or the gradient is no longer finite.
        InputError
            If the model has fewer classes than the data, or nothing in it can be trained.

        Mutates
        -------
        the state
        """
        state, progress = self.state, self.state.progress
        seed_step(self.config.training.seed, progress.step, self.place.rank)
        state.model.train()
        rate = learning_rate(self.config.optimizer, progress.step, self.n_steps)
        for group in state.optimizer.param_groups:
            group["lr"] = progress.rate_scale * rate * group.get(RATE_FACTOR, 1.0)
        narrow_delay_windows(state.model, progress.step / self.n_steps)
        wanted = on_device(labels.astype(np.int64), self.place.device)
        per_sample, right, fired = self._losses(
            as_input(spikes, self.place, real_type(state.model)), wanted
        )
        weighted = per_sample if self._weights is None else per_sample * self._weights[wanted]
        if not per_sample.requires_grad:
            raise InputError("the model's output does not depend on a parameter that is trained")
        state.optimizer.zero_grad()
        # ranks' gradients are averaged, so each counts as often as there are ranks
        (weighted.sum() * (self.place.n_ranks / batch.n_all)).backward()
        self._go_forwards()
        limit = self.config.optimizer.clip_norm
        norm = nn.utils.clip_grad_norm_(state.parameters, math.inf if limit is None else limit)
        sums = torch.stack([weighted.detach().sum().double(), right.double(), fired.double()])
        numbers = torch.cat([sum_over_ranks(sums), norm.double().reshape(1)])
        progress.count_step(batch.n_all)
        self._numbers.tell(numbers, self._reader(batch.n_all, state.where(step=progress.step - 1)))
        if self._numbers.late:
            self._drop_gradient(~numbers.isfinite().all())
        self._change_weights()
        if state.rule is not None:
            state.rule.step(per_sample.detach())

    def settle(self) -> None:
        """Read the numbers of the last step, if they have not been read.

        Raises
        ------
        TrainingError
            If its loss or its gradient was not finite.

        Mutates
        -------
        the state
        """
        self._numbers.settle()

    def _reader(self, n_samples: int, where: Whereabouts) -> Reader:
        progress = self.state.progress

        def read(numbers: list[float]) -> None:
            loss, n_right, n_fired, norm = numbers
            refuse_not_finite("loss", loss / n_samples, where)
            refuse_not_finite("norm of the gradient", norm, where)
            progress.count(loss, int(n_right), has_fired=n_fired > 0)

        return read

    def _drop_gradient(self, broken: Tensor) -> None:
        """A loss that is no number must not reach the weights before the host hears of it."""
        for parameter in self.state.parameters:
            if parameter.grad is not None:
                parameter.grad.masked_fill_(broken, 0.0)

    def _go_forwards(self) -> None:
        """With e-prop, backward() ended at the output's spikes: the rest goes forwards in time."""
        if self._seen is not None and self._seen[1].grad is not None:
            feedback = self.state.feedback
            back = None if feedback is None else feedback.weights
            add_eprop_gradient(
                self.state.model, self._seen[0], self._seen[1].grad, back, self._credit
            )
        self._seen = None

    def _change_weights(self) -> None:
        state = self.state
        if state.feedback is None:
            state.optimizer.step()
            return
        state.feedback.before_step()
        state.optimizer.step()
        state.feedback.after_step(state.learning_rate * self.config.optimizer.weight_decay)

    def _losses(self, spikes: Tensor, labels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Loss of each sample, how many score highest where they should, whether any output."""
        settings = self.config.training
        if settings.dropped_spikes:
            draw = torch.rand(spikes.shape, device=spikes.device, dtype=torch.float32)
            kept = draw >= settings.dropped_spikes
            spikes = spikes * kept
        # whole numbers of the chip do not fit in bfloat16
        mixed = settings.amp and not self.state.quantized
        model, device = self.state.model, self.place.device.type
        by_rates = self.state.progress.epoch < settings.rate_epochs
        if self._forwards and self.state.rule is None:
            output = output_by_steps(model, spikes)
        else:  # a rule listens to whole runs of the layers
            with (
                torch.autocast(device, dtype=torch.bfloat16, enabled=mixed),
                torch.set_grad_enabled(not self._forwards),
                self.state.normalized(),
            ):
                if by_rates and isinstance(model, SpikingNetwork):
                    drive = output_drive(model, spikes)
                    output = drive.flatten(1) * (spikes.shape[1] * settings.spike_weight)
                else:
                    output = self._network(spikes)
            # weights in half precision are kept until the outermost autocast ends, which is the run
            torch.clear_autocast_cache()
        if self._forwards:
            output = output.detach().requires_grad_()
            self._seen = spikes, output
        scores = class_scores(output, settings.loss, settings.spike_weight)
        if len(scores) != len(labels) or scores.shape[1] < self.n_classes:
            raise InputError(
                f"the model gives {scores.shape[1]} classes for {len(scores)} samples; the data"
                f" has {self.n_classes} for {len(labels)}"
            )
        right = (scores.argmax(1) == labels).sum()
        return sample_losses(scores, labels), right, (output.detach() != 0).any()
