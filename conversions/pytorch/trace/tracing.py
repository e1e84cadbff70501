"""One run of a model, in which every number is followed from neurons to neurons."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from conversions.pytorch.calling import LayoutError, labels, output_tensors
from conversions.pytorch.neurons.neuron_reading import TimeAxis
from conversions.pytorch.trace.observer import Following, ObservedLayer, Observer
from conversions.pytorch.trace.tape import Tape
from conversions.pytorch.trace.values import EVERY_STEP
from hw_models import NameClashError

INPUT = "input"
Run = Callable[[nn.Module, Tensor], Any]
"""``(model, spikes (B, T, ...)) -> whatever it returns``: one whole sample from rest."""


class OutputTensor(NamedTuple):
    """A tensor that the model returned: its cells, None if it holds nothing traced."""

    cells: np.ndarray | None
    numbers: Tensor


@dataclass(kw_only=True, eq=False)
class Trace:
    """What a followed run has shown; ``spikes`` bool-like float64 ``(B, T, N)`` by population."""

    tape: Tape
    layers: dict[str, ObservedLayer]
    spikes: dict[str, np.ndarray]
    outputs: list[OutputTensor]


def trace(
    model: nn.Module,
    run: Run,
    spikes: Tensor,
    seed: int = 0,
    *,
    heights: Mapping[str, np.ndarray] | None = None,
    real: bool = False,
    static: bool = False,
) -> Trace:
    """Follow one run of a model.

    Parameters
    ----------
    model
        A copy at rest; it is hooked.
    run
        Calls it.
    spikes : float32, shape (B, T, ...)
        0 and 1, or real values.
    heights
        Of the layers' spikes where they are not 1, by path.
    real, static
        Whether they are real values, and whether these are the same in every step.

    Raises
    ------
    LayoutError
        If batch and time are not where the neurons have them.
    NameClashError
        If a layer of neurons is called ``input``.
    """
    n_samples, n_steps = spikes.shape[:2]
    tape = Tape()
    mode = Following(tape)
    observer = Observer(model, n_samples, n_steps, mode, seed, heights)
    with torch.no_grad():
        marked = spikes.clone()
        axis = TimeAxis.SECOND
        sample, step, neuron = labels(marked.shape, axis, 0, n_samples, n_steps)
        if static:
            step = np.full_like(step, EVERY_STEP)
        tape.spikes(marked, INPUT, sample, step, neuron)
        if real:
            tape.numbers_of.add(INPUT)
        with mode:
            made = output_tensors(run(model, marked), n_samples, n_steps)
    layers = observer.finish()
    if not layers:
        raise LayoutError("no neurons are called")
    if INPUT in layers:
        raise NameClashError(f"a layer of the model is called {INPUT!r}, as its input is")
    sent = {INPUT: marked.flatten(2).double().numpy()}
    for path, layer in layers.items():
        if layer.sent:
            sent[path] = layer.sent[0].double().numpy()
    outputs = [
        OutputTensor(None if cells is None else cells.numpy().copy(), tensor.detach().double())
        for tensor, cells in ((tensor, tape.cells(tensor)) for tensor in made)
    ]
    return Trace(tape=tape, layers=layers, spikes=sent, outputs=outputs)
