"""What a run returns: spikes, probes and event counts, the same from every executor."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib import metadata
from typing import Any, Protocol

import numpy as np

from hw_models import InputError, UnknownNameError
from hw_models.errors import brief
from hw_models.extras import import_extra

EVENT = np.dtype([("step", np.int32), ("index", np.int32)])
BATCH_EVENT = np.dtype([("sample", np.int32), ("step", np.int32), ("index", np.int32)])
STATE_VARIABLES = ("u", "v")


@dataclass(frozen=True, kw_only=True)
class EventCounts:
    """What a run did, summed over steps and samples.

    Parameters
    ----------
    spikes
        Spikes of each population, by name.
    synaptic_operations
        Weights added by each projection, by name: a spike visits every synapse its
        source has in that projection (all targets of a dense one, the taps inside the
        image of a convolution).
    neuron_updates
        Neuron steps computed for each population, by name; depends on the executor
        (the engine skips neurons at rest), unlike the spikes and operations.
    """

    spikes: Mapping[str, int]
    synaptic_operations: Mapping[str, int]
    neuron_updates: Mapping[str, int]


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class RunResult:
    """Spikes and probes of a run.

    Parameters
    ----------
    sizes
        Neurons of each population, by name.
    n_steps
        Steps of a sample.
    n_samples
        Samples, or None for a run without a batch axis.
    reader
        Reads a population's spikes from what the executor left.
    probes
        Recorded state by ``(population, variable)``: int32 ``(T, N)`` or ``(B, T, N)``,
        after each step's update and reset.
    counts
        Event counts.
    executor
        Who computed it: ``engine``, ``oracle`` or ``lava``.
    seed
        Seed of the run.
    """

    sizes: Mapping[str, int]
    n_steps: int
    n_samples: int | None
    reader: SpikeReader
    probes: Mapping[tuple[str, str], np.ndarray]
    counts: EventCounts
    executor: str
    seed: int = 0
    _cache: dict[str, np.ndarray] = field(init=False, default_factory=dict)

    @property
    def populations(self) -> tuple[str, ...]:
        """Names of the populations."""
        return tuple(self.sizes)

    @property
    def versions(self) -> dict[str, str]:
        """Versions of the packages that computed the run."""
        return {name: metadata.version(name) for name in ("ssdp-neuro", "numba", "numpy")}

    def events(self, name: str) -> np.ndarray:
        """Spikes of a population, sorted by (sample,) step and index.

        Returns
        -------
        structured array, int32 fields ``step``, ``index`` and, for a batch, ``sample`` first
        """
        events = self._events(name)
        if self.n_samples is not None:
            return events
        single = np.empty(events.shape, dtype=EVENT)
        single["step"], single["index"] = events["step"], events["index"]
        return single

    def raster(self, name: str) -> np.ndarray:
        """Spikes of a population as a bool array ``(T, N)``, or ``(B, T, N)`` for a batch."""
        return self._without_batch(self.reader.raster(self._known(name)))

    def spike_counts(self, name: str) -> np.ndarray:
        """Spikes of each neuron: int64 ``(N,)``, or ``(B, N)`` for a batch."""
        return self._without_batch(self.reader.counts(self._known(name)))

    def first_spikes(self, name: str) -> np.ndarray:
        """First spike step of each neuron, ``n_steps`` if silent: int32 ``(N,)`` or ``(B, N)``."""
        return self._without_batch(self.reader.first_spikes(self._known(name)))

    def probe(self, name: str, variable: str) -> np.ndarray:
        """Recorded ``u`` or ``v`` of a population: int32 ``(T, N)``, or ``(B, T, N)``.

        Raises
        ------
        InputError
            If it was not asked for in ``probes=``.
        """
        if (name, variable) not in self.probes:
            known = ", ".join(map(repr, self.probes)) or "none"
            raise InputError(f"no probe {(name, variable)!r} in this run; there are {known}")
        return self.probes[name, variable]

    def to_xarray(self, population: str | None = None) -> Any:
        """Spikes and probes with named axes ``sample`` (of a batch), ``step`` and ``neuron``.

        Parameters
        ----------
        population
            One of the run's; all if not given.

        Returns
        -------
        xarray.Dataset of bool ``spikes`` and int32 ``u`` and ``v`` where they were probed; of all
        populations, an xarray.DataTree with such a data set for each

        Raises
        ------
        UnknownNameError
            If there is no such population.
        MissingExtraError
            If xarray is not installed.

        Examples
        --------
        >>> spikes = RasterReader({"out": np.ones((1, 3, 2), dtype=bool)})
        >>> counts = EventCounts(spikes={"out": 6}, synaptic_operations={}, neuron_updates={})
        >>> run = RunResult(sizes={"out": 2}, n_steps=3, n_samples=1, reader=spikes,
        ...                 probes={}, counts=counts, executor="engine")
        >>> dict(run.to_xarray("out").sizes)
        {'sample': 1, 'step': 3, 'neuron': 2}
        """
        xarray = import_extra("xarray", "analysis", "RunResult.to_xarray")
        if population is None:
            return xarray.DataTree.from_dict({n: self.to_xarray(n) for n in self.populations})
        arrays = {"spikes": self.raster(population)}
        for name, variable in self.probes:
            if name == population:
                arrays[variable] = self.probe(name, variable)
        axes = ("step", "neuron") if self.n_samples is None else ("sample", "step", "neuron")
        shape = arrays["spikes"].shape
        return xarray.Dataset(
            {name: (axes, array) for name, array in arrays.items()},
            coords={axis: np.arange(size) for axis, size in zip(axes, shape, strict=True)},
            attrs={"population": population, "executor": self.executor, "seed": self.seed},
        )

    def to_pandas(self, population: str | None = None) -> Any:
        """Spikes as a table with a row for each.

        Parameters
        ----------
        population
            One of the run's; all, one after the other, if not given.

        Returns
        -------
        pandas.DataFrame with the columns ``population`` (a category), ``sample`` (of a batch),
        ``step`` and ``neuron``, int32; probes are in ``to_xarray(population).to_dataframe()``

        Raises
        ------
        UnknownNameError
            If there is no such population.
        MissingExtraError
            If pandas is not installed.
        """
        pandas = import_extra("pandas", "analysis", "RunResult.to_pandas")
        names = self.populations if population is None else (population,)
        events = [self.events(name) for name in names]
        codes = np.repeat(np.arange(len(names)), [len(each) for each in events])
        columns = {"population": pandas.Categorical.from_codes(codes, categories=list(names))}
        for field_name in () if self.n_samples is None else ("sample",):
            columns[field_name] = np.concatenate([each[field_name] for each in events])
        columns["step"] = np.concatenate([each["step"] for each in events])
        columns["neuron"] = np.concatenate([each["index"] for each in events])
        return pandas.DataFrame(columns)

    def __repr__(self) -> str:
        samples = "" if self.n_samples is None else f"{self.n_samples} samples of "
        names = list(self.sizes)
        spikes = ", ".join(f"{name} {self.counts.spikes.get(name, 0):,}" for name in names[:6])
        more = f", and {len(names) - 6} more" if len(names) > 6 else ""
        return f"RunResult({self.executor}, {samples}{self.n_steps} steps, spikes: {spikes}{more})"

    def _repr_html_(self) -> str:
        from ssdp_neuro.plot.notebook_view import run_view

        return run_view(self)

    def _without_batch(self, array: np.ndarray) -> np.ndarray:
        return array if self.n_samples is not None else array[0]

    def _known(self, name: str) -> str:
        if name not in self.sizes:
            known = ", ".join(map(repr, self.sizes))
            raise UnknownNameError(f"no population named {name!r}; there are {known}")
        return name

    def _events(self, name: str) -> np.ndarray:
        if self._known(name) not in self._cache:
            events = self.reader.events(name)
            events.flags.writeable = False
            self._cache[name] = events
        return self._cache[name]


class SpikeReader(Protocol):
    """What an executor leaves of the spikes of a run, read when it is asked for."""

    def events(self, name: str) -> np.ndarray:
        """Spikes sorted by sample, step and index, dtype ``BATCH_EVENT``."""

    def counts(self, name: str) -> np.ndarray:
        """Spikes of each neuron, int64 ``(B, N)``."""

    def first_spikes(self, name: str) -> np.ndarray:
        """First spike step of each neuron, the number of steps if silent, int32 ``(B, N)``."""

    def raster(self, name: str) -> np.ndarray:
        """Spikes, bool ``(B, T, N)``, writable, not kept elsewhere."""


class RasterReader:
    """A :class:`SpikeReader` over bool arrays ``(B, T, N)``, for executors that make rasters.

    Parameters
    ----------
    rasters
        By population.
    """

    def __init__(self, rasters: Mapping[str, np.ndarray]) -> None:
        self._rasters = rasters

    def events(self, name: str) -> np.ndarray:
        """Spikes sorted by sample, step and index, dtype ``BATCH_EVENT``."""
        samples, steps, indices = np.nonzero(self._rasters[name])
        events = np.empty(samples.shape, dtype=BATCH_EVENT)
        events["sample"], events["step"], events["index"] = samples, steps, indices
        return events

    def counts(self, name: str) -> np.ndarray:
        """Spikes of each neuron, int64 ``(B, N)``."""
        return self._rasters[name].sum(axis=1, dtype=np.int64)

    def first_spikes(self, name: str) -> np.ndarray:
        """First spike step of each neuron, the number of steps if silent, int32 ``(B, N)``."""
        raster = self._rasters[name]
        first = np.where(raster.any(axis=1), raster.argmax(axis=1), raster.shape[1])
        return first.astype(np.int32)

    def raster(self, name: str) -> np.ndarray:
        """Spikes, bool ``(B, T, N)``, writable, not kept elsewhere."""
        return self._rasters[name].astype(bool)


def check_probes(network: Any, probes: Any) -> tuple[tuple[str, str], ...]:
    """The probes as ``(population, variable)`` pairs that exist.

    Raises
    ------
    InputError
        If one is not such a pair, or names an input or a variable other than u and v.
    """
    if not isinstance(probes, Iterable):
        raise InputError(f"probes: {brief(probes)}; pairs such as ('hidden', 'v') are needed")
    pairs = []
    for probe in probes:
        is_pair = isinstance(probe, tuple) and len(probe) == 2
        if not (is_pair and all(isinstance(part, str) for part in probe)):
            raise InputError(f"probe {brief(probe)}; a pair such as ('hidden', 'v') is needed")
        name, variable = probe
        population = network.population(name)
        if variable not in STATE_VARIABLES or population in network.inputs:
            raise InputError(f"probe {probe!r}; allowed are 'u' and 'v' of LIF populations")
        pairs.append((name, variable))
    return tuple(pairs)
