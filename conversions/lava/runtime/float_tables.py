"""The flat arrays of a program in floating point, made of its models and given back to them."""

from __future__ import annotations

from typing import Any

import numpy as np
from lava.proc.conv.models import PyConvModelFloat
from lava.proc.lif.models import (
    PyLifRefractoryModelFloat,
    PyLifResetModelFloat,
    PyTernLifModelFloat,
)

from conversions.lava.runtime.fast_convolution import ConvScratch, ConvTable
from conversions.lava.runtime.fast_delays import DelayScratch, DelayTable
from conversions.lava.runtime.model_building import Actor
from conversions.lava.runtime.neuron_turn import filled
from hw_models.errors import ConversionError
from ssdp_neuro.engine.kernels.float_program import (
    CONVOLVED,
    DENSE,
    IN_ORDER,
    LATE_DENSE,
    LATE_STORED,
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
    "is_graded", "weights_at", "starts_at", "posts_at", "rows_at", "late_at", "n_slots",
    "shape_of", "connection_inputs", "input_of", "input_at",
    "input_order", "kept_of", "kept_at", "kept_size",
)  # fmt: skip
STARTS = (
    "first_neuron", "neuron_inputs", "buffer_at", "weights_at", "late_at", "connection_inputs",
)  # fmt: skip
NUMBERS = ("bias", "keep_u", "keep_v", "low", "high", "data", "weights")
PLACES = ("starts", "posts", "rows", "order", "shapes")


class FloatTables:
    """Filled once: sources, neurons, connections, then the inputs of the last two, in order."""

    def __init__(self) -> None:
        self._counts: dict[str, list[int]] = {name: [] for name in COUNTS}
        for name in STARTS:
            self._counts[name].append(0)
        self._numbers: dict[str, list[np.ndarray]] = {name: [] for name in NUMBERS}
        self._places: dict[str, list[np.ndarray]] = {name: [] for name in PLACES}
        self._at: dict[tuple[int, int], tuple[int, int]] = {}
        self._neurons: list[Actor] = []
        self._connections: list[Actor] = []
        self._convolutions: list[ConvTable] = []
        self._delays: list[DelayTable] = []
        self._is_finite = True
        self._n_signals = self._most_stored = 0
        self.n_kept = 0
        self._program: FloatProgram | None = None

    def add_source(self, actor: Actor) -> None:
        """A ring buffer."""
        data = actor.model.data
        if data.dtype != np.float64:
            raise ConversionError(f"{actor.name} holds {data.dtype}")
        self._is_finite = self._is_finite and bool(np.isfinite(data).all())
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

    def add_connection(self, actor: Actor, weights: Any, *, is_graded: bool = False) -> None:
        """A connection, by its weights.

        These are a matrix ``(n_pre, n_post)``, one of SciPy's by columns ``(n_post, n_pre)``, a
        convolution or delays; ``is_graded`` if what arrives is multiplied by.
        """
        if is_graded and not self._is_finite:
            raise ConversionError(f"{actor.name} may hear numbers that are not finite")
        counts = self._counts
        for name in ("starts", "posts", "rows", "shapes"):
            counts["shape_of" if name == "shapes" else f"{name}_at"].append(
                sum(each.size for each in self._places[name])
            )
        n_slots = 0
        if isinstance(weights, ConvTable):
            kind, values = CONVOLVED, weights.weights
            n_pre, n_post = int(np.prod(weights.shape[:3])), int(np.prod(weights.shape[3:6]))
            self._places["shapes"].append(weights.shape)
            self._convolutions.append(weights)
        elif isinstance(weights, DelayTable):
            kind, values = LATE_STORED if weights.is_sparse else LATE_DENSE, weights.weights
            n_pre, (n_post, n_slots) = weights.starts.size - 1, weights.shape
            self._list(weights.starts, weights.places, weights.rooms(), weights.weights.size)
            self._delays.append(weights)
        elif isinstance(weights, np.ndarray):
            kind, values = DENSE, weights.reshape(-1)
            n_pre, n_post = weights.shape
        else:
            kind, values = STORED, weights.data
            n_post, n_pre = weights.shape
            stored = np.bincount(weights.indices, minlength=n_post)
            rooms = np.cumsum(stored) - stored
            self._list(weights.indptr, weights.indices, rooms, weights.nnz)
        for name, value in (
            ("kind", kind), ("n_pre", n_pre), ("n_slots", n_slots), ("is_graded", is_graded),
            ("weights_at", counts["weights_at"][-1] + values.size),
            ("late_at", counts["late_at"][-1] + n_post * n_slots),
            ("buffer_at", counts["buffer_at"][-1] + n_post),
        ):  # fmt: skip
            counts[name].append(int(value))
        self._numbers["weights"].append(values)
        self._at[actor.process.id, OF_BUFFER] = counts["buffer_at"][-2], n_post
        self._connections.append(actor)

    def _list(self, starts: Any, posts: Any, rooms: Any, n_most: int) -> None:
        for name, values in (("starts", starts), ("posts", posts), ("rows", rooms)):
            self._places[name].append(values.astype(np.int64))
        self._most_stored = max(self._most_stored, n_most)

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
                late=np.zeros(self._counts["late_at"][-1]),
                **self._scratch(),
                **{name: np.array(values, np.int64) for name, values in self._counts.items()},
                **{name: _joined(values, np.float64) for name, values in self._numbers.items()},
                **{name: _joined(values, np.int64) for name, values in self._places.items()},
            )
        return self._program

    def _scratch(self) -> dict[str, np.ndarray]:
        """Room for one connection at a time."""
        delays, images = DelayScratch.of(self._delays), ConvScratch.of(self._convolutions)
        return {
            "fired": np.zeros(self._most_stored),
            "counts": np.zeros(self._counts["buffer_at"][-1], np.int64),
            "late_counts": delays.counts,
            "at": delays.at,
            "lefts": delays.lefts,
            "marks": delays.marks,
            "late_sums": delays.sums,
            "pixel_starts": images.starts,
            "pixel_channels": images.channels,
            "pixel_heights": images.heights,
            "hits": images.hits,
            "hit_flags": images.is_hit,
            "tap_sums": images.sums,
        }

    def take_state(self) -> None:
        """Fill state from the models."""
        program = self.program()
        for actor, part in self._parts(self._neurons, "first_neuron"):
            model = actor.model
            program.u[part], program.v[part] = model.u.reshape(-1), model.v.reshape(-1)
            if type(model) is PyLifRefractoryModelFloat:
                program.rest_until[part] = model.refractory_period_end.reshape(-1)
        for actor, part, late in self._buffers():
            held = getattr(actor.model, buffer_of(actor.model))
            if late.stop > late.start:
                program.late[late] = held.reshape(-1)
                held = held[:, 0]
            program.buffer[part] = held.reshape(-1)

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
        for actor, part, late in self._buffers():
            name = buffer_of(actor.model)
            shape = getattr(actor.model, name).shape
            numbers = program.late[late] if late.stop > late.start else program.buffer[part]
            setattr(actor.model, name, numbers.reshape(shape).copy())

    def _buffers(self) -> Any:
        """Connections, with their part of what is sent next and of what is under way."""
        parts = self._parts(self._connections, "buffer_at")
        late = self._parts(self._connections, "late_at")
        return [(*one, other[1]) for one, other in zip(parts, late, strict=True)]

    def _parts(self, actors: list[Actor], starts: str) -> Any:
        first = self._counts[starts]
        return [(actor, slice(*first[k : k + 2])) for k, actor in enumerate(actors)]

    def _add_signal(self, actor: Actor, size: int) -> None:
        self._at[actor.process.id, OF_SIGNAL] = self._n_signals, size
        self._n_signals += size

    def _length(self, name: str) -> int:
        return sum(each.size for each in self._numbers[name])


def buffer_of(model: Any) -> str:
    """Name of the Var that holds what a connection sends next."""
    return "a_buf" if isinstance(model, PyConvModelFloat) else "a_buff"


def _joined(values: list[np.ndarray], dtype: Any) -> np.ndarray:
    return np.concatenate([np.zeros(0, dtype), *values]).astype(dtype)
