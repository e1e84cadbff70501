"""The flat arrays of a program in floating point, made of its models and given back to them."""

from __future__ import annotations

from typing import Any

import numpy as np
from lava.proc.lif.models import (
    PyLifRefractoryModelFloat,
    PyLifResetModelFloat,
    PyTernLifModelFloat,
)

from conversions.lava.runtime.model_building import Actor
from conversions.lava.runtime.neuron_turn import filled
from hw_models.errors import ConversionError
from ssdp_neuro.engine.kernels.float_program import (
    DENSE,
    IN_ORDER,
    OF_BUFFER,
    OF_CURRENT,
    OF_POTENTIAL,
    OF_SIGNAL,
    STORED,
    FloatProgram,
)

COUNTS = (
    "first_neuron", "sends_at", "period", "reset_interval", "reset_offset", "neuron_inputs",
    "source_at", "source_size", "source_data", "source_length", "buffer_at", "n_pre", "kind",
    "weights_at", "starts_at", "posts_at", "rows_at", "connection_inputs", "input_of", "input_at",
    "input_order", "kept_of", "kept_at", "kept_size",
)  # fmt: skip
NUMBERS = ("bias", "keep_u", "keep_v", "low", "high", "data", "weights")
PLACES = ("starts", "posts", "rows", "order")


class FloatTables:
    """Filled once: sources, neurons, connections, then the inputs of the last two, in order."""

    def __init__(self) -> None:
        self._counts: dict[str, list[int]] = {name: [] for name in COUNTS}
        for name in ("first_neuron", "neuron_inputs", "buffer_at", "connection_inputs"):
            self._counts[name].append(0)
        self._numbers: dict[str, list[np.ndarray]] = {name: [] for name in NUMBERS}
        self._places: dict[str, list[np.ndarray]] = {name: [] for name in PLACES}
        self._at: dict[tuple[int, int], tuple[int, int]] = {}
        self._neurons: list[Actor] = []
        self._connections: list[Actor] = []
        self._n_signals = self._most_stored = 0
        self.n_kept = 0
        self._program: FloatProgram | None = None

    def add_source(self, actor: Actor) -> None:
        """A ring buffer."""
        data = actor.model.data
        if data.dtype != np.float64:
            raise ConversionError(f"{actor.name} holds {data.dtype}")
        rows = data.reshape(-1, data.shape[-1]).T
        counts = self._counts
        counts["source_at"].append(self._n_signals)
        counts["source_size"].append(rows.shape[1])
        counts["source_length"].append(rows.shape[0])
        counts["source_data"].append(self._length("data"))
        self._numbers["data"].append(rows.reshape(-1))
        self._add_signal(actor, rows.shape[1])

    def add_neurons(self, actor: Actor) -> None:
        """A population; those that hear it in the same step come later."""
        model, counts = actor.model, self._counts
        shape = model.u.shape
        is_ternary = type(model) is PyTernLifModelFloat
        given = {
            "bias": model.bias_mant,
            "keep_u": 1 - np.asarray(model.du),
            "keep_v": 1 - np.asarray(model.dv),
            "low": model.vth_lo if is_ternary else -np.inf,
            "high": model.vth_hi if is_ternary else model.vth,
        }
        for name, value in given.items():
            each = filled(value, shape, np.float64)
            if each is None:
                raise ConversionError(f"{actor.name}: {name} is not one number for each neuron")
            self._numbers[name].append(each)
        rests = type(model) is PyLifRefractoryModelFloat
        resets = type(model) is PyLifResetModelFloat
        counts["period"].append(int(model.refractory_period) if rests else -1)
        counts["reset_interval"].append(int(model.reset_interval) if resets else 0)
        counts["reset_offset"].append(int(model.reset_offset) if resets else 0)
        counts["sends_at"].append(self._n_signals)
        first = counts["first_neuron"][-1]
        self._at[actor.process.id, OF_CURRENT] = first, model.u.size
        self._at[actor.process.id, OF_POTENTIAL] = first, model.u.size
        counts["first_neuron"].append(first + model.u.size)
        self._neurons.append(actor)
        self._add_signal(actor, model.u.size)

    def add_connection(self, actor: Actor, rows: Any) -> None:
        """Weights as a matrix ``(n_pre, n_post)``, or of SciPy by columns ``(n_post, n_pre)``."""
        counts = self._counts
        is_dense = isinstance(rows, np.ndarray)
        n_pre, n_post = rows.shape if is_dense else rows.shape[::-1]
        counts["kind"].append(DENSE if is_dense else STORED)
        counts["n_pre"].append(n_pre)
        counts["weights_at"].append(self._length("weights"))
        for name in ("starts", "posts", "rows"):
            counts[f"{name}_at"].append(sum(each.size for each in self._places[name]))
        if not is_dense:
            self._places["starts"].append(rows.indptr.astype(np.int64))
            self._places["posts"].append(rows.indices.astype(np.int64))
            stored = np.bincount(rows.indices, minlength=n_post)
            self._places["rows"].append(np.cumsum(stored) - stored)
            self._most_stored = max(self._most_stored, rows.nnz)
        self._numbers["weights"].append((rows if is_dense else rows.data).reshape(-1))
        first = counts["buffer_at"][-1]
        self._at[actor.process.id, OF_BUFFER] = first, n_post
        counts["buffer_at"].append(first + n_post)
        self._connections.append(actor)

    def add_inputs(self, inputs: list[tuple[int, int, Any]], of_neurons: bool) -> None:
        """What the next population or connection hears."""
        counts = self._counts
        for of, at, order in inputs:
            counts["input_of"].append(of)
            counts["input_at"].append(at)
            place = sum(each.size for each in self._places["order"])
            counts["input_order"].append(IN_ORDER if order is None else place)
            if order is not None:
                self._places["order"].append(np.asarray(order, np.int64))
        counts["neuron_inputs" if of_neurons else "connection_inputs"].append(
            len(counts["input_of"])
        )
        if of_neurons:  # those of connections follow
            counts["connection_inputs"][0] = len(counts["input_of"])

    def signal_of(self, actor: Actor, of: int) -> tuple[int, int, int]:
        """Where to read what a Process sends or holds: kind, first number, how many."""
        return (of, *self._at[actor.process.id, of])

    def keep(self, of: int, at: int, size: int) -> int:
        """Record so many numbers of every step; the number of the record."""
        for name, value in (("kept_of", of), ("kept_at", at), ("kept_size", size)):
            self._counts[name].append(value)
        self.n_kept += size
        return len(self._counts["kept_of"]) - 1

    def kept_in(self, kept: np.ndarray, number: int) -> np.ndarray:
        """Columns of a record."""
        first = sum(self._counts["kept_size"][:number])
        return kept[:, first : first + self._counts["kept_size"][number]]

    def program(self) -> FloatProgram:
        """The arrays, the same ones in every run."""
        if self._program is None:
            n_neurons = self._counts["first_neuron"][-1]
            widest = max(self._counts["n_pre"], default=1)
            self._program = FloatProgram(
                u=np.zeros(n_neurons),
                v=np.zeros(n_neurons),
                activation=np.zeros(n_neurons),
                rest_until=np.zeros(n_neurons, np.int64),
                signal=np.zeros(self._n_signals),
                buffer=np.zeros(self._counts["buffer_at"][-1]),
                arrived=np.zeros(widest),
                fires=np.zeros(widest, np.bool_),
                fired=np.zeros(self._most_stored),
                counts=np.zeros(self._counts["buffer_at"][-1], np.int64),
                **{name: np.array(values, np.int64) for name, values in self._counts.items()},
                **{name: _joined(values, np.float64) for name, values in self._numbers.items()},
                **{name: _joined(values, np.int64) for name, values in self._places.items()},
            )
        return self._program

    def take_state(self) -> None:
        """Fill state from the models."""
        program = self.program()
        for actor, part in self._parts(self._neurons, "first_neuron"):
            model = actor.model
            program.u[part], program.v[part] = model.u.reshape(-1), model.v.reshape(-1)
            if type(model) is PyLifRefractoryModelFloat:
                program.rest_until[part] = model.refractory_period_end.reshape(-1)
        for actor, part in self._parts(self._connections, "buffer_at"):
            program.buffer[part] = actor.model.a_buff.reshape(-1)

    def give_state(self) -> None:
        """Hand it back."""
        program = self.program()
        for actor, part in self._parts(self._neurons, "first_neuron"):
            model = actor.model
            model.u[...] = program.u[part].reshape(model.u.shape)
            model.v[...] = program.v[part].reshape(model.v.shape)
            if type(model) is PyLifRefractoryModelFloat:
                end = model.refractory_period_end
                end[...] = program.rest_until[part].reshape(end.shape)
        for actor, part in self._parts(self._connections, "buffer_at"):
            actor.model.a_buff = program.buffer[part].copy()

    def _parts(self, actors: list[Actor], starts: str) -> Any:
        first = self._counts[starts]
        return [(actor, slice(*first[k : k + 2])) for k, actor in enumerate(actors)]

    def _add_signal(self, actor: Actor, size: int) -> None:
        self._at[actor.process.id, OF_SIGNAL] = self._n_signals, size
        self._n_signals += size

    def _length(self, name: str) -> int:
        return sum(each.size for each in self._numbers[name])


def _joined(values: list[np.ndarray], dtype: Any) -> np.ndarray:
    return np.concatenate([np.zeros(0, dtype), *values]).astype(dtype)
