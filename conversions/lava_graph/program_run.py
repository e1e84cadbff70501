"""A run of a Lava program in the engine, and what its own Processes would have recorded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hw_models import InputError
from ssdp_neuro import RunResult

if TYPE_CHECKING:
    from conversions.lava_graph.program import LavaProgram
    from hw_models.lava_processes.reading.recorders import Recorder, Tap


@dataclass(frozen=True, kw_only=True, eq=False)
class ProgramRun:
    """Spikes and state of a Lava program.

    Parameters
    ----------
    program
        What was run.
    result
        Rasters, probes and event counts by name of the population.
    """

    program: LavaProgram
    result: RunResult

    def raster(self, process: Any) -> np.ndarray:
        """Spikes of neurons or of a source: bool ``(n_steps, n_neurons)``."""
        return self.result.raster(self.program.name_of(process))

    def data(self, process: Any) -> Any:
        """What a Process of the program recorded.

        Parameters
        ----------
        process
            A ring-buffer sink, a Monitor or an Extractor.

        Returns
        -------
        float64, as Lava hands out its values. For a sink what ``sink.data.get()`` gives,
        ``(*shape, buffer)``. For a Monitor what ``monitor.get_data()`` gives, arrays
        ``(num_steps, *shape)`` by Process and variable. For an Extractor what ``receive()``
        gives step after step, ``(n_steps, *shape)``.

        Raises
        ------
        InputError
            If the Process is not one of these, or not of this program.
        """
        name = self.program.name_of(process)
        recorders = [each for each in self.program.recorders if each.name == name]
        if not recorders:
            known = ", ".join(repr(each.name) for each in self.program.recorders) or "none"
            raise InputError(f"{name!r} records nothing; recorders are {known}")
        if recorders[0].labels:
            return self._monitor_data(recorders)
        values, room = self._values(recorders[0]), recorders[0].n_steps
        return values.astype(np.float64) if room is None else _in_ring(values, room)

    def _monitor_data(self, recorders: list[Recorder]) -> dict[str, dict[str, np.ndarray]]:
        data: dict[str, dict[str, np.ndarray]] = {}
        for recorder in recorders:
            kept = np.zeros((recorder.n_steps or 0, *recorder.shape))
            kept[: self.result.n_steps] = self._values(recorder)
            owner, variable = recorder.labels[0]
            data.setdefault(owner, {})[variable] = kept
        return data

    def _values(self, recorder: Recorder) -> np.ndarray:
        """What a recorder heard, int32 ``(n_steps, *shape)``."""
        shape = (self.result.n_steps, *recorder.shape)
        heard = np.zeros((shape[0], int(np.prod(recorder.shape))), dtype=np.int32)
        for tap in recorder.taps:
            heard += self._tapped(tap)[:, tap.order]
        return heard.reshape(shape)

    def _tapped(self, tap: Tap) -> np.ndarray:
        if tap.variable != "spikes":
            return self.result.probe(tap.population, tap.variable)
        if tap.population in self.program.ring_data:  # it may send more than 0 and 1
            data = self.program.ring_data[tap.population]
            return data[:, np.arange(self.result.n_steps) % data.shape[1]].T
        return self.result.raster(tap.population).astype(np.int32)


def _in_ring(values: np.ndarray, size: int) -> np.ndarray:
    """Steps in a ring buffer of ``size``, the last axis; a later step takes an earlier's place."""
    n_steps = values.shape[0]
    ring = np.zeros((*values.shape[1:], size))
    last = np.arange(max(0, n_steps - size), n_steps)
    ring[..., last % size] = np.moveaxis(values[last], 0, -1)
    return ring
