"""Train a spiking network on arrays of spikes by surrogate gradients: no files, no options."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from hw_models import InputError, RangeError
from hw_models.arrays import batch_first_hint, plain_array
from ssdp_neuro.decision import accuracy
from ssdp_neuro.training.networks.network import SpikingNetwork, as_spikes
from ssdp_neuro.training.progress import progress_bar
from ssdp_neuro.training.silence import (
    SilenceWarning,
    first_silent_layer,
    refuse_too_few_steps,
    silence_message,
)
from ssdp_neuro.training.thread_count import threads
from ssdp_neuro.training.torch_settings import usual_torch


@dataclass(frozen=True, kw_only=True)
class TrainingHistory:
    """What :func:`fit_arrays` saw, one number per epoch.

    Parameters
    ----------
    losses
        Mean loss over the training samples.
    accuracies
        On the validation samples, as fractions; empty if there were none.
    """

    losses: tuple[float, ...]
    accuracies: tuple[float, ...]


@usual_torch()
def fit_arrays(
    model: SpikingNetwork,
    spikes: Any,
    labels: Any,
    *,
    epochs: int,
    batch_size: int = 32,
    learning_rate: float = 6e-3,
    weight_decay: float = 0.3,
    dropped_spikes: float = 0.2,
    validation: tuple[Any, Any] | None = None,
    seed: int = 0,
    n_threads: int | None = None,
    title: str = "training",
    show_progress: bool = True,
) -> TrainingHistory:
    """Minimise the cross-entropy of the output's spike counts, with Adam.

    The same arguments give the same weights on the same machine and number of threads.

    Parameters
    ----------
    model
        Its last module has one neuron per class.
    spikes : bool or 0/1, shape (B, T, *input_shape)
    labels : integers, shape (B,)
    epochs
        Passes over the samples.
    batch_size
        Samples per step.
    learning_rate
        Peak of one cycle of warming up and cooling down.
    weight_decay
        Decoupled (AdamW), times the learning rate per step.
    dropped_spikes
        Share of input spikes left out at random, anew for every sample and epoch; makes
        the features less specific. In [0, 1).
    validation
        Spikes and labels to measure the accuracy on after every epoch; never trained on.
    seed
        Order of the samples and dropped spikes.
    n_threads
        Threads of PyTorch while it lasts, as they are if not given. Small models are
        fastest, and repeatable on any machine, with one.
    title
        Of the progress bar, which goes to stderr.
    show_progress
        Whether there is one.

    Returns
    -------
    TrainingHistory

    Raises
    ------
    InputError, RangeError
        If labels do not fit the spikes or the model, samples have too few steps for it, or the
        loss is no longer finite.

    Warns
    -----
    SilenceWarning
        If no output neuron fires in an epoch.

    Mutates
    -------
    model
    """
    inputs = as_spikes(spikes)
    targets = _labels(labels, tuple(inputs.shape))
    refuse_too_few_steps("fit_arrays.spikes: steps", model, inputs.shape[1])
    if not 0 <= dropped_spikes < 1:
        raise RangeError(f"fit_arrays.dropped_spikes: {dropped_spikes}; allowed 0 to below 1")
    batches = -(-len(inputs) // batch_size)
    optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate, weight_decay=weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, learning_rate, total_steps=epochs * batches
    )
    generator = torch.Generator().manual_seed(seed)
    is_silent = False
    losses: list[float] = []
    accuracies: list[float] = []
    model.train()
    with (
        threads(n_threads),
        progress_bar(title, epochs * batches, show=show_progress) as advance,
    ):
        for epoch in range(epochs):
            total, has_fired = 0.0, False
            for batch in torch.randperm(len(inputs), generator=generator).split(batch_size):
                seen = inputs[batch]
                if dropped_spikes:
                    seen = seen * (torch.rand(seen.shape, generator=generator) >= dropped_spikes)
                loss, fired = _loss(model, seen, targets[batch])
                has_fired = has_fired or fired
                if not bool(torch.isfinite(loss)):
                    raise RangeError(
                        f"fit_arrays: the loss became {loss.item()}; lower learning_rate"
                    )
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                schedule.step()
                total += loss.item() * len(batch)
                advance()
            losses.append(total / len(inputs))
            if not has_fired and not is_silent:
                layer = first_silent_layer(model, inputs[:batch_size])
                warnings.warn(
                    f"fit_arrays: epoch {epoch}: {silence_message(layer)}",
                    SilenceWarning,
                    stacklevel=2,
                )
            is_silent = not has_fired
            if validation is not None:
                accuracies.append(accuracy(model.decide(validation[0]), validation[1]))
    model.eval()
    return TrainingHistory(losses=tuple(losses), accuracies=tuple(accuracies))


def _loss(
    model: SpikingNetwork, spikes: torch.Tensor, targets: torch.Tensor
) -> tuple[torch.Tensor, bool]:
    """Mean over the samples, and whether any output neuron fired."""
    counts = model(spikes).flatten(2).sum(dim=1)
    if int(targets.max()) >= counts.shape[1]:
        raise InputError(
            f"fit_arrays: label {int(targets.max())}; the model has {counts.shape[1]} output"
            " neurons"
        )
    return nn.functional.cross_entropy(counts, targets), bool(counts.detach().any())


def _labels(labels: Any, shape: tuple[int, ...]) -> torch.Tensor:
    n_samples = shape[0]
    array = plain_array("fit_arrays: labels", labels)
    if array.dtype.kind not in "iu" or array.shape != (n_samples,) or array.size == 0:
        hint = batch_first_hint(shape, array.size) if array.ndim == 1 else ""
        raise InputError(
            f"fit_arrays: labels of shape {array.shape} and dtype {array.dtype};"
            f" integers of shape ({n_samples},) are needed, at least one{hint}"
        )
    if array.min() < 0:
        raise InputError(f"fit_arrays: label {array.min()}; allowed from 0")
    return torch.as_tensor(array.astype(np.int64))
