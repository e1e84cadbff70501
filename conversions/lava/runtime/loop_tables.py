"""The flat arrays of a program in one loop, made of its models and given back to them."""

from __future__ import annotations

from typing import Any

import numpy as np
from lava.proc.lif.models import PyLifRefractoryModelFloat

from conversions.lava.runtime.fast_convolution import ConvScratch, ConvTable
from conversions.lava.runtime.fast_delays import DelayScratch, DelayTable
from conversions.lava.runtime.loop_worlds import NumberWorld, beyond_int32, exponent_of
from conversions.lava.runtime.model_building import Actor
from conversions.lava.runtime.neuron_constants import (
    RESETTING,
    SIGMA_DELTA_KINDS,
    fixed_constants,
    float_constants,
    sigma_delta_constants,
    states_of,
)
from hw_models.errors import ConversionError
from ssdp_neuro.engine.kernels.lava_program import (
    BY_NUMPY,
    CONVOLVED,
    DENSE,
    GRADED,
    IN_ORDER,
    LATE_DENSE,
    LATE_STORED,
    OF_BUFFER,
    OF_CURRENT,
    OF_ERROR,
    OF_POTENTIAL,
    OF_RESIDUE,
    OF_SIGNAL,
    STORED,
    UNARY,
    LoopProgram,
)
from ssdp_neuro.engine.kernels.lava_sigma_delta import LIF

COUNTS = (
    "first_neuron", "sends_at", "period", "reset_interval", "reset_offset", "neuron_inputs",
    "neuron_kind", "is_cumulative", "shift_in", "shift_out", "source_at", "source_size",
    "source_data", "source_length", "buffer_at", "n_pre", "kind",
    "is_graded", "weights_at", "starts_at", "posts_at", "rows_at", "late_at", "n_slots",
    "exponent", "arrived_at", "shape_of", "connection_inputs", "input_of", "input_at",
    "input_order", "kept_of", "kept_at", "kept_size",
)  # fmt: skip
STARTS = (
    "first_neuron", "neuron_inputs", "buffer_at", "weights_at", "late_at", "connection_inputs",
)  # fmt: skip
NUMBERS = ("bias", "keep_u", "keep_v", "low", "high", "data", "weights")
STATE_OF = {  # where the loop has Vars
    "u": OF_CURRENT, "v": OF_POTENTIAL, "sigma": OF_CURRENT, "act": OF_POTENTIAL,
    "residue": OF_RESIDUE, "error": OF_ERROR,
}  # fmt: skip
STATE_ARRAYS = {
    OF_CURRENT: "u", OF_POTENTIAL: "v", OF_RESIDUE: "residue", OF_ERROR: "error",
}  # fmt: skip
PLACES = ("starts", "posts", "rows", "order", "shapes")


class LoopTables:
    """Filled once: sources, neurons, connections, then the inputs of the last two, in order.

    Parameters
    ----------
    world
        The models' numbers.
    """

    def __init__(self, world: NumberWorld) -> None:
        self._world = world
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
        self._n_signals = self._most_stored = self._n_arrived = 0
        self.n_kept = 0
        self._program: LoopProgram | None = None

    def add_source(self, actor: Actor) -> None:
        """A ring buffer."""
        data = actor.model.data
        if data.dtype != self._world.stored:
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
        if type(model) in SIGMA_DELTA_KINDS:
            found = sigma_delta_constants(model, self._world.message)
            size = getattr(model, states_of(model)[0]).size
        else:
            found = (fixed_constants if self._world.is_fixed else float_constants)(model)
            size = model.u.size
        if found is None:
            raise ConversionError(f"{actor.name} holds what is not one number for each neuron")
        if type(model) in SIGMA_DELTA_KINDS:
            bias, high, kind, is_cumulative, before, after = found
            keep_u = keep_v = low = np.zeros(size)
        else:
            bias, keep_u, keep_v, low, high = found
            kind, is_cumulative, before, after = LIF, False, 0, 0
        for name, value in zip(NUMBERS, (bias, keep_u, keep_v, low, high), strict=False):
            self._numbers[name].append(value)
        rests, resets = type(model) is PyLifRefractoryModelFloat, type(model) in RESETTING
        for name, number in (
            ("period", model.refractory_period if rests else -1),
            ("reset_interval", model.reset_interval if resets else 0),
            ("reset_offset", model.reset_offset if resets else 0),
            ("neuron_kind", kind), ("is_cumulative", is_cumulative),
            ("shift_in", before), ("shift_out", after),
        ):  # fmt: skip
            counts[name].append(int(number))
        counts["sends_at"].append(self._n_signals)
        first = counts["first_neuron"][-1]
        for name in states_of(model):
            self._at[actor.process.id, STATE_OF[name]] = first, size
        counts["first_neuron"].append(first + size)
        self._neurons.append(actor)
        self._add_signal(actor, size)

    def add_connection(self, actor: Actor, weights: Any, n_pre: int, how: int) -> None:
        """A connection, by its weights.

        These are a matrix ``(n_pre, n_post)``, one of SciPy's by columns ``(n_post, n_pre)``, a
        convolution or delays; None where NumPy adds up. ``how`` is UNARY, GRADED or WIDE.

        Raises
        ------
        ConversionError
            If the loop does not hold it.
        """
        if how != UNARY and not (self._is_finite or weights is None):
            raise ConversionError(f"{actor.name} may hear numbers that are not finite")
        counts = self._counts
        for name in ("starts", "posts", "rows", "shapes"):
            counts["shape_of" if name == "shapes" else f"{name}_at"].append(
                sum(each.size for each in self._places[name])
            )
        n_slots = arrived_at = 0
        n_post = getattr(actor.model, buffer_of(actor.model)).size
        if weights is None:
            kind, values = BY_NUMPY, np.zeros(0)
            arrived_at, self._n_arrived = self._n_arrived, self._n_arrived + n_pre
        elif isinstance(weights, ConvTable):
            kind, values = CONVOLVED, weights.weights
            self._places["shapes"].append(weights.shape)
            self._convolutions.append(weights)
        elif isinstance(weights, DelayTable):
            kind, values = LATE_STORED if weights.is_sparse else LATE_DENSE, weights.weights
            n_post, n_slots = weights.shape
            self._list(weights.starts, weights.places, weights.rooms(), weights.weights.size)
            self._delays.append(weights)
        elif isinstance(weights, np.ndarray):
            kind, values = DENSE, weights.reshape(-1)
        else:
            kind, values = STORED, weights.data
            stored = np.bincount(weights.indices, minlength=n_post)
            rooms = np.cumsum(stored) - stored
            self._list(weights.indptr, weights.indices, rooms, weights.nnz)
        for name, value in (
            ("kind", kind), ("n_pre", n_pre), ("n_slots", n_slots), ("is_graded", how),
            ("arrived_at", arrived_at),
            ("exponent", exponent_of(actor) if kind != CONVOLVED and self._world.is_fixed else 0),
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

    def by_numpy(self) -> list[tuple[Any, bool, slice, slice]]:
        """Connections that NumPy adds up: model, whether graded, what arrives, what is gathered."""
        counts, found = self._counts, []
        shared = max(counts["n_pre"], default=1)
        for c, actor in enumerate(self._connections):
            if counts["kind"][c] == BY_NUMPY:
                begin = counts["arrived_at"][c]
                arrived = slice(shared + begin, shared + begin + counts["n_pre"][c])
                gathered = slice(*counts["buffer_at"][c : c + 2])
                found.append((actor.model, counts["is_graded"][c] != UNARY, arrived, gathered))
        return found

    def program(self) -> LoopProgram:
        """The arrays, the same ones in every run."""
        if self._program is None:
            n_neurons = self._counts["first_neuron"][-1]
            widest = max(self._counts["n_pre"], default=1)
            number, stored = self._world.number, self._world.stored
            types = {"data": stored, "weights": stored}
            self._program = LoopProgram(
                **{name: np.zeros(n_neurons, number) for name in STATE_ARRAYS.values()},
                activation=np.zeros(n_neurons, number),
                rest_until=np.zeros(n_neurons, np.int64),
                signal=np.zeros(self._n_signals, number),
                buffer=np.zeros(self._counts["buffer_at"][-1], number),
                arrived=np.zeros(widest + self._n_arrived, number),
                fires=np.zeros(widest, np.bool_),
                late=np.zeros(self._counts["late_at"][-1], number),
                beyond=np.array(beyond_int32(), np.int64),
                **self._scratch(),
                **{name: np.array(values, np.int64) for name, values in self._counts.items()},
                **{
                    name: _joined(values, types.get(name, number))
                    for name, values in self._numbers.items()
                },
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
            "late_sums": delays.sums.astype(self._world.number),
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
            for name in states_of(model):
                getattr(program, STATE_ARRAYS[STATE_OF[name]])[part] = getattr(model, name).reshape(
                    -1
                )
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
            for name in states_of(model):
                held = getattr(model, name)
                numbers = getattr(program, STATE_ARRAYS[STATE_OF[name]])[part].reshape(held.shape)
                if type(model) in SIGMA_DELTA_KINDS:  # these make new arrays, which others may hold
                    setattr(model, name, numbers.astype(held.dtype))
                else:
                    held[...] = numbers
            if type(model) is PyLifRefractoryModelFloat:
                end = model.refractory_period_end
                end[...] = program.rest_until[part].reshape(end.shape)
        for (actor, part, late), how in zip(
            self._buffers(), self._counts["is_graded"], strict=True
        ):
            name = buffer_of(actor.model)
            held = getattr(actor.model, name)
            numbers = program.late[late] if late.stop > late.start else program.buffer[part]
            dtype = self._world.message
            if type(actor.model) in self._world.plain and how != GRADED:
                dtype = self._world.number  # as of NumPy's sum
            setattr(actor.model, name, numbers.reshape(held.shape).astype(dtype))

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
    return "a_buff" if hasattr(model, "a_buff") else "a_buf"


def _joined(values: list[np.ndarray], dtype: Any) -> np.ndarray:
    return np.concatenate([np.zeros(0, dtype), *values]).astype(dtype)
