"""A run of a Lava program in the engine, and what its own Processes would have recorded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hw_models import InputError
from ssdp_neuro import RunResult

if TYPE_CHECKING:
    from conversions.lava_graph.program import LavaProgram
    from hw_models.lava_processes.reading.recorders import Recorder


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
            data: dict[str, dict[str, np.ndarray]] = {}
            for recorder in recorders:
                owner, variable = recorder.labels[0]
                data.setdefault(owner, {})[variable] = self._kept(recorder)
            return data
        (recorder,) = recorders
        kept = self._kept(recorder)
        return kept if recorder.n_steps is None else np.moveaxis(kept, 0, -1)

    def _kept(self, recorder: Recorder) -> np.ndarray:
        """What a recorder has room for, ``(room, *shape)``; step ``t`` is in row ``t % room``."""
        n_steps = self.result.n_steps
        room = n_steps if recorder.n_steps is None else recorder.n_steps
        kept = np.zeros((room, int(np.prod(recorder.shape))))
        last = np.arange(max(0, n_steps - room), n_steps)
        for tap in recorder.taps:
            if tap.variable != "spikes":
                state = self.result.probe(tap.population, tap.variable)
                kept[last % room] += state[last][:, tap.order]
            elif tap.population in self.program.ring_data:  # it may send more than 0 and 1
                data = self.program.ring_data[tap.population].T
                kept[last % room] += data[last % len(data)][:, tap.order]
            else:
                events = self.result.events(tap.population)
                events = events[events["step"] >= n_steps - room]
                place = np.argsort(tap.order)
                kept[events["step"] % room, place[events["index"]]] += 1
        return kept.reshape(room, *recorder.shape)
