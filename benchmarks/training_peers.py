"""The same small spiking networks in several frameworks, as their users write them.

Every maker takes the weights and gives a module from spikes ``(B, T, ...)`` to the spike
counts of the output ``(B, classes)``, and its parameters. Neurons are leaky integrate-and-fire
without a current of their own: 0.9 of the membrane potential remains, threshold 1, reset to
zero.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import math
import sys
import types
import warnings
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ssdp_neuro.training import Lif, SpikingNetwork

KEPT = 0.9
DECAY = round(4096 * (1 - KEPT))
Weights = Sequence[Tensor]  # of a Linear (2 axes) or of a Conv2d of stride 2, padding 1 (4 axes)
Counts = Callable[[Tensor], Tensor]


def synapses(weight: Tensor) -> nn.Module:
    if weight.ndim == 4:
        made: Any = nn.Conv2d(weight.shape[1], weight.shape[0], 3, stride=2, padding=1, bias=False)
    else:
        made = nn.Linear(weight.shape[1], weight.shape[0], bias=False)
    made.weight = nn.Parameter(weight.clone())
    return made


def flattens(weights: Weights, layer: int) -> bool:
    """Whether a Linear comes after a convolution here."""
    return layer > 0 and weights[layer].ndim == 2 and weights[layer - 1].ndim == 4


def own(weights: Weights) -> tuple[nn.Module, Counts]:
    """Ours in one fused pass, without the chip's delay of one step, as the others have it."""
    modules: OrderedDict[str, nn.Module] = OrderedDict()
    for layer, weight in enumerate(weights):
        if flattens(weights, layer):
            modules["flatten"] = nn.Flatten()
        modules[f"to_{layer}"] = synapses(weight)
        modules[f"layer_{layer}"] = Lif(voltage_decay=DECAY, latency=0, detach_reset=True)
    shape = (weights[0].shape[1],) if weights[0].ndim == 2 else (1, 28, 28)
    model = SpikingNetwork(modules, input_shape=shape)
    return model, lambda spikes: model(spikes).sum(1)


def own_loop(weights: Weights) -> tuple[nn.Module, Counts]:
    """Ours step by step, by PyTorch's operations."""
    model, _ = own(weights)

    def counts(spikes: Tensor) -> Tensor:
        total, state = 0.0, None
        for now in spikes.unbind(1):
            fired, state = model.step(now, state)
            total = total + fired
        return total

    return model, counts


def own_compiled(weights: Weights) -> tuple[nn.Module, Counts]:
    """The same layers by torch.compile: whole samples, the loop of the neurons unrolled."""
    model, _ = own(weights)
    compiled = torch.compile(model)
    return model, lambda spikes: compiled(spikes).sum(1)


def snntorch(weights: Weights) -> tuple[nn.Module, Counts]:
    import snntorch as snn
    from snntorch import surrogate

    layers = nn.ModuleList(synapses(weight) for weight in weights)
    slope = surrogate.fast_sigmoid(slope=5)
    neurons = nn.ModuleList(
        snn.Leaky(beta=KEPT, reset_mechanism="zero", reset_delay=False, spike_grad=slope)
        for _ in weights
    )

    def counts(spikes: Tensor) -> Tensor:
        membranes = [leaky.init_leaky() for leaky in neurons]
        fired = []
        for now in spikes.unbind(1):
            for index, (layer, leaky) in enumerate(zip(layers, neurons, strict=True)):
                now = now.flatten(1) if flattens(weights, index) else now
                now, membranes[index] = leaky(layer(now), membranes[index])
            fired.append(now)
        return torch.stack(fired).sum(0)

    return layers, counts


def spikingjelly(weights: Weights) -> tuple[nn.Module, Counts]:
    from spikingjelly.activation_based import functional, layer, neuron, surrogate

    modules: list[nn.Module] = []
    for index, weight in enumerate(weights):
        if flattens(weights, index):
            modules.append(layer.Flatten(step_mode="m"))
        n_out, n_in = weight.shape[:2]
        made: Any = (
            layer.Linear(n_in, n_out, bias=False, step_mode="m")
            if weight.ndim == 2
            else layer.Conv2d(n_in, n_out, 3, stride=2, padding=1, bias=False, step_mode="m")
        )
        made.weight = nn.Parameter(weight.clone())
        modules.append(made)
        modules.append(
            neuron.LIFNode(
                tau=1 / (1 - KEPT),
                decay_input=False,
                detach_reset=True,
                surrogate_function=surrogate.SoftSign(),
                step_mode="m",
            )
        )
    model = nn.Sequential(*modules)

    def counts(spikes: Tensor) -> Tensor:
        functional.reset_net(model)
        return model(spikes.transpose(0, 1).contiguous()).sum(0)

    return model, counts


def norse(weights: Weights) -> tuple[nn.Module, Counts]:
    import norse.torch as norse_torch

    settings = norse_torch.LIFBoxParameters(
        tau_mem_inv=torch.tensor(1000 * (1 - KEPT)),
        v_th=torch.tensor(1 - KEPT),  # it multiplies what arrives by dt / tau
        alpha=torch.tensor(5.0),
    )
    modules: list[nn.Module] = []
    for index, weight in enumerate(weights):
        if flattens(weights, index):
            modules.append(nn.Flatten())
        modules += [synapses(weight), norse_torch.LIFBoxCell(settings)]
    model = norse_torch.SequentialState(*modules)

    def counts(spikes: Tensor) -> Tensor:
        state, fired = None, []
        for now in spikes.unbind(1):
            now, state = model(now, state)
            fired.append(now)
        return torch.stack(fired).sum(0)

    return model, counts


def sinabs(weights: Weights) -> tuple[nn.Module, Counts]:
    import sinabs.layers as sinabs_layers
    from sinabs.activation import MembraneReset, SingleSpike

    modules: list[nn.Module] = []
    neurons = []
    for index, weight in enumerate(weights):
        if flattens(weights, index):
            modules.append(nn.Flatten())
        neurons.append(
            sinabs_layers.LIFSqueeze(
                tau_mem=-1 / math.log(KEPT),
                norm_input=False,
                spike_fn=SingleSpike,
                reset_fn=MembraneReset(),
                batch_size=1,
            )
        )
        modules += [synapses(weight), neurons[-1]]
    model = nn.Sequential(*modules)

    def counts(spikes: Tensor) -> Tensor:
        for layer in neurons:
            layer.batch_size = len(spikes)
            layer.reset_states()
        return model(spikes.flatten(0, 1)).unflatten(0, spikes.shape[:2]).sum(1)

    return model, counts


def slayer(weights: Weights) -> tuple[nn.Module, Counts]:
    """lava-dl: time is its last axis; its neurons round their state, whatever one asks."""
    _pretend_torchvision()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from lava.lib.dl.slayer import block

    settings = {"threshold": 1.0, "current_decay": 1.0, "voltage_decay": 1 - KEPT, "tau_grad": 0.2}
    modules: list[nn.Module] = []
    for index, weight in enumerate(weights):
        if flattens(weights, index):
            modules.append(block.cuba.Flatten())
        n_out, n_in = weight.shape[:2]
        made = (
            block.cuba.Dense(settings, n_in, n_out)
            if weight.ndim == 2
            else block.cuba.Conv(settings, n_in, n_out, 3, stride=2, padding=1)
        )
        with torch.no_grad():
            made.synapse.weight.copy_(weight.reshape(made.synapse.weight.shape))
        modules.append(made)
    model = nn.Sequential(*modules)
    return model, lambda spikes: model(spikes.movedim(1, -1).contiguous()).sum(-1)


def _pretend_torchvision() -> None:
    """lava-dl imports it for object detection alone, and there may be none for this PyTorch."""
    try:
        import torchvision  # noqa: F401
    except Exception:
        for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
            del sys.modules[name]
        sys.meta_path.insert(0, _Nothing())


class _Nothing(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(self, name: str, path: Any, target: Any = None) -> Any:
        if name.split(".")[0] == "torchvision":
            return importlib.machinery.ModuleSpec(name, self, is_package=True)
        return None

    def create_module(self, spec: Any) -> types.ModuleType:
        class Empty(types.ModuleType):
            def __getattr__(self, name: str) -> type:
                if name.startswith("__"):
                    raise AttributeError(name)
                return type(name, (), {})

        return Empty(spec.name)

    def exec_module(self, module: types.ModuleType) -> None:
        """Nothing is in it."""


MAKERS: dict[str, Callable[[Weights], tuple[nn.Module, Counts]]] = {
    "ours": own,
    "ours, step by step": own_loop,
    "ours, torch.compile": own_compiled,
    "snnTorch": snntorch,
    "SpikingJelly": spikingjelly,
    "Norse": norse,
    "sinabs": sinabs,
    "lava-dl SLAYER": slayer,
}
PACKAGES = {
    "torch": "torch",
    "snnTorch": "snntorch",
    "SpikingJelly": "spikingjelly",
    "Norse": "norse",
    "sinabs": "sinabs",
    "lava-dl SLAYER": "lava-dl",
}
