"""Where a session is: all that decides how it goes on, apart from the network, and its file."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from hw_models import InputError, NetworkFileError, ShapeError, SsdpError, SynchronyStatistics
from hw_models.arrays import integer_array, plain_array
from hw_models.atomic_file import whole_file
from hw_models.errors import brief
from hw_models.hdf5_contents import StoredArray, StoredGroup
from hw_models.hdf5_file import read_hdf5, reason_of, seal
from hw_models.integers import integer
from hw_models.learning_engine.learning_rule import LONGEST_EPOCH, TAG_LIMITS, TRACE_HIGH
from hw_models.records import FrozenRecord

FORMAT = "ssdp_neuro session"
VERSION = 4
MOST_STEPS = 2**62
WORD = (-(2**31), 2**31 - 1, np.int32)
COUNT = (0, 2**31 - 1, np.int32)
# axes, lowest and highest value and dtype of an array of each population or projection
NAMED: dict[str, tuple[set[int], tuple[int, int, Any]]] = {
    "u": ({1}, WORD),
    "v": ({1}, WORD),
    "waiting": ({1}, COUNT),
    "arriving": ({2}, WORD),
    "adapted": ({1}, COUNT),
    "weights": ({1, 2}, (-(2**15), 2**15 - 1, np.int16)),
}
# the same of what a rule keeps
RULE_ARRAYS: dict[str, tuple[set[int], tuple[int, int, Any]]] = {
    **{name: ({1, 2}, (*TAG_LIMITS[name], np.int16)) for name in TAG_LIMITS},
    "x": ({2}, (0, TRACE_HIGH, np.int64)),
    "y": ({2}, (-(2**31), 2**31 - 1, np.int64)),
    "last_pre": ({1}, (0, LONGEST_EPOCH, np.int64)),
    "last_post": ({1}, (0, LONGEST_EPOCH, np.int64)),
}
OPTIONAL = {"adapted", "heard", "rules"}
HEARD = {"codes": (0, 255, np.uint8), "counts": COUNT, "first": COUNT}


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class HeardSample(FrozenRecord):
    """What learning has noted of the sample under way, in the order of the network's projections.

    Parameters
    ----------
    codes
        Latency codes of sources and targets, uint8.
    counts, first
        Spikes, and step of the first one, of the targets, int32.
    """

    codes: Any
    counts: Any
    first: Any

    def __post_init__(self) -> None:
        for name, limits in HEARD.items():
            array = integer_array(f"HeardSample.{name}", getattr(self, name), *limits)
            if array.ndim != 1:
                raise ShapeError(f"HeardSample.{name}: shape {array.shape}; one axis is needed")
            object.__setattr__(self, name, array)


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class RuleState(FrozenRecord):
    """What a LearningRule keeps of a projection beside its weights.

    Parameters
    ----------
    clock
        Steps in which it was at work, from 0.
    tag_1, tag_2
        Tags and delay variables in the shape of the weights, int16.
    x, y
        Traces of the source and of the target, int64 ``(2, n_pre)`` and ``(3, n_post)``.
    last_pre, last_post
        Step within the epoch of the last spike, 1 and on, 0 for none; int64 ``(n_pre,)`` and
        ``(n_post,)``.
    """

    clock: int
    tag_1: Any
    tag_2: Any
    x: Any
    y: Any
    last_pre: Any
    last_post: Any

    def __post_init__(self) -> None:
        object.__setattr__(self, "clock", integer("RuleState.clock", self.clock, 0, MOST_STEPS))
        for name, (axes, limits) in RULE_ARRAYS.items():
            array = integer_array(f"RuleState.{name}", getattr(self, name), *limits)
            if array.ndim not in axes:
                raise ShapeError(f"RuleState.{name}: shape {array.shape}; axes needed: {axes}")
            object.__setattr__(self, name, array)


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class SessionState(FrozenRecord):
    """The state of a :class:`ssdp_neuro.Session` between two steps, in plain integers.

    It says nothing of how the engine holds it: two sessions that will go on alike have equal
    arrays, however often they were stopped on their way.

    Parameters
    ----------
    n_steps
        Steps since the network began, from which periodic resets are counted.
    u, v
        By LIF population: current and membrane potential, int32 ``(n_neurons,)``.
    waiting
        By LIF population: refractory steps left, int32 ``(n_neurons,)``.
    arriving
        By LIF population: synaptic input under way, int32 ``(longest delay + 1, n_neurons)``;
        row ``k`` arrives in the ``k``-th of the next steps.
    adapted
        By LIF population whose thresholds rise: by how much they have, on the membrane's scale,
        int32 ``(n_neurons,)``.
    weights
        By plastic projection: weight mantissas in the shape of the projection's, int16.
    n_samples
        Samples learned from so far.
    steps_learned
        Steps of those from which e-prop has learned.
    dopamine
        By projection with a dopamine gate: what its warm-up has counted.
    heard
        What learning has noted of the sample under way; None outside of one.
    rules
        By projection with a LearningRule, if one has been at work: what it keeps.

    Raises
    ------
    SsdpError
        If a field is not that. Whether it fits a network is checked by ``Session.restore``.
    """

    n_steps: int
    u: Mapping[str, Any]
    v: Mapping[str, Any]
    waiting: Mapping[str, Any]
    arriving: Mapping[str, Any]
    adapted: Mapping[str, Any] = field(default_factory=dict)
    weights: Mapping[str, Any] = field(default_factory=dict)
    n_samples: int = 0
    steps_learned: int = 0
    dopamine: Mapping[str, SynchronyStatistics] = field(default_factory=dict)
    heard: HeardSample | None = None
    rules: Mapping[str, RuleState] = field(default_factory=dict)

    def __post_init__(self) -> None:
        put = object.__setattr__
        for name in ("n_steps", "n_samples", "steps_learned"):
            put(self, name, integer(f"SessionState.{name}", getattr(self, name), 0, MOST_STEPS))
        for name, (axes, limits) in NAMED.items():
            given, arrays = _mapping(name, getattr(self, name)), {}
            for key, value in given.items():
                where = f"SessionState.{name}[{key!r}]"
                arrays[key] = integer_array(where, plain_array(where, value), *limits)
                if arrays[key].ndim not in axes:
                    raise ShapeError(f"{where}: shape {arrays[key].shape}; axes needed: {axes}")
            put(self, name, arrays)
        for key, statistics in _mapping("dopamine", self.dopamine).items():
            if not isinstance(statistics, SynchronyStatistics):
                raise InputError(f"SessionState.dopamine[{key!r}]: {brief(statistics)}")
        put(self, "dopamine", dict(self.dopamine))
        for key, rule in _mapping("rules", self.rules).items():
            if not isinstance(rule, RuleState):
                raise InputError(f"SessionState.rules[{key!r}]: {brief(rule)}; a RuleState")
        put(self, "rules", dict(self.rules))
        if self.heard is not None and not isinstance(self.heard, HeardSample):
            raise InputError(f"SessionState.heard: {brief(self.heard)}; a HeardSample or None")

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the state to an HDF5 file, whole or not at all.

        Raises
        ------
        NetworkFileError
            If the file cannot be written.
        """
        try:
            with whole_file(path) as partial:
                _write(self, partial)
                seal(partial)
        except NetworkFileError:
            raise
        except (RuntimeError, ValueError) as error:  # h5py's, for what it cannot write
            raise NetworkFileError(f"{path}: cannot be written: {reason_of(error)}") from None

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> SessionState:
        """Read a file of :meth:`save`.

        Raises
        ------
        MissingFileError
            If there is no such file.
        NetworkFileError
            If it cannot be read, is damaged or newer, or holds what a state refuses.
        """
        root = read_hdf5(path, "session file", _check_outline)
        try:
            return cls(
                n_steps=root.attributes["n_steps"],
                n_samples=root.attributes["n_samples"],
                steps_learned=root.attributes.get("steps_learned", 0),
                dopamine=_dopamine(root.attributes["dopamine"]),
                heard=HeardSample(**_values(root.members["heard"])) if "heard" in root.members
                else None,
                rules=_rules(root.members["rules"]) if "rules" in root.members else {},
                **{name: _values(root.members[name]) for name in NAMED if name in root.members},
            )  # fmt: skip
        except SsdpError as error:
            raise NetworkFileError(f"{path}: {error}") from None


def _mapping(name: str, given: Any) -> Mapping[str, Any]:
    if not isinstance(given, Mapping) or not all(isinstance(key, str) for key in given):
        raise InputError(f"SessionState.{name}: {brief(given)}; a mapping from names is needed")
    return given


def _write(state: SessionState, path: Any) -> None:
    import h5py

    with h5py.File(path, "x") as file:
        file.attrs["format"], file.attrs["version"] = FORMAT, 2
        file.attrs["n_steps"], file.attrs["n_samples"] = state.n_steps, state.n_samples
        if state.steps_learned:  # others are files of version 2
            file.attrs["version"], file.attrs["steps_learned"] = 3, state.steps_learned
        if state.adapted:
            file.attrs["version"] = VERSION
        counted = {name: dataclasses.asdict(sums) for name, sums in state.dopamine.items()}
        file.attrs["dopamine"] = json.dumps(counted)  # sums of more than 64 bits
        for name in NAMED:
            if name in OPTIONAL and not getattr(state, name):
                continue
            group = file.create_group(name)
            for key, array in getattr(state, name).items():
                group.create_dataset(key, data=array)
        for key, rule in state.rules.items():
            group = file.create_group(f"rules/{key}")
            group.attrs["clock"] = rule.clock
            for name in RULE_ARRAYS:
                group.create_dataset(name, data=getattr(rule, name))
        if state.heard is not None:
            group = file.create_group("heard")
            for name in HEARD:
                group.create_dataset(name, data=getattr(state.heard, name))


def _check_outline(root: StoredGroup) -> None:
    if root.attributes.get("format") != FORMAT:
        found = root.attributes.get("format")
        raise NetworkFileError(f"attribute 'format' is {found!r}; {FORMAT!r} is needed")
    version = root.attributes.get("version")
    if type(version) is not int or not 1 <= version <= VERSION:
        raise NetworkFileError(f"version {version!r}; this release reads versions 1 to {VERSION}")
    named = set(NAMED) - OPTIONAL
    needed = {"format", "version", "n_steps", "n_samples", "dopamine", *named}
    members = set(root.members) - OPTIONAL
    found = (set(root.attributes) - {"steps_learned"}) | members
    if found != needed or members != named:
        wrong = sorted(found ^ needed) or sorted(members ^ named)
        raise NetworkFileError(f"/: {wrong[0]!r} is missing, unknown or of the wrong kind")
    for name, group in root.members.items():
        if not isinstance(group, StoredGroup):
            raise NetworkFileError(f"/{name}: a data set; a group is needed")
        if name == "rules":
            for rule in group.members.values():
                _check_rule(rule)
            continue
        _check_arrays(group)
        if name == "heard" and set(group.members) != set(HEARD):
            raise NetworkFileError(f"/heard: {sorted(HEARD)} are needed")


def _check_rule(rule: StoredArray | StoredGroup) -> None:
    if not isinstance(rule, StoredGroup):
        raise NetworkFileError(f"{rule.path}: a data set; a group is needed")
    if set(rule.members) != set(RULE_ARRAYS) or set(rule.attributes) != {"clock"}:
        raise NetworkFileError(f"{rule.path}: 'clock' and {sorted(RULE_ARRAYS)} are needed")
    _check_arrays(rule)


def _check_arrays(group: StoredGroup) -> None:
    for array in group.members.values():
        if not isinstance(array, StoredArray) or array.dtype is None or not array.shape:
            raise NetworkFileError(f"{group.path}: arrays of integers are needed")
        if array.dtype.kind not in "iu":
            raise NetworkFileError(f"{array.path}: dtype {array.dtype}; integers are needed")


def _rules(group: Any) -> dict[str, RuleState]:
    return {
        name: RuleState(clock=rule.attributes["clock"], **_values(rule))
        for name, rule in group.members.items()
    }


def _values(group: Any) -> dict[str, Any]:
    return {name: array.value for name, array in group.members.items()}


def _dopamine(text: Any) -> dict[str, SynchronyStatistics]:
    try:
        return {name: SynchronyStatistics(**sums) for name, sums in json.loads(text).items()}
    except SsdpError:
        raise
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise NetworkFileError(f"attribute 'dopamine': damaged: {error!r}") from None
