"""Maximum pooling of currents, which a chip has not: what may stand in its place.

A chip's neurons add what arrives; nothing takes the largest of it. Of spikes a maximum is a
neuron that any of them makes fire. So a model that pools what its neurons are given can be
converted with the pooling after the neurons' spikes, or with averages; either is another
model, and how much its decisions differ is measured.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as nnf
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from conversions.pytorch.neurons.registry import neuron_reader
from conversions.pytorch.trace.tracing import Run
from hw_models import ConversionError

_AVERAGES: dict[str, Callable[..., Tensor]] = {
    "max_pool1d": nnf.avg_pool1d,
    "max_pool2d": nnf.avg_pool2d,
}


class Pooling(enum.Enum):
    """What stands in the place of a maximum over what neurons are given."""

    AFTER_SPIKES = "after-spikes"
    AVERAGE = "average"


class OtherPooling:
    """A way to run a model in which maxima of currents are something else.

    Parameters
    ----------
    kind
        What stands in their place.
    run
        How the model is called.

    Attributes
    ----------
    run
        The same, for the model as it is.
    """

    def __init__(self, kind: Pooling, run: Run) -> None:
        self.kind, self.run = kind, run
        self._of_currents: dict[tuple[object, ...], bool] = {}

    def learn(self, model: nn.Module, spikes: Tensor) -> None:
        """Look at which maxima are over currents, in a run of the model as it is."""
        with torch.no_grad(), _Replaced(None, self._of_currents):
            self.run(model, spikes)

    def __call__(self, model: nn.Module, spikes: Tensor) -> Any:
        """Run the model with what stands in their place."""
        mode = _Replaced(self.kind, self._of_currents)
        hooks = []
        if self.kind is Pooling.AFTER_SPIKES:
            for path, module in model.named_modules():
                if neuron_reader(module):
                    hooks += mode.hooks(path, module)
        try:
            with mode:
                out = self.run(model, spikes)
        finally:
            for hook in hooks:
                hook.remove()
        if mode.waiting:
            raise ConversionError(
                "pooling: something comes between a maximum over currents and the neurons;"
                f" supported with {Pooling.AFTER_SPIKES.value!r} is a maximum that the neurons are"
                f" given itself ({Pooling.AVERAGE.value!r} may stand anywhere)"
            )
        return out


class _Replaced(TorchFunctionMode):
    """While it is entered, maxima over currents are put off or averaged; None only looks."""

    def __init__(self, kind: Pooling | None, of_currents: dict[tuple[object, ...], bool]) -> None:
        super().__init__()
        self.kind, self.of_currents = kind, of_currents
        self._of_spikes = False
        self.waiting: dict[int, tuple[Tensor, Callable[[Tensor], Tensor]]] = {}

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        name = getattr(func, "__name__", "")
        if name not in _AVERAGES or self._of_spikes:
            return func(*args, **kwargs)
        given = args[0] if args else kwargs["input"]
        rest = args[1:]
        key = (name, given.shape[1:], repr(rest), repr(sorted(kwargs.items())))
        if self.kind is None:
            of_currents = not bool(((given == 0) | (given == 1)).all())
            # nothing at all may be either
            if (of_currents or given.any()) and self.of_currents.setdefault(
                key, of_currents
            ) != of_currents:
                raise ConversionError(
                    f"pooling: {name} pools spikes of shape {tuple(given.shape[1:])} at one place"
                    " and currents of that shape at another; supported are different shapes"
                )
            return func(*args, **kwargs)
        if not self.of_currents.get(key, False):
            return func(*args, **kwargs)
        if self.kind is Pooling.AVERAGE:
            return _average(name, given, *rest, **kwargs)
        self.waiting[id(given)] = (given, lambda spikes: func(spikes, *rest, **kwargs))
        return given

    def hooks(self, path: str, module: nn.Module) -> list[Any]:
        """Pool what neurons send in the place of what they are given."""
        pools: list[Callable[[Tensor], Tensor]] = []

        def before(module: nn.Module, args: Any) -> None:
            found = [self.waiting.pop(id(a), None) for a in args if isinstance(a, Tensor)]
            pools[:] = [one[1] for one in found if one is not None]

        def after(module: nn.Module, args: Any, out: Any) -> Any:
            if not pools:
                return None
            self._of_spikes = True
            spikes = pools.pop()(out if isinstance(out, Tensor) else out[0])
            self._of_spikes = False
            if isinstance(out, Tensor):
                return spikes
            return type(out)(spikes, *out[1:]) if hasattr(out, "_fields") else (spikes, *out[1:])

        return [module.register_forward_pre_hook(before), module.register_forward_hook(after)]


def _average(
    name: str,
    given: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Tensor:
    if dilation not in (1, (1, 1), [1, 1]) or return_indices:
        raise ConversionError(f"pooling: {name} with dilation {dilation} has no average")
    return _AVERAGES[name](given, kernel_size, stride, padding, ceil_mode, count_include_pad=False)
