"""Which cells the tensors of a run hold."""

from __future__ import annotations

import bisect
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from conversions.linear_maps.map_kinds import Map, fingerprint
from conversions.pytorch.trace.values import (
    Combination,
    Constants,
    Opaque,
    Potentials,
    Spikes,
    Value,
)

V = TypeVar("V", bound=Value)


class Tape:
    """All values of a run, and a picture of the memory that tensors share.

    For each block of memory that holds something traced there is a tensor of cells, laid out
    in the same way. So a view of a tensor, or a write through one, needs no bookkeeping.
    """

    def __init__(self) -> None:
        self.values: list[Value] = []
        self.starts: list[int] = []
        self.size = 0
        self.path = ""
        self.kinds: dict[str, str] = {}
        self.numbers_of: set[str] = set()  # populations that send real values
        self.read_by_python: set[str] = set()  # modules that take numbers out of tensors
        self._maps: dict[tuple[object, ...], Map] = {}
        self._pictures: dict[int, tuple[Any, int, Tensor]] = {}

    def cells(self, tensor: Tensor) -> Tensor | None:
        """Cells of a tensor, int64 of its shape (a view); None if it holds nothing traced."""
        if tensor.numel() == 0 or tensor.is_sparse:
            return None
        block = tensor.untyped_storage()
        found = self._pictures.get(block.data_ptr())
        if found is None or found[1] != tensor.element_size():
            return None
        return found[2].as_strided(tensor.shape, tensor.stride(), tensor.storage_offset())

    def write(self, tensor: Tensor, cells: Tensor) -> None:
        """From now on the tensor holds these cells, which broadcast to its shape."""
        if tensor.numel() == 0:
            return
        held = self.cells(tensor)
        if held is None:
            block = tensor.untyped_storage()
            size = block.nbytes() // tensor.element_size()
            if size == tensor.numel():
                picture = torch.empty(size, dtype=torch.int64)
            else:  # a part of a larger block: the rest is constant
                whole = torch.as_strided(tensor.detach(), (size,), (1,), 0)
                picture = self.constants(whole).reshape(-1).clone()
            self._pictures[block.data_ptr()] = (block, tensor.element_size(), picture)
            held = picture.as_strided(tensor.shape, tensor.stride(), tensor.storage_offset())
        held.copy_(cells)

    def add(self, kind: type[V], size: int, **fields: Any) -> np.ndarray:
        """Record a value; its cells, int64 ``(size,)``."""
        fields.setdefault("path", self.path)
        self.values.append(kind(start=self.size, size=size, **fields))
        self.starts.append(self.size)
        self.size += size
        return np.arange(self.size - size, self.size)

    def constants(self, tensor: Tensor) -> Tensor:
        """Cells of numbers that depend on no spike."""
        numbers = tensor.detach().to(torch.float64).reshape(-1).numpy().copy()
        return torch.from_numpy(self.add(Constants, len(numbers), numbers=numbers)).reshape(
            tensor.shape
        )

    def known(self, linear: Map) -> Map:
        """The same map, one object for all calls of a layer: weights are kept once."""
        return self._maps.setdefault(fingerprint(linear), linear)

    def spikes(self, tensor: Tensor, population: str, sample: Any, step: Any, neuron: Any) -> None:
        """The tensor holds spikes; of which sample, step and neuron, arrays of its shape."""
        flat = [np.ascontiguousarray(a).reshape(-1) for a in (sample, step, neuron)]
        cells = self.add(
            Spikes,
            tensor.numel(),
            population=population,
            sample=flat[0],
            step=flat[1],
            neuron=flat[2],
        )
        self.write(tensor, torch.from_numpy(cells).reshape(tensor.shape))

    def multiplied(self, tensor: Tensor, given: Tensor, factors: np.ndarray) -> None:
        """The tensor holds what another one does, times factors of its shape."""
        cells = self.cells(given)
        assert cells is not None
        part = (factors.reshape(-1), cells.reshape(-1).numpy().copy())
        made = self.add(Combination, tensor.numel(), parts=(part,), constant=0.0)
        self.write(tensor, torch.from_numpy(made).reshape(tensor.shape))

    def potentials(
        self, tensor: Tensor, population: str, sample: Any, step: Any, neuron: Any
    ) -> None:
        """The tensor holds membrane potentials; of which sample, step and neuron."""
        flat = [np.ascontiguousarray(a).reshape(-1) for a in (sample, step, neuron)]
        cells = self.add(
            Potentials,
            tensor.numel(),
            path=population,
            operation="the membrane potential of neurons, not their spikes",
            given=np.zeros(0, dtype=np.int64),
            population=population,
            sample=flat[0],
            step=flat[1],
            neuron=flat[2],
            numbers=tensor.detach().to(torch.float64).reshape(-1).numpy().copy(),
        )
        self.write(tensor, torch.from_numpy(cells).reshape(tensor.shape))

    def place(self, value: Value) -> str:
        """Where a value was made, for errors: the path of the module and its type."""
        return self.module(value.path)

    def module(self, path: str) -> str:
        """A module's path and type, for errors and notes."""
        return f"{path or 'forward'} ({self.kinds.get(path, 'the model')})"

    def value_of(self, cell: int) -> Value:
        """The value that a cell belongs to."""
        return self.values[bisect.bisect_right(self.starts, cell) - 1]

    def values_of(self, cells: np.ndarray) -> Iterable[tuple[Value, np.ndarray]]:
        """Each value among flat cells, with the places where it stands."""
        if not cells.size:
            return
        first, last = self.value_of(int(cells.min())), self.value_of(int(cells.max()))
        if first is last:
            yield first, np.arange(len(cells))
            return
        owner = np.searchsorted(np.asarray(self.starts), cells, side="right") - 1
        order = np.argsort(owner, kind="stable")
        edges = np.flatnonzero(np.diff(owner[order])) + 1
        for places in np.split(order, edges):
            yield self.values[owner[places[0]]], places

    def numbers(self, cells: Tensor) -> np.ndarray:
        """What cells of constants hold, float64 of their shape."""
        flat = cells.reshape(-1).numpy()
        made = np.zeros(len(flat))
        for value, places in self.values_of(flat):
            assert isinstance(value, Constants)
            made[places] = value.numbers[flat[places] - value.start]
        return made.reshape(tuple(cells.shape))

    def all_are(self, kinds: tuple[type[Value], ...], cells: Tensor) -> bool:
        """Whether the cells belong to values of these kinds only."""
        flat = cells.reshape(-1).numpy()
        return all(isinstance(value, kinds) for value, _ in self.values_of(flat))


Handler = Callable[..., Any]
"""``(tape, out, *args, **kwargs) -> cells of out`` (of all that is made, if several);
None if it can't be followed."""


def opaque(tape: Tape, tensor: Tensor, operation: str, given: list[Tensor]) -> Tensor:
    """Cells of something that is not followed."""
    flat = np.unique(np.concatenate([c.reshape(-1).numpy() for c in given] or [np.zeros(0)]))
    cells = tape.add(Opaque, tensor.numel(), operation=operation, given=flat.astype(np.int64))
    return torch.from_numpy(cells).reshape(tensor.shape)


def unchanged_spikes(tape: Tape, out: Tensor, given: Any) -> Tensor | None:
    """Of an operation on spikes that leaves 0 and 1 as they are."""
    cells = tape.cells(given) if isinstance(given, Tensor) else None
    if cells is None or out.shape != given.shape or not tape.all_are((Spikes,), cells):
        return None
    values = given.to(torch.float64)
    both = bool((values == 0).any()) and bool((values == 1).any())
    same = torch.equal(values, out.to(torch.float64))
    return cells.clone() if both and same else None


def operand(tape: Tape, given: Any) -> tuple[Tensor | None, np.ndarray]:
    """Cells of an operand, or the numbers of one that depends on no spike."""
    if not isinstance(given, Tensor):
        return None, np.float64(given)
    cells = tape.cells(given)
    if cells is None:
        return None, given.detach().to(torch.float64).numpy()
    if tape.all_are((Constants,), cells):
        return None, tape.numbers(cells)
    return cells, np.zeros(())
