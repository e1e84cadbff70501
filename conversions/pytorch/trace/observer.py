"""Hooks on a model that see its neurons, and follow every operation between them.

The neurons' own spikes are replaced by random ones: every layer is then active, and what a
layer is given shows how it is wired, whatever the weights are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from conversions.pytorch.calling import LayoutError, by_sample, features, labels
from conversions.pytorch.neurons.neuron_reading import NeuronReader, NeuronReading, TimeAxis
from conversions.pytorch.neurons.registry import neuron_reader, synapse_converter
from conversions.pytorch.trace.operations import follow, opaque, prepare
from conversions.pytorch.trace.tape import Tape
from hw_models import ConversionError


@dataclass(kw_only=True, eq=False)
class ObservedLayer:
    """A layer of neurons as it was seen in a run.

    ``given`` and ``sent`` are ``(B, T, N)``, ``cells`` those of ``given``; of a single
    step at first, joined when the run is over.
    """

    module: nn.Module
    reading: NeuronReading
    shape: tuple[int, ...]
    given_shape: tuple[int, ...]
    cells: list[Tensor] = field(default_factory=list)
    given: list[Tensor] = field(default_factory=list)
    sent: list[Tensor] = field(default_factory=list)


def layer_of(
    path: str, module: nn.Module, reader: NeuronReader, given: Tensor, out: Any
) -> ObservedLayer:
    """Ask the reader, with the shape that the axis it names leaves.

    Raises
    ------
    ConversionError
        If the reader refuses the module, or fails.
    LayoutError
        If no axis can be that of time.
    """
    steps = out if isinstance(out, list) else []  # of a whole sample, one by one
    tensor = (
        torch.stack(steps) if steps else next(t for t in tree_leaves(out) if isinstance(t, Tensor))
    )
    refused: ConversionError | None = None
    for guess in (TimeAxis.STEP, TimeAxis.FIRST, TimeAxis.LAST):
        shape = features(tensor.shape, guess)
        if not shape:
            continue
        try:
            reading = reader(module, path, shape)
        except ConversionError as error:
            refused = refused or error
            continue
        except Exception as error:
            raise ConversionError(
                f"{path}: the reader of {type(module).__name__} failed: {error!r}"
            ) from error
        if features(tensor.shape, reading.time_axis) == shape:
            return ObservedLayer(
                module=module,
                reading=reading,
                shape=shape,
                given_shape=features(given.shape, reading.time_axis),
            )
    if refused is not None:
        raise refused
    raise LayoutError(f"{path} made a tensor of shape {tuple(tensor.shape)}")


class Following(TorchDispatchMode):
    """While it is entered, operations are recorded on the tape, but not inside of neurons."""

    def __init__(self, tape: Tape) -> None:
        super().__init__()
        self.tape = tape
        self.depth = 0

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """PyTorch would load its compiler, seconds, to keep it out of here; nothing is compiled."""
        return False

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run the operation and record it."""
        kwargs = kwargs or {}
        if self.depth:
            return func(*args, **kwargs)
        if torch.is_inference_mode_enabled():  # composite operations arrive whole then
            with self:
                out = func.decompose(*args, **kwargs)
            if out is not NotImplemented:
                return out
        prepare(self.tape, func, args, kwargs)
        out = func(*args, **kwargs)
        follow(self.tape, func, args, kwargs, out)
        return out


class Observer:
    """Hooks on a model: the neurons' input and spikes, and the tape if there is one.

    Parameters
    ----------
    model
        A copy that may be hooked.
    n_samples, n_steps
        Of the run to come.
    mode
        To follow every operation; None to look at the neurons only.
    seed
        Of the random spikes that stand in for the neurons' own when following.
    heights
        Of a layer's spikes where they are not 1, float64 ``(N,)`` by path.
    """

    def __init__(
        self,
        model: nn.Module,
        n_samples: int,
        n_steps: int,
        mode: Following | None = None,
        seed: int = 0,
        heights: Mapping[str, np.ndarray] | None = None,
    ) -> None:
        self._heights = heights or {}
        self.n_samples, self.n_steps, self.mode = n_samples, n_steps, mode
        self.layers: dict[str, ObservedLayer] = {}
        self._random = torch.Generator().manual_seed(seed)
        self._inside: str | None = None
        self._paths = [""]
        for path, module in model.named_modules():
            self._hook(path, module)
            if mode is not None:
                mode.tape.kinds[path] = type(module).__name__

    def _hook(self, path: str, module: nn.Module) -> None:
        reader = neuron_reader(module)
        converter = None if reader else synapse_converter(module)

        def before(module: nn.Module, args: Any, kwargs: Any) -> None:
            self._paths.append(path)
            if self.mode is not None:
                self.mode.tape.path = path
            if self._inside is None and (reader or converter):
                self._inside = path
                if self.mode is not None:
                    self.mode.depth += 1

        def after(module: nn.Module, args: Any, kwargs: Any, out: Any) -> Any:
            self._paths.pop()
            replaced = None
            if self._inside == path:
                if reader is not None:
                    replaced = self._neurons(path, module, reader, _first_tensor(args, kwargs), out)
                self._inside = None
                if self.mode is not None:
                    self.mode.depth -= 1
                    if converter is not None:
                        replaced = _in_its_place(path, module, converter(module, path), args, out)
            if self.mode is not None:
                self.mode.tape.path = self._paths[-1]
            return replaced

        module.register_forward_pre_hook(before, with_kwargs=True)
        module.register_forward_hook(after, with_kwargs=True)

    def _neurons(
        self, path: str, module: nn.Module, reader: NeuronReader, given: Tensor, out: Any
    ) -> Any:
        layer = self.layers.get(path)
        if layer is None:
            layer = self.layers[path] = layer_of(path, module, reader, given, out)
        axis, reading = layer.reading.time_axis, layer.reading
        step = len(layer.given)
        if step >= (self.n_steps if axis is TimeAxis.STEP else 1):
            raise LayoutError(
                f"{path} is called more often than there are steps (a model that does several steps"
                " for one of its input is one of more steps: give it the input of each)"
            )
        layer.given.append(self._by_sample(given, axis).detach().clone())
        place = reading.spikes_output
        if self.mode is not None:
            tape = self.mode.tape
            cells = tape.cells(given)
            if cells is None:
                cells = tape.constants(given)
            layer.cells.append(self._by_sample(cells, axis).clone())
            out = _hidden(tape, path, out)
            self._potentials(path, reading, out, step)
        if place is None:
            return out
        sent = out if isinstance(out, Tensor) else out[place]
        if self.mode is not None:
            drawn = torch.rand(sent.shape, generator=self._random) < 0.5
            sent = drawn.to(sent.dtype)
            sample, time, neuron = labels(sent.shape, axis, step, self.n_samples, self.n_steps)
            self.mode.tape.spikes(sent, path, sample, time, neuron)
            high = sent
            if path in self._heights:
                factors = self._heights[path][neuron]
                high = sent * torch.from_numpy(factors).to(sent.dtype)
                self.mode.tape.multiplied(high, sent, factors)
            out = high if isinstance(out, Tensor) else _with(out, place, high)
        layer.sent.append(self._by_sample(sent, axis).detach().clone())
        return out

    def _potentials(self, path: str, reading: NeuronReading, out: Any, step: int) -> None:
        """Mark the potentials among what neurons returned, from whatever they are counted."""
        assert self.mode is not None
        place, axis = reading.voltage_output, reading.time_axis
        if place is None:
            return
        if isinstance(place, str):
            given = getattr(out[1], place)
        else:
            given = out[place] if isinstance(out, tuple) else out
        steps = list(enumerate(given)) if isinstance(given, list) else [(step, given)]
        axis = TimeAxis.STEP if isinstance(given, list) else axis
        for number, tensor in steps:
            sample, time, neuron = labels(tensor.shape, axis, number, self.n_samples, self.n_steps)
            self.mode.tape.potentials(tensor, path, sample, time, neuron)

    def _by_sample(self, tensor: Tensor, axis: TimeAxis) -> Tensor:
        return by_sample(tensor, axis, self.n_samples, self.n_steps)

    def finish(self) -> dict[str, ObservedLayer]:
        """Layers by path, in the order they were first called, each joined over time.

        Raises
        ------
        LayoutError
            If a layer was not called once for each step.
        """
        for path, layer in self.layers.items():
            steps = sum(part.shape[1] for part in layer.given)
            if steps != self.n_steps:
                raise LayoutError(f"{path} is called for {steps} of {self.n_steps} steps")
            layer.cells = [torch.cat(layer.cells, 1)] if layer.cells else []
            layer.given = [torch.cat(layer.given, 1)]
            layer.sent = [torch.cat(layer.sent, 1)] if layer.sent else []
        return self.layers


def _first_tensor(args: Any, kwargs: Any) -> Tensor:
    return next(a for a in (*args, *kwargs.values()) if isinstance(a, Tensor))


def _hidden(tape: Tape, path: str, out: Any) -> Any:
    """Mark all that neurons return; what is spikes is marked anew after this."""
    for tensor in tree_leaves(out):
        if isinstance(tensor, Tensor) and tensor.numel():
            kind = "the membrane potential (or another state) of neurons, not their spikes"
            tape.write(tensor, opaque(tape, tensor, kind, []))
    return out


def _with(out: Any, place: int, sent: Tensor) -> Any:
    changed = list(out)
    changed[place] = sent
    if hasattr(out, "_fields"):
        return type(out)(*changed)
    return type(out)(changed)


def _in_its_place(path: str, module: nn.Module, other: nn.Module, args: Any, out: Any) -> Tensor:
    made = other.eval()(*args)
    if made.shape != out.shape or not torch.allclose(made, out, rtol=1e-4, atol=1e-5):
        raise ConversionError(
            f"{path}: the converter of {type(module).__name__} gives a layer that computes"
            " something else"
        )
    return made
