"""Any network in integers as a PyTorch module that can be trained on, and comes back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from hw_models import FixedPointNetwork, InputError, ShapeError, TypeMismatchError, UnknownNameError
from hw_models.errors import brief
from ssdp_neuro.training.layers.integer_neurons import IntegerNeurons
from ssdp_neuro.training.layers.integer_synapses import EXACT_IN_FLOAT32, integer_synapses
from ssdp_neuro.training.layers.surrogate import FastSigmoid, Surrogate
from ssdp_neuro.training.torch_settings import usual_torch

Matrices = dict[str, dict[int, Tensor]]  # of projections, by delay


class IntegerNetwork(nn.Module):
    """A :class:`hw_models.FixedPointNetwork` that computes its integers exactly and can be trained.

    Going forward every weight, current and membrane potential is the chip's; going back
    gradients pass straight through roundings, and a surrogate stands in for the spike. So a
    network that came from any framework, from NIR or from netx can win back what its integers
    lost, and :meth:`to_network` gives it back in the same formats. Weights are learned, and
    biases where there are any. Rules of learning are kept and not carried out.

    Parameters
    ----------
    network
        Where it begins; not changed.
    output
        Name of the population whose spikes a call returns; the one that sends to no other by
        default.
    surrogate
        Slope of the spikes; ``FastSigmoid()`` by default.

    Raises
    ------
    UnknownNameError
        If no population has that name.
    InputError
        If no ``output`` is given, and not just one population sends to no other.

    Notes
    -----
    Neurons that take no part in a loop are computed for all steps in one pass where their
    threshold is one number and they start at rest; others step by step, which takes many times
    as long. Products are float32 where all sums fit its 24 bits, else float64.

    Examples
    --------
    >>> from hw_models import DenseProjection, InputPopulation, LifPopulation
    >>> network = FixedPointNetwork(
    ...     populations=[
    ...         InputPopulation(name="pixels", shape=(2,)),
    ...         LifPopulation(name="out", shape=(1,), current_decay=4095, voltage_decay=0,
    ...                       threshold=100),
    ...     ],
    ...     projections=[DenseProjection(source="pixels", target="out", weights=[[60, 60]])],
    ... )
    >>> model = IntegerNetwork(network)
    >>> model(torch.tensor([[[1.0, 1.0], [0.0, 0.0]]])).flatten().tolist()
    [0.0, 1.0]
    >>> model.to_network().projections[0].weights.tolist()
    [[60, 60]]
    """

    def __init__(
        self,
        network: FixedPointNetwork,
        *,
        output: str | None = None,
        surrogate: Surrogate | None = None,
    ) -> None:
        super().__init__()
        if not isinstance(network, FixedPointNetwork):
            raise TypeMismatchError(
                f"IntegerNetwork: {brief(network)}; a FixedPointNetwork is needed"
            )
        self.network = network
        self.output = _output(network, output)
        with usual_torch():
            chosen = surrogate or FastSigmoid()
            neurons = {p.name: IntegerNeurons(p, chosen) for p in network.neurons}
            synapses = {
                p.name: integer_synapses(
                    p,
                    network.population(p.source),
                    network.population(p.target),
                    neurons[p.target].unit,
                )
                for p in network.projections
            }
        # a module's name may hold no dot, a population's may: lists, and the names beside them
        self.neurons = nn.ModuleList(neurons.values())
        self.synapses = nn.ModuleList(synapses.values())
        self._groups = groups_in_order(network)
        self._narrow = {
            name: sum(synapses[p.name].largest_sum for p in _into(network, name)) < EXACT_IN_FLOAT32
            for name in neurons
        }

    def forward(self, spikes: Tensor | Mapping[str, Tensor]) -> Tensor:
        """Spikes of the output.

        Parameters
        ----------
        spikes : 0 and 1, shape (B, T, *shape) or (B, T, N)
            Of the input; by name if there are several, and one that is not named is silent.

        Returns
        -------
        0 and 1, shape (B, T, *shape), float32
        """
        fired = self.all_spikes(spikes)[self.output]
        return fired.unflatten(2, self.network.population(self.output).shape)

    def all_spikes(self, spikes: Tensor | Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Spikes of every population by name, each float32 ``(B, T, N)``.

        Raises
        ------
        UnknownNameError, ShapeError, InputError
            If spikes do not fit the inputs, or are not 0 and 1.
        """
        device = next(self.buffers()).device
        fired = self._inputs(spikes, device)
        with torch.autocast(device.type, enabled=False):
            matrices = self._matrices()
            for group in self._groups:
                arriving = {name: self._arriving(name, fired, matrices) for name in group}
                if len(group) == 1 and not self._inside(group):
                    (name,) = group
                    module = self._module(name)
                    fired[name] = module.whole(arriving[name], self._narrow[name]).float()
                else:
                    fired |= self._looped(group, arriving, matrices)
        return fired

    def to_network(self) -> FixedPointNetwork:
        """The network with what weights and biases have become, in the formats they had.

        Raises
        ------
        RangeError
            If a weight or a bias is not finite.
        """
        records: list[Any] = []
        records += [module.changed(projection) for projection, module in self._synapses()]
        for population in self.network.neurons:
            records.append(self._module(population.name).changed(population))
        return self.network.replace(*records)

    def extra_repr(self) -> str:
        """What ``print(model)`` shows."""
        return f"output={self.output!r}"

    def _synapses(self) -> list[tuple[Any, Any]]:
        return list(zip(self.network.projections, self.synapses, strict=True))

    def _module(self, name: str) -> Any:
        index = [p.name for p in self.network.neurons].index(name)
        return self.neurons[index]

    def _inputs(self, given: Any, device: torch.device) -> dict[str, Tensor]:
        inputs = {p.name: p for p in self.network.inputs}
        if not isinstance(given, Mapping):
            if len(inputs) != 1:
                raise InputError(
                    f"IntegerNetwork: one tensor of spikes for the inputs {sorted(inputs)};"
                    " a mapping by name is needed"
                )
            given = {next(iter(inputs)): given}
        unknown = sorted(set(given) - set(inputs))
        if unknown:
            raise UnknownNameError(f"no input named {unknown[0]!r}; there are {sorted(inputs)}")
        if not given:
            raise InputError("IntegerNetwork: no spikes; those of one input at least are needed")
        made = {}
        for name, spikes in given.items():
            shape, n_neurons = inputs[name].shape, inputs[name].n_neurons
            if spikes.ndim < 3 or tuple(spikes.shape[2:]) not in ((n_neurons,), shape):
                raise ShapeError(
                    f"IntegerNetwork: spikes {tuple(spikes.shape)} of {name!r};"
                    f" (B, T, {n_neurons}) or (B, T, *{shape}) is needed"
                )
            flat = spikes.to(device).flatten(2).float()
            if not bool(((flat == 0) | (flat == 1)).all()):
                raise InputError(f"IntegerNetwork: spikes of {name!r} are not all 0 or 1")
            made[name] = flat
        sizes = {tuple(spikes.shape[:2]) for spikes in made.values()}
        if len(sizes) != 1 or 0 in next(iter(sizes)):
            raise ShapeError(
                f"IntegerNetwork: samples and steps {sorted(sizes)} of the inputs;"
                " the same of all, and not 0, are needed"
            )
        for name, population in inputs.items():
            if name not in made:
                made[name] = torch.zeros(*next(iter(sizes)), population.n_neurons, device=device)
        return made

    def _matrices(self) -> Matrices:
        return {
            p.name: module.matrices(torch.float32 if module.exact_in_float32 else torch.float64)
            for p, module in self._synapses()
        }

    def _inside(self, group: tuple[str, ...]) -> list[tuple[Any, Any]]:
        """Projections, with their modules, that begin and end in a group."""
        return [(p, m) for p, m in self._synapses() if p.target in group and p.source in group]

    def _arriving(self, name: str, fired: dict[str, Tensor], matrices: Matrices) -> Tensor:
        """Input of a population in each step from those that are computed, ``(B, T, N)``."""
        n_samples, n_steps = next(iter(fired.values())).shape[:2]
        dtype = torch.float32 if self._narrow[name] else torch.float64
        size = self.network.population(name).n_neurons
        total = next(iter(fired.values())).new_zeros((n_samples, n_steps, size), dtype=dtype)
        for projection, module in self._synapses():
            if projection.target != name or projection.source not in fired:
                continue
            for delay, matrix in matrices[projection.name].items():
                late = 1 + delay
                if late >= n_steps:
                    continue
                sent = fired[projection.source][:, : n_steps - late].flatten(0, 1)
                felt = module(sent.to(matrix.dtype), matrix).unflatten(0, (n_samples, -1))
                total = total + functional.pad(felt.to(dtype), (0, 0, late, 0))
        return total

    def _looped(
        self, group: tuple[str, ...], arriving: dict[str, Tensor], matrices: Matrices
    ) -> dict[str, Tensor]:
        """Spikes of populations that hear each other, step by step."""
        n_samples, n_steps = arriving[group[0]].shape[:2]
        modules = {name: self._module(name) for name in group}
        registers = {name: module.at_rest(n_samples) for name, module in modules.items()}
        spikes: dict[str, list[Tensor]] = {name: [] for name in group}
        inside = self._inside(group)
        for t in range(n_steps):
            felt = {name: arriving[name][:, t].double() for name in group}
            for projection, module in inside:
                for delay, matrix in matrices[projection.name].items():
                    if t - 1 - delay >= 0:
                        sent = spikes[projection.source][t - 1 - delay]
                        heard = module(sent.to(matrix.dtype), matrix)
                        felt[projection.target] = felt[projection.target] + heard
            for name, module in modules.items():
                fired, registers[name] = module.step(t, felt[name], registers[name])
                spikes[name].append(fired.float())
        return {name: torch.stack(each, dim=1) for name, each in spikes.items()}


def groups_in_order(network: FixedPointNetwork) -> list[tuple[str, ...]]:
    """Populations of neurons, those that hear each other together, sources before targets."""
    names = [population.name for population in network.neurons]
    index = {name: i for i, name in enumerate(names)}
    reach = np.eye(len(names), dtype=bool)
    for projection in network.projections:
        if projection.source in index:
            reach[index[projection.source], index[projection.target]] = True
    for middle in range(len(names)):
        reach |= np.outer(reach[:, middle], reach[middle])
    both = reach & reach.T
    groups = {tuple(np.flatnonzero(row)): int(reach[:, i].sum()) for i, row in enumerate(both)}
    return [
        tuple(names[i] for i in group) for group in sorted(groups, key=lambda g: (groups[g], g))
    ]


def _into(network: FixedPointNetwork, name: str) -> list[Any]:
    return [projection for projection in network.projections if projection.target == name]


def _output(network: FixedPointNetwork, output: str | None) -> str:
    names = [population.name for population in network.neurons]
    if output is not None:
        if output not in names:
            raise UnknownNameError(f"no population of neurons named {output!r}; there are {names}")
        return output
    last = [n for n in names if all(p.target == n for p in network.projections if p.source == n)]
    if len(last) != 1:
        raise InputError(
            f"IntegerNetwork.output: {len(last)} populations send to no other: {last}; name one"
        )
    return last[0]
